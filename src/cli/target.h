/* The program to record, as the command line names it. */
#ifndef CT_CLI_TARGET_H
#define CT_CLI_TARGET_H

#include <stdbool.h>

#include "base/start_options.h"
#include "cli/options.h"

struct target {
    enum ct_start_kind kind;
    char *program; /* as given */
    char **args;
    int argc;
};

/* Find it in what is left of the command line; `module` and `code` are the values of -m and -c.
 * False: none is named. */
bool target_choose(const char *module, const char *code, const struct cli_operands *operands,
                   struct target *target);

/* Catch what cannot be meant, with a message and CLI_USAGE. What Python itself has to say about a
 * file is left to Python. */
int target_check(const struct target *target, bool is_surely_python);

#endif
