/* The message of a log point: text with expressions in braces. */
#ifndef CT_DAP_LOG_MESSAGE_H
#define CT_DAP_LOG_MESSAGE_H

#include "base/bytes.h"
#include "replay/session.h"

struct dap_log_message;

/* "n is {n}, its half {n / 2}"; {{ and }} are braces. CT_EUSAGE: an expression is none; `*at` is
 * where in the text. */
int dap_log_message_new(struct dap_log_message **message, const char *text, size_t *at,
                        struct ct_error *error);
void dap_log_message_free(struct dap_log_message *message);

/* Append what it says at a step. An expression without a value there says why in its place. */
void dap_log_message_text(const struct dap_log_message *message, struct rp_session *session,
                          uint64_t step, struct ct_bytes *to);

#endif
