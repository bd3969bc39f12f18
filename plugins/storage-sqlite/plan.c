/**
 * How a find walks, so that its cost is bounded whatever is stored.
 *
 * Either along an index that gives the order asked for, trying row by row what the index does not
 * narrow, at most scan_limit rows; or, where a predicate leaves no more than scan_limit rows, over
 * those few, sorted.  Counting whether they are few costs at most scan_limit steps in one index.
 * SQLite's planner decides neither: it does not know that the walk ends early.
 */
#include "find.h"

static const struct chy_predicate *predicate_at(const struct search *search, uint64_t i)
{
    return chy_storage_at(search->find->where, i);
}

/** fixed_by returns the number of an EQ predicate on `field`, or UINT64_MAX. */
static uint64_t fixed_by(const struct search *search, uint32_t field)
{
    for (uint64_t i = 0; i < search->find->where.count; i++) {
        const struct chy_predicate *p = predicate_at(search, i);
        if (p->kind == CHY_WHERE_EQ && p->field == field) {
            return i;
        }
    }
    return UINT64_MAX;
}

static bool is_bound(const struct chy_predicate *p)
{
    return p->kind == CHY_WHERE_RANGE || p->kind == CHY_WHERE_PREFIX || p->kind == CHY_WHERE_IN ||
           p->kind == CHY_WHERE_NULL;
}

static bool has_bound(const struct search *search, uint32_t field)
{
    for (uint64_t i = 0; i < search->find->where.count; i++) {
        const struct chy_predicate *p = predicate_at(search, i);
        if (p->field == field && is_bound(p)) {
            return true;
        }
    }
    return false;
}

/** fixed_count counts the leading columns of a path that EQ predicates fix. */
static uint64_t fixed_count(const struct search *search, const struct path *path)
{
    uint64_t count = 0;
    while (count < path->count && fixed_by(search, path->fields[count]) != UINT64_MAX) {
        count++;
    }
    return count;
}

/** order_count counts the leading active terms that the path gives behind its fixed columns. */
static uint64_t order_count(const struct search *search, const struct path *path, uint64_t fixed)
{
    uint64_t matched = 0;
    uint32_t direction = 0;
    for (uint64_t c = fixed; c < path->count && matched < search->active_count; c++) {
        const struct chy_order *term = &search->terms[search->active[matched]];
        if (fixed_by(search, path->fields[c]) != UINT64_MAX) {
            continue;
        }
        if (path->fields[c] != term->field || (matched != 0 && term->descending != direction)) {
            break;
        }
        direction = term->descending;
        matched++;
    }
    return matched;
}

static void find_active(struct search *search)
{
    for (uint64_t i = 0; i < search->term_count; i++) {
        if (fixed_by(search, search->terms[i].field) == UINT64_MAX) {
            search->active[search->active_count++] = i;
        }
    }
}

/** needed_count counts the active terms that were asked for: the rest only break ties. */
static uint64_t needed_count(const struct search *search)
{
    uint64_t asked = search->find->order.count;
    uint64_t needed = 0;
    while (needed < search->active_count && (asked == 0 || search->active[needed] < asked)) {
        needed++;
    }
    return needed;
}

/** choose_ordering takes the path that gives the order and is narrowed most. */
static void choose_ordering(struct search *search)
{
    uint64_t needed = needed_count(search);
    uint64_t best = 0;
    for (uint64_t i = 0; i < search->table->path_count; i++) {
        const struct path *path = &search->table->paths[i];
        uint64_t fixed = fixed_count(search, path);
        uint64_t matched = order_count(search, path, fixed);
        uint64_t score = 1 + fixed * 100 + matched;
        if (matched >= needed && score > best) {
            best = score;
            search->path = path;
        }
    }
}

/** drive marks the predicates that narrow a walk along `path`.  An IN would break its order. */
static void drive(struct search *search, const struct path *path, bool keeps_order)
{
    uint64_t fixed = fixed_count(search, path);
    for (uint64_t c = 0; c < fixed; c++) {
        search->drives[fixed_by(search, path->fields[c])] = true;
    }
    for (uint64_t i = 0; fixed < path->count && i < search->find->where.count; i++) {
        const struct chy_predicate *p = predicate_at(search, i);
        if (p->field == path->fields[fixed] && is_bound(p) &&
            !(keeps_order && p->kind == CHY_WHERE_IN)) {
            search->drives[i] = true;
        }
    }
}

static bool all_drive(const struct search *search)
{
    for (uint64_t i = 0; i < search->find->where.count; i++) {
        if (!search->drives[i]) {
            return false;
        }
    }
    return true;
}

/* --- the few -----------------------------------------------------------------------------------*/

/** is_few runs a count that stops past scan_limit. */
static chy_status is_few(struct search *search, struct query *query, bool *out_few)
{
    struct chy_value limit = {.type = CHY_VALUE_INT,
                              .number = (int64_t)search->find->scan_limit + 1};
    sqlite3_stmt *stmt = NULL;
    query_add(query, " LIMIT ");
    query_bind(query, &limit);
    query_add(query, ")");
    chy_status status = query_open(query, search->connection, &stmt);
    if (status == CHY_OK) {
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            *out_few = sqlite3_column_int64(stmt, 0) < limit.number;
        } else {
            status = fail_sqlite(search->op, search->connection, "counting rows");
        }
        (void)sqlite3_reset(stmt);
    }
    query_fini(query);
    return status;
}

static chy_status are_children_few(struct search *search, const struct chy_predicate *p,
                                   bool *out_few)
{
    struct query query = {.op = search->op};
    query_add(&query, "SELECT count(*) FROM (");
    query_children(&query, search->table, p);
    return is_few(search, &query, out_few);
}

static chy_status is_path_few(struct search *search, const struct path *path, bool *out_few)
{
    struct query query = {.op = search->op};
    bool drives[CHY_STORAGE_FIELDS_MAX];
    memcpy(drives, search->drives, sizeof drives);
    memset(search->drives, 0, sizeof search->drives);
    drive(search, path, false);
    query_add(&query, "SELECT count(*) FROM (SELECT 1 FROM ");
    query_add(&query, search->table->name);
    query_add(&query, " INDEXED BY ");
    query_add(&query, path->name);
    const char *between = " WHERE ";
    for (uint64_t i = 0; i < search->find->where.count; i++) {
        if (search->drives[i]) {
            query_add(&query, between);
            query_predicate(&query, search->table, predicate_at(search, i));
            between = " AND ";
        }
    }
    memcpy(search->drives, drives, sizeof drives);
    return is_few(search, &query, out_few);
}

/** narrowness tells how much the predicates narrow a path: fixed columns, then a bound. */
static uint64_t narrowness(const struct search *search, const struct path *path)
{
    uint64_t fixed = fixed_count(search, path);
    return 2 * fixed + (fixed < path->count && has_bound(search, path->fields[fixed]) ? 1 : 0);
}

static chy_status choose_few(struct search *search)
{
    bool few = false;
    for (uint64_t i = 0; i < search->find->where.count && !few; i++) {
        const struct chy_predicate *p = predicate_at(search, i);
        if (p->kind == CHY_WHERE_HAS || p->kind == CHY_WHERE_HAS_PREFIX) {
            CHY_TRY(are_children_few(search, p, &few));
            search->driver = few ? p : NULL;
        }
    }
    uint64_t least = search->path == NULL ? 0 : narrowness(search, search->path);
    for (uint64_t i = 0; i < search->table->path_count && !few; i++) {
        const struct path *path = &search->table->paths[i];
        if (path != search->path && narrowness(search, path) > least) {
            CHY_TRY(is_path_few(search, path, &few));
            search->few = few ? path : NULL;
        }
    }
    if (few) {
        search->path = NULL;
    }
    return CHY_OK;
}

chy_status plan_make(struct search *search)
{
    find_active(search);
    choose_ordering(search);
    if (search->path != NULL) {
        drive(search, search->path, true);
    }
    if (!all_drive(search)) {
        CHY_TRY(choose_few(search));
    }
    if (search->path == NULL) {
        // What is sorted is narrowed by all that is known.
        memset(search->drives, 1, sizeof search->drives);
    }
    search->has_rest = !all_drive(search);
    return CHY_OK;
}
