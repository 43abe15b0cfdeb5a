#include "import/value.h"

#include <stdlib.h>
#include <xxhash.h>

/* With all that stands around it: wrappers, true length, the record that describes an object. */
enum {
    NUMBER_WEIGHT = 12,
    TEXT_WEIGHT = 40,
    TREE_WEIGHT = 72,
};

size_t import_kept_bytes(const char *text, size_t size, size_t most)
{
    enum { CONTINUATIONS_MAX = 3 };
    size_t kept = size < most ? size : most;
    unsigned back = 0;
    while (kept < size && back < kept && back < CONTINUATIONS_MAX &&
           ((uint8_t)text[kept - back] & 0xc0) == 0x80) {
        back++;
    }
    return kept - back;
}

void import_values_clear(struct import_values *values)
{
    values->count = 0;
    values->text.size = 0;
}

void import_values_free(struct import_values *values)
{
    free(values->nodes);
    ct_bytes_free(&values->text);
    *values = (struct import_values){0};
}

uint32_t import_add_node(struct import_values *values)
{
    if (values->count == values->capacity) {
        uint32_t capacity = values->capacity == 0 ? 64 : values->capacity * 2;
        struct import_node *nodes = realloc(values->nodes, capacity * sizeof *nodes);
        if (nodes == NULL) {
            values->failed = true;
            values->count = 0;
            return 0;
        }
        values->nodes = nodes;
        values->capacity = capacity;
    }
    values->nodes[values->count] = (struct import_node){.type = IMPORT_NO_TYPE, .span = 1};
    return values->count++;
}

void import_end_node(struct import_values *values, uint32_t node)
{
    values->nodes[node].span = values->count - node;
}

void import_unwrap_node(struct import_values *values, uint32_t node)
{
    values->count--;
    memmove(&values->nodes[node], &values->nodes[node + 1],
            (values->count - node) * sizeof *values->nodes);
}

void import_set_text(struct import_values *values, uint32_t node, const void *text, size_t size)
{
    values->nodes[node].text = values->text.size;
    values->nodes[node].size = size;
    ct_bytes_add(&values->text, text, size);
    values->failed = values->failed || values->text.failed;
}

static uint64_t own_weight(const struct import_node *node)
{
    if (node->kind >= IMPORT_TUPLE) {
        return TREE_WEIGHT +
               (node->kind == IMPORT_STRUCT ? (uint64_t)node->count * IMPORT_FIELD_WEIGHT : 0);
    }
    size_t kept = node->size < IMPORT_TEXT_MAX ? node->size : IMPORT_TEXT_MAX;
    return node->kind <= IMPORT_FLOAT ? NUMBER_WEIGHT : TEXT_WEIGHT + kept;
}

static void seal_node(struct import_values *values, uint32_t number)
{
    struct import_node *node = &values->nodes[number];
    uint64_t own[5] = {(uint64_t)node->kind | (uint64_t)node->is_negative << 8 |
                           (uint64_t)node->type << 32,
                       (uint64_t)node->integer, 0, node->count, node->size};
    memcpy(&own[2], &node->number, sizeof own[2]);
    XXH128_hash_t hash =
        XXH3_128bits_withSeed(import_text(values, node), node->size, XXH3_64bits(own, sizeof own));
    node->weight = own_weight(node);
    uint32_t child = number + 1;
    for (uint32_t i = 0; i < node->count; i++) {
        const struct import_node *inner = &values->nodes[child];
        uint64_t both[4] = {hash.low64, hash.high64, inner->hash[0], inner->hash[1]};
        hash = XXH3_128bits(both, sizeof both);
        node->weight += inner->weight;
        child += inner->span;
    }
    node->hash[0] = hash.low64;
    node->hash[1] = hash.high64;
}

void import_values_seal(struct import_values *values, uint32_t node)
{
    for (uint32_t i = node + values->nodes[node].span; i-- > node;) {
        seal_node(values, i);
    }
}

uint32_t import_copy_tree(struct import_values *to, const struct import_values *from, uint32_t node)
{
    uint32_t first = to->count;
    uint32_t span = from->nodes[node].span;
    for (uint32_t i = 0; i < span; i++) {
        const struct import_node *source = &from->nodes[node + i];
        uint32_t copy = import_add_node(to);
        if (to->failed) {
            return 0;
        }
        to->nodes[copy] = *source;
        import_set_text(to, copy, import_text(from, source), source->size);
    }
    return first;
}
