/* What calling something may do to objects that nobody sees: nothing, what is recorded where it
 * happens, a change of the receiver, anything. */
#ifndef CT_RECORDER_VERDICT_H
#define CT_RECORDER_VERDICT_H

#include "recorder/session.h"

/* Calling this object, NULL is one nobody knows, as `call` does. */
enum verdict verdict_of_callable(struct session *session, PyObject *callable,
                                 const struct effect *call);

/* Calling the method `effect->name` of this object, with `effect->arguments` arguments. */
enum verdict verdict_of_method(struct session *session, PyObject *owner,
                               const struct effect *effect);

/* What a bound method written in C, or one whose first argument is this, works on: borrowed. NULL:
 * the callable is none. */
PyObject *verdict_receiver(PyObject *callable, PyObject *first);

/* Calling such a method, with so many arguments. */
enum verdict verdict_of_bound(PyObject *callable, PyObject *receiver, uint8_t arguments);

/* Is such a method of a dict one that changes nothing? */
bool verdict_reads_dict(PyObject *callable);

/* The end of a list or deque that it changes, and nothing else. */
enum end verdict_end(PyObject *callable, uint8_t arguments);

/* What `receiver.name = value` changes of a receiver of this type: that attribute and nothing else
 * (VERDICT_CHANGES_ONE), the receiver by code that is recorded, or anything in it. */
enum verdict verdict_of_store(struct session *session, PyTypeObject *type, PyObject *name);

#endif
