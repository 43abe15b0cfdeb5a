/* The text of a value: what is common to all, built-in values, containers. What each family of
 * types looks like is in text_family.c; how the recorder stores them stands in shape.h. */
#include "trace/text.h"
#include "trace/text_internal.h"

enum {
    NESTING_MAX = 200,                 /* deeper values read as "...": the C stack is finite */
    TEXT_BYTES_MAX = 16 * 1024 * 1024, /* twenty lists, each twice in the next, are a million */
};

/* ---- Small pieces ---- */

void ctr_text__add(struct ctr_text_writer *writer, const char *text)
{
    ct_bytes_add_text(writer->to, text);
}

void ctr_text__add_text(struct ctr_text_writer *writer, struct ctr_text text)
{
    ct_bytes_add(writer->to, text.bytes, text.size);
}

void ctr_text__type_name(struct ctr_text_writer *writer, const struct ctr_shape *shape)
{
    ctr_text__add_text(writer, ctr_shape_type_name(shape));
}

void ctr_text__plain(struct ctr_text_writer *writer, struct ctr_value value)
{
    if (!ctr_shape_add_text(writer->player, value, writer->to)) {
        ctr_text__value(writer, value);
    }
}

void ctr_text__number(struct ctr_text_writer *writer, struct ctr_value value)
{
    ctr_text_int(value.tag == CTR_V_INT ? (int64_t)value.bits : 0, writer->to);
}

bool ctr_text__type_is(const struct ctr_shape *shape, const char *module, const char *name)
{
    const struct ctr_type *type = shape->type;
    return type != NULL && ctr_text_is(type->module, module) && ctr_text_is(type->name, name);
}

bool ctr_text__is_full(const struct ctr_text_writer *writer)
{
    uint32_t limit = writer->options->characters;
    return writer->to->size - writer->start >= (limit == 0 ? TEXT_BYTES_MAX : limit);
}

static void add_more(struct ctr_text_writer *writer, uint64_t more)
{
    ct_bytes_add_format(writer->to, "… (%llu more)", (unsigned long long)more);
}

/* ---- Series of children ---- */

static uint32_t section_count(const struct ctr_object *object, uint8_t section, uint64_t *total)
{
    uint32_t count = object->item_count;
    *total = object->true_items;
    if (section == CTR_PAIRS) {
        count = object->pair_count;
        *total = object->true_pairs;
    } else if (section == CTR_ATTRS) {
        count = object->attr_count;
        *total = object->true_attrs;
    }
    *total = *total < count ? count : *total;
    return count;
}

void ctr_series_start(struct ctr_series *series, struct ctr_text_writer *writer,
                      struct ctr_shape *shape, uint8_t section)
{
    *series = (struct ctr_series){.writer = writer, .shape = shape, .section = section};
    if (shape->has_node) {
        series->count = shape->node.count;
        series->total = shape->is_cut ? shape->true_length : series->count;
    } else if (shape->is_object) {
        const struct ctr_object *object = ctr_player_object(writer->player, shape->number, NULL);
        series->count = object == NULL ? 0 : section_count(object, section, &series->total);
    }
}

/* The object, asked for again where writing the last child may have moved it. */
static const struct ctr_object *series_object(struct ctr_series *series)
{
    if (series->object == NULL) {
        struct ctr_player *player = series->writer->player;
        series->object = ctr_player_object(player, series->shape->number, NULL);
    }
    return series->object;
}

static bool is_inline(struct ctr_value value)
{
    return value.tag != CTR_V_NODE && value.tag != CTR_V_OBJECT;
}

bool ctr_series_next(struct ctr_series *series, struct ctr_pair *child)
{
    *child = (struct ctr_pair){0};
    if (series->index >= series->count) {
        return false;
    }
    uint32_t index = series->index++;
    if (series->shape->has_node) {
        child->value = ctr_scan_value(&series->shape->node.children, (struct ctr_value){0});
        return !series->shape->node.children.cursor.failed;
    }
    const struct ctr_object *object = series_object(series);
    uint64_t total;
    if (object == NULL || index >= section_count(object, series->section, &total)) {
        return false;
    }
    if (series->section == CTR_PAIRS) {
        *child = object->pairs[index];
    } else if (series->section == CTR_ATTRS) {
        *child = object->attrs[index];
    } else {
        child->value = object->items[index];
    }
    if (!is_inline(child->key) || !is_inline(child->value)) {
        series->object = NULL;
    }
    return true;
}

static void add_child(struct ctr_series *series, const struct ctr_pair *child)
{
    if (series->section == CTR_PAIRS) {
        ctr_text__value(series->writer, child->key);
        ctr_text__add(series->writer, ": ");
    } else if (series->section == CTR_ATTRS) {
        ctr_text__plain(series->writer, child->key);
        ctr_text__add(series->writer, "=");
    }
    const struct ctr_text_unit *unit = series->writer->unit;
    if (unit != NULL && series->section == CTR_ITEMS && child->value.tag == CTR_V_INT) {
        ctr_text__moment(unit, (int64_t)child->value.bits, series->writer->to);
        return;
    }
    ctr_text__value(series->writer, child->value);
}

void ctr_text__children(struct ctr_text_writer *writer, struct ctr_shape *shape, uint8_t section,
                        const char *open, const char *close)
{
    struct ctr_series series;
    ctr_series_start(&series, writer, shape, section);
    ctr_text__add(writer, open);
    uint32_t limit = writer->options->items;
    struct ctr_pair child;
    uint64_t shown = 0;
    while ((limit == 0 || shown < limit) && !ctr_text__is_full(writer) &&
           ctr_series_next(&series, &child)) {
        if (shown++ > 0) {
            ctr_text__add(writer, ", ");
        }
        add_child(&series, &child);
    }
    if (shown < series.total) {
        ctr_text__add(writer, shown > 0 ? ", " : "");
        add_more(writer, series.total - shown);
    }
    ctr_text__add(writer, close);
}

uint32_t ctr_text__fields(struct ctr_shape *shape, struct ctr_value *fields, uint32_t capacity)
{
    if (!shape->has_node || shape->node.tag != CTR_V_TUPLE) {
        return 0;
    }
    uint32_t count = shape->node.count < capacity ? shape->node.count : capacity;
    struct ctr_scan children = shape->node.children;
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = ctr_scan_value(&children, (struct ctr_value){0});
    }
    return count;
}

bool ctr_text__attribute(struct ctr_text_writer *writer, const struct ctr_shape *shape,
                         const char *name, struct ctr_value *value)
{
    const struct ctr_object *object =
        shape->is_object ? ctr_player_object(writer->player, shape->number, NULL) : NULL;
    if (object == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < object->attr_count; i++) {
        if (ctr_shape_text_is(writer->player, object->attrs[i].key, name)) {
            *value = object->attrs[i].value;
            return true;
        }
    }
    return false;
}

/* ---- Built-in values ---- */

/* Bytes of the first `limit` characters, and how many characters there are in all. */
static size_t prefix_of(const uint8_t *text, size_t size, uint32_t limit, uint64_t *characters)
{
    size_t kept = size;
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++) {
        if ((text[i] & 0xc0) == 0x80) {
            continue;
        }
        if (limit != 0 && count == limit) {
            kept = i;
        }
        count++;
    }
    *characters = count;
    return kept;
}

static void add_str(struct ctr_text_writer *writer, const struct ctr_shape *shape,
                    const uint8_t *text, size_t size)
{
    uint32_t limit = writer->options->characters;
    if (limit == 0 && !shape->is_cut) {
        ctr_text_str(text, size, writer->to);
        return;
    }
    uint64_t count;
    size_t kept = prefix_of(text, size, limit, &count);
    ctr_text_str(text, kept, writer->to);
    uint64_t shown = kept < size ? limit : count;
    uint64_t total = shape->is_cut && shape->true_length > count ? shape->true_length : count;
    if (total > shown) {
        add_more(writer, total - shown);
    }
}

void ctr_text__bytes(struct ctr_text_writer *writer, const struct ctr_shape *shape,
                     void (*add)(const uint8_t *bytes, size_t size, struct ct_bytes *to))
{
    size_t size = shape->node.size;
    uint32_t limit = writer->options->characters;
    size_t shown = limit != 0 && limit < size ? limit : size;
    add(shape->node.bytes, shown, writer->to);
    uint64_t total = shape->is_cut && shape->true_length > size ? shape->true_length : size;
    if (total > shown) {
        add_more(writer, total - shown);
    }
}

static void add_tuple(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    bool is_single = shape->node.count == 1 && !shape->is_cut;
    ctr_text__children(writer, shape, CTR_ITEMS, "(", is_single ? ",)" : ")");
}

static void add_frozenset(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    bool is_empty = shape->node.count == 0 && !shape->is_cut;
    if (shape->type != NULL) {
        ctr_text__type_name(writer, shape);
    } else {
        ctr_text__add(writer, "frozenset");
    }
    ctr_text__children(writer, shape, CTR_ITEMS, is_empty ? "(" : "({", is_empty ? ")" : "})");
}

static void add_range(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value parts[3];
    for (int i = 0; i < 3; i++) {
        parts[i] = ctr_scan_value(&shape->node.children, (struct ctr_value){0});
    }
    ctr_text__add(writer, "range(");
    ctr_text__value(writer, parts[0]);
    ctr_text__add(writer, ", ");
    ctr_text__value(writer, parts[1]);
    if (parts[2].tag != CTR_V_INT || parts[2].bits != 1) {
        ctr_text__add(writer, ", ");
        ctr_text__value(writer, parts[2]);
    }
    ctr_text__add(writer, ")");
}

static void add_node(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_node *node = &shape->node;
    double parts[2];
    switch (node->tag) {
    case CTR_V_TEXT:
        add_str(writer, shape, node->bytes, node->size);
        break;
    case CTR_V_BYTES:
        ctr_text__bytes(writer, shape, ctr_text_bytes);
        break;
    case CTR_V_BIG:
        if (shape->is_cut) {
            ct_bytes_add_format(writer->to, "<int of %llu bytes>",
                                (unsigned long long)shape->true_length);
        } else {
            ctr_text_big(node->bytes, node->size, node->negative, writer->to);
        }
        break;
    case CTR_V_COMPLEX:
        memcpy(parts, node->bytes, sizeof parts);
        ctr_text_complex(parts[0], parts[1], writer->to);
        break;
    case CTR_V_TUPLE:
        add_tuple(writer, shape);
        break;
    case CTR_V_FROZENSET:
        add_frozenset(writer, shape);
        break;
    case CTR_V_SLICE:
        ctr_text__children(writer, shape, CTR_ITEMS, "slice(", ")");
        break;
    case CTR_V_RANGE:
        add_range(writer, shape);
        break;
    default:
        ctr_text__add(writer, "<unreadable>");
        break;
    }
}

void ctr_text__content(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    if (shape->has_node) {
        add_node(writer, shape);
        return;
    }
    struct ctr_value value = shape->content;
    switch (value.tag) {
    case CTR_V_NONE:
        ctr_text__add(writer, "None");
        break;
    case CTR_V_TRUE:
        ctr_text__add(writer, "True");
        break;
    case CTR_V_FALSE:
        ctr_text__add(writer, "False");
        break;
    case CTR_V_ELLIPSIS:
        ctr_text__add(writer, "Ellipsis");
        break;
    case CTR_V_NOT_IMPLEMENTED:
        ctr_text__add(writer, "NotImplemented");
        break;
    case CTR_V_INT:
        ctr_text_int((int64_t)value.bits, writer->to);
        break;
    case CTR_V_FLOAT:
        ctr_text_float(ctr_value_float(value), writer->to);
        break;
    case CTR_V_SHORT_TEXT:
        add_str(writer, shape, (const uint8_t *)&value.bits,
                (size_t)(value.bits >> 56) & CTR_SHORT_TEXT_MAX);
        break;
    case CTR_V_UNBOUND:
        ctr_text__add(writer, "<unbound>");
        break;
    case CTR_V_REDACTED:
        ctr_text__add(writer, "<redacted>");
        break;
    case CTR_V_DROPPED:
        ctr_text__add(writer, "<not recorded>");
        break;
    default:
        ctr_text__add(writer, "<unreadable>");
        break;
    }
}

/* ---- Any value ---- */

static void add_opaque(struct ctr_text_writer *writer, const struct ctr_shape *shape)
{
    const struct ctr_type *type = shape->type;
    ctr_text__add(writer, "<");
    if (type != NULL) {
        bool is_builtin =
            type->module.size == 0 ||
            (type->module.size == 8 && memcmp(type->module.bytes, "builtins", 8) == 0);
        if (!is_builtin) {
            ctr_text__add_text(writer, type->module);
            ctr_text__add(writer, ".");
        }
        ctr_text__add_text(writer, type->name);
        ctr_text__add(writer, " ");
    }
    ct_bytes_add_format(writer->to, "object at 0x%llx>", (unsigned long long)shape->address);
}

static bool is_being_written(const struct ctr_text_writer *writer, uint64_t number)
{
    for (const struct ctr_text_holder *at = writer->holder; at != NULL; at = at->outer) {
        if (at->number == number) {
            return true;
        }
    }
    return false;
}

/* What stands for a container inside itself, or below the depth asked for. */
static void add_elided(struct ctr_text_writer *writer, const struct ctr_shape *shape)
{
    switch (shape->kind) {
    case CTR_F_LIST:
    case CTR_F_DEQUE:
        ctr_text__add(writer, "[...]");
        break;
    case CTR_F_DICT:
        ctr_text__add(writer,
                      ctr_text__type_is(shape, "collections", "OrderedDict") ? "..." : "{...}");
        break;
    case CTR_F_TUPLE:
        ctr_text__add(writer, "(...)");
        break;
    case CTR_F_SET:
    case CTR_F_FROZENSET:
        ctr_text__type_name(writer, shape);
        ctr_text__add(writer, "(...)");
        break;
    case CTR_F_DATACLASS:
        ctr_text__add(writer, "...");
        break;
    default:
        ctr_text__add(writer, "<");
        ctr_text__type_name(writer, shape);
        ctr_text__add(writer, " ...>");
        break;
    }
}

static bool is_container(const struct ctr_shape *shape)
{
    return (shape->is_object && shape->content.tag == CTR_V_UNBOUND && !shape->has_node) ||
           (shape->has_node &&
            (shape->node.tag == CTR_V_TUPLE || shape->node.tag == CTR_V_FROZENSET));
}

static void add_shape(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    if (shape->kind == CTR_K_OPAQUE) {
        add_opaque(writer, shape);
    } else if (shape->kind == CTR_K_UNREADABLE) {
        ctr_text__add(writer, "<unreadable>");
    } else if (shape->type != NULL && shape->kind < CTR_F_MAX) {
        ctr_text__families[shape->kind](writer, shape);
    } else {
        ctr_text__content(writer, shape);
    }
}

static void add_container(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    uint32_t depth_max = writer->options->depth;
    bool is_inside_itself = shape->is_object && is_being_written(writer, shape->number);
    if (is_inside_itself || (depth_max != 0 && writer->depth >= depth_max)) {
        add_elided(writer, shape);
        return;
    }
    struct ctr_text_holder holder = {.number = shape->number, .outer = writer->holder};
    if (shape->is_object) {
        writer->holder = &holder;
    }
    writer->depth++;
    add_shape(writer, shape);
    writer->depth--;
    writer->holder = holder.outer;
}

void ctr_text__value(struct ctr_text_writer *writer, struct ctr_value value)
{
    if (writer->nesting >= NESTING_MAX) {
        ctr_text__add(writer, "...");
        return;
    }
    struct ctr_shape shape;
    if (is_inline(value)) {
        shape.has_node = shape.is_cut = false;
        shape.content = value;
        ctr_text__content(writer, &shape);
        return;
    }
    ctr_shape_open(writer->player, value, &shape);
    writer->nesting++;
    if (is_container(&shape)) {
        add_container(writer, &shape);
    } else {
        add_shape(writer, &shape);
    }
    writer->nesting--;
    ctr_shape_close(writer->player, &shape);
}

void ctr_text_of(struct ctr_player *player, struct ctr_value value,
                 const struct ctr_text_options *options, struct ct_bytes *to)
{
    static const struct ctr_text_options everything = {0};
    struct ctr_text_writer writer = {
        .player = player,
        .options = options == NULL ? &everything : options,
        .to = to,
        .start = to->size,
    };
    ctr_text__value(&writer, value);
}

void ctr_text_of_type(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to)
{
    struct ctr_shape shape;
    ctr_shape_open(player, value, &shape);
    struct ctr_text name = ctr_shape_type_name(&shape);
    ct_bytes_add(to, name.bytes, name.size);
    ctr_shape_close(player, &shape);
}
