/* One client's view of a recording: the moment where it stands, and what may be asked there.
 *
 * A session belongs to one thread at a time; any number of sessions share a trace. Nothing here
 * holds more than what was asked for: lists are asked for by range, values by count with their
 * children by reference, and what has to search reports how far it is and can be ended.
 *
 * What the moves mean stands in docs/reference/stepping.md. */
#ifndef CT_REPLAY_SESSION_H
#define CT_REPLAY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/query.h"
#include "trace/reader.h"

struct rp_session;

/* A step, whose line is about to run (`left` 0), or the time after it when so many frames of its
 * thread's stack have been left since (returned, unwound, suspended) and the next one goes on in
 * the middle of the line that had called. */
struct rp_moment {
    uint64_t step;
    uint32_t left;
};

static inline bool rp_moment_same(struct rp_moment a, struct rp_moment b)
{
    return a.step == b.step && a.left == b.left;
}

/* A moment and who runs there. */
struct rp_position {
    struct rp_moment moment;
    struct ctr_place place; /* of the record that makes it: moments are in its order */
    uint64_t tick;          /* milliseconds since the start */
    uint32_t thread;
    uint64_t call; /* that runs, or goes on */
    uint32_t plan, line;
    bool is_turn;                /* another turn of the loop on its line */
    bool has_below;              /* a recorded frame is below it */
    enum ctr_event_kind left_by; /* `left` > 0: how the frame above left: RETURN, YIELD, UNWIND */
    struct ctr_value result;     /* and what it returned, yielded or raised */
};

/* The trace must outlive the session. The session stands on the first step. CT_ESTATE: there is
 * none. */
int rp_session_new(struct rp_session **session, struct ctr_trace *trace, struct ct_error *error);
void rp_session_free(struct rp_session *session);

struct ctr_trace *rp_session_trace(const struct rp_session *session);

/* Called every few blocks of a search: `done` of `total` blocks were passed. False ends the search
 * with CT_ECANCEL; the session stands where it stood. NULL: nobody asks. */
struct rp_watch {
    bool (*go_on)(void *context, uint64_t done, uint64_t total);
    void *context;
};
void rp_session_watch(struct rp_session *session, struct rp_watch watch);

/* Where the session stands. */
const struct rp_position *rp_now(const struct rp_session *session);

/* Stand there. CT_EUSAGE, and the session stands where it stood: there is no such moment. */
int rp_go(struct rp_session *session, struct rp_moment moment, struct ct_error *error);

/* What standing there would be, without going. */
int rp_look(struct rp_session *session, struct rp_moment moment, struct rp_position *position,
            struct ct_error *error);

#endif
