/* What the types of exceptions are derived from: Python's own, by name. */
#ifndef CT_REPLAY_EXCEPTION_TYPE_H
#define CT_REPLAY_EXCEPTION_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "trace/reader.h"

/* Whether a type is the one named "Error", "Outer.Error" or "app.Outer.Error", or derived from it.
 * Of classes of the program and of libraries the trace does not say what they are derived from:
 * Exception, as they should be. */
bool rp_exception_is_a(const struct ctr_type *type, const char *name, size_t size);

/* Whether a type is one of Python's own, and its bases are known. */
bool rp_is_python_s(const struct ctr_type *type);

/* Whether there is an exception of this name among Python's own. */
bool rp_is_exception_of_python(struct ctr_text name);

#endif
