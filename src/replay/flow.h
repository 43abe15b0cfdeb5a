/* The flow of one call, in windows: the visits of its lines in order, what each read and wrote, how
 * its conditions went; its loops and how often they turned. Iteration n of a loop is rp_go_visit.
 */
#ifndef CT_REPLAY_FLOW_H
#define CT_REPLAY_FLOW_H

#include "base/bytes.h"
#include "replay/session.h"
#include "trace/calls.h"
#include "trace/facts.h"
#include "trace/text.h"

enum rp_truth { RP_UNKNOWN, RP_FALSE, RP_TRUE };

struct rp_flow_value {
    size_t name, name_size;     /* in the page's texts */
    size_t before, before_size; /* what it was when the line began; absent: size 0 */
    size_t after, after_size;   /* what it was afterwards, where the line wrote or changed it */
    bool is_read, is_written;   /* the code of the line says so */
    bool is_changed;            /* it is another value afterwards, or the object in it changed */
};

struct rp_visit {
    uint64_t step;
    uint32_t line;
    bool is_turn;                    /* another turn of a loop on its line */
    enum rp_truth condition;         /* of a line with one condition: how it went */
    size_t first_value, value_count; /* in the page's values */
};

struct rp_flow { /* a page; start from `{0}`; rp_flow_clear */
    struct ctr_call call;
    struct rp_visit *visits;
    size_t count, visit_capacity;
    struct rp_flow_value *values;
    size_t value_count, value_capacity;
    struct ct_bytes texts;
    bool more; /* there are visits behind */
};

void rp_flow_clear(struct rp_flow *page);

/* Visits of the call's lines from a step on (its own or any before), `room` at most. */
int rp_flow(struct rp_session *session, const struct ctr_call *call, uint64_t from, uint32_t room,
            const struct ctr_text_options *options, struct rp_flow *page, struct ct_error *error);

/* The loops of a call, `first` and on, as its code has them; `visits` of the line where each turn
 * begins, by this call. That line is come to once more where the loop ends: the turns are told
 * without it; of a loop inside of another one, with it. What turns a comprehension made is not
 * known, nor those of a loop on one line inside of another, or that an exception ends. */
struct rp_loop {
    struct ctr_loop_fact about;
    uint64_t visits;
    bool knows_turns;
    uint64_t turns;
};
int rp_loops(struct rp_session *session, uint64_t call, uint32_t first, uint32_t room,
             struct rp_loop *loops, uint32_t *count, uint32_t *total, struct ct_error *error);

/* The latest visit of a line by a call at or before the session's step. */
struct rp_latest_visit {
    uint64_t count;  /* of visits, in the whole call */
    uint64_t so_far; /* of these up to the step; 0: none, else the latest */
    uint64_t step;   /* is number `so_far` - 1, at this step */
};
int rp_latest_visit(struct rp_session *session, uint64_t call, uint32_t line,
                    struct rp_latest_visit *visit, struct ct_error *error);

#endif
