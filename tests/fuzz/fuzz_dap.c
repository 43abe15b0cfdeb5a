/* Messages to the debug adapter, a line each, in a session on a recording. Each request has one
 * response. */
#include <stdlib.h>
#include <string.h>

#include "dap/dap.h"
#include "fuzz.h"

enum { MESSAGES_MAX = 64 };

static void count_response(void *context, const char *json, size_t size)
{
    static const char response[] = "\"type\":\"response\"";
    unsigned *responses = context;
    *responses += memmem(json, size, response, sizeof response - 1) != NULL;
}

static struct ctr_trace *recording(void)
{
    static struct ctr_trace *trace;
    struct ct_error error;
    if (trace == NULL && ctr_open(&trace, CT_TESTS "/golden/tour.ctr", &error) != CT_OK) {
        abort();
    }
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dap_session *session;
    struct ct_error error;
    unsigned responses = 0;
    struct dap_options options = {
        .trace = recording(), .send = count_response, .context = &responses};
    if (dap_session_new(&session, &options, &error) != CT_OK) {
        abort();
    }
    const char *at = (const char *)data, *end = at + size;
    for (unsigned i = 0; at < end && i < MESSAGES_MAX; i++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop != NULL ? stop : end) - at);
        int64_t seq;
        dap_is_cancel(at, length, &seq);
        responses = 0;
        dap_session_take(session, at, length);
        if (responses > 1) {
            abort();
        }
        at += length + 1;
    }
    dap_session_free(session);
    return 0;
}
