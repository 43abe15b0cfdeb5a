/* The little that a transport has to know of the DAP messages it carries. */
#ifndef CT_SERVER_MESSAGE_H
#define CT_SERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of a client's message. False: it has none (and is an error the session answers). */
bool sv_message_seq(const char *json, size_t size, int64_t *seq);

/* Whether a session's own message, NUL-terminated, is a response; otherwise it is an event. */
bool sv_message_is_response(const char *json);

#endif
