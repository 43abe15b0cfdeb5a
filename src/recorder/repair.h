/* Long code without the slow path of CPython's line events.
 *
 * For each instruction CPython 3.12 and 3.13.0 keep its line as one signed byte, counted from the
 * first line plus a sixteenth of the instruction's place. Where that does not reach (in functions
 * of more than some 125 lines, in modules of long functions) each LINE event searches the location
 * table from its start: microseconds instead of nanoseconds.
 *
 * The repair puts made-up lines into those bytes, which only tell CPython when the line changes,
 * and takes the real line from the running instruction. Nobody else may read them meanwhile: only
 * while no other tool follows lines, and undone before one can. */
#ifndef CT_RECORDER_REPAIR_H
#define CT_RECORDER_REPAIR_H

#include "recorder/session.h"

struct line_repair {
    int8_t *before; /* the bytes that were there */
    int units;
    int lines[]; /* the line of each code unit */
};

/* Where it helps and nobody else follows lines; after the code's events were turned on. */
void repair_code(struct session *session, struct plan *plan, PyCodeObject *code);

/* Give all code its own bytes back. */
void repair_undo(struct session *session);

/* The line an event of repaired code is about. */
int repair_line(struct session *session, const struct plan *plan, compat_frame *frame);

#endif
