/* Our tool in sys.monitoring: its number, its callbacks, which events are on. */
#ifndef CT_RECORDER_MONITOR_H
#define CT_RECORDER_MONITOR_H

#include "recorder/session.h"

/* Take a free tool number, register the callbacks, turn the global events on. */
int monitor_start(struct session *session, struct ct_error *error);

/* Turn everything off and give the number back. */
void monitor_stop(struct session *session);

/* Turn on the events of a code object that is recorded. */
void monitor_watch_code(struct session *session, const struct plan *plan, PyCodeObject *code);

/* Waiting for the program: does it begin with this code? Then recording does. */
bool monitor_begins(struct session *session, PyCodeObject *code, compat_frame *frame);

/* An event came though nothing is written any more: turn ourselves off here. Returns None. */
PyObject *monitor_stopped(struct session *session);

#endif
