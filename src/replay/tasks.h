/* Tasks: coroutines that nobody awaits. Which there are at a moment, which of them runs, and where
 * the others are suspended. What is known of one is what its code did: that of a task whose
 * coroutine is code that was not recorded is not known, nor the name a library gave it.
 *
 * The trace has no list of suspended frames. It follows from the records of all blocks before the
 * moment in which coroutines ran; what they add up to is kept, every so many blocks, so that only
 * the first question pays. */
#ifndef CT_REPLAY_TASKS_H
#define CT_REPLAY_TASKS_H

#include "replay/session.h"
#include "replay/state.h"

/* Whether coroutines were recorded. */
bool rp_has_tasks(const struct ctr_trace *trace);

struct rp_task {
    uint64_t call; /* of its coroutine */
    uint32_t plan;
    uint32_t thread; /* it ran on last */
    bool is_running; /* it is on that thread's stack, and this is its top frame there: */
    /* where it waits: the innermost frame of those that await one another */
    uint64_t inner_call;
    uint32_t inner_plan, inner_line;
    uint32_t frames; /* so many; of a running one up to the top of the stack */
    uint64_t step;   /* the latest step of the innermost */
};

struct rp_tasks {
    uint64_t total;    /* tasks of that name */
    uint64_t all;      /* tasks */
    bool is_truncated; /* more were suspended than are followed: there may be others */
    uint32_t count;    /* of those asked for */
};

/* Tasks `first` and on of those that have `name` (NULL: any) in the qualified name of their
 * coroutine, in the order in which they began. CT_ECANCEL: the watch said so. */
int rp_tasks(struct rp_session *session, const char *name, uint64_t first, uint32_t room,
             struct rp_task *tasks, struct rp_tasks *about, struct ct_error *error);

/* The frames of a suspended task, the innermost first, `first` and on: each awaits the one before.
 * Until the session moves `numbers[i]` is the index of a frame "of thread" RP_SUSPENDED, for
 * rp_variables and the like. CT_EUSAGE: there is no such task. */
#define RP_SUSPENDED (UINT32_MAX - 1)
int rp_task_frames(struct rp_session *session, uint64_t call, uint32_t first, uint32_t room,
                   struct rp_frame *frames, uint32_t *numbers, uint32_t *count, bool *more,
                   struct ct_error *error);

#endif
