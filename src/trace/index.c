#include "trace/index.h"

#include <stdlib.h>

/* ---- entries ---- */

void ctr_entry_encode(const struct ctr_index_entry *entry, struct ct_bytes *to)
{
    const uint64_t numbers[] = {
        entry->offset,     entry->raw_size,     entry->stored_size, entry->first_step,
        entry->first_call, entry->tick,         entry->thread,      entry->outputs,
        entry->inputs,     entry->raises,       entry->depth_end,   entry->depth_min,
        entry->depth_max,  entry->thread_count,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ct_bytes_add_varint(to, numbers[i]);
    }
    for (uint32_t i = 0; i < entry->thread_count && i < CTR_ENTRY_THREADS; i++) {
        ct_bytes_add_varint(to, entry->threads[i]);
    }
}

static void decode_entry(struct ct_cursor *cursor, struct ctr_index_entry *entry)
{
    entry->offset = ct_get_varint(cursor);
    entry->raw_size = ct_get_varint32(cursor);
    entry->stored_size = ct_get_varint32(cursor);
    entry->first_step = ct_get_varint(cursor);
    entry->first_call = ct_get_varint(cursor);
    entry->tick = ct_get_varint(cursor);
    entry->thread = ct_get_varint32(cursor);
    entry->outputs = ct_get_varint32(cursor);
    entry->inputs = ct_get_varint32(cursor);
    entry->raises = ct_get_varint32(cursor);
    entry->depth_end = ct_get_varint32(cursor);
    entry->depth_min = ct_get_varint32(cursor);
    entry->depth_max = ct_get_varint32(cursor);
    entry->thread_count = ct_get_varint32(cursor);
    for (uint32_t i = 0; i < entry->thread_count && i < CTR_ENTRY_THREADS; i++) {
        entry->threads[i] = ct_get_varint32(cursor);
    }
}

/* ---- tables ---- */

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "no memory for the index");
}

static int damaged(struct ct_error *error)
{
    return ct_fail(error, CT_EFORMAT, "an index block is damaged");
}

static unsigned block_count(const struct ctr_segment *segment, uint64_t blocks)
{
    return segment->count < 64 && blocks >> segment->count != 0
               ? 0
               : (unsigned)__builtin_popcountll(blocks);
}

/* Keys with their bits and, with `visits`, a number for each bit. Each takes at least 10 bytes. */
static int decode_keyed(struct ctr_segment *segment, struct ct_cursor *cursor,
                        struct ctr_keyed *keyed, bool visits, struct ct_error *error)
{
    enum { LEAST_BYTES = 10 };
    uint64_t count = ct_get_varint(cursor);
    size_t left = (size_t)(cursor->end - cursor->at);
    if (cursor->failed || count > left / LEAST_BYTES) {
        return damaged(error);
    }
    keyed->marks = malloc((count + 1) * sizeof *keyed->marks);
    if (visits) { /* each is at least a byte */
        segment->visits = malloc((left + 1) * sizeof *segment->visits);
    }
    if (keyed->marks == NULL || (visits && segment->visits == NULL)) {
        return no_memory(error);
    }
    uint32_t plan = 0, line = 0, used = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t step = ct_get_varint32(cursor);
        line = (step == 0 ? line : 0) + ct_get_varint32(cursor);
        plan += step;
        const uint8_t *bits = ct_get_bytes(cursor, 8);
        if (bits == NULL) {
            return damaged(error);
        }
        uint64_t blocks = ct_load64(bits);
        unsigned known = block_count(segment, blocks);
        if (known == 0) {
            return damaged(error);
        }
        keyed->marks[i] = (struct ctr_marks){ctr_key(plan, line), blocks, used};
        if (i > 0 && keyed->marks[i].key <= keyed->marks[i - 1].key) {
            return damaged(error);
        }
        for (unsigned bit = 0; visits && bit < known && !cursor->failed; bit++) {
            segment->visits[used++] = ct_get_varint32(cursor);
        }
    }
    keyed->count = (uint32_t)count;
    segment->size += count * sizeof *keyed->marks + used * sizeof *segment->visits;
    if (visits) {
        uint32_t *smaller = realloc(segment->visits, (used + 1) * sizeof *segment->visits);
        segment->visits = smaller != NULL ? smaller : segment->visits;
    }
    return cursor->failed || cursor->at != cursor->end ? damaged(error) : CT_OK;
}

struct part {
    const uint8_t *at, *end;
};

static int decode_parts(const struct ctr_segment *segment, struct ct_cursor *cursor, void *parts,
                        struct ct_error *error)
{
    struct part *part = parts;
    for (unsigned i = 0; i < segment->count; i++) {
        uint64_t size = ct_get_varint(cursor);
        part[i].at = ct_get_bytes(cursor, size);
        if (part[i].at == NULL) {
            return damaged(error);
        }
        part[i].end = part[i].at + size;
    }
    return cursor->at != cursor->end ? damaged(error) : CT_OK;
}

static int decode_table(struct ctr_segment *segment, enum ctr_index_table table,
                        struct ct_cursor *cursor, struct ct_error *error)
{
    switch (table) {
    case CTR_TABLE_LINES:
        return decode_keyed(segment, cursor, &segment->lines, true, error);
    case CTR_TABLE_SLOTS:
        return decode_keyed(segment, cursor, &segment->slots, false, error);
    case CTR_TABLE_OBJECTS:
        return decode_parts(segment, cursor, segment->objects, error);
    case CTR_TABLE_ENDS:
        return decode_parts(segment, cursor, segment->ends, error);
    default:
        return decode_parts(segment, cursor, segment->frames, error);
    }
}

static int decode_tables(struct ctr_segment *segment, struct ct_cursor *cursor,
                         struct ct_error *error)
{
    for (unsigned table = 0; table < CTR_INDEX_TABLES; table++) {
        uint64_t size = ct_get_varint(cursor);
        const uint8_t *from = ct_get_bytes(cursor, size);
        if (from == NULL) {
            return damaged(error);
        }
        struct ct_cursor content = {from, from + size, false};
        segment->missing[table] = ct_get_varint(&content);
        int status = decode_table(segment, (enum ctr_index_table)table, &content, error);
        if (status != CT_OK) {
            return status;
        }
    }
    segment->has_tables = true;
    return CT_OK;
}

int ctr_segment_decode(const uint8_t *from, size_t size, struct ctr_segment *segment,
                       struct ct_error *error)
{
    segment->bytes = malloc(size + 1);
    if (segment->bytes == NULL) {
        return no_memory(error);
    }
    if (size > 0) {
        memcpy(segment->bytes, from, size);
    }
    segment->size = sizeof *segment + size;
    struct ct_cursor cursor = {segment->bytes, segment->bytes + size, false};
    uint64_t count = ct_get_varint(&cursor);
    if (count == 0 || count > CTR_SEGMENT_BLOCKS) {
        return ct_fail(error, CT_EFORMAT, "an index of %llu blocks, which no segment has",
                       (unsigned long long)count);
    }
    segment->count = (unsigned)count;
    for (unsigned i = 0; i < count; i++) {
        decode_entry(&cursor, &segment->entries[i]);
    }
    segment->tables = (size_t)(cursor.at - segment->bytes);
    segment->end = size;
    return cursor.failed ? damaged(error) : decode_tables(segment, &cursor, error);
}

void ctr_segment_clear(struct ctr_segment *segment)
{
    free(segment->lines.marks);
    free(segment->slots.marks);
    free(segment->visits);
    free(segment->bytes);
    *segment = (struct ctr_segment){0};
}

/* ---- looking up ---- */

const struct ctr_marks *ctr_keyed_find(const struct ctr_keyed *keyed, uint64_t key)
{
    uint32_t low = 0, high = keyed->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (keyed->marks[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < keyed->count && keyed->marks[low].key == key ? &keyed->marks[low] : NULL;
}

uint64_t ctr_keyed_of_plan(const struct ctr_keyed *keyed, uint32_t plan)
{
    uint64_t blocks = 0;
    uint32_t low = 0, high = keyed->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (keyed->marks[middle].key >> 32 < plan) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < keyed->count && keyed->marks[low].key >> 32 == plan; low++) {
        blocks |= keyed->marks[low].blocks;
    }
    return blocks;
}

uint64_t ctr_segment_with(const struct ctr_segment *segment, enum ctr_index_table table,
                          const uint64_t *keys, uint32_t count)
{
    const struct ctr_keyed *keyed = table == CTR_TABLE_SLOTS ? &segment->slots : &segment->lines;
    uint64_t blocks = segment->missing[table];
    for (uint32_t i = 0; i < count; i++) {
        const struct ctr_marks *marks = ctr_keyed_find(keyed, keys[i]);
        blocks |= marks != NULL ? marks->blocks : 0;
    }
    return blocks;
}

static struct ctr_frame_part next_part(struct ct_cursor *cursor, uint64_t before)
{
    struct ctr_frame_part part = {.call = before + (uint64_t)ct_get_zigzag(cursor)};
    part.plan = ct_get_varint32(cursor);
    part.steps = ct_get_varint32(cursor);
    part.children = ct_get_varint32(cursor);
    part.line_count = ct_get_varint32(cursor);
    part.lines = *cursor;
    for (uint32_t i = 0; i < part.line_count && !cursor->failed; i++) {
        ct_get_varint(cursor);
        ct_get_varint(cursor);
    }
    return part;
}

uint64_t ctr_segment_of_plans(const struct ctr_segment *segment, const uint8_t *flags,
                              uint32_t plan_count)
{
    uint64_t blocks = segment->missing[CTR_TABLE_LINES] | segment->missing[CTR_TABLE_FRAMES];
    for (uint32_t i = 0; i < segment->lines.count; i++) {
        const struct ctr_marks *marks = &segment->lines.marks[i];
        uint32_t plan = (uint32_t)(marks->key >> 32);
        blocks |= plan < plan_count && flags[plan] ? marks->blocks : 0;
    }
    for (unsigned block = 0; block < segment->count; block++) {
        struct ct_cursor cursor = {segment->frames[block].at, segment->frames[block].end, false};
        struct ctr_frame_part part = {0};
        while (!(blocks >> block & 1) && cursor.at < cursor.end && !cursor.failed) {
            part = next_part(&cursor, part.call);
            bool is_of = part.plan < plan_count && flags[part.plan];
            blocks |= (uint64_t)(is_of || cursor.failed) << block;
        }
    }
    return blocks;
}

uint32_t ctr_marks_visits(const struct ctr_segment *segment, const struct ctr_marks *marks,
                          unsigned block)
{
    uint64_t before = marks->blocks & ((1ull << block) - 1);
    return segment->visits[marks->visits + (unsigned)__builtin_popcountll(before)];
}

bool ctr_segment_opens(const struct ctr_segment *segment, unsigned block, const uint64_t *objects,
                       uint32_t count)
{
    struct ct_cursor cursor = {segment->objects[block].at, segment->objects[block].end, false};
    uint64_t at = 0;
    uint32_t next = 0;
    while (cursor.at < cursor.end && !cursor.failed) {
        at += ct_get_varint(&cursor);
        while (next < count && objects[next] < at) {
            next++;
        }
        if (next == count || objects[next] == at) {
            return next < count && !cursor.failed;
        }
    }
    return false;
}

bool ctr_segment_end_of(const struct ctr_segment *segment, uint64_t call, struct ctr_call_end *end)
{
    for (unsigned block = 0; block < segment->count; block++) {
        struct ct_cursor cursor = {segment->ends[block].at, segment->ends[block].end, false};
        *end = (struct ctr_call_end){.block = block, .step = segment->entries[block].first_step};
        while (cursor.at < cursor.end && !cursor.failed) {
            end->call += (uint64_t)ct_get_zigzag(&cursor);
            end->step += ct_get_varint(&cursor);
            end->steps = ct_get_varint(&cursor);
            end->calls = ct_get_varint(&cursor);
            end->plan = ct_get_varint32(&cursor);
            uint64_t how = ct_get_varint(&cursor);
            end->thread = (uint32_t)(how >> 1);
            end->unwound = how & 1;
            if (end->call == call && !cursor.failed) {
                return true;
            }
        }
    }
    return false;
}

bool ctr_segment_part(const struct ctr_segment *segment, unsigned block, uint64_t call,
                      struct ctr_frame_part *part)
{
    struct ct_cursor cursor = {segment->frames[block].at, segment->frames[block].end, false};
    *part = (struct ctr_frame_part){0};
    while (cursor.at < cursor.end && !cursor.failed) {
        *part = next_part(&cursor, part->call);
        if (part->call == call && !cursor.failed) {
            return true;
        }
    }
    return false;
}

uint32_t ctr_part_visits(const struct ctr_frame_part *part, uint32_t line)
{
    struct ct_cursor cursor = part->lines;
    int64_t at = 0;
    for (uint32_t i = 0; i < part->line_count && !cursor.failed; i++) {
        at += ct_get_zigzag(&cursor);
        uint32_t visits = ct_get_varint32(&cursor);
        if (at == line) {
            return visits;
        }
    }
    return 0;
}
