/* Types written in C that are stored as objects with attributes, and read as something else. */
#include "trace/text_internal.h"

enum part { PART_KEY, PART_VALUE, PART_BOTH };

/* Children of an attribute between brackets, each written by `add`; false without that attribute.
 */
static bool add_each(struct ctr_text_writer *writer, const struct ctr_shape *shape,
                     const char *attribute, uint8_t section, const char *between,
                     void (*add)(struct ctr_text_writer *, const struct ctr_pair *, enum part),
                     enum part part)
{
    struct ctr_value value;
    if (!ctr_text__attribute(writer, shape, attribute, &value)) {
        return false;
    }
    struct ctr_shape held;
    struct ctr_series series;
    struct ctr_pair child;
    ctr_shape_open(writer->player, value, &held);
    ctr_series_start(&series, writer, &held, section);
    uint32_t limit = writer->options->items;
    uint64_t shown = 0;
    while ((limit == 0 || shown < limit) && !ctr_text__is_full(writer) &&
           ctr_series_next(&series, &child)) {
        ctr_text__add(writer, shown++ > 0 ? between : "");
        add(writer, &child, part);
    }
    if (shown < series.total) {
        ct_bytes_add_format(writer->to, "%s… (%llu more)", shown > 0 ? between : "",
                            (unsigned long long)(series.total - shown));
    }
    ctr_shape_close(writer->player, &held);
    return true;
}

/* ---- views of a dict ---- */

static void add_pair_part(struct ctr_text_writer *writer, const struct ctr_pair *pair,
                          enum part part)
{
    ctr_text__add(writer, part == PART_BOTH ? "(" : "");
    if (part != PART_VALUE) {
        ctr_text__value(writer, pair->key);
    }
    ctr_text__add(writer, part == PART_BOTH ? ", " : "");
    if (part != PART_KEY) {
        ctr_text__value(writer, pair->value);
    }
    ctr_text__add(writer, part == PART_BOTH ? ")" : "");
}

static void write_view(struct ctr_text_writer *writer, struct ctr_shape *shape, enum part part)
{
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, "([");
    add_each(writer, shape, "mapping", CTR_PAIRS, ", ", add_pair_part, part);
    ctr_text__add(writer, "])");
}

static void write_keys(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    write_view(writer, shape, PART_KEY);
}

static void write_values(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    write_view(writer, shape, PART_VALUE);
}

static void write_items(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    write_view(writer, shape, PART_BOTH);
}

/* ---- type expressions ---- */

/* As in a type expression: a class by its name, no quotes and brackets around it. */
static void add_type(struct ctr_text_writer *writer, struct ctr_value value, bool none_by_name)
{
    struct ctr_shape shape;
    ctr_shape_open(writer->player, value, &shape);
    if (shape.kind == CTR_K_ELLIPSIS) {
        ctr_text__add(writer, "...");
    } else if (none_by_name && ctr_shape_text_is(writer->player, shape.content, "NoneType")) {
        ctr_text__add(writer, "None");
    } else if (shape.kind == CTR_F_CLASS) {
        ctr_shape_add_text(writer->player, shape.content, writer->to);
    } else {
        ctr_text__value(writer, value);
    }
    ctr_shape_close(writer->player, &shape);
}

static void add_argument_type(struct ctr_text_writer *writer, const struct ctr_pair *argument,
                              enum part part)
{
    add_type(writer, argument->value, part == PART_BOTH);
}

static void write_alias(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value origin;
    if (ctr_text__attribute(writer, shape, "__origin__", &origin)) {
        add_type(writer, origin, false);
    }
    ctr_text__add(writer, "[");
    size_t before = writer->to->size;
    add_each(writer, shape, "__args__", CTR_ITEMS, ", ", add_argument_type, PART_VALUE);
    ctr_text__add(writer, writer->to->size == before ? "()]" : "]");
}

static void write_union(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    add_each(writer, shape, "__args__", CTR_ITEMS, " | ", add_argument_type, PART_BOTH);
}

/* ---- callables ---- */

static void add_positional(struct ctr_text_writer *writer, const struct ctr_pair *argument,
                           enum part part)
{
    (void)part;
    ctr_text__add(writer, ", ");
    ctr_text__value(writer, argument->value);
}

static void add_keyword(struct ctr_text_writer *writer, const struct ctr_pair *argument,
                        enum part part)
{
    (void)part;
    ctr_text__add(writer, ", ");
    ctr_text__plain(writer, argument->key);
    ctr_text__add(writer, "=");
    ctr_text__value(writer, argument->value);
}

static void write_partial(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value function;
    ctr_text__add(writer, "functools.partial(");
    if (ctr_text__attribute(writer, shape, "func", &function)) {
        ctr_text__value(writer, function);
    }
    add_each(writer, shape, "args", CTR_ITEMS, "", add_positional, PART_VALUE);
    add_each(writer, shape, "keywords", CTR_PAIRS, "", add_keyword, PART_BOTH);
    ctr_text__add(writer, ")");
}

static void write_wrapped(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value function;
    ctr_text__add(writer, "<");
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, "(");
    if (ctr_text__attribute(writer, shape, "__func__", &function)) {
        ctr_text__value(writer, function);
    }
    ctr_text__add(writer, ")>");
}

/* ---- all of them ---- */

static const struct {
    const char *module;
    const char *type;
    ctr_text_family *write;
} forms[] = {
    {"builtins", "dict_keys", write_keys},       {"builtins", "dict_values", write_values},
    {"builtins", "dict_items", write_items},     {"builtins", "odict_keys", write_keys},
    {"builtins", "odict_values", write_values},  {"builtins", "odict_items", write_items},
    {"builtins", "staticmethod", write_wrapped}, {"builtins", "classmethod", write_wrapped},
    {"types", "GenericAlias", write_alias},      {"types", "UnionType", write_union},
    {"functools", "partial", write_partial},
};

ctr_text_family *ctr_text__form(const struct ctr_shape *shape)
{
    for (size_t i = 0; shape->is_object && i < sizeof forms / sizeof forms[0]; i++) {
        if (ctr_text__type_is(shape, forms[i].module, forms[i].type)) {
            return forms[i].write;
        }
    }
    return NULL;
}

bool ctr_text_has_form(const struct ctr_shape *shape)
{
    return ctr_text__form(shape) != NULL;
}
