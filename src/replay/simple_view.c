#include "replay/simple_view.h"

#include <stdlib.h>
#include <string.h>

enum {
    HINTS = 256,     /* powers of two */
    NODES = 256,     /* */
    TEXT_MAX = 4096, /* bytes of a text that is kept */
    TUPLE_MAX = 64,  /* elements of a recorded tuple that are stepped over */
    NOWHERE = 0xffffffff,
};

/* Where a name or key stood in an object, true as long as nothing there changed its position. */
struct hint {
    const struct rp_node *node;
    uint64_t number, arrangement;
    uint32_t position;
};

struct known_node {
    struct ctr_value value;
    struct rp_operand operand;
    struct text *text; /* of a STR */
};

struct text {
    struct text *next;
    char bytes[];
};

struct rp_view {
    struct ctr_trace *trace;
    struct ctr_sweeper *sweeper;
    struct rp_classes *classes;
    struct hint hints[HINTS];
    struct known_node nodes[NODES];
    struct text *gone; /* an operand of this visit may still have it */
};

static const struct rp_operand unknown = {.kind = RP_V_THING};

struct rp_view *rp_view_new(struct ctr_trace *trace)
{
    struct rp_view *view = calloc(1, sizeof *view);
    struct rp_classes *classes = rp_classes_new(trace);
    if (view == NULL || classes == NULL) {
        free(view);
        rp_classes_free(classes);
        return NULL;
    }
    view->trace = trace;
    view->classes = classes;
    return view;
}

static void free_gone(struct rp_view *view)
{
    while (view->gone != NULL) {
        struct text *text = view->gone;
        view->gone = text->next;
        free(text);
    }
}

void rp_view_free(struct rp_view *view)
{
    if (view != NULL) {
        free_gone(view);
        for (unsigned i = 0; i < NODES; i++) {
            free(view->nodes[i].text);
        }
        rp_classes_free(view->classes);
        free(view);
    }
}

void rp_view_forget(struct rp_view *view)
{
    memset(view->hints, 0, sizeof view->hints);
}

void rp_view_enter(struct rp_view *view, struct ctr_sweeper *sweeper)
{
    free_gone(view);
    view->sweeper = sweeper;
}

/* ---- nodes: immutable, and looked into once ---- */

static uint32_t mix(uint64_t a, uint64_t b)
{
    return (uint32_t)(((a ^ b << 32) * 0x9e3779b97f4a7c15ull) >> 40);
}

/* What is inside of a wrapper is of a kind that goes with it, and not hidden. */
static bool is_sound_inside(struct rp_view *view, struct ctr_node *wrapper)
{
    struct ctr_node node;
    struct ctr_value inside = ctr_scan_value(&wrapper->children, (struct ctr_value){0});
    if (inside.tag != CTR_V_NODE) {
        return inside.tag == CTR_V_SHORT_TEXT || inside.tag == CTR_V_INT;
    }
    if (ctr_node_open(view->trace, inside, &node, NULL) != CT_OK) {
        return false;
    }
    bool is_sound = node.tag == CTR_V_TEXT || node.tag == CTR_V_TUPLE || node.tag == CTR_V_BIG;
    ctr_node_close(view->trace, &node);
    return is_sound;
}

/* Whether what is said here of a family is right of a type: its class has no other idea of truth,
 * length and equality. (Two instances are left to the evaluator anyway.) */
static bool says_all(struct rp_view *view, const struct ctr_type *type)
{
    unsigned own = rp_methods_of(view->classes, type) & ~(RP_M_ORDER | RP_M_NUMBER | RP_M_TEXT);
    bool is_instance = type->family == CTR_F_OBJECT || type->family == CTR_F_DATACLASS;
    return (own & ~(is_instance ? RP_M_ALIKE | RP_M_ITEMS : 0u)) == 0;
}

/* Wrapped values that are neither built-in numbers, texts nor containers, by their family. */
static enum rp_thing thing_of(struct rp_view *view, const struct ctr_type *type)
{
    static const uint8_t things[CTR_F_MAX] = {
        [CTR_F_FUNCTION] = RP_T_OTHER,   [CTR_F_METHOD] = RP_T_OTHER,
        [CTR_F_CLASS] = RP_T_OTHER,      [CTR_F_MODULE] = RP_T_OTHER,
        [CTR_F_ENUM] = RP_T_OTHER,       [CTR_F_DATE] = RP_T_OTHER,
        [CTR_F_DATETIME] = RP_T_OTHER,   [CTR_F_TIME] = RP_T_OTHER,
        [CTR_F_TIMEDELTA] = RP_T_UNSURE, [CTR_F_DECIMAL] = RP_T_UNSURE,
        [CTR_F_FRACTION] = RP_T_UNSURE,  [CTR_F_PATH] = RP_T_OTHER,
        [CTR_F_TRACEBACK] = RP_T_OTHER,
    };
    enum rp_thing thing =
        type != NULL && type->family < CTR_F_MAX ? things[type->family] : RP_T_UNKNOWN;
    return thing == RP_T_UNKNOWN || says_all(view, type) ? thing : RP_T_OWN;
}

static void keep_text(struct known_node *known, const struct ctr_node *node)
{
    struct text *text = node->size <= TEXT_MAX ? malloc(sizeof *text + node->size + 1) : NULL;
    if (text == NULL) {
        return;
    }
    if (node->size > 0) {
        memcpy(text->bytes, node->bytes, node->size);
    }
    known->text = text;
    known->operand.kind = RP_V_STR;
    known->operand.text = text->bytes;
    known->operand.size = node->size;
}

static void look_into(struct rp_view *view, struct known_node *known)
{
    struct ctr_node node;
    struct rp_operand *operand = &known->operand;
    if (ctr_node_open(view->trace, known->value, &node, NULL) != CT_OK) {
        return;
    }
    switch (node.tag) {
    case CTR_V_TEXT:
        keep_text(known, &node);
        break;
    case CTR_V_BYTES:
        operand->kind = RP_V_BYTES;
        operand->size = node.size;
        break;
    case CTR_V_TUPLE:
    case CTR_V_FROZENSET:
        operand->kind = node.tag == CTR_V_TUPLE ? RP_V_TUPLE : RP_V_SET;
        operand->size = node.count;
        break;
    case CTR_V_AS:
    case CTR_V_THING:
        if (is_sound_inside(view, &node)) {
            operand->thing = thing_of(view, ctr_type(view->trace, node.type));
        }
        break;
    default:
        break;
    }
    ctr_node_close(view->trace, &node);
}

static struct rp_operand of_node(struct rp_view *view, struct ctr_value value)
{
    struct known_node *known = &view->nodes[mix(value.bits, value.block) % NODES];
    if (!ctr_value_same(known->value, value)) {
        if (known->text != NULL) {
            known->text->next = view->gone;
            view->gone = known->text;
        }
        *known = (struct known_node){.value = value, .operand = unknown};
        known->operand.value = value;
        look_into(view, known);
    }
    return known->operand;
}

/* ---- objects ---- */

/* What an object is by its family. */
static struct rp_operand of_object(struct rp_view *view, struct ctr_value value)
{
    struct ctr_object_state *state = ctr_sweep_object(view->sweeper, value.bits);
    const struct ctr_type *type = state != NULL ? ctr_type(view->trace, state->object.type) : NULL;
    struct rp_operand operand = {.kind = RP_V_THING, .value = value, .state = state};
    if (type == NULL) {
        return unknown;
    }
    if (!says_all(view, type)) {
        operand.thing = RP_T_OWN;
        return operand;
    }
    operand.size = state->object.true_items;
    switch (type->family) {
    case CTR_F_OBJECT:
    case CTR_F_DATACLASS:
        operand.thing = RP_T_INSTANCE;
        return operand;
    case CTR_F_EXCEPTION:
    case CTR_F_NAMESPACE:
    case CTR_F_GENERATOR:
    case CTR_F_STREAM:
        operand.thing = RP_T_OTHER;
        return operand;
    case CTR_F_ENUM: /* of an IntEnum its value decides */
        operand.thing = state->object.item_count == 0 ? RP_T_OTHER : RP_T_UNSURE;
        return operand;
    case CTR_F_LIST:
    case CTR_F_DEQUE:
        operand.kind = RP_V_LIST;
        operand.is_deque = type->family == CTR_F_DEQUE;
        return operand;
    case CTR_F_TUPLE:
    case CTR_F_NAMEDTUPLE:
        operand.kind = RP_V_TUPLE;
        return operand;
    case CTR_F_SET:
    case CTR_F_FROZENSET:
        operand.kind = RP_V_SET;
        return operand;
    case CTR_F_DICT:
    case CTR_F_MAPPINGPROXY:
        operand.kind = RP_V_DICT;
        operand.size = state->object.true_pairs;
        return operand;
    default:
        return unknown;
    }
}

struct rp_operand rp_view_operand(struct rp_view *view, struct ctr_value value)
{
    struct rp_operand operand = {.kind = RP_V_THING, .value = value};
    switch (value.tag) {
    case CTR_V_NONE:
        operand.kind = RP_V_NONE;
        return operand;
    case CTR_V_TRUE:
    case CTR_V_FALSE:
        operand.kind = RP_V_BOOL;
        operand.integer = value.tag == CTR_V_TRUE;
        return operand;
    case CTR_V_INT:
        operand.kind = RP_V_INT;
        operand.integer = (int64_t)value.bits;
        return operand;
    case CTR_V_FLOAT:
        operand.kind = RP_V_FLOAT;
        operand.number = ctr_value_float(value);
        return operand;
    case CTR_V_SHORT_TEXT:
        operand.kind = RP_V_STR;
        operand.size = (size_t)(value.bits >> 56) & CTR_SHORT_TEXT_MAX;
        return operand;
    case CTR_V_NODE:
        return view != NULL ? of_node(view, value) : unknown;
    case CTR_V_OBJECT:
        return view != NULL ? of_object(view, value) : unknown;
    default:
        return unknown;
    }
}

/* ---- names in objects ---- */

static struct hint *hint_for(struct rp_view *view, const struct rp_node *node,
                             const struct ctr_object_state *state)
{
    return &view->hints[mix(state->object.number, (uintptr_t)node >> 4) % HINTS];
}

static bool is_here(const struct hint *hint, const struct rp_node *node,
                    const struct ctr_object_state *state)
{
    return hint->node == node && hint->number == state->object.number &&
           hint->arrangement == state->arrangement;
}

/* Whether a key is the text of `node`; `*is_sure`: or certainly not. */
static bool is_named(struct rp_view *view, struct ctr_value key, const struct rp_node *node,
                     bool *is_sure)
{
    if (key.tag != CTR_V_SHORT_TEXT && key.tag != CTR_V_NODE && key.tag != CTR_V_OBJECT) {
        return false;
    }
    struct rp_operand text = rp_view_operand(view, key);
    if (text.kind != RP_V_STR) {
        *is_sure = false;
        return false;
    }
    return text.size == node->size && memcmp(rp_operand_text(&text), node->text, text.size) == 0;
}

/* The first of some pairs, or attributes that are bound, with the text of `node` as its key.
 * NOWHERE: there is none, certainly or not. */
static uint32_t find_named(struct rp_view *view, struct ctr_object_state *state,
                           const struct ctr_pair *pairs, uint32_t count, const struct rp_node *node,
                           bool *is_sure)
{
    struct hint *hint = hint_for(view, node, state);
    bool is_first = true; /* no other one of the name may become bound */
    *is_sure = true;
    if (is_here(hint, node, state) && pairs[hint->position].value.tag != CTR_V_UNBOUND) {
        return hint->position;
    }
    for (uint32_t i = 0; i < count && *is_sure; i++) {
        if (ctr_is_hole(&pairs[i]) || !is_named(view, pairs[i].key, node, is_sure)) {
            continue;
        }
        if (pairs[i].value.tag != CTR_V_UNBOUND) {
            if (is_first) {
                *hint = (struct hint){node, state->object.number, state->arrangement, i};
            }
            return i;
        }
        is_first = false;
    }
    return NOWHERE;
}

struct rp_operand rp_view_attribute(struct rp_view *view, const struct rp_operand *of,
                                    const struct rp_node *node)
{
    bool is_sure;
    bool is_own = node->size > 1 && node->text[0] == '_' && node->text[1] == '_';
    if (of->state == NULL || is_own) { /* __class__ is no attribute that was recorded */
        return unknown;
    }
    uint32_t at =
        find_named(view, of->state, of->state->attr_places, of->state->attr_end, node, &is_sure);
    return at != NOWHERE ? rp_view_operand(view, of->state->attr_places[at].value) : unknown;
}

bool rp_view_named(struct rp_view *view, uint64_t dict, const struct rp_node *node,
                   struct rp_operand *found, bool *absent)
{
    struct ctr_object_state *state = ctr_sweep_object(view->sweeper, dict);
    bool is_sure = false;
    uint32_t at = state == NULL ? NOWHERE
                                : find_named(view, state, state->object.pairs, state->pair_end,
                                             node, &is_sure);
    *absent = at == NOWHERE && is_sure;
    if (at != NOWHERE) {
        *found = rp_view_operand(view, state->object.pairs[at].value);
    }
    return at != NOWHERE;
}

/* ---- places and keys ---- */

static struct rp_operand item_of_node(struct rp_view *view, struct ctr_value value, uint64_t place)
{
    struct ctr_node node;
    struct ctr_value item = {0};
    if (place >= TUPLE_MAX || ctr_node_open(view->trace, value, &node, NULL) != CT_OK) {
        return unknown;
    }
    for (uint64_t i = 0; i <= place && i < node.count; i++) {
        item = ctr_scan_value(&node.children, (struct ctr_value){0});
    }
    ctr_node_close(view->trace, &node);
    return rp_view_operand(view, item);
}

struct rp_operand rp_view_item(struct rp_view *view, const struct rp_operand *of, int64_t index)
{
    uint64_t distance = index < 0 ? -(uint64_t)index : (uint64_t)index;
    bool is_inside = index < 0 ? distance <= of->size : distance < of->size;
    uint64_t place = index < 0 ? of->size - distance : distance;
    if (!is_inside) {
        return unknown;
    }
    if (of->state == NULL) {
        return item_of_node(view, of->value, place);
    }
    const struct ctr_object *object = &of->state->object;
    return place < object->item_count ? rp_view_operand(view, object->items[place]) : unknown;
}

bool rp_view_pair(struct rp_view *view, const struct rp_operand *dict, const struct rp_operand *key,
                  struct rp_operand *found)
{
    struct ctr_object_state *state = dict->state;
    if (key->value.tag == CTR_V_UNBOUND || state == NULL) {
        return false;
    }
    uint32_t at = ctr_sweep_find_pair(view->sweeper, state, key->value);
    if (at != CTR_NO_PAIR) {
        *found = rp_view_operand(view, state->object.pairs[at].value);
    }
    return at != CTR_NO_PAIR;
}

bool rp_view_next(struct rp_view *view, const struct rp_operand *of, uint32_t *at,
                  struct rp_operand *element, struct ctr_value *value)
{
    const struct ctr_object_state *state = of->state;
    bool is_dict = of->kind == RP_V_DICT;
    uint32_t count = is_dict ? state->pair_end : state->object.item_count;
    while (is_dict && *at < count && ctr_is_hole(&state->object.pairs[*at])) {
        ++*at;
    }
    if (*at >= count) {
        return false;
    }
    *value = is_dict ? state->object.pairs[*at].value : state->object.items[*at];
    *element = rp_view_operand(view, is_dict ? state->object.pairs[*at].key : *value);
    return true;
}
