/* `ct run`: record a program, then show the recording in the browser. */
#include <stdlib.h>

#include "cli/child.h"
#include "cli/command.h"
#include "cli/record.h"
#include "cli/serve.h"

struct run_fields {
    const char *directory;
    const char *module;
    const char *code;
    bool no_browser;
    struct serve_fields serve;
};

static const struct cli_option run_table[] = {
    {'o', "out-dir", CLI_TEXT, offsetof(struct run_fields, directory), "DIR",
     "where the recording goes (default: the working directory)"},
    {'m', NULL, CLI_LAST, offsetof(struct run_fields, module), "MODULE",
     "record `python -m MODULE`"},
    {'c', NULL, CLI_LAST, offsetof(struct run_fields, code), "CODE", "record `python -c CODE`"},
    {0, "no-browser", CLI_FLAG, offsetof(struct run_fields, no_browser), NULL,
     "only print the URL"},
    SERVE_OPTIONS(struct run_fields),
    {0},
};

/* The program's exit status is ours, unless the recording could not be shown. */
static int show_outcome(const struct run_fields *fields, const struct record_outcome *outcome)
{
    struct serve_asked asked = {
        .directory = outcome->directory,
        .opens_browser = !fields->no_browser,
        .fields = &fields->serve,
    };
    int status = serve_recording(&asked);
    return status == CLI_OK ? cli_child_exit_status(outcome->wait_status) : status;
}

static int run_run(const void *untyped, const struct cli_operands *operands)
{
    const struct run_fields *fields = untyped;
    struct target target;
    struct record_outcome outcome;
    if (!target_choose(fields->module, fields->code, operands, &target)) {
        return cli_usage_error(&cli_command_run, "no program to record");
    }
    int status = record_target_into(&target, fields->directory, &outcome);
    if (status == CLI_OK) {
        status = outcome.directory == NULL ? CLI_FAILED : show_outcome(fields, &outcome);
    }
    free(outcome.directory);
    return status;
}

const struct cli_command cli_command_run = {
    .name = "run",
    .summary = "Record a Python program, then open the recording",
    .usage = "[OPTION]... PROGRAM [ARGUMENT]...\n"
             "[OPTION]... -m MODULE [ARGUMENT]...\n"
             "[OPTION]... -c CODE [ARGUMENT]...",
    .details = "`ct record`, then `ct replay` of what was recorded. `ct record` has options for\n"
               "what is recorded. The exit status is the program's.",
    .options = run_table,
    .mode = CLI_OPTIONS_FIRST,
    .fields_size = sizeof(struct run_fields),
    .run = run_run,
};
