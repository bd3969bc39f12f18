/**
 * SQL text that grows, names that are quoted, and memory that lives as long as the instance.
 */
#ifndef PGS_TEXT_H
#define PGS_TEXT_H

#include <chancery/host.h>

#include <stdbool.h>

/**
 * Text in an operation's arena.  Running out of memory sticks: adding goes on harmlessly, and
 * `failed` tells at the end.  Always NUL-terminated once something was added.
 */
struct pgs_text {
    struct chy_op *op;
    char *ptr;
    size_t len;
    size_t size;
    bool failed;
};

void pgs_text_init(struct pgs_text *text, struct chy_op *op);
void pgs_text_add_bytes(struct pgs_text *text, const char *ptr, size_t len);
void pgs_text_add(struct pgs_text *text, const char *words);
void pgs_text_add_number(struct pgs_text *text, uint64_t number);
/** pgs_text_add_name adds an identifier between double quotes, quotes within doubled. */
void pgs_text_add_name(struct pgs_text *text, struct chy_slice name);
/** pgs_text_add_literal adds a string constant between single quotes. */
void pgs_text_add_literal(struct pgs_text *text, struct chy_slice value);
/** pgs_text_add_json adds a JSON string with its quotes. */
void pgs_text_add_json(struct pgs_text *text, const char *value);

/** pgs_at is element `index` of a view that is known to have it. */
static inline const void *pgs_at(struct chy_view view, uint64_t index)
{
    return (const uint8_t *)view.ptr + index * view.stride;
}

struct pgs_block;

/** Memory that is freed at once. */
struct pgs_heap {
    struct pgs_block *blocks;
};

/** pgs_heap_alloc returns zeroed memory, or NULL. */
void *pgs_heap_alloc(struct pgs_heap *heap, size_t size);
/** pgs_heap_copy returns a NUL-terminated copy of `len` bytes, or NULL. */
char *pgs_heap_copy(struct pgs_heap *heap, const void *ptr, size_t len);
void pgs_heap_free(struct pgs_heap *heap);

#endif
