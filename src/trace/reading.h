/* Reads the records of one EVENTS block in their order and knows who runs: for those who look into
 * single blocks, and need no variables. */
#ifndef CT_TRACE_READING_H
#define CT_TRACE_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/reader.h"
#include "trace/record.h"
#include "trace/running.h"

struct ctr_reading {
    struct ctr_trace *trace;
    const struct ctr_block *block;
    struct ctr_running running; /* as it is before `rec`; behind it once it was followed */
    struct ctr_scan scan;       /* stands behind `rec` */
    struct ctr_rec rec;
    const uint8_t *at;   /* where `rec` starts */
    const uint8_t *mark; /* from here on a mark is wanted: where it can begin another time */
    int status;          /* why it cannot go on: CT_ENOMEM or CT_EFORMAT */
};

/* Pin a block and stand before its first record. Close what you opened. */
int ctr_reading_open(struct ctr_reading *reading, struct ctr_trace *trace, uint32_t number,
                     struct ct_error *error);

/* Stand on the last known mark within reach, or before the first record; where that is. */
struct ctr_reach;
uint32_t ctr_reading_jump(struct ctr_reading *reading, const struct ctr_reach *reach);

void ctr_reading_keep_mark(struct ctr_reading *reading);

/* Let the block go. `error` says why it could not go on, if so. */
int ctr_reading_close(struct ctr_reading *reading, struct ct_error *error);

/* Read the next record, without following it yet; false at the end. Those before were followed. */
static inline bool ctr_reading_next(struct ctr_reading *reading)
{
    if (reading->scan.cursor.at >= reading->mark) {
        ctr_reading_keep_mark(reading);
    }
    reading->at = reading->scan.cursor.at;
    return ctr_record_next(&reading->scan, &reading->rec);
}

/* Step over the short LINE and SET records of the running frame that come next, up to `end` (of the
 * block, or where a record starts) or the next mark. */
static inline struct ctr_skipped ctr_reading_skip_to(struct ctr_reading *reading,
                                                     const uint8_t *end)
{
    struct ctr_skipped skipped;
    end = reading->mark < end ? reading->mark : end;
    if (ctr_running_skip(&reading->running, &reading->scan, end, &skipped) != CT_OK) {
        reading->status = CT_EFORMAT;
    }
    return skipped;
}

static inline void ctr_reading_skip(struct ctr_reading *reading)
{
    ctr_reading_skip_to(reading, reading->scan.cursor.end);
}

/* Let it take effect; false when it cannot, and there is no going on. */
static inline bool ctr_reading_follow(struct ctr_reading *reading)
{
    int status = ctr_running_follow(&reading->running, &reading->rec);
    if (status != CT_OK) {
        reading->status = status;
    }
    return status == CT_OK;
}

/* Where the record starts in the block. */
static inline uint32_t ctr_reading_place(const struct ctr_reading *reading)
{
    return (uint32_t)(reading->at - reading->block->raw);
}

/* Whether the record, not followed yet, is the end of this call. */
static inline bool ctr_reading_ends_call(const struct ctr_reading *reading, uint64_t call)
{
    bool ends = reading->rec.kind == CTR_RETURN || reading->rec.kind == CTR_UNWIND;
    const struct ctr_runner *top = ends ? ctr_running_top(&reading->running) : NULL;
    return top != NULL && top->call == call;
}

#endif
