/* Threads of the program: met, announced in the trace with their names, found to have ended. */
#ifndef CT_RECORDER_THREAD_H
#define CT_RECORDER_THREAD_H

#include "recorder/session.h"

/* Be told when the running thread ends, whose record this is. */
void thread_watch(struct thread *thread);

/* Give the running thread its number in the trace and say who it is. */
void thread_announce(struct session *session, struct thread *thread);

/* Whether a thread, as the system sees it, ended that was not taken yet. */
bool thread_has_ended(void);

/* The record of a thread that ended, the caller's from now on; NULL when there is none. */
struct thread *thread_take_ended(void);

/* A trace or profile function written in Python runs between any two events, and none of it is
 * seen: as long as one follows the thread, no event takes the short way. */
void thread_heed_followers(struct session *session, struct thread *thread);

#endif
