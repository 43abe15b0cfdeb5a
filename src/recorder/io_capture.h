/* What the program writes to its standard streams and reads from them, seen without replacing
 * anything: the C functions behind the methods of Python's own file types, `os.read`, `os.write`
 * and `input` are ours while a session records. The objects, types and methods a program can look
 * at are the ones it would have.
 *
 * Text is recorded where a text stream takes or gives it, bytes where the program hands them to, or
 * gets them from, the highest layer below: the buffered object, the FileIO, the descriptor. What
 * one layer passes on to the next is recorded once. */
#ifndef CT_RECORDER_IO_CAPTURE_H
#define CT_RECORDER_IO_CAPTURE_H

#include "recorder/session.h"

void io_capture_start(struct session *session, enum ct_start_io mode);
void io_capture_stop(void);
void io_capture_after_fork_in_child(void);

/* Write down some of what came through the pipes, as part of an event that has the room. */
void io_capture_put_foreign(struct session *session);

#endif
