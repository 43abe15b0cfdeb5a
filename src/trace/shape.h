/* What a recorded value is, once the wrappers around it are taken off: text and prints start here.
 *
 * How the recorder stores what is more than a plain built-in value. `AS` wraps an immutable value,
 * `THING` gives an address too, all others are objects. A subclass is stored like its base; where
 * it has attributes of its own it is an object that has the base's sections and attributes.
 *
 *   family       stored as
 *   INT FLOAT COMPLEX TEXT BYTES
 *                AS subclass, the built-in value; with attributes: an object whose items[0] is it
 *   TUPLE FROZENSET NAMEDTUPLE
 *                AS type, TUPLE or FROZENSET (type.fields: names); with attributes: an object
 *                whose items are the elements
 *   DATE         AS type, TUPLE(year, month, day)
 *   DATETIME     AS type, TUPLE(year, month, day, hour, minute, second, microsecond, repr of the
 *                tzinfo as TEXT or None, fold)
 *   TIME         AS type, TUPLE(hour, minute, second, microsecond, tzinfo as above, fold)
 *   TIMEDELTA    AS type, TUPLE(days, seconds, microseconds)
 *   DECIMAL      AS type, TEXT of str(d)
 *   FRACTION     AS type, TUPLE(numerator, denominator)
 *   PATH         AS type, TEXT
 *   UUID         AS type, INT or BIG
 *   PATTERN      AS type, TUPLE(pattern TEXT or BYTES, flags)
 *   MATCH        AS type, TUPLE(start, end, matched TEXT or BYTES, pattern TEXT or BYTES, TUPLE of
 *                what each group matched or None)
 *   TRACEBACK    AS type, TUPLE of TUPLE(file, line, function), the outermost first
 *   ENUM         AS type, TUPLE(name or None, value); or an object, attributes _name_ and _value_;
 *                items[0] is the built-in value of an IntEnum, StrEnum and the like
 *                (these immutable families, too, are objects with items[0] where they have
 *                attributes of their own)
 *   FUNCTION     THING, TEXT qualified name ("list.append" for a built-in method)
 *   METHOD       THING, TUPLE(TEXT qualified name of the function, self)
 *   CLASS        THING, TEXT "module.qualified name", without "builtins."
 *   MODULE       THING, TUPLE(TEXT name, TEXT file or "built-in" or "frozen", or None), or the TEXT
 *   OBJECT GENERATOR as a THING
 *                TEXT name, may be empty: code objects, iterators at their end; an OBJECT also
 *                TUPLE(what it iterates over or refers to weakly)
 *   BYTEARRAY    object, items[0] is BYTES
 *   LIST SET DEQUE
 *                object, items; a deque's maxlen as attribute "maxlen"
 *   DICT         object, pairs; a defaultdict's factory as attribute "default_factory"
 *   MAPPINGPROXY object, pairs; or AS type, the dict
 *   EXCEPTION    object, attribute "args" (TUPLE), and "__cause__", "__context__", "__notes__",
 *                "__traceback__" (TRACEBACK) where set
 *   DATACLASS    object, attributes; type.fields: those its repr shows (none: all)
 *   NAMESPACE OBJECT
 *                object, attributes; an OBJECT also AS type, TEXT: how it read, all that is known
 *                of an imported value
 *   CELL         object, items[0] is what it holds, no items when empty
 *   GENERATOR    object, attributes "code" (TEXT qualified name), "state" (TEXT) and, while it is
 *                suspended, "line"
 *   STREAM       object, items[0] is its content, BYTES or TEXT, no items when closed; attribute
 *                "position"
 *   BUFFER       object, attributes "dtype" "shape" "strides", items: the first elements
 *
 * True lengths (CUT, objects) count what len() counts; of an int, the bytes of its magnitude. */
#ifndef CT_TRACE_SHAPE_H
#define CT_TRACE_SHAPE_H

#include "trace/player.h"

/* The families of format.h, and what is no type's value. */
enum ctr_kind {
    CTR_K_NONE = CTR_F_MAX,
    CTR_K_BOOL,
    CTR_K_ELLIPSIS,
    CTR_K_NOT_IMPLEMENTED,
    CTR_K_RANGE,
    CTR_K_SLICE,
    CTR_K_UNBOUND, /* the variable has no value */
    CTR_K_REDACTED,
    CTR_K_DROPPED, /* not recorded; an object: not so far */
    CTR_K_OPAQUE,
    CTR_K_UNREADABLE, /* the trace is damaged here */
    CTR_KIND_COUNT,
};

struct ctr_shape {
    bool is_late; /* an object: it may have changed since step `verified` */
    uint64_t verified;
    uint32_t kind;               /* enum ctr_family or enum ctr_kind */
    const struct ctr_type *type; /* NULL: the built-in type of `content` itself */
    bool is_object;              /* and `number` is its number */
    bool is_thing;               /* and `address` is where it was */
    bool is_cut;                 /* a limit cut it, and `true_length` is what it was */
    uint64_t number;
    uint64_t address;
    uint64_t true_length;
    struct ctr_value content; /* what the wrappers hold; unbound for containers with identity */
    bool has_node;            /* `content` is a node, and `node` is it, open */
    struct ctr_node node;
};

/* Always succeeds; what cannot be read has the kind CTR_K_UNREADABLE. Close what you opened. */
void ctr_shape_open(struct ctr_player *player, struct ctr_value value, struct ctr_shape *shape);
void ctr_shape_close(struct ctr_player *player, struct ctr_shape *shape);

/* "int", "list", "namedtuple", "opaque": a stable word for programs. */
const char *ctr_kind_name(uint32_t kind);

/* The type's __name__ as text, "" where there is none. Borrowed from the trace. */
struct ctr_text ctr_shape_type_name(const struct ctr_shape *shape);

/* Append the characters of a str value, unquoted; false when it is none. */
bool ctr_shape_add_text(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to);

/* The same of a str or a bytes value: what an OUTPUT or INPUT carries. */
bool ctr_shape_add_content(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to);

/* Whether a str value is this text. */
bool ctr_shape_text_is(struct ctr_player *player, struct ctr_value value, const char *text);

#endif
