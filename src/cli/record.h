/* Recording, for a command that goes on with the recording. */
#ifndef CT_CLI_RECORD_H
#define CT_CLI_RECORD_H

#include "cli/target.h"

struct record_outcome {
    char *directory; /* of the recording, the caller's to free; NULL: nothing was recorded */
    int wait_status; /* of the program, as waitpid() gives it */
};

/* Do what `ct record` does without options but `directory` (NULL: the default), up to the report.
 * CLI_OK: the program ran, however it ended; otherwise what went wrong is said. */
int record_target_into(const struct target *target, const char *directory,
                       struct record_outcome *outcome);

#endif
