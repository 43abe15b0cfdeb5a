#include "cli/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CLI_LIST(name) &cli_command_##name,
const struct cli_command *const cli_commands[] = {CLI_COMMANDS(CLI_LIST)};
#undef CLI_LIST

const size_t cli_command_count = sizeof cli_commands / sizeof cli_commands[0];

static const struct cli_option no_options[] = {{0}};

const struct cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

int cli_command_unknown(const char *name)
{
    const char *names[sizeof cli_commands / sizeof cli_commands[0]];
    for (size_t i = 0; i < cli_command_count; i++) {
        names[i] = cli_commands[i]->name;
    }
    const char *closest = cli_closest(name, names, cli_command_count);
    cli_error("'%s' is not a command of ct", name);
    if (closest != NULL) {
        cli_help("did you mean `ct %s`? `ct help` lists all commands", closest);
    } else {
        cli_help("`ct help` lists all commands");
    }
    return CLI_USAGE;
}

int cli_usage_error(const struct cli_command *command, const char *format, ...)
{
    char text[CT_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_error("ct %s: %s", command->name, text);
    cli_help("see `ct %s --help`", command->name);
    return CLI_USAGE;
}

int cli_command_perform(const struct cli_command *command, int argc, char **argv)
{
    const struct cli_option *options = command->options == NULL ? no_options : command->options;
    void *fields = calloc(1, command->fields_size + 1);
    if (fields == NULL) {
        cli_error("out of memory");
        return CLI_FAILED;
    }
    struct cli_operands operands;
    struct ct_error error;
    bool wants_help;
    int exit_status = CLI_OK;
    int status = cli_options_parse(options, command->mode, argc, argv, fields, &operands,
                                   &wants_help, &error);
    if (status != CT_OK) {
        exit_status = cli_usage_error(command, "%s", error.message);
    } else if (wants_help) {
        cli_print_command_help(command);
    } else {
        exit_status = command->run(fields, &operands);
    }
    free(fields);
    return exit_status;
}
