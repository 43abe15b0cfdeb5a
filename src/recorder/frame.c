#include "recorder/frame.h"

#include <stdlib.h>

#include "recorder/plan.h"
#include "recorder/thread.h"
#include "recorder/value.h"

enum {
    CHUNK_BYTES = 64 * 1024,
    SUSPENDED_FIRST = 1024,
    MAX_SUSPENDED = 1 << 20, /* generators nobody will ever resume give no sign of it */
};

_Thread_local struct thread *frame_current_thread;

struct arena_chunk {
    struct arena_chunk *below;
    size_t used;
    size_t capacity;
    uint8_t bytes[];
};

struct suspended { /* by frame address, open addressing with backward shift */
    struct shadow_frame **slots;
    size_t capacity; /* power of two */
    size_t count;
};

/* Thread records live as long as their threads, whatever becomes of the session: a thread may be
 * inside a callback of one that another thread ends. */

/* What an earlier session left: its stack is meaningless, its memory is not. */
static void drop_stack(struct thread *thread)
{
    struct shadow_frame *below;
    for (struct shadow_frame *frame = thread->top; frame != NULL; frame = below) {
        below = frame->below;
        if (frame->on_heap) {
            free(frame);
        }
    }
    thread->top = NULL;
    while (thread->arena != NULL) {
        struct arena_chunk *chunk = thread->arena;
        thread->arena = chunk->below;
        free(chunk);
    }
}

struct thread *frame_meet_thread(struct session *session)
{
    struct thread *thread = frame_current_thread;
    if (thread == NULL) {
        thread = calloc(1, sizeof *thread);
        if (thread == NULL) {
            return NULL;
        }
        frame_current_thread = thread;
        thread_watch(thread);
    }
    if (thread->generation != session->generation) {
        thread->generation = session->generation;
        drop_stack(thread);
        thread->calls = 0;
        thread->is_new = true;
        thread->has_looked_below = false;
    }
    thread->state = PyThreadState_Get();
    return thread;
}

/* ---- memory
 * ------------------------------------------------------------------------------------------ */

static size_t frame_bytes(const struct plan *plan)
{
    return sizeof(struct shadow_frame) + plan->slot_count * sizeof(struct shadow);
}

static struct shadow_frame *arena_take(struct thread *thread, size_t size)
{
    struct arena_chunk *chunk = thread->arena;
    if (chunk == NULL || chunk->capacity - chunk->used < size) {
        size_t capacity = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = thread->spare;
        if (chunk != NULL && chunk->capacity >= capacity) {
            thread->spare = NULL;
        } else {
            chunk = malloc(sizeof *chunk + capacity);
            if (chunk == NULL) {
                return NULL;
            }
            chunk->capacity = capacity;
        }
        chunk->used = 0;
        chunk->below = thread->arena;
        thread->arena = chunk;
    }
    struct shadow_frame *frame = (struct shadow_frame *)(void *)(chunk->bytes + chunk->used);
    chunk->used += size;
    return frame;
}

static void arena_give_back(struct thread *thread, size_t size)
{
    struct arena_chunk *chunk = thread->arena;
    chunk->used -= size;
    if (chunk->used == 0 && chunk->below != NULL) {
        thread->arena = chunk->below;
        free(thread->spare); /* one chunk is kept, so that a call at the border costs no malloc */
        thread->spare = chunk;
    }
}

struct shadow_frame *frame_push(struct thread *thread, compat_frame *frame, struct plan *plan)
{
    size_t size = frame_bytes(plan);
    struct shadow_frame *shadow = plan->generator ? malloc(size) : arena_take(thread, size);
    if (shadow == NULL) {
        return NULL;
    }
    /* One by one: of a literal gcc makes a string instruction, which takes longer than all else. */
    shadow->frame = frame;
    shadow->plan = plan;
    plan->frames++;
    shadow->below = thread->top;
    shadow->line_info = plan_before_lines(plan);
    shadow->advancing = NULL;
    shadow->object_slots = 0;
    shadow->restless = 0;
    shadow->epoch = 0;
    shadow->crossing = 0;
    shadow->line = 0;
    shadow->block = NO_BLOCK;
    shadow->on_heap = plan->generator;
    shadow->suspended = false;
    shadow->opened = false;
    shadow->unseen = false;
    shadow->changing = VERDICT_UNKNOWN;
    for (uint32_t i = 0; i < plan->slot_count; i++) {
        shadow->slots[i] = (struct shadow){0};
        __asm__ volatile("" ::: "memory"); /* they are few: a call of memset takes longer */
    }
    thread->top = shadow;
    return shadow;
}

static void let_go(struct session *session, struct shadow_frame *frame)
{
    for (uint32_t i = 0; i < frame->plan->slot_count; i++) {
        if (shadow_kind(&frame->slots[i]) == CTR_V_OBJECT) {
            object_let_go(session, &frame->slots[i]);
        }
    }
}

static void free_frame(struct session *session, struct thread *thread, struct shadow_frame *frame)
{
    if (frame->object_slots != 0 || frame->plan->slot_count > PLAN_MASK_SLOTS) {
        let_go(session, frame);
    }
    struct plan *plan = frame->plan;
    if (frame->on_heap) {
        free(frame);
    } else {
        arena_give_back(thread, frame_bytes(plan));
    }
    if (--plan->frames == 0 && __builtin_expect(plan->code == NULL, 0)) {
        plan_free_unused(plan);
    }
}

void frame_pop(struct session *session, struct thread *thread)
{
    struct shadow_frame *frame = thread->top;
    thread->top = frame->below;
    session_leave(session);
    free_frame(session, thread, frame);
}

void frame_free_thread(struct session *session, struct thread *thread)
{
    while (thread->generation == session->generation && thread->top != NULL) {
        frame_pop(session, thread);
    }
    drop_stack(thread);
    free(thread->spare);
    free(thread);
}

void frame_free_ended(struct session *session)
{
    struct thread *thread;
    while ((thread = thread_take_ended()) != NULL) {
        frame_free_thread(session, thread);
    }
}

/* ---- suspended generators
 * ------------------------------------------------------------------------------ */

static size_t home_of(const struct suspended *suspended, const compat_frame *frame)
{
    return (size_t)(((uintptr_t)frame >> 4) * 0x9e3779b97f4a7c15ull >> 20) &
           (suspended->capacity - 1);
}

static size_t find(const struct suspended *suspended, const compat_frame *frame)
{
    size_t at = home_of(suspended, frame);
    while (suspended->slots[at] != NULL && suspended->slots[at]->frame != frame) {
        at = (at + 1) & (suspended->capacity - 1);
    }
    return at;
}

static void erase(struct suspended *suspended, size_t at)
{
    size_t mask = suspended->capacity - 1;
    for (size_t next = (at + 1) & mask; suspended->slots[next] != NULL; next = (next + 1) & mask) {
        size_t home = home_of(suspended, suspended->slots[next]->frame);
        if (((next - home) & mask) >= ((next - at) & mask)) {
            suspended->slots[at] = suspended->slots[next];
            at = next;
        }
    }
    suspended->slots[at] = NULL;
    suspended->count--;
}

static bool grow(struct suspended *suspended)
{
    struct suspended bigger = {.capacity = suspended->capacity * 2};
    bigger.slots = calloc(bigger.capacity, sizeof(void *));
    if (bigger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < suspended->capacity; i++) {
        if (suspended->slots[i] != NULL) {
            bigger.slots[find(&bigger, suspended->slots[i]->frame)] = suspended->slots[i];
        }
    }
    bigger.count = suspended->count;
    free(suspended->slots);
    *suspended = bigger;
    return true;
}

void frame_suspend(struct session *session, struct thread *thread)
{
    struct suspended *suspended = session->suspended;
    struct shadow_frame *frame = thread->top;
    thread->top = frame->below;
    session_leave(session);
    frame->below = NULL;
    frame->suspended = true;
    bool room = (suspended->count + 1) * 2 <= suspended->capacity ||
                (suspended->capacity < MAX_SUSPENDED && grow(suspended));
    if (!room || !frame->on_heap) {
        free_frame(session, thread, frame);
        return;
    }
    size_t at = find(suspended, frame->frame);
    if (suspended->slots[at] != NULL) { /* of a generator that died unseen */
        free_frame(session, thread, suspended->slots[at]);
        suspended->slots[at] = frame;
        return;
    }
    suspended->slots[at] = frame;
    suspended->count++;
}

struct shadow_frame *frame_resume(struct session *session, struct thread *thread,
                                  compat_frame *frame)
{
    struct suspended *suspended = session->suspended;
    size_t at = find(suspended, frame);
    struct shadow_frame *shadow = suspended->slots[at];
    if (shadow == NULL) {
        return NULL;
    }
    erase(suspended, at);
    PyCodeObject *code = compat_frame_code(frame);
    if (shadow->plan->code != (PyObject *)code) {
        free_frame(session, thread, shadow);
        return NULL;
    }
    shadow->suspended = false;
    shadow->below = thread->top;
    thread->top = shadow;
    return shadow;
}

/* ---- life
 * ------------------------------------------------------------------------------------------------
 */

int frames_init(struct session *session)
{
    session->suspended = calloc(1, sizeof *session->suspended);
    if (session->suspended == NULL) {
        return CT_ENOMEM;
    }
    session->suspended->capacity = SUSPENDED_FIRST;
    session->suspended->slots = calloc(SUSPENDED_FIRST, sizeof(void *));
    return session->suspended->slots == NULL ? CT_ENOMEM : CT_OK;
}

void frames_free(struct session *session)
{
    struct suspended *suspended = session->suspended;
    if (suspended != NULL) {
        for (size_t i = 0; suspended->slots != NULL && i < suspended->capacity; i++) {
            free(suspended->slots[i]);
        }
        free(suspended->slots);
        free(suspended);
    }
    session->suspended = NULL;
}
