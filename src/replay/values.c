#include "replay/values.h"

#include <stdlib.h>

#include "replay/session_internal.h"
#include "trace/shape.h"

enum { REFERENCES_MAX = 1 << 20 }; /* of one moment */

static const struct ctr_value unbound = {0};

/* ---- what a value holds ---- */

/* Where its children are. */
struct holder {
    struct ctr_player *player;
    struct ctr_shape shape;
    bool has_node_children;   /* indexed or named below; else those of an object, if it is one */
    const char *const *names; /* of the node's children; NULL: they are indexed */
    struct ctr_text *fields;
    uint32_t skipped; /* first children of the node that are none of the value */
    uint32_t node_count;
};

static const char *const slice_names[] = {"start", "stop", "step"};
static const char *const enum_names[] = {"name", "value"};
static const char *const method_names[] = {"__self__"};
static const char *const thing_names[] = {"over"};

static void node_children(struct holder *holder, const char *const *names, uint32_t skipped,
                          uint32_t most)
{
    uint32_t count = holder->shape.node.count;
    count = count > skipped ? count - skipped : 0;
    holder->has_node_children = true;
    holder->names = names;
    holder->skipped = skipped;
    holder->node_count = count < most ? count : most;
}

static void look_into_node(struct holder *holder)
{
    const struct ctr_shape *shape = &holder->shape;
    bool is_tuple = shape->node.tag == CTR_V_TUPLE;
    switch (shape->kind) {
    case CTR_F_NAMEDTUPLE:
        node_children(holder, NULL, 0, UINT32_MAX);
        if (shape->type != NULL && shape->type->field_count >= holder->node_count) {
            holder->fields = shape->type->fields;
        }
        break;
    case CTR_F_TUPLE:
    case CTR_F_FROZENSET:
    case CTR_F_TRACEBACK:
        node_children(holder, NULL, 0, UINT32_MAX);
        break;
    case CTR_K_SLICE:
    case CTR_K_RANGE:
        node_children(holder, slice_names, 0, 3);
        break;
    case CTR_F_ENUM:
        if (is_tuple) {
            node_children(holder, enum_names, 0, 2);
        }
        break;
    case CTR_F_METHOD:
        if (is_tuple) {
            node_children(holder, method_names, 1, 1);
        }
        break;
    case CTR_F_OBJECT:
        if (is_tuple && shape->is_thing) {
            node_children(holder, thing_names, 0, 1);
        }
        break;
    default:
        break;
    }
}

static void open_holder(struct ctr_player *player, struct ctr_value value, struct holder *holder)
{
    *holder = (struct holder){.player = player};
    ctr_shape_open(player, value, &holder->shape);
    if (holder->shape.has_node) {
        look_into_node(holder);
    }
}

static void close_holder(struct holder *holder)
{
    ctr_shape_close(holder->player, &holder->shape);
}

static const struct ctr_object *object_of(const struct holder *holder)
{
    return holder->shape.is_object ? ctr_player_object(holder->player, holder->shape.number, NULL)
                                   : NULL;
}

/* What items[0] of an object is, where that is its value and no item of it. */
static bool is_boxed(const struct holder *holder)
{
    return holder->shape.content.tag != CTR_V_UNBOUND;
}

static uint64_t count_section(const struct holder *holder, enum rp_section section)
{
    bool are_named = holder->names != NULL || holder->fields != NULL;
    uint64_t count =
        holder->has_node_children && are_named == (section == RP_NAMED) ? holder->node_count : 0;
    const struct ctr_object *object = object_of(holder);
    if (object == NULL) {
        return count;
    }
    if (section == RP_NAMED) {
        return count + object->attr_count;
    }
    return count + (is_boxed(holder) ? 0 : object->item_count) + object->pair_count;
}

/* ---- a value by itself ---- */

static struct ctr_player *player_of(struct rp_session *session, enum rp_when when)
{
    return when == RP_BEFORE && session->past != NULL ? session->past : session->player;
}

static void find_length(const struct holder *holder, struct rp_value_info *info)
{
    const struct ctr_object *object = object_of(holder);
    const struct ctr_shape *shape = &holder->shape;
    info->has_length = true;
    if (shape->is_cut) {
        info->length = shape->true_length;
    } else if (holder->has_node_children && holder->names == NULL) {
        info->length = holder->node_count;
    } else if (object != NULL && !is_boxed(holder) &&
               (object->sections & (CTR_ITEMS | CTR_PAIRS))) {
        info->length = object->sections & CTR_PAIRS ? object->true_pairs : object->true_items;
        info->is_cut = object->true_items > object->item_count ||
                       object->true_pairs > object->pair_count ||
                       object->true_attrs > object->attr_count;
    } else {
        info->has_length = false;
    }
}

void rp_value_info_of(struct ctr_player *player, struct ctr_value value, struct rp_value_info *info)
{
    struct holder holder;
    open_holder(player, value, &holder);
    *info = (struct rp_value_info){
        .kind = ctr_kind_name(holder.shape.kind),
        .named = count_section(&holder, RP_NAMED),
        .indexed = count_section(&holder, RP_INDEXED),
        .is_cut = holder.shape.is_cut,
        .is_object = holder.shape.is_object,
        .object = holder.shape.number,
        .is_late = holder.shape.is_late,
        .verified = holder.shape.verified,
    };
    find_length(&holder, info);
    close_holder(&holder);
}

void rp_value_info(struct rp_session *session, enum rp_when when, struct ctr_value value,
                   struct rp_value_info *info)
{
    rp_value_info_of(player_of(session, when), value, info);
}

void rp_value_text(struct rp_session *session, enum rp_when when, struct ctr_value value,
                   const struct ctr_text_options *options, struct ct_bytes *to)
{
    ctr_text_of(player_of(session, when), value, options, to);
}

void rp_value_type(struct rp_session *session, enum rp_when when, struct ctr_value value,
                   struct ct_bytes *to)
{
    ctr_text_of_type(player_of(session, when), value, to);
}

/* ---- children ---- */

void rp_list_clear(struct rp_list *list)
{
    free(list->children);
    ct_bytes_free(&list->names);
    *list = (struct rp_list){0};
}

struct rp_child *rp_list_add(struct rp_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct rp_child *children = realloc(list->children, capacity * sizeof *children);
        if (children == NULL) {
            list->names.failed = true;
            return NULL;
        }
        list->children = children;
        list->capacity = capacity;
    }
    struct rp_child *child = &list->children[list->count++];
    *child = (struct rp_child){.name = list->names.size};
    return child;
}

/* What was appended to the names since the child was added is its name. */
void rp_list_name(struct rp_list *list)
{
    struct rp_child *child = &list->children[list->count - 1];
    child->name_size = list->names.size - child->name;
}

int rp_list_end(const struct rp_list *list, struct ct_error *error)
{
    return list->names.failed ? ct_fail(error, CT_ENOMEM, "no memory for a list of values") : CT_OK;
}

/* Child `index` of the node. They can only be read in order: `*read` were. */
static struct ctr_value node_child(struct holder *holder, uint64_t index, uint64_t *read)
{
    struct ctr_value value = unbound;
    for (; *read <= index + holder->skipped; ++*read) {
        value = ctr_scan_value(&holder->shape.node.children, unbound);
    }
    return value;
}

static void name_node_child(struct holder *holder, uint64_t index, struct ct_bytes *names)
{
    if (holder->fields != NULL) {
        ct_bytes_add(names, holder->fields[index].bytes, holder->fields[index].size);
    } else if (holder->names != NULL) {
        ct_bytes_add_text(names, holder->names[index]);
    } else {
        ct_bytes_add_format(names, "%llu", (unsigned long long)index);
    }
}

static void add_node_child(struct holder *holder, uint64_t index, uint64_t *read,
                           struct rp_list *list)
{
    struct rp_child *child = rp_list_add(list);
    if (child != NULL) {
        child->value = node_child(holder, index, read);
        name_node_child(holder, index, &list->names);
        rp_list_name(list);
    }
}

/* The name of an attribute is its text; of any other key it is the key's repr. */
void rp_name_pair(struct ctr_player *player, struct ctr_value key, bool plain,
                  struct ct_bytes *names)
{
    static const struct ctr_text_options options = {.depth = 3, .items = 20, .characters = 200};
    if (!plain || !ctr_shape_add_text(player, key, names)) {
        ctr_text_of(player, key, &options, names);
    }
}

void rp_key_text(struct rp_session *session, struct ctr_value key, struct ct_bytes *to)
{
    rp_name_pair(session->player, key, true, to);
}

static void add_object_child(struct holder *holder, enum rp_section section, uint64_t index,
                             struct rp_list *list)
{
    const struct ctr_object *object = object_of(holder);
    uint64_t items = object == NULL || is_boxed(holder) ? 0 : object->item_count;
    struct rp_child *child = object != NULL ? rp_list_add(list) : NULL;
    if (child == NULL) {
        return;
    }
    if (section == RP_NAMED) {
        struct ctr_pair pair = object->attrs[index];
        child->key = pair.key;
        child->value = pair.value;
        rp_name_pair(holder->player, pair.key, true, &list->names);
    } else if (index < items) {
        child->value = object->items[index];
        ct_bytes_add_format(&list->names, "%llu", (unsigned long long)index);
    } else {
        struct ctr_pair pair = object->pairs[index - items];
        child->key = pair.key;
        child->value = pair.value;
        rp_name_pair(holder->player, pair.key, false, &list->names);
    }
    rp_list_name(list);
}

int rp_children_of(struct ctr_player *player, struct ctr_value value, enum rp_section section,
                   uint64_t first, uint64_t count, struct rp_list *list, struct ct_error *error)
{
    struct holder holder;
    open_holder(player, value, &holder);
    bool are_named = holder.names != NULL || holder.fields != NULL;
    bool of_node = holder.has_node_children && are_named == (section == RP_NAMED);
    uint64_t nodes = of_node ? holder.node_count : 0, read = 0;
    list->count = 0;
    list->names.size = 0;
    list->total = count_section(&holder, section);
    for (uint64_t i = first; i < list->total && i - first < count; i++) {
        if (i < nodes) {
            add_node_child(&holder, i, &read, list);
        } else {
            add_object_child(&holder, section, i - nodes, list);
        }
    }
    close_holder(&holder);
    return rp_list_end(list, error);
}

int rp_children(struct rp_session *session, enum rp_when when, struct ctr_value value,
                enum rp_section section, uint64_t first, uint64_t count, struct rp_list *list,
                struct ct_error *error)
{
    return rp_children_of(player_of(session, when), value, section, first, count, list, error);
}

/* ---- references ---- */

int rp_refer(struct rp_session *session, struct ctr_value value, uint64_t *reference,
             struct ct_error *error)
{
    struct rp_references *references = &session->references;
    if (references->count == references->capacity) {
        size_t capacity = references->capacity == 0 ? 64 : references->capacity * 2;
        if (references->count >= REFERENCES_MAX) {
            return ct_fail(error, CT_ELIMIT, "more than %d values of one moment", REFERENCES_MAX);
        }
        struct ctr_value *values = realloc(references->values, capacity * sizeof *values);
        if (values == NULL) {
            return ct_fail(error, CT_ENOMEM, "no memory for values");
        }
        references->values = values;
        references->capacity = capacity;
    }
    references->values[references->count++] = value;
    *reference = references->first + references->count;
    return CT_OK;
}

int rp_referred(struct rp_session *session, uint64_t reference, struct ctr_value *value,
                struct ct_error *error)
{
    const struct rp_references *references = &session->references;
    uint64_t index = reference - references->first - 1;
    if (reference <= references->first || index >= references->count) {
        return ct_fail(error, CT_EUSAGE, "there is no value number %llu at this moment",
                       (unsigned long long)reference);
    }
    *value = references->values[index];
    return CT_OK;
}

void rp_forget_references(struct rp_references *references)
{
    references->first += references->count;
    references->count = 0;
}
