#include "trace/value.h"

#include <stdlib.h>

#include "trace/reader.h"
#include "trace/record.h"

/* ---- reading ---- */

static struct ctr_value plain(uint8_t tag, uint64_t bits)
{
    return (struct ctr_value){.tag = tag, .bits = bits};
}

static struct ctr_value malformed(struct ctr_scan *scan)
{
    scan->cursor.failed = true;
    return plain(CTR_V_UNBOUND, 0);
}

static struct ctr_value scan_short_text(struct ctr_scan *scan, unsigned size)
{
    const uint8_t *bytes = ct_get_bytes(&scan->cursor, size);
    if (bytes == NULL) {
        return malformed(scan);
    }
    uint64_t bits = (uint64_t)size << 56;
    for (unsigned i = 0; i < size; i++) {
        bits |= (uint64_t)bytes[i] << (8 * i);
    }
    return plain(CTR_V_SHORT_TEXT, bits);
}

static struct ctr_value scan_float(struct ctr_scan *scan)
{
    const uint8_t *bytes = ct_get_bytes(&scan->cursor, 8);
    return bytes == NULL ? malformed(scan) : plain(CTR_V_FLOAT, ct_load64(bytes));
}

static struct ctr_value scan_delta(struct ctr_scan *scan, struct ctr_value before, int64_t change)
{
    if (before.tag != CTR_V_INT) {
        return malformed(scan);
    }
    return plain(CTR_V_INT, before.bits + (uint64_t)change);
}

static struct ctr_value scan_node_far(struct ctr_scan *scan)
{
    uint64_t back = ct_get_varint(&scan->cursor);
    uint64_t node = ct_get_varint(&scan->cursor);
    if (back == 0 || back > scan->block->number) {
        return malformed(scan);
    }
    return (struct ctr_value){CTR_V_NODE, scan->block->number - (uint32_t)back, node};
}

static struct ctr_value scan_tagged(struct ctr_scan *scan, uint8_t tag, struct ctr_value before)
{
    switch (tag) {
    case CTR_V_UNBOUND:
    case CTR_V_NONE:
    case CTR_V_TRUE:
    case CTR_V_FALSE:
    case CTR_V_ELLIPSIS:
    case CTR_V_NOT_IMPLEMENTED:
    case CTR_V_REDACTED:
    case CTR_V_DROPPED:
        return plain(tag, 0);
    case CTR_V_FLOAT:
        return scan_float(scan);
    case CTR_V_NODE:
        return (struct ctr_value){CTR_V_NODE, scan->block->number, ct_get_varint(&scan->cursor)};
    case CTR_V_NODE_FAR:
        return scan_node_far(scan);
    case CTR_V_OBJECT:
        return plain(CTR_V_OBJECT, ctr_scan_object(scan));
    case CTR_V_DELTA:
        return scan_delta(scan, before, ct_get_zigzag(&scan->cursor));
    default:
        scan->cursor.at--;
        struct ctr_value node = {CTR_V_NODE, scan->block->number, scan->next_node};
        ctr_skip_value(scan);
        return node;
    }
}

struct ctr_value ctr_scan_value_slow(struct ctr_scan *scan, struct ctr_value before)
{
    uint8_t tag = ct_get_byte(&scan->cursor);
    if (scan->cursor.failed) {
        return plain(CTR_V_UNBOUND, 0);
    }
    if (tag == CTR_V_INT) { /* the most of them */
        return plain(CTR_V_INT, (uint64_t)ct_get_zigzag(&scan->cursor));
    }
    if (tag >= CTR_V_SHORT_TEXT && tag <= CTR_V_SHORT_TEXT + CTR_SHORT_TEXT_MAX) {
        return scan_short_text(scan, tag - CTR_V_SHORT_TEXT);
    }
    if ((tag & 0xe0) == CTR_V_SMALL_DELTA) {
        return malformed(scan); /* there was no number before */
    }
    return scan_tagged(scan, tag, before);
}

/* ---- nodes ---- */

/* A text that grew is a chain of pieces, the newest first: put them together from the back. */
static int join_pieces(const struct ctr_block *block, uint32_t number, struct ctr_node *node,
                       struct ct_error *error)
{
    uint64_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t end = total;
        for (uint32_t at = number;;) {
            struct ct_cursor cursor = {block->raw + block->nodes[at], block->raw + block->size,
                                       false};
            bool grows = ct_get_byte(&cursor) == CTR_V_GROW;
            uint32_t before = grows ? (uint32_t)ct_get_varint(&cursor) : 0;
            uint64_t size = ct_get_varint(&cursor);
            const uint8_t *bytes = ct_get_bytes(&cursor, size);
            if (bytes == NULL) {
                return ct_fail(error, CT_EFORMAT, "a text of block %u is damaged", block->number);
            }
            if (pass == 0) {
                total += size;
            } else {
                end -= size;
                memcpy(node->owned + end, bytes, size);
            }
            if (!grows) {
                break;
            }
            at = before;
        }
        if (pass == 0) {
            node->owned = malloc(total + 1);
            if (node->owned == NULL) {
                return ct_fail(error, CT_ENOMEM, "no memory for a text of %llu bytes",
                               (unsigned long long)total);
            }
        }
    }
    node->tag = CTR_V_TEXT;
    node->bytes = node->owned;
    node->size = total;
    return CT_OK;
}

static void read_bytes(struct ct_cursor *cursor, uint64_t size, struct ctr_node *node)
{
    node->size = size;
    node->bytes = ct_get_bytes(cursor, size);
}

static int read_node(const struct ctr_block *block, uint32_t number, struct ctr_node *node,
                     struct ct_error *error)
{
    struct ct_cursor cursor = {block->raw + block->nodes[number], block->raw + block->size, false};
    node->tag = ct_get_byte(&cursor);
    uint64_t size;
    switch (node->tag) {
    case CTR_V_COMPLEX:
        read_bytes(&cursor, 16, node);
        break;
    case CTR_V_BIG:
        size = ct_get_varint(&cursor);
        node->negative = size & 1;
        read_bytes(&cursor, size >> 1, node);
        break;
    case CTR_V_TEXT:
    case CTR_V_BYTES:
        read_bytes(&cursor, ct_get_varint(&cursor), node);
        break;
    case CTR_V_GROW:
        return join_pieces(block, number, node, error);
    case CTR_V_TUPLE:
    case CTR_V_FROZENSET:
        node->count = (uint32_t)ct_get_varint(&cursor);
        break;
    case CTR_V_SLICE:
    case CTR_V_RANGE:
        node->count = 3;
        break;
    case CTR_V_CUT:
        node->true_length = ct_get_varint(&cursor);
        node->count = 1;
        break;
    case CTR_V_OPAQUE:
    case CTR_V_THING:
        node->type = (uint32_t)ct_get_varint(&cursor);
        node->address = ct_get_varint(&cursor);
        node->count = node->tag == CTR_V_THING;
        break;
    default: /* CTR_V_AS */
        node->type = (uint32_t)ct_get_varint(&cursor);
        node->count = 1;
    }
    node->children = (struct ctr_scan){.cursor = cursor,
                                       .block = block,
                                       .next_node = number + 1,
                                       .next_object = block->object_count};
    return CT_OK;
}

void ctr_node_close(struct ctr_trace *trace, struct ctr_node *node)
{
    ctr_block_release(trace, node->block);
    free(node->owned);
    *node = (struct ctr_node){0};
}

int ctr_node_open(struct ctr_trace *trace, struct ctr_value value, struct ctr_node *node,
                  struct ct_error *error)
{
    *node = (struct ctr_node){0};
    if (value.tag != CTR_V_NODE) {
        return ct_fail(error, CT_EUSAGE, "the value is no node");
    }
    int status = ctr_block_acquire(trace, value.block, &node->block, error);
    if (status != CT_OK) {
        return status;
    }
    if (value.bits >= node->block->node_count) {
        status = ct_fail(error, CT_EFORMAT, "block %u has no value number %llu", value.block,
                         (unsigned long long)value.bits);
    } else {
        status = read_node(node->block, (uint32_t)value.bits, node, error);
    }
    if (status != CT_OK) {
        ctr_node_close(trace, node);
    }
    return status;
}

/* ---- equality and hash ---- */

/* Shared parts can make a value exponentially larger than its bytes: stop after this many nodes. */
enum { LOOK_AT_NODES = 4096, LOOK_AT_DEPTH = 64 };

static bool same_node(const struct ctr_node *a, const struct ctr_node *b)
{
    return a->tag == b->tag && a->negative == b->negative && a->type == b->type &&
           a->address == b->address && a->true_length == b->true_length && a->size == b->size &&
           a->count == b->count && (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

static bool equal(struct ctr_trace *trace, struct ctr_value a, struct ctr_value b, unsigned depth,
                  unsigned *budget)
{
    if (ctr_value_same(a, b)) {
        return true;
    }
    if (a.tag != CTR_V_NODE || b.tag != CTR_V_NODE || *budget == 0 || depth == LOOK_AT_DEPTH) {
        return false;
    }
    --*budget;
    struct ctr_node left, right;
    if (ctr_node_open(trace, a, &left, NULL) != CT_OK) {
        return false;
    }
    if (ctr_node_open(trace, b, &right, NULL) != CT_OK) {
        ctr_node_close(trace, &left);
        return false;
    }
    bool same = same_node(&left, &right);
    const struct ctr_value none = {0};
    for (uint32_t i = 0; i < left.count && same; i++) {
        struct ctr_value x = ctr_scan_value(&left.children, none);
        struct ctr_value y = ctr_scan_value(&right.children, none);
        same = equal(trace, x, y, depth + 1, budget);
    }
    ctr_node_close(trace, &left);
    ctr_node_close(trace, &right);
    return same;
}

bool ctr_value_equal(struct ctr_trace *trace, struct ctr_value a, struct ctr_value b)
{
    unsigned budget = LOOK_AT_NODES;
    return equal(trace, a, b, 0, &budget);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

static uint64_t mix_bytes(uint64_t hash, const uint8_t *bytes, size_t size)
{
    hash = mix(hash, size);
    for (; size >= 8; size -= 8, bytes += 8) {
        hash = mix(hash, ct_load64(bytes));
    }
    for (; size > 0; size--, bytes++) {
        hash = mix(hash, *bytes);
    }
    return hash;
}

static uint64_t hash_value(struct ctr_trace *trace, struct ctr_value value, uint64_t hash,
                           unsigned depth, unsigned *budget)
{
    hash = mix(hash, value.tag);
    if (value.tag != CTR_V_NODE) {
        return mix(hash, value.bits);
    }
    struct ctr_node node;
    if (*budget == 0 || depth == LOOK_AT_DEPTH ||
        ctr_node_open(trace, value, &node, NULL) != CT_OK) {
        return hash;
    }
    --*budget;
    hash = mix(hash, node.tag);
    hash = mix(hash, node.type);
    hash = mix(hash, node.count);
    hash = mix_bytes(hash, node.bytes, node.bytes != NULL ? node.size : 0);
    const struct ctr_value none = {0};
    for (uint32_t i = 0; i<node.count && * budget> 0; i++) {
        hash = hash_value(trace, ctr_scan_value(&node.children, none), hash, depth + 1, budget);
    }
    ctr_node_close(trace, &node);
    return hash;
}

uint64_t ctr_value_hash(struct ctr_trace *trace, struct ctr_value value)
{
    unsigned budget = LOOK_AT_NODES;
    return hash_value(trace, value, 0, 0, &budget);
}
