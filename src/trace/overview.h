/* What the index says of many blocks at once: for pictures of a whole recording, without looking
 * into a block. */
#ifndef CT_TRACE_OVERVIEW_H
#define CT_TRACE_OVERVIEW_H

#include "base/status.h"
#include "trace/reader.h"

/* The index entries of EVENTS blocks `first` to `first` + `count` - 1. CT_EUSAGE: there are not so
 * many. */
int ctr_entries(struct ctr_trace *trace, uint32_t first, uint32_t count,
                struct ctr_index_entry *entries, struct ct_error *error);

/* Add, for each of these blocks, how often the lines of `keys` (ctr_key of plan and line) ran in
 * it. */
int ctr_visits_by_block(struct ctr_trace *trace, const uint64_t *keys, uint32_t key_count,
                        uint32_t first, uint32_t count, uint64_t *visits, struct ct_error *error);

#endif
