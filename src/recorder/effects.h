/* A code object's lines, read from its bytecode: slots written and read, effects on objects. */
#ifndef CT_RECORDER_EFFECTS_H
#define CT_RECORDER_EFFECTS_H

#include "recorder/session.h"

enum { NO_LINE = -1 };

/* The line of each code unit, NO_LINE where there is none. */
void effects_read_lines(PyCodeObject *code, int *lines, Py_ssize_t units);

/* The line's entry while the plan is made; NO_LINE and lines outside share the last one. */
static inline struct line_info *effects_line(struct plan *plan, int line)
{
    unsigned index = (unsigned)line - (unsigned)plan->first_line;
    return line == NO_LINE || index >= (unsigned)plan->line_count ? &plan->lines[plan->line_count]
                                                                  : &plan->lines[index];
}

/* Can the instruction run code nobody sees? */
bool effects_escapes(int opcode, unsigned oparg);

/* Fill plan->first_line, line_count, lines (one more than line_count: for lines outside) and
 * globals_read. False when memory is out. Leaves no exception set. */
bool effects_learn(struct plan *plan, PyCodeObject *code);

#endif
