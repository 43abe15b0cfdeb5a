#include "import/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/varint.h"

enum {
    CACHED = 1 << 16,      /* values that can be named again */
    TEXT_MAX = 64 << 10,   /* bytes kept of one text */
    VALUE_MAX = 256 << 10, /* bytes kept of one value */
    EVENT_MAX = 512 << 10, /* of the values of one event: the rest of its block is for frames */
    LEAST_ROOM = 64,
    DEPTH_MAX = 48, /* tuples in tuples; CTR_VALUE_DEPTH_MAX with what wraps them */
    HEAD_MAX = 64,  /* what is written around content, at most */
    OPTIMIZED = 3,  /* co_flags of a function: its variables are slots */
    NEVER = 0xffffffffu,
};

/* A value as a slot holds it: what it takes to write it again in another block. */
struct held {
    uint8_t tag;   /* of the short form, CTR_V_NODE or CTR_V_OBJECT */
    uint64_t bits; /* NODE: its block in the upper half, its number in the lower */
};

struct slot {
    uint64_t hash[2]; /* of the value; both 0: unbound */
    struct held value;
    uint64_t stamp; /* of the event that bound it last */
};

struct frame {
    uint64_t call, start_step, start_calls;
    uint32_t plan, line, start_block, known_in;
    struct slot slots[];
};

struct cached {
    uint64_t hash[2];
    struct held value;
};

struct import_build {
    struct import_sink sink;
    const struct import_program *program;
    struct ctr_writer *writer;
    struct frame **stack;
    uint32_t depth, capacity;
    struct cached *cache;
    struct import_map locals; /* object -> its number in this block */
    uint32_t locals_of;       /* that block */
    struct import_map types;  /* family and type of the program -> type */
    uint32_t type_count;
    uint32_t *plans; /* of the program -> of the trace, plus 1; 0: not defined yet */
    uint32_t plan_count;
    uint64_t objects;
    uint64_t stamp;
    size_t room; /* bytes that the values of this event may still take */
    struct ct_error error;
    int status; /* the first thing that went wrong */
};

/* ---- Bytes ---- */

static void fail(struct import_build *build, int status, const char *message)
{
    if (build->status == CT_OK) {
        build->status = ct_fail(&build->error, status, "%s", message);
    }
}

/* Whether so many bytes can be written; a limit above was too generous if not. */
static bool has_bytes(struct import_build *build, size_t size)
{
    if (build->writer->soft == NULL) {
        fail(build, CT_EIO, ctr_writer_error(build->writer));
        return false;
    }
    if (size > (size_t)(build->writer->limit - build->writer->at)) {
        fail(build, CT_ELIMIT, "an event is too large for a block");
    }
    return build->status == CT_OK;
}

static void put(struct import_build *build, uint8_t byte)
{
    if (has_bytes(build, 1)) {
        *build->writer->at++ = byte;
    }
}

static void put_varint(struct import_build *build, uint64_t value)
{
    if (has_bytes(build, CT_VARINT_MAX)) {
        build->writer->at = ct_varint_put(build->writer->at, value);
    }
}

static void put_bytes(struct import_build *build, const void *bytes, size_t size)
{
    if (size > 0 && has_bytes(build, size)) {
        memcpy(build->writer->at, bytes, size);
        build->writer->at += size;
    }
}

/* ---- Definitions ---- */

static void define(struct import_build *build, enum ctr_definition kind, struct ct_bytes *payload)
{
    if (payload->failed) {
        fail(build, CT_ENOMEM, "out of memory");
    } else if (!ctr_writer_define(build->writer, kind, payload->data, payload->size)) {
        fail(build, CT_EIO, "a definition could not be written");
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
    ct_bytes_add_block(&payload, name, strnlen(name, TEXT_MAX));
    ct_bytes_add_varint(&payload, 0);
    define(build, CTR_DEF_TYPE, &payload);
    if (!import_map_add(&build->types, key, build->type_count)) {
        fail(build, CT_ENOMEM, "out of memory");
    }
    return build->type_count++;
}

/* The name a type of the program has. */
static const char *type_name(const struct import_build *build, uint32_t type)
{
    return type < build->program->type_count ? build->program->types[type].name.text : "";
}

static void add_name(struct ct_bytes *to, const struct import_name *name)
{
    enum { NAME_MAX_BYTES = 1024 };
    ct_bytes_add_block(to, name->text, name->size < NAME_MAX_BYTES ? name->size : NAME_MAX_BYTES);
}

static void define_plan(struct import_build *build, const struct import_plan *plan)
{
    static const struct import_name toplevel = {(char *)"<toplevel>", sizeof "<toplevel>" - 1};
    const struct import_program *program = build->program;
    bool has_function = plan->function != IMPORT_NO_FUNCTION;
    const struct import_name *name =
        has_function ? &program->functions[plan->function].name : &toplevel;
    const uint64_t numbers[] = {
        has_function ? program->functions[plan->function].line : 1,
        OPTIMIZED,
        0,
        plan->arguments,
        0,
        0,
        plan->count,
    };
    struct ct_bytes payload = {0};
    ct_bytes_add_varint(&payload, plan->path);
    add_name(&payload, name);
    add_name(&payload, name);
    ct_bytes_add_block(&payload, "", 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ct_bytes_add_varint(&payload, numbers[i]);
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        /* A definition is half a block at most. */
        enum { NAMES_MAX_BYTES = 256 << 10 };
        static const struct import_name none = {(char *)"", 0};
        bool has_room = payload.size < NAMES_MAX_BYTES;
        add_name(&payload, has_room ? &program->variables[plan->variables[i].name] : &none);
        ct_bytes_add_byte(&payload, i < plan->arguments ? CTR_VAR_ARG : CTR_VAR_LOCAL);
        ct_bytes_add_byte(&payload, CTR_KEEP);
    }
    define(build, CTR_DEF_PLAN, &payload);
}

static uint32_t plan_of(struct import_build *build, uint32_t plan)
{
    if (build->plans[plan] == 0) {
        define_plan(build, &build->program->plans[plan]);
        build->plans[plan] = ++build->plan_count;
    }
    return build->plans[plan] - 1;
}

/* ---- Values that were written before ---- */

static struct cached *cached_at(struct import_build *build, const uint64_t hash[2])
{
    return &build->cache[hash[0] & (CACHED - 1)];
}

static const struct held *find_cached(struct import_build *build, const uint64_t hash[2])
{
    const struct cached *cached = cached_at(build, hash);
    bool is_same = cached->hash[0] == hash[0] && cached->hash[1] == hash[1];
    return is_same && cached->value.tag != 0 ? &cached->value : NULL;
}

static void remember(struct import_build *build, const uint64_t hash[2], struct held value)
{
    *cached_at(build, hash) = (struct cached){{hash[0], hash[1]}, value};
}

static void put_node(struct import_build *build, struct held value)
{
    uint32_t block = (uint32_t)(value.bits >> 32);
    if (block == build->writer->block) {
        put(build, CTR_V_NODE);
    } else {
        put(build, CTR_V_NODE_FAR);
        put_varint(build, build->writer->block - block);
    }
    put_varint(build, (uint32_t)value.bits);
}

static void put_object_reference(struct import_build *build, uint64_t object)
{
    if (build->locals_of != build->writer->block) {
        import_map_clear(&build->locals);
        build->locals_of = build->writer->block;
    }
    const uint32_t *local = import_map_get(&build->locals, object);
    if (local != NULL) {
        put_varint(build, (uint64_t)*local + 1);
        return;
    }
    put_varint(build, 0);
    put_varint(build, object);
    if (!import_map_add(&build->locals, object, build->writer->next_object++)) {
        fail(build, CT_ENOMEM, "out of memory");
    }
}

static void put_int(struct import_build *build, int64_t number)
{
    if (number >= CTR_SMALL_INT_MIN && number <= CTR_SMALL_INT_MAX) {
        put(build, (uint8_t)(CTR_V_SMALL_INT + number - CTR_SMALL_INT_MIN));
    } else {
        put(build, CTR_V_INT);
        put_varint(build, ct_zigzag(number));
    }
}

static void put_short_text(struct import_build *build, const void *text, size_t size)
{
    put(build, (uint8_t)(CTR_V_SHORT_TEXT + size));
    put_bytes(build, text, size);
}

static void put_held(struct import_build *build, struct held value)
{
    switch (value.tag) {
    case CTR_V_INT:
        put_int(build, (int64_t)value.bits);
        break;
    case CTR_V_FLOAT:
        put(build, CTR_V_FLOAT);
        put_bytes(build, &value.bits, sizeof value.bits);
        break;
    case CTR_V_SHORT_TEXT:
        put_short_text(build, &value.bits, value.bits >> 56);
        break;
    case CTR_V_NODE:
        put_node(build, value);
        break;
    case CTR_V_OBJECT:
        put(build, CTR_V_OBJECT);
        put_object_reference(build, value.bits);
        break;
    default:
        put(build, value.tag);
    }
}

/* ---- New values ---- */

struct writing { /* a tree */
    struct import_build *build;
    const struct import_values *values;
};

static struct import_node *node_at(const struct writing *writing, uint32_t node)
{
    return &writing->values->nodes[node];
}

/* How many children, from the first on, fit into `budget` bytes. */
static uint32_t fitting(const struct writing *writing, uint32_t tree, uint64_t budget)
{
    const struct import_node *node = node_at(writing, tree);
    uint32_t child = tree + 1;
    uint64_t used = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        const struct import_node *inner = node_at(writing, child);
        uint64_t weight = inner->kind >= IMPORT_TUPLE || inner->weight < TEXT_MAX + HEAD_MAX
                              ? inner->weight
                              : TEXT_MAX + HEAD_MAX;
        used += weight;
        if (used > budget) {
            return i;
        }
        child += inner->span;
    }
    return node->count;
}

/* Bytes of a text that are kept: whole characters. */
static size_t kept_bytes(const char *text, size_t size)
{
    size_t kept = size;
    if (kept > TEXT_MAX) {
        kept = TEXT_MAX;
        while (kept > 0 && ((uint8_t)text[kept] & 0xc0) == 0x80) {
            kept--;
        }
    }
    return kept;
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
    put(build, CTR_V_CUT);
    put_varint(build, true_length);
    build->writer->next_node++;
    ctr_count(build->writer, CTR_C_values_cut);
}

static void put_text(struct import_build *build, const char *text, size_t size)
{
    size_t kept = kept_bytes(text, size);
    if (size <= CTR_SHORT_TEXT_MAX) {
        put_short_text(build, text, size);
        return;
    }
    if (kept < size) {
        put_cut(build, characters(text, size));
    }
    put(build, CTR_V_TEXT);
    build->writer->next_node++;
    put_varint(build, kept);
    put_bytes(build, text, kept);
}

/* All that is known is how it reads. */
static void put_raw(const struct writing *writing, const struct import_node *node)
{
    struct import_build *build = writing->build;
    const char *name = type_name(build, node->type);
    uint32_t type = type_of(build, CTR_F_OBJECT, "", name, node->type);
    put(build, CTR_V_AS);
    build->writer->next_node++;
    put_varint(build, type);
    put_text(build, import_text(writing->values, node), node->size);
}

/* The magnitude comes with its highest byte first; one that is cut has no digits. */
static void put_big(const struct writing *writing, const struct import_node *node)
{
    struct import_build *build = writing->build;
    const char *text = import_text(writing->values, node);
    size_t kept = node->size > TEXT_MAX ? 0 : node->size;
    if (kept < node->size) {
        put_cut(build, node->size);
    }
    put(build, CTR_V_BIG);
    build->writer->next_node++;
    put_varint(build, kept << 1 | node->is_negative);
    for (size_t i = kept; i-- > 0;) {
        put(build, (uint8_t)text[i]);
    }
}

static struct held put_value(const struct writing *writing, uint32_t number, unsigned depth,
                             uint64_t budget);

static void put_tuple(const struct writing *writing, uint32_t number, unsigned depth,
                      uint64_t budget)
{
    struct import_build *build = writing->build;
    const struct import_node *node = node_at(writing, number);
    uint32_t count = fitting(writing, number, budget);
    if (count < node->count) {
        put_cut(build, node->count);
    }
    put(build, CTR_V_TUPLE);
    build->writer->next_node++;
    put_varint(build, count);
    uint32_t child = number + 1;
    for (uint32_t i = 0; i < count; i++) {
        put_value(writing, child, depth + 1, budget);
        child += node_at(writing, child)->span;
    }
}

static struct held dropped(struct import_build *build)
{
    put(build, CTR_V_DROPPED);
    ctr_count(build->writer, CTR_C_values_dropped);
    return (struct held){CTR_V_DROPPED, 0};
}

static struct held put_long(const struct writing *writing, uint32_t number, unsigned depth,
                            uint64_t budget)
{
    struct import_build *build = writing->build;
    const struct import_node *node = node_at(writing, number);
    const struct held *known = find_cached(build, node->hash);
    if (known != NULL) {
        put_held(build, *known);
        return *known;
    }
    if (depth >= DEPTH_MAX) {
        return dropped(build);
    }
    /* The number is that of the first byte: a CUT or what it wraps. */
    struct held value = {CTR_V_NODE,
                         (uint64_t)build->writer->block << 32 | build->writer->next_node};
    if (node->kind == IMPORT_TUPLE) {
        put_tuple(writing, number, depth, budget);
    } else if (node->kind == IMPORT_BIG) {
        put_big(writing, node);
    } else if (node->kind == IMPORT_RAW) {
        put_raw(writing, node);
    } else {
        put_text(build, import_text(writing->values, node), node->size);
    }
    /* What the budget cut is not the whole value. */
    if (node->kind != IMPORT_TUPLE || node->weight <= budget) {
        remember(build, node->hash, value);
    }
    return value;
}

/* What the rules of the recording hid, in the words of the recorder. */
static bool is_hidden(const struct writing *writing, const struct import_node *node,
                      struct held *value)
{
    static const char redacted[] = "<redacted>", gone[] = "<dropped>";
    const char *text = import_text(writing->values, node);
    const char *type = node->kind == IMPORT_RAW ? type_name(writing->build, node->type) : "";
    bool is_redacted = strcmp(type, "Redacted") == 0 && node->size == sizeof redacted - 1 &&
                       memcmp(text, redacted, node->size) == 0;
    bool is_dropped = strcmp(type, "Dropped") == 0 && node->size == sizeof gone - 1 &&
                      memcmp(text, gone, node->size) == 0;
    if (is_redacted || is_dropped) {
        *value = (struct held){is_redacted ? CTR_V_REDACTED : CTR_V_DROPPED, 0};
    }
    return is_redacted || is_dropped;
}

static struct held short_text(const char *text, size_t size)
{
    struct held value = {CTR_V_SHORT_TEXT, 0};
    memcpy(&value.bits, text, size);
    value.bits |= (uint64_t)size << 56;
    return value;
}

static struct held put_value(const struct writing *writing, uint32_t number, unsigned depth,
                             uint64_t budget)
{
    const struct import_node *node = node_at(writing, number);
    struct held value = {CTR_V_NONE, 0};
    if (is_hidden(writing, node, &value)) {
        put_held(writing->build, value);
        return value;
    }
    switch ((enum import_kind)node->kind) {
    case IMPORT_NONE:
        break;
    case IMPORT_BOOL:
        value.tag = node->integer != 0 ? CTR_V_TRUE : CTR_V_FALSE;
        break;
    case IMPORT_INT:
        value = (struct held){CTR_V_INT, (uint64_t)node->integer};
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
        if (node->object == 0) {
            return dropped(writing->build);
        }
        value = (struct held){CTR_V_OBJECT, node->object - 1};
        break;
    default:
        return put_long(writing, number, depth, budget);
    }
    put_held(writing->build, value);
    return value;
}

/* ---- Objects ---- */

static bool is_pair(const struct writing *writing, uint32_t node)
{
    return node_at(writing, node)->kind == IMPORT_TUPLE && node_at(writing, node)->count == 2;
}

static bool has_pairs_alone(const struct writing *writing, uint32_t number)
{
    const struct import_node *node = node_at(writing, number);
    uint32_t child = number + 1;
    for (uint32_t i = 0; i < node->count; i++) {
        if (!is_pair(writing, child)) {
            return false;
        }
        child += node_at(writing, child)->span;
    }
    return true;
}

/* What a sequence is, its type says by kind (Seq, Set, HashSet, OrderedSet) and name. */
static enum ctr_family family_of(const struct writing *writing, uint32_t number)
{
    enum { KIND_SET = 1, KIND_ORDERED_SET = 3 };
    const struct import_program *program = writing->build->program;
    const struct import_node *node = node_at(writing, number);
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

static uint32_t object_type(const struct writing *writing, const struct import_node *node,
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

/* The name of field `index` of a struct's type. */
static const char *field_name(const struct import_program *program, uint32_t type, uint32_t index,
                              char buffer[16])
{
    if (type < program->type_count) {
        const struct import_name *fields = &program->types[type].fields;
        const char *name = fields->text;
        for (uint32_t i = 0; name < fields->text + fields->size; i++) {
            if (i == index) {
                return name;
            }
            name += strlen(name) + 1;
        }
    }
    snprintf(buffer, 16, "field%u", index);
    return buffer;
}

static void put_children(const struct writing *writing, uint32_t number, enum ctr_family family,
                         uint32_t count, uint64_t budget)
{
    const struct import_node *node = node_at(writing, number);
    uint32_t child = number + 1;
    for (uint32_t i = 0; i < count; i++) {
        char buffer[16];
        if (family == CTR_F_DICT) {
            put_value(writing, child + 1, 0, budget);
            put_value(writing, child + 1 + node_at(writing, child + 1)->span, 0, budget);
        } else {
            if (family == CTR_F_OBJECT) {
                const char *name = field_name(writing->build->program, node->type, i, buffer);
                put_text(writing->build, name, strnlen(name, TEXT_MAX));
            }
            put_value(writing, child, 0, budget);
        }
        child += node_at(writing, child)->span;
    }
}

static void open_objects(const struct writing *writing, uint32_t number, uint64_t budget);

/* Objects inside what will be written of this tree. */
static void open_inside(const struct writing *writing, uint32_t number, uint64_t budget)
{
    uint32_t count = fitting(writing, number, budget);
    uint32_t child = number + 1;
    for (uint32_t i = 0; i < count; i++) {
        open_objects(writing, child, budget);
        child += node_at(writing, child)->span;
    }
}

static void open_object(const struct writing *writing, uint32_t number, uint64_t budget)
{
    struct import_build *build = writing->build;
    struct import_node *node = node_at(writing, number);
    enum ctr_family family = family_of(writing, number);
    uint32_t type = object_type(writing, node, family);
    uint32_t count = fitting(writing, number, budget);
    uint64_t object = build->objects++;
    put(build, CTR_OPEN);
    put_object_reference(build, object);
    put_varint(build, type);
    put(build, CTR_OPEN_BASE | CTR_OPEN_NEW);
    put(build, family == CTR_F_DICT ? CTR_PAIRS : family == CTR_F_OBJECT ? CTR_ATTRS : CTR_ITEMS);
    put_varint(build, node->count);
    put_varint(build, count);
    put_children(writing, number, family, count, budget);
    ctr_count(build->writer, CTR_C_objects);
    if (count < node->count) {
        ctr_count(build->writer, CTR_C_values_cut);
    }
    node->object = object + 1;
    if (node->weight <= budget) {
        remember(build, node->hash, (struct held){CTR_V_OBJECT, object});
    }
}

/* Before a value refers to an object, the object is described. */
static void open_objects(const struct writing *writing, uint32_t number, uint64_t budget)
{
    struct import_node *node = node_at(writing, number);
    if (node->kind < IMPORT_TUPLE) {
        return;
    }
    const struct held *known = find_cached(writing->build, node->hash);
    if (known != NULL) {
        node->object = known->tag == CTR_V_OBJECT ? known->bits + 1 : 0;
        return;
    }
    open_inside(writing, number, budget);
    if (node->kind != IMPORT_TUPLE) {
        open_object(writing, number, budget);
    }
}

/* ---- Frames ---- */

static struct frame *top_frame(struct import_build *build)
{
    return build->depth == 0 ? NULL : build->stack[build->depth - 1];
}

static bool is_bound(const struct slot *slot)
{
    return (slot->hash[0] | slot->hash[1]) != 0;
}

static uint32_t slot_count(const struct import_build *build, const struct frame *frame)
{
    return build->program->plans[frame->plan].count;
}

/* Each block introduces the frames it is about. */
static void introduce(struct import_build *build, struct frame *frame)
{
    if (frame == NULL || frame->known_in == build->writer->block) {
        return;
    }
    uint32_t slots = slot_count(build, frame);
    uint32_t count = 0;
    for (uint32_t i = 0; i < slots; i++) {
        count += is_bound(&frame->slots[i]);
    }
    put(build, CTR_FRAME);
    put(build, 0);
    put_varint(build, frame->call);
    put_varint(build, plan_of(build, frame->plan));
    put_varint(build, build->writer->block - frame->start_block);
    put_varint(build, frame->line);
    put_varint(build, count);
    for (uint32_t i = 0; i < slots; i++) {
        if (is_bound(&frame->slots[i])) {
            put_varint(build, i);
            put_held(build, frame->slots[i].value);
        }
    }
    frame->known_in = build->writer->block;
    build->writer->next_frame++;
}

static void put_slot(struct import_build *build, uint32_t slot)
{
    enum { NEAR_SLOTS = CTR_LINE_FAR - CTR_SET };
    if (slot < NEAR_SLOTS) {
        put(build, (uint8_t)(CTR_SET + slot));
    } else {
        put(build, CTR_SET_FAR);
        put_varint(build, slot);
    }
}

static void bind(struct import_build *build, struct frame *frame, uint32_t number,
                 const struct import_values *values, uint32_t node)
{
    struct writing writing = {build, values};
    struct slot *slot = &frame->slots[number];
    const struct import_node *about = node_at(&writing, node);
    if (slot->stamp == build->stamp) {
        return; /* named twice: the local variable comes before the global it hides */
    }
    slot->stamp = build->stamp;
    if (slot->hash[0] == about->hash[0] && slot->hash[1] == about->hash[1]) {
        return;
    }
    uint64_t budget = build->room < VALUE_MAX ? build->room : VALUE_MAX;
    const uint8_t *before = build->writer->at;
    if (budget < LEAST_ROOM) {
        put_slot(build, number);
        slot->value = dropped(build);
    } else {
        open_objects(&writing, node, budget);
        put_slot(build, number);
        slot->value = put_value(&writing, node, 0, budget);
    }
    size_t used = (size_t)(build->writer->at - before);
    build->room = used < build->room ? build->room - used : 0;
    memcpy(slot->hash, about->hash, sizeof slot->hash);
}

static void bind_all(struct import_build *build, struct frame *frame,
                     const struct import_bindings *bindings)
{
    build->stamp++;
    for (uint32_t i = 0; i < bindings->count; i++) {
        const struct import_argument *item = &bindings->items[i];
        const uint32_t *slot = import_slot(build->program, frame->plan, (uint32_t)item->variable);
        if (slot != NULL) {
            bind(build, frame, *slot, bindings->values, item->node);
        }
    }
}

/* A step names all variables there are. What the first one does not name stays if it is an
 * argument: up to there, changes belong to the call. */
static void unbind_others(struct import_build *build, struct frame *frame)
{
    uint32_t slots = slot_count(build, frame);
    uint32_t first = frame->line == 0 ? build->program->plans[frame->plan].arguments : 0;
    for (uint32_t i = first; i < slots; i++) {
        struct slot *slot = &frame->slots[i];
        if (is_bound(slot) && slot->stamp != build->stamp) {
            put_slot(build, i);
            put(build, CTR_V_UNBOUND);
            *slot = (struct slot){0};
        }
    }
}

/* ---- Events ---- */

static bool begin_event(struct import_build *build)
{
    struct ctr_writer *writer = build->writer;
    if (writer->soft != NULL && writer->at >= writer->soft) {
        ctr_writer_next_block(writer);
    }
    build->room = EVENT_MAX;
    return has_bytes(build, 1);
}

static int end_event(struct import_build *build, struct ct_error *error)
{
    if (build->status == CT_OK) {
        ctr_commit(build->writer);
    } else if (error != NULL) {
        *error = build->error;
    }
    return build->status;
}

static struct frame *push_frame(struct import_build *build, uint32_t plan)
{
    if (build->depth == build->capacity) {
        uint32_t capacity = build->capacity == 0 ? 64 : build->capacity * 2;
        struct frame **stack = realloc(build->stack, capacity * sizeof *stack);
        if (stack == NULL) {
            return NULL;
        }
        build->stack = stack;
        build->capacity = capacity;
    }
    size_t slots = build->program->plans[plan].count;
    struct frame *frame = calloc(1, sizeof *frame + slots * sizeof frame->slots[0]);
    if (frame != NULL) {
        build->stack[build->depth++] = frame;
    }
    return frame;
}

static struct import_build *build_of(struct import_sink *sink)
{
    return (struct import_build *)(void *)sink;
}

static int on_call(struct import_sink *sink, uint32_t plan, const struct import_bindings *arguments,
                   struct ct_error *error)
{
    struct import_build *build = build_of(sink);
    struct ctr_writer *writer = build->writer;
    if (!begin_event(build)) {
        return end_event(build, error);
    }
    uint32_t number = plan_of(build, plan);
    introduce(build, top_frame(build));
    struct frame *frame = push_frame(build, plan);
    if (frame == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    frame->plan = plan;
    frame->start_calls = frame->call = writer->calls++;
    frame->start_step = writer->steps;
    frame->start_block = frame->known_in = writer->block;
    writer->next_frame++;
    put(build, CTR_CALL);
    put_varint(build, number);
    ctr_count(writer, CTR_C_calls);
    bind_all(build, frame, arguments);
    return end_event(build, error);
}

static int on_line(struct import_sink *sink, uint32_t plan, uint32_t line,
                   const struct import_bindings *values, struct ct_error *error)
{
    struct import_build *build = build_of(sink);
    struct frame *frame = top_frame(build);
    (void)plan;
    if (!begin_event(build)) {
        return end_event(build, error);
    }
    introduce(build, frame);
    bind_all(build, frame, values);
    unbind_others(build, frame);
    int64_t change = (int64_t)line - frame->line;
    if (change >= -CTR_LINE_BIAS && change < CTR_LINE_BIAS) {
        put(build, (uint8_t)(change + CTR_LINE_BIAS));
    } else {
        put(build, CTR_LINE_FAR);
        put_varint(build, ct_zigzag(change));
    }
    frame->line = line;
    build->writer->steps++;
    ctr_count(build->writer, CTR_C_lines);
    return end_event(build, error);
}

static void put_span(struct import_build *build, const struct frame *frame)
{
    if (frame->start_block != build->writer->block) {
        put(build, CTR_SPAN);
        put_varint(build, build->writer->steps - frame->start_step);
        put_varint(build, build->writer->calls - frame->start_calls);
    }
}

static int on_leave(struct import_sink *sink, const struct import_bindings *result,
                    struct ct_error *error)
{
    struct import_build *build = build_of(sink);
    struct frame *frame = top_frame(build);
    if (!begin_event(build)) {
        return end_event(build, error);
    }
    introduce(build, frame);
    struct writing writing = {build, result->values};
    if (result->count > 0) {
        open_objects(&writing, result->items[0].node, VALUE_MAX);
    }
    put_span(build, frame);
    put(build, CTR_RETURN);
    if (result->count > 0) {
        put_value(&writing, result->items[0].node, 0, VALUE_MAX);
    } else {
        put(build, CTR_V_NONE);
    }
    ctr_count(build->writer, CTR_C_returns);
    build->depth--;
    free(frame);
    return end_event(build, error);
}

/* Of what was written nothing is left out: it comes in pieces. */
static int on_io(struct import_sink *sink, uint32_t stream, const struct ct_bytes *text,
                 struct ct_error *error)
{
    struct import_build *build = build_of(sink);
    bool is_input = stream == CTR_STDIN;
    size_t done = 0;
    do {
        const char *piece = text->size == 0 ? "" : (const char *)text->data + done;
        size_t size = kept_bytes(piece, text->size - done);
        if (!begin_event(build)) {
            break;
        }
        put(build, is_input ? CTR_INPUT : CTR_OUTPUT);
        put_varint(build, stream);
        put_text(build, piece, size);
        ctr_count(build->writer, is_input ? CTR_C_inputs : CTR_C_outputs);
        done += size;
    } while (done < text->size && end_event(build, error) == CT_OK);
    return end_event(build, error);
}

/* ---- Life ---- */

int import_build_new(struct import_build **built, const struct import_program *program,
                     struct ctr_writer *writer, struct ct_error *error)
{
    struct import_build *build = calloc(1, sizeof *build);
    if (build == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    build->sink = (struct import_sink){on_call, on_line, on_leave, on_io};
    build->program = program;
    build->writer = writer;
    build->locals_of = NEVER;
    build->cache = calloc(CACHED, sizeof *build->cache);
    build->plans = calloc((size_t)program->plan_count + 1, sizeof *build->plans);
    if (build->cache == NULL || build->plans == NULL) {
        import_build_free(build);
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    *built = build;
    return CT_OK;
}

void import_build_free(struct import_build *build)
{
    if (build == NULL) {
        return;
    }
    for (uint32_t i = 0; i < build->depth; i++) {
        free(build->stack[i]);
    }
    free(build->stack);
    free(build->cache);
    free(build->plans);
    import_map_free(&build->locals);
    import_map_free(&build->types);
    free(build);
}

struct import_sink *import_build_sink(struct import_build *build)
{
    return &build->sink;
}
