/* Where in the program recording begins, and where it ends before the program does.
 *
 * Armed by `ct record`, it begins with the code of __main__. With an activation path it begins with
 * the first event of a frame that runs this file, and ends for good when that very frame is left:
 * other calls of the same function, and its own yields, do not end it. */
#ifndef CT_RECORDER_GATE_H
#define CT_RECORDER_GATE_H

#include "recorder/session.h"

int gate_init(struct session *session);
void gate_free(struct session *session);

/* Nothing is recorded yet. */
static inline bool gate_is_closed(const struct session *session)
{
    return session->waiting_for_main || session->waiting_for_file;
}

/* Does it run the activation path? However the path is written, links included. */
bool gate_is_file(const struct session *session, PyCodeObject *code);

/* An event of this frame: does recording begin with it, or has it begun? */
bool gate_lets_pass(struct session *session, PyCodeObject *code, compat_frame *frame);

/* Is it the frame that recording began with? */
static inline bool gate_is_activator(const struct session *session, const compat_frame *frame,
                                     const PyCodeObject *code)
{
    return frame == session->activator && code == session->activator_code;
}

/* That frame is left: recording is over, until the session ends nothing more happens. */
void gate_close(struct session *session);

#endif
