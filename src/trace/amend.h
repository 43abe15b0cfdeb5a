/* What only the one who started the program learns after its recording has ended. */
#ifndef CT_TRACE_AMEND_H
#define CT_TRACE_AMEND_H

#include <stdint.h>

#include "base/status.h"

/* Write the program's exit status (128 + n for signal n) into the END of the finished trace at
 * `path`. A trace without trailer is left as it is (CT_ESTATE). */
int ctr_amend_exit_status(const char *path, int32_t exit_status, struct ct_error *error);

#endif
