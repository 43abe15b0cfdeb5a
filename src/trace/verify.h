/* Looks at every byte of a trace and says everything that is wrong with it. */
#ifndef CT_TRACE_VERIFY_H
#define CT_TRACE_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/reader.h"

/* One damaged block can break a rule a million times. */
enum { CTR_FINDINGS_MAX = 100, CTR_FINDING_BYTES = 200 };

struct ctr_finding {
    uint64_t offset; /* byte of the file the finding is about; UINT64_MAX: none in particular */
    char text[CTR_FINDING_BYTES];
};

struct ctr_verify_report {
    uint64_t findings; /* all; the first CTR_FINDINGS_MAX are in `list` */
    struct ctr_finding *list;
    uint32_t file_blocks; /* of any kind, checked */
    uint64_t records;
    uint64_t steps;
    uint64_t calls;
};

/* Check the checksums, the order of blocks, every record and value, every invariant of the format,
 * and that totals and counters are what the blocks hold. CT_OK also when there are findings; else
 * it could not be checked to the end. That a trace is unfinished is no finding. The report is the
 * caller's: ctr_verify_clear. */
int ctr_verify(struct ctr_trace *trace, struct ctr_verify_report *report, struct ct_error *error);
void ctr_verify_clear(struct ctr_verify_report *report);

#endif
