#include "trace/index.h"

#include "base/varint.h"

void ctr_segment_encode(const struct ctr_segment *segment, struct ct_bytes *to)
{
    ct_bytes_add_varint(to, segment->count);
    for (unsigned i = 0; i < segment->count; i++) {
        const struct ctr_index_entry *entry = &segment->entries[i];
        ct_bytes_add_varint(to, entry->offset);
        ct_bytes_add_varint(to, entry->raw_size);
        ct_bytes_add_varint(to, entry->stored_size);
        ct_bytes_add_varint(to, entry->first_step);
        ct_bytes_add_varint(to, entry->first_call);
        ct_bytes_add_varint(to, entry->tick);
        ct_bytes_add_varint(to, entry->thread);
        ct_bytes_add_varint(to, entry->outputs);
        ct_bytes_add_varint(to, entry->raises);
    }
}

int ctr_segment_decode(const uint8_t *from, size_t size, struct ctr_segment *segment,
                       struct ct_error *error)
{
    struct ct_cursor cursor = {from, from + size, false};
    uint64_t count = ct_get_varint(&cursor);
    if (count > CTR_SEGMENT_BLOCKS) {
        return ct_fail(error, CT_EFORMAT, "an index of %llu blocks, more than a segment has",
                       (unsigned long long)count);
    }
    segment->count = (unsigned)count;
    for (unsigned i = 0; i < count; i++) {
        struct ctr_index_entry *entry = &segment->entries[i];
        entry->offset = ct_get_varint(&cursor);
        entry->raw_size = (uint32_t)ct_get_varint(&cursor);
        entry->stored_size = (uint32_t)ct_get_varint(&cursor);
        entry->first_step = ct_get_varint(&cursor);
        entry->first_call = ct_get_varint(&cursor);
        entry->tick = ct_get_varint(&cursor);
        entry->thread = (uint32_t)ct_get_varint(&cursor);
        entry->outputs = (uint32_t)ct_get_varint(&cursor);
        entry->raises = (uint32_t)ct_get_varint(&cursor);
    }
    if (cursor.failed) {
        return ct_fail(error, CT_EFORMAT, "an index block ends too early");
    }
    return CT_OK;
}
