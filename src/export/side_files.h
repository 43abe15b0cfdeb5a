/* trace_metadata.json and trace_paths.json, in the shape CodeTracer reads, from the trace alone. */
#ifndef CT_EXPORT_SIDE_FILES_H
#define CT_EXPORT_SIDE_FILES_H

#include "base/status.h"
#include "trace/reader.h"

/* CT_ESTATE: something else has one of the names. */
int export_side_files_check(const char *directory, struct ct_error *error);

/* Write both into `directory`; each appears whole or not at all. */
int export_side_files(struct ctr_trace *trace, const char *directory, struct ct_error *error);

#endif
