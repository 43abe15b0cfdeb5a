/* A code object's lines, read from its bytecode: slots written and read, effects on objects. */
#ifndef CT_RECORDER_EFFECTS_H
#define CT_RECORDER_EFFECTS_H

#include "recorder/bytecode.h"
#include "recorder/session.h"

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
