/* What went through a standard stream, into the trace: whole, in as many records as it takes. */
#ifndef CT_RECORDER_IO_RECORD_H
#define CT_RECORDER_IO_RECORD_H

#include "recorder/session.h"

/* `stream` as in the record: enum ctr_stream. A line had its newline taken off. */
void io_record_text(struct session *session, uint8_t stream, PyObject *text, bool is_line);
void io_record_bytes(struct session *session, uint8_t stream, const uint8_t *bytes, size_t size);
/* A few bytes, as a record among others of an event that has the room. */
void io_record_here(struct session *session, uint8_t stream, const void *bytes, size_t size);

#endif
