/* `--exact`: at every line all objects that the frame and its module reach are compared, however
 * deep they lie and whatever it costs. Without it the work per line is bounded. */
#ifndef CT_RECORDER_EXACT_H
#define CT_RECORDER_EXACT_H

#include "recorder/session.h"

int exact_init(struct session *session);
void exact_free(struct session *session);

/* Compare everything reachable from the frame's variables and the module's globals with what is
 * remembered, and write what changed. */
void exact_look(struct session *session, struct shadow_frame *frame, compat_frame *real);

#endif
