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
    struct ctr_activation *spare; /* the next one, while nobody uses this */
};

/* Frames that ended, for the next calls of the same size: most programs call all the time. */
enum { CTR_SPARE_SLOTS = 64 };
struct ctr_spares {
    struct ctr_activation *by_slots[CTR_SPARE_SLOTS];
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

struct ctr_frame *ctr_frame_new(struct ctr_spares *spares, uint32_t plan, uint32_t slots);
/* A copy with its number in the block, on no stack. */
struct ctr_frame *ctr_frame_copy(struct ctr_spares *spares, const struct ctr_frame *frame);
void ctr_frame_free(struct ctr_spares *spares, struct ctr_frame *frame);
void ctr_spares_clear(struct ctr_spares *spares);

bool ctr_stack_push(struct ctr_stack *stack, struct ctr_frame *frame);

/* Forget and free all frames. */
void ctr_stack_clear(struct ctr_stack *stack);

/* Put copies of frames below the known ones. */
bool ctr_stack_lift(struct ctr_stack *stack, struct ctr_spares *spares,
                    struct ctr_frame *const *frames, uint32_t count);

struct ctr_stacks {
    struct ctr_stack **stacks; /* by thread number */
    size_t count, capacity;
};

/* The thread's stack, or NULL. */
struct ctr_stack *ctr_stacks_find(const struct ctr_stacks *stacks, uint32_t thread);
/* The same; a thread not met before gets a stack that follows from the blocks before `block`. */
struct ctr_stack *ctr_stacks_get(struct ctr_stacks *stacks, uint32_t thread, uint32_t block);
void ctr_stacks_clear(struct ctr_stacks *stacks);
/* Make `to`, which is empty, a copy; their frames have the same numbers in the block. False: no
 * memory. */
bool ctr_stacks_copy(struct ctr_stacks *to, struct ctr_spares *spares,
                     const struct ctr_stacks *from);
/* Bytes of memory, roughly. */
size_t ctr_stacks_memory(const struct ctr_stacks *stacks);

#endif
