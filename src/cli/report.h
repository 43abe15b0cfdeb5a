/* What `ct record` says at the end. */
#ifndef CT_CLI_REPORT_H
#define CT_CLI_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"

struct record_summary {
    char id[CT_UUID_TEXT_BYTES]; /* in: as chosen; out: as the recording says */
    uint64_t number;             /* in the list of recordings; 0: it is not there */
    int wait_status;             /* how the program ended, as waitpid() gives it */
    bool is_host_waiting;        /* a CodeTracer host reads standard output */
    bool is_exit_masked;         /* `ct` ends with 0 whatever the program did */
};

/* Print the summary of the recording in `dir` on standard error. False: nothing was recorded
 * there, which is then said instead. */
bool record_report(const char *dir, struct record_summary *summary);

#endif
