/* The Debug Adapter Protocol over the replay engine: JSON messages in, JSON messages out. No
 * sockets and no framing: a transport (src/server) hands each message over, and takes the answers.
 *
 * What the messages are stands in docs/reference/dap.md. No byte of a message is trusted. */
#ifndef CT_DAP_DAP_H
#define CT_DAP_DAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/reader.h"

struct dap_session;

/* A message to the client: one JSON text (no framing), on the thread that called dap_session_take.
 */
typedef void dap_send(void *context, const char *json, size_t size);

struct dap_options {
    struct ctr_trace *trace; /* what to replay, outliving the session; NULL: `launch` or `attach`
                                name it (`traceFolder`, or `program` for a path) */
    const char *directory;   /* of the recording, or NULL; copied */
    dap_send *send;
    void *context;
};

int dap_session_new(struct dap_session **session, const struct dap_options *options,
                    struct ct_error *error);
void dap_session_free(struct dap_session *session);

/* Take one message: every request is answered by exactly one response before this returns. False:
 * the session has ended (disconnect); requests that come all the same are answered by an error. */
bool dap_session_take(struct dap_session *session, const char *json, size_t size);

/* From any thread: the request with this seq, running or yet to come, ends with "cancelled". */
void dap_session_cancel(struct dap_session *session, int64_t seq);

/* Whether a message is DAP's `cancel`, and of which request: transports ask while a request runs.
 */
bool dap_is_cancel(const char *json, size_t size, int64_t *seq);

#endif
