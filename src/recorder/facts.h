/* Static facts of a code object, written once with its plan: what each line reads, writes and
 * calls and at which columns, its loops, branches and nested code. Readers of a trace need no
 * Python parser for them. */
#ifndef CT_RECORDER_FACTS_H
#define CT_RECORDER_FACTS_H

#include "recorder/session.h"

/* Read them from the bytecode and define them for `plan`, which is defined already; also learns
 * plan->turns and its joints. Facts are help, not state: where memory is out the trace does
 * without. */
void facts_define(struct session *session, struct plan *plan, PyCodeObject *code);

#endif
