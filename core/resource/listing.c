#include "resource/listing.h"

#include "base/encode.h"
#include "base/op.h"
#include "base/secret.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/keyring.h"

#include <stdlib.h>

/** Rows that one page, and one count, may examine. */
#define SCAN_MAX 10000U
/** Rows that are looked at together: even the largest take but a part of a request's memory. */
#define LOOKED_AT_ONCE 50U

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------------------------------------------
 * Cursors: version, position, rows to skip, the storage's cursor, MAC
 */

#define CURSOR_VERSION 1U
#define CURSOR_HEAD 17U
#define CURSOR_MAC 16U

/** bound_to writes what a cursor belongs to: list, project, and all that narrows or sorts it. */
static chy_status bound_to(const struct chy_call *call, struct chy_buf *buf)
{
    static const char *const paging[] = {"offset", "limit", "cursor", "projectId"};
    json_t *narrowing = chy_json_object(call->op);
    if (narrowing == NULL || json_object_update(narrowing, call->document) != 0) {
        return chy_fail_memory(call->op);
    }
    for (size_t i = 0; i < CHY_COUNT_OF(paging); i++) {
        (void)json_object_del(narrowing, paging[i]);
    }
    struct chy_slice text;
    CHY_TRY(chy_json_write_sorted(call->op, narrowing, &text));
    chy_buf_add_text(buf, call->kind->name);
    chy_buf_add_u8(buf, 0);
    chy_buf_add_text(buf, call->action->name);
    chy_buf_add_u8(buf, 0);
    chy_buf_add(buf, chy_slice_of(call->project_id.bytes, sizeof call->project_id.bytes));
    chy_buf_add(buf, text);
    chy_buf_add_u8(buf, 0);
    return CHY_OK;
}

static chy_status cursor_mac(const struct chy_call *call, struct chy_slice payload,
                             struct chy_slice *out_mac)
{
    struct chy_buf buf;
    chy_buf_init(&buf, call->op, CHY_JSON_MAX);
    CHY_TRY(bound_to(call, &buf));
    chy_buf_add(&buf, payload);
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, call->op, "the cursor");
    }
    CHY_TRY(chy_keyring_mac(call->runtime->keyring, call->op, CHY_MAC_CURSOR, chy_buf_slice(&buf),
                            out_mac));
    out_mac->len = CURSOR_MAC;
    return CHY_OK;
}

static chy_status write_cursor(const struct chy_listing *listing, uint64_t position,
                               uint64_t to_skip, struct chy_slice at, struct chy_slice *out_text)
{
    struct chy_call *call = listing->call;
    struct chy_buf buf;
    struct chy_buf text;
    struct chy_slice mac;
    chy_buf_init(&buf, call->op, CHY_STORAGE_TEXT_MAX);
    chy_buf_add_u8(&buf, CURSOR_VERSION);
    for (unsigned shift = 0; shift < 64; shift += 8) {
        chy_buf_add_u8(&buf, (uint8_t)(position >> shift));
    }
    for (unsigned shift = 0; shift < 64; shift += 8) {
        chy_buf_add_u8(&buf, (uint8_t)(to_skip >> shift));
    }
    chy_buf_add(&buf, at);
    CHY_TRY(cursor_mac(call, chy_buf_slice(&buf), &mac));
    chy_buf_add(&buf, mac);
    chy_buf_init(&text, call->op, CHY_STORAGE_TEXT_MAX);
    chy_base64url_add(&text, chy_buf_slice(&buf));
    *out_text = chy_buf_slice(&text);
    return chy_buf_ok(&buf) && chy_buf_ok(&text) ? CHY_OK
                                                 : chy_buf_fail(&text, call->op, "the cursor");
}

static uint64_t read_u64(const uint8_t *bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++) {
        number |= (uint64_t)bytes[i] << (8 * i);
    }
    return number;
}

static chy_status refuse_cursor(struct chy_call *call)
{
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "the cursor is not one of this list: a cursor reads on with the same filters "
                    "and the same order, in the same project");
}

static chy_status read_cursor(struct chy_listing *listing, struct chy_slice text)
{
    struct chy_call *call = listing->call;
    struct chy_slice mac;
    size_t len = 0;
    uint8_t *bytes = chy_alloc(call->op, text.len + 1);
    if (bytes == NULL) {
        return chy_fail_memory(call->op);
    }
    struct chy_buffer room = {bytes, text.len + 1};
    if (!chy_base64url_decode(text, room, &len) || len < CURSOR_HEAD + CURSOR_MAC ||
        bytes[0] != CURSOR_VERSION) {
        return refuse_cursor(call);
    }
    struct chy_slice payload = chy_slice_of(bytes, len - CURSOR_MAC);
    CHY_TRY(cursor_mac(call, payload, &mac));
    if (!chy_secret_equal(mac, chy_slice_of(bytes + payload.len, CURSOR_MAC))) {
        return refuse_cursor(call);
    }
    listing->offset = read_u64(bytes + 1);
    listing->to_skip = read_u64(bytes + 9);
    listing->cursor = chy_slice_of(bytes + CURSOR_HEAD, payload.len - CURSOR_HEAD);
    return CHY_OK;
}

static uint64_t number_or(const struct chy_call *call, const char *name, uint64_t fallback)
{
    const json_t *json = json_object_get(call->document, name);
    return json_is_integer(json) ? (uint64_t)json_integer_value(json) : fallback;
}

chy_status chy_listing_init(struct chy_listing *listing, struct chy_call *call, uint32_t collection,
                            struct chy_view fields, uint64_t default_limit)
{
    struct chy_slice cursor = chy_json_member(call->document, "cursor");
    memset(listing, 0, sizeof *listing);
    listing->call = call;
    listing->examine = SCAN_MAX;
    listing->fields = fields;
    listing->limit = number_or(call, "limit", default_limit);
    listing->offset = number_or(call, "offset", 0);
    chy_query_init(&listing->query, call->op, collection, fields, listing->limit);
    if (listing->offset > CHY_LIST_COUNT_MAX) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the offset is at most %u: read further on with the 'cursor' that each "
                        "page gives",
                        CHY_LIST_COUNT_MAX);
    }
    if (cursor.len != 0 && listing->offset != 0) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0, "give an offset or a cursor, not both");
    }
    if (cursor.len != 0) {
        return read_cursor(listing, cursor);
    }
    listing->to_skip = listing->offset;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Walking
 */

/** Where the walk stands. */
struct walk {
    struct chy_listing *listing;
    struct chy_slice at;
    uint64_t budget; /**< rows that it may still examine */
    bool more;
};

/** fetch reads the next rows, as they come. */
static chy_status fetch(struct walk *walk, uint64_t limit, struct chy_view fields,
                        struct chy_storage_page *page)
{
    struct chy_query *query = &walk->listing->query;
    query->find.limit = least(limit, walk->budget);
    query->find.scan_limit = walk->budget;
    query->find.fields = fields;
    query->find.cursor = walk->at;
    CHY_TRY(chy_query_run(query, walk->listing->call->runtime->storage, page));
    walk->at = page->cursor;
    walk->more = page->more != 0;
    // What a plugin examined to find nothing costs one step at least, so that every walk ends.
    uint64_t examined = page->scanned > page->rows.count ? page->scanned : page->rows.count;
    walk->budget -= least(walk->budget, examined == 0 ? 1 : examined);
    return CHY_OK;
}

/** sift leaves those of a page that are kept, `wanted` at most; `out_used` is how many rows of it
 *  that took. */
static uint64_t sift(const struct chy_listing *listing, const struct chy_storage_page *page,
                     uint64_t wanted, const struct chy_storage_row **out_rows, uint64_t *out_used)
{
    uint64_t kept = 0;
    uint64_t used = 0;
    for (; used < page->rows.count && kept < wanted; used++) {
        const struct chy_storage_row *row = chy_page_row(page, used);
        if (listing->keep(listing->keep_context, row)) {
            out_rows[kept++] = row;
        }
    }
    *out_used = used;
    return kept;
}

/** copy_row takes the first `count` fields of a row out of its page. */
static chy_status copy_row(struct chy_op *op, const struct chy_storage_row *row, uint64_t count,
                           const struct chy_storage_row **out_row)
{
    struct chy_value *values = chy_alloc(op, count * sizeof *values);
    struct chy_storage_row *copy = chy_alloc(op, sizeof *copy);
    if (values == NULL || copy == NULL) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < count; i++) {
        values[i] = *chy_row_value(row, i);
        if (values[i].bytes.len != 0) {
            CHY_TRY(chy_copy(op, values[i].bytes, &values[i].bytes));
        }
    }
    copy->values = chy_view_of(values, count, sizeof *values);
    copy->revision = row->revision;
    *out_row = copy;
    return CHY_OK;
}

/** look_at_page reads a page and leaves what of it is kept, as far as it is needed afterwards. */
static chy_status look_at_page(struct walk *walk, struct chy_op *child, uint64_t wanted,
                               struct chy_view fields, const struct chy_storage_row **out_rows,
                               uint64_t *out_kept)
{
    const struct chy_listing *listing = walk->listing;
    struct chy_op *op = listing->call->op;
    struct chy_storage_page page;
    struct walk before = *walk;
    uint64_t used;
    walk->listing->query.op = child;
    CHY_TRY(fetch(walk, LOOKED_AT_ONCE, fields, &page));
    uint64_t kept = sift(listing, &page, wanted, out_rows, &used);
    if (used < page.rows.count) { // too far: read as much of it as was used
        *walk = before;
        CHY_TRY(fetch(walk, used, fields, &page));
        kept = sift(listing, &page, wanted, out_rows, &used);
    }
    for (uint64_t i = 0; i < kept; i++) {
        CHY_TRY(copy_row(op, out_rows[i], listing->compare == NULL ? 1 : listing->order_fields,
                         &out_rows[i]));
    }
    *out_kept = kept;
    return chy_copy(op, walk->at, &walk->at);
}

/** take_kept is take() of rows that are looked at, each page in an operation of its own: of
 *  thousands that are large only a few may be kept. */
static chy_status take_kept(struct walk *walk, uint64_t wanted, struct chy_view fields,
                            const struct chy_storage_row **out_rows, uint64_t *out_count)
{
    struct chy_op *op = walk->listing->call->op;
    uint64_t count = 0;
    chy_status status = CHY_OK;
    while (status == CHY_OK && count < wanted && walk->more && walk->budget != 0) {
        uint64_t kept = 0;
        struct chy_op *child = op->host->op_child(op);
        if (child == NULL) {
            return chy_fail_memory(op);
        }
        status = look_at_page(walk, child, wanted - count, fields, out_rows + count, &kept);
        walk->listing->query.op = op;
        status = chy_op_end_child(op, child, status);
        count += kept;
    }
    *out_count = count;
    return status;
}

/** take reads the next rows that are kept: `wanted` of them at most, fewer when the walk or its
 *  budget ends.  Behind the last one it goes on. */
static chy_status take(struct walk *walk, uint64_t wanted, struct chy_view fields,
                       const struct chy_storage_row **out_rows, uint64_t *out_count)
{
    uint64_t count = 0;
    if (walk->listing->keep != NULL) {
        return take_kept(walk, wanted, fields, out_rows, out_count);
    }
    while (count < wanted && walk->more && walk->budget != 0) {
        struct chy_storage_page page;
        CHY_TRY(fetch(walk, least(wanted - count, CHY_STORAGE_PAGE_MAX), fields, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            out_rows[count++] = chy_page_row(&page, i);
        }
    }
    *out_count = count;
    return CHY_OK;
}

/** pass goes over `wanted` rows. */
static chy_status pass(struct walk *walk, uint64_t wanted, uint64_t *out_passed)
{
    const struct chy_listing *listing = walk->listing;
    struct chy_view fields = listing->keep == NULL ? CHY_NO_FIELDS : listing->keep_fields;
    const struct chy_storage_row **rows =
        chy_alloc(listing->call->op, CHY_STORAGE_PAGE_MAX * sizeof *rows);
    uint64_t passed = 0;
    uint64_t count = 1;
    if (rows == NULL) {
        return chy_fail_memory(listing->call->op);
    }
    while (passed < wanted && count != 0) {
        CHY_TRY(take(walk, least(wanted - passed, CHY_STORAGE_PAGE_MAX), fields, rows, &count));
        passed += count;
    }
    *out_passed = passed;
    return CHY_OK;
}

/** count_on tells how many rows there are in all; `seen` of them lie before the walk. */
static chy_status count_on(struct walk *walk, uint64_t seen, uint64_t *out_total)
{
    const struct chy_listing *listing = walk->listing;
    uint64_t counted = 0;
    uint64_t beyond = listing->offset + listing->limit + 1;
    walk->budget = listing->examine;
    if (seen < CHY_LIST_COUNT_MAX) {
        CHY_TRY(pass(walk, CHY_LIST_COUNT_MAX - seen, &counted));
    }
    *out_total = seen + counted;
    if (walk->more && *out_total >= CHY_LIST_COUNT_MAX) {
        *out_total = beyond > CHY_LIST_COUNT_MAX ? beyond : CHY_LIST_COUNT_MAX;
    } else if (walk->more) {
        *out_total += 1; // examining ended: as far as is known
    }
    return CHY_OK;
}

static chy_status find_total(struct walk *walk, const struct chy_list_page *page, uint64_t position,
                             uint64_t *out_total)
{
    const struct chy_listing *listing = walk->listing;
    uint64_t seen = position + page->count;
    if (!walk->more) {
        *out_total = seen;
        return CHY_OK;
    }
    if (listing->has_total) {
        *out_total = listing->total > seen ? listing->total : seen + 1;
        return CHY_OK;
    }
    if (page->count < listing->limit) {
        *out_total = seen + 1;
        return CHY_OK;
    }
    return count_on(walk, seen, out_total);
}

/* ------------------------------------------------------------------------------------------------
 * Pages
 */

/** spread gives each value the place of its field. */
static chy_status spread(const struct chy_listing *listing, const struct chy_storage_row *row,
                         const struct chy_storage_row **out_row)
{
    uint64_t count = chy_core_fields(listing->query.find.collection).count;
    struct chy_value *values = chy_alloc(listing->call->op, count * sizeof *values);
    struct chy_storage_row *wide = chy_alloc(listing->call->op, sizeof *wide);
    if (values == NULL || wide == NULL) {
        return chy_fail_memory(listing->call->op);
    }
    memset(values, 0, count * sizeof *values);
    for (uint32_t i = 0; i < listing->fields.count; i++) {
        values[*(const uint32_t *)chy_view_item(listing->fields, i)] = *chy_row_value(row, i);
    }
    wide->values = chy_view_of(values, count, sizeof *values);
    wide->revision = row->revision;
    *out_row = wide;
    return CHY_OK;
}

static chy_status read_whole(const struct chy_listing *listing, const struct chy_uuid *id,
                             const struct chy_storage_row **out_row)
{
    struct chy_storage_row *row = chy_alloc(listing->call->op, sizeof *row);
    if (row == NULL) {
        return chy_fail_memory(listing->call->op);
    }
    CHY_TRY(chy_storage_read(listing->call->runtime->storage, listing->call->op,
                             listing->query.find.collection, CHY_KEY(chy_value_uuid(id)),
                             listing->fields, row));
    *out_row = row;
    return listing->spread ? spread(listing, row, out_row) : CHY_OK;
}

/** add_whole adds rows of which only a few fields were read. */
static chy_status add_whole(const struct chy_listing *listing,
                            const struct chy_storage_row *const *rows, uint64_t count,
                            struct chy_list_page *page)
{
    for (uint64_t i = 0; i < count; i++) {
        struct chy_uuid id = chy_row_uuid(rows[i], 0);
        chy_status status = read_whole(listing, &id, &page->rows[page->count]);
        if (status == CHY_OK) {
            page->count++;
        } else if (status != CHY_NOT_FOUND) { // that one was deleted since
            return status;
        }
    }
    return CHY_OK;
}

/** take_page takes the page's rows.  Those that `keep` chose are read again, whole: many others
 *  were looked at for each. */
static chy_status take_page(struct walk *walk, struct chy_list_page *page)
{
    const struct chy_listing *listing = walk->listing;
    const struct chy_storage_row **rows =
        chy_alloc(listing->call->op, (listing->limit + 1) * sizeof *rows);
    uint64_t count;
    if (rows == NULL) {
        return chy_fail_memory(listing->call->op);
    }
    CHY_TRY(take(walk, listing->limit,
                 listing->keep == NULL ? listing->fields : listing->keep_fields, rows, &count));
    if (listing->keep != NULL) {
        return add_whole(listing, rows, count, page);
    }
    for (; page->count < count; page->count++) {
        page->rows[page->count] = rows[page->count];
        if (listing->spread) {
            CHY_TRY(spread(listing, rows[page->count], &page->rows[page->count]));
        }
    }
    return CHY_OK;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct chy_listing *listing = (const struct chy_listing *)context;
    const struct chy_storage_row *first = *(const struct chy_storage_row *const *)a;
    const struct chy_storage_row *second = *(const struct chy_storage_row *const *)b;
    int result = listing->compare(listing->keep_context, first, second);
    if (result != 0) {
        return listing->descending ? -result : result;
    }
    struct chy_uuid first_id = chy_row_uuid(first, 0);
    struct chy_uuid second_id = chy_row_uuid(second, 0);
    return chy_uuid_compare(&first_id, &second_id);
}

/** run_sorted sorts all that matches, when it is few. */
static chy_status run_sorted(struct chy_listing *listing, struct chy_list_page *page)
{
    struct chy_op *op = listing->call->op;
    struct walk walk = {.listing = listing, .budget = SCAN_MAX, .more = true};
    const struct chy_storage_row **rows = chy_alloc(op, SCAN_MAX * sizeof *rows);
    uint64_t count;
    if (rows == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(take(&walk, SCAN_MAX, listing->keep_fields, rows, &count));
    if (walk.more) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "more than %u rows would have to be looked at to sort by %s: narrow the "
                        "search, or sort by a time that is indexed",
                        SCAN_MAX, listing->sort_name);
    }
    qsort_r(rows, (size_t)count, sizeof(struct chy_storage_row *), compare_rows, listing);
    page->total = count;
    if (listing->offset >= count) {
        return CHY_OK;
    }
    return add_whole(listing, rows + listing->offset,
                     least(listing->limit, count - listing->offset), page);
}

static chy_status run_walk(struct chy_listing *listing, struct chy_list_page *page)
{
    uint64_t passed;
    struct walk walk = {.listing = listing,
                        .at = listing->cursor,
                        .budget = listing->examine + listing->to_skip,
                        .more = true};
    CHY_TRY(pass(&walk, listing->to_skip, &passed));
    uint64_t left = listing->to_skip - passed;
    if (left == 0) {
        CHY_TRY(take_page(&walk, page));
    }
    if (walk.more) {
        CHY_TRY(write_cursor(listing, listing->offset + page->count, left, walk.at, &page->cursor));
    }
    return find_total(&walk, page, listing->offset - left, &page->total);
}

chy_status chy_listing_run(struct chy_listing *listing, struct chy_list_page *out_page)
{
    struct chy_list_page page;
    memset(&page, 0, sizeof page);
    page.rows = chy_alloc(listing->call->op, (listing->limit + 1) * sizeof *page.rows);
    if (page.rows == NULL) {
        return chy_fail_memory(listing->call->op);
    }
    CHY_TRY(listing->compare != NULL ? run_sorted(listing, &page) : run_walk(listing, &page));
    *out_page = page;
    return CHY_OK;
}

chy_status chy_listing_run_keys(struct chy_listing *listing, uint32_t id_field,
                                const struct chy_uuid *ids, uint64_t count,
                                struct chy_list_page *out_page)
{
    struct chy_call *call = listing->call;
    struct chy_list_page page;
    memset(&page, 0, sizeof page);
    page.rows = chy_alloc(call->op, (count + 1) * sizeof *page.rows);
    if (page.rows == NULL) {
        return chy_fail_memory(call->op);
    }
    for (uint64_t i = 0; i < count; i++) {
        struct chy_query one = listing->query; // each in turn: they may share their room
        struct chy_storage_page found;
        one.order_count = 0; // the key's, which is the one that finds it
        one.find.limit = 1;
        one.find.fields = listing->keep_fields;
        chy_query_eq(&one, id_field, chy_value_uuid(&ids[i]));
        CHY_TRY(chy_query_run(&one, call->runtime->storage, &found));
        bool is_kept = found.rows.count == 1 &&
                       (listing->keep == NULL ||
                        listing->keep(listing->keep_context, chy_page_row(&found, 0)));
        if (is_kept && page.total++ >= listing->offset && page.count < listing->limit) {
            const struct chy_storage_row *row = chy_page_row(&found, 0);
            CHY_TRY(add_whole(listing, &row, 1, &page));
        }
    }
    *out_page = page;
    return CHY_OK;
}

chy_status chy_listing_answer(struct chy_call *call, const char *plural, json_t *list,
                              const struct chy_list_page *page)
{
    call->answer = chy_json_object(call->op);
    bool fine = call->answer != NULL && json_object_set(call->answer, plural, list) == 0 &&
                chy_json_set_int(call->answer, "totalCount", (int64_t)page->total) &&
                (page->cursor.len == 0 || chy_json_set_text(call->answer, "cursor", page->cursor));
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_listing_repeat_total(struct chy_call *call)
{
    json_t *total = json_object_get(call->answer, "totalCount");
    return json_object_set(call->answer, "total", total) == 0 ? CHY_OK : chy_fail_memory(call->op);
}
