/* Where the events of a foreign trace come from: one after the other, twice. */
#ifndef CT_IMPORT_SOURCE_H
#define CT_IMPORT_SOURCE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "import/value.h"

enum import_event_kind {
    IMPORT_END,
    IMPORT_PATH,     /* text */
    IMPORT_VARIABLE, /* text */
    IMPORT_TYPE,     /* text, number: its kind, fields */
    IMPORT_FUNCTION, /* path, line, text */
    IMPORT_STEP,     /* path, line */
    IMPORT_VALUE,    /* one argument */
    IMPORT_CALL,     /* number: the function, arguments */
    IMPORT_RETURN,   /* one argument, whose variable means nothing */
    IMPORT_IO,       /* number: as trace.json counts the kinds, text, metadata */
    IMPORT_DROP_STEP,
    IMPORT_OTHER, /* known, and of no use here */
};

struct import_argument {
    int64_t variable;
    uint32_t node;
};

struct import_event {
    enum import_event_kind kind;
    int64_t number, path, line;
    struct ct_bytes text;
    struct ct_bytes metadata;
    struct ct_bytes fields; /* names, each with its NUL */
    struct import_values values;
    struct import_argument *arguments;
    uint32_t argument_count, argument_capacity;
};

void import_event_clear(struct import_event *event);
void import_event_free(struct import_event *event);
/* Keep the name of a field, as much of it as is written. NULL, or what is wrong. */
const char *import_add_field(struct import_event *event, const char *text, size_t size);
/* False: no memory. */
bool import_add_argument(struct import_event *event, int64_t variable, uint32_t node);

struct import_source {
    const struct import_source_type *type;
    const char *path;
    const char *unit;     /* what `offset` counts */
    uint64_t event;       /* number of the one read last, from 1 */
    uint64_t offset;      /* where the last one begins */
    uint64_t done, total; /* how much of it is read, in any unit */
};

struct import_source_type {
    int (*next)(struct import_source *source, struct import_event *event, struct ct_error *error);
    int (*rewind)(struct import_source *source, struct ct_error *error);
    void (*free)(struct import_source *source);
};

int import_open_json(struct import_source **source, const char *path, struct ct_error *error);
/* `scratch` is a directory for a nameless file, where `least` bytes are to stay free. */
int import_open_binary(struct import_source **source, const char *path, const char *scratch,
                       uint64_t least, struct ct_error *error);

/* What is wrong with the event read last. */
int import_fail(const struct import_source *source, struct ct_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
