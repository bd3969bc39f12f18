/**
 * Kinds of managed object, each declared once.
 *
 * A kind is a table: its members (wire name, stored field, JSON Schema, what may happen to it) and
 * its actions (name, permission, shape of the document, function).  From the members come
 * validation, storage and JSON for the ordinary actions; what a kind does beyond them is a function
 * of its own. resource, access and enroll each bring kinds; `command` registers them at start-up.
 */
#ifndef CHY_RESOURCE_KIND_H
#define CHY_RESOURCE_KIND_H

#include "resource/audit.h"
#include "resource/json.h"
#include "resource/principal.h"
#include "resource/runtime.h"
#include "resource/shape.h"

struct chy_call;
struct chy_kind;

enum chy_member_flag {
    CHY_MEMBER_REQUIRED = 1U << 0, /**< must be given when the object is made */
    CHY_MEMBER_FIXED = 1U << 1,    /**< given when it is made, never changed */
    CHY_MEMBER_DERIVED = 1U << 2   /**< never given: core sets it */
};

/** One member of an object. */
struct chy_member {
    const char *name;  /**< on the wire */
    uint32_t field;    /**< in the kind's collection */
    uint32_t flags;    /**< enum chy_member_flag */
    const char *shape; /**< JSON Schema of the value; NULL with CHY_MEMBER_DERIVED.  Where it
                            takes null, null clears the field */
};

enum chy_action_flag {
    CHY_ACTION_NEEDS_ID = 1U << 0,
    CHY_ACTION_QUERY = 1U << 1 /**< the document comes from a query string: all strings */
};

struct chy_action {
    const char *name;       /**< "create" */
    const char *permission; /**< CHY_ACTION_CREATE …; NULL: the function asks itself */
    uint32_t flags;         /**< enum chy_action_flag */
    /** JSON Schema of the document; NULL: for "create" and "update" it is made of the members, for
     *  others anything goes. */
    const char *shape;
    chy_status (*run)(struct chy_call *call);
};

/**
 * What an action answers, if it is not what the ordinary ones do: "create", "get", "update" and
 * "delete" answer the object under the kind's singular, "list" answers a page of them.
 */
struct chy_kind_answer {
    const char *action;
    const char *outline;     /**< as resource/outline.h has it; NULL: it is no JSON */
    const char *media_types; /**< "text/csv,application/x-ndjson"; NULL: JSON */
};

/** What a kind adds to the ordinary actions.  Any may be NULL. */
struct chy_kind_hooks {
    /** Before an object is written: checks what a shape cannot say, sets derived fields. */
    chy_status (*before_create)(struct chy_call *call, struct chy_batch *batch,
                                struct chy_write *write);
    chy_status (*before_update)(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch, struct chy_write *write);
    chy_status (*before_delete)(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch);
    /** Adds conditions to a list, beyond the kind's filters. */
    chy_status (*narrow)(struct chy_call *call, struct chy_query *query);
    /** Says no to a unique index that is taken: which status, reason and text. */
    chy_status (*on_conflict)(struct chy_call *call, struct chy_slice index);
    /** What conditions of permissions are held against, for a row with every field of the
     *  collection; `out_owner`: who asked for it.  NULL: permissions with conditions do not reach
     *  this kind. */
    chy_status (*facts)(struct chy_call *call, const struct chy_storage_row *row,
                        struct chy_uuid *out_owner, struct chy_facts *out_facts);
    /** Adds to the JSON of an object; the row has every field of the collection. */
    chy_status (*decorate)(struct chy_call *call, const struct chy_storage_row *row,
                           json_t *object);
    /** Adds to a JSON Schema what no table knows: of the object as it is answered, or as it is
     *  given. */
    chy_status (*describe)(const struct chy_runtime *runtime, struct chy_op *op, bool is_answer,
                           json_t *schema);
};

/** A member of a list's document that narrows it: the field has that value. */
struct chy_list_filter {
    const char *name;
    uint32_t field; /**< of texts, UUIDs or bools */
    bool lower;     /**< the field holds lower case, whatever was written */
};

struct chy_kind {
    const char *name;     /**< "certificate-profiles" */
    const char *singular; /**< "certificateProfile": wraps one; NULL: bare */
    const char *plural;   /**< "certificateProfiles": wraps a list; NULL: bare */
    const char *what;     /**< for people: "certificate profile" */
    const char *subject;  /**< of permissions; CHY_SUBJECT_… */
    const char *audit;    /**< first part of audit actions: "certificate-profile" */
    uint32_t collection;
    uint32_t id_field;
    uint32_t project_field; /**< CHY_NO_FIELD: not of a project; the
                                  id_field: a project itself, made by the whole instance */
    bool has_application;   /**< objects are of an application, or of none: `application_field`; a
                                 role there has permissions for them */
    uint32_t application_field;
    uint32_t search_field;  /**< a text that `search` is a prefix of; CHY_NO_FIELD: none */
    uint32_t created_field; /**< lists are ordered by it, newest first; indexed with the project */
    uint32_t updated_field; /**< CHY_NO_FIELD: none */
    const struct chy_member *members;
    size_t member_count;
    const struct chy_action *actions;
    size_t action_count;
    /** What narrows lists besides the text members of the object, which do by their own names. */
    const struct chy_list_filter *filters;
    size_t filter_count;
    /** Outline of what `decorate` adds to an object; without members, of the object. */
    const char *decoration;
    const struct chy_kind_answer *answers;
    size_t answer_count;
    const struct chy_kind *like; /**< the kind whose objects and answers these are; NULL: its own */
    struct chy_kind_hooks hooks;
};

#define CHY_NO_FIELD UINT32_MAX
#define CHY_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/** A name that a call has looked up already. */
struct chy_named {
    struct chy_uuid id;
    struct chy_slice name;
    struct chy_named *next;
};

/** One call of the resource service. */
struct chy_call {
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_kind *kind;
    const struct chy_action *action;
    struct chy_uuid id; /**< with CHY_ACTION_NEEDS_ID */
    struct chy_slice id_text;
    json_t *document;           /**< an object, of the action's shape; belongs to the operation */
    struct chy_uuid project_id; /**< of the object, or where it is made, once known */
    json_t *answer;             /**< what run() leaves; belongs to the operation */
    struct chy_slice secret;    /**< instead of `answer`: a body in the secret arena */
    struct chy_slice body;      /**< instead of `answer`: one that is no secret */
    /** Of `secret` or `body`, when it is no JSON; with a `file_name` it is something to keep. */
    const char *media_type;
    struct chy_slice file_name;
    struct chy_slice audit_detail; /**< a JSON object for the audit row; no secret */
    struct chy_named *named;       /**< chy_call_name() keeps what it has read here */
};

/** The registered kinds, their shapes made ready. */
struct chy_kinds;

CHY_MUST_USE chy_status chy_kinds_new(struct chy_op *op, const struct chy_kind *const *kinds,
                                      size_t count, struct chy_kinds **out_kinds);
void chy_kinds_free(struct chy_kinds *kinds);

/**
 * chy_kinds_call serves host->resource: finds kind and action, checks id and document, asks for the
 * permission, runs, writes the answer.  A refusal is audited here.
 */
CHY_MUST_USE chy_status chy_kinds_call(struct chy_runtime *runtime, struct chy_op *op,
                                       const struct chy_resource_call *resource_call,
                                       struct chy_resource_answer *out_answer);

/** chy_kinds_find finds an action; false: there is none. */
CHY_MUST_USE bool chy_kinds_find(const struct chy_kinds *kinds, struct chy_slice kind,
                                 struct chy_slice action, const struct chy_kind **out_kind,
                                 const struct chy_action **out_action);

/** chy_kind_shape makes the JSON Schema of an action's document; NULL: anything goes. */
CHY_MUST_USE chy_status chy_kind_shape(struct chy_op *op, const struct chy_kind *kind,
                                       const struct chy_action *action, json_t **out_json);

/* --- the ordinary actions -------------------------------------------------------------------- */

chy_status chy_kind_create(struct chy_call *call);
chy_status chy_kind_get(struct chy_call *call);
chy_status chy_kind_list(struct chy_call *call);
chy_status chy_kind_update(struct chy_call *call);
chy_status chy_kind_delete(struct chy_call *call);

/** CHY_LIST_SHAPE is what chy_kind_list() understands. */
#define CHY_LIST_SHAPE CHY_LIST_SHAPE_WITH("")
/** CHY_LIST_SHAPE_WITH adds members: text of JSON that begins with a comma. */
#define CHY_LIST_SHAPE_WITH(members)                      \
    "{\"type\":\"object\",\"properties\":{"               \
    "\"projectId\":" CHY_SHAPE_ID "," CHY_PAGE_MEMBERS    \
    ",\"search\":{\"type\":\"string\",\"maxLength\":255," \
    "\"description\":\"what its name begins with\"}" members "}}"

/** CHY_PAGE_MEMBERS are the members of a document by which chy_listing_init() pages. */
#define CHY_PAGE_MEMBERS                                             \
    "\"offset\":{\"type\":\"integer\",\"minimum\":0,"                \
    "\"description\":\"how many to leave out, up to 10000\"},"       \
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100," \
    "\"description\":\"how many at most\"},"                         \
    "\"cursor\":{\"type\":\"string\",\"maxLength\":2048,"            \
    "\"description\":\"where the last page ended, instead of offset\"}"

/* --- pieces, for functions of a kind's own ---------------------------------------------------- */

/** chy_kind_is_in_project tells whether objects are of a project; a project itself is of none. */
CHY_MUST_USE bool chy_kind_is_in_project(const struct chy_kind *kind);

/** chy_call_fields is a view of all field numbers of the kind's collection. */
struct chy_view chy_call_fields(const struct chy_call *call);

/**
 * chy_call_row reads the object `id`, whole, checks that it is in a project of the caller's and
 * that the permission of the action holds there, and notes the project.  NOT_FOUND else.
 */
CHY_MUST_USE chy_status chy_call_row(struct chy_call *call, const struct chy_uuid *id,
                                     struct chy_storage_row *out_row);

/**
 * chy_call_row_by reads the object, whole, whose `field`, unique in the call's project, is what the
 * document says as `name`: a slug, a name.  NOT_FOUND: there is none, or none in an application of
 * the caller's, who has been asked for the permission in the project.
 */
CHY_MUST_USE chy_status chy_call_row_by(struct chy_call *call, uint32_t field, const char *name,
                                        struct chy_storage_row *out_row);

/**
 * chy_call_project finds the project that the document means: its projectId or projectSlug, else
 * the caller's only or the active one, else BAD_INPUT; and asks for the action's permission there.
 */
CHY_MUST_USE chy_status chy_call_project(struct chy_call *call);

/**
 * chy_call_project_partly is chy_call_project for lists of things that may be of an application:
 * who has the permission in some of the project's applications only sees what is theirs, by
 * chy_call_narrow_applications(), which adds that condition on `field` where it is needed.  Who has
 * it under conditions sees what fulfils them: the caller looks at each row (hooks.facts).
 */
CHY_MUST_USE chy_status chy_call_project_partly(struct chy_call *call);
CHY_MUST_USE chy_status chy_call_narrow_applications(struct chy_call *call, struct chy_query *query,
                                                     uint32_t field);

/** chy_call_reference reads the row of another object that the document names by `member`, in the
 *  call's project.  NOT_FOUND names `what`. */
CHY_MUST_USE chy_status chy_call_reference(struct chy_call *call, const struct chy_uuid *id,
                                           uint32_t collection, uint32_t project_field,
                                           struct chy_view fields, const char *what,
                                           struct chy_storage_row *out_row);

/** chy_call_name reads by what name people know an object, once for each id of a call; empty: it
 *  was deleted. */
CHY_MUST_USE chy_status chy_call_name(struct chy_call *call, uint32_t collection,
                                      uint32_t name_field, const struct chy_uuid *id,
                                      struct chy_slice *out_name);

/** chy_kind_object makes the JSON of a row that has every field, by the kind's members alone. */
CHY_MUST_USE chy_status chy_kind_object(struct chy_op *op, const struct chy_kind *kind,
                                        const struct chy_storage_row *row, json_t **out_object);

/** chy_call_object is that of the call's kind, hooks included. */
CHY_MUST_USE chy_status chy_call_object(struct chy_call *call, const struct chy_storage_row *row,
                                        json_t **out_object);

/** chy_call_answer wraps `object` as the kind's singular and leaves it as the answer. */
CHY_MUST_USE chy_status chy_call_answer(struct chy_call *call, json_t *object);

/** chy_call_answer_row leaves a row that has every field as the answer: chy_call_object and
 *  chy_call_answer in one. */
CHY_MUST_USE chy_status chy_call_answer_row(struct chy_call *call,
                                            const struct chy_storage_row *row);

/** chy_call_set_members assigns what the document gives to a write. */
CHY_MUST_USE chy_status chy_call_set_members(struct chy_call *call, struct chy_write *write,
                                             bool is_update);

/**
 * chy_call_commit adds the audit row of `verb` ("create") with the call's audit_detail, and
 * commits; a unique index that is taken goes to the kind's on_conflict.
 */
CHY_MUST_USE chy_status chy_call_commit(struct chy_call *call, struct chy_batch *batch,
                                        const char *verb, const struct chy_uuid *target);

/** chy_call_commit_event is chy_call_commit where the audit row speaks of another thing than the
 *  call's own object. */
CHY_MUST_USE chy_status chy_call_commit_event(struct chy_call *call, struct chy_batch *batch,
                                              const struct chy_audit_event *event);

/** chy_call_uuid reads a member that its shape made a UUID; false: absent or null. */
CHY_MUST_USE bool chy_call_uuid(const struct chy_call *call, const char *name,
                                struct chy_uuid *out_uuid);

/** chy_value_to_json makes the JSON of a stored value; NULL: out of memory or damaged. */
json_t *chy_value_to_json(struct chy_op *op, const struct chy_value *value);

#endif
