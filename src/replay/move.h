/* Moving through a recording: docs/reference/stepping.md says what each move means. Every move goes
 * both ways; one that has nowhere to go leaves the session where it stands and says why. */
#ifndef CT_REPLAY_MOVE_H
#define CT_REPLAY_MOVE_H

#include "replay/session.h"

enum rp_move {
    RP_INTO,      /* the next moment of the thread */
    RP_OVER,      /* the next step of the running call */
    RP_OVER_LINE, /* the same, past the turns of a loop on the line */
    RP_OUT,       /* out of the running call, or visit of a generator */
    RP_MOVES,
};

enum rp_end {
    RP_MOVED,
    RP_AT_START,  /* nothing is before, on this thread */
    RP_AT_END,    /* nothing is after, on this thread: it ended, or the recording did */
    RP_AT_ROOT,   /* no recorded code called, or goes on after, the running call */
    RP_NOT_FOUND, /* nothing of that sort in this direction */
    RP_ENDS_COUNT,
};

const char *rp_move_name(enum rp_move move); /* "into", "over", "over line", "out" */
const char *rp_end_name(enum rp_end end);    /* "moved", "start", "end", "root", "not found" */

/* Move on `thread`, from its latest moment (RP_THIS_THREAD: of the moment itself). */
#define RP_THIS_THREAD UINT32_MAX
int rp_step(struct rp_session *session, enum rp_move move, uint32_t thread, bool backwards,
            enum rp_end *end, struct ct_error *error);

/* The recording's first and last step. */
int rp_go_start(struct rp_session *session, struct ct_error *error);
int rp_go_end(struct rp_session *session, struct ct_error *error);

/* The first and the last step of a call. RP_NOT_FOUND: it has none. CT_EUSAGE: no such call. */
int rp_go_call_start(struct rp_session *session, uint64_t call, enum rp_end *end,
                     struct ct_error *error);
int rp_go_call_end(struct rp_session *session, uint64_t call, enum rp_end *end,
                   struct ct_error *error);

/* Visits of a line: code of a file that comes to it, in any call and thread or in one call only.
 * The next one after the session's moment, or the last before it. */
struct rp_line {
    uint32_t path; /* number of the path in the trace */
    uint32_t line;
    uint64_t call; /* CTR_NO_CALL: any */
};
int rp_go_line(struct rp_session *session, const struct rp_line *line, bool backwards,
               enum rp_end *end, struct ct_error *error);
/* The visit of this number, from 0, by one call: an iteration of a loop. RP_NOT_FOUND: there are
 * only `*count`. */
int rp_go_visit(struct rp_session *session, uint64_t call, uint32_t line, uint64_t index,
                uint64_t *count, enum rp_end *end, struct ct_error *error);

/* The moment at which the next exception is raised (where it came from: not each frame it passes
 * through), or the next output is written. */
enum rp_event { RP_EXCEPTION, RP_OUTPUT };
int rp_go_event(struct rp_session *session, enum rp_event event, bool backwards, enum rp_end *end,
                struct ct_error *error);

#endif
