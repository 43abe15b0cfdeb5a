/* The order `ct record` gives to the recorder in the program's own process.
 *
 * It travels in one environment variable, which the start hook of the Python package reads and
 * removes before the program starts. Its value is a list of `key=value` separated by the byte
 * 0x1f; in a value, the bytes 0x1f and 0x1e are written as 0x1e followed by the byte xor 0x40.
 *
 *     dir=/abs/path      where the recording goes; exists, is writable, locked by the sender
 *     id=UUID            identifier of the recording
 *     format=ctr         what is written beside trace.ctr: ctr (nothing), json or binary
 *     kind=script        what `program` is: script (a path, or "-"), module or code
 *     program=TEXT       as the user typed it
 *     argc=N             number of arguments of the program
 *     arg=TEXT           each of them, in order; none at all when they would make the variable
 *                        too large, then the receiver takes them from its own command line
 *     activation=/abs    recording waits until this file runs (optional)
 *     exact=1            no bound on the work per line (optional)
 *     io=off             what is recorded of input and output: off, proxies or proxies+fd
 *                        (optional: proxies)
 *     no_sources=1       the programs' source texts are left out (optional)
 *     keep_shapes=1      values that look like secrets are kept (optional)
 *     rules=/abs/path    a file with the recording rules, compiled; the receiver removes it
 *                        (optional)
 *     max_text=N ...     limits, by the names of `enum ct_start_limit_name` (optional)
 *
 * Both sides use this file; neither knows the encoding. A key that is unknown or given twice is an
 * error: the two sides come from different versions, and dropping what was asked for is worse. */
#ifndef CT_BASE_START_OPTIONS_H
#define CT_BASE_START_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define CT_START_VARIABLE "CODETRACER_PYTHON_RECORDER_START"

/* The kernel refuses a variable of 128 KiB or more; this leaves room for the name. */
enum { CT_START_MAX_BYTES = 120 * 1024 };

enum ct_start_format { CT_START_CTR, CT_START_JSON, CT_START_BINARY, CT_START_FORMATS };

enum ct_start_kind { CT_START_SCRIPT, CT_START_MODULE, CT_START_CODE, CT_START_KINDS };

/* What is recorded of the program's standard streams. */
enum ct_start_io {
    CT_START_IO_STREAMS,     /* what the interpreter's own objects and functions do */
    CT_START_IO_OFF,         /* nothing */
    CT_START_IO_DESCRIPTORS, /* what reaches the descriptors from elsewhere as well */
    CT_START_IO_MODES,
};

enum ct_start_limit_name {
    CT_START_MAX_TEXT,       /* bytes of one text or bytes value */
    CT_START_MAX_ITEMS,      /* items of one container */
    CT_START_MAX_DEPTH,      /* levels below a variable */
    CT_START_MAX_ATTRIBUTES, /* attributes of one object */
    CT_START_MAX_SIZE,       /* bytes of trace.ctr */
    CT_START_MIN_FREE_SPACE, /* bytes that stay free on the file system */
    CT_START_EXPORT_LIMIT,   /* bytes of trace.json or trace.bin */
    CT_START_LIMITS,
};

/* A number the user may have given; 0 means "no limit". */
struct ct_start_limit {
    bool is_given;
    uint64_t value;
};

struct ct_start_options {
    const char *dir;
    const char *id;
    enum ct_start_format format;
    enum ct_start_kind kind;
    const char *program;
    size_t argc;
    const char *const *args; /* `argc` of them, or NULL: look at the own command line */
    const char *activation;  /* NULL: none */
    const char *rules;       /* NULL: the built-in ones alone */
    bool exact;
    enum ct_start_io io;
    bool no_sources;
    bool keep_shapes;
    /* Not encoded, as they are for the recorder as a module: */
    bool no_framework_filters;
    bool has_io; /* `io` was asked for */
    struct ct_start_limit limits[CT_START_LIMITS];
    void *storage; /* what a decoded struct owns; NULL otherwise */
};

/* "json", "module", "max_text": the words of the encoding. */
const char *ct_start_format_name(enum ct_start_format format);
const char *ct_start_kind_name(enum ct_start_kind kind);
const char *ct_start_io_name(enum ct_start_io io);
/* CT_START_IO_MODES: it is no mode's name. */
enum ct_start_io ct_start_io_named(const char *name);
const char *ct_start_limit_name(enum ct_start_limit_name limit);

/* Make the variable's value (without its name) in `*text`, the caller's to free. */
int ct_start_encode(const struct ct_start_options *options, char **text, struct ct_error *error);

/* Read a value and check every field. CT_EFORMAT: not a valid order; `options` is then empty. */
int ct_start_decode(const char *text, struct ct_start_options *options, struct ct_error *error);

/* Release a decoded struct. */
void ct_start_options_clear(struct ct_start_options *options);

#endif
