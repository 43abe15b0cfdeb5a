/* Breakpoints by line and by function, with conditions and hit counts, and going on to the next of
 * their hits, either way. */
#ifndef CT_REPLAY_BREAKPOINTS_H
#define CT_REPLAY_BREAKPOINTS_H

#include "replay/move.h"
#include "replay/session.h"

struct rp_break {
    uint32_t path, line;   /* on a line; it must have steps (lines.h): no other is ever met */
    const char *function;  /* or, not NULL: at the first step of each call of functions of this
                              name: qualified, with its module or without */
    const char *condition; /* an expression, or NULL */
    /* Which of the hits count: "5", "== 5", ">= 5", "> 5", "< 5", "<= 5", "% 5" (every fifth); NULL
     * or "": all. Hits for which the condition holds are counted from the recording's start, so
     * that a hit has one number from whichever side one comes. */
    const char *hit_condition;
    bool is_log; /* continue passes it; rp_break_log tells of its hits */
};

/* CT_EUSAGE, and nothing is added: the condition or the hit condition makes no sense;
 * `*at` says where in the condition, SIZE_MAX: not there. */
int rp_break_add(struct rp_session *session, const struct rp_break *wanted, uint32_t *number,
                 size_t *at, struct ct_error *error);
bool rp_break_remove(struct rp_session *session, uint32_t number);
bool rp_break_enable(struct rp_session *session, uint32_t number, bool enabled);
/* Whether there is code it is on: of a function's name that nobody has, there is none. */
bool rp_break_has_code(const struct rp_session *session, uint32_t number);

/* A condition that fails at a hit does not hold there. How often that happened since the breakpoint
 * was added, and why first; "" when never. */
uint64_t rp_break_failures(const struct rp_session *session, uint32_t number, const char **why);

enum { RP_STOP_HITS = 16 };

struct rp_stop {
    enum rp_end end;             /* RP_MOVED, or RP_NOT_FOUND: it stays where it is */
    uint32_t hits[RP_STOP_HITS]; /* breakpoints that were hit, as many as there is room for, */
    uint32_t hit_count;          /* in the order of their numbers */
    bool is_exception;           /* an exception is raised there */
};

/* To the next hit of any breakpoint on any thread. */
int rp_continue(struct rp_session *session, bool backwards, struct rp_stop *stop,
                struct ct_error *error);
/* To the first hit of the recording, which may be the moment itself. */
int rp_start(struct rp_session *session, struct rp_stop *stop, struct ct_error *error);

/* Tell of the hits of log points behind `from` and up to `to`, in that direction: that of the moves
 * from the one place to the other. False from `tell` ends it with CT_ELIMIT. */
typedef bool rp_tell(void *context, uint32_t breakpoint, uint64_t step);
int rp_break_log(struct rp_session *session, struct ctr_place from, struct ctr_place to,
                 rp_tell *tell, void *context, struct ct_error *error);

#endif
