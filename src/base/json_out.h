/* A JSON writer: compact, streaming, commas placed by itself.
 *
 * Text is bytes that should be UTF-8. What is not stays visible and reversible: an encoded lone
 * surrogate becomes \udXXX, any other stray byte b becomes \udcb (Python's `surrogateescape`).
 * Errors stick: write on, and ask ct_json_finish() once. */
#ifndef CT_BASE_JSON_OUT_H
#define CT_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/status.h"

struct ct_json_out {
    struct ct_bytes bytes; /* everything written, or what has not reached `file` yet */
    FILE *file;            /* NULL: the text stays in `bytes` */
    bool needs_comma;      /* a value was just finished in the open array or object */
    int file_errno;        /* first failure of `file` */
};

/* Write to `file`, or into memory when it is NULL. The file stays the caller's. */
void ct_json_init(struct ct_json_out *json, FILE *file);

void ct_json_begin_object(struct ct_json_out *json);
void ct_json_end_object(struct ct_json_out *json);
void ct_json_begin_array(struct ct_json_out *json);
void ct_json_end_array(struct ct_json_out *json);

/* A member's name; its value must follow. */
void ct_json_key(struct ct_json_out *json, const char *name);

void ct_json_null(struct ct_json_out *json);
void ct_json_bool(struct ct_json_out *json, bool value);
void ct_json_int(struct ct_json_out *json, int64_t value);
void ct_json_uint(struct ct_json_out *json, uint64_t value);
void ct_json_text(struct ct_json_out *json, const char *text);
void ct_json_text_n(struct ct_json_out *json, const void *text, size_t size);

/* A member, name and value. */
void ct_json_put_bool(struct ct_json_out *json, const char *name, bool value);
void ct_json_put_int(struct ct_json_out *json, const char *name, int64_t value);
void ct_json_put_uint(struct ct_json_out *json, const char *name, uint64_t value);
void ct_json_put_text(struct ct_json_out *json, const char *name, const char *text);

/* One value that is JSON text already, unchecked. */
void ct_json_raw(struct ct_json_out *json, const void *text, size_t size);

/* Hand the rest to the file. CT_EIO (errno set) or CT_ENOMEM when anything was lost. */
int ct_json_finish(struct ct_json_out *json, struct ct_error *error);

/* Release the memory, `bytes` included. */
void ct_json_clear(struct ct_json_out *json);

/* Append the quoted and escaped form of a text: the one owner of JSON escaping. */
void ct_json_append_text(struct ct_bytes *bytes, const void *text, size_t size);

#endif
