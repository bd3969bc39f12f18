/**
 * The words every Chancery interface is written in: slices, views, status, error record, operation.
 *
 * Rules for everything that crosses between host and plugin, stated once:
 *   - Arguments are not NULL unless a comment says so.  Outputs are untouched unless CHY_OK.
 *   - Inputs are borrowed for the call.  Outputs live in the operation's arena (secret outputs in
 *     its secret arena): nobody frees across the line, and nothing outlives the operation.
 *   - Every struct passed by pointer starts with `struct_size`, set by whoever fills it.  Members
 *     are only ever appended; reserved members are zero.  Slices, views and array elements carry no
 *     size: the stride of the view tells.
 *   - Integers have fixed widths, lengths are uint64_t, there is no implicit padding.
 *   - Times are int64_t microseconds.  Wall-clock times count from 1970-01-01T00:00:00Z (UTC).
 *   - Text is UTF-8.  A slice is not NUL-terminated unless the comment says so.
 *
 * The ABI is defined for targets with 64-bit pointers.
 *
 * Change log of this header
 *   1.0  first version
 */
#ifndef CHANCERY_TYPES_H
#define CHANCERY_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define CHY_BEGIN_DECLS extern "C" {
#define CHY_END_DECLS }
#define CHY_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define CHY_BEGIN_DECLS
#define CHY_END_DECLS
#define CHY_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

#define CHY_API __attribute__((visibility("default")))
#define CHY_MUST_USE __attribute__((warn_unused_result))
#define CHY_PRINTF(format_index, first_argument) \
    __attribute__((format(printf, format_index, first_argument)))

/** CHY_ABI_OFFSET pins a member's place; the second line of defence after the size. */
#define CHY_ABI_OFFSET(type, member, offset) \
    CHY_STATIC_ASSERT(offsetof(type, member) == (offset), #type "." #member " moved")
#define CHY_ABI_SIZE(type, size) CHY_STATIC_ASSERT(sizeof(type) == (size), #type " changed size")

/** CHY_HAS tells whether the table or struct `p` is new enough to have `member`. */
#define CHY_HAS(p, type, member) ((p)->struct_size >= offsetof(type, member) + sizeof((p)->member))

CHY_STATIC_ASSERT(sizeof(void *) == 8, "the Chancery ABI needs 64-bit pointers");

CHY_BEGIN_DECLS

/* ------------------------------------------------------------------------------------------------
 * Views
 */

/** A struct chy_slice borrows `len` bytes at `ptr`.  An empty one may have a NULL `ptr`. */
struct chy_slice {
    const uint8_t *ptr;
    uint64_t len;
};
CHY_ABI_SIZE(struct chy_slice, 16);

/** A struct chy_buffer borrows `len` writable bytes at `ptr`. */
struct chy_buffer {
    uint8_t *ptr;
    uint64_t len;
};
CHY_ABI_SIZE(struct chy_buffer, 16);

/**
 * A struct chy_view borrows `count` elements, `stride` bytes apart.  The stride is what the maker's
 * compiler thought the element's size is: read only the members that lie within it.
 */
struct chy_view {
    const void *ptr;
    uint64_t count;
    uint64_t stride;
};
CHY_ABI_SIZE(struct chy_view, 24);

/** CHY_TEXT makes a slice of a string literal.  For declarations; see chy_text() in host.h. */
#define CHY_TEXT_INIT(literal)                             \
    {                                                      \
        (const uint8_t *)("" literal), sizeof(literal) - 1 \
    }

/** CHY_VIEW_INIT makes a view of an array whose size the compiler knows. */
#define CHY_VIEW_INIT(array)                                            \
    {                                                                   \
        (array), sizeof(array) / sizeof((array)[0]), sizeof((array)[0]) \
    }

/** chy_slice_of makes a slice of `len` bytes at `ptr`. */
static inline struct chy_slice chy_slice_of(const void *ptr, uint64_t len)
{
    struct chy_slice slice = {(const uint8_t *)ptr, len};
    return slice;
}

/**
 * chy_text makes a slice of a NUL-terminated string, without the NUL.  NULL gives the empty slice.
 */
static inline struct chy_slice chy_text(const char *text)
{
    return chy_slice_of(text, text == NULL ? 0 : strlen(text));
}

/** chy_slice_equal compares contents.  Not constant-time: never for secrets. */
static inline int chy_slice_equal(struct chy_slice a, struct chy_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, (size_t)a.len) == 0);
}

/** chy_slice_is compares a slice with a NUL-terminated string. */
static inline int chy_slice_is(struct chy_slice slice, const char *text)
{
    return chy_slice_equal(slice, chy_text(text));
}

/** chy_view_at returns element `index` of `view`, or NULL past its end. */
static inline const void *chy_view_at(struct chy_view view, uint64_t index)
{
    return index < view.count ? (const uint8_t *)view.ptr + index * view.stride : NULL;
}

/* ------------------------------------------------------------------------------------------------
 * Status: what the caller does next
 */

/**
 * A chy_status answers one question: what may the caller do now?  The cause goes into the
 * operation's error record.  Append only; the numbers are ABI and stand in audit rows.  A value
 * that the reader does not know means CHY_BROKEN.
 */
typedef int32_t chy_status;

enum chy_status_value {
    CHY_OK = 0,
    CHY_NOT_FOUND = 1, /**< no such object; often a normal answer */
    CHY_CONFLICT = 2,  /**< exists already, or changed under us: read again and decide */
    CHY_DENIED = 3, /**< known what was asked, and the answer is no: asking again will not help */
    CHY_BAD_INPUT = 4,   /**< the asker sent something malformed or not permitted by policy */
    CHY_UNSUPPORTED = 5, /**< well-formed, but not offered here */
    CHY_TRY_LATER = 6,   /**< nothing happened and nothing will; the same call may succeed later */
    CHY_UNCERTAIN = 7,   /**< a write may or may not have happened: find out before trying again */
    CHY_NO_MEMORY = 8,   /**< this operation's memory limit was reached */
    CHY_BROKEN = 9       /**< a bug or a dead back end: a human must look */
};

/* ------------------------------------------------------------------------------------------------
 * Error record
 */

/**
 * A reason refines a status where protocols distinguish what the next step does not depend on.
 * Zero is always right.  Append only.
 */
enum chy_reason {
    CHY_REASON_NONE = 0,
    CHY_REASON_VALIDATION = 1, /**< BAD_INPUT: a field is wrong; `issues` lists each (HTTP 422) */
    CHY_REASON_UNAUTHENTICATED = 2, /**< DENIED: no readable credential, or a wrong log-in (401) */
    CHY_REASON_TOKEN = 3,      /**< DENIED: a well-formed token that is unknown or ended (403) */
    CHY_REASON_PERMISSION = 4, /**< DENIED: the principal lacks a permission (403) */
    CHY_REASON_BOUNDARY = 5,   /**< DENIED or CONFLICT: the state of things forbids it (403) */
    CHY_REASON_TOO_LARGE = 6,  /**< BAD_INPUT: the body is over its limit (413) */
    CHY_REASON_METHOD = 7,     /**< UNSUPPORTED: the path exists, the method does not (405) */
    CHY_REASON_MEDIA_TYPE = 8, /**< UNSUPPORTED: content type or encoding not accepted (415) */
    CHY_REASON_RATE = 9,       /**< TRY_LATER: this caller asked too often (429) */
    CHY_REASON_OVERLOAD = 10,  /**< TRY_LATER: the whole service is at its limit (503) */
    CHY_REASON_CRYPTO = 11,    /**< BAD_INPUT: a signature or key of the asker is no good (400) */
    CHY_REASON_TIMEOUT = 12,   /**< TRY_LATER: the deadline passed (504) */
    CHY_REASON_HEADERS_TOO_LARGE = 13 /**< BAD_INPUT: the header block is over its limit (431) */
};

/** One wrong field of a request: element of `chy_error.issues`. */
struct chy_issue {
    struct chy_slice code; /**< stable word: "invalid_type", "too_big", "invalid_string" … */
    struct chy_slice
        path; /**< JSON Pointer (RFC 6901) from the document's root: "/attributes/ttl" */
    struct chy_slice message; /**< for people: what was expected and what was found */
};
CHY_ABI_SIZE(struct chy_issue, 48);

/**
 * Why the last failure on an operation happened.  `message` holds no secret and no control byte.
 */
struct chy_error {
    uint32_t struct_size;
    int32_t status;         /**< a chy_status; CHY_OK when nothing failed */
    int64_t native_code;    /**< errno, SQLite, wolfCrypt … code; 0 if none */
    uint32_t reason;        /**< enum chy_reason */
    uint32_t retry_after_s; /**< for CHY_TRY_LATER: seconds to wait, 0 if unknown */
    struct chy_slice message;
    struct chy_view issues;   /**< of struct chy_issue; only with CHY_REASON_VALIDATION */
    struct chy_slice details; /**< a JSON value for the error envelope's `details`, or empty */
};
CHY_ABI_SIZE(struct chy_error, 80);
CHY_ABI_OFFSET(struct chy_error, message, 24);

/* ------------------------------------------------------------------------------------------------
 * Operation
 */

struct chy_host;

/** Flags of an operation. */
enum chy_op_flag {
    CHY_OP_JOB = 1U << 0 /**< a background job, not a request: nobody waits for the answer */
};

/**
 * One unit of work: its memory, deadline, identity and error.  What it holds is behind functions of
 * `host` (host.h).  An operation belongs to one thread at a time; it may pass to another only while
 * its call blocks.
 */
struct chy_op {
    uint32_t struct_size;
    uint32_t flags; /**< enum chy_op_flag */
    const struct chy_host *host;
};
CHY_ABI_SIZE(struct chy_op, 16);

CHY_END_DECLS

#endif
