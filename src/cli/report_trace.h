/* The part of `ct record`'s summary that comes from the trace itself. */
#ifndef CT_CLI_REPORT_TRACE_H
#define CT_CLI_REPORT_TRACE_H

#include <stdbool.h>

/* Say what the recording in `dir` holds and lacks; with `is_crash`, which exception ended the
 * program, where, and how to see it. Says why when the trace cannot be read. */
void record_report_trace(const char *dir, bool is_crash);

#endif
