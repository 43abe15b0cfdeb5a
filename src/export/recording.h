/* What lies beside a recording's trace: its side files, and the export that was asked for. */
#ifndef CT_EXPORT_RECORDING_H
#define CT_EXPORT_RECORDING_H

#include <stdint.h>

#include "base/status.h"

enum export_format { EXPORT_NONE, EXPORT_JSON, EXPORT_BINARY };

/* "trace.json", "trace.bin"; "" for none. */
const char *export_file_name(enum export_format format);

/* Write the side files of the recording in `directory` and, unless `format` is none, its export, at
 * most `limit` bytes of it (0: any number). The other format's file is removed first, since a
 * CodeTracer that finds both takes the wrong one. Finished or not, the trace is read as it is. */
int export_recording(const char *directory, enum export_format format, uint64_t limit,
                     struct ct_error *error);

#endif
