#include "trace/running.h"

#include <stdlib.h>
#include <string.h>

#include "trace/trace_internal.h"

void ctr_running_free(struct ctr_running *running)
{
    free(running->frames);
    free(running->numbered);
    free(running->stacks);
    *running = (struct ctr_running){0};
}

/* Threads that ran in the same block are few. */
static bool switch_to(struct ctr_running *running, uint32_t thread)
{
    for (uint32_t i = 0; i < running->stack_count; i++) {
        if (running->stacks[i].thread == thread) {
            running->stack = i;
            return true;
        }
    }
    if (!ct_grow(&running->stacks, &running->stack_capacity, running->stack_count,
                 sizeof *running->stacks)) {
        return false;
    }
    running->stack = running->stack_count++;
    running->stacks[running->stack] = (struct ctr_run_stack){thread, CTR_NO_FRAME, 0};
    return true;
}

bool ctr_running_start(struct ctr_running *running, const uint8_t *prelude)
{
    running->step = ct_load64(prelude);
    running->call = ct_load64(prelude + 8);
    running->tick = ct_load64(prelude + 16);
    running->frame_count = running->numbered_count = running->stack_count = 0;
    running->free_frame = CTR_NO_FRAME;
    return switch_to(running, ct_load32(prelude + 24));
}

/* ---- going on from somewhere ---- */

struct ctr_running_saved {
    struct ctr_running state; /* its arrays are those behind: */
    struct ctr_run_stack *stacks;
    struct ctr_runner frames[]; /* and then the stacks */
};

struct ctr_running_saved *ctr_running_save(const struct ctr_running *running, size_t *bytes)
{
    struct ctr_running_saved *saved;
    size_t frames = running->frame_count * sizeof *running->frames;
    size_t stacks = running->stack_count * sizeof *running->stacks;
    *bytes = sizeof *saved + frames + stacks;
    saved = malloc(*bytes);
    if (saved == NULL) {
        return NULL;
    }
    saved->state = *running;
    saved->stacks = (struct ctr_run_stack *)(void *)(saved->frames + running->frame_count);
    memcpy(saved->stacks, running->stacks, stacks);
    for (uint32_t i = 0; i < running->frame_count; i++) {
        uint32_t number = running->frames[i].number;
        bool has_number = number != CTR_NO_FRAME && running->numbered[number] == i;
        saved->frames[i] = running->frames[i];
        saved->frames[i].number = has_number ? number : CTR_NO_FRAME;
    }
    return saved;
}

bool ctr_running_restore(struct ctr_running *running, const struct ctr_running_saved *saved)
{
    const struct ctr_running *state = &saved->state;
    if (!ct_make_room(&running->frames, &running->frame_capacity, state->frame_count,
                      sizeof *running->frames) ||
        !ct_make_room(&running->numbered, &running->numbered_capacity, state->numbered_count,
                      sizeof *running->numbered) ||
        !ct_make_room(&running->stacks, &running->stack_capacity, state->stack_count,
                      sizeof *running->stacks)) {
        return false;
    }
    running->step = state->step;
    running->call = state->call;
    running->tick = state->tick;
    running->frame_count = state->frame_count;
    running->free_frame = state->free_frame;
    running->numbered_count = state->numbered_count;
    running->stack_count = state->stack_count;
    running->stack = state->stack;
    for (uint32_t i = 0; i < state->numbered_count; i++) {
        running->numbered[i] = CTR_NO_FRAME;
    }
    for (uint32_t i = 0; i < state->frame_count; i++) {
        running->frames[i] = saved->frames[i];
        if (saved->frames[i].number != CTR_NO_FRAME) {
            running->numbered[saved->frames[i].number] = i;
        }
    }
    for (uint32_t i = 0; i < state->stack_count; i++) {
        running->stacks[i] = saved->stacks[i];
    }
    return true;
}

/* ---- frames ---- */

static void release(struct ctr_running *running, uint32_t index)
{
    struct ctr_runner *frame = &running->frames[index];
    if (frame->number != CTR_NO_FRAME) {
        running->numbered[frame->number] = CTR_NO_FRAME;
    }
    frame->below = running->free_frame;
    running->free_frame = index;
}

static bool give_number(struct ctr_running *running, uint32_t index)
{
    if (!ct_grow(&running->numbered, &running->numbered_capacity, running->numbered_count,
                 sizeof *running->numbered)) {
        return false;
    }
    running->frames[index].number = running->numbered_count;
    running->numbered[running->numbered_count++] = index;
    return true;
}

static uint32_t new_frame(struct ctr_running *running, uint32_t plan, uint64_t call)
{
    uint32_t index = running->free_frame;
    if (index != CTR_NO_FRAME) {
        running->free_frame = running->frames[index].below;
    } else if (ct_grow(&running->frames, &running->frame_capacity, running->frame_count,
                       sizeof *running->frames)) {
        index = running->frame_count++;
    } else {
        return CTR_NO_FRAME;
    }
    running->frames[index] = (struct ctr_runner){
        .call = call, .parent = CTR_NO_CALL, .plan = plan, .below = CTR_NO_FRAME};
    return give_number(running, index) ? index : CTR_NO_FRAME;
}

static void push(struct ctr_running *running, uint32_t index)
{
    struct ctr_run_stack *stack = &running->stacks[running->stack];
    running->frames[index].below = stack->top;
    running->frames[index].stacked = true;
    stack->top = index;
    stack->count++;
}

static uint32_t pop(struct ctr_running *running)
{
    struct ctr_run_stack *stack = &running->stacks[running->stack];
    uint32_t index = stack->top;
    stack->top = running->frames[index].below;
    stack->count--;
    running->frames[index].stacked = false;
    return index;
}

static void clear_stack(struct ctr_running *running, struct ctr_run_stack *stack)
{
    while (stack->top != CTR_NO_FRAME) {
        uint32_t index = stack->top;
        stack->top = running->frames[index].below;
        release(running, index);
    }
    stack->count = 0;
}

/* ---- records ---- */

static uint64_t call_on_top(const struct ctr_running *running)
{
    uint32_t top = running->stacks[running->stack].top;
    return top != CTR_NO_FRAME ? running->frames[top].call : CTR_NO_CALL;
}

static int follow_call(struct ctr_running *running, const struct ctr_rec *rec)
{
    uint64_t parent = call_on_top(running);
    uint32_t index = new_frame(running, rec->plan, running->call);
    if (index == CTR_NO_FRAME) {
        return CT_ENOMEM;
    }
    running->call++;
    running->frames[index].parent = parent;
    push(running, index);
    return CT_OK;
}

/* The frame of a FRAME record when the known stack has it: those above it ended unseen. */
static uint32_t uncover(struct ctr_running *running, uint64_t call)
{
    const struct ctr_run_stack *stack = &running->stacks[running->stack];
    uint32_t index = stack->top;
    while (index != CTR_NO_FRAME && running->frames[index].call != call) {
        index = running->frames[index].below;
    }
    while (index != CTR_NO_FRAME && stack->top != index) {
        release(running, pop(running));
    }
    return index;
}

static int follow_frame(struct ctr_running *running, const struct ctr_rec *rec)
{
    bool is_new = rec->number == running->call && (rec->flags & CTR_FRAME_ADOPTED);
    bool suspended = rec->flags & CTR_FRAME_SUSPENDED;
    if (rec->number >= running->call && !is_new) {
        return CT_EFORMAT;
    }
    running->call += is_new;
    uint32_t index = suspended || is_new ? CTR_NO_FRAME : uncover(running, rec->number);
    if (index != CTR_NO_FRAME) {
        running->numbered[running->frames[index].number] = CTR_NO_FRAME;
        running->frames[index].line = rec->line;
        return give_number(running, index) ? CT_OK : CT_ENOMEM;
    }
    index = new_frame(running, rec->plan, rec->number);
    if (index == CTR_NO_FRAME) {
        return CT_ENOMEM;
    }
    running->frames[index].line = rec->line;
    running->frames[index].from_before = !is_new;
    if (suspended) {
        return CT_OK;
    }
    if (is_new) {
        running->frames[index].parent = call_on_top(running);
    } else {
        clear_stack(running, &running->stacks[running->stack]);
    }
    push(running, index);
    return CT_OK;
}

static int follow_leaving(struct ctr_running *running, uint8_t kind)
{
    if (running->stacks[running->stack].top == CTR_NO_FRAME) {
        return CT_EFORMAT;
    }
    uint32_t index = pop(running);
    if (kind != CTR_YIELD) {
        release(running, index);
    }
    return CT_OK;
}

static int follow_resume(struct ctr_running *running, uint32_t number)
{
    uint32_t index = number < running->numbered_count ? running->numbered[number] : CTR_NO_FRAME;
    if (index == CTR_NO_FRAME || running->frames[index].stacked) {
        return CT_EFORMAT;
    }
    push(running, index);
    return CT_OK;
}

static void follow_thread_end(struct ctr_running *running, uint32_t thread)
{
    for (uint32_t i = 0; i < running->stack_count; i++) {
        if (running->stacks[i].thread == thread) {
            clear_stack(running, &running->stacks[i]);
        }
    }
}

int ctr_running_follow_other(struct ctr_running *running, const struct ctr_rec *rec)
{
    switch (rec->kind) {
    case CTR_CALL:
        return follow_call(running, rec);
    case CTR_RETURN:
    case CTR_YIELD:
    case CTR_UNWIND:
        return follow_leaving(running, rec->kind);
    case CTR_RESUME:
    case CTR_THROW:
        return follow_resume(running, rec->frame);
    case CTR_FRAME:
        return follow_frame(running, rec);
    case CTR_THREAD:
        return switch_to(running, (uint32_t)rec->number) ? CT_OK : CT_ENOMEM;
    case CTR_THREAD_END:
        follow_thread_end(running, (uint32_t)rec->number);
        return CT_OK;
    case CTR_TICK:
        running->tick += rec->number;
        return CT_OK;
    default:
        return CT_OK;
    }
}
