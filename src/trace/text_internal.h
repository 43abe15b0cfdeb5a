/* What text.c and text_family.c share: a writer of value text, and series of children. */
#ifndef CT_TRACE_TEXT_INTERNAL_H
#define CT_TRACE_TEXT_INTERNAL_H

#include "trace/shape.h"
#include "trace/text.h"

struct ctr_text_writer {
    struct ctr_player *player;
    const struct ctr_text_options *options;
    struct ct_bytes *to;
    size_t start;                         /* where the whole text began in `to` */
    uint32_t depth;                       /* containers around */
    uint32_t nesting;                     /* calls of ctr_text__value around */
    const struct ctr_text_holder *holder; /* objects being written */
    const struct ctr_text_unit *unit;     /* items are moments; NULL: they are not */
};

/* What moments are counted in, from 1970: months, seconds, or parts of one with so many digits. */
struct ctr_text_unit {
    const char *name;
    int64_t months, seconds;
    int digits;
    int64_t count; /* of it are one */
};

struct ctr_text_holder {
    uint64_t number;
    const struct ctr_text_holder *outer;
};

/* How each kind reads; by enum ctr_family. */
typedef void ctr_text_family(struct ctr_text_writer *writer, struct ctr_shape *shape);
extern ctr_text_family *const ctr_text__families[CTR_F_MAX];

/* text_callable.c */
ctr_text_family ctr_text__function, ctr_text__method, ctr_text__class, ctr_text__module;
/* text_library.c; `called` is Type(value) */
ctr_text_family ctr_text__date, ctr_text__datetime, ctr_text__time, ctr_text__timedelta;
ctr_text_family ctr_text__called, ctr_text__decimal, ctr_text__fraction, ctr_text__uuid;
ctr_text_family ctr_text__pattern, ctr_text__match;
/* text_moment.c: the unit of a `datetime64` of numpy's that is written as dates; false: it is none.
 */
bool ctr_text__unit(struct ctr_text dtype, struct ctr_text_unit *unit);
void ctr_text__moment(const struct ctr_text_unit *unit, int64_t number, struct ct_bytes *to);
/* text_form.c: how objects of this type read, where Python has a form for them; else NULL */
ctr_text_family *ctr_text__form(const struct ctr_shape *shape);

void ctr_text__value(struct ctr_text_writer *writer, struct ctr_value value);
/* The characters of a str value, unquoted; of any other value its text. */
void ctr_text__plain(struct ctr_text_writer *writer, struct ctr_value value);
/* A small int; 0 for any other value. */
void ctr_text__number(struct ctr_text_writer *writer, struct ctr_value value);
void ctr_text__add(struct ctr_text_writer *writer, const char *text);
void ctr_text__add_text(struct ctr_text_writer *writer, struct ctr_text text);
void ctr_text__type_name(struct ctr_text_writer *writer, const struct ctr_shape *shape);
/* No more children: the text is as long as asked for, or as anything may get. */
bool ctr_text__is_full(const struct ctr_text_writer *writer);
/* `content` of a shape whose family has no other form: as its own built-in type reads. */
void ctr_text__content(struct ctr_text_writer *writer, struct ctr_shape *shape);

/* As bytes, but every ' is escaped, whichever the quotes: so does CPython in a bytearray. */
void ctr_text__bytearray(const uint8_t *bytes, size_t size, struct ct_bytes *to);
/* A BYTES node: as much of it as asked for. */
void ctr_text__bytes(struct ctr_text_writer *writer, const struct ctr_shape *shape,
                     void (*add)(const uint8_t *bytes, size_t size, struct ct_bytes *to));

/* The children of a value, one after another: those of a node, or a section of an object. */
struct ctr_series {
    struct ctr_text_writer *writer;
    struct ctr_shape *shape;
    uint8_t section; /* of an object; CTR_ITEMS for a node */
    uint32_t index;
    uint32_t count;
    uint64_t total;
    const struct ctr_object *object; /* NULL: to be asked for again */
};

void ctr_series_start(struct ctr_series *series, struct ctr_text_writer *writer,
                      struct ctr_shape *shape, uint8_t section);
bool ctr_series_next(struct ctr_series *series, struct ctr_pair *child);

/* Children between brackets, with what was left out. */
void ctr_text__children(struct ctr_text_writer *writer, struct ctr_shape *shape, uint8_t section,
                        const char *open, const char *close);

/* Up to `capacity` children of a TUPLE node; returns how many. */
uint32_t ctr_text__fields(struct ctr_shape *shape, struct ctr_value *fields, uint32_t capacity);

/* An attribute of an object by its name; false when it has none. */
bool ctr_text__attribute(struct ctr_text_writer *writer, const struct ctr_shape *shape,
                         const char *name, struct ctr_value *value);

bool ctr_text__type_is(const struct ctr_shape *shape, const char *module, const char *name);

#endif
