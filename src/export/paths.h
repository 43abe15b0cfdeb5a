/* The source files of a trace as the exports number them: absolute, each once, in the order of the
 * trace. There is at least one: that of the program itself, should nothing have run. */
#ifndef CT_EXPORT_PATHS_H
#define CT_EXPORT_PATHS_H

#include <stddef.h>

#include "base/status.h"
#include "trace/reader.h"

struct export_paths {
    struct ctr_text *items; /* UTF-8 */
    uint32_t count;
    uint32_t *lines;   /* that each file has now, at least 1; UINT32_MAX: it cannot be read */
    uint32_t *numbers; /* by path id of the trace: its index in `items` */
    char **owned;
    size_t owned_count;
};

int export_paths_open(struct export_paths *paths, struct ctr_trace *trace, struct ct_error *error);
/* A line CodeTracer can look up in this file: one beyond its end is its last. Code may have such a
 * line, as it is made at run time, and a file may have become shorter since. */
uint32_t export_paths_line(const struct export_paths *paths, uint32_t number, uint32_t line);

void export_paths_close(struct export_paths *paths);

#endif
