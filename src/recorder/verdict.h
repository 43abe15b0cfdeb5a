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

/* What `receiver.name = value` changes of a receiver of this type: that attribute and nothing else
 * (VERDICT_CHANGES_ONE), the receiver by code that is recorded, or anything in it. */
enum verdict verdict_of_store(struct session *session, PyTypeObject *type, PyObject *name);

#endif
