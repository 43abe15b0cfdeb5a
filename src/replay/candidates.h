/* Where breakpoints may stop, page after page in one direction.
 *
 * The index knows where a line was visited. Where every breakpoint on it has a simple condition
 * (simple.h), a sweep goes through those visits past the player, and leaves out the ones at which
 * none of them holds: of nine million visits mostly all but one. */
#ifndef CT_REPLAY_CANDIDATES_H
#define CT_REPLAY_CANDIDATES_H

#include "replay/session_internal.h"

struct rp_expression;

struct rp_candidate {
    struct ctr_place place; /* of the line, call or exception */
    uint64_t step;
    uint64_t key;           /* ctr_key() of its plan and line; of a call line 0 */
    uint64_t call;          /* of a call or exception */
    uint32_t thread;        /* the same */
    struct ctr_value value; /* of an exception: it */
    bool is_passed_on;      /* an exception: it came out of the call the frame had made */
    uint64_t sure;          /* the condition of breakpoint i holds, if bit i is set; else look */
};

struct rp_watched {       /* what a walk needs to know of a breakpoint */
    const uint64_t *keys; /* ascending */
    uint32_t key_count;
    const struct rp_expression *condition; /* or NULL */
};

struct rp_walk {
    struct rp_candidate *items; /* of the page at hand, in the direction of the walk */
    size_t count;
    bool done; /* there are no more pages */
    /* private: */
    struct rp_session *session;
    struct ctr_query query; /* its keys, ascending and each once, are borrowed */
    bool backwards, has_begun;
    struct ctr_place from, next;
    struct ctr_hit *hits;
    size_t capacity;        /* of the next page of hits */
    struct rp_sieve *sieve; /* NULL: every hit of the query is a candidate */
};

/* Start a walk; `watched` are the breakpoints whose keys a query for lines has, and are borrowed.
 * Close what you opened, also when it failed. */
int rp_walk_open(struct rp_walk *walk, struct rp_session *session, const struct ctr_query *query,
                 struct ctr_place from, bool backwards, const struct rp_watched *watched,
                 uint32_t watched_count, struct ct_error *error);
void rp_walk_close(struct rp_walk *walk);

/* The next page. CT_ECANCEL: the watch said so. */
int rp_walk_next(struct rp_walk *walk, struct ct_error *error);

#endif
