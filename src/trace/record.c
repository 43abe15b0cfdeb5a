#include "trace/record.h"

#include <stdlib.h>

#include "trace/reader.h"

/* ---- what the first pass gathers ---- */

void ctr_collect_reset(struct ctr_collect *collect, const uint8_t *raw)
{
    collect->raw = raw;
    collect->node_count = 0;
    collect->object_count = 0;
    collect->frames = 0;
    collect->max_type = 0;
    collect->depth = 0;
}

void ctr_collect_free(struct ctr_collect *collect)
{
    free(collect->nodes);
    free(collect->objects);
    *collect = (struct ctr_collect){0};
}

static bool grow(struct ctr_collect *collect, void **array, uint32_t *capacity, size_t item)
{
    uint32_t larger = *capacity == 0 ? 256 : *capacity * 2;
    void *moved = realloc(*array, larger * item);
    if (moved == NULL) {
        collect->no_memory = true;
        return false;
    }
    *array = moved;
    *capacity = larger;
    return true;
}

static bool collect_node(struct ctr_collect *collect, const uint8_t *tag)
{
    if (collect->node_count == collect->node_capacity &&
        !grow(collect, (void **)&collect->nodes, &collect->node_capacity, sizeof *collect->nodes)) {
        return false;
    }
    collect->nodes[collect->node_count++] = (uint32_t)(tag - collect->raw);
    return true;
}

static bool collect_object(struct ctr_collect *collect, uint64_t number)
{
    if (collect->object_count == collect->object_capacity &&
        !grow(collect, (void **)&collect->objects, &collect->object_capacity,
              sizeof *collect->objects)) {
        return false;
    }
    collect->objects[collect->object_count++] = number;
    return true;
}

/* A node must be whole before it is named: no value contains itself. */
static bool node_is_whole(const struct ctr_collect *collect, uint64_t node)
{
    for (unsigned i = 0; i < collect->depth; i++) {
        if (collect->around[i] == node) {
            return false;
        }
    }
    return true;
}

static bool node_is_text(const struct ctr_collect *collect, uint64_t node)
{
    uint8_t tag = collect->raw[collect->nodes[node]];
    return tag == CTR_V_TEXT || tag == CTR_V_GROW;
}

/* ---- values ---- */

const uint8_t ctr_value_size[256] = {
    [CTR_V_UNBOUND] = 1,  [CTR_V_NONE] = 1,     [CTR_V_TRUE] = 1,
    [CTR_V_FALSE] = 1,    [CTR_V_ELLIPSIS] = 1, [CTR_V_NOT_IMPLEMENTED] = 1,
    [CTR_V_REDACTED] = 1, [CTR_V_DROPPED] = 1,  [CTR_V_FLOAT] = 9,
    [0x80] = 1,           [0x81] = 2,           [0x82] = 3,
    [0x83] = 4,           [0x84] = 5,           [0x85] = 6,
    [0x86] = 7,           [0x87] = 8,           [CTR_V_SMALL_INT... 0xff] = 1,
};

static void fail(struct ctr_scan *scan)
{
    scan->cursor.failed = true;
    scan->cursor.at = scan->cursor.end;
}

static void skip_varint(struct ctr_scan *scan)
{
    ct_get_varint(&scan->cursor);
}

static void skip_bytes(struct ctr_scan *scan, uint64_t count)
{
    if (ct_get_bytes(&scan->cursor, count) == NULL) {
        fail(scan);
    }
}

static void skip_type(struct ctr_scan *scan)
{
    uint64_t type = ct_get_varint(&scan->cursor);
    if (type >= UINT32_MAX) {
        fail(scan);
    } else if (scan->collect != NULL && type >= scan->collect->max_type) {
        scan->collect->max_type = (uint32_t)type + 1;
    }
}

/* The object's number in the block. */
static uint32_t read_object(struct ctr_scan *scan)
{
    uint64_t reference = ct_get_varint(&scan->cursor);
    if (reference == 0) {
        uint64_t number = ct_get_varint(&scan->cursor);
        if (scan->cursor.failed ||
            (scan->collect != NULL && !collect_object(scan->collect, number))) {
            fail(scan);
            return 0;
        }
        return scan->next_object++;
    }
    if (reference > scan->next_object) {
        fail(scan);
        return 0;
    }
    return (uint32_t)(reference - 1);
}

static uint64_t object_number(struct ctr_scan *scan, uint32_t local)
{
    if (scan->cursor.failed) {
        return 0;
    }
    return scan->collect != NULL ? scan->collect->objects[local] : scan->block->objects[local];
}

static void check_node(struct ctr_scan *scan, uint64_t node, bool text)
{
    const struct ctr_collect *collect = scan->collect;
    bool fits = node < scan->next_node &&
                (collect == NULL ||
                 (node_is_whole(collect, node) && (!text || node_is_text(collect, node))));
    if (!fits) {
        fail(scan);
    }
}

static void skip_node_far(struct ctr_scan *scan)
{
    struct ctr_collect *collect = scan->collect;
    uint64_t back = ct_get_varint(&scan->cursor);
    uint64_t node = ct_get_varint(&scan->cursor);
    if (back == 0 || back > UINT32_MAX || node > UINT32_MAX ||
        (collect != NULL && collect->on_far != NULL &&
         !collect->on_far(collect->context, back, node))) {
        fail(scan);
    }
}

static void skip_slow(struct ctr_scan *scan, unsigned depth);

static inline void skip_value(struct ctr_scan *scan, unsigned depth)
{
    const uint8_t *behind = ctr_short_value_end(scan->cursor.at, scan->cursor.end);
    if (behind != NULL) {
        scan->cursor.at = behind;
    } else {
        skip_slow(scan, depth);
    }
}

static void skip_children(struct ctr_scan *scan, uint64_t count, unsigned depth, uint32_t node)
{
    struct ctr_collect *collect = scan->collect;
    uint64_t left = (uint64_t)(scan->cursor.end - scan->cursor.at);
    if (depth + 1 >= CTR_VALUE_DEPTH_MAX || count > left) {
        fail(scan);
        return;
    }
    if (collect != NULL) {
        collect->around[collect->depth++] = node;
    }
    for (uint64_t i = 0; i < count && !scan->cursor.failed; i++) {
        skip_value(scan, depth + 1);
    }
    if (collect != NULL) {
        collect->depth--;
    }
}

/* Everything a node has after its tag. */
static void skip_node(struct ctr_scan *scan, uint8_t tag, unsigned depth, uint32_t node)
{
    struct ct_cursor *cursor = &scan->cursor;
    switch (tag) {
    case CTR_V_COMPLEX:
        skip_bytes(scan, 16);
        break;
    case CTR_V_BIG:
        skip_bytes(scan, ct_get_varint(cursor) >> 1);
        break;
    case CTR_V_TEXT:
    case CTR_V_BYTES:
        skip_bytes(scan, ct_get_varint(cursor));
        break;
    case CTR_V_GROW:
        check_node(scan, ct_get_varint(cursor), true);
        skip_bytes(scan, ct_get_varint(cursor));
        break;
    case CTR_V_TUPLE:
    case CTR_V_FROZENSET:
        skip_children(scan, ct_get_varint(cursor), depth, node);
        break;
    case CTR_V_SLICE:
    case CTR_V_RANGE:
        skip_children(scan, 3, depth, node);
        break;
    case CTR_V_CUT:
        skip_varint(scan);
        skip_children(scan, 1, depth, node);
        break;
    case CTR_V_AS:
        skip_type(scan);
        skip_children(scan, 1, depth, node);
        break;
    case CTR_V_THING:
        skip_type(scan);
        skip_varint(scan);
        skip_children(scan, 1, depth, node);
        break;
    case CTR_V_OPAQUE:
        skip_type(scan);
        skip_varint(scan);
        break;
    default:
        fail(scan);
    }
}

static void skip_slow(struct ctr_scan *scan, unsigned depth)
{
    struct ct_cursor *cursor = &scan->cursor;
    const uint8_t *start = cursor->at;
    uint8_t tag = ct_get_byte(cursor);
    if (cursor->failed) {
        return;
    }
    switch (tag) {
    case CTR_V_INT:
        skip_varint(scan);
        break;
    case CTR_V_NODE:
        check_node(scan, ct_get_varint(cursor), false);
        break;
    case CTR_V_NODE_FAR:
        skip_node_far(scan);
        break;
    case CTR_V_OBJECT:
        read_object(scan);
        break;
    default:
        if (ctr_value_size[tag] != 0) { /* the block ends soon, or inside */
            skip_bytes(scan, ctr_value_size[tag] - 1u);
            return;
        }
        if (scan->collect != NULL && !collect_node(scan->collect, start)) {
            fail(scan);
            return;
        }
        skip_node(scan, tag, depth, scan->next_node++);
    }
}

void ctr_skip_value(struct ctr_scan *scan)
{
    skip_value(scan, 0);
}

uint64_t ctr_scan_object(struct ctr_scan *scan)
{
    struct ct_cursor ahead = scan->cursor;
    if (ct_get_byte(&ahead) == 0) { /* a new one says its number itself, also inside a node */
        uint64_t number = ct_get_varint(&ahead);
        read_object(scan);
        return number;
    }
    return object_number(scan, read_object(scan));
}

/* ---- records ---- */

static inline uint32_t read_u32(struct ctr_scan *scan)
{
    uint64_t value = ct_get_varint(&scan->cursor);
    if (value > UINT32_MAX) {
        fail(scan);
        return 0;
    }
    return (uint32_t)value;
}

static inline void start_values(const struct ctr_scan *scan, struct ctr_rec *rec)
{
    rec->values = scan->cursor.at;
    rec->values_node = scan->next_node;
    rec->values_object = scan->next_object;
}

static inline void take_values(struct ctr_scan *scan, struct ctr_rec *rec, uint32_t count)
{
    rec->count = count;
    start_values(scan, rec);
    for (uint32_t i = 0; i < count && !scan->cursor.failed; i++) {
        skip_value(scan, 0);
    }
}

static inline void take_set(struct ctr_scan *scan, struct ctr_rec *rec, uint32_t slot)
{
    struct ct_cursor *cursor = &scan->cursor;
    rec->kind = CTR_SET;
    rec->slot = slot;
    rec->count = 1;
    start_values(scan, rec);
    if (cursor->at < cursor->end) {
        uint8_t tag = *cursor->at;
        if ((tag & 0xe0) == CTR_V_SMALL_DELTA) {
            cursor->at++;
            return;
        }
        if (tag == CTR_V_DELTA) {
            cursor->at++;
            skip_varint(scan);
            return;
        }
    }
    skip_value(scan, 0);
}

static void note_frame(struct ctr_scan *scan)
{
    if (scan->collect != NULL) {
        scan->collect->frames++;
    }
}

static void take_resume(struct ctr_scan *scan, struct ctr_rec *rec)
{
    rec->frame = read_u32(scan);
    if (scan->collect != NULL && rec->frame >= scan->collect->frames) {
        fail(scan);
    }
}

static void take_frame(struct ctr_scan *scan, struct ctr_rec *rec)
{
    rec->flags = ct_get_byte(&scan->cursor);
    rec->number = ct_get_varint(&scan->cursor);
    rec->plan = read_u32(scan);
    rec->distance = read_u32(scan);
    rec->line = read_u32(scan);
    rec->count = read_u32(scan);
    if ((rec->flags & ~(CTR_FRAME_SUSPENDED | CTR_FRAME_ADOPTED)) != 0) {
        fail(scan);
    }
    start_values(scan, rec);
    for (uint32_t i = 0; i < rec->count && !scan->cursor.failed; i++) {
        skip_varint(scan);
        skip_value(scan, 0);
    }
    note_frame(scan);
}

static void take_base(struct ctr_scan *scan, struct ctr_rec *rec)
{
    static const struct {
        uint8_t section, values;
    } parts[] = {{CTR_ITEMS, 1}, {CTR_PAIRS, 2}, {CTR_ATTRS, 2}};
    rec->sections = ct_get_byte(&scan->cursor);
    if ((rec->sections & ~(CTR_ITEMS | CTR_PAIRS | CTR_ATTRS)) != 0) {
        fail(scan);
    }
    start_values(scan, rec);
    for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
        if ((rec->sections & parts[part].section) == 0) {
            continue;
        }
        skip_varint(scan);
        uint64_t values = (uint64_t)read_u32(scan) * parts[part].values;
        for (uint64_t i = 0; i < values && !scan->cursor.failed; i++) {
            skip_value(scan, 0);
        }
    }
}

static void take_open(struct ctr_scan *scan, struct ctr_rec *rec)
{
    const uint8_t *type = scan->cursor.at;
    skip_type(scan);
    if (scan->cursor.failed) {
        return;
    }
    struct ct_cursor again = {type, scan->cursor.at, false};
    rec->type = (uint32_t)ct_get_varint(&again);
    rec->flags = ct_get_byte(&scan->cursor);
    rec->sections = 0;
    rec->distance = 0;
    if ((rec->flags & ~(CTR_OPEN_BASE | CTR_OPEN_NEW)) != 0) {
        fail(scan);
    } else if (rec->flags & CTR_OPEN_BASE) {
        take_base(scan, rec);
    } else {
        rec->distance = read_u32(scan);
        if (rec->distance == 0) {
            fail(scan);
        }
    }
}

static void take_object_record(struct ctr_scan *scan, struct ctr_rec *rec)
{
    struct ct_cursor *cursor = &scan->cursor;
    rec->local = read_object(scan);
    rec->object = object_number(scan, rec->local);
    switch (rec->kind) {
    case CTR_OPEN:
        take_open(scan, rec);
        break;
    case CTR_ITEM:
    case CTR_ATTR:
        rec->number = ct_get_varint(cursor);
        take_values(scan, rec, 1);
        break;
    case CTR_APPEND:
    case CTR_UNPAIR:
        take_values(scan, rec, 1);
        break;
    case CTR_PAIR:
    case CTR_ATTR_ADD:
        take_values(scan, rec, 2);
        break;
    case CTR_SPLICE:
        rec->number = ct_get_varint(cursor);
        rec->more = ct_get_varint(cursor);
        take_values(scan, rec, read_u32(scan));
        break;
    case CTR_ATTR_DEL:
    case CTR_TOTAL:
        rec->number = ct_get_varint(cursor);
        break;
    case CTR_CHECKED:
        rec->change = ct_get_zigzag(cursor);
        break;
    default: /* CLEAR */
        break;
    }
}

static void take_record(struct ctr_scan *scan, struct ctr_rec *rec)
{
    struct ct_cursor *cursor = &scan->cursor;
    switch (rec->kind) {
    case CTR_LINE_FAR:
        rec->change = ct_get_zigzag(cursor);
        rec->number = rec->change == 0;
        break;
    case CTR_SET_FAR:
        take_set(scan, rec, read_u32(scan));
        break;
    case CTR_CALL:
        rec->plan = read_u32(scan);
        note_frame(scan);
        break;
    case CTR_RETURN:
    case CTR_YIELD:
    case CTR_UNWIND:
    case CTR_RAISE:
    case CTR_HANDLED:
        take_values(scan, rec, 1);
        break;
    case CTR_RESUME:
        take_resume(scan, rec);
        break;
    case CTR_THROW:
        take_resume(scan, rec);
        take_values(scan, rec, 1);
        break;
    case CTR_FRAME:
        take_frame(scan, rec);
        break;
    case CTR_SPAN:
        rec->number = ct_get_varint(cursor);
        rec->more = ct_get_varint(cursor);
        break;
    case CTR_THREAD:
    case CTR_THREAD_END:
        rec->number = read_u32(scan);
        break;
    case CTR_TICK:
    case CTR_FORK:
        rec->number = ct_get_varint(cursor);
        break;
    case CTR_OUTPUT:
    case CTR_INPUT:
    case CTR_NOTE:
        rec->number = ct_get_varint(cursor);
        take_values(scan, rec, 1);
        break;
    default:
        if (ctr_record_is_about_object(rec->kind)) {
            take_object_record(scan, rec);
        } else {
            fail(scan);
        }
    }
}

bool ctr_record_rest(struct ctr_scan *scan, struct ctr_rec *rec, uint8_t first)
{
    if (first < CTR_SET + 64) {
        take_set(scan, rec, first - CTR_SET);
    } else {
        rec->kind = first;
        take_record(scan, rec);
    }
    return !scan->cursor.failed;
}
