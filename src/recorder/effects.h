/* A code object's lines, read from its bytecode: slots written and read, effects on objects. */
#ifndef CT_RECORDER_EFFECTS_H
#define CT_RECORDER_EFFECTS_H

#include "recorder/session.h"

enum { NO_LINE = -1 };

/* The line of each code unit, NO_LINE where there is none. */
void effects_read_lines(PyCodeObject *code, int *lines, Py_ssize_t units);

/* Can the instruction run code nobody sees? */
bool effects_escapes(int opcode);

/* Fill plan->first_line, line_count, lines (one more than line_count: for lines outside) and
 * globals_read. False when memory is out. Leaves no exception set. */
bool effects_learn(struct plan *plan, PyCodeObject *code);

#endif
