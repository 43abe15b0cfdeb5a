#include "trace/shape.h"

enum { WRAPPERS_MAX = CTR_VALUE_DEPTH_MAX };

static const char *const kind_names[CTR_KIND_COUNT] = {
    [CTR_F_OBJECT] = "object",
    [CTR_F_INT] = "int",
    [CTR_F_FLOAT] = "float",
    [CTR_F_COMPLEX] = "complex",
    [CTR_F_TEXT] = "str",
    [CTR_F_BYTES] = "bytes",
    [CTR_F_BYTEARRAY] = "bytearray",
    [CTR_F_LIST] = "list",
    [CTR_F_TUPLE] = "tuple",
    [CTR_F_NAMEDTUPLE] = "namedtuple",
    [CTR_F_SET] = "set",
    [CTR_F_FROZENSET] = "frozenset",
    [CTR_F_DICT] = "dict",
    [CTR_F_DEQUE] = "deque",
    [CTR_F_EXCEPTION] = "exception",
    [CTR_F_FUNCTION] = "function",
    [CTR_F_METHOD] = "method",
    [CTR_F_CLASS] = "class",
    [CTR_F_MODULE] = "module",
    [CTR_F_ENUM] = "enum",
    [CTR_F_DATACLASS] = "dataclass",
    [CTR_F_GENERATOR] = "generator",
    [CTR_F_BUFFER] = "buffer",
    [CTR_F_DATE] = "date",
    [CTR_F_DATETIME] = "datetime",
    [CTR_F_TIME] = "time",
    [CTR_F_TIMEDELTA] = "timedelta",
    [CTR_F_DECIMAL] = "decimal",
    [CTR_F_FRACTION] = "fraction",
    [CTR_F_PATH] = "path",
    [CTR_F_UUID] = "uuid",
    [CTR_F_PATTERN] = "pattern",
    [CTR_F_MATCH] = "match",
    [CTR_F_MAPPINGPROXY] = "mappingproxy",
    [CTR_F_CELL] = "cell",
    [CTR_F_NAMESPACE] = "namespace",
    [CTR_F_TRACEBACK] = "traceback",
    [CTR_F_STREAM] = "stream",
    [CTR_K_NONE] = "none",
    [CTR_K_BOOL] = "bool",
    [CTR_K_ELLIPSIS] = "ellipsis",
    [CTR_K_NOT_IMPLEMENTED] = "notimplemented",
    [CTR_K_RANGE] = "range",
    [CTR_K_SLICE] = "slice",
    [CTR_K_UNBOUND] = "unbound",
    [CTR_K_REDACTED] = "redacted",
    [CTR_K_DROPPED] = "dropped",
    [CTR_K_OPAQUE] = "opaque",
    [CTR_K_UNREADABLE] = "unreadable",
};

const char *ctr_kind_name(uint32_t kind)
{
    return kind < CTR_KIND_COUNT ? kind_names[kind] : "unreadable";
}

/* The kind and type name of a built-in value by its tag, or by the tag of its node. */
static const struct builtin {
    bool is_known;
    uint8_t kind;
    const char *type;
} builtins[] = {
    [CTR_V_UNBOUND] = {true, CTR_K_UNBOUND, ""},
    [CTR_V_NONE] = {true, CTR_K_NONE, "NoneType"},
    [CTR_V_TRUE] = {true, CTR_K_BOOL, "bool"},
    [CTR_V_FALSE] = {true, CTR_K_BOOL, "bool"},
    [CTR_V_ELLIPSIS] = {true, CTR_K_ELLIPSIS, "ellipsis"},
    [CTR_V_NOT_IMPLEMENTED] = {true, CTR_K_NOT_IMPLEMENTED, "NotImplementedType"},
    [CTR_V_INT] = {true, CTR_F_INT, "int"},
    [CTR_V_FLOAT] = {true, CTR_F_FLOAT, "float"},
    [CTR_V_COMPLEX] = {true, CTR_F_COMPLEX, "complex"},
    [CTR_V_BIG] = {true, CTR_F_INT, "int"},
    [CTR_V_TEXT] = {true, CTR_F_TEXT, "str"},
    [CTR_V_BYTES] = {true, CTR_F_BYTES, "bytes"},
    [CTR_V_TUPLE] = {true, CTR_F_TUPLE, "tuple"},
    [CTR_V_FROZENSET] = {true, CTR_F_FROZENSET, "frozenset"},
    [CTR_V_SLICE] = {true, CTR_K_SLICE, "slice"},
    [CTR_V_RANGE] = {true, CTR_K_RANGE, "range"},
    [CTR_V_REDACTED] = {true, CTR_K_REDACTED, ""},
    [CTR_V_DROPPED] = {true, CTR_K_DROPPED, ""},
    [CTR_V_SHORT_TEXT] = {true, CTR_F_TEXT, "str"},
};

static const struct builtin *builtin_of(const struct ctr_shape *shape)
{
    static const struct builtin unreadable = {true, CTR_K_UNREADABLE, ""};
    uint32_t tag = shape->has_node ? shape->node.tag : shape->content.tag;
    bool is_known = tag < sizeof builtins / sizeof builtins[0] && builtins[tag].is_known;
    return is_known ? &builtins[tag] : &unreadable;
}

/* Families whose objects hold one built-in value in items[0]. */
static bool is_boxed(uint8_t family)
{
    static const bool boxed[CTR_F_MAX] = {
        [CTR_F_INT] = true,       [CTR_F_FLOAT] = true,    [CTR_F_COMPLEX] = true,
        [CTR_F_TEXT] = true,      [CTR_F_BYTES] = true,    [CTR_F_BYTEARRAY] = true,
        [CTR_F_DATE] = true,      [CTR_F_DATETIME] = true, [CTR_F_TIME] = true,
        [CTR_F_TIMEDELTA] = true, [CTR_F_DECIMAL] = true,  [CTR_F_FRACTION] = true,
        [CTR_F_PATH] = true,      [CTR_F_UUID] = true,     [CTR_F_PATTERN] = true,
        [CTR_F_MATCH] = true,
    };
    return family < CTR_F_MAX && boxed[family];
}

static void set_type(struct ctr_shape *shape, struct ctr_player *player, uint32_t type)
{
    if (shape->type == NULL) {
        shape->type = ctr_type(ctr_player_trace(player), type);
    }
}

/* Take off the wrapper that is the open node: true when it was one, and `*value` is its inside. */
static bool unwrap_node(struct ctr_player *player, struct ctr_shape *shape, struct ctr_value *value)
{
    struct ctr_node *node = &shape->node;
    switch (node->tag) {
    case CTR_V_CUT:
        shape->is_cut = true;
        shape->true_length = node->true_length;
        break;
    case CTR_V_AS:
        set_type(shape, player, node->type);
        break;
    case CTR_V_THING:
        set_type(shape, player, node->type);
        shape->is_thing = true;
        shape->address = node->address;
        break;
    default:
        return false;
    }
    *value = ctr_scan_value(&node->children, (struct ctr_value){0});
    ctr_shape_close(player, shape);
    return true;
}

/* Enter an object: true when its value is inside, and is `*value` now. */
static bool unwrap_object(struct ctr_player *player, struct ctr_shape *shape,
                          struct ctr_value *value)
{
    struct ct_error error;
    error.code = CT_OK;
    const struct ctr_object *object = ctr_player_object(player, value->bits, &error);
    if (object == NULL && error.code == CT_OK && !shape->is_object) {
        shape->content.tag = CTR_V_DROPPED; /* never described so far: nothing is damaged */
        shape->kind = CTR_K_DROPPED;
        return false;
    }
    if (object == NULL || shape->is_object) {
        shape->kind = CTR_K_UNREADABLE;
        return false;
    }
    shape->is_object = true;
    shape->is_late = object->is_late;
    shape->verified = object->verified;
    shape->number = value->bits;
    set_type(shape, player, object->type);
    if (shape->type != NULL && is_boxed(shape->type->family) && object->item_count > 0) {
        *value = object->items[0];
        return true;
    }
    shape->kind = shape->type == NULL ? CTR_K_UNREADABLE : shape->type->family;
    return false;
}

static void classify(struct ctr_player *player, struct ctr_shape *shape)
{
    if (shape->has_node && shape->node.tag == CTR_V_OPAQUE) {
        set_type(shape, player, shape->node.type);
        shape->address = shape->node.address;
        shape->kind = CTR_K_OPAQUE;
        return;
    }
    uint32_t kind = builtin_of(shape)->kind;
    bool says_itself = kind == CTR_K_REDACTED || kind == CTR_K_DROPPED;
    shape->kind = shape->type == NULL || says_itself ? kind : shape->type->family;
}

void ctr_shape_open(struct ctr_player *player, struct ctr_value value, struct ctr_shape *shape)
{
    memset(shape, 0, sizeof *shape);
    shape->kind = CTR_K_UNREADABLE;
    for (int i = 0; i < WRAPPERS_MAX; i++) {
        if (value.tag == CTR_V_OBJECT) {
            if (!unwrap_object(player, shape, &value)) {
                return;
            }
            continue;
        }
        if (value.tag == CTR_V_NODE) {
            struct ctr_trace *trace = ctr_player_trace(player);
            if (ctr_node_open(trace, value, &shape->node, NULL) != CT_OK) {
                return;
            }
            shape->has_node = true;
            if (unwrap_node(player, shape, &value)) {
                continue;
            }
        }
        shape->content = value;
        classify(player, shape);
        return;
    }
}

void ctr_shape_close(struct ctr_player *player, struct ctr_shape *shape)
{
    if (shape->has_node) {
        ctr_node_close(ctr_player_trace(player), &shape->node);
        shape->has_node = false;
    }
}

struct ctr_text ctr_shape_type_name(const struct ctr_shape *shape)
{
    if (shape->type == NULL) {
        bool is_opened = shape->has_node || shape->kind != CTR_K_UNREADABLE;
        const char *name = is_opened ? builtin_of(shape)->type : "";
        return (struct ctr_text){name, strlen(name)};
    }
    struct ctr_text name = shape->type->name;
    const char *dot = name.size == 0 ? NULL : memrchr(name.bytes, '.', name.size);
    if (dot != NULL) {
        size_t skipped = (size_t)(dot + 1 - name.bytes);
        name = (struct ctr_text){dot + 1, name.size - skipped};
    }
    return name;
}

static bool add_content(struct ctr_player *player, struct ctr_value value, bool takes_bytes,
                        struct ct_bytes *to)
{
    if (value.tag == CTR_V_SHORT_TEXT) {
        ct_bytes_add(to, &value.bits, (size_t)(value.bits >> 56) & CTR_SHORT_TEXT_MAX);
        return true;
    }
    struct ctr_shape shape;
    ctr_shape_open(player, value, &shape);
    bool is_content = true;
    if (shape.has_node &&
        (shape.node.tag == CTR_V_TEXT || (takes_bytes && shape.node.tag == CTR_V_BYTES))) {
        ct_bytes_add(to, shape.node.bytes, shape.node.size);
    } else if (shape.content.tag == CTR_V_SHORT_TEXT) {
        is_content = add_content(player, shape.content, takes_bytes, to);
    } else {
        is_content = false;
    }
    ctr_shape_close(player, &shape);
    return is_content;
}

bool ctr_shape_add_text(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to)
{
    return add_content(player, value, false, to);
}

bool ctr_shape_add_content(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to)
{
    return add_content(player, value, true, to);
}

bool ctr_shape_text_is(struct ctr_player *player, struct ctr_value value, const char *text)
{
    size_t size = strlen(text);
    if (value.tag == CTR_V_SHORT_TEXT) {
        return value.bits >> 56 == size && memcmp(&value.bits, text, size) == 0;
    }
    struct ctr_node node;
    struct ctr_trace *trace = ctr_player_trace(player);
    if (value.tag != CTR_V_NODE || ctr_node_open(trace, value, &node, NULL) != CT_OK) {
        return false;
    }
    bool is_same =
        node.tag == CTR_V_TEXT && node.size == size && memcmp(node.bytes, text, size) == 0;
    ctr_node_close(trace, &node);
    return is_same;
}
