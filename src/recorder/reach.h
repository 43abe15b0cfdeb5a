/* Which objects a line can change, found by following names through its bytecode: `xs[i] = v`,
 * `self.items.append(x)`, `len(xs)`. Where that fails the line is LINE_VAGUE and everything it can
 * reach is looked at. */
#ifndef CT_RECORDER_REACH_H
#define CT_RECORDER_REACH_H

#include "recorder/session.h"

struct shadow_frame;

/* Fill plan->effects and the lines' effect ranges from the plain bytecode. False: no memory. */
bool reach_learn(struct plan *plan, PyCodeObject *code, const uint8_t *bytes, Py_ssize_t units,
                 const int *lines);

/* Once everything else is known of the plan's lines: what headers of loops do each time but the
 * first. False: no memory. */
bool reach_learn_loops(struct plan *plan);

/* What such a line is about to do: less, when its loop comes round and what it iterates over runs
 * no unseen code. */
const struct line_info *reach_line_again(struct session *session, struct shadow_frame *frame,
                                         compat_frame *real, const struct line_info *line);

/* A recorded call begins, or the frame rests, in the middle of a line that is LINE_MOVABLE. */
void reach_note_crossing(struct shadow_frame *frame, compat_frame *real);

/* Did what such a line called, as was noted, lead its paths elsewhere? Then frame->crossing says so
 * until everything was looked at. */
bool reach_was_crossed(struct shadow_frame *frame, compat_frame *real,
                       const struct line_info *line);

/* Look at what stands along the paths of a line that may have changed anything. */
void reach_look_along(struct session *session, struct shadow_frame *frame, compat_frame *real,
                      const struct line_info *line);

/* Write what the line changed. True when it may have changed other objects as well. */
bool reach_apply(struct session *session, struct shadow_frame *frame, compat_frame *real,
                 const struct line_info *line);

#endif
