/* Joints: two events of a frame that nothing can come between, told together.
 *
 * From the start of a frame to its first line (its opening), and from a line that only returns or
 * yields a variable or a constant to that event (an exit), the interpreter runs no instruction of
 * the program's. So the second event is turned off once it was seen, and from then on the first
 * tells both: an event less for each call, and nothing told late.
 *
 * Other tools turn events on again. One that was told already is recognised and turned off anew. */
#ifndef CT_RECORDER_JOINT_H
#define CT_RECORDER_JOINT_H

#include "recorder/bytecode.h"
#include "recorder/session.h"

/* Find them, and have the entries of their lines say so; as many as there is memory for. */
void joints_learn(struct plan *plan, const struct bytecode *bytecode);

/* What another plan of the same code knows to be told. */
void joints_take_over(struct plan *plan, const struct plan *other);

/* The second event was seen: the first tells both, of all plans of the code. What the callback
 * returns, so that it does not come again. */
PyObject *joint_close_opening(struct session *session, const struct plan *plan);
PyObject *joint_close_exit(struct session *session, const struct plan *plan,
                           const struct exit *exit);

/* The exit that this line of the plan may be; NULL: it is none. */
const struct exit *exit_of(const struct plan *plan, const struct line_info *line);

/* Is that where its return or yield is raised, an offset in bytes (a small int)? */
bool exit_is_at(const struct exit *exit, PyObject *offset);

/* Is the return or yield at this offset of the code told with its line? */
bool exit_is_told_at(const struct plan *plan, PyObject *offset);

/* What a frame at the line of this exit is about to return or yield. Borrowed; NULL: it has none.
 */
PyObject *exit_value(const struct exit *exit, const compat_frame *real);

#endif
