/* The recording as a picture: a range of steps cut into equal parts, and for each how deep the
 * stacks were and what happened.
 *
 * A short range is looked at event by event. Of a long one the index knows each block of some
 * 100 KiB: depths are then those of all threads that ran in the block together, what happened is
 * counted where its block starts, an exception counts in each frame that it passed, and time is
 * taken to pass evenly. Either way the cost follows the range: before it, only the blocks in
 * which frames on the stack began are read.
 */
#ifndef CT_REPLAY_TIMELINE_H
#define CT_REPLAY_TIMELINE_H

#include "replay/session.h"

enum { RP_TIMELINE_PARTS = 8192, RP_TIMELINE_THREADS = 256 };

struct rp_part {
    uint64_t outputs, exceptions;
    uint64_t hits; /* visits of lines that breakpoints are on, whatever their conditions say */
    uint64_t tick; /* at its start */
};

struct rp_depths { /* frames below the top one; -1: it did not run there */
    int32_t least, most;
};

struct rp_skyline {
    uint32_t thread;
    struct rp_depths *parts;
};

struct rp_timeline { /* start from `{0}`; rp_timeline_clear */
    uint64_t from, to;
    uint32_t count;
    bool is_exact; /* looked at event by event */
    struct rp_part *parts;
    struct rp_skyline *threads;
    uint32_t thread_count;
};

void rp_timeline_clear(struct rp_timeline *timeline);

/* Steps `from` to `to` - 1 in `count` parts. CT_EUSAGE: there are no such steps. */
int rp_timeline(struct rp_session *session, uint64_t from, uint64_t to, uint32_t count,
                struct rp_timeline *timeline, struct ct_error *error);

#endif
