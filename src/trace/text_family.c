/* How each family of types reads. The function of a family gets a shape whose type is known; what
 * the trace holds may still be anything, so each falls back to what is there. */
#include <stdlib.h>

#include "trace/text_internal.h"

/* Type(attribute=value, ...) and relatives. */
static void add_instance(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__add(writer, "<");
    ctr_text__type_name(writer, shape);
    struct ctr_series series;
    ctr_series_start(&series, writer, shape, CTR_ATTRS);
    ctr_text__children(writer, shape, CTR_ATTRS, series.total > 0 ? " " : "", "");
    ctr_series_start(&series, writer, shape, CTR_ITEMS);
    if (series.total > 0) {
        ctr_text__children(writer, shape, CTR_ITEMS, " [", "]");
    }
    ctr_text__add(writer, ">");
}

/* A name, or the object it iterates over or refers to, and its place: <code object f at 0x...>,
 * <list_iterator object over [1, 2] at 0x...>. */
static void add_thing(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__add(writer, "<");
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, " object");
    size_t before = writer->to->size;
    ctr_text__add(writer, " ");
    ctr_shape_add_text(writer->player, shape->content, writer->to);
    if (writer->to->size == before + 1) {
        writer->to->size = before;
    }
    struct ctr_value held;
    if (ctr_text__fields(shape, &held, 1) == 1) {
        bool is_reference = ctr_text__type_is(shape, "weakref", "ReferenceType");
        ctr_text__add(writer, is_reference ? " to " : " over ");
        ctr_text__value(writer, held);
    }
    ct_bytes_add_format(writer->to, " at 0x%llx>", (unsigned long long)shape->address);
}

/* Of an imported value all that is known may be how it read. */
static bool add_as_it_read(struct ctr_text_writer *writer, const struct ctr_shape *shape)
{
    struct ct_bytes text = {0};
    bool is_text = ctr_shape_add_text(writer->player, shape->content, &text);
    if (is_text) {
        ctr_text_line(text.data, text.size, writer->to);
    }
    ct_bytes_free(&text);
    return is_text;
}

static void write_object(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text_family *form = ctr_text__form(shape);
    if (form != NULL) {
        form(writer, shape);
    } else if (shape->is_thing) {
        add_thing(writer, shape);
    } else if (shape->is_object) {
        add_instance(writer, shape);
    } else if (!add_as_it_read(writer, shape)) {
        ctr_text__content(writer, shape);
    }
}

/* ---- Containers ---- */

static void write_list(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__children(writer, shape, CTR_ITEMS, "[", "]");
}

static void write_tuple(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    if (!shape->is_object) {
        ctr_text__content(writer, shape);
        return;
    }
    struct ctr_series series;
    ctr_series_start(&series, writer, shape, CTR_ITEMS);
    ctr_text__children(writer, shape, CTR_ITEMS, "(", series.total == 1 ? ",)" : ")");
}

static void write_namedtuple(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    const struct ctr_type *type = shape->type;
    struct ctr_series series;
    ctr_series_start(&series, writer, shape, CTR_ITEMS);
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, "(");
    struct ctr_pair child;
    for (uint32_t i = 0; !ctr_text__is_full(writer) && ctr_series_next(&series, &child); i++) {
        ctr_text__add(writer, i > 0 ? ", " : "");
        if (i < type->field_count) {
            ctr_text__add_text(writer, type->fields[i]);
            ctr_text__add(writer, "=");
        }
        ctr_text__value(writer, child.value);
    }
    ctr_text__add(writer, ")");
}

static void write_set(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_series series;
    ctr_series_start(&series, writer, shape, CTR_ITEMS);
    bool is_exact = shape->kind == CTR_F_SET && ctr_text__type_is(shape, "builtins", "set");
    bool is_empty = series.total == 0;
    if (is_exact && !is_empty) {
        ctr_text__children(writer, shape, CTR_ITEMS, "{", "}");
        return;
    }
    ctr_text__type_name(writer, shape);
    ctr_text__children(writer, shape, CTR_ITEMS, is_empty ? "(" : "({", is_empty ? ")" : "})");
}

/* Counter shows the commonest first, those of one count in the dict's order. */
static int compare_counts(const void *left, const void *right)
{
    const struct ctr_pair *a = *(const struct ctr_pair *const *)left;
    const struct ctr_pair *b = *(const struct ctr_pair *const *)right;
    int64_t count_a = (int64_t)a->value.bits;
    int64_t count_b = (int64_t)b->value.bits;
    if (count_a != count_b) {
        return count_a > count_b ? -1 : 1;
    }
    return a < b ? -1 : 1;
}

static bool has_plain_counts(const struct ctr_object *object)
{
    for (uint32_t i = 0; i < object->pair_count; i++) {
        if (object->pairs[i].value.tag != CTR_V_INT) {
            return false;
        }
    }
    return true;
}

static void write_counts(struct ctr_text_writer *writer, struct ctr_shape *shape,
                         struct ctr_pair *pairs, uint32_t count, const struct ctr_pair **order)
{
    for (uint32_t i = 0; i < count; i++) {
        order[i] = &pairs[i];
    }
    qsort(order, count, sizeof(struct ctr_pair *), compare_counts);
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, "({");
    uint32_t limit = writer->options->items;
    uint32_t shown = limit != 0 && limit < count ? limit : count;
    for (uint32_t i = 0; i < shown && !ctr_text__is_full(writer); i++) {
        ctr_text__add(writer, i > 0 ? ", " : "");
        ctr_text__value(writer, order[i]->key);
        ctr_text__add(writer, ": ");
        ctr_text__value(writer, order[i]->value);
    }
    if (shown < count) {
        ct_bytes_add_format(writer->to, ", … (%u more)", count - shown);
    }
    ctr_text__add(writer, "})");
}

/* False when it cannot be sorted here: then it reads in the dict's order. */
static bool write_counter(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    const struct ctr_object *object = ctr_player_object(writer->player, shape->number, NULL);
    if (object == NULL || object->true_pairs > object->pair_count || !has_plain_counts(object)) {
        return false;
    }
    uint32_t count = object->pair_count;
    struct ctr_pair *pairs = malloc((count + 1) * sizeof *pairs);
    const struct ctr_pair **order = malloc((count + 1) * sizeof(struct ctr_pair *));
    bool is_possible = pairs != NULL && order != NULL && count > 0;
    if (is_possible) {
        memcpy(pairs, object->pairs, count * sizeof *pairs);
        write_counts(writer, shape, pairs, count, order);
    }
    free(pairs);
    free(order);
    return is_possible;
}

static void write_dict(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value factory;
    if (ctr_text__attribute(writer, shape, "default_factory", &factory)) {
        ctr_text__type_name(writer, shape);
        ctr_text__add(writer, "(");
        ctr_text__value(writer, factory);
        ctr_text__children(writer, shape, CTR_PAIRS, ", {", "})");
        return;
    }
    bool is_counter = ctr_text__type_is(shape, "collections", "Counter");
    if (is_counter && write_counter(writer, shape)) {
        return;
    }
    if (is_counter || ctr_text__type_is(shape, "collections", "OrderedDict")) {
        struct ctr_series series;
        ctr_series_start(&series, writer, shape, CTR_PAIRS);
        bool is_empty = series.total == 0;
        ctr_text__type_name(writer, shape);
        ctr_text__children(writer, shape, CTR_PAIRS, is_empty ? "(" : "({", is_empty ? ")" : "})");
        return;
    }
    ctr_text__children(writer, shape, CTR_PAIRS, "{", "}");
}

static void write_mappingproxy(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__children(writer, shape, CTR_PAIRS, "mappingproxy({", "})");
}

static void write_deque(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__type_name(writer, shape);
    ctr_text__children(writer, shape, CTR_ITEMS, "([", "]");
    struct ctr_value maxlen;
    if (ctr_text__attribute(writer, shape, "maxlen", &maxlen) && maxlen.tag == CTR_V_INT) {
        ctr_text__add(writer, ", maxlen=");
        ctr_text__number(writer, maxlen);
    }
    ctr_text__add(writer, ")");
}

static void write_bytearray(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, "(");
    if (shape->has_node && shape->node.tag == CTR_V_BYTES) {
        ctr_text__bytes(writer, shape, ctr_text__bytearray);
    } else {
        ctr_text__add(writer, "b''");
    }
    ctr_text__add(writer, ")");
}

static bool find_unit(struct ctr_text_writer *writer, const struct ctr_shape *shape,
                      struct ctr_text_unit *unit)
{
    struct ctr_value dtype;
    struct ct_bytes text = {0};
    if (!ctr_text__attribute(writer, shape, "dtype", &dtype)) {
        return false;
    }
    bool is_text = ctr_shape_add_text(writer->player, dtype, &text) && !text.failed;
    bool is_found =
        is_text && ctr_text__unit((struct ctr_text){(const char *)text.data, text.size}, unit);
    ct_bytes_free(&text);
    return is_found;
}

static void write_buffer(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    if (ctr_text__type_is(shape, "array", "array")) {
        struct ctr_value code;
        ctr_text__add(writer, "array(");
        if (ctr_text__attribute(writer, shape, "dtype", &code)) {
            ctr_text__value(writer, code);
        }
        struct ctr_series series;
        ctr_series_start(&series, writer, shape, CTR_ITEMS);
        bool is_empty = series.total == 0;
        ctr_text__children(writer, shape, CTR_ITEMS, is_empty ? "" : ", [", is_empty ? ")" : "])");
        return;
    }
    static const char *const facts[] = {"dtype", "shape"};
    ctr_text__add(writer, "<");
    ctr_text__type_name(writer, shape);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        struct ctr_value value;
        if (ctr_text__attribute(writer, shape, facts[i], &value)) {
            ct_bytes_add_format(writer->to, " %s=", facts[i]);
            ctr_text__plain(writer, value);
        }
    }
    struct ctr_text_unit unit;
    writer->unit = find_unit(writer, shape, &unit) ? &unit : NULL;
    ctr_text__children(writer, shape, CTR_ITEMS, " [", "]>");
    writer->unit = NULL;
}

/* ---- Instances ---- */

static bool is_shown_field(const struct ctr_type *type, struct ctr_text_writer *writer,
                           struct ctr_value name)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        struct ct_bytes text = {0};
        ctr_shape_add_text(writer->player, name, &text);
        bool is_same = text.size == type->fields[i].size && text.size > 0 &&
                       memcmp(text.data, type->fields[i].bytes, text.size) == 0;
        ct_bytes_free(&text);
        if (is_same) {
            return true;
        }
    }
    return type->field_count == 0;
}

static void write_dataclass(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_series series;
    ctr_series_start(&series, writer, shape, CTR_ATTRS);
    ctr_text__add_text(writer, shape->type->name);
    ctr_text__add(writer, "(");
    struct ctr_pair child;
    bool is_first = true;
    while (!ctr_text__is_full(writer) && ctr_series_next(&series, &child)) {
        if (!is_shown_field(shape->type, writer, child.key)) {
            continue;
        }
        ctr_text__add(writer, is_first ? "" : ", ");
        is_first = false;
        ctr_text__plain(writer, child.key);
        ctr_text__add(writer, "=");
        ctr_text__value(writer, child.value);
    }
    ctr_text__add(writer, ")");
}

static void write_namespace(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    bool is_exact = ctr_text__type_is(shape, "types", "SimpleNamespace");
    if (is_exact) {
        ctr_text__add(writer, "namespace");
    } else {
        ctr_text__type_name(writer, shape);
    }
    ctr_text__children(writer, shape, CTR_ATTRS, "(", ")");
}

static void write_exception(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value value;
    if (!ctr_text__attribute(writer, shape, "args", &value)) {
        write_object(writer, shape);
        return;
    }
    struct ctr_shape args;
    ctr_shape_open(writer->player, value, &args);
    ctr_text__type_name(writer, shape);
    if (args.has_node && args.node.tag == CTR_V_TUPLE) {
        ctr_text__children(writer, &args, CTR_ITEMS, "(", ")");
    } else {
        ctr_text__add(writer, "(");
        ctr_text__content(writer, &args);
        ctr_text__add(writer, ")");
    }
    ctr_shape_close(writer->player, &args);
}

static void write_enum(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value parts[2] = {{0}};
    bool is_known = ctr_text__fields(shape, parts, 2) == 2 ||
                    (ctr_text__attribute(writer, shape, "_name_", &parts[0]) &&
                     ctr_text__attribute(writer, shape, "_value_", &parts[1]));
    if (!is_known) {
        write_object(writer, shape);
        return;
    }
    ctr_text__add(writer, "<");
    ctr_text__type_name(writer, shape);
    if (parts[0].tag != CTR_V_NONE) {
        ctr_text__add(writer, ".");
        ctr_text__plain(writer, parts[0]);
    }
    ctr_text__add(writer, ": ");
    ctr_text__value(writer, parts[1]);
    ctr_text__add(writer, ">");
}

static void write_cell(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_series series;
    ctr_series_start(&series, writer, shape, CTR_ITEMS);
    bool is_empty = series.total == 0;
    ctr_text__children(writer, shape, CTR_ITEMS, is_empty ? "<cell: empty" : "<cell: ", ">");
}

static void write_generator(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    if (shape->is_thing) {
        add_thing(writer, shape);
        return;
    }
    struct ctr_value value;
    ctr_text__add(writer, "<");
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, " object");
    if (ctr_text__attribute(writer, shape, "code", &value)) {
        ctr_text__add(writer, " ");
        ctr_text__plain(writer, value);
    }
    if (ctr_text__attribute(writer, shape, "state", &value)) {
        ctr_text__add(writer, ", ");
        ctr_text__plain(writer, value);
    }
    if (ctr_text__attribute(writer, shape, "line", &value) && value.tag == CTR_V_INT) {
        ctr_text__add(writer, " at line ");
        ctr_text__number(writer, value);
    }
    ctr_text__add(writer, ">");
}

static void write_traceback(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__children(writer, shape, CTR_ITEMS, "<traceback [", "]>");
}

/* <BytesIO b'ab' position=2>; of one that was closed the position alone. */
static void write_stream(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_series series;
    ctr_series_start(&series, writer, shape, CTR_ITEMS);
    ctr_text__add(writer, "<");
    ctr_text__type_name(writer, shape);
    ctr_text__children(writer, shape, CTR_ITEMS, series.total > 0 ? " " : "", "");
    ctr_text__children(writer, shape, CTR_ATTRS, " ", ">");
}

ctr_text_family *const ctr_text__families[CTR_F_MAX] = {
    [CTR_F_OBJECT] = write_object,
    [CTR_F_INT] = ctr_text__content,
    [CTR_F_FLOAT] = ctr_text__content,
    [CTR_F_COMPLEX] = ctr_text__content,
    [CTR_F_TEXT] = ctr_text__content,
    [CTR_F_BYTES] = ctr_text__content,
    [CTR_F_BYTEARRAY] = write_bytearray,
    [CTR_F_LIST] = write_list,
    [CTR_F_TUPLE] = write_tuple,
    [CTR_F_NAMEDTUPLE] = write_namedtuple,
    [CTR_F_SET] = write_set,
    [CTR_F_FROZENSET] = write_set,
    [CTR_F_DICT] = write_dict,
    [CTR_F_DEQUE] = write_deque,
    [CTR_F_EXCEPTION] = write_exception,
    [CTR_F_FUNCTION] = ctr_text__function,
    [CTR_F_METHOD] = ctr_text__method,
    [CTR_F_CLASS] = ctr_text__class,
    [CTR_F_MODULE] = ctr_text__module,
    [CTR_F_ENUM] = write_enum,
    [CTR_F_DATACLASS] = write_dataclass,
    [CTR_F_GENERATOR] = write_generator,
    [CTR_F_BUFFER] = write_buffer,
    [CTR_F_DATE] = ctr_text__date,
    [CTR_F_DATETIME] = ctr_text__datetime,
    [CTR_F_TIME] = ctr_text__time,
    [CTR_F_TIMEDELTA] = ctr_text__timedelta,
    [CTR_F_DECIMAL] = ctr_text__decimal,
    [CTR_F_FRACTION] = ctr_text__fraction,
    [CTR_F_PATH] = ctr_text__called,
    [CTR_F_UUID] = ctr_text__uuid,
    [CTR_F_PATTERN] = ctr_text__pattern,
    [CTR_F_MATCH] = ctr_text__match,
    [CTR_F_MAPPINGPROXY] = write_mappingproxy,
    [CTR_F_CELL] = write_cell,
    [CTR_F_NAMESPACE] = write_namespace,
    [CTR_F_TRACEBACK] = write_traceback,
    [CTR_F_STREAM] = write_stream,
};
