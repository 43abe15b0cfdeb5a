/* `ct filter`: the package's own command, run by the user's interpreter: filters are read in one
 * place. */
#include "cli/command.h"
#include "cli/rules.h"

static int run_filter(const void *fields, const struct cli_operands *operands)
{
    (void)fields;
    if (operands->count == 0) {
        return cli_usage_error(&cli_command_filter, "check or explain?");
    }
    struct interpreter interpreter;
    struct interpreter_answer answer;
    bool is_ready = interpreter_choose(&interpreter) && interpreter_ask(&interpreter, &answer);
    int status = is_ready ? rules_ask(&interpreter, operands->items, operands->count) : CLI_FAILED;
    interpreter_clear(&interpreter);
    return status;
}

const struct cli_command cli_command_filter = {
    .name = "filter",
    .summary = "Check recording rules, or say which of them decides",
    .usage = "check FILE...\n"
             "explain [--trace-filter FILES] --file FILE --object NAME [--name VARIABLE]",
    .details =
        "`check` names what is wrong in filter files. `explain` says whether the code of that\n"
        "qualified name is recorded and what happens to its values, by which rule and why.\n"
        "`ct filter explain -- --help` lists its options.",
    .mode = CLI_OPTIONS_FIRST,
    .run = run_filter,
};
