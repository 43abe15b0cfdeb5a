/* Expressions: read, and evaluated in a frame of a recording. */
#include <stdlib.h>

#include "fuzz.h"
#include "replay/expression.h"
#include "replay/move.h"
#include "replay/session.h"
#include "trace/text.h"

static struct rp_session *session_at_the_end(void)
{
    static struct rp_session *session;
    struct ctr_trace *trace;
    struct ct_error error;
    if (session == NULL &&
        (ctr_open(&trace, CT_TESTS "/golden/tour.ctr", &error) != CT_OK ||
         rp_session_new(&session, trace, &error) != CT_OK || rp_go_end(session, &error) != CT_OK)) {
        abort();
    }
    return session;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ctr_text_options options = {.depth = 4, .items = 20, .characters = 400};
    struct rp_session *session = session_at_the_end();
    struct rp_expression *expression;
    struct rp_answer answer = {0};
    struct ct_error error;
    size_t at;
    if (rp_expression_new(&expression, (const char *)data, size, &at, &error) != CT_OK) {
        if (at > size && at != SIZE_MAX) {
            abort();
        }
        return 0;
    }
    rp_evaluate(session, expression, 0, 0, &options, &answer, &at, &error);
    ct_bytes_free(&answer.text);
    ct_bytes_free(&answer.type);
    rp_expression_free(expression);
    return 0;
}
