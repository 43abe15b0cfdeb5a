/* The stacks of threads as a player knows them: the top part, and what the rest follows from. */
#ifndef CT_TRACE_STACK_H
#define CT_TRACE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/player.h"

/* Where the frames below the known ones are described. */
enum ctr_below {
    CTR_BELOW_NOTHING, /* there are none, or nobody knows */
    CTR_BELOW_BEFORE,  /* the thread's stack as it was when `block` started */
    CTR_BELOW_CALL,    /* what `call` stood on when it was entered in `block` */
};

struct ctr_activation { /* a frame and its place */
    struct ctr_frame frame;
    uint32_t number; /* in the block being played; UINT32_MAX: not introduced in it */
    bool stacked;
};

struct ctr_stack {
    uint32_t thread;
    struct ctr_frame **frames; /* lowest first; each is a ctr_activation */
    uint32_t count, capacity;
    enum ctr_below below;
    uint32_t block;
    uint64_t call;
};

static inline struct ctr_activation *ctr_activation_of(struct ctr_frame *frame)
{
    return (struct ctr_activation *)(void *)frame;
}

struct ctr_frame *ctr_frame_new(uint32_t plan, uint32_t slots);

bool ctr_stack_push(struct ctr_stack *stack, struct ctr_frame *frame);

/* Put frames below the known ones; they are the stack's from then on. */
bool ctr_stack_lift(struct ctr_stack *stack, struct ctr_frame **frames, uint32_t count);

/* Forget and free all frames. */
void ctr_stack_clear(struct ctr_stack *stack);

struct ctr_stacks {
    struct ctr_stack **stacks; /* by thread number */
    size_t count, capacity;
};

/* The thread's stack, or NULL. */
struct ctr_stack *ctr_stacks_find(const struct ctr_stacks *stacks, uint32_t thread);
/* The same; a thread not met before gets a stack that follows from the blocks before `block`. */
struct ctr_stack *ctr_stacks_get(struct ctr_stacks *stacks, uint32_t thread, uint32_t block);
void ctr_stacks_clear(struct ctr_stacks *stacks);

#endif
