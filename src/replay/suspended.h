/* The coroutines that are suspended at a place of the trace: follows the records up to there. */
#ifndef CT_REPLAY_SUSPENDED_H
#define CT_REPLAY_SUSPENDED_H

#include "replay/session_internal.h"

enum {
    RP_CODE_GENERATOR = 0x20, /* of co_flags */
    RP_CODE_COROUTINE = 0x80,
    RP_CODE_AWAITABLE = 0x100, /* a generator made a coroutine, by types.coroutine */
    RP_CODE_ASYNC_GENERATOR = 0x200,
    RP_SUSPENDED_MAX = 1 << 18, /* followed at a time */
};

struct rp_suspended {
    uint64_t call;
    uint64_t awaits;        /* the call that was suspended right before it, in it; CTR_NO_CALL */
    uint64_t step;          /* its latest one; UINT64_MAX: in an earlier block than `place` */
    struct ctr_place place; /* of its YIELD */
    uint32_t plan, line, thread;
    bool is_awaited; /* by another that is suspended; filled when they are listed */
};

struct rp_follower;

int rp_follower_new(struct rp_follower **follower, struct rp_session *session,
                    struct ct_error *error);
void rp_follower_free(struct rp_follower *follower);

/* Stand behind the record at `place`. CT_ECANCEL: the watch said so. */
int rp_follow_to(struct rp_follower *follower, struct ctr_place place, struct ct_error *error);

/* That of the session, where it stands behind the record at `place` (tasks.c). */
int rp_follower_at(struct rp_session *session, struct ctr_place place,
                   struct rp_follower **follower, struct ct_error *error);

/* What is suspended there, in no order; `count` of them. Borrowed until it moves. */
const struct rp_suspended *rp_follower_all(struct rp_follower *follower, size_t *count);
/* The suspended call, or NULL. */
const struct rp_suspended *rp_follower_find(const struct rp_follower *follower, uint64_t call);
/* The call which was suspended on a thread and nothing else happened there since; CTR_NO_CALL. */
uint64_t rp_follower_just_left(const struct rp_follower *follower, uint32_t thread);
bool rp_follower_is_truncated(const struct rp_follower *follower);

static inline bool rp_is_coroutine(const struct ctr_plan *plan)
{
    return plan != NULL && (plan->flags & (RP_CODE_COROUTINE | RP_CODE_AWAITABLE));
}

static inline bool rp_suspends(const struct ctr_plan *plan)
{
    return plan != NULL && (plan->flags & (RP_CODE_GENERATOR | RP_CODE_COROUTINE |
                                           RP_CODE_AWAITABLE | RP_CODE_ASYNC_GENERATOR));
}

#endif
