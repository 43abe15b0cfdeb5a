/* What the program writes and reads, cut as recorder 0.3 cuts it: a piece of written text ends at a
 * newline, or where its step does; one that was read, or went by no text stream, is as it was. */
#ifndef CT_EXPORT_WRITTEN_H
#define CT_EXPORT_WRITTEN_H

#include "export/writer.h"

enum { EXPORT_STREAMS = 3 };

struct export_place { /* where the latest step was */
    bool is_known;
    uint32_t path;
    uint32_t line;
    uint64_t call;
    uint32_t thread;
};

struct export_written {
    struct export_writer *writer;
    struct {
        struct ct_bytes text; /* the line that is not complete */
        struct export_place place;
    } streams[EXPORT_STREAMS];
    struct ct_bytes metadata, clean;
};

/* `stream` as in the record: see enum ctr_stream. */
void export_write(struct export_written *written, uint64_t stream, struct ctr_text text,
                  const struct export_place *place);

/* The step is over: what was not complete is. */
void export_written_flush(struct export_written *written);
void export_written_clear(struct export_written *written);

#endif
