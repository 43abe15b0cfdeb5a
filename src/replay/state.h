/* What is there at the session's moment: threads, stacks, variables. */
#ifndef CT_REPLAY_STATE_H
#define CT_REPLAY_STATE_H

#include "replay/session.h"
#include "replay/values.h"

struct rp_thread {
    uint32_t number;
    const struct ctr_thread *about; /* NULL: the trace says nothing of it */
    bool is_running;                /* the moment is one of its */
    bool has_frames;                /* recorded code is on its stack, and its top is this */
    uint64_t call;
    uint32_t plan, line;
};

/* Threads `first` and on, as many as there is room for; `*total` is how many there are in the
 * recording. */
int rp_threads(struct rp_session *session, uint32_t first, uint32_t room, struct rp_thread *threads,
               uint32_t *count, uint32_t *total, struct ct_error *error);

struct rp_frame {
    uint64_t call;
    uint64_t parent; /* CTR_NO_CALL: none, or not known */
    uint32_t plan, line;
    bool is_call_site; /* its line is in the middle of a call, not about to run */
    bool was_running;  /* when the recording began: what it did before is not known */
};

/* Frames of a thread's stack from the top down, `first` and on. `*more`: there are others below. */
int rp_stack(struct rp_session *session, uint32_t thread, uint32_t first, uint32_t room,
             struct rp_frame *frames, uint32_t *count, bool *more, struct ct_error *error);

/* How many frames are below the thread's top one; false where it has none, or more than
 * RP_DEPTH_MAX: to count those would mean to read all blocks in which they began. */
enum { RP_DEPTH_MAX = 4096 };
bool rp_depth(struct rp_session *session, uint32_t thread, uint64_t *depth);
/* The same of the thread that runs at a step, there. */
bool rp_depth_at(struct rp_session *session, uint64_t step, uint64_t *depth);

/* The variables of a frame; those of module, class and `exec` code are the names of its namespace.
 * What changed is against the latest step of the frame's call before the moment. CT_EUSAGE: there
 * is no such frame. */
int rp_variables(struct rp_session *session, uint32_t thread, uint32_t frame, uint64_t first,
                 uint64_t count, struct rp_list *list, struct ct_error *error);

/* The globals of a frame's module, as a value: a dict. CT_ESTATE: the recording does not have
 * them. */
int rp_globals(struct rp_session *session, uint32_t thread, uint32_t frame, struct ctr_value *value,
               struct ct_error *error);

#endif
