/* Makes a recording of what other programs recorded: CodeTracer's trace.json and trace.bin ("V0").
 *
 * Those files say what was seen, not what was: which object a list is, which thread ran, what time
 * it was and which exceptions there were is not in them. So equal lists are one object here, every
 * value that was recorded as text stays a text, and there is one thread and no time. */
#ifndef CT_IMPORT_IMPORT_H
#define CT_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/uuid.h"

struct import_options {
    const char *path;                   /* a folder, or the file in it */
    const char *out;                    /* the directory, which is there and has no trace */
    const uint8_t *id;                  /* CT_UUID_BYTES */
    bool no_sources;                    /* leave out the text of the source files */
    uint64_t min_free_space;            /* bytes to leave on the file system, 0: none */
    void (*progress)(unsigned percent); /* called now and then; may be NULL */
};

struct import_report {
    uint64_t steps, calls;
    uint64_t lost_events, lost_values, lost_variables; /* that have no place in a trace */
};

/* Write OUT/trace.ctr. CT_EFORMAT: the message names file, event and place. When it fails, nothing
 * is left in OUT. */
int import_recording(const struct import_options *options, struct import_report *report,
                     struct ct_error *error);

#endif
