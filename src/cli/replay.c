/* `ct replay`: show a recording in the browser; `ct host`: the same for a browser that somebody
 * else opens. */
#include <stdlib.h>

#include "cli/command.h"
#include "cli/recording_choose.h"
#include "cli/serve.h"

/* ---- ct replay ---- */

struct replay_fields {
    const char *id;
    const char *folder;
    bool is_interactive;
    bool no_browser;
    struct serve_fields serve;
};

static const struct cli_option replay_table[] = {
    {0, "id", CLI_TEXT, offsetof(struct replay_fields, id), "ID",
     "the recording of this number, identifier or beginning of one"},
    {'t', "trace-folder", CLI_TEXT, offsetof(struct replay_fields, folder), "DIR",
     "the recording in this directory, wherever it is"},
    {'i', "interactive", CLI_FLAG, offsetof(struct replay_fields, is_interactive), NULL,
     "choose from a list"},
    {0, "no-browser", CLI_FLAG, offsetof(struct replay_fields, no_browser), NULL,
     "only print the URL"},
    SERVE_OPTIONS(struct replay_fields),
    {0},
};

static int run_replay(const void *untyped, const struct cli_operands *operands)
{
    const struct replay_fields *fields = untyped;
    struct recording_asked asked = {
        .pattern = operands->count > 0 ? operands->items[0] : NULL,
        .id = fields->id,
        .folder = fields->folder,
        .is_interactive = fields->is_interactive,
    };
    int count =
        operands->count + (asked.id != NULL) + (asked.folder != NULL) + asked.is_interactive;
    if (count > 1) {
        return cli_usage_error(&cli_command_replay,
                               "one of PATTERN, --id, --trace-folder and --interactive");
    }
    char *directory = recording_choose(&asked);
    if (directory == NULL) {
        return CLI_FAILED;
    }
    struct serve_asked serve = {
        .directory = directory,
        .opens_browser = !fields->no_browser,
        .fields = &fields->serve,
    };
    int status = serve_recording(&serve);
    free(directory);
    return status;
}

const struct cli_command cli_command_replay = {
    .name = "replay",
    .summary = "Open a recording in the browser",
    .usage = "[OPTION]... [PATTERN]",
    .details = "Without an argument: the most recent recording. PATTERN is the directory of a\n"
               "recording, or how the name of a recorded program ends. Prints the URL; it works\n"
               "for who has it, on this machine, until Ctrl-C. A recording that is open already\n"
               "is shown by the server that has it open.",
    .options = replay_table,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct replay_fields),
    .run = run_replay,
};

/* ---- ct host ---- */

enum { HOST_IDLE_MS = 10 * 60 * 1000 };

#define HOST_IDLE_VARIABLE "CODETRACER_HOST_IDLE_TIMEOUT" /* CodeTracer's name for it */

struct host_fields {
    const char *folder;
    struct serve_fields serve;
};

static const struct cli_option host_table[] = {
    {0, "trace-path", CLI_TEXT, offsetof(struct host_fields, folder), "DIR",
     "the recording in this directory"},
    SERVE_OPTIONS(struct host_fields),
    {0},
};

static bool host_idle(uint64_t *milliseconds)
{
    const char *text = getenv(HOST_IDLE_VARIABLE);
    *milliseconds = HOST_IDLE_MS;
    if (text == NULL || cli_duration_parse(text, milliseconds)) {
        return true;
    }
    cli_error("%s: '%s' is not a time such as 90s, 10m, 1h or never", HOST_IDLE_VARIABLE, text);
    return false;
}

static int run_host(const void *untyped, const struct cli_operands *operands)
{
    const struct host_fields *fields = untyped;
    uint64_t idle_ms;
    if (operands->count + (fields->folder != NULL) > 1) {
        return cli_usage_error(&cli_command_host, "one recording at a time");
    }
    if (!host_idle(&idle_ms)) {
        return CLI_USAGE;
    }
    struct recording_asked asked = {
        .pattern = operands->count > 0 ? operands->items[0] : NULL,
        .folder = fields->folder,
    };
    bool names_one = asked.pattern != NULL || asked.folder != NULL;
    char *directory = names_one ? recording_choose(&asked) : NULL;
    if (names_one && directory == NULL) {
        return CLI_FAILED;
    }
    struct serve_asked serve = {
        .directory = directory,
        .fields = &fields->serve,
        .idle_ms = idle_ms,
    };
    int status = serve_recording(&serve);
    free(directory);
    return status;
}

const struct cli_command cli_command_host = {
    .name = "host",
    .summary = "Serve recordings, and open no browser",
    .usage = "[OPTION]... [DIR|ID]",
    .details = "Without an argument the window lists the recordings. Ends after ten minutes\n"
               "without a client, unless --idle-timeout says otherwise.",
    .options = host_table,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct host_fields),
    .run = run_host,
};
