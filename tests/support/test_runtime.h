/**
 * A whole runtime for unit tests: the in-memory storage, the real crypto provider, a keyring, a
 * cache and a clock that the test moves.
 *
 * Everything stops the test when it fails, but for what a test calls to see it fail.
 */
#ifndef TEST_RUNTIME_H
#define TEST_RUNTIME_H

#include "base/clock.h"
#include "resource/cache.h"
#include "resource/kind.h"

/** When the clock of a new runtime stands: 2026-01-15T12:00:00Z. */
#define TEST_RUNTIME_NOW INT64_C(1768478400000000)

/** The address that operations come from unless the test says otherwise. */
#define TEST_RUNTIME_PEER "192.0.2.10"

struct test_runtime;

/** test_runtime_new makes one that knows `kinds`. */
struct test_runtime *test_runtime_new(const struct chy_kind *const *kinds, size_t count);
/** test_runtime_beside makes another node over the storage of `first`, which is freed after it. */
struct test_runtime *test_runtime_beside(struct test_runtime *first);
void test_runtime_free(struct test_runtime *test);

/** test_runtime_of is what is tested. */
struct chy_runtime *test_runtime_of(struct test_runtime *test);
/** test_runtime_clock is the clock of this node and of all beside it. */
struct chy_clock_manual *test_runtime_clock(struct test_runtime *test);
/** test_runtime_kek is the master key's 32 bytes. */
struct chy_slice test_runtime_kek(void);

/** test_runtime_op makes an operation that acts for nobody and comes from TEST_RUNTIME_PEER. */
struct chy_op *test_runtime_op(struct test_runtime *test);
/** test_runtime_op_as makes one that acts for `principal`. */
struct chy_op *test_runtime_op_as(struct test_runtime *test, const struct chy_principal *principal);
void test_runtime_op_end(struct chy_op *op);

/** test_runtime_admin is a principal with every permission. */
const struct chy_principal *test_runtime_admin(void);

/** test_call calls the resource service.  `document` is JSON, or NULL; `id` may be NULL.  The
 *  answer,
 *   which may be NULL, belongs to `op`; on a failure it is NULL. */
chy_status test_call(struct test_runtime *test, struct chy_op *op, const char *kind,
                     const char *action, const char *id, const char *document, json_t **out_answer);

/** test_reason is the reason (enum chy_reason) of the last failure. */
uint32_t test_reason(struct chy_op *op);
/** test_message is its text, NUL-terminated, as long as the operation lives. */
const char *test_message(struct chy_op *op);
/** test_has_issue tells whether it names the JSON Pointer `path`. */
bool test_has_issue(struct chy_op *op, const char *path);

/** test_text is the text of a member, by a path such as "identity.id"; no such text stops the
 *  test. */
const char *test_text(const json_t *object, const char *path);
/** test_number is a number by such a path. */
int64_t test_number(const json_t *object, const char *path);

/** test_count counts the rows of a collection whose text field has a value; NULL: all of them. */
uint64_t test_count(struct test_runtime *test, uint32_t collection, uint32_t field,
                    const char *value);

#endif
