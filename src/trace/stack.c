#include "trace/stack.h"

#include <stdlib.h>
#include <string.h>

#include "trace/trace_internal.h"

struct ctr_frame *ctr_frame_new(uint32_t plan, uint32_t slots)
{
    struct ctr_activation *activation =
        calloc(1, sizeof *activation + slots * sizeof(struct ctr_value));
    if (activation == NULL) {
        return NULL;
    }
    struct ctr_frame *frame = &activation->frame;
    frame->plan = plan;
    frame->slot_count = slots;
    frame->slots = (struct ctr_value *)(void *)(activation + 1);
    frame->parent = UINT64_MAX;
    activation->number = UINT32_MAX;
    return frame;
}

static bool reserve(struct ctr_stack *stack, uint64_t count)
{
    uint64_t capacity = stack->capacity < 16 ? 16 : stack->capacity;
    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity != stack->capacity) {
        struct ctr_frame **frames = realloc(stack->frames, capacity * sizeof *frames);
        if (frames == NULL || capacity > UINT32_MAX) {
            stack->frames = frames != NULL ? frames : stack->frames;
            return false;
        }
        stack->frames = frames;
        stack->capacity = (uint32_t)capacity;
    }
    return true;
}

bool ctr_stack_push(struct ctr_stack *stack, struct ctr_frame *frame)
{
    if (!reserve(stack, stack->count + 1ull)) {
        return false;
    }
    frame->thread = stack->thread;
    frame->depth = stack->count;
    ctr_activation_of(frame)->stacked = true;
    stack->frames[stack->count++] = frame;
    return true;
}

bool ctr_stack_lift(struct ctr_stack *stack, struct ctr_frame **frames, uint32_t count)
{
    if (!reserve(stack, (uint64_t)stack->count + count)) {
        return false;
    }
    memmove(stack->frames + count, stack->frames, stack->count * sizeof *stack->frames);
    for (uint32_t i = 0; i < count; i++) {
        stack->frames[i] = frames[i];
        ctr_activation_of(frames[i])->number = UINT32_MAX;
        ctr_activation_of(frames[i])->stacked = true;
    }
    stack->count += count;
    for (uint32_t i = 0; i < stack->count; i++) {
        stack->frames[i]->depth = i;
    }
    return true;
}

void ctr_stack_clear(struct ctr_stack *stack)
{
    for (uint32_t i = 0; i < stack->count; i++) {
        free(stack->frames[i]);
    }
    stack->count = 0;
}

/* The place of `thread` in the order of numbers. */
static size_t find_place(const struct ctr_stacks *stacks, uint32_t thread)
{
    size_t low = 0, high = stacks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stacks->stacks[middle]->thread < thread) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct ctr_stack *ctr_stacks_find(const struct ctr_stacks *stacks, uint32_t thread)
{
    size_t place = find_place(stacks, thread);
    return place < stacks->count && stacks->stacks[place]->thread == thread ? stacks->stacks[place]
                                                                            : NULL;
}

struct ctr_stack *ctr_stacks_get(struct ctr_stacks *stacks, uint32_t thread, uint32_t block)
{
    struct ctr_stack *found = ctr_stacks_find(stacks, thread);
    if (found != NULL) {
        return found;
    }
    if (!ctr_grow(&stacks->stacks, &stacks->capacity, stacks->count, sizeof *stacks->stacks)) {
        return NULL;
    }
    found = calloc(1, sizeof *found);
    if (found == NULL) {
        return NULL;
    }
    found->thread = thread;
    found->below = CTR_BELOW_BEFORE;
    found->block = block;
    size_t place = find_place(stacks, thread);
    memmove(stacks->stacks + place + 1, stacks->stacks + place,
            (stacks->count - place) * sizeof *stacks->stacks);
    stacks->stacks[place] = found;
    stacks->count++;
    return found;
}

void ctr_stacks_clear(struct ctr_stacks *stacks)
{
    for (size_t i = 0; i < stacks->count; i++) {
        ctr_stack_clear(stacks->stacks[i]);
        free(stacks->stacks[i]->frames);
        free(stacks->stacks[i]);
    }
    free(stacks->stacks);
    *stacks = (struct ctr_stacks){0};
}
