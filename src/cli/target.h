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

/* Catch, before anything is started, a program that cannot be opened (CLI_USAGE, which is Python's
 * own status for it) and one in another language (CLI_FAILED). What else Python has to say about a
 * file is left to Python. */
int target_check(const struct target *target, bool is_surely_python);

#endif
