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

/* The same when it has more sites than before, and has run: calls that were none are off. */
void monitor_watch_calls(struct session *session, const struct plan *plan, PyCodeObject *code);

/* Recording begins, in the middle of the program, with this code. */
void monitor_open(struct session *session, PyCodeObject *code, PyObject *globals);

/* An event came though nothing is written any more: turn ourselves off here. For a callback to
 * return: None, or NULL where the policy has the reason raised. */
PyObject *monitor_stopped(struct session *session);

#endif
