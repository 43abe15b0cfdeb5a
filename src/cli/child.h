/* The recorded program as a child of `ct`, which stays out of its way.
 *
 * The child has the same standard streams, process group, signal dispositions and mask that `ct`
 * was started with. What a terminal sends (^C, ^\, ^Z) reaches it directly; what another process
 * sends to `ct` is passed on. When the child stops, `ct` stops; when `ct` is continued, so is the
 * child. */
#ifndef CT_CLI_CHILD_H
#define CT_CLI_CHILD_H

#include "base/status.h"

/* Run argv[0] (a path) and wait for its end; `*wait_status` is as waitpid() gives it. An error
 * means that it was not started. Afterwards SIGPIPE is ignored in `ct`. */
int cli_child_run(char *const *argv, char *const *environment, int *wait_status,
                  struct ct_error *error);

/* The status to exit with so that a caller sees what the child did; a signal that ended the child
 * ends `ct` here, after its standard streams are flushed. */
int cli_child_exit_status(int wait_status);

#endif
