#include "cli/serve.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/browser.h"
#include "cli/message.h"
#include "server/server.h"

/* ---- What is said ---- */

static bool is_loopback(const char *address)
{
    return address == NULL || strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strcmp(address, "localhost") == 0;
}

/* The URL is a fact: it goes to standard output, at once. */
static void show(const char *url, bool opens_browser)
{
    printf("%s\n", url);
    fflush(stdout);
    if (opens_browser && !browser_open(url)) {
        cli_note("open this page in a browser");
    }
}

/* ---- Serving ---- */

static int run_server(struct sv_server *server, const struct serve_asked *asked)
{
    struct ct_error error;
    if (!sv_server_has_window(server)) {
        cli_note("this ct was built without the window; editors can use the server all the same");
    }
    if (!is_loopback(asked->fields->address)) {
        cli_note("warning: other machines can reach this server, and what they send and see is not "
                 "encrypted; whoever has the URL sees the recording");
    }
    show(sv_server_url(server), asked->opens_browser);
    cli_note("serving %s; Ctrl-C ends it",
             asked->directory == NULL ? "the list of recordings" : asked->directory);
    int status = sv_server_run(server, &error);
    if (status != CT_OK) {
        cli_error("%s", error.message);
    }
    return status == CT_OK ? CLI_OK : CLI_FAILED;
}

int serve_recording(const struct serve_asked *asked)
{
    const struct serve_fields *fields = asked->fields;
    if (fields->port.value > UINT16_MAX) {
        cli_error("there is no port %llu", (unsigned long long)fields->port.value);
        return CLI_USAGE;
    }
    const char *variable = getenv("CT_WEB_DIR");
    struct sv_options options = {
        .directory = asked->directory,
        .address = fields->address,
        .port = (uint16_t)fields->port.value,
        .web = fields->web != NULL ? fields->web : variable,
        .idle_ms = fields->idle.is_given ? fields->idle.value : asked->idle_ms,
    };
    struct sv_server *server;
    struct ct_error error;
    signal(SIGPIPE, SIG_IGN);
    if (sv_server_new(&server, &options, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    int status = run_server(server, asked);
    sv_server_free(server);
    return status;
}
