/* `ct dap`: a debug adapter over standard input and output, as editors start one. And under the
 * name CodeTracer's own programs start: `ct start_backend db --stdio`. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/recording_choose.h"
#include "server/stdio.h"

struct dap_fields {
    const char *folder;
};

static const struct cli_option dap_table[] = {
    {'t', "trace-folder", CLI_TEXT, offsetof(struct dap_fields, folder), "DIR",
     "the recording to debug; otherwise the editor names it"},
    {0},
};

/* `directory` is the recording's, or NULL. */
static int serve_stdio(const char *directory)
{
    struct sv_stdio_options options = {
        .in = STDIN_FILENO,
        .out = STDOUT_FILENO,
        .directory = directory,
    };
    struct ct_error error;
    if (directory != NULL && ctr_open(&options.trace, directory, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    if (isatty(STDIN_FILENO)) {
        cli_note("waiting for an editor's messages on standard input; people use `ct replay`");
    }
    signal(SIGPIPE, SIG_IGN); /* an editor that is gone is no reason to die in the middle */
    int status = sv_stdio_run(&options, &error);
    if (status != CT_OK) {
        cli_error("the client's messages end here: %s", error.message);
    }
    ctr_close(options.trace);
    return status == CT_OK ? CLI_OK : CLI_FAILED;
}

static int run_dap(const void *untyped, const struct cli_operands *operands)
{
    const struct dap_fields *fields = untyped;
    if (operands->count > 1 || (operands->count == 1 && fields->folder != NULL)) {
        return cli_usage_error(&cli_command_dap, "one recording at a time");
    }
    if (operands->count == 0) {
        return serve_stdio(fields->folder);
    }
    char *directory = recording_resolve(operands->items[0]);
    int status = directory == NULL ? CLI_FAILED : serve_stdio(directory);
    free(directory);
    return status;
}

const struct cli_command cli_command_dap = {
    .name = "dap",
    .summary = "Debug a recording from an editor, over standard input and output",
    .usage = "[OPTION]... [DIR|ID]",
    .details = "Speaks the Debug Adapter Protocol. The recording is the one in DIR, that\n"
               "of the number or identifier ID in the list, or the one that the editor's launch\n"
               "request names with \"traceFolder\".",
    .options = dap_table,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct dap_fields),
    .run = run_dap,
};

/* ---- CodeTracer's name for it ---- */

struct backend_fields {
    bool stdio;
};

static const struct cli_option backend_table[] = {
    {0, "stdio", CLI_FLAG, offsetof(struct backend_fields, stdio), NULL,
     "over standard input and output; there is no other way"},
    {0},
};

static int run_start_backend(const void *untyped, const struct cli_operands *operands)
{
    const struct backend_fields *fields = untyped;
    if (operands->count != 1 || strcmp(operands->items[0], "db") != 0) {
        return cli_usage_error(&cli_command_start_backend, "the one backend there is is 'db'");
    }
    if (!fields->stdio) {
        return cli_usage_error(&cli_command_start_backend, "--stdio is needed");
    }
    return serve_stdio(NULL);
}

const struct cli_command cli_command_start_backend = {
    .name = "start_backend",
    .summary = "The same as `ct dap`, by CodeTracer's name",
    .usage = "db --stdio",
    .options = backend_table,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct backend_fields),
    .run = run_start_backend,
};
