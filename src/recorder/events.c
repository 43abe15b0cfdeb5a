#include "recorder/events.h"

#include <errno.h>
#include <stdlib.h>

#include "recorder/changes.h"
#include "recorder/exact.h"
#include "recorder/failure.h"
#include "recorder/frame.h"
#include "recorder/gate.h"
#include "recorder/gather.h"
#include "recorder/inject.h"
#include "recorder/io_capture.h"
#include "recorder/joint.h"
#include "recorder/monitor.h"
#include "recorder/plan.h"
#include "recorder/reach.h"
#include "recorder/repair.h"
#include "recorder/self_check.h"
#include "recorder/site.h"
#include "recorder/slot.h"
#include "recorder/thread.h"
#include "recorder/value.h"
#include "recorder/verdict.h"

/* Steps of every handler: (1) room in the block, (2) the running thread and its frame, (3) what the
 * line before changed, (4) the event's own record, (5) commit. A record of an event is complete in
 * shared memory before `committed` says so. */

static inline PyObject *done(struct session *session)
{
    session->is_behind = false;
    objects_settle(session);
    ctr_commit(session->writer);
    Py_RETURN_NONE;
}

/* ---- (1) room and (2) thread
 * ------------------------------------------------------------------------- */

bool session_next_block(struct session *session)
{
    if (session->is_dead || session->writer->soft == NULL) {
        return false;
    }
    int saved = errno;
    session_leave(session);
    bool more = ctr_writer_next_block(session->writer);
    errno = saved;
    return more;
}

static void switch_thread(struct session *session, struct thread *thread)
{
    struct ctr_writer *writer = session->writer;
    if (thread->is_new) {
        thread_announce(session, thread);
    }
    if (writer->thread == thread->number) {
        return;
    }
    *writer->at++ = CTR_THREAD;
    writer->at = ct_varint_put(writer->at, thread->number);
    writer->thread = thread->number;
    ctr_count(writer, CTR_C_thread_switches);
    session_heed_unseen(session);
}

static bool get_ready(struct session *session, struct thread *thread)
{
    struct ctr_writer *writer = session->writer;
    if (writer->at >= writer->soft && !session_next_block(session)) {
        return false;
    }
    if (writer->thread != thread->number || thread->is_new) {
        switch_thread(session, thread);
    }
    thread_heed_followers(session, thread);
    return true;
}

/* There is room for an event of this thread. `running` is the one the block speaks of. */
static inline bool ready(struct session *session, struct thread *thread)
{
    const struct ctr_writer *writer = session->writer;
    return __builtin_expect(thread == session->running && writer->at < writer->soft, 1) ||
           get_ready(session, thread);
}

/* ---- frames in the block
 * -------------------------------------------------------------------------------- */

static void introduce(struct session *session, struct shadow_frame *frame, uint8_t flags)
{
    struct ctr_writer *writer = session->writer;
    uint8_t *at = writer->at;
    uint32_t bound = 0;
    for (uint32_t i = 0; i < frame->plan->slot_count; i++) {
        bound += shadow_kind(&frame->slots[i]) != CTR_V_UNBOUND;
    }
    *at++ = CTR_FRAME;
    *at++ = flags;
    at = ct_varint_put(at, frame->call);
    at = ct_varint_put(at, frame->plan->id);
    at = ct_varint_put(at, writer->block - frame->entry_block);
    at = ct_varint_put(at, frame->line);
    at = ct_varint_put(at, bound);
    for (uint32_t i = 0; i < frame->plan->slot_count; i++) {
        if (shadow_kind(&frame->slots[i]) != CTR_V_UNBOUND) {
            at = ct_varint_put(at, i);
            at = shadow_emit(session, at, &frame->slots[i]);
        }
    }
    writer->at = at;
    frame->block = writer->block;
    frame->number = writer->next_frame++;
}

static inline void know_frame(struct session *session, struct shadow_frame *frame)
{
    if (__builtin_expect(frame->block != session->writer->block, 0)) {
        introduce(session, frame, 0);
    }
}

/* Its next line is likely the next event. */
static inline void stand_in(struct session *session, struct shadow_frame *frame)
{
    if (frame->block == session->writer->block && frame->plan->repair == NULL) {
        session->here = frame;
    }
}

/* Slots whose objects were not looked at, with what is inside, since unseen code ran. */
static inline uint64_t unchecked_slots(const struct session *session,
                                       const struct shadow_frame *frame)
{
    uint64_t unchecked = 0;
    for (uint64_t mask = frame->object_slots; mask != 0; mask &= mask - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(mask);
        if (!object_is_checked(session, &frame->slots[slot])) {
            unchecked |= 1ull << slot;
        }
    }
    return unchecked;
}

/* ---- frames met in the middle
 * ----------------------------------------------------------------------------- */

/* A frame that was running before we looked: it takes a call number, and its state now. */
static struct shadow_frame *adopt(struct session *session, struct thread *thread,
                                  compat_frame *real, struct plan *plan)
{
    struct shadow_frame *frame = frame_push(thread, real, plan);
    if (frame == NULL) {
        return NULL;
    }
    frame->call = session->writer->calls++;
    frame->entry_block = session->writer->block;
    frame->start_block = session->writer->block;
    frame->start_step = session->writer->steps;
    frame->start_calls = thread->calls++;
    frame->start_thread = thread->number;
    int line = compat_frame_line(real);
    frame->line = line > 0 ? (uint32_t)line : 0;
    frame->line_info = plan_any_line(plan); /* it may have done anything so far */
    introduce(session, frame, CTR_FRAME_ADOPTED);
    slots_read_all(session, frame, real);
    return frame;
}

static bool is_recorded(struct session *session, compat_frame *real, struct plan **plan)
{
    PyCodeObject *code = compat_frame_code(real);
    if (code == NULL || !compat_frame_is_complete(real)) {
        return false;
    }
    *plan = plan_of(session, code, real->f_globals, real->f_locals);
    return *plan != NULL && !(*plan)->skip;
}

static unsigned count_below(compat_frame *real)
{
    unsigned count = 0;
    for (compat_frame *frame = real->previous; frame != NULL; frame = frame->previous) {
        count++;
    }
    return count;
}

static inline bool is_met(const struct thread *thread)
{
    return thread->top == NULL && !thread->has_looked_below;
}

/* The thread is met in the middle of its work: the frames its running one was called from, the
 * outermost first. An activation path begins with a frame of its own, and without the others. */
__attribute__((noinline)) static bool adopt_callers(struct session *session, struct thread *thread,
                                                    compat_frame *real)
{
    thread->has_looked_below = true;
    unsigned count = session->activation == NULL ? count_below(real) : 0;
    compat_frame **frames = count != 0 ? malloc(count * sizeof(void *)) : NULL;
    unsigned at = 0;
    for (compat_frame *frame = real->previous; frames != NULL && frame != NULL;
         frame = frame->previous) {
        frames[at++] = frame;
    }
    struct plan *plan;
    while (at-- != 0) {
        if (is_recorded(session, frames[at], &plan) && ready(session, thread)) {
            adopt(session, thread, frames[at], plan);
            ctr_commit(session->writer);
        }
    }
    free(frames);
    return ready(session, thread);
}

static bool on_stack(const struct thread *thread, const compat_frame *real)
{
    for (const struct shadow_frame *frame = thread->top; frame != NULL; frame = frame->below) {
        if (frame->frame == real) {
            return true;
        }
    }
    return false;
}

static void put_resume(struct session *session, struct shadow_frame *frame)
{
    if (frame->block != session->writer->block) {
        introduce(session, frame, CTR_FRAME_SUSPENDED);
    }
    frame->entry_block = session->writer->block;
    *session->writer->at++ = CTR_RESUME;
    session->writer->at = ct_varint_put(session->writer->at, frame->number);
    ctr_count(session->writer, CTR_C_resumes);
}

/* The running frame is not the top we know: frames ended without an event, or this one began
 * before we looked. */
static struct shadow_frame *resync(struct session *session, struct thread *thread,
                                   compat_frame *real)
{
    PyCodeObject *code = compat_frame_code(real);
    if (code == NULL) {
        return NULL;
    }
    if (on_stack(thread, real)) {
        while (thread->top->frame != real) {
            frame_pop(session, thread);
        }
        if (thread->top->plan->code == (PyObject *)code) {
            thread->top->block = NO_BLOCK; /* introduced again: the reader drops what was above */
            session_leave(session);
            return thread->top;
        }
        frame_pop(session, thread);
    }
    if (thread->top != NULL) {
        thread->top->block = NO_BLOCK; /* what the reader has above it is gone */
        session_leave(session);
    }
    struct shadow_frame *frame = frame_resume(session, thread, real);
    if (frame != NULL) {
        put_resume(session, frame);
        return frame;
    }
    struct plan *plan;
    if (!is_recorded(session, real, &plan)) {
        return NULL;
    }
    if (is_met(thread) && !adopt_callers(session, thread, real)) {
        return NULL;
    }
    return adopt(session, thread, real, plan);
}

/* ---- the events
 * ---------------------------------------------------------------------------------------------- */

static void put_others(struct session *session);

/* The tick of the background's clock, when it advanced. */
static inline void put_new_tick(struct session *session)
{
    struct ctr_writer *writer = session->writer;
    unsigned tick = atomic_load_explicit(&writer->tick, memory_order_relaxed);
    if (__builtin_expect(tick != writer->ticked, 0)) {
        *writer->at++ = CTR_TICK;
        writer->at = ct_varint_put(writer->at, tick - writer->ticked);
        writer->ticked = tick;
        put_others(session);
    }
}

static inline void put_line(struct session *session, struct shadow_frame *frame, int line)
{
    struct ctr_writer *writer = session->writer;
    uint8_t *at = writer->at;
    int change = (int)((unsigned)line - frame->line);
    if (__builtin_expect(change >= -CTR_LINE_BIAS && change < CTR_LINE_BIAS, 1)) {
        *at++ = (uint8_t)(change + CTR_LINE_BIAS);
    } else {
        *at++ = CTR_LINE_FAR;
        at = ct_varint_put(at, ct_zigzag((int64_t)line - (int64_t)frame->line));
    }
    writer->at = at;
    writer->steps++;
    writer->counters[CTR_C_lines]++;
    frame->line = (uint32_t)line;
    frame->line_info = plan_line(frame->plan, line);
}

/* The frame's first line was told neither by its start, when its event was still on, nor by its
 * event, which another thread turned off meanwhile. */
static void put_missed_opening(struct session *session, struct shadow_frame *frame)
{
    if (frame->plan->opening.is_told) {
        put_line(session, frame, frame->plan->opening_line);
    }
}

/* For all events but that of a line, which has it in its own code. */
__attribute__((noinline)) static void apply_line(struct session *session,
                                                 struct shadow_frame *frame, compat_frame *real)
{
    session->is_behind = true;
    changes_apply(session, frame, real);
    if (__builtin_expect(frame->line_info->flags & LINE_BEFORE, 0)) {
        put_missed_opening(session, frame);
    }
}

static void put_exit(struct session *session, struct thread *thread, compat_frame *real,
                     PyObject *value);

/* Of a line with an exit: its return or yield, where that is told with it. `unit`: where the line
 * begins. */
static void leave_at_once(struct session *session, const struct shadow_frame *frame,
                          compat_frame *real, Py_ssize_t unit)
{
    const struct exit *exit = exit_of(frame->plan, frame->line_info);
    bool is_told = exit->joint.is_told && unit == (Py_ssize_t)exit->joint.from;
    PyObject *value = is_told ? exit_value(exit, real) : NULL;
    if (value != NULL) {
        put_exit(session, frame_current_thread, real, value);
    }
}

/* What few lines take besides. A loop may come round: then its header is about to do less. */
__attribute__((noinline)) static PyObject *line_more(struct session *session,
                                                     struct shadow_frame *frame, compat_frame *real)
{
    if (frame->line_info->flags & LINE_LEAVES) {
        leave_at_once(session, frame, real,
                      compat_frame_unit(real, (PyCodeObject *)frame->plan->code));
        return done(session);
    }
    frame->line_info = reach_line_again(session, frame, real, frame->line_info);
    Py_RETURN_NONE;
}

static inline PyObject *line_done(struct session *session, struct shadow_frame *frame,
                                  compat_frame *real)
{
    ctr_commit(session->writer);
    if (__builtin_expect(frame->line_info->flags & (LINE_AGAIN | LINE_LEAVES), 0)) {
        return line_more(session, frame, real);
    }
    Py_RETURN_NONE;
}

static bool stands_at_opening(const struct plan *plan, const compat_frame *real)
{
    return compat_frame_unit(real, (PyCodeObject *)plan->code) == (Py_ssize_t)plan->opening.to;
}

/* A line event of the line where the frame is: the start told it, unless it is another turn. */
static inline bool was_told(const struct shadow_frame *frame, const compat_frame *real, int line)
{
    return __builtin_expect((uint32_t)line == frame->line, 0) && frame->opened &&
           stands_at_opening(frame->plan, real);
}

/* The first line event of a frame. That of its opening was the last of its kind. */
__attribute__((noinline)) static PyObject *
line_first(struct session *session, struct shadow_frame *frame, compat_frame *real, int line)
{
    const struct plan *plan = frame->plan;
    bool is_opening = stands_at_opening(plan, real);
    changes_apply(session, frame, real);
    put_new_tick(session);
    if (!is_opening) {
        put_missed_opening(session, frame);
    }
    put_line(session, frame, line);
    objects_settle(session);
    PyObject *result = line_done(session, frame, real);
    return is_opening ? joint_close_opening(session, plan) : result;
}

/* A line of a frame that the block knows. */
__attribute__((noinline)) static PyObject *
line_of(struct session *session, struct shadow_frame *frame, compat_frame *real, int line)
{
    if (__builtin_expect(frame->line_info->flags & LINE_BEFORE, 0)) {
        return line_first(session, frame, real, line);
    }
    if (was_told(frame, real, line)) {
        return joint_close_opening(session, frame->plan);
    }
    changes_apply(session, frame, real);
    put_new_tick(session); /* what runs long without an event is called, and so comes here */
    put_line(session, frame, line);
    objects_settle(session);
    return line_done(session, frame, real);
}

/* A frame that only returns is told with its start, and gone: its line was turned on again. */
static bool is_told_whole(const struct session *session, PyCodeObject *code,
                          const compat_frame *real)
{
    const struct plan *plan = compat_code_extra(code, session->code_extra);
    if (plan == NULL || !plan->opening.is_told || !stands_at_opening(plan, real)) {
        return false;
    }
    const struct exit *exit = exit_of(plan, plan_line(plan, plan->opening_line));
    return exit != NULL && exit->joint.is_told && exit->joint.from == plan->opening.to;
}

/* The same when the frame that runs may be another one than at the last line. */
__attribute__((noinline)) static PyObject *line_anywhere(struct session *session,
                                                         PyObject *const *args)
{
    struct thread *thread = frame_thread(session);
    if (thread == NULL) {
        Py_RETURN_NONE;
    }
    if (!ready(session, thread)) {
        return monitor_stopped(session);
    }
    compat_frame *real = compat_current_frame(thread->state);
    if (!compat_frame_runs(real, args[0])) {
        Py_RETURN_NONE;
    }
    struct shadow_frame *frame = thread->top;
    if (frame == NULL || frame->frame != real) {
        if (is_told_whole(session, (PyCodeObject *)args[0], real)) {
            return Py_NewRef(session->disable);
        }
        frame = resync(session, thread, real);
        if (frame == NULL) {
            Py_RETURN_NONE;
        }
    }
    know_frame(session, frame);
    stand_in(session, frame);
    if (__builtin_expect(frame->plan->repair != NULL, 0)) {
        return line_of(session, frame, real, repair_line(session, frame->plan, real));
    }
    return line_of(session, frame, real, compat_line_number(args[1]));
}

/* The common lines, of the same frame as the one before and binding numbers only, are told here,
 * without a call and so without a register to save. */
PyObject *event_line(struct session *session, PyObject *const *args)
{
    const struct thread *thread = frame_current_thread;
    const struct ctr_writer *writer = session->writer;
    struct shadow_frame *frame = session->here;
    if (__builtin_expect(thread != session->running || writer->at >= writer->soft, 0)) {
        return line_anywhere(session, args);
    }
    compat_frame *real = compat_current_frame(thread->state);
    if (frame->frame != real || !compat_frame_runs(real, args[0])) {
        return line_anywhere(session, args);
    }
    const struct line_info *line = frame->line_info;
    if ((line->flags & ~(LINE_AGAIN | LINE_LEAVES)) != 0 || frame->epoch != session->epoch ||
        session->objects.unsettled || (line->reads & frame->restless) != 0 ||
        !slots_set_numbers(session, frame, real, line->writes)) {
        return line_of(session, frame, real, compat_line_number(args[1]));
    }
    self_check_frame(session, frame, real);
    int number = compat_line_number(args[1]);
    if (was_told(frame, real, number)) {
        return joint_close_opening(session, frame->plan);
    }
    put_line(session, frame, number);
    return line_done(session, frame, real);
}

/* Children forked, what they wrote, and threads ended: found here, a millisecond later at most. Few
 * enough for the room every event has; the rest waits. */
static void put_others(struct session *session)
{
    enum { OTHERS_MAX = 64 };
    struct ctr_writer *writer = session->writer;
    struct thread *thread;
    for (int i = 0; i < OTHERS_MAX && session_has_forks(); i++) {
        *writer->at++ = CTR_FORK;
        writer->at = ct_varint_put(writer->at, (uint64_t)session_next_fork());
        ctr_count(writer, CTR_C_forks);
    }
    for (int i = 0; i < OTHERS_MAX && (thread = thread_take_ended()) != NULL; i++) {
        if (thread->generation == session->generation && !thread->is_new) {
            *writer->at++ = CTR_THREAD_END;
            writer->at = ct_varint_put(writer->at, thread->number);
        }
        frame_free_thread(session, thread);
    }
    io_capture_put_foreign(session);
}

static inline void put_tick(struct session *session)
{
    if (__builtin_expect(!ctr_writer_is_awake(session->writer), 0)) {
        ctr_writer_wake(session->writer); /* its thread was joined for a fork */
    }
    put_new_tick(session);
}

static inline bool effect_is_seen(const struct effect *effect)
{
    return effect->verdict == VERDICT_RECORDED || effect->verdict == VERDICT_PURE;
}

/* Does the line store there only behind the place where it stands? */
static inline bool is_ahead(const struct shadow_frame *caller, const struct effect *effect)
{
    PyCodeObject *code = (PyCodeObject *)caller->plan->code;
    return effect->action <= ACTION_STORE_ITEM &&
           compat_frame_unit(caller->frame, code) < (Py_ssize_t)effect->unit;
}

/* All that may have happened on the line so far is recorded where it happened: its calls are of
 * recorded or harmless functions, and what it stores it stores later. The caller is there still. */
static inline bool line_is_seen(const struct shadow_frame *caller)
{
    const struct line_info *line = caller->line_info;
    if (line->flags & LINE_VAGUE) {
        return false;
    }
    if ((line->flags & (LINE_ESCAPES | LINE_STORES)) == 0) {
        return true;
    }
    const struct effect *effects = caller->plan->effects + line->first_effect;
    for (unsigned i = 0; i < line->effect_count; i++) {
        if (!effect_is_seen(&effects[i]) && !is_ahead(caller, &effects[i])) {
            return false;
        }
    }
    return true;
}

/* Is this the instruction that makes the call? 3.12 stands behind the caches of a CALL. */
static bool makes_call(uint32_t unit, uint32_t place)
{
    return place == unit || (CT_PY312 && place == unit + INLINE_CACHE_ENTRIES_CALL);
}

/* The same for a function that an instruction of the caller's calls: only what stands before it on
 * the line has run. */
static bool line_is_seen_before(const struct shadow_frame *caller, const compat_frame *callee)
{
    const struct line_info *line = caller->line_info;
    PyCodeObject *code = (PyCodeObject *)caller->plan->code;
    if (callee->previous != caller->frame || compat_frame_code(caller->frame) != code ||
        line->loops != 0) {
        return false;
    }
    uint32_t place = (uint32_t)compat_frame_unit(caller->frame, code);
    if ((line->flags & LINE_VAGUE) && (line->vagues != 1 || line->vague_at <= place)) {
        return false;
    }
    const struct effect *effects = caller->plan->effects + line->first_effect;
    for (unsigned i = 0; i < line->effect_count; i++) {
        bool runs_before = effects[i].unit < place && !makes_call(effects[i].unit, place);
        if (runs_before && !effect_is_seen(&effects[i])) {
            return false;
        }
    }
    return true;
}

/* A function that the line calls while it works out what to do along its paths, or one that C code
 * calls meanwhile, as `sort` does its key. */
static void note_crossing(struct shadow_frame *caller, const compat_frame *callee)
{
    bool is_between =
        (caller->line_info->flags & LINE_CROSSED) != 0 || callee->previous != caller->frame;
    if (is_between && compat_is_called_from(callee, caller->frame)) { /* and so is there still */
        reach_note_crossing(caller, caller->frame);
    }
}

/* A call that is watched may have changed anything, or is about to change something. */
static inline bool is_watched_unseen(const struct shadow_frame *caller)
{
    return caller->unseen || caller->changing != VERDICT_UNKNOWN;
}

/* A frame begins: what ran before it may have been unseen. */
static inline void heed_caller(struct session *session, struct shadow_frame *caller,
                               const compat_frame *real)
{
    bool is_seen = caller != NULL && !is_watched_unseen(caller) &&
                   compat_is_called_from(real, caller->frame) &&
                   (line_is_seen(caller) || line_is_seen_before(caller, real)) &&
                   !changes_line_is_restless(session, caller, caller->frame);
    if (!is_seen) {
        session_heed_unseen(session);
    }
    if (caller != NULL && (caller->line_info->flags & LINE_MOVABLE)) {
        note_crossing(caller, real);
    }
}

/* The same for one that goes on: more than a call leads there. */
static inline void heed_resumer(struct session *session, const struct shadow_frame *resumer,
                                const compat_frame *real)
{
    bool is_seen = resumer != NULL && !is_watched_unseen(resumer) &&
                   compat_is_called_from(real, resumer->frame) && line_is_seen(resumer) &&
                   !changes_line_is_restless(session, resumer, resumer->frame);
    if (!is_seen) {
        session_heed_unseen(session);
    }
}

/* It ended, or rests, and its caller is the frame of the next line. Python code that is not
 * recorded may go on before the caller does, though the caller's line says nothing of it, as when a
 * property caches its value. */
static inline void go_on_in(struct session *session, struct shadow_frame *caller,
                            const compat_frame *real)
{
    if (caller != NULL) {
        if (!compat_is_called_from(real, caller->frame)) {
            session_heed_unseen(session);
        }
        stand_in(session, caller);
    }
}

static void start_arguments(struct session *session, struct shadow_frame *frame, compat_frame *real)
{
    const struct plan *plan = frame->plan;
    if (plan->has_namespace && real->f_locals != NULL) {
        slot_read(session, frame, plan->real_slots, real->f_locals);
    }
    slots_apply(session, frame, real, plan->entry_mask & ~plan->special, 0);
    if ((plan->entry_mask & plan->special) != 0) {
        slots_apply_special(session, frame, real, plan->entry_mask & plan->special, 0);
    }
    if (plan->real_slots > PLAN_MASK_SLOTS) {
        slots_apply_far(session, frame, real);
    }
    uint64_t unchecked = unchecked_slots(session, frame);
    frame->epoch = session->epoch;
    if (unchecked != 0) {
        changes_check_slots(session, frame, real, unchecked, true);
    }
    if (session->objects.queue_size != 0) {
        objects_open_queued(session);
    }
    if (session->exact != NULL) {
        exact_look(session, frame, real);
    }
    self_check_frame(session, frame, real);
}

/* A call that is left out would make all that follows untrue. */
static const struct failure no_memory = {
    "Environment",
    "ERR_FRAME_INTROSPECTION_FAILED",
    "failed to capture call arguments",
    {{"details", "no memory"}},
};

/* An object that begins, at the address of one that nobody holds any more and that was not what was
 * returned last, by its `__new__`, is another one. */
static void heed_birth(struct session *session, const compat_frame *real)
{
    const PyObject *self = real->localsplus[0];
    struct object_entry *entry = self != NULL ? object_known(session, self) : NULL;
    if (entry != NULL && (entry->flags & ENTRY_LIMBO) && entry->holders == 0 &&
        entry->number != session->passed) {
        object_end(session, entry);
    }
}

static struct plan *meet_code(struct session *session, PyCodeObject *code, compat_frame *real)
{
    struct plan *plan = plan_of(session, code, real->f_globals, real->f_locals);
    if (plan != NULL && !plan->skip) {
        monitor_watch_code(session, plan, code);
        repair_code(session, plan, code);
    }
    return plan;
}

PyObject *event_start(struct session *session, PyObject *const *args)
{
    PyCodeObject *code = (PyCodeObject *)args[0];
    struct thread *thread = frame_thread(session);
    if (thread == NULL) {
        Py_RETURN_NONE;
    }
    compat_frame *real = compat_current_frame(thread->state);
    if (!compat_frame_runs(real, args[0])) {
        Py_RETURN_NONE;
    }
    struct plan *plan = compat_code_extra(code, session->code_extra);
    if (__builtin_expect(plan == NULL || plan->globals != real->f_globals, 0)) {
        if (session->waiting_for_main && !gate_lets_pass(session, code, real)) {
            Py_RETURN_NONE;
        }
        if (session->writer->soft == NULL) {
            return monitor_stopped(session);
        }
        plan = meet_code(session, code, real);
        if (plan == NULL) {
            return failure_end(session, &no_memory);
        }
        if (inject_awaits(INJECT_START) && !plan->skip) {
            return failure_end(session, inject_take(INJECT_START));
        }
    }
    if (plan->skip) {
        return Py_NewRef(session->disable);
    }
    if (!ready(session, thread)) {
        return monitor_stopped(session);
    }
    struct ctr_writer *writer = session->writer;
    put_tick(session);
    if (is_met(thread) && !adopt_callers(session, thread, real)) {
        return monitor_stopped(session);
    }
    if (thread->top != NULL) {
        know_frame(session, thread->top); /* the caller stands in the block where the call starts */
    }
    heed_caller(session, thread->top, real);
    if (plan->is_init) {
        heed_birth(session, real);
    }
    struct shadow_frame *frame = frame_push(thread, real, plan);
    if (frame == NULL) {
        return failure_end(session, &no_memory);
    }
    *writer->at++ = CTR_CALL;
    writer->at = ct_varint_put(writer->at, plan->id);
    frame->call = writer->calls++;
    frame->start_step = writer->steps;
    frame->start_calls = thread->calls++;
    frame->start_thread = thread->number;
    frame->block = frame->entry_block = frame->start_block = writer->block;
    frame->number = writer->next_frame++;
    ctr_count(writer, CTR_C_calls);
    start_arguments(session, frame, real);
    stand_in(session, frame);
    if (plan->opening.is_told) {
        frame->opened = true;
        put_line(session, frame, plan->opening_line);
        if (frame->line_info->flags & LINE_LEAVES) {
            leave_at_once(session, frame, real, plan->opening.to);
        }
    }
    return done(session);
}

__attribute__((noinline)) static struct shadow_frame *
leaving_slow(struct session *session, PyObject *code, struct thread **thread, compat_frame **real)
{
    *thread = frame_thread_seen(session);
    if (*thread == NULL) {
        return NULL;
    }
    *real = compat_current_frame((*thread)->state);
    struct shadow_frame *frame = (*thread)->top;
    if (frame == NULL || !compat_frame_runs(*real, code)) {
        return NULL;
    }
    if ((frame->frame != *real && !on_stack(*thread, *real)) || !ready(session, *thread)) {
        return NULL;
    }
    if (frame->frame != *real) {
        frame = resync(session, *thread, *real);
    }
    if (frame != NULL) {
        know_frame(session, frame);
    }
    return frame;
}

/* The shadow of the running frame for the events of one that leaves, or NULL when it is not ours.
 */
static inline struct shadow_frame *leaving(struct session *session, PyObject *code,
                                           struct thread **thread, compat_frame **real)
{
    const struct ctr_writer *writer = session->writer;
    *thread = frame_current_thread;
    if (__builtin_expect(*thread == session->running && writer->at < writer->soft, 1)) {
        *real = compat_current_frame((*thread)->state);
        if (session->here->frame == *real && compat_frame_runs(*real, code)) {
            return session->here;
        }
    }
    return leaving_slow(session, code, thread, real);
}

static void put_known_value(struct session *session, PyObject *value, struct shadow *shadow)
{
    session->writer->at = value_emit(session, session->writer->at, value, shadow);
    if (shadow_kind(shadow) == CTR_V_OBJECT) { /* held until the next event */
        session->passed = shadow->bits;
        object_hold(session, shadow);
        object_let_go(session, shadow);
    }
}

static struct shadow put_event_value(struct session *session, PyObject *value)
{
    struct shadow shadow;
    if (number_shadow(value, &shadow)) {
        session->writer->at = put_number(session->writer->at, &shadow);
        return shadow;
    }
    value_shadow_slow(session, value, &shadow);
    if (session->objects.queue_size != 0) {
        /* the state of a new object stands before the event that speaks of it */
        uint8_t record = *--session->writer->at;
        objects_open_queued(session);
        *session->writer->at++ = record;
    }
    put_known_value(session, value, &shadow);
    return shadow;
}

static void put_hidden_result(struct session *session, uint8_t action)
{
    *session->writer->at++ = filter_tag(action);
    filter_count(session, FILTER_RETURN, action);
}

/* What a function returns or yields; one whose name says that it is a secret gives none away. */
static void put_result(struct session *session, uint8_t action, PyObject *value)
{
    if (action != CTR_KEEP && value != Py_None) {
        put_hidden_result(session, action);
    } else {
        put_event_value(session, value);
    }
}

/* For a call that began in an earlier block: what the index says of it without looking there. */
static void put_span(struct session *session, struct thread *thread,
                     const struct shadow_frame *frame)
{
    struct ctr_writer *writer = session->writer;
    if (frame->start_block != writer->block) {
        *writer->at++ = CTR_SPAN;
        writer->at = ct_varint_put(writer->at, writer->steps - frame->start_step);
        /* A generator may end on another thread than it began on: their counts say nothing. */
        bool same = frame->start_thread == thread->number;
        writer->at = ct_varint_put(writer->at, same ? thread->calls - frame->start_calls : 0);
    }
}

/* An exception just raised in the frame leaves it, or is handled there, before anything else runs:
 * neither it nor the frame changed. */
static bool is_as_raised(struct session *session, const struct shadow_frame *frame,
                         const PyObject *exception)
{
    const struct raised *raised = &session->raised;
    return raised->end == session->writer->at && raised->block == session->writer->block &&
           raised->frame == frame && raised->exception == exception &&
           object_of(session, &raised->shadow) != NULL;
}

static void put_exception(struct session *session, const struct shadow_frame *frame,
                          PyObject *exception, uint8_t record, bool as_raised)
{
    struct ctr_writer *writer = session->writer;
    *writer->at++ = record;
    if (frame->plan->unwind_action != CTR_KEEP) {
        put_hidden_result(session, frame->plan->unwind_action);
        return;
    }
    if (as_raised) {
        put_known_value(session, exception, &session->raised.shadow);
        return;
    }
    struct shadow shadow = put_event_value(session, exception);
    if (record == CTR_RAISE && shadow_kind(&shadow) == CTR_V_OBJECT) {
        session->raised = (struct raised){exception, frame, writer->at, writer->block, shadow};
    }
}

/* What the frame belongs to, where that is recorded, waits or is closed once the event is over, and
 * no line of whoever goes on says so. */
__attribute__((noinline)) static void
heed_generator(struct session *session, const struct shadow_frame *frame, bool for_good)
{
    PyObject *generator = compat_frame_generator(frame->frame);
    const struct object_entry *entry = generator != NULL ? object_known(session, generator) : NULL;
    if (entry != NULL) {
        session->leaving = generator;
        session->leaves_for_good = for_good;
        if (gather_fingerprint(session, generator, entry->type) != entry->seen) {
            object_check_known(session, generator, true, true);
        }
        session->leaving = NULL;
    }
}

static void put_return(struct session *session, struct thread *thread, PyObject *value)
{
    struct shadow_frame *frame = thread->top;
    put_tick(session);
    if (frame->plan->generator) {
        heed_generator(session, frame, true);
    }
    put_span(session, thread, frame);
    *session->writer->at++ = CTR_RETURN;
    put_result(session, frame->plan->return_action, value);
    ctr_count(session->writer, CTR_C_returns);
    frame_pop(session, thread);
}

static void put_yield(struct session *session, struct thread *thread, PyObject *value)
{
    struct shadow_frame *frame = thread->top;
    if (frame->line_info->flags & LINE_CROSSED) {
        reach_note_crossing(frame, frame->frame);
    }
    heed_generator(session, frame, false);
    *session->writer->at++ = CTR_YIELD;
    put_result(session, frame->plan->yield_action, value);
    ctr_count(session->writer, CTR_C_yields);
    frame_suspend(session, thread);
}

/* The frame at the line of an exit takes it. */
static void put_exit(struct session *session, struct thread *thread, compat_frame *real,
                     PyObject *value)
{
    (thread->top->plan->generator ? put_yield : put_return)(session, thread, value);
    go_on_in(session, thread->top, real);
}

/* The exit whose line this event ends, and need not tell of any more; else NULL. The gate of an
 * activation path waits for returns. */
static const struct exit *exit_left_by(const struct session *session,
                                       const struct shadow_frame *frame, PyObject *offset)
{
    const struct exit *exit =
        session->activation == NULL ? exit_of(frame->plan, frame->line_info) : NULL;
    return exit != NULL && exit_is_at(exit, offset) ? exit : NULL;
}

/* The code a thread began with ends, as a rule the program's: nothing will look at what its globals
 * hold any more, and code nobody sees may have worked on it. */
static inline void look_at_last(struct session *session, const struct shadow_frame *frame,
                                const compat_frame *real)
{
    if (frame->plan->has_namespace && frame->below == NULL) {
        object_check_inside(session, real->f_globals);
        objects_open_queued(session);
    }
}

/* The running frame returns or yields. */
static PyObject *leave(struct session *session, PyObject *const *args,
                       void (*put)(struct session *, struct thread *, PyObject *))
{
    struct thread *thread;
    compat_frame *real;
    struct shadow_frame *frame = leaving(session, args[0], &thread, &real);
    if (frame == NULL) {
        const struct plan *plan = compat_code_extra((PyCodeObject *)args[0], session->code_extra);
        bool is_told = plan != NULL && exit_is_told_at(plan, args[1]);
        return Py_NewRef(is_told ? session->disable : Py_None);
    }
    const struct plan *plan = frame->plan;
    const struct exit *exit = exit_left_by(session, frame, args[1]);
    apply_line(session, frame, real);
    look_at_last(session, frame, real);
    put(session, thread, args[2]);
    go_on_in(session, thread->top, real);
    PyObject *result = done(session);
    return exit != NULL ? joint_close_exit(session, plan, exit) : result;
}

PyObject *event_return(struct session *session, PyObject *const *args)
{
    return leave(session, args, put_return);
}

PyObject *event_yield(struct session *session, PyObject *const *args)
{
    return leave(session, args, put_yield);
}

static struct shadow_frame *resumed(struct session *session, PyCodeObject *code,
                                    struct thread **thread, compat_frame **real)
{
    *thread = frame_thread(session);
    if (*thread == NULL) {
        return NULL;
    }
    *real = compat_current_frame((*thread)->state);
    struct plan *plan = compat_code_extra(code, session->code_extra);
    if (!compat_frame_runs(*real, (PyObject *)code)) {
        return NULL;
    }
    bool is_new = plan == NULL || plan_is_blank(plan);
    if (is_new && !session->waiting_for_main && session->writer->soft != NULL) {
        plan = meet_code(session, code, *real); /* it began before we looked */
    }
    if (plan == NULL || plan_is_blank(plan) || plan->skip || !ready(session, *thread)) {
        return NULL;
    }
    if (is_met(*thread) && !adopt_callers(session, *thread, *real)) {
        return NULL;
    }
    if ((*thread)->top != NULL) {
        know_frame(session, (*thread)->top);
    }
    put_tick(session);
    heed_resumer(session, (*thread)->top, *real);
    struct shadow_frame *frame = frame_resume(session, *thread, *real);
    if (frame == NULL) {
        if (is_recorded(session, *real, &plan)) {
            adopt(session, *thread, *real, plan);
            ctr_commit(session->writer);
        }
        return NULL;
    }
    return frame;
}

PyObject *event_resume(struct session *session, PyObject *const *args)
{
    struct thread *thread;
    compat_frame *real;
    PyCodeObject *code = (PyCodeObject *)args[0];
    struct shadow_frame *frame = resumed(session, code, &thread, &real);
    if (frame == NULL) {
        const struct plan *plan = compat_code_extra(code, session->code_extra);
        return Py_NewRef(plan != NULL && plan->skip ? session->disable : Py_None);
    }
    put_resume(session, frame);
    stand_in(session, frame);
    return done(session);
}

/* Being raised gives an exception a longer traceback and another context, and takes the context of
 * one in its chain that would close a circle. */
static void look_at_raised(struct session *session, PyObject *exception)
{
    enum { CHAIN_MAX = 64 }; /* longer ones are found out later, as deep objects are */
    for (int i = 0; i < CHAIN_MAX && exception != NULL; i++) {
        struct object_entry *entry = object_known(session, exception);
        if (entry == NULL || entry->type->type != Py_TYPE(exception) ||
            !(entry->flags & ENTRY_OPENED)) {
            return; /* a new one: all of it is written, and it is in nobody's chain */
        }
        struct shadow shadow = shadow_of(CTR_V_OBJECT, entry->number);
        shadow.index = (uint32_t)(entry - session->objects.entries);
        object_check(session, exception, &shadow, true, true);
        exception = ((PyBaseExceptionObject *)exception)->context;
    }
}

PyObject *event_throw(struct session *session, PyObject *const *args)
{
    struct thread *thread;
    compat_frame *real;
    struct shadow_frame *frame = resumed(session, (PyCodeObject *)args[0], &thread, &real);
    if (frame == NULL) {
        Py_RETURN_NONE;
    }
    struct shadow shadow;
    if (frame->block != session->writer->block) {
        introduce(session, frame, CTR_FRAME_SUSPENDED);
    }
    frame->entry_block = session->writer->block;
    bool is_hidden = frame->plan->unwind_action != CTR_KEEP;
    if (!is_hidden) {
        look_at_raised(session, args[2]);
        value_shadow(session, args[2], &shadow);
        objects_open_queued(session);
    }
    *session->writer->at++ = CTR_THROW;
    session->writer->at = ct_varint_put(session->writer->at, frame->number);
    if (is_hidden) {
        put_hidden_result(session, frame->plan->unwind_action);
    } else {
        session->writer->at = value_emit(session, session->writer->at, args[2], &shadow);
    }
    ctr_count(session->writer, CTR_C_throws);
    return done(session);
}

PyObject *event_unwind(struct session *session, PyObject *const *args)
{
    struct thread *thread;
    compat_frame *real;
    struct shadow_frame *frame = leaving(session, args[0], &thread, &real);
    if (frame == NULL) {
        Py_RETURN_NONE;
    }
    bool as_raised = is_as_raised(session, frame, args[2]);
    if (!as_raised) {
        apply_line(session, frame, real);
    }
    look_at_last(session, frame, real);
    put_tick(session);
    if (frame->plan->generator) {
        heed_generator(session, frame, true);
    }
    put_span(session, thread, frame);
    put_exception(session, frame, args[2], CTR_UNWIND, as_raised);
    ctr_count(session->writer, CTR_C_unwinds);
    frame_pop(session, thread);
    return done(session);
}

static PyObject *exception_event(struct session *session, PyObject *const *args, uint8_t record,
                                 enum ctr_counter counter)
{
    PyObject *exception = args[2];
    struct thread *thread;
    compat_frame *real;
    struct shadow_frame *frame = leaving(session, args[0], &thread, &real);
    if (frame == NULL) {
        Py_RETURN_NONE;
    }
    bool as_raised = record != CTR_RAISE && is_as_raised(session, frame, exception);
    if (record == CTR_RAISE && frame->plan->unwind_action == CTR_KEEP) {
        look_at_raised(session, exception);
    }
    if (!as_raised) {
        apply_line(session, frame, real);
    }
    put_exception(session, frame, exception, record, as_raised);
    ctr_count(session->writer, counter);
    return done(session);
}

PyObject *event_raise(struct session *session, PyObject *const *args)
{
    return exception_event(session, args, CTR_RAISE, CTR_C_raises);
}

PyObject *event_handled(struct session *session, PyObject *const *args)
{
    return exception_event(session, args, CTR_HANDLED, CTR_C_handled);
}

static const struct turn *find_turn(const struct plan *plan, PyObject *offset)
{
    int64_t from = -1;
    compat_small_int(offset, &from);
    for (uint32_t i = 0; plan != NULL && i < plan->turn_count; i++) {
        if (plan->turns[i].offset == from) {
            return &plan->turns[i];
        }
    }
    return NULL;
}

/* Another turn of a loop written on one line: the step no line event tells of. */
PyObject *event_jump(struct session *session, PyObject *const *args)
{
    const struct plan *plan = compat_code_extra((PyCodeObject *)args[0], session->code_extra);
    const struct turn *turn = find_turn(plan, args[1]);
    if (turn == NULL) {
        return Py_NewRef(session->disable);
    }
    struct thread *thread;
    compat_frame *real;
    struct shadow_frame *frame = leaving(session, args[0], &thread, &real);
    if (frame == NULL || frame->line != (uint32_t)turn->line) {
        Py_RETURN_NONE;
    }
    apply_line(session, frame, real);
    struct ctr_writer *writer = session->writer;
    *writer->at++ = CTR_LINE_FAR; /* a change of 0 says that it is a turn */
    *writer->at++ = 0;
    writer->steps++;
    ctr_count(writer, CTR_C_lines);
    return done(session);
}

/* A call is about to be made that could not be told in advance. */
PyObject *event_call(struct session *session, PyObject *const *args)
{
    const struct plan *plan = compat_code_extra((PyCodeObject *)args[0], session->code_extra);
    const struct site *site = site_at(plan, args[1]);
    if (site == NULL) {
        return Py_NewRef(session->disable);
    }
    enum verdict verdict = site_verdict(session, site, args[2], args[3]);
    struct thread *thread;
    compat_frame *real;
    struct shadow_frame *frame = verdict != VERDICT_PURE && verdict != VERDICT_RECORDED
                                     ? leaving(session, args[0], &thread, &real)
                                     : NULL;
    if (frame == NULL) {
        Py_RETURN_NONE;
    }
    if (verdict == VERDICT_ESCAPES) {
        session_heed_unseen(session);
        frame->unseen = true;
    } else {
        frame->changing = (uint8_t)verdict;
    }
    Py_RETURN_NONE;
}

/* It was one of code written in C, and is over. */
PyObject *event_called(struct session *session, PyObject *const *args)
{
    struct thread *thread;
    compat_frame *real;
    struct shadow_frame *frame = leaving(session, args[0], &thread, &real);
    const struct site *site =
        frame != NULL && frame->changing != VERDICT_UNKNOWN ? site_at(frame->plan, args[1]) : NULL;
    if (site == NULL) {
        Py_RETURN_NONE;
    }
    enum verdict verdict = (enum verdict)frame->changing;
    frame->changing = VERDICT_UNKNOWN;
    session->is_behind = true;
    PyObject *receiver = verdict_receiver(args[2], args[3]);
    if (receiver != NULL) {
        site_look(session, site, verdict, args[2], receiver);
    }
    objects_open_queued(session);
    return done(session);
}

/* ---- what is not an event of sys.monitoring
 * -------------------------------------------------------------- */

bool event_begin_stream(struct session *session, uint8_t record, uint8_t stream)
{
    struct thread *thread = frame_thread(session);
    if (thread == NULL || gate_is_closed(session) ||
        !filter_records_stream(session->filter, stream & CTR_STREAM_MASK) ||
        !ready(session, thread)) {
        return false;
    }
    struct ctr_writer *writer = session->writer;
    put_tick(session);
    if (stream & CTR_STREAM_REDIRECTED) {
        session_heed_unseen(session); /* an object has it, perhaps a variable */
    }
    *writer->at++ = record;
    *writer->at++ = stream;
    ctr_count(writer, record == CTR_INPUT ? CTR_C_inputs : CTR_C_outputs);
    return true;
}

void event_last(struct session *session)
{
    while (session_has_forks() || thread_has_ended()) {
        struct thread *thread = frame_thread(session);
        if (thread == NULL || gate_is_closed(session) || !ready(session, thread)) {
            return;
        }
        put_others(session);
        ctr_commit(session->writer);
    }
}
