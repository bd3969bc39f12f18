#include "enroll/statistics.h"

#include "base/time.h"
#include "place.h"
#include "resource/collections.h"
#include "test_main.h"

static struct place place;

/** What the counters say, and what the rows do, in the same form. */
struct sums {
    int64_t ends[CHY_STANDING_COUNT][CHY_VALIDITY_COUNT];
    int64_t end_days; /**< of each certificate its day of ending, added up */
    int64_t stored;
    int64_t revoked;
    int64_t renewed;
    int64_t issued;
};

static void read_page(struct chy_query *query, struct chy_storage_page *page)
{
    ck_assert_int_eq(chy_query_run(query, test_runtime_of(place.test)->storage, page), CHY_OK);
    ck_assert_uint_eq(page->more, 0);
}

static void sum_counter(const struct chy_storage_row *row, struct sums *sums)
{
    struct chy_slice dimension = chy_row_text(row, CHY_STATISTIC_DIMENSION);
    struct chy_slice value = chy_row_text(row, CHY_STATISTIC_VALUE);
    int64_t count = chy_row_int(row, CHY_STATISTIC_COUNT);
    if (chy_slice_is(dimension, CHY_COUNT_ENDS)) {
        // "profile/standing/validity", the profile empty if there is none
        ck_assert(value.len == CHY_UUID_TEXT_LEN + 4 || value.len == 4);
        sums->ends[value.ptr[value.len - 3] - '0'][value.ptr[value.len - 1] - '0'] += count;
        sums->end_days += count * chy_row_int(row, CHY_STATISTIC_DAY);
    }
    sums->stored += chy_slice_is(dimension, CHY_COUNT_STORED) ? count : 0;
    sums->revoked += chy_slice_is(dimension, CHY_COUNT_REVOKED) ? count : 0;
    sums->renewed += chy_slice_is(dimension, CHY_COUNT_RENEWED) ? count : 0;
    sums->issued += chy_slice_is(dimension, CHY_COUNT_ISSUED) ? count : 0;
}

static void sum_counters(struct sums *sums)
{
    struct chy_query query;
    struct chy_storage_page page;
    memset(sums, 0, sizeof *sums);
    chy_query_init(&query, place.op, CHY_C_STATISTICS, chy_core_fields(CHY_C_STATISTICS), 1000);
    read_page(&query, &page);
    for (uint64_t i = 0; i < page.rows.count; i++) {
        sum_counter(chy_page_row(&page, i), sums);
    }
}

static void sum_rows(struct sums *sums)
{
    struct chy_query query;
    struct chy_storage_page page;
    memset(sums, 0, sizeof *sums);
    chy_query_init(&query, place.op, CHY_C_CERTIFICATES, chy_core_fields(CHY_C_CERTIFICATES), 1000);
    read_page(&query, &page);
    for (uint64_t i = 0; i < page.rows.count; i++) {
        struct chy_counted counted = chy_counted_of_row(chy_page_row(&page, i));
        sums->ends[chy_counted_standing(&counted)][chy_counted_validity(&counted)]++;
        sums->end_days += counted.not_after / CHY_US_PER_DAY;
        sums->stored++;
    }
}

static void must_agree(void)
{
    struct sums counters;
    struct sums rows;
    sum_counters(&counters);
    sum_rows(&rows);
    ck_assert_mem_eq(counters.ends, rows.ends, sizeof rows.ends);
    ck_assert_int_eq(counters.end_days, rows.end_days);
    ck_assert_int_eq(counters.stored, rows.stored);
}

/** change does to one row what revoking, renewing and deleting do. */
static void change(const struct chy_storage_row *row, unsigned how)
{
    struct chy_runtime *runtime = test_runtime_of(place.test);
    struct chy_counted before = chy_counted_of_row(row);
    struct chy_counted after = before;
    struct chy_uuid id = chy_row_uuid(row, CHY_CERT_ID);
    struct chy_batch batch;
    chy_batch_init(&batch, place.op, 0);
    struct chy_write *write =
        how == 3 ? chy_batch_delete(&batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&id)))
                 : chy_batch_update(&batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&id)));
    chy_write_guard_revision(write, row->revision);
    if (how == 0) {
        after.revoked = true;
        chy_write_set(write, CHY_CERT_STATUS, chy_value_text(chy_text("revoked")));
    } else if (how == 1) {
        after.renewed = true;
        chy_write_set(write, CHY_CERT_RENEWED_BY_ID, chy_value_uuid(&id));
    } else if (how == 2) {
        after.auto_renewed = false;
        chy_write_set(write, CHY_CERT_RENEW_BEFORE, chy_value_null());
    }
    ck_assert_int_eq(chy_statistics_count(runtime, &batch, &before, how == 3 ? NULL : &after),
                     CHY_OK);
    ck_assert_int_eq(chy_runtime_commit(runtime, &batch, NULL), CHY_OK);
}

static void issue(const char *name, const char *ttl)
{
    struct chy_enroll_answer answer;
    ck_assert_int_eq(place_enroll(&place, place.profile, name, ttl, &answer), CHY_OK);
}

START_TEST(the_counters_say_what_the_rows_do_whatever_happened)
{
    static const char *const ttls[] = {"1h", "30d", "90d", "150d", "300d"};
    uint32_t random = 12345;
    place_init(&place, 10000, "stored");
    for (unsigned i = 0; i < 15; i++) {
        issue("a.example", ttls[i % 5]);
    }
    must_agree();
    for (unsigned i = 0; i < 25; i++) {
        struct chy_query query;
        struct chy_storage_page page;
        random = random * 1103515245U + 12345U;
        chy_query_init(&query, place.op, CHY_C_CERTIFICATES, chy_core_fields(CHY_C_CERTIFICATES),
                       100);
        read_page(&query, &page);
        if (page.rows.count != 0) {
            change(chy_page_row(&page, (random >> 16) % page.rows.count), (random >> 8) % 4);
        }
        must_agree();
    }
    struct sums sums;
    sum_counters(&sums);
    ck_assert_int_eq(sums.issued, 15);
    ck_assert_int_gt(sums.revoked, 0);
    ck_assert_int_gt(sums.renewed, 0);
    ck_assert_int_lt(sums.stored, 15);
    place_fini(&place);
}
END_TEST

START_TEST(two_certificates_of_one_batch_share_a_counter)
{
    struct chy_runtime *runtime;
    struct chy_batch batch;
    struct sums sums;
    place_init(&place, 10000, "stored");
    runtime = test_runtime_of(place.test);
    struct chy_counted one = {.method = chy_text("api"),
                              .key_algorithm = chy_text("RSA_2048"),
                              .not_after = TEST_RUNTIME_NOW};
    struct chy_counted renewed = one;
    renewed.renewed = true;
    chy_batch_init(&batch, place.op, 0);
    ck_assert_int_eq(chy_statistics_count(runtime, &batch, NULL, &one), CHY_OK);
    ck_assert_int_eq(chy_statistics_count(runtime, &batch, &one, &renewed), CHY_OK);
    ck_assert_int_eq(chy_runtime_commit(runtime, &batch, NULL), CHY_OK);
    sum_counters(&sums);
    ck_assert_int_eq(sums.ends[CHY_STANDING_ACTIVE][CHY_VALIDITY_OTHER], 0);
    ck_assert_int_eq(sums.ends[CHY_STANDING_RENEWED][CHY_VALIDITY_OTHER], 1);
    ck_assert_int_eq(sums.issued, 1);
    ck_assert_int_eq(sums.renewed, 1);
    place_fini(&place);
}
END_TEST

START_TEST(validity_is_that_of_a_server_certificate)
{
    struct chy_counted counted = {.not_before = -CHY_US_PER_MINUTE,
                                  .not_after = 47 * CHY_US_PER_DAY};
    ck_assert_int_eq(chy_counted_validity(&counted), CHY_VALIDITY_OTHER);
    counted.ekus = 1U << 1;
    ck_assert_int_eq(chy_counted_validity(&counted), CHY_VALIDITY_47);
    counted.not_after += CHY_US_PER_DAY;
    ck_assert_int_eq(chy_counted_validity(&counted), CHY_VALIDITY_99);
    counted.not_after = 199 * CHY_US_PER_DAY;
    ck_assert_int_eq(chy_counted_validity(&counted), CHY_VALIDITY_199);
    counted.not_after = 200 * CHY_US_PER_DAY;
    ck_assert_int_eq(chy_counted_validity(&counted), CHY_VALIDITY_LONG);
}
END_TEST

TEST_MAIN("enroll/statistics", TEST(the_counters_say_what_the_rows_do_whatever_happened),
          TEST(two_certificates_of_one_batch_share_a_counter),
          TEST(validity_is_that_of_a_server_certificate))
