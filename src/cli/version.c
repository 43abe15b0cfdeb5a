/* `ct version`, which is also `ct --version`. */
#include <stdio.h>

#include "cli/command.h"

static int run_version(const void *fields, const struct cli_operands *operands)
{
    (void)fields;
    if (operands->count != 0) {
        return cli_usage_error(&cli_command_version, "takes no arguments");
    }
    puts("ct " CT_VERSION);
    return CLI_OK;
}

const struct cli_command cli_command_version = {
    .name = "version",
    .summary = "Print the version of ct",
    .usage = "",
    .run = run_version,
};
