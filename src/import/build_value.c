/* Values of a foreign trace, as a trace stores them: short ones in place, long ones as nodes that
 * are named again where they are the same, lists and dicts as objects that never change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/varint.h"
#include "import/build_internal.h"

enum {
    DEPTH_MAX = 48, /* tuples in tuples; CTR_VALUE_DEPTH_MAX with what wraps them */
};

/* ---- Bytes ---- */

void import_build_fail(struct import_build *build, int status, const char *message)
{
    if (build->status == CT_OK) {
        build->status = ct_fail(&build->error, status, "%s", message);
    }
}

/* Whether so many bytes can be written; a limit above was too generous if not. */
bool import_has_bytes(struct import_build *build, size_t size)
{
    if (build->writer->soft == NULL) {
        const char *reason = ctr_writer_error(build->writer);
        import_build_fail(build, CT_EIO,
                          reason[0] != '\0' ? reason : "the trace could not be written");
        return false;
    }
    if (size > (size_t)(build->writer->limit - build->writer->at)) {
        import_build_fail(build, CT_ELIMIT, "an event is too large for a block");
    }
    return build->status == CT_OK;
}

void import_put(struct import_build *build, uint8_t byte)
{
    if (import_has_bytes(build, 1)) {
        *build->writer->at++ = byte;
    }
}

void import_put_varint(struct import_build *build, uint64_t value)
{
    if (import_has_bytes(build, CT_VARINT_MAX)) {
        build->writer->at = ct_varint_put(build->writer->at, value);
    }
}

static void import_put_bytes(struct import_build *build, const void *bytes, size_t size)
{
    if (size > 0 && import_has_bytes(build, size)) {
        memcpy(build->writer->at, bytes, size);
        build->writer->at += size;
    }
}

/* ---- Definitions ---- */

void import_define(struct import_build *build, enum ctr_definition kind, struct ct_bytes *payload)
{
    if (payload->failed) {
        import_build_fail(build, CT_ENOMEM, "out of memory");
    } else if (!ctr_writer_define(build->writer, kind, payload->data, payload->size)) {
        import_build_fail(build, CT_EIO, "a definition could not be written");
    }
    ct_bytes_free(payload);
}

static uint32_t type_of(struct import_build *build, enum ctr_family family, const char *module,
                        const char *name, uint32_t type)
{
    uint64_t key = (uint64_t)family << 32 | type;
    const uint32_t *known = import_map_get(&build->types, key);
    if (known != NULL) {
        return *known;
    }
    struct ct_bytes payload = {0};
    ct_bytes_add_byte(&payload, (uint8_t)family);
    ct_bytes_add_block(&payload, module, strlen(module));
    ct_bytes_add_block(&payload, name, import_kept_bytes(name, strlen(name), IMPORT_TEXT_MAX));
    ct_bytes_add_varint(&payload, 0);
    import_define(build, CTR_DEF_TYPE, &payload);
    if (!import_map_add(&build->types, key, build->type_count)) {
        import_build_fail(build, CT_ENOMEM, "out of memory");
    }
    return build->type_count++;
}

/* The name a type of the program has. */
static const char *type_name(const struct import_build *build, uint32_t type)
{
    return type < build->program->type_count ? build->program->types[type].name.text : "";
}

/* ---- Values that were written before ---- */

static struct import_cached *cached_at(struct import_build *build, const uint64_t hash[2])
{
    return &build->cache[hash[0] & (IMPORT_CACHED - 1)];
}

static const struct import_held *find_cached(struct import_build *build, const uint64_t hash[2])
{
    const struct import_cached *cached = cached_at(build, hash);
    bool is_same = cached->hash[0] == hash[0] && cached->hash[1] == hash[1];
    return is_same && cached->value.tag != 0 ? &cached->value : NULL;
}

static void remember(struct import_build *build, const uint64_t hash[2], struct import_held value)
{
    *cached_at(build, hash) = (struct import_cached){{hash[0], hash[1]}, value};
}

static void put_node(struct import_build *build, struct import_held value)
{
    uint32_t block = (uint32_t)(value.bits >> 32);
    if (block == build->writer->block) {
        import_put(build, CTR_V_NODE);
    } else {
        import_put(build, CTR_V_NODE_FAR);
        import_put_varint(build, build->writer->block - block);
    }
    import_put_varint(build, (uint32_t)value.bits);
}

static void put_object_reference(struct import_build *build, uint64_t object)
{
    if (build->locals_of != build->writer->block) {
        import_map_clear(&build->locals);
        build->locals_of = build->writer->block;
    }
    const uint32_t *local = import_map_get(&build->locals, object);
    if (local != NULL) {
        import_put_varint(build, (uint64_t)*local + 1);
        return;
    }
    import_put_varint(build, 0);
    import_put_varint(build, object);
    if (!import_map_add(&build->locals, object, build->writer->next_object++)) {
        import_build_fail(build, CT_ENOMEM, "out of memory");
    }
}

static void put_int(struct import_build *build, int64_t number)
{
    if (number >= CTR_SMALL_INT_MIN && number <= CTR_SMALL_INT_MAX) {
        import_put(build, (uint8_t)(CTR_V_SMALL_INT + number - CTR_SMALL_INT_MIN));
    } else {
        import_put(build, CTR_V_INT);
        import_put_varint(build, ct_zigzag(number));
    }
}

static void put_short_text(struct import_build *build, const void *text, size_t size)
{
    import_put(build, (uint8_t)(CTR_V_SHORT_TEXT + size));
    import_put_bytes(build, text, size);
}

void import_put_held(struct import_build *build, struct import_held value)
{
    switch (value.tag) {
    case CTR_V_INT:
        put_int(build, (int64_t)value.bits);
        break;
    case CTR_V_FLOAT:
        import_put(build, CTR_V_FLOAT);
        import_put_bytes(build, &value.bits, sizeof value.bits);
        break;
    case CTR_V_SHORT_TEXT:
        put_short_text(build, &value.bits, value.bits >> 56);
        break;
    case CTR_V_NODE:
        put_node(build, value);
        break;
    case CTR_V_OBJECT:
        import_put(build, CTR_V_OBJECT);
        put_object_reference(build, value.bits);
        break;
    default:
        import_put(build, value.tag);
    }
}

/* ---- New values ---- */

/* How many children, from the first on, fit into `budget` bytes. */
static uint32_t fitting(const struct import_writing *writing, uint32_t tree, uint64_t budget)
{
    const struct import_node *node = import_node_at(writing, tree);
    uint32_t child = tree + 1;
    uint64_t used = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        const struct import_node *inner = import_node_at(writing, child);
        used += inner->weight + (node->kind == IMPORT_STRUCT ? IMPORT_FIELD_WEIGHT : 0);
        if (used > budget) {
            return i;
        }
        child += inner->span;
    }
    return node->count;
}

static uint64_t characters(const char *text, size_t size)
{
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += ((uint8_t)text[i] & 0xc0) != 0x80;
    }
    return count;
}

/* CUT takes a number of its own. */
static void put_cut(struct import_build *build, uint64_t true_length)
{
    import_put(build, CTR_V_CUT);
    import_put_varint(build, true_length);
    build->writer->next_node++;
    ctr_count(build->writer, CTR_C_values_cut);
}

void import_put_text(struct import_build *build, const char *text, size_t size)
{
    size_t kept = import_kept_bytes(text, size, IMPORT_TEXT_MAX);
    if (size <= CTR_SHORT_TEXT_MAX) {
        put_short_text(build, text, size);
        return;
    }
    if (kept < size) {
        put_cut(build, characters(text, size));
    }
    import_put(build, CTR_V_TEXT);
    build->writer->next_node++;
    import_put_varint(build, kept);
    import_put_bytes(build, text, kept);
}

/* All that is known is how it reads. */
static void put_raw(const struct import_writing *writing, const struct import_node *node)
{
    struct import_build *build = writing->build;
    const char *name = type_name(build, node->type);
    uint32_t type = type_of(build, CTR_F_OBJECT, "", name, node->type);
    import_put(build, CTR_V_AS);
    build->writer->next_node++;
    import_put_varint(build, type);
    import_put_text(build, import_text(writing->values, node), node->size);
}

/* The magnitude comes with its highest byte first; one that is cut has no digits. */
static void put_big(const struct import_writing *writing, const struct import_node *node)
{
    struct import_build *build = writing->build;
    const char *text = import_text(writing->values, node);
    size_t kept = node->size > IMPORT_TEXT_MAX ? 0 : node->size;
    if (kept < node->size) {
        put_cut(build, node->size);
    }
    import_put(build, CTR_V_BIG);
    build->writer->next_node++;
    import_put_varint(build, kept << 1 | node->is_negative);
    for (size_t i = kept; i-- > 0;) {
        import_put(build, (uint8_t)text[i]);
    }
}

static void put_tuple(const struct import_writing *writing, uint32_t number, unsigned depth,
                      uint64_t budget)
{
    struct import_build *build = writing->build;
    const struct import_node *node = import_node_at(writing, number);
    uint32_t count = fitting(writing, number, budget);
    if (count < node->count) {
        put_cut(build, node->count);
    }
    import_put(build, CTR_V_TUPLE);
    build->writer->next_node++;
    import_put_varint(build, count);
    uint32_t child = number + 1;
    for (uint32_t i = 0; i < count; i++) {
        import_put_value(writing, child, depth + 1, budget);
        child += import_node_at(writing, child)->span;
    }
}

struct import_held import_put_dropped(struct import_build *build)
{
    import_put(build, CTR_V_DROPPED);
    ctr_count(build->writer, CTR_C_values_dropped);
    return (struct import_held){CTR_V_DROPPED, 0};
}

static struct import_held put_long(const struct import_writing *writing, uint32_t number,
                                   unsigned depth, uint64_t budget)
{
    struct import_build *build = writing->build;
    const struct import_node *node = import_node_at(writing, number);
    const struct import_held *cached = find_cached(build, node->hash);
    struct import_held known = {CTR_V_NODE, node->known - 1};
    if (node->known != 0 || cached != NULL) {
        known = node->known != 0 ? known : *cached;
        import_put_held(build, known);
        return known;
    }
    if (depth >= DEPTH_MAX) {
        return import_put_dropped(build);
    }
    /* The number is that of the first byte: a CUT or what it wraps. */
    struct import_held value = {CTR_V_NODE,
                                (uint64_t)build->writer->block << 32 | build->writer->next_node};
    if (node->kind == IMPORT_TUPLE) {
        put_tuple(writing, number, depth, budget);
    } else if (node->kind == IMPORT_BIG) {
        put_big(writing, node);
    } else if (node->kind == IMPORT_RAW) {
        put_raw(writing, node);
    } else {
        import_put_text(build, import_text(writing->values, node), node->size);
    }
    /* What the budget cut is not the whole value. */
    if (node->kind != IMPORT_TUPLE || node->weight <= budget) {
        remember(build, node->hash, value);
    }
    return value;
}

/* What the rules of the recording hid, in the words of the recorder. */
static bool is_hidden(const struct import_writing *writing, const struct import_node *node,
                      struct import_held *value)
{
    static const char redacted[] = "<redacted>", gone[] = "<dropped>";
    const char *text = import_text(writing->values, node);
    const char *type = node->kind == IMPORT_RAW ? type_name(writing->build, node->type) : "";
    bool is_redacted = strcmp(type, "Redacted") == 0 && node->size == sizeof redacted - 1 &&
                       memcmp(text, redacted, node->size) == 0;
    bool is_dropped = strcmp(type, "Dropped") == 0 && node->size == sizeof gone - 1 &&
                      memcmp(text, gone, node->size) == 0;
    if (is_redacted || is_dropped) {
        *value = (struct import_held){is_redacted ? CTR_V_REDACTED : CTR_V_DROPPED, 0};
    }
    return is_redacted || is_dropped;
}

static struct import_held short_text(const char *text, size_t size)
{
    struct import_held value = {CTR_V_SHORT_TEXT, 0};
    memcpy(&value.bits, text, size);
    value.bits |= (uint64_t)size << 56;
    return value;
}

struct import_held import_put_value(const struct import_writing *writing, uint32_t number,
                                    unsigned depth, uint64_t budget)
{
    const struct import_node *node = import_node_at(writing, number);
    struct import_held value = {CTR_V_NONE, 0};
    if (is_hidden(writing, node, &value)) {
        import_put_held(writing->build, value);
        return value;
    }
    switch ((enum import_kind)node->kind) {
    case IMPORT_NONE:
        break;
    case IMPORT_BOOL:
        value.tag = node->integer != 0 ? CTR_V_TRUE : CTR_V_FALSE;
        break;
    case IMPORT_INT:
        value = (struct import_held){CTR_V_INT, (uint64_t)node->integer};
        break;
    case IMPORT_FLOAT:
        value.tag = CTR_V_FLOAT;
        memcpy(&value.bits, &node->number, sizeof value.bits);
        break;
    case IMPORT_TEXT:
        if (node->size > CTR_SHORT_TEXT_MAX) {
            return put_long(writing, number, depth, budget);
        }
        value = short_text(import_text(writing->values, node), node->size);
        break;
    case IMPORT_SEQUENCE:
    case IMPORT_STRUCT:
        if (node->known == 0) {
            return import_put_dropped(writing->build);
        }
        value = (struct import_held){CTR_V_OBJECT, node->known - 1};
        break;
    default:
        return put_long(writing, number, depth, budget);
    }
    import_put_held(writing->build, value);
    return value;
}

/* ---- Objects ---- */

static bool is_pair(const struct import_writing *writing, uint32_t node)
{
    return import_node_at(writing, node)->kind == IMPORT_TUPLE &&
           import_node_at(writing, node)->count == 2;
}

static bool has_pairs_alone(const struct import_writing *writing, uint32_t number)
{
    const struct import_node *node = import_node_at(writing, number);
    uint32_t child = number + 1;
    for (uint32_t i = 0; i < node->count; i++) {
        if (!is_pair(writing, child)) {
            return false;
        }
        child += import_node_at(writing, child)->span;
    }
    return true;
}

/* What a sequence is, its type says by kind (Seq, Set, HashSet, OrderedSet) and name. */
static enum ctr_family family_of(const struct import_writing *writing, uint32_t number)
{
    enum { KIND_SET = 1, KIND_ORDERED_SET = 3 };
    const struct import_program *program = writing->build->program;
    const struct import_node *node = import_node_at(writing, number);
    if (node->kind == IMPORT_STRUCT) {
        return CTR_F_OBJECT;
    }
    if (node->type >= program->type_count) {
        return CTR_F_LIST;
    }
    const struct import_type *type = &program->types[node->type];
    if (strcasecmp(type->name.text, "dict") == 0 && has_pairs_alone(writing, number)) {
        return CTR_F_DICT;
    }
    return type->kind >= KIND_SET && type->kind <= KIND_ORDERED_SET ? CTR_F_SET : CTR_F_LIST;
}

static uint32_t object_type(const struct import_writing *writing, const struct import_node *node,
                            enum ctr_family family)
{
    struct import_build *build = writing->build;
    switch (family) {
    case CTR_F_DICT:
        return type_of(build, family, "builtins", "dict", IMPORT_NO_TYPE);
    case CTR_F_SET:
        return type_of(build, family, "builtins", "set", IMPORT_NO_TYPE);
    case CTR_F_LIST:
        return type_of(build, family, "builtins", "list", IMPORT_NO_TYPE);
    default:
        return type_of(build, CTR_F_OBJECT, "", type_name(build, node->type), node->type);
    }
}

/* The names of the fields of a struct's type, one after the other. */
static const char *next_field(const char **at, const char *end, uint32_t index, char buffer[16])
{
    const char *name = *at;
    if (name < end) {
        *at += strlen(name) + 1;
        return name;
    }
    snprintf(buffer, 16, "field%u", index);
    return buffer;
}

static void put_children(const struct import_writing *writing, uint32_t number,
                         enum ctr_family family, uint32_t count, uint64_t budget)
{
    const struct import_program *program = writing->build->program;
    const struct import_node *node = import_node_at(writing, number);
    static const struct import_name none = {(char *)"", 0};
    const struct import_name *fields =
        node->type < program->type_count ? &program->types[node->type].fields : &none;
    const char *field = fields->text;
    uint32_t child = number + 1;
    for (uint32_t i = 0; i < count; i++) {
        char buffer[16];
        if (family == CTR_F_DICT) {
            import_put_value(writing, child + 1, 0, budget);
            import_put_value(writing, child + 1 + import_node_at(writing, child + 1)->span, 0,
                             budget);
        } else {
            if (family == CTR_F_OBJECT) {
                const char *name = next_field(&field, fields->text + fields->size, i, buffer);
                import_put_text(writing->build, name, strlen(name));
            }
            import_put_value(writing, child, 0, budget);
        }
        child += import_node_at(writing, child)->span;
    }
}

/* Objects inside what will be written of this tree. A dict writes the two halves of its pairs, and
 * not the pairs: so a pair that is known already is looked into all the same. */
static void open_inside(const struct import_writing *writing, uint32_t number, uint64_t budget)
{
    bool has_pairs = import_node_at(writing, number)->kind == IMPORT_SEQUENCE &&
                     family_of(writing, number) == CTR_F_DICT;
    uint32_t count = fitting(writing, number, budget);
    uint32_t child = number + 1;
    for (uint32_t i = 0; i < count; i++) {
        if (has_pairs) {
            open_inside(writing, child, budget);
        } else {
            import_open_objects(writing, child, budget);
        }
        child += import_node_at(writing, child)->span;
    }
}

static void open_object(const struct import_writing *writing, uint32_t number, uint64_t budget)
{
    struct import_build *build = writing->build;
    struct import_node *node = import_node_at(writing, number);
    enum ctr_family family = family_of(writing, number);
    uint32_t type = object_type(writing, node, family);
    uint32_t count = fitting(writing, number, budget);
    uint64_t object = build->objects++;
    import_put(build, CTR_OPEN);
    put_object_reference(build, object);
    import_put_varint(build, type);
    import_put(build, CTR_OPEN_BASE | CTR_OPEN_NEW);
    import_put(build, family == CTR_F_DICT     ? CTR_PAIRS
                      : family == CTR_F_OBJECT ? CTR_ATTRS
                                               : CTR_ITEMS);
    import_put_varint(build, node->count);
    import_put_varint(build, count);
    put_children(writing, number, family, count, budget);
    ctr_count(build->writer, CTR_C_objects);
    if (count < node->count) {
        ctr_count(build->writer, CTR_C_values_cut);
    }
    node->known = object + 1;
    if (node->weight <= budget) {
        remember(build, node->hash, (struct import_held){CTR_V_OBJECT, object});
    }
}

/* Before a value refers to an object, the object is described. */
void import_open_objects(const struct import_writing *writing, uint32_t number, uint64_t budget)
{
    struct import_node *node = import_node_at(writing, number);
    if (node->kind < IMPORT_TUPLE) {
        return;
    }
    const struct import_held *known = find_cached(writing->build, node->hash);
    if (known != NULL) { /* kept here: it may be forgotten before it is written */
        node->known = known->bits + 1;
        return;
    }
    open_inside(writing, number, budget);
    if (node->kind != IMPORT_TUPLE) {
        open_object(writing, number, budget);
    }
}
