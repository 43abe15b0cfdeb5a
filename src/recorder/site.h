/* Calls that a line's names do not lead to, as in `graph.node(x).edges.append(y)`: what is called,
 * and on what it works, is asked when the call is made and when it is over. */
#ifndef CT_RECORDER_SITE_H
#define CT_RECORDER_SITE_H

#include "recorder/session.h"

/* The site of this instruction, an offset as sys.monitoring gives it; NULL: it is none. */
const struct site *site_at(const struct plan *plan, PyObject *offset);

/* What the call of `callable` may do to objects that nobody sees; never VERDICT_UNKNOWN. `first`:
 * its first argument, or whatever sys.monitoring gives in its place. */
enum verdict site_verdict(struct session *session, const struct site *site, PyObject *callable,
                          PyObject *first);

/* Such a call is over, and its verdict is that it changes what it works on, this: write what
 * changed. `callable` is what was called. */
void site_look(struct session *session, const struct site *site, enum verdict verdict,
               PyObject *callable, PyObject *receiver);

/* From here on what this call of the plan's code does is asked when it is made. Nothing happens
 * when sys.monitoring does not tell of it, or there is no memory. */
void site_begin(struct session *session, struct plan *plan, struct effect *effect);

/* The plan of code under other globals has the sites of the first one. */
void sites_take_over(struct plan *plan, const struct plan *other);

#endif
