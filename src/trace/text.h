/* How a recorded value reads: Python's own `repr`, made from the trace. The one owner of value
 * text: print, exports and the debugger use it. */
#ifndef CT_TRACE_TEXT_H
#define CT_TRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "trace/player.h"

struct ctr_text_options {
    uint32_t depth; /* containers inside containers; deeper ones read as [...], {...}; 0 = none */
    uint32_t items; /* children shown of one container; 0 = all recorded */
    uint32_t characters; /* of one text, and of the whole; 0 = all recorded */
};

/* Append the text of `value` at the player's moment. Cycles read as Python writes them ([...]). A
 * cut value ends in "… (N more)" inside its brackets or quotes' right side; redacted reads
 * "<redacted>", dropped "<not recorded>", opaque "<module.Type object at 0x...>". Objects without a
 * `repr` of their own read as `Type(attr=value, ...)` for dataclasses and named tuples, and
 * `<Type attr=value, ...>` for other instances (the program's own __repr__ never runs). */
void ctr_text_of(struct ctr_player *player, struct ctr_value value,
                 const struct ctr_text_options *options, struct ct_bytes *to);

/* Whether an object without a family of its own reads in a form of Python's: dict_keys([1]),
 * list[int].
 */
struct ctr_shape;
bool ctr_text_has_form(const struct ctr_shape *shape);

/* The name of a value's type as Python's type(v).__name__ gives it: "int", "list", "Point". */
void ctr_text_of_type(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to);

/* Pieces, also used by the exports. */
void ctr_text_int(int64_t value, struct ct_bytes *to);
void ctr_text_float(double value, struct ct_bytes *to);                    /* repr(float) */
void ctr_text_complex(double real, double imaginary, struct ct_bytes *to); /* repr(complex) */
/* Little-endian magnitude; above 64 KiB of it in hexadecimal, as decimal would take minutes. */
void ctr_text_big(const uint8_t *magnitude, size_t size, bool negative, struct ct_bytes *to);
void ctr_text_str(const uint8_t *text, size_t size, struct ct_bytes *to); /* repr(str), WTF-8 in */
/* The same without quotes, for a message of one line: nothing in it controls a terminal. */
void ctr_text_line(const uint8_t *text, size_t size, struct ct_bytes *to);
void ctr_text_bytes(const uint8_t *bytes, size_t size, struct ct_bytes *to); /* repr(bytes) */

#endif
