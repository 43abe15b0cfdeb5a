/* A recording that is not whole: what a command that reads it says, and whether it goes on. */
#ifndef CT_CLI_INCOMPLETE_H
#define CT_CLI_INCOMPLETE_H

#include <stdbool.h>

#include "trace/reader.h"

/* Say what is missing; false when that is reason to stop. `is_salvaging`: the user wants what is
 * readable; `command` is what would have to be typed for it: "print", "export". */
bool cli_accept_incomplete(const char *path, const struct ctr_info *info, bool is_salvaging,
                           const char *command);

/* Say that it is not complete, and why. */
void cli_note_incomplete(const char *path, const struct ctr_info *info);

#endif
