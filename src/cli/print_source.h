/* The lines of the recorded source files. */
#ifndef CT_CLI_PRINT_SOURCE_H
#define CT_CLI_PRINT_SOURCE_H

#include "trace/reader.h"

struct print_source;

struct print_source *print_source_new(struct ctr_trace *trace);
void print_source_free(struct print_source *source);

/* How many lines the recorded source has; 0 when it was not recorded. */
uint32_t print_source_lines(struct print_source *source, uint32_t path);

/* Line `line` (from 1) without its end and without leading blanks; empty when it is not recorded.
 */
struct ctr_text print_source_line(struct print_source *source, uint32_t path, uint32_t line);

#endif
