/* What happens at each event of sys.monitoring: the hot path. */
#ifndef CT_RECORDER_EVENTS_H
#define CT_RECORDER_EVENTS_H

#include "recorder/session.h"

/* Handlers by event, in the calling convention of monitor.c: arguments as sys.monitoring passes
 * them. Each returns None, or DISABLE for code that is not recorded; none fails or leaves an
 * exception. */
typedef PyObject *(*event_handler)(struct session *session, PyObject *const *args);

PyObject *event_line(struct session *session, PyObject *const *args);
PyObject *event_jump(struct session *session, PyObject *const *args);
PyObject *event_start(struct session *session, PyObject *const *args);
PyObject *event_resume(struct session *session, PyObject *const *args);
PyObject *event_return(struct session *session, PyObject *const *args);
PyObject *event_yield(struct session *session, PyObject *const *args);
PyObject *event_throw(struct session *session, PyObject *const *args);
PyObject *event_unwind(struct session *session, PyObject *const *args);
PyObject *event_raise(struct session *session, PyObject *const *args);
PyObject *event_handled(struct session *session, PyObject *const *args);

/* The program wrote `text` to a standard stream (1 stdout, 2 stderr). */
void event_output(struct session *session, int stream, PyObject *text);

/* The recording ends: write down what happened beside the recorded code and was not yet. */
void event_last(struct session *session);

#endif
