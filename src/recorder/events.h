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
PyObject *event_call(struct session *session, PyObject *const *args);
PyObject *event_called(struct session *session, PyObject *const *args);

/* Begin an OUTPUT or INPUT record of the running thread; the caller adds the value and commits.
 * False: there is nothing to write to. */
bool event_begin_stream(struct session *session, uint8_t record, uint8_t stream);

/* The recording ends: write down what happened beside the recorded code and was not yet. */
void event_last(struct session *session);

#endif
