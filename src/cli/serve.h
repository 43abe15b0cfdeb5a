/* Show a recording in the browser: what `ct replay`, `ct run` and `ct host` have in common. */
#ifndef CT_CLI_SERVE_H
#define CT_CLI_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"

/* The options of these commands, as rows of their tables. */
struct serve_fields {
    struct cli_number port;
    const char *address;
    struct cli_number idle; /* milliseconds; 0: never */
    const char *web;
};

#define SERVE_OPTIONS(fields)                                                  \
    {0,         "port",                                                        \
     CLI_COUNT, offsetof(fields, serve.port),                                  \
     "N",       "listen on this port (default: the last one, or a free one)"}, \
        {0,         "bind",                                                    \
         CLI_TEXT,  offsetof(fields, serve.address),                           \
         "ADDRESS", "listen there instead of on this machine alone"},          \
        {0,                                                                    \
         "idle-timeout",                                                       \
         CLI_DURATION,                                                         \
         offsetof(fields, serve.idle),                                         \
         "TIME",                                                               \
         "end after so long without a client: 90s, 10m, 1h; never"},           \
    {                                                                          \
        0, "web-dir", CLI_TEXT, offsetof(fields, serve.web), "DIR",            \
            "serve the window from this folder (for its developers)"           \
    }

struct serve_asked {
    const char *directory; /* of the recording; NULL: none, the window lists them */
    bool opens_browser;
    const struct serve_fields *fields;
    uint64_t idle_ms; /* unless the fields say otherwise */
};

/* Serve until it ends; or find that it is served already. Returns the exit status. */
int serve_recording(const struct serve_asked *asked);

#endif
