/* The commands of `ct`. A command is one file that defines `cli_command_NAME`; to add it, add its
 * name to CLI_COMMANDS. The frame parses its options, answers --help, and reports usage errors. */
#ifndef CT_CLI_COMMAND_H
#define CT_CLI_COMMAND_H

#include "cli/message.h"
#include "cli/options.h"

/* In the order of `ct help`. */
#define CLI_COMMANDS(X) \
    X(record)           \
    X(replay)           \
    X(run)              \
    X(host)             \
    X(list)             \
    X(delete)           \
    X(prune)            \
    X(print)            \
    X(verify)           \
    X(export)           \
    X(import)           \
    X(filter)           \
    X(dap)              \
    X(start_backend)    \
    X(trace_metadata)   \
    X(doctor)           \
    X(help)             \
    X(version)

struct cli_command {
    const char *name;
    const char *summary;              /* one line, for the list of commands */
    const char *usage;                /* what follows "ct NAME "; '\n' separates several forms */
    const char *details;              /* paragraphs after the summary, or NULL */
    const struct cli_option *options; /* ends in a row of zeros; NULL: none */
    enum cli_parse_mode mode;
    size_t fields_size; /* of the struct that `options` fill */
    /* Do it, and return the exit status. `fields` is that struct, NULL when its size is 0. */
    int (*run)(const void *fields, const struct cli_operands *operands);
};

#define CLI_DECLARE(name) extern const struct cli_command cli_command_##name;
CLI_COMMANDS(CLI_DECLARE)
#undef CLI_DECLARE

extern const struct cli_command *const cli_commands[];
extern const size_t cli_command_count;

/* NULL when there is none of that name. */
const struct cli_command *cli_command_find(const char *name);

/* Say that there is no such command, with the closest one; returns CLI_USAGE. */
int cli_command_unknown(const char *name);

/* Say what is wrong with a use of a command and where its help is; returns CLI_USAGE. */
int cli_usage_error(const struct cli_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Parse the arguments after the command's name and run it. */
int cli_command_perform(const struct cli_command *command, int argc, char **argv);

/* Help on standard output: of one command, and of all in a few lines. */
void cli_print_command_help(const struct cli_command *command);
void cli_print_overview(void);

#endif
