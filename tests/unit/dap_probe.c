/* A debug adapter for tests: `dap_probe [TRACE]` takes one JSON message per line and answers with
 * one JSON message per line; an empty line says that a message was dealt with. Progress is told at
 * once. `dap_probe --requests` lists the requests there are, with their capabilities. For
 * tests/python. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dap/dap_internal.h"

static void post(void *context, const char *json, size_t size)
{
    fwrite(json, 1, size, context);
    fputc('\n', context);
}

static int list_requests(void)
{
    for (size_t i = 0; i < dap_handler_count; i++) {
        const char *capability = dap_handlers[i].capability;
        printf("%s\t%s\n", dap_handlers[i].command, capability != NULL ? capability : "");
    }
    return 0;
}

int main(int count, char **words)
{
    struct dap_session *session;
    struct ct_error error = {0};
    struct dap_options options = {.send = post, .context = stdout};
    if (count == 2 && strcmp(words[1], "--requests") == 0) {
        return list_requests();
    }
    options.directory = count == 2 ? words[1] : NULL;
    if ((count == 2 && ctr_open(&options.trace, words[1], &error) != CT_OK) ||
        dap_session_new(&session, &options, &error) != CT_OK) {
        fprintf(stderr, "dap_probe: %s\n", error.message);
        return 1;
    }
    session->patience = 0;
    char *line = NULL;
    size_t room = 0;
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0;) {
        int64_t seq;
        size -= line[size - 1] == '\n';
        if (size > 0 && line[0] == '!') { /* as a transport does while a request runs */
            bool is_cancel = dap_is_cancel(line + 1, (size_t)size - 1, &seq);
            if (is_cancel) {
                dap_session_cancel(session, seq);
            }
            puts(is_cancel ? "{\"probe\":\"cancel\"}" : "{\"probe\":\"other\"}");
        } else if (!dap_session_take(session, line, (size_t)size)) {
            puts("{\"probe\":\"ended\"}");
        }
        putchar('\n');
        fflush(stdout);
    }
    free(line);
    dap_session_free(session);
    if (options.trace != NULL) {
        ctr_close(options.trace);
    }
    return 0;
}
