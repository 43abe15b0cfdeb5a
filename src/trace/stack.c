#include "trace/stack.h"

#include <stdlib.h>
#include <string.h>

#include "trace/trace_internal.h"

struct ctr_frame *ctr_frame_new(struct ctr_spares *spares, uint32_t plan, uint32_t slots)
{
    size_t size = sizeof(struct ctr_activation) + slots * sizeof(struct ctr_value);
    struct ctr_activation *activation = NULL;
    if (slots < CTR_SPARE_SLOTS && spares->by_slots[slots] != NULL) {
        activation = spares->by_slots[slots];
        spares->by_slots[slots] = activation->spare;
    } else {
        activation = malloc(size);
    }
    if (activation == NULL) {
        return NULL;
    }
    memset(activation, 0, size);
    struct ctr_frame *frame = &activation->frame;
    frame->plan = plan;
    frame->slot_count = slots;
    frame->slots = (struct ctr_value *)(void *)(activation + 1);
    frame->parent = UINT64_MAX;
    activation->number = UINT32_MAX;
    return frame;
}

void ctr_frame_free(struct ctr_spares *spares, struct ctr_frame *frame)
{
    struct ctr_activation *activation = ctr_activation_of(frame);
    if (frame->slot_count < CTR_SPARE_SLOTS) {
        activation->spare = spares->by_slots[frame->slot_count];
        spares->by_slots[frame->slot_count] = activation;
    } else {
        free(activation);
    }
}

void ctr_spares_clear(struct ctr_spares *spares)
{
    for (unsigned i = 0; i < CTR_SPARE_SLOTS; i++) {
        while (spares->by_slots[i] != NULL) {
            struct ctr_activation *next = spares->by_slots[i]->spare;
            free(spares->by_slots[i]);
            spares->by_slots[i] = next;
        }
    }
}

static bool reserve(struct ctr_stack *stack, uint64_t count)
{
    uint64_t capacity = stack->capacity < 16 ? 16 : stack->capacity;
    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity != stack->capacity) {
        struct ctr_frame **frames = realloc(stack->frames, capacity * sizeof(struct ctr_frame *));
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

struct ctr_frame *ctr_frame_copy(struct ctr_spares *spares, const struct ctr_frame *frame)
{
    struct ctr_frame *copy = ctr_frame_new(spares, frame->plan, frame->slot_count);
    if (copy != NULL) {
        struct ctr_value *slots = copy->slots;
        *copy = *frame;
        copy->slots = slots;
        memcpy(slots, frame->slots, frame->slot_count * sizeof *slots);
        ctr_activation_of(copy)->number =
            ((const struct ctr_activation *)(const void *)frame)->number;
    }
    return copy;
}

bool ctr_stack_lift(struct ctr_stack *stack, struct ctr_spares *spares,
                    struct ctr_frame *const *frames, uint32_t count)
{
    if (!reserve(stack, (uint64_t)stack->count + count)) {
        return false;
    }
    memmove(stack->frames + count, stack->frames, stack->count * sizeof(struct ctr_frame *));
    for (uint32_t i = 0; i < count; i++) {
        stack->frames[i] = ctr_frame_copy(spares, frames[i]);
        if (stack->frames[i] != NULL) {
            ctr_activation_of(stack->frames[i])->number = UINT32_MAX;
            ctr_activation_of(stack->frames[i])->stacked = true;
        } else { /* leave it as it was */
            memmove(stack->frames, stack->frames + count,
                    stack->count * sizeof(struct ctr_frame *));
            return false;
        }
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
    if (!ct_grow(&stacks->stacks, &stacks->capacity, stacks->count, sizeof(struct ctr_stack *))) {
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
            (stacks->count - place) * sizeof(struct ctr_stack *));
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

bool ctr_stacks_copy(struct ctr_stacks *to, struct ctr_spares *spares,
                     const struct ctr_stacks *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct ctr_stack *stack = from->stacks[i];
        struct ctr_stack *copy = ctr_stacks_get(to, stack->thread, stack->block);
        if (copy == NULL) {
            return false;
        }
        copy->below = stack->below;
        copy->call = stack->call;
        for (uint32_t at = 0; at < stack->count; at++) {
            struct ctr_frame *frame = ctr_frame_copy(spares, stack->frames[at]);
            if (frame == NULL || !ctr_stack_push(copy, frame)) {
                free(frame);
                return false;
            }
        }
    }
    return true;
}

size_t ctr_stacks_memory(const struct ctr_stacks *stacks)
{
    size_t bytes = sizeof *stacks;
    for (size_t i = 0; i < stacks->count; i++) {
        const struct ctr_stack *stack = stacks->stacks[i];
        bytes += sizeof *stack + stack->capacity * sizeof(struct ctr_frame *);
        for (uint32_t at = 0; at < stack->count; at++) {
            bytes += sizeof(struct ctr_activation) +
                     stack->frames[at]->slot_count * sizeof(struct ctr_value);
        }
    }
    return bytes;
}
