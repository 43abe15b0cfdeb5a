/* What is left to do for a recording when its program has ended, however it did. */
#ifndef CT_CLI_FINISH_H
#define CT_CLI_FINISH_H

#include "base/start_options.h"

/* Finish the trace in `order->dir` if its process could not, note the exit status `wait_status` (as
 * waitpid gives it) in it, write the side files and the export that was ordered. Complains on
 * stderr about what fails; a recording without trace is left alone. */
void finish_recording(const struct ct_start_options *order, int wait_status);

#endif
