/* Values of a foreign trace: a tree in one array, each node before its children. */
#ifndef CT_IMPORT_VALUE_H
#define CT_IMPORT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum import_kind {
    IMPORT_NONE,
    IMPORT_BOOL,
    IMPORT_INT,
    IMPORT_FLOAT,
    IMPORT_BIG,      /* text: its magnitude, the highest byte first */
    IMPORT_TEXT,     /* str */
    IMPORT_RAW,      /* text: how it reads; all that is known of it */
    IMPORT_TUPLE,    /* children */
    IMPORT_SEQUENCE, /* children: a list, set or dict, as its type says */
    IMPORT_STRUCT,   /* children: the fields its type names */
};

enum {
    IMPORT_NODES_MAX = 1 << 20,       /* of one event */
    IMPORT_TEXT_BYTES_MAX = 64 << 20, /* of one event */
    IMPORT_NESTING_MAX = 256,
    IMPORT_TEXT_MAX = 64 << 10,        /* bytes that are kept of one text */
    IMPORT_FIELD_BYTES = 96,           /* and of the name of a struct's field */
    IMPORT_FIELDS_BYTES_MAX = 1 << 20, /* of the names of one struct's fields */
    IMPORT_FIELD_WEIGHT = 128,
    IMPORT_NO_TYPE = 0xffffffffu,
};

struct import_node {
    uint8_t kind; /* enum import_kind */
    bool is_negative;
    uint32_t type;
    uint32_t span;  /* nodes of its tree, itself counted */
    uint32_t count; /* children */
    int64_t integer;
    double number;
    size_t text, size; /* where its text is */
    uint64_t hash[2];  /* of its content, once import_values_seal() was called */
    uint64_t weight;   /* bytes it will take at most; the same */
    uint64_t known;    /* for the writer: the object or node it is already, plus 1 */
};

struct import_values {
    struct import_node *nodes;
    uint32_t count, capacity;
    struct ct_bytes text;
    bool failed; /* out of memory */
};

/* How much of a text is kept where at most `most` bytes are: whole characters. */
size_t import_kept_bytes(const char *text, size_t size, size_t most);

void import_values_clear(struct import_values *values);
void import_values_free(struct import_values *values);

/* A node at the end; its number. Its span is set by import_end_node, when its children are there.
 * 0 and `failed` where there is no memory. */
uint32_t import_add_node(struct import_values *values);
void import_end_node(struct import_values *values, uint32_t node);
/* Put the only child of a node in the node's place. */
void import_unwrap_node(struct import_values *values, uint32_t node);
void import_set_text(struct import_values *values, uint32_t node, const void *text, size_t size);

/* Fill in hashes and weights of the tree at `node`. */
void import_values_seal(struct import_values *values, uint32_t node);

/* Append a copy of a tree; the number of its root. */
uint32_t import_copy_tree(struct import_values *to, const struct import_values *from,
                          uint32_t node);

static inline const char *import_text(const struct import_values *values,
                                      const struct import_node *node)
{
    return node->size == 0 ? "" : (const char *)values->text.data + node->text;
}

#endif
