#include "http/limits.h"

#include <stddef.h>

#define SECOND ((int64_t)1000000)

static void fill_u64(uint64_t *member, uint64_t value)
{
    if (*member == 0) {
        *member = value;
    }
}

static void fill_u32(uint32_t *member, uint32_t value)
{
    if (*member == 0) {
        *member = value;
    }
}

static void fill_i64(int64_t *member, int64_t value)
{
    if (*member == 0) {
        *member = value;
    }
}

void chy_http_limits_fill(struct chy_http_limits *limits)
{
    fill_u64(&limits->body_max, (uint64_t)1 << 20);
    fill_u64(&limits->body_drain_max, (uint64_t)8 << 20);
    fill_u64(&limits->answer_max, (uint64_t)16 << 20);
    fill_u64(&limits->memory_max, (uint64_t)32 << 20);
    fill_u32(&limits->header_size_max, 16U << 10);
    fill_u32(&limits->header_count_max, 100);
    fill_u32(&limits->uri_max, 8U << 10);
    fill_u32(&limits->connection_memory, 32U << 10);
    fill_u32(&limits->connections_max, 4096);
    fill_u32(&limits->connections_per_address, 256);
    fill_u32(&limits->backlog, 1024);
    fill_u32(&limits->worker_threads, 128);
    fill_u32(&limits->worker_queue, 1024);
    fill_u32(&limits->retry_after_s, 1);
    fill_i64(&limits->header_deadline, 10 * SECOND);
    fill_i64(&limits->body_deadline, 30 * SECOND);
    fill_i64(&limits->idle, 60 * SECOND);
    fill_i64(&limits->send_deadline, 120 * SECOND);
    fill_i64(&limits->request_deadline, 30 * SECOND);
}

const char *chy_http_limits_problem(const struct chy_http_limits *limits)
{
    if (limits->header_count_max > CHY_HTTP_HEADERS_CEILING) {
        return "more header lines than the server can look at";
    }
    if (limits->uri_max > limits->header_size_max) {
        return "the URI's limit is above that of the header block";
    }
    // Half of the rest is what libmicrohttpd needs for its own records of the lines.
    if ((uint64_t)limits->header_size_max * 3 / 2 > limits->connection_memory) {
        return "the memory of a connection cannot hold the header block";
    }
    if (limits->body_max > limits->memory_max / 4) {
        return "the memory of a request cannot hold the body";
    }
    if (limits->header_deadline < 0 || limits->body_deadline < 0 || limits->idle < 0 ||
        limits->send_deadline < 0 || limits->request_deadline < 0) {
        return "a deadline is negative";
    }
    return NULL;
}
