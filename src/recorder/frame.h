/* Shadow frames: what the trace knows of each live activation, on each thread's stack or suspended.
 */
#ifndef CT_RECORDER_FRAME_H
#define CT_RECORDER_FRAME_H

#include "recorder/session.h"

int frames_init(struct session *session);
void frames_free(struct session *session);

/* The record of the running thread, which this session may not have met yet. NULL: no memory. */
struct thread *frame_meet_thread(struct session *session);

/* A thread ended, its record is ours: let go of what its stack holds, and free it. */
void frame_free_thread(struct session *session, struct thread *thread);

/* The same for those that ended while nothing was recorded. */
void frame_free_ended(struct session *session);

/* A new shadow on top of the stack; what says when and where its call began (call, start_...,
 * entry_block, number) is for the caller to fill in. NULL: no memory. */
struct shadow_frame *frame_push(struct thread *thread, compat_frame *frame, struct plan *plan);

/* The top frame ended: its places let go of what they hold. */
void frame_pop(struct session *session, struct thread *thread);

/* The top frame, a generator's, leaves the stack until it is resumed. */
void frame_suspend(struct session *session, struct thread *thread);

/* Put the suspended shadow of `frame` on top again; NULL when there is none. */
struct shadow_frame *frame_resume(struct session *session, struct thread *thread,
                                  compat_frame *frame);

extern _Thread_local struct thread *frame_current_thread
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The record of the running thread, made on first use; refreshes its thread state. NULL: no memory.
 */
static inline struct thread *frame_thread(struct session *session)
{
    struct thread *thread = frame_current_thread;
    if (__builtin_expect(thread == NULL || thread->generation != session->generation, 0)) {
        return frame_meet_thread(session);
    }
    thread->state = PyThreadState_Get();
    return thread;
}

/* The running thread's record as last seen, without looking anything up; NULL when unknown. */
static inline struct thread *frame_thread_seen(const struct session *session)
{
    struct thread *thread = frame_current_thread;
    return thread != NULL && thread->generation == session->generation ? thread : NULL;
}

#endif
