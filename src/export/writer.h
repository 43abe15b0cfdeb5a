/* What a format has to do: encode values, and put down the records of recorder 0.3's event stream.
 * stream.c decides what the records are; a writer only gives them their bytes. */
#ifndef CT_EXPORT_WRITER_H
#define CT_EXPORT_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "export/out.h"
#include "trace/reader.h"

/* The kinds of values the stream uses. */
enum export_kind {
    EXPORT_V_NONE,
    EXPORT_V_BOOL,
    EXPORT_V_INT,
    EXPORT_V_STRING,
    EXPORT_V_RAW,
    EXPORT_V_ERROR,
    EXPORT_V_SEQUENCE,
    EXPORT_V_TUPLE,
};

/* An encoded value, which any record can carry. */
struct export_value {
    struct ct_bytes bytes;
    uint32_t words; /* binary: its size before packing */
};

struct export_argument {
    uint32_t variable;
    const struct export_value *value;
};

enum export_event {
    EXPORT_EVENT_WRITE = 0,
    EXPORT_EVENT_WRITE_OTHER = 2,
    EXPORT_EVENT_READ = 3,
    EXPORT_EVENT_ERROR = 11,
};

struct export_writer;

struct export_writer_type {
    uint32_t depth_max; /* levels of a value that readers of the format accept */

    /* Records. Text is UTF-8. */
    void (*path)(struct export_writer *writer, struct ctr_text path);
    void (*variable_name)(struct export_writer *writer, struct ctr_text name);
    void (*type)(struct export_writer *writer, uint32_t kind, const char *name);
    void (*function)(struct export_writer *writer, uint32_t path, uint32_t line,
                     struct ctr_text name);
    void (*step)(struct export_writer *writer, uint32_t path, uint32_t line);
    void (*value)(struct export_writer *writer, uint32_t variable,
                  const struct export_value *value);
    void (*call)(struct export_writer *writer, uint32_t function,
                 const struct export_argument *arguments, uint32_t count);
    void (*ret)(struct export_writer *writer, const struct export_value *value);
    void (*event)(struct export_writer *writer, enum export_event kind, struct ctr_text metadata,
                  struct ctr_text content);

    /* One value after another: begin, its tree in order, end. */
    void (*begin)(struct export_writer *writer, struct export_value *value);
    void (*none)(struct export_writer *writer, uint32_t type);
    void (*number)(struct export_writer *writer, enum export_kind kind, uint32_t type,
                   int64_t number);
    void (*text)(struct export_writer *writer, enum export_kind kind, uint32_t type,
                 struct ctr_text text);
    void (*open)(struct export_writer *writer, enum export_kind kind, uint32_t count);
    void (*close)(struct export_writer *writer, uint32_t type);
    bool (*end)(struct export_writer *writer); /* false: out of memory */

    int (*finish)(struct export_writer *writer, struct ct_error *error);
    void (*free)(struct export_writer *writer);
};

struct export_writer {
    const struct export_writer_type *type;
    struct export_out *out;
};

int export_json_new(struct export_writer **writer, struct export_out *out, struct ct_error *error);
int export_binary_new(struct export_writer **writer, struct export_out *out,
                      struct ct_error *error);

#endif
