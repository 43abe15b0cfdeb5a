#include "cli/print_edit.h"

#include <stdlib.h>

#include "trace/shape.h"

enum {
    EDITS_MAX = 4,          /* more than these are harder to read than the value */
    ADDED_MAX = 16,         /* elements put in at once */
    CHILDREN_MAX = 1 << 16, /* of an object that is remembered */
};

/* An element, a pair or an attribute: what it is known by, what it is, and its key or element where
 * that can be written later: an inline value. */
struct child {
    uint64_t key;
    uint64_t value;
    struct ctr_value name;
};

struct snapshot {
    struct print_note note;
    uint64_t object;
    uint32_t count;
    struct child children[];
};

enum form { FORM_SEQUENCE, FORM_SET, FORM_DICT, FORM_ATTRIBUTES };

/* One object, looked at for its changes. */
struct edit {
    struct print_variables *variable;
    struct ct_bytes *to;
    void (*end)(void *context);
    void *context;
    enum form form;
    const struct snapshot *before, *now;
};

/* ---- What an object holds ---- */

static bool form_of(const struct print *print, struct ctr_value value, enum form *form,
                    uint32_t *count)
{
    struct ctr_shape shape;
    ctr_shape_open(print->player, value, &shape);
    uint32_t kind = shape.kind;
    ctr_shape_close(print->player, &shape);
    const struct ctr_object *object = ctr_player_object(print->player, value.bits, NULL);
    if (object == NULL || object->is_late || object->true_items > object->item_count ||
        object->true_pairs > object->pair_count || object->true_attrs > object->attr_count) {
        return false;
    }
    bool is_sequence = kind == CTR_F_LIST || kind == CTR_F_DEQUE;
    *form = is_sequence          ? FORM_SEQUENCE
            : kind == CTR_F_SET  ? FORM_SET
            : kind == CTR_F_DICT ? FORM_DICT
                                 : FORM_ATTRIBUTES;
    uint32_t counts[] = {object->item_count, object->item_count, object->pair_count,
                         object->attr_count};
    *count = counts[*form];
    bool is_plain = object->item_count + object->pair_count + object->attr_count == *count;
    return is_plain && *count <= CHILDREN_MAX;
}

/* The child of this number, now. */
static struct ctr_pair child_at(const struct print *print, uint64_t number, enum form form,
                                uint32_t index)
{
    const struct ctr_object *object = ctr_player_object(print->player, number, NULL);
    struct ctr_pair child = {{0}, {0}};
    if (object == NULL) {
        return child;
    }
    if (form == FORM_DICT) {
        return index < object->pair_count ? object->pairs[index] : child;
    }
    if (form == FORM_ATTRIBUTES) {
        return index < object->attr_count ? object->attrs[index] : child;
    }
    child.value = index < object->item_count ? object->items[index] : child.value;
    return child;
}

static struct snapshot *take(struct print_variables *variable, enum form form, uint32_t count)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot + (size_t)count * sizeof(struct child));
    if (snapshot == NULL) {
        return NULL;
    }
    snapshot->note.bytes = sizeof *snapshot + (size_t)count * sizeof(struct child);
    snapshot->object = variable->value.bits;
    snapshot->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct ctr_pair pair = child_at(variable->print, snapshot->object, form, i);
        struct child *child = &snapshot->children[i];
        bool is_named = form == FORM_DICT || form == FORM_ATTRIBUTES;
        child->name = is_named ? pair.key : pair.value;
        child->value = print_fingerprint(variable, pair.value);
        child->key = is_named ? print_fingerprint(variable, pair.key) : child->value;
    }
    return snapshot;
}

/* ---- Rows ---- */

static void start(const struct edit *edit, const char *before)
{
    ct_bytes_add_text(edit->to, before);
    print_safe(print_variable_name(edit->variable), edit->to);
}

static void finish(const struct edit *edit)
{
    ct_bytes_add_format(edit->to, "  (%u %s)", edit->now->count,
                        edit->form == FORM_ATTRIBUTES ? "attributes" : "items");
    edit->end(edit->context);
}

static void add_value(const struct edit *edit, struct ctr_value value)
{
    print_value(edit->variable->print, value, edit->to);
}

static struct ctr_pair now_at(const struct edit *edit, uint32_t index)
{
    return child_at(edit->variable->print, edit->now->object, edit->form, index);
}

/* [k], ['key'], .name */
static void add_place(const struct edit *edit, struct ctr_value name)
{
    bool is_attribute = edit->form == FORM_ATTRIBUTES;
    ct_bytes_add_text(edit->to, is_attribute ? "." : "[");
    if (!is_attribute || !ctr_shape_add_text(edit->variable->print->player, name, edit->to)) {
        add_value(edit, name);
    }
    ct_bytes_add_text(edit->to, is_attribute ? "" : "]");
}

/* ---- Sequences ---- */

static void add_elements(const struct edit *edit, uint32_t from, uint32_t count)
{
    ct_bytes_add_text(edit->to, "[");
    for (uint32_t i = 0; i < count; i++) {
        ct_bytes_add_text(edit->to, i > 0 ? ", " : "");
        add_value(edit, now_at(edit, from + i).value);
    }
    ct_bytes_add_text(edit->to, "]");
}

static void add_range(const struct edit *edit, uint32_t from, uint32_t count)
{
    if (count == 1) {
        ct_bytes_add_format(edit->to, "[%u]", from);
    } else {
        ct_bytes_add_format(edit->to, "[%u:%u]", from, from + count);
    }
}

static bool write_items_set(const struct edit *edit)
{
    uint32_t changed = 0;
    for (uint32_t i = 0; i < edit->now->count; i++) {
        changed += edit->now->children[i].value != edit->before->children[i].value;
    }
    if (changed > EDITS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < edit->now->count; i++) {
        if (edit->now->children[i].value != edit->before->children[i].value) {
            start(edit, "");
            ct_bytes_add_format(edit->to, "[%u] = ", i);
            add_value(edit, now_at(edit, i).value);
            finish(edit);
        }
    }
    return true;
}

static bool write_sequence(const struct edit *edit)
{
    const struct snapshot *before = edit->before, *now = edit->now;
    if (before->count == now->count) {
        return write_items_set(edit);
    }
    uint32_t shorter = before->count < now->count ? before->count : now->count;
    uint32_t first = 0, last = 0;
    while (first < shorter && before->children[first].value == now->children[first].value) {
        first++;
    }
    while (last < shorter - first && before->children[before->count - 1 - last].value ==
                                         now->children[now->count - 1 - last].value) {
        last++;
    }
    uint32_t removed = before->count - first - last, added = now->count - first - last;
    if (added > ADDED_MAX) {
        return false;
    }
    start(edit, added == 0 ? "del " : "");
    if (removed == 0 && last == 0) {
        ct_bytes_add_text(edit->to, " += ");
    } else if (added == 0) {
        add_range(edit, first, removed);
    } else {
        ct_bytes_add_format(edit->to, "[%u:%u] = ", first, first + removed);
    }
    if (added > 0) {
        add_elements(edit, first, added);
    }
    finish(edit);
    return true;
}

/* ---- Sets, dicts, attributes ---- */

static int compare_keys(const void *left, const void *right)
{
    uint64_t a = (*(const struct child *const *)left)->key;
    uint64_t b = (*(const struct child *const *)right)->key;
    return a < b ? -1 : a > b;
}

static const struct child **sorted(const struct snapshot *snapshot)
{
    const struct child **order = malloc((snapshot->count + 1) * sizeof(struct child *));
    for (uint32_t i = 0; order != NULL && i < snapshot->count; i++) {
        order[i] = &snapshot->children[i];
    }
    if (order != NULL) {
        qsort(order, snapshot->count, sizeof(struct child *), compare_keys);
    }
    return order;
}

struct difference {
    const struct child *gone[EDITS_MAX], *come[EDITS_MAX];
    uint32_t gone_count, come_count;
};

/* Both sorted; false: too much differs. */
static bool find_difference(const struct edit *edit, const struct child **before,
                            const struct child **now, struct difference *found)
{
    uint32_t i = 0, j = 0;
    while (i < edit->before->count || j < edit->now->count) {
        bool has_old = i < edit->before->count, has_new = j < edit->now->count;
        const struct child *old = has_old ? before[i] : NULL, *new = has_new ? now[j] : NULL;
        bool is_gone = has_old && (!has_new || old->key < new->key);
        bool is_come = has_new && (!has_old || new->key < old->key);
        if (is_gone ? found->gone_count == EDITS_MAX : found->come_count == EDITS_MAX) {
            return false;
        }
        if (is_gone) {
            found->gone[found->gone_count++] = old;
        } else if (is_come || old->value != new->value) {
            found->come[found->come_count++] = new;
        }
        i += !is_come;
        j += !is_gone;
    }
    return true;
}

static bool is_writable(const struct difference *found)
{
    for (uint32_t i = 0; i < found->gone_count; i++) {
        uint8_t tag = found->gone[i]->name.tag;
        if (tag == CTR_V_NODE || tag == CTR_V_OBJECT) {
            return false; /* it may be described no more */
        }
    }
    return found->gone_count + found->come_count <= EDITS_MAX;
}

static void write_difference(const struct edit *edit, const struct difference *found)
{
    bool is_set = edit->form == FORM_SET;
    for (uint32_t i = 0; i < found->gone_count; i++) {
        start(edit, is_set ? "" : "del ");
        if (is_set) {
            ct_bytes_add_text(edit->to, " -= {");
            add_value(edit, found->gone[i]->name);
            ct_bytes_add_text(edit->to, "}");
        } else {
            add_place(edit, found->gone[i]->name);
        }
        finish(edit);
    }
    for (uint32_t i = 0; i < found->come_count; i++) {
        struct ctr_pair child = now_at(edit, (uint32_t)(found->come[i] - edit->now->children));
        start(edit, "");
        if (is_set) {
            ct_bytes_add_text(edit->to, " |= {");
        } else {
            add_place(edit, child.key);
            ct_bytes_add_text(edit->to, " = ");
        }
        add_value(edit, child.value);
        ct_bytes_add_text(edit->to, is_set ? "}" : "");
        finish(edit);
    }
}

static bool write_keyed(const struct edit *edit)
{
    struct difference found = {.gone_count = 0};
    const struct child **before = sorted(edit->before), **now = sorted(edit->now);
    bool is_short = before != NULL && now != NULL && find_difference(edit, before, now, &found) &&
                    is_writable(&found);
    if (is_short) {
        write_difference(edit, &found);
    }
    free(before);
    free(now);
    return is_short && found.gone_count + found.come_count > 0;
}

/* ---- All of it ---- */

bool print_edits(struct print_variables *variable, struct ct_bytes *to, void (*end)(void *context),
                 void *context)
{
    struct edit edit = {.variable = variable, .to = to, .end = end, .context = context};
    uint32_t count;
    struct snapshot *now = NULL;
    if (variable->value.tag == CTR_V_OBJECT &&
        form_of(variable->print, variable->value, &edit.form, &count)) {
        now = take(variable, edit.form, count);
    }
    edit.before = (const struct snapshot *)*variable->note;
    edit.now = now;
    bool is_written = false;
    if (now != NULL && edit.before != NULL && edit.before->object == now->object) {
        is_written = edit.form == FORM_SEQUENCE ? write_sequence(&edit) : write_keyed(&edit);
    }
    print_note_keep(variable, now == NULL ? NULL : &now->note);
    return is_written;
}
