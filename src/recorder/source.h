/* Source files, stored in the trace as they are when their first code is met. */
#ifndef CT_RECORDER_SOURCE_H
#define CT_RECORDER_SOURCE_H

#include "recorder/session.h"

/* Define the source of `path`, a file of this name whose code runs under these globals. */
void source_define(struct session *session, uint32_t path, const char *name, PyObject *globals);

#endif
