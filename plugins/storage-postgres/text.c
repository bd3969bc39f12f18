#include "text.h"

#include <stdlib.h>

void pgs_text_init(struct pgs_text *text, struct chy_op *op)
{
    memset(text, 0, sizeof *text);
    text->op = op;
}

static bool reserve(struct pgs_text *text, size_t more)
{
    if (text->failed) {
        return false;
    }
    if (more < text->size - text->len) {
        return true;
    }
    size_t size = text->size == 0 ? 512 : text->size * 2;
    while (size - text->len <= more) {
        size *= 2;
    }
    char *grown = chy_alloc(text->op, size);
    if (grown == NULL) {
        text->failed = true;
        return false;
    }
    if (text->len != 0) {
        memcpy(grown, text->ptr, text->len);
    }
    text->ptr = grown;
    text->size = size;
    return true;
}

void pgs_text_add_bytes(struct pgs_text *text, const char *ptr, size_t len)
{
    if (!reserve(text, len)) {
        return;
    }
    if (len != 0) {
        memcpy(text->ptr + text->len, ptr, len);
    }
    text->len += len;
    text->ptr[text->len] = '\0';
}

void pgs_text_add(struct pgs_text *text, const char *words)
{
    pgs_text_add_bytes(text, words, strlen(words));
}

void pgs_text_add_number(struct pgs_text *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    pgs_text_add_bytes(text, digits + at, sizeof digits - at);
}

static void add_quoted(struct pgs_text *text, struct chy_slice value, char quote)
{
    pgs_text_add_bytes(text, &quote, 1);
    for (uint64_t i = 0; i < value.len; i++) {
        char byte = (char)value.ptr[i];
        if (byte == quote) {
            pgs_text_add_bytes(text, &quote, 1);
        }
        pgs_text_add_bytes(text, &byte, 1);
    }
    pgs_text_add_bytes(text, &quote, 1);
}

void pgs_text_add_name(struct pgs_text *text, struct chy_slice name)
{
    add_quoted(text, name, '"');
}

void pgs_text_add_literal(struct pgs_text *text, struct chy_slice value)
{
    // Only names reach this, and names have no backslash (model.c), so that the server's setting of
    // standard_conforming_strings does not matter.
    add_quoted(text, value, '\'');
}

void pgs_text_add_json(struct pgs_text *text, const char *value)
{
    pgs_text_add(text, "\"");
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            pgs_text_add(text, "\\");
        }
        // Control bytes cannot stand in a JSON string, and mean nothing here.
        pgs_text_add_bytes(text, (unsigned char)*at < 0x20 ? " " : at, 1);
    }
    pgs_text_add(text, "\"");
}

struct pgs_block {
    struct pgs_block *next;
    uint64_t padding; // what follows is aligned for any type
};

void *pgs_heap_alloc(struct pgs_heap *heap, size_t size)
{
    struct pgs_block *block = calloc(1, sizeof *block + size);
    if (block == NULL) {
        return NULL;
    }
    block->next = heap->blocks;
    heap->blocks = block;
    return block + 1;
}

char *pgs_heap_copy(struct pgs_heap *heap, const void *ptr, size_t len)
{
    char *copy = pgs_heap_alloc(heap, len + 1);
    if (copy != NULL && len != 0) {
        memcpy(copy, ptr, len);
    }
    return copy;
}

void pgs_heap_free(struct pgs_heap *heap)
{
    struct pgs_block *block = heap->blocks;
    while (block != NULL) {
        struct pgs_block *next = block->next;
        free(block);
        block = next;
    }
    heap->blocks = NULL;
}
