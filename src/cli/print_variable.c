#include "cli/print_variable.h"

#include <stdlib.h>

#include "trace/shape.h"

enum {
    FRAMES_REMEMBERED = 4096, /* a power of two */
    VALUES_LOOKED_AT = 20000, /* below one variable, when looking for a change */
    LEVELS_LOOKED_AT = 4,
    TEXT_LOOKED_AT = 4096,     /* bytes of an immutable value */
    OBJECTS_REMEMBERED = 4096, /* that were looked into: a power of two */
    NOTE_BYTES_MAX = 1 << 25,
};

/* ---- The variables of a frame ---- */

void print_variables_start(struct print_variables *variables, struct print *print)
{
    *variables = (struct print_variables){.print = print, .plan = print_plan(print)};
}

void print_variables_end(struct print_variables *variables)
{
    ct_bytes_free(&variables->name);
}

static bool next_slot(struct print_variables *variables)
{
    const struct ctr_frame *frame = &variables->print->frame;
    const struct ctr_plan *plan = variables->plan;
    while (variables->slot < frame->slot_count && variables->slot < plan->variable_count) {
        uint32_t slot = variables->slot++;
        struct ctr_value value = frame->slots[slot];
        const struct ctr_variable *variable = &plan->variables[slot];
        if (value.tag == CTR_V_UNBOUND) {
            continue;
        }
        if ((variable->kind & CTR_VAR_KIND) == CTR_VAR_NAMESPACE) {
            variables->in_namespace = value.tag == CTR_V_OBJECT;
            variables->namespace = value.bits;
            continue;
        }
        variables->name.size = 0;
        ct_bytes_add(&variables->name, variable->name.bytes, variable->name.size);
        variables->value = value;
        variables->is_argument = (variable->kind & CTR_VAR_KIND) == CTR_VAR_ARG ||
                                 (variable->kind & CTR_VAR_ALSO_ARG) != 0;
        return true;
    }
    return false;
}

static bool next_pair(struct print_variables *variables)
{
    struct ctr_player *player = variables->print->player;
    const struct ctr_object *object = ctr_player_object(player, variables->namespace, NULL);
    if (object == NULL || variables->pair >= object->pair_count) {
        return false;
    }
    struct ctr_pair pair = object->pairs[variables->pair++];
    variables->name.size = 0;
    if (!ctr_shape_add_text(player, pair.key, &variables->name)) {
        ctr_text_of(player, pair.key, NULL, &variables->name);
    }
    variables->value = pair.value;
    variables->is_argument = false;
    return true;
}

bool print_variables_next(struct print_variables *variables)
{
    if (variables->plan == NULL) {
        return false;
    }
    return next_slot(variables) || (variables->in_namespace && next_pair(variables));
}

/* ---- Which of them changed ---- */

struct seen {
    uint64_t name;  /* hash */
    uint64_t value; /* fingerprint */
    struct print_note *note;
};

struct remembered {
    uint64_t call;
    bool is_used;
    struct seen *seen;
    uint32_t count, capacity;
};

struct looked_into {
    uint64_t number; /* of an object */
    uint64_t round;
    int level;
};

struct print_changes {
    struct remembered frames[FRAMES_REMEMBERED];
    size_t note_bytes;
    uint64_t round; /* counts the variables looked at */
    struct looked_into looked_into[OBJECTS_REMEMBERED];
};

struct look { /* one look at everything below a variable */
    struct print_changes *changes;
    struct ctr_player *player;
    uint64_t hash;
    uint32_t left;
};

struct print_changes *print_changes_new(void)
{
    return calloc(1, sizeof(struct print_changes));
}

static void drop_note(struct print_changes *changes, struct print_note **note)
{
    if (*note != NULL) {
        changes->note_bytes -= (*note)->bytes;
        free(*note);
        *note = NULL;
    }
}

void print_note_keep(struct print_variables *variable, struct print_note *note)
{
    struct print_changes *changes = variable->changes;
    drop_note(changes, variable->note);
    if (note != NULL && note->bytes <= NOTE_BYTES_MAX - changes->note_bytes) {
        changes->note_bytes += note->bytes;
        *variable->note = note;
    } else {
        free(note);
    }
}

static void forget_names(struct print_changes *changes, struct remembered *frame)
{
    for (uint32_t i = 0; i < frame->count; i++) {
        drop_note(changes, &frame->seen[i].note);
    }
    frame->count = 0;
}

void print_changes_free(struct print_changes *changes)
{
    if (changes == NULL) {
        return;
    }
    for (size_t i = 0; i < FRAMES_REMEMBERED; i++) {
        forget_names(changes, &changes->frames[i]);
        free(changes->frames[i].seen);
    }
    free(changes);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 29;
}

static uint64_t hash_bytes(const uint8_t *bytes, size_t size)
{
    uint64_t hash = size;
    for (size_t i = 0; i < size; i++) {
        hash = mix(hash, bytes[i]);
    }
    return hash;
}

static void look_at(struct look *look, struct ctr_value value, int level);

static bool is_inline(struct ctr_value value)
{
    return value.tag != CTR_V_NODE && value.tag != CTR_V_OBJECT;
}

static void look_into(struct look *look, uint64_t number, int level)
{
    const struct ctr_object *object = ctr_player_object(look->player, number, NULL);
    if (object == NULL || level >= LEVELS_LOOKED_AT) {
        return;
    }
    uint32_t counts[] = {object->item_count, object->pair_count, object->attr_count};
    look->hash = mix(look->hash, object->type); /* `__class__` may be assigned */
    look->hash = mix(look->hash, object->true_items);
    look->hash = mix(look->hash, object->true_pairs);
    for (int section = 0; section < 3; section++) {
        for (uint32_t i = 0; i < counts[section] && look->left > 0; i++) {
            struct ctr_pair child = {{0}, {0}};
            if (section == 0) {
                child.value = object->items[i];
            } else {
                child = section == 1 ? object->pairs[i] : object->attrs[i];
            }
            if (section != 0) {
                look_at(look, child.key, level + 1);
            }
            look_at(look, child.value, level + 1);
            if (!is_inline(child.key) || !is_inline(child.value)) {
                /* Looking at the child may have moved it. */
                object = ctr_player_object(look->player, number, NULL);
                if (object == NULL) {
                    return;
                }
            }
        }
    }
}

/* Nodes may be written again under another number, so their content counts, not their number. */
static void look_at_node(struct look *look, struct ctr_value value, int level)
{
    struct ctr_node node;
    if (level >= LEVELS_LOOKED_AT ||
        ctr_node_open(ctr_player_trace(look->player), value, &node, NULL) != CT_OK) {
        return;
    }
    look->hash = mix(look->hash, node.tag + ((uint64_t)node.type << 8));
    look->hash = mix(look->hash, node.true_length ^ node.address);
    size_t size = node.bytes == NULL ? 0 : node.size;
    look->hash =
        mix(look->hash, hash_bytes(node.bytes, size < TEXT_LOOKED_AT ? size : TEXT_LOOKED_AT));
    const struct ctr_value none = {0};
    for (uint32_t i = 0; i < node.count && look->left > 0; i++) {
        look_at(look, ctr_scan_value(&node.children, none), level + 1);
    }
    ctr_node_close(ctr_player_trace(look->player), &node);
}

/* Objects may be met many times below one variable. */
static bool was_looked_into(struct look *look, uint64_t number, int level)
{
    struct looked_into *last = &look->changes->looked_into[number & (OBJECTS_REMEMBERED - 1)];
    if (last->round == look->changes->round && last->number == number && last->level <= level) {
        return true;
    }
    *last = (struct looked_into){number, look->changes->round, level};
    return false;
}

static void look_at(struct look *look, struct ctr_value value, int level)
{
    if (look->left == 0) {
        return;
    }
    look->left--;
    if (value.tag == CTR_V_NODE) {
        look_at_node(look, value, level);
        return;
    }
    look->hash = mix(look->hash, value.bits + ((uint64_t)value.tag << 56));
    if (value.tag == CTR_V_OBJECT && !was_looked_into(look, value.bits, level)) {
        look_into(look, value.bits, level);
    }
}

uint64_t print_fingerprint(struct print_variables *variable, struct ctr_value value)
{
    struct look look = {variable->changes, variable->print->player, 1, VALUES_LOOKED_AT};
    variable->changes->round++;
    look_at(&look, value, 0);
    return look.hash;
}

static struct remembered *recall(struct print_changes *changes, uint64_t call)
{
    struct remembered *frame = &changes->frames[call & (FRAMES_REMEMBERED - 1)];
    if (!frame->is_used || frame->call != call) {
        frame->is_used = true;
        frame->call = call;
        forget_names(changes, frame);
    }
    return frame;
}

/* Where the name is remembered; `hint` is where it was found the last time round. NULL: no memory.
 */
static struct seen *recall_name(struct remembered *frame, uint64_t name, uint32_t hint)
{
    if (hint < frame->count && frame->seen[hint].name == name) {
        return &frame->seen[hint];
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        if (frame->seen[i].name == name) {
            return &frame->seen[i];
        }
    }
    if (frame->count == frame->capacity) {
        uint32_t capacity = frame->capacity == 0 ? 8 : frame->capacity * 2;
        struct seen *seen = realloc(frame->seen, capacity * sizeof *seen);
        if (seen == NULL) {
            return NULL;
        }
        frame->seen = seen;
        frame->capacity = capacity;
    }
    frame->seen[frame->count] = (struct seen){.name = name};
    return &frame->seen[frame->count++];
}

static bool is_dunder(struct ctr_text name)
{
    return name.size > 4 && memcmp(name.bytes, "__", 2) == 0 &&
           memcmp(name.bytes + name.size - 2, "__", 2) == 0;
}

void print_changes_visit(struct print_changes *changes, struct print *print,
                         void (*each)(struct print_variables *variable, void *context),
                         void *context)
{
    if (print->event.frame == NULL) {
        return;
    }
    struct remembered *frame = recall(changes, print->frame.call);
    struct print_variables variables;
    print_variables_start(&variables, print);
    uint32_t hint = 0;
    while (print_variables_next(&variables)) {
        struct ctr_text name = print_variable_name(&variables);
        if (variables.in_namespace && is_dunder(name)) {
            continue; /* every module has the same ones */
        }
        variables.changes = changes;
        uint64_t value = print_fingerprint(&variables, variables.value);
        struct seen *seen =
            recall_name(frame, hash_bytes(variables.name.data, variables.name.size), hint);
        struct print_note *none = NULL;
        variables.note = seen != NULL ? &seen->note : &none;
        if (seen == NULL || seen->value != value) {
            each(&variables, context);
        }
        drop_note(changes, &none);
        if (seen != NULL) {
            seen->value = value;
            hint = (uint32_t)(seen - frame->seen) + 1;
        }
    }
    print_variables_end(&variables);
}
