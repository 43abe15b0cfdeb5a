/* Goes through the visits of some lines, over the whole recording, and knows a few variables at
 * each: for conditions. Or through all that some variables were set to. Several blocks at a time
 * are read, and only those in which there is something: past the cache, unless objects are to be
 * seen, whose states are folded from what their blocks say of them. */
#ifndef CT_TRACE_SWEEP_H
#define CT_TRACE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/objects.h"
#include "trace/query.h"
#include "trace/value.h"

enum { CTR_SWEEP_WORKERS = 8 };

/* Which variables to follow in the frames of a plan. */
struct ctr_sweep_plan {
    uint32_t plan;
    const uint32_t *slots;
    uint32_t slot_count;
};

struct ctr_sweeper; /* who looks */

/* A line is about to run, or a variable was set. Borrowed for the call. */
struct ctr_sweep_visit {
    unsigned worker; /* 0 .. workers - 1: who looks */
    uint32_t key;    /* which of the sweep's */
    uint64_t step;   /* of the line; of a variable the first whose state shows it */
    uint64_t call;
    struct ctr_place place;
    const struct ctr_value *values; /* of the plan's slots, in their order */
    struct ctr_sweeper *sweeper;
};

struct ctr_sweep {
    bool of_writes;       /* not of lines */
    bool sees_objects;    /* ctr_sweep_object may be asked */
    const uint64_t *keys; /* ctr_key() of plan and line, or slot (a followed one); ascending */
    uint32_t key_count;
    const struct ctr_sweep_plan *plans; /* those of all keys, ascending */
    uint32_t plan_count;
    unsigned workers; /* threads, 1 .. CTR_SWEEP_WORKERS */
    /* Called by every worker's thread; the visits of a block come in their order, from one of
     * them. False: enough; blocks that were begun are gone through all the same. */
    bool (*visit)(void *context, const struct ctr_sweep_visit *visit);
    void *context;
};

/* The state of an object where the sweeper is. NULL: the trace does not describe it, or it cannot
 * be read. Borrowed for the visit, in which other objects may be asked for. And where it has a key
 * of this content. */
struct ctr_object_state *ctr_sweep_object(struct ctr_sweeper *sweeper, uint64_t number);
uint32_t ctr_sweep_find_pair(struct ctr_sweeper *sweeper, struct ctr_object_state *state,
                             struct ctr_value key);

/* A part of the trace to sweep: blocks `first` to `end` - 1. */
struct ctr_sweep_range {
    uint32_t first, end;
    bool backwards;       /* start with the last of them */
    uint32_t most_blocks; /* look into no more; 0: any number */
};

/* Sweep a range, and make it what is left of it: empty (`first` == `end`) when all was seen. */
int ctr_sweep(struct ctr_trace *trace, const struct ctr_sweep *sweep, struct ctr_sweep_range *range,
              struct ct_error *error);

#endif
