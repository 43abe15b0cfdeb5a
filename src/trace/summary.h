/* Gathers the index of one segment, block by block: the background thread of a recording does it
 * with each block it stores, a recovery and a reader with the blocks no INDEX block describes.
 *
 * Its memory is bounded whatever the program does; where a limit is reached, the table says which
 * blocks it does not know. */
#ifndef CT_TRACE_SUMMARY_H
#define CT_TRACE_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "trace/index.h"
#include "trace/reader.h"

struct ctr_summary;

/* NULL: no memory. */
struct ctr_summary *ctr_summary_new(void);
void ctr_summary_free(struct ctr_summary *summary);

/* Look into a block, prelude included. `placed` says where it is stored: offset and sizes. `block`
 * is its prepared form, or NULL when there is none; a block whose records make no sense is indexed
 * as one that no table knows. At most CTR_SEGMENT_BLOCKS until ctr_summary_clear. */
void ctr_summary_add(struct ctr_summary *summary, const struct ctr_index_entry *placed,
                     const uint8_t *raw, size_t size, const struct ctr_block *block);

unsigned ctr_summary_count(const struct ctr_summary *summary);
/* The first block's entry: what the directory in END says of the segment. */
const struct ctr_index_entry *ctr_summary_first(const struct ctr_summary *summary);

/* Append the INDEX block for the blocks gathered. */
void ctr_summary_encode(struct ctr_summary *summary, struct ct_bytes *to);
/* Start the next segment. */
void ctr_summary_clear(struct ctr_summary *summary);

/* Bytes of memory held, for the check of its bound. */
size_t ctr_summary_memory(const struct ctr_summary *summary);

/* The entry of the directory in END: varint offset, first block, first step, call and tick. */
void ctr_directory_add(struct ct_bytes *directory, uint64_t offset, uint32_t first_block,
                       const struct ctr_index_entry *first);

#endif
