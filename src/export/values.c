#include "export/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "export/utf8.h"
#include "trace/shape.h"
#include "trace/str.h"
#include "trace/text.h"

enum {
    WEIGHT_MAX = 16 << 20, /* bytes of one value, roughly: shared containers unfold without end */
    NODE_WEIGHT = 48,
    SOURCES_MAX = 1 << 12,
};

static const struct {
    uint8_t kind; /* a TypeKind of the format */
    const char *name;
} types[EXPORT_T_COUNT] = {
    [EXPORT_T_NONE] = {30, "None"},
    [EXPORT_T_BOOL] = {12, "Bool"},
    [EXPORT_T_INT] = {7, "Int"},
    [EXPORT_T_STRING] = {9, "String"},
    [EXPORT_T_TUPLE] = {27, "Tuple"},
    [EXPORT_T_LIST] = {0, "List"},
    [EXPORT_T_DICT] = {0, "Dict"},
    [EXPORT_T_OBJECT] = {16, "Object"},
    [EXPORT_T_REDACTED] = {16, "Redacted"},
    [EXPORT_T_DROPPED] = {16, "Dropped"},
};

uint32_t export_type_id(struct export_values *values, enum export_type type)
{
    if (values->type_ids[type] == 0) {
        values->writer->type->type(values->writer, types[type].kind, types[type].name);
        values->type_ids[type] = ++values->type_count;
    }
    return values->type_ids[type] - 1;
}

/* ---- what a value followed from
 * ------------------------------------------------------------------ */

static uint64_t hash_object(const struct ctr_object *object)
{
    XXH64_hash_t hash = object->true_items ^ object->true_pairs << 20 ^ object->true_attrs << 40;
    if (object->item_count > 0) {
        hash =
            XXH3_64bits_withSeed(object->items, object->item_count * sizeof *object->items, hash);
    }
    if (object->pair_count > 0) {
        hash =
            XXH3_64bits_withSeed(object->pairs, object->pair_count * sizeof *object->pairs, hash);
    }
    if (object->attr_count > 0) {
        hash =
            XXH3_64bits_withSeed(object->attrs, object->attr_count * sizeof *object->attrs, hash);
    }
    return hash;
}

static void add_source(struct export_values *values, const struct ctr_object *object)
{
    struct export_cached *cached = values->cached;
    if (cached->source_count == SOURCES_MAX) {
        cached->is_once = true;
        return;
    }
    if (cached->source_count == cached->source_capacity) {
        uint32_t capacity = cached->source_capacity == 0 ? 2 : cached->source_capacity * 2;
        struct export_source *sources = realloc(cached->sources, capacity * sizeof *sources);
        if (sources == NULL) {
            values->failed = true;
            return;
        }
        values->bytes += (capacity - cached->source_capacity) * sizeof *sources;
        cached->sources = sources;
        cached->source_capacity = capacity;
    }
    cached->sources[cached->source_count++] =
        (struct export_source){object->number, hash_object(object)};
}

static bool is_current(const struct export_values *values, const struct export_cached *cached,
                       struct ctr_value value)
{
    if (!cached->is_filled || cached->is_once || !ctr_value_same(cached->of, value)) {
        return false;
    }
    for (uint32_t i = 0; i < cached->source_count; i++) {
        const struct export_source *source = &cached->sources[i];
        const struct ctr_object *object = ctr_player_object(values->player, source->object, NULL);
        if (object == NULL || hash_object(object) != source->hash) {
            return false;
        }
    }
    return true;
}

/* A text made by text.c followed from every object inside. */
static void add_sources_of(struct export_values *values, struct ctr_value value, uint32_t depth);

static void add_sources_inside(struct export_values *values, const struct ctr_object *object,
                               uint32_t depth)
{
    for (uint32_t i = 0; i < object->item_count; i++) {
        add_sources_of(values, object->items[i], depth);
    }
    for (uint32_t i = 0; i < object->pair_count; i++) {
        add_sources_of(values, object->pairs[i].key, depth);
        add_sources_of(values, object->pairs[i].value, depth);
    }
    for (uint32_t i = 0; i < object->attr_count; i++) {
        add_sources_of(values, object->attrs[i].value, depth);
    }
}

static bool is_source(const struct export_cached *cached, uint64_t object)
{
    for (uint32_t i = 0; i < cached->source_count; i++) {
        if (cached->sources[i].object == object) {
            return true;
        }
    }
    return false;
}

static void add_sources_of(struct export_values *values, struct ctr_value value, uint32_t depth)
{
    enum { FAR = 64 };
    if (values->cached->is_once || (value.tag != CTR_V_OBJECT && value.tag != CTR_V_NODE)) {
        return;
    }
    if (depth == FAR) {
        values->cached->is_once = true;
        return;
    }
    const struct ctr_object *object =
        value.tag == CTR_V_OBJECT ? ctr_player_object(values->player, value.bits, NULL) : NULL;
    if (value.tag == CTR_V_OBJECT && object == NULL) {
        values->cached->is_once = true; /* described only when a line reaches it */
    } else if (object != NULL && !is_source(values->cached, object->number)) {
        add_source(values, object);
        add_sources_inside(values, object, depth + 1);
    }
    struct ctr_node node;
    struct ctr_trace *trace = ctr_player_trace(values->player);
    if (value.tag == CTR_V_NODE && ctr_node_open(trace, value, &node, NULL) == CT_OK) {
        for (uint32_t i = 0; i < node.count; i++) {
            add_sources_of(values, ctr_scan_value(&node.children, (struct ctr_value){0}),
                           depth + 1);
        }
        ctr_node_close(trace, &node);
    }
}

/* ---- leaves
 * -------------------------------------------------------------------------------------- */

static void put_none(struct export_values *values)
{
    uint32_t type = export_type_id(values, EXPORT_T_NONE);
    values->writer->type->none(values->writer, type);
}

static void put_number(struct export_values *values, enum export_kind kind, enum export_type type,
                       int64_t number)
{
    uint32_t id = export_type_id(values, type);
    values->writer->type->number(values->writer, kind, id, number);
}

static void put_text(struct export_values *values, enum export_kind kind, enum export_type type,
                     struct ctr_text text)
{
    uint32_t id = export_type_id(values, type);
    struct ctr_text clean = export_clean_text(text, &values->clean);
    values->weight += clean.size;
    values->writer->type->text(values->writer, kind, id, clean);
}

static void put_word(struct export_values *values, enum export_kind kind, enum export_type type,
                     const char *word)
{
    put_text(values, kind, type, (struct ctr_text){word, strlen(word)});
}

static void put_dropped(struct export_values *values)
{
    put_word(values, EXPORT_V_ERROR, EXPORT_T_DROPPED, "<dropped>");
}

/* A str is a String; one that is not UTF-8 is an object with a text, as in recorder 0.3. */
static void put_string(struct export_values *values, struct ctr_text text)
{
    bool is_string = export_is_utf8(text);
    put_text(values, is_string ? EXPORT_V_STRING : EXPORT_V_RAW,
             is_string ? EXPORT_T_STRING : EXPORT_T_OBJECT, text);
}

static void put_raw_text(struct export_values *values)
{
    put_text(values, EXPORT_V_RAW, EXPORT_T_OBJECT,
             (struct ctr_text){(const char *)values->text.data, values->text.size});
}

static void put_str(struct export_values *values, struct ctr_value value, bool is_plain_instance)
{
    if (!is_plain_instance) {
        add_sources_of(values, value, 0);
    }
    values->text.size = 0;
    ctr_str_of(values->player, value, &values->text);
    put_raw_text(values);
}

/* ---- trees
 * ---------------------------------------------------------------------------------------- */

static void put_value(struct export_values *values, struct ctr_value value, uint32_t level);

static bool is_too_deep(const struct export_values *values, uint32_t level)
{
    return level >= values->writer->type->depth_max || values->weight > WEIGHT_MAX;
}

static bool is_open(const struct export_values *values, uint64_t object)
{
    for (uint32_t i = 0; i < values->open_count; i++) {
        if (values->open[i] == object) {
            return true;
        }
    }
    return false;
}

/* Says how much a limit of the recording cut off, as one element more. */
static void put_rest(struct export_values *values, uint64_t total, uint64_t count)
{
    char text[64];
    snprintf(text, sizeof text, "\xe2\x80\xa6 (%llu more)", (unsigned long long)(total - count));
    put_word(values, EXPORT_V_RAW, EXPORT_T_OBJECT, text);
}

static void put_items(struct export_values *values, enum export_kind kind, enum export_type type,
                      const struct ctr_object *object, uint32_t level)
{
    bool is_cut = object->true_items > object->item_count;
    const struct export_writer_type *writer = values->writer->type;
    writer->open(values->writer, kind, object->item_count + is_cut);
    for (uint32_t i = 0; i < object->item_count; i++) {
        put_value(values, object->items[i], level + 1);
    }
    if (is_cut) {
        put_rest(values, object->true_items, object->item_count);
    }
    writer->close(values->writer, export_type_id(values, type));
}

static void put_pairs(struct export_values *values, const struct ctr_object *object, uint32_t level)
{
    bool is_cut = object->true_pairs > object->pair_count;
    const struct export_writer_type *writer = values->writer->type;
    uint32_t dict = export_type_id(values, EXPORT_T_DICT);
    uint32_t tuple = export_type_id(values, EXPORT_T_TUPLE);
    export_type_id(values, EXPORT_T_STRING);
    writer->open(values->writer, EXPORT_V_SEQUENCE, object->pair_count + is_cut);
    for (uint32_t i = 0; i < object->pair_count; i++) {
        writer->open(values->writer, EXPORT_V_TUPLE, 2);
        put_value(values, object->pairs[i].key, level + 2);
        put_value(values, object->pairs[i].value, level + 2);
        writer->close(values->writer, tuple);
    }
    if (is_cut) {
        put_rest(values, object->true_pairs, object->pair_count);
    }
    writer->close(values->writer, dict);
}

static void put_container(struct export_values *values, const struct ctr_object *object,
                          uint8_t family, uint32_t level)
{
    bool is_dict = family == CTR_F_DICT;
    if (is_too_deep(values, level + is_dict) || is_open(values, object->number)) {
        put_word(values, EXPORT_V_RAW, EXPORT_T_OBJECT,
                 is_dict                ? "{...}"
                 : family == CTR_F_LIST ? "[...]"
                                        : "(...)");
        return;
    }
    values->open[values->open_count++] = object->number;
    if (is_dict) {
        put_pairs(values, object, level);
    } else if (family == CTR_F_LIST) {
        put_items(values, EXPORT_V_SEQUENCE, EXPORT_T_LIST, object, level);
    } else {
        put_items(values, EXPORT_V_TUPLE, EXPORT_T_TUPLE, object, level);
    }
    values->open_count--;
}

static void put_object(struct export_values *values, struct ctr_value value, uint32_t level)
{
    const struct ctr_object *object = ctr_player_object(values->player, value.bits, NULL);
    if (object == NULL) {
        values->cached->is_once = true; /* described only when a line reaches it */
        put_dropped(values);
        return;
    }
    const struct ctr_type *type = ctr_type(ctr_player_trace(values->player), object->type);
    uint8_t family = type == NULL ? CTR_F_OBJECT : type->family;
    switch (family) {
    case CTR_F_LIST:
    case CTR_F_DICT:
    case CTR_F_TUPLE:
    case CTR_F_NAMEDTUPLE:
        add_source(values, object);
        put_container(values, object, family, level);
        break;
    case CTR_F_INT:
    case CTR_F_TEXT:
    case CTR_F_ENUM: /* of an IntEnum or StrEnum */
        add_source(values, object);
        if (object->item_count > 0 && object->items[0].tag != CTR_V_OBJECT) {
            put_value(values, object->items[0], level);
            break;
        }
        put_str(values, value, false);
        break;
    default:
        put_str(values, value, family == CTR_F_OBJECT);
    }
}

static void put_tuple(struct export_values *values, const struct ctr_node *node, uint32_t level,
                      uint64_t total)
{
    if (is_too_deep(values, level)) {
        put_word(values, EXPORT_V_RAW, EXPORT_T_OBJECT, "(...)");
        return;
    }
    bool is_cut = total > node->count;
    struct ctr_scan children = node->children;
    const struct export_writer_type *writer = values->writer->type;
    writer->open(values->writer, EXPORT_V_TUPLE, node->count + is_cut);
    for (uint32_t i = 0; i < node->count; i++) {
        put_value(values, ctr_scan_value(&children, (struct ctr_value){0}), level + 1);
    }
    if (is_cut) {
        put_rest(values, total, node->count);
    }
    writer->close(values->writer, export_type_id(values, EXPORT_T_TUPLE));
}

/* A text of which a limit of the recording left the beginning says so behind it. */
static void put_cut_string(struct export_values *values, const struct ctr_shape *shape)
{
    values->text.size = 0;
    ct_bytes_add(&values->text, shape->node.bytes, shape->node.size);
    uint64_t characters = 0;
    for (size_t i = 0; i < shape->node.size; i++) {
        characters += (shape->node.bytes[i] & 0xc0) != 0x80;
    }
    ct_bytes_add_format(&values->text, "\xe2\x80\xa6 (%llu more)",
                        (unsigned long long)(shape->true_length - characters));
    put_string(values, (struct ctr_text){(const char *)values->text.data, values->text.size});
}

/* What fits in 64 bits is an Int however it was recorded. */
static bool small_int(const struct ctr_shape *shape, int64_t *number)
{
    uint64_t magnitude = 0;
    if (shape->kind != CTR_F_INT || !shape->has_node || shape->node.tag != CTR_V_BIG ||
        shape->node.size > sizeof magnitude) {
        return false;
    }
    memcpy(&magnitude, shape->node.bytes, shape->node.size);
    *number = (int64_t)(shape->node.negative ? 0 - magnitude : magnitude);
    uint64_t limit = (uint64_t)INT64_MAX + shape->node.negative;
    return magnitude <= limit;
}

static void put_wrapped(struct export_values *values, struct ctr_value value, uint32_t level)
{
    struct ctr_shape shape;
    ctr_shape_open(values->player, value, &shape);
    uint8_t tag = shape.has_node ? shape.node.tag : (uint8_t)shape.content.tag;
    bool is_tuple = shape.kind == CTR_F_TUPLE || shape.kind == CTR_F_NAMEDTUPLE;
    int64_t number;
    if (small_int(&shape, &number)) {
        put_number(values, EXPORT_V_INT, EXPORT_T_INT, number);
    } else if (shape.kind == CTR_F_TEXT && tag == CTR_V_TEXT && shape.is_cut) {
        put_cut_string(values, &shape);
    } else if (shape.kind == CTR_F_TEXT && tag == CTR_V_TEXT) {
        put_string(values, (struct ctr_text){(const char *)shape.node.bytes, shape.node.size});
    } else if ((shape.kind == CTR_F_TEXT && tag == CTR_V_SHORT_TEXT) ||
               (shape.kind == CTR_F_INT && tag == CTR_V_INT)) {
        put_value(values, shape.content, level);
    } else if (is_tuple && tag == CTR_V_TUPLE) {
        put_tuple(values, &shape.node, level, shape.is_cut ? shape.true_length : 0);
    } else {
        put_str(values, value, false);
    }
    ctr_shape_close(values->player, &shape);
}

static void put_value(struct export_values *values, struct ctr_value value, uint32_t level)
{
    values->weight += NODE_WEIGHT;
    if (values->weight > WEIGHT_MAX) {
        put_word(values, EXPORT_V_RAW, EXPORT_T_OBJECT, "\xe2\x80\xa6");
        return;
    }
    switch (value.tag) {
    case CTR_V_NONE:
        put_none(values);
        break;
    case CTR_V_TRUE:
    case CTR_V_FALSE:
        put_number(values, EXPORT_V_BOOL, EXPORT_T_BOOL, value.tag == CTR_V_TRUE);
        break;
    case CTR_V_INT:
        put_number(values, EXPORT_V_INT, EXPORT_T_INT, (int64_t)value.bits);
        break;
    case CTR_V_SHORT_TEXT:
        put_string(values, (struct ctr_text){(const char *)&value.bits, value.bits >> 56});
        break;
    case CTR_V_REDACTED:
        put_word(values, EXPORT_V_ERROR, EXPORT_T_REDACTED, "<redacted>");
        break;
    case CTR_V_DROPPED:
        put_dropped(values);
        break;
    case CTR_V_OBJECT:
        put_object(values, value, level);
        break;
    case CTR_V_NODE:
        put_wrapped(values, value, level);
        break;
    default:
        put_str(values, value, false);
    }
}

/* ---- whole values
 * --------------------------------------------------------------------------------- */

static void begin(struct export_values *values, struct export_cached *cached)
{
    values->bytes -= cached->value.bytes.capacity;
    cached->source_count = 0;
    cached->is_once = false;
    cached->is_filled = false;
    values->cached = cached;
    values->weight = values->beside;
    values->open_count = 0;
    values->writer->type->begin(values->writer, &cached->value);
}

static void end(struct export_values *values, struct export_cached *cached)
{
    if (!values->writer->type->end(values->writer) || values->text.failed || values->clean.failed) {
        values->failed = true;
    }
    values->bytes += cached->value.bytes.capacity;
}

void export_values_get(struct export_values *values, struct ctr_value value,
                       struct export_cached *cached)
{
    if (is_current(values, cached, value) && cached->weight + values->beside <= WEIGHT_MAX) {
        return;
    }
    begin(values, cached);
    put_value(values, value, 1);
    end(values, cached);
    cached->weight = values->weight - values->beside;
    cached->is_once |= values->beside > 0 && values->weight > WEIGHT_MAX;
    cached->of = value;
    cached->is_filled = !values->failed;
}

void export_values_text(struct export_values *values, enum export_kind kind, enum export_type type,
                        const char *text, struct export_cached *cached)
{
    begin(values, cached);
    put_word(values, kind, type, text);
    end(values, cached);
}

void export_values_int(struct export_values *values, int64_t number, struct export_cached *cached)
{
    begin(values, cached);
    put_number(values, EXPORT_V_INT, EXPORT_T_INT, number);
    end(values, cached);
}

void export_values_forget(struct export_values *values, struct export_cached *cached)
{
    values->bytes -= cached->value.bytes.capacity;
    values->bytes -= cached->source_capacity * sizeof *cached->sources;
    export_cached_clear(cached);
}

void export_cached_clear(struct export_cached *cached)
{
    ct_bytes_free(&cached->value.bytes);
    free(cached->sources);
    *cached = (struct export_cached){0};
}

bool export_values_init(struct export_values *values, struct ctr_player *player,
                        struct export_writer *writer)
{
    *values = (struct export_values){.player = player, .writer = writer};
    values->open = calloc(writer->type->depth_max + 1, sizeof *values->open);
    return values->open != NULL;
}

void export_values_clear(struct export_values *values)
{
    free(values->open);
    ct_bytes_free(&values->text);
    ct_bytes_free(&values->clean);
}
