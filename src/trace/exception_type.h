/* What the types of exceptions are derived from: Python's own, by name. */
#ifndef CT_TRACE_EXCEPTION_TYPE_H
#define CT_TRACE_EXCEPTION_TYPE_H

#include "trace/reader.h"

/* Whether there is an exception of this name among Python's own. */
bool ctr_is_python_exception(struct ctr_text name);

/* Whether that one is derived from another one of them, or is it. */
bool ctr_python_exception_is_a(struct ctr_text name, struct ctr_text base);

/* Whether a type is the one named "Error", "Outer.Error" or "app.Outer.Error", or derived from it.
 * Of classes of the program and of libraries the trace does not say what they are derived from:
 * Exception, as they should be. */
bool ctr_exception_is_a(const struct ctr_type *type, const char *name, size_t size);

#endif
