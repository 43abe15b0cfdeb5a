/* Calls by number: when they ran, who made them, what they made. From the block a call began in and
 * the index of those after it; no list of calls is ever held. */
#ifndef CT_TRACE_CALLS_H
#define CT_TRACE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/reader.h"
#include "trace/running.h"

enum ctr_exit {
    CTR_EXIT_NONE, /* none recorded: it runs until the end of the trace, or ended unseen */
    CTR_EXIT_RETURN,
    CTR_EXIT_UNWIND,
};

struct ctr_call {
    uint64_t number;
    uint64_t parent; /* CTR_NO_CALL: none, or not recorded */
    uint32_t plan;
    uint32_t thread;
    uint32_t start_block, end_block; /* end_block: only with an exit */
    uint64_t start; /* steps before it; its first step has this number, if it has any */
    uint64_t end;   /* steps before its end; without an exit, those of the trace */
    uint64_t calls; /* made between start and end on its thread, its callees' too */
    enum ctr_exit exit;
    uint64_t children; /* calls it made itself in the block it began in */
    uint32_t end_at;   /* where its end starts in `end_block`; 0: only the index knows of it */
};

/* Whether a call ended in the block it began in. */
static inline bool ctr_call_is_short(const struct ctr_call *call)
{
    return call->exit != CTR_EXIT_NONE && call->end_block == call->start_block && call->end_at != 0;
}

/* CT_EUSAGE: there is no such call. */
int ctr_call_get(struct ctr_trace *trace, uint64_t number, struct ctr_call *call,
                 struct ct_error *error);

/* The same for several, whose `number`s are given and ascend: those that begin in one block are
 * found in one pass over it. */
int ctr_calls_get(struct ctr_trace *trace, struct ctr_call *calls, size_t count,
                  struct ct_error *error);

/* The call that `call` made as its `index`-th, from 0. CT_ESTATE: it made no more than `*count`. */
int ctr_call_child(struct ctr_trace *trace, uint64_t call, uint64_t index, uint64_t *child,
                   uint64_t *count, struct ct_error *error);

/* How many calls a call made itself. */
int ctr_call_children(struct ctr_trace *trace, const struct ctr_call *call, uint64_t *count,
                      struct ct_error *error);

/* The step at which `call` came to `line` for the `index`-th time, from 0: an iteration of a loop.
 * CT_ESTATE: it came there only `*count` times. */
int ctr_call_visit(struct ctr_trace *trace, uint64_t call, uint32_t line, uint64_t index,
                   uint64_t *step, uint64_t *count, struct ct_error *error);

/* How often `call` came to `line` before `step`. */
int ctr_call_visits(struct ctr_trace *trace, uint64_t call, uint32_t line, uint64_t step,
                    uint64_t *count, struct ct_error *error);

/* The lines `call` came to, ascending; the caller frees. */
int ctr_call_lines(struct ctr_trace *trace, uint64_t call, uint32_t **lines, uint32_t *count,
                   struct ct_error *error);

#endif
