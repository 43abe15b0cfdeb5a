/* A code object's lines, read from its bytecode: slots written and read, effects on objects. */
#ifndef CT_RECORDER_EFFECTS_H
#define CT_RECORDER_EFFECTS_H

#include "recorder/session.h"

/* Fill plan->first_line, line_count, lines (one more than line_count: for lines outside) and
 * globals_read. False when memory is out. Leaves no exception set. */
bool effects_learn(struct plan *plan, PyCodeObject *code);

#endif
