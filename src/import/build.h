/* Writes the trace of a foreign program: the sink of the second run. */
#ifndef CT_IMPORT_BUILD_H
#define CT_IMPORT_BUILD_H

#include "import/program.h"
#include "trace/writer.h"

struct import_build;

/* Begin to write into `writer`, which stays the caller's, what `program` learned. */
int import_build_new(struct import_build **build, const struct import_program *program,
                     struct ctr_writer *writer, struct ct_error *error);
void import_build_free(struct import_build *build);

struct import_sink *import_build_sink(struct import_build *build);

#endif
