/* What the background thread learns of each EVENTS block, gathered in segments of
 * CTR_SEGMENT_BLOCKS and written as INDEX blocks; the reader loads a segment when it needs it.
 *
 * INDEX block: varint number of entries, then each entry as below, then the segment's tables
 * (see index.c). */
#ifndef CT_TRACE_INDEX_H
#define CT_TRACE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trace/format.h"

struct ctr_index_entry {
    uint64_t offset; /* of the block header in the file */
    uint32_t raw_size;
    uint32_t stored_size;
    uint64_t first_step;
    uint64_t first_call;
    uint64_t tick;    /* milliseconds */
    uint32_t thread;  /* running at the block's start */
    uint32_t outputs; /* OUTPUT records inside */
    uint32_t raises;  /* RAISE records inside */
};

struct ctr_segment {
    unsigned count;
    struct ctr_index_entry entries[CTR_SEGMENT_BLOCKS];
};

void ctr_segment_encode(const struct ctr_segment *segment, struct ct_bytes *to);
int ctr_segment_decode(const uint8_t *from, size_t size, struct ctr_segment *segment,
                       struct ct_error *error);

#endif
