/* Finishes a trace whose recording could not: the process was killed, or crashed. */
#ifndef CT_TRACE_RECOVER_H
#define CT_TRACE_RECOVER_H

#include <stdint.h>

#include "base/status.h"
#include "trace/format.h"

/* Give the unfinished trace at `path` (a file) the blocks only its tail has, its index, END and
 * trailer, then remove the tail. `exit_status` is INT32_MIN when unknown. A finished trace is left
 * as it is (CT_OK).
 *
 * Killed in the middle, it leaves a trace that reads as before and can be recovered again. No
 * recording may be writing it. CT_EFORMAT, and nothing changes, when the file is damaged before its
 * end: then the tail does not belong where the good part stops. */
int ctr_recover(const char *path, enum ctr_end_reason reason, int32_t exit_status,
                struct ct_error *error);

#endif
