/* `ct help`: the list of commands, or the help of one, printed from the tables. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static void print_usage(const struct cli_command *command)
{
    const char *form = command->usage;
    const char *label = "Usage:";
    while (form != NULL) {
        const char *end = strchr(form, '\n');
        int length = end == NULL ? (int)strlen(form) : (int)(end - form);
        printf("%-6s ct %s%s%.*s\n", label, command->name, length ? " " : "", length, form);
        label = "";
        form = end == NULL ? NULL : end + 1;
    }
}

void cli_print_command_help(const struct cli_command *command)
{
    print_usage(command);
    printf("\n%s.\n", command->summary);
    if (command->details != NULL) {
        printf("\n%s\n", command->details);
    }
    static const struct cli_option help_option[] = {
        {.letter = 'h', .name = "help", .kind = CLI_FLAG, .help = "print this help"}, {0}};
    printf("\nOptions:\n");
    if (command->options != NULL) {
        cli_options_print(command->options, stdout);
    }
    cli_options_print(help_option, stdout);
}

void cli_print_overview(void)
{
    printf("Usage: ct COMMAND [ARGUMENT]...\n\n"
           "Record a Python program into one compact trace, and read it back.\n\n"
           "Commands:\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        printf("  %-15s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    }
    printf("\n`ct help COMMAND` says more about one of them.\n");
}

static int run_help(const void *fields, const struct cli_operands *operands)
{
    (void)fields;
    if (operands->count == 0) {
        cli_print_overview();
        return CLI_OK;
    }
    if (operands->count > 1) {
        return cli_usage_error(&cli_command_help, "one command at a time");
    }
    const struct cli_command *command = cli_command_find(operands->items[0]);
    if (command == NULL) {
        return cli_command_unknown(operands->items[0]);
    }
    cli_print_command_help(command);
    return CLI_OK;
}

const struct cli_command cli_command_help = {
    .name = "help",
    .summary = "Show the commands, or the help of one",
    .usage = "[COMMAND]",
    .run = run_help,
};
