/* Who runs: follows the records of one EVENTS block and knows the frames it speaks of, without
 * their variables. For those who look at many blocks and need only places: the summary, queries. */
#ifndef CT_TRACE_RUNNING_H
#define CT_TRACE_RUNNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/record.h"

#define CTR_NO_CALL UINT64_MAX
enum { CTR_NO_FRAME = 0xffffffffu };

struct ctr_runner { /* a frame the block has introduced and that has not ended */
    uint64_t call;
    uint64_t parent; /* call of the frame below when it started here, else CTR_NO_CALL */
    uint32_t note;   /* the user's own, zero for a new frame */
    uint32_t plan;
    uint32_t line;    /* 0 before its first */
    uint32_t below;   /* known frame under it, or CTR_NO_FRAME */
    uint32_t number;  /* in the block */
    bool from_before; /* began in an earlier block */
    bool stacked;
};

struct ctr_run_stack {
    uint32_t thread;
    uint32_t top;   /* frame, or CTR_NO_FRAME */
    uint32_t count; /* frames known on it */
};

/* Start from `{0}`; one block after another, the memory stays. */
struct ctr_running {
    uint64_t step; /* number of the next LINE */
    uint64_t call; /* and CALL */
    uint64_t tick;
    struct ctr_runner *frames;
    uint32_t frame_count, free_frame; /* free ones are chained by `below` */
    size_t frame_capacity;
    uint32_t *numbered; /* by the block's number: frame, or CTR_NO_FRAME */
    uint32_t numbered_count;
    size_t numbered_capacity;
    struct ctr_run_stack *stacks;
    uint32_t stack_count;
    size_t stack_capacity;
    uint32_t stack; /* of the running thread */
};

void ctr_running_free(struct ctr_running *running);

/* Stand before the first record of a block that begins with this prelude. False: no memory. */
bool ctr_running_start(struct ctr_running *running, const uint8_t *prelude);

/* What is known where a record starts, to go on from there another time: one allocation, NULL when
 * there is no memory. */
struct ctr_running_saved;
struct ctr_running_saved *ctr_running_save(const struct ctr_running *running, size_t *bytes);
/* Go on from there; `running` may hold anything. False: no memory. */
bool ctr_running_restore(struct ctr_running *running, const struct ctr_running_saved *saved);

int ctr_running_follow_other(struct ctr_running *running, const struct ctr_rec *rec);

/* The running frame, as far as the block has introduced it; NULL when it has not. */
static inline struct ctr_runner *ctr_running_top(const struct ctr_running *running)
{
    uint32_t top = running->stacks[running->stack].top;
    return top == CTR_NO_FRAME ? NULL : &running->frames[top];
}

/* Follow a record. CT_EFORMAT when it cannot stand here, CT_ENOMEM. Records that end or suspend a
 * frame take it off its stack: look before. */
static inline int ctr_running_follow(struct ctr_running *running, const struct ctr_rec *rec)
{
    if (rec->kind != CTR_LINE_FAR) {
        return rec->kind == CTR_SET ? CT_OK : ctr_running_follow_other(running, rec);
    }
    struct ctr_runner *frame = ctr_running_top(running);
    int64_t line;
    if (frame == NULL || __builtin_add_overflow((int64_t)frame->line, rec->change, &line) ||
        line < 0 || line > UINT32_MAX) {
        return CT_EFORMAT;
    }
    frame->line = (uint32_t)line;
    running->step++;
    return CT_OK;
}

/* Step over the short LINE and SET records of the running frame that come next, up to `end`: for
 * who needs no more of them than where they lead. CT_EFORMAT when they cannot stand here. */
static inline int ctr_running_skip(struct ctr_running *running, struct ctr_scan *scan,
                                   const uint8_t *end, struct ctr_skipped *skipped)
{
    struct ctr_runner *frame = ctr_running_top(running);
    *skipped = (struct ctr_skipped){0};
    if (frame == NULL) {
        return CT_OK;
    }
    *skipped = ctr_skip_short_records(scan, end);
    int64_t line = frame->line + skipped->change;
    running->step += skipped->lines;
    frame->line = (uint32_t)line;
    return line >= 0 && line <= UINT32_MAX ? CT_OK : CT_EFORMAT;
}

static inline uint32_t ctr_running_thread(const struct ctr_running *running)
{
    return running->stacks[running->stack].thread;
}

#endif
