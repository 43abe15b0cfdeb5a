/* Goes through all that a variable or a part of an object showed, either way: what it was bound to,
 * and, while that is an object, each change of what the object itself holds. */
#ifndef CT_REPLAY_HISTORY_WALK_H
#define CT_REPLAY_HISTORY_WALK_H

#include "replay/session_internal.h"

struct rp_history_change {
    struct ctr_hit hit;    /* its value: what it was bound to, or the object that changed */
    bool is_inside;        /* it was bound to this object before, too */
    struct ctr_place next; /* where to go on behind it, in the direction */
};

struct rp_history_walk;

/* From a place on, of what finds the bindings: the query must outlive it. */
int rp_history_walk_new(struct rp_history_walk **walk, struct rp_session *session,
                        const struct ctr_query *bindings, struct ctr_place from, bool backwards,
                        struct ct_error *error);
void rp_history_walk_free(struct rp_history_walk *walk);

/* The next one; all that one step changed of one object is one. CT_ESTATE: there is none. */
int rp_history_walk_next(struct rp_history_walk *walk, struct rp_history_change *change,
                         struct ct_error *error);

#endif
