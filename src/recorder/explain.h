/* What the recording rules say of a piece of code and its names, without recording. */
#ifndef CT_RECORDER_EXPLAIN_H
#define CT_RECORDER_EXPLAIN_H

#include "recorder/compat.h"

/* explain(table, file, module or None, qualified name or None, ((kind, name), ...))
 *     -> ((module, file, object), reason, skip, exec rule, value rule, list rule,
 *         ((action, pattern or -1, is a secret's name), ...))
 *
 * First what selectors see of it. `reason` is an enum scope_reason; rules are numbers of the table,
 * -1 for the default and -2 for the built-in rules; kinds and actions are those of filter.h. */
PyObject *explain(PyObject *module, PyObject *args);

#endif
