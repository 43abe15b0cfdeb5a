#include "cli/serve.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/browser.h"
#include "cli/instance.h"
#include "cli/last_port.h"
#include "cli/message.h"
#include "server/server.h"

/* With an arena of its own each thread would keep what its largest answer needed. */
enum { MOST_ARENAS = 2 };

static const char *web_folder(const struct serve_asked *asked)
{
    return asked->fields->web != NULL ? asked->fields->web : getenv("CT_WEB_DIR");
}

/* ---- What is said ---- */

static bool is_loopback(const char *address)
{
    return address == NULL || strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strcmp(address, "localhost") == 0;
}

/* The URL is a fact: it goes to standard output, at once. The browser is started with one that is
 * worth nothing to whoever reads it in the list of processes. */
static void show(const char *url, const char *open_url, bool opens_browser)
{
    printf("%s\n", url);
    fflush(stdout);
    if (opens_browser && (open_url == NULL || !browser_open(open_url))) {
        cli_note("open this page in a browser");
    }
}

/* ---- The server that is there already ---- */

/* Who asks for an address or a window of its own gets a server of its own. */
static bool may_share(const struct serve_asked *asked)
{
    return asked->directory != NULL && !asked->fields->port.is_given &&
           asked->fields->address == NULL && web_folder(asked) == NULL;
}

static bool show_running(const struct serve_asked *asked)
{
    struct instance instance;
    bool is_running = may_share(asked) && instance_find(asked->directory, &instance);
    if (is_running) {
        show(instance.url, instance.open_url, asked->opens_browser);
        cli_note("%s is open already; the ct that opened it goes on serving it", asked->directory);
        instance_clear(&instance);
    }
    return is_running;
}

/* ---- Serving ---- */

static void show_server(struct sv_server *server, bool opens_browser)
{
    char *path = sv_server_open_path(server);
    char *open_url = NULL;
    int origin = (int)strcspn(sv_server_url(server), "#") - 1;
    if (path == NULL || asprintf(&open_url, "%.*s%s", origin, sv_server_url(server), path) < 0) {
        open_url = NULL;
    }
    show(sv_server_url(server), open_url, opens_browser);
    free(open_url);
    free(path);
}

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
    struct ct_lock lock = CT_LOCK_NONE;
    if (may_share(asked)) {
        instance_publish(asked->directory, sv_server_port(server), sv_server_token(server), &lock);
    }
    show_server(server, asked->opens_browser);
    cli_note("serving %s; Ctrl-C ends it",
             asked->directory == NULL ? "the list of recordings" : asked->directory);
    int status = sv_server_run(server, &error);
    ct_lock_release(&lock);
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
    if (show_running(asked)) {
        return CLI_OK;
    }
    bool has_usual_address = !fields->port.is_given && fields->address == NULL;
    struct sv_options options = {
        .directory = asked->directory,
        .address = fields->address,
        .port = (uint16_t)fields->port.value,
        .wished_port = has_usual_address ? last_port() : 0,
        .web = web_folder(asked),
        .idle_ms = fields->idle.is_given ? fields->idle.value : asked->idle_ms,
    };
    struct sv_server *server;
    struct ct_error error;
    signal(SIGPIPE, SIG_IGN);
    mallopt(M_ARENA_MAX, MOST_ARENAS);
    if (sv_server_new(&server, &options, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    if (has_usual_address) {
        last_port_keep(sv_server_port(server));
    }
    int status = run_server(server, asked);
    sv_server_free(server);
    return status;
}
