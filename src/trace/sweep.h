/* Goes through every step of one function, in the blocks where it ran: for predicates over the
 * whole recording. Blocks are read past the cache, several at a time. */
#ifndef CT_TRACE_SWEEP_H
#define CT_TRACE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/reader.h"
#include "trace/value.h"

/* A line of the function is about to run. Borrowed for the call. */
struct ctr_sweep_step {
    uint32_t block;
    unsigned worker; /* 0 .. workers - 1: who looks; blocks are dealt out in their order */
    uint64_t step;
    uint64_t call;
    uint32_t line;
    bool changed; /* a variable was set since this call's last step in this block, or this is
                     its first step here */
    uint32_t slot_count;
    const struct ctr_value *slots;
};

struct ctr_sweep {
    uint32_t plan;
    uint32_t first_block, end_block; /* half open; end_block UINT32_MAX: all */
    unsigned workers;                /* threads, 1 .. CTR_SWEEP_WORKERS */
    /* Called by every worker's thread. False ends the sweep. */
    bool (*visit)(void *context, const struct ctr_sweep_step *step);
    void *context;
};

enum { CTR_SWEEP_WORKERS = 8 };

/* CT_OK also when `visit` ended it. */
int ctr_sweep(struct ctr_trace *trace, const struct ctr_sweep *sweep, struct ct_error *error);

#endif
