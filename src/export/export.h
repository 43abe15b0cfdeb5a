/* Exports a trace as one file in CodeTracer's own formats. The trace is streamed: memory does not
 * grow with its length. */
#ifndef CT_EXPORT_EXPORT_H
#define CT_EXPORT_EXPORT_H

#include <stdint.h>

#include "base/status.h"
#include "export/recording.h"
#include "trace/reader.h"

#define EXPORT_LIMIT_DEFAULT (256ull << 20)

struct export_progress {
    uint64_t done, total; /* steps of the trace */
    uint64_t bytes;       /* of the file so far */
};

struct export_options {
    enum export_format format;
    uint64_t limit;        /* bytes of the file; 0: none */
    const char *recording; /* as named in messages */
    /* Called every few thousand steps; may be NULL. */
    void (*progress)(const struct export_progress *progress, void *context);
    void *context;
};

/* Write the export to `path`, which appears whole or not at all. CT_ELIMIT: it would be larger than
 * the limit, and the message says how to make it whole. */
int export_trace(struct ctr_trace *trace, const char *path, const struct export_options *options,
                 struct ct_error *error);

#endif
