/* The recording in a zip file, as CodeTracer hands them on: its files, into a directory. */
#ifndef CT_IMPORT_UNPACK_H
#define CT_IMPORT_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Whether the file begins as a zip file does. */
bool import_is_zip(const char *path);

/* Write the trace that is in the zip file `path`, the files beside it and its sources below
 * `folder`, a directory of our own that is empty. The trace is the one that lies least deep; what
 * is not part of a recording stays out, and so does every name that leads elsewhere.
 * CT_ELIMIT: less than `min_free_space` bytes would be left (0: no such limit). */
int import_unpack(const char *path, const char *folder, uint64_t min_free_space,
                  struct ct_error *error);

#endif
