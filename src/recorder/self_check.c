#include "recorder/self_check.h"

#ifdef CT_SELF_CHECK

#include <stdarg.h>
#include <stdlib.h>

#include "base/file.h"
#include "recorder/gather.h"
#include "recorder/object.h"
#include "recorder/slot.h"
#include "recorder/value.h"
#include "recorder/wtf8.h"

enum {
    MAX_FINDINGS = 32, /* of a class: different ones that are reported with their place */
    PLACE_BYTES = 160,
    MAX_PAIRS = 256,   /* of a dict that are compared: each is searched for when it changes */
    MAX_CHILDREN = 64, /* objects inside an object that are looked at */
    SAFE_ITEMS = 64,   /* what is looked at in a container no line names: UNNAMED_ITEMS */
    SAMPLED = 16,      /* one moment of so many looks into every global */
};

/* Pairs as a reader holds them. */
struct mirror {
    uint64_t number;  /* of the object, + 1; 0: none */
    uint64_t version; /* of the dict when it was found right */
    uint32_t count, capacity;
    struct shadow *keys, *values;
};

enum class { WRONG, LAGGING, CLASSES };

static const char *const class_names[CLASSES] = {"wrong", "lagging"};

struct finding { /* one for a place of a function (lagging: for a place), however often */
    const struct plan *plan;
    uint32_t line; /* the first time: the line that had run */
    uint64_t times;
    char function[PLACE_BYTES];
    char place[PLACE_BYTES];
    char text[PLACE_BYTES];
};

struct self_check {
    bool looking;
    bool met_object; /* while looking, in a tuple */
    uint64_t moments, places, counts[CLASSES];
    uint32_t finding_count[CLASSES];
    struct finding findings[CLASSES][MAX_FINDINGS];
    struct mirror *mirrors; /* by entry */
};

/* Where the check is: in a frame, at a place inside another place. Put in words when it is needed.
 */
struct spot {
    const struct shadow_frame *frame;
    enum class class; /* how exact the state has to be there */
    const struct spot *outer;
    const char *text; /* a name, or what stands for one */
    PyObject *name;   /* else this one, or `index` */
    int64_t index;
};

/* ---- findings
 * ------------------------------------------------------------------------------------------ */

static struct spot inside(const struct spot *outer)
{
    return (struct spot){.frame = outer->frame, .class = outer->class, .outer = outer};
}

static struct spot at_text(const struct spot *outer, const char *text)
{
    struct spot spot = inside(outer);
    spot.text = text;
    return spot;
}

static struct spot at_name(const struct spot *outer, PyObject *name)
{
    struct spot spot = inside(outer);
    spot.name = name;
    return spot;
}

static struct spot at_index(const struct spot *outer, int64_t index)
{
    struct spot spot = inside(outer);
    spot.index = index;
    return spot;
}

static struct spot at_attribute(const struct spot *outer, const struct attribute *attribute)
{
    return attribute->name != NULL ? at_name(outer, attribute->name)
                                   : at_text(outer, attribute->text);
}

static void put_place(const struct spot *spot, char place[PLACE_BYTES])
{
    if (spot->outer == NULL) {
        place[0] = 0;
        return;
    }
    put_place(spot->outer, place);
    size_t size = strlen(place);
    const char *dot = size != 0 ? "." : "";
    bool is_text = spot->name != NULL && PyUnicode_Check(spot->name);
    char *name = is_text ? text_copy(spot->name) : NULL;
    if (spot->name == NULL && spot->text == NULL) {
        snprintf(place + size, PLACE_BYTES - size, "[%lld]", (long long)spot->index);
    } else {
        snprintf(place + size, PLACE_BYTES - size, "%s%.60s", dot,
                 name != NULL         ? name
                 : spot->text != NULL ? spot->text
                                      : "?");
    }
    free(name);
}

static struct finding *find(struct self_check *check, const struct spot *spot, const char *place)
{
    struct finding *findings = check->findings[spot->class];
    for (uint32_t i = 0; i < check->finding_count[spot->class]; i++) {
        bool same_plan = spot->class == LAGGING || findings[i].plan == spot->frame->plan;
        if (same_plan && strcmp(findings[i].place, place) == 0) {
            return &findings[i];
        }
    }
    return NULL;
}

static void name_function(const struct plan *plan, char name[PLACE_BYTES])
{
    PyCodeObject *code = (PyCodeObject *)plan->code;
    char *file = code != NULL ? text_copy(code->co_filename) : NULL;
    char *function = code != NULL ? text_copy(code->co_qualname) : NULL;
    snprintf(name, PLACE_BYTES, "%.100s %.50s", file != NULL ? file : "?",
             function != NULL ? function : "?");
    free(file);
    free(function);
}

static void report(struct session *session, const struct spot *spot, const char *format, ...)
{
    struct self_check *check = session->check;
    char place[PLACE_BYTES];
    put_place(spot, place);
    check->counts[spot->class]++;
    struct finding *finding = find(check, spot, place);
    if (finding == NULL && check->finding_count[spot->class] < MAX_FINDINGS) {
        finding = &check->findings[spot->class][check->finding_count[spot->class]++];
        *finding = (struct finding){.plan = spot->frame->plan, .line = spot->frame->line};
        name_function(finding->plan, finding->function);
        memcpy(finding->place, place, sizeof finding->place);
        va_list args;
        va_start(args, format);
        vsnprintf(finding->text, sizeof finding->text, format, args);
        va_end(args);
    }
    if (finding != NULL) {
        finding->times++;
    }
}

/* ---- one place
 * ------------------------------------------------------------------------------------------ */

bool self_check_looks(const struct session *session)
{
    return session->check->looking;
}

void self_check_met(struct session *session)
{
    session->check->met_object = true;
}

static bool matches(struct session *session, const struct shadow *shadow, PyObject *value)
{
    struct self_check *check = session->check;
    uint8_t kind = shadow_kind(shadow);
    check->places++;
    check->met_object = false;
    if (kind == CTR_V_REDACTED || kind == CTR_V_DROPPED) {
        return value != NULL;
    }
    if (kind == CTR_V_OBJECT && value != NULL) {
        const struct object_entry *entry = object_of(session, shadow);
        check->met_object = entry == NULL;
        return entry != NULL && entry->address == value && entry->type->type == Py_TYPE(value);
    }
    struct shadow now;
    check->looking = true;
    value_shadow(session, value, &now);
    check->looking = false;
    return shadow_same(shadow, &now);
}

/* Functions and classes are told apart by address and name; they may be renamed in place. */
static bool is_thing(struct session *session, PyObject *value)
{
    const struct type_info *type = value != NULL ? types_of(session, Py_TYPE(value)) : NULL;
    return type != NULL && type->capture == CAPTURE_THING;
}

/* An object that only a tuple holds is let go of, and a forgotten one is too: when it is met again
 * it is another one to the trace. The tuple that names it by its old number lags. */
static bool check_place(struct session *session, const struct spot *spot,
                        const struct shadow *shadow, PyObject *value)
{
    if (matches(session, shadow, value)) {
        return true;
    }
    struct spot at = *spot;
    bool inner = session->check->met_object, thing = !inner && is_thing(session, value);
    at.class = inner || thing ? LAGGING : spot->class;
    report(session, &at, "remembered kind %u bits %llx, is %s%s", shadow_kind(shadow),
           (unsigned long long)shadow->bits, value != NULL ? Py_TYPE(value)->tp_name : "unbound",
           inner   ? ", an object went on under another number"
           : thing ? ", perhaps of another name"
                   : "");
    return false;
}

/* ---- what an object holds
 * -------------------------------------------------------------------------------- */

static void check_items(struct session *session, const struct spot *spot,
                        const struct object_entry *entry, const struct gathered *gathered)
{
    if (entry->true_length != (uint64_t)gathered->item_count) {
        report(session, spot, "remembered length %llu, is %lld",
               (unsigned long long)entry->true_length, (long long)gathered->item_count);
        return;
    }
    for (uint32_t i = 0; i < entry->count; i++) {
        struct spot at = at_index(spot, i);
        check_place(session, &at, &entry->items[i], gathered->items[i]);
    }
}

static uint32_t next_bound(const struct object_entry *entry, uint32_t i)
{
    while (i < entry->attr_count && shadow_kind(&entry->attrs[i]) == CTR_V_UNBOUND) {
        i++;
    }
    return i;
}

static uint32_t next_held(const struct gathered *gathered, uint32_t count, uint32_t i)
{
    while (i < count && gathered->attributes[i].value == NULL) {
        i++;
    }
    return i;
}

/* An attribute that is named but unbound is none: a dict made of the instance's values leaves it
 * out. Names can be compared only where both have the same ones. */
static void check_attributes(struct session *session, const struct spot *spot,
                             const struct object_entry *entry, PyObject *value)
{
    struct gathered gathered;
    gather_attributes(session, value, entry->type, &gathered);
    uint64_t limit = session->limits.max_attributes;
    uint32_t count = limit != 0 && gathered.count > limit ? (uint32_t)limit : gathered.count;
    if (count == entry->attr_count && gather_names(&gathered, count) != entry->names) {
        report(session, spot, "names of attributes changed");
        return;
    }
    uint32_t known = next_bound(entry, 0), is = next_held(&gathered, count, 0);
    while (known < entry->attr_count && is < count) {
        struct spot at = at_attribute(spot, &gathered.attributes[is]);
        check_place(session, &at, &entry->attrs[known], gathered.attributes[is].value);
        known = next_bound(entry, known + 1);
        is = next_held(&gathered, count, is + 1);
    }
    if (known < entry->attr_count || is < count) {
        report(session, spot, "remembered %u attributes, has %u", entry->attr_count, count);
    }
}

static struct mirror *mirror_of(struct session *session, const struct object_entry *entry)
{
    return &session->check->mirrors[entry - session->objects.entries];
}

static void check_pairs(struct session *session, const struct spot *spot,
                        const struct object_entry *entry, PyObject *dict)
{
    const struct mirror *mirror = mirror_of(session, entry);
    Py_ssize_t length = ((PyDictObject *)dict)->ma_used;
    if (entry->is_cut || mirror->number != entry->number + 1) {
        return;
    }
    if (mirror->count != (size_t)length) {
        report(session, spot, "remembered %u pairs, has %lld", mirror->count, (long long)length);
        return;
    }
    struct gather_pairs pairs = gather_pairs(dict, entry->type);
    PyObject *key, *value;
    for (uint32_t i = 0; i < mirror->count && gather_next_pair(&pairs, &key, &value); i++) {
        struct spot at = at_name(spot, key);
        if (!matches(session, &mirror->keys[i], key)) {
            report(session, &at, "another key at %u", i);
            return;
        }
        check_place(session, &at, &mirror->values[i], value);
    }
}

static bool is_as_seen(struct session *session, const struct object_entry *entry, PyObject *value)
{
    switch (entry->type->capture) {
    case CAPTURE_SET:
        return object_is_as_placed(entry, value);
    case CAPTURE_BYTEARRAY:
    case CAPTURE_STREAM:
        return gather_fingerprint(session, value, entry->type) == entry->seen;
    default:
        return true;
    }
}

/* What is remembered of an object against what it holds, without the objects inside. */
static void check_content(struct session *session, const struct spot *spot,
                          const struct object_entry *entry, PyObject *value)
{
    const struct type_info *type = entry->type;
    struct gathered gathered;
    if (!(entry->flags & ENTRY_OPENED)) {
        report(session, spot, "not described yet");
        return;
    }
    if (type_is_sequence(type)) {
        gather_items(session, value, type, &gathered);
        check_items(session, spot, entry, &gathered);
    } else if (type->capture == CAPTURE_DICT) {
        check_pairs(session, spot, entry, value);
    } else if (!is_as_seen(session, entry, value)) {
        report(session, spot, "content changed");
    }
    if (type->capture == CAPTURE_INSTANCE || type->capture == CAPTURE_EXCEPTION ||
        type_has_attributes(type)) {
        check_attributes(session, spot, entry, value);
    }
}

static const struct object_entry *entry_of(struct session *session, PyObject *value)
{
    const struct object_entry *entry = value != NULL ? object_known(session, value) : NULL;
    return entry != NULL && entry->type->type == Py_TYPE(value) ? entry : NULL;
}

static void check_child(struct session *session, const struct spot *spot, PyObject *value)
{
    const struct object_entry *entry = entry_of(session, value);
    if (entry != NULL) {
        struct spot at = *spot;
        at.class = LAGGING;
        check_content(session, &at, entry, value);
    }
}

static void check_item_objects(struct session *session, const struct spot *spot,
                               const struct object_entry *entry, PyObject *value)
{
    PyObject *key, *item;
    uint32_t left = MAX_CHILDREN;
    if (PyList_Check(value)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(value) && left-- > 0; i++) {
            struct spot at = at_index(spot, i);
            check_child(session, &at, PyList_GET_ITEM(value, i));
        }
    } else if (entry->type->capture == CAPTURE_DICT) {
        struct gather_pairs pairs = gather_pairs(value, entry->type);
        while (left-- > 0 && gather_next_pair(&pairs, &key, &item)) {
            struct spot at = at_name(spot, key);
            check_child(session, &at, item);
        }
    }
}

static void check_attribute_objects(struct session *session, const struct spot *spot,
                                    const struct object_entry *entry, PyObject *value)
{
    struct attribute attributes[MAX_CHILDREN]; /* a child's attributes use the same memory */
    struct gathered gathered;
    gather_attributes(session, value, entry->type, &gathered);
    uint32_t count = gathered.count < MAX_CHILDREN ? gathered.count : MAX_CHILDREN;
    for (uint32_t i = 0; i < count; i++) {
        attributes[i] = gathered.attributes[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        struct spot at = at_attribute(spot, &attributes[i]);
        check_child(session, &at, attributes[i].value);
    }
}

/* ---- a frame
 * -------------------------------------------------------------------------------------------- */

static bool is_named(const struct shadow_frame *frame, uint32_t slot)
{
    return frame->line_info != NULL && slot < PLAN_MASK_SLOTS &&
           ((frame->line_info->reads | frame->line_info->writes) >> slot & 1) != 0;
}

static void check_object(struct session *session, struct spot *spot, PyObject *value, bool named)
{
    const struct object_entry *entry = entry_of(session, value);
    if (entry == NULL) {
        return;
    }
    if (!named && entry->count > SAFE_ITEMS) {
        spot->class = LAGGING;
    }
    check_content(session, spot, entry, value);
    check_item_objects(session, spot, entry, value);
    check_attribute_objects(session, spot, entry, value);
}

static void check_slots(struct session *session, const struct spot *spot, compat_frame *real)
{
    const struct plan *plan = spot->frame->plan;
    PyObject *names = compat_frame_code(real)->co_localsplusnames;
    for (uint32_t slot = 0; slot < plan->real_slots; slot++) {
        PyObject *value = slot_value(plan, real, slot);
        struct spot at = at_name(spot, PyTuple_GET_ITEM(names, slot));
        if (plan->actions[slot] == CTR_KEEP &&
            check_place(session, &at, &spot->frame->slots[slot], value)) {
            at.class = slot < PLAN_MASK_SLOTS ? WRONG : LAGGING;
            check_object(session, &at, value, is_named(spot->frame, slot));
        }
    }
    if (plan->has_namespace && real->f_locals != real->f_globals) {
        struct spot at = at_text(spot, "locals()");
        check_object(session, &at, real->f_locals, true);
    }
}

/* A loop that comes round names what its header iterates over no more. */
static bool comes_round(const struct shadow_frame *frame)
{
    return frame->line_info >= frame->plan->lines + frame->plan->line_count + 2;
}

static bool line_names(const struct shadow_frame *frame, PyObject *name)
{
    const struct line_info *line = frame->line_info;
    for (unsigned i = 0; line != NULL && !comes_round(frame) && i < line->global_count; i++) {
        if (frame->plan->globals_read[line->first_global + i] == name) {
            return true;
        }
    }
    return false;
}

static bool is_time_for_all(const struct session *session)
{
    return session->check->moments % SAMPLED == 0;
}

static void check_global_objects(struct session *session, const struct spot *spot,
                                 PyObject *globals)
{
    struct compat_dict_walk walk = compat_dict_walk(globals);
    PyObject *name, *value;
    while (compat_dict_next(&walk, &name, &value)) {
        bool named = line_names(spot->frame, name);
        if ((named || is_time_for_all(session)) && entry_of(session, value) != NULL) {
            struct spot at = at_name(spot, name);
            at.class = named ? WRONG : LAGGING;
            check_object(session, &at, value, named);
        }
    }
}

static void check_globals(struct session *session, const struct spot *spot, PyObject *globals)
{
    const struct object_entry *entry = entry_of(session, globals);
    if (entry == NULL || entry->type->capture != CAPTURE_DICT) {
        report(session, spot, "globals are not remembered");
        return;
    }
    struct mirror *mirror = mirror_of(session, entry);
    uint64_t version = ((PyDictObject *)globals)->ma_version_tag;
    uint64_t before = session->check->counts[WRONG];
    if (mirror->version != version || is_time_for_all(session)) {
        check_pairs(session, spot, entry, globals);
        mirror->version = session->check->counts[WRONG] == before ? version : 0;
    }
    check_global_objects(session, spot, globals);
}

void self_check_frame(struct session *session, const struct shadow_frame *frame, compat_frame *real)
{
    struct spot spot = {.frame = frame, .class = WRONG};
    session->check->moments++;
    check_slots(session, &spot, real);
    struct spot globals = at_text(&spot, "globals()");
    check_globals(session, &globals, real->f_globals);
}

/* ---- the pairs of dicts, as written
 * ---------------------------------------------------------------------- */

void self_check_clear(struct session *session, const struct object_entry *entry)
{
    struct mirror *mirror = mirror_of(session, entry);
    mirror->number = entry->number + 1;
    mirror->count = 0;
}

static uint32_t index_of(const struct mirror *mirror, const struct shadow *key)
{
    uint32_t at = 0;
    while (at < mirror->count && !shadow_same(&mirror->keys[at], key)) {
        at++;
    }
    return at;
}

static bool make_room(struct mirror *mirror)
{
    if (mirror->count < mirror->capacity) {
        return true;
    }
    uint32_t capacity = mirror->capacity ? mirror->capacity * 2 : 8;
    struct shadow *keys = realloc(mirror->keys, capacity * sizeof *keys);
    mirror->keys = keys != NULL ? keys : mirror->keys;
    struct shadow *values = realloc(mirror->values, capacity * sizeof *values);
    mirror->values = values != NULL ? values : mirror->values;
    mirror->capacity = keys != NULL && values != NULL ? capacity : mirror->capacity;
    return mirror->count < mirror->capacity;
}

void self_check_pair(struct session *session, const struct object_entry *entry,
                     const struct shadow *key, const struct shadow *value)
{
    struct mirror *mirror = mirror_of(session, entry);
    if (mirror->number != entry->number + 1) {
        return;
    }
    uint32_t at = index_of(mirror, key);
    if (at == mirror->count) {
        if (mirror->count == MAX_PAIRS || !make_room(mirror)) {
            mirror->number = 0;
            return;
        }
        mirror->keys[mirror->count++] = *key;
    }
    mirror->values[at] = *value;
}

void self_check_unpair(struct session *session, const struct object_entry *entry,
                       const struct shadow *key)
{
    struct mirror *mirror = mirror_of(session, entry);
    if (mirror->number != entry->number + 1) {
        return;
    }
    uint32_t at = index_of(mirror, key);
    if (at == mirror->count) {
        return; /* a reader would not find it either */
    }
    size_t rest = (--mirror->count - at) * sizeof *mirror->keys;
    memmove(mirror->keys + at, mirror->keys + at + 1, rest);
    memmove(mirror->values + at, mirror->values + at + 1, rest);
}

/* ---- life and report
 * ------------------------------------------------------------------------------------ */

static void put_findings(FILE *file, const struct self_check *check, enum class class)
{
    for (uint32_t i = 0; i < check->finding_count[class]; i++) {
        const struct finding *finding = &check->findings[class][i];
        fprintf(file, "%s: %s line %u: %s: %s (%llu times)\n", class_names[class],
                finding->function, finding->line, finding->place, finding->text,
                (unsigned long long)finding->times);
    }
}

void self_check_report(struct session *session)
{
    const struct self_check *check = session->check;
    char *path = ct_path_join(session->directory, "self_check.txt");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file != NULL) {
        fprintf(file, "moments %llu places %llu wrong %llu lagging %llu\n",
                (unsigned long long)check->moments, (unsigned long long)check->places,
                (unsigned long long)check->counts[WRONG],
                (unsigned long long)check->counts[LAGGING]);
        put_findings(file, check, WRONG);
        put_findings(file, check, LAGGING);
        fclose(file);
    }
    free(path);
}

int self_check_init(struct session *session)
{
    session->check = calloc(1, sizeof *session->check);
    if (session->check != NULL) {
        session->check->mirrors = calloc(MAX_OBJECTS, sizeof *session->check->mirrors);
    }
    return session->check != NULL && session->check->mirrors != NULL ? CT_OK : CT_ENOMEM;
}

void self_check_free(struct session *session)
{
    struct self_check *check = session->check;
    for (uint32_t i = 0; check != NULL && check->mirrors != NULL && i < MAX_OBJECTS; i++) {
        free(check->mirrors[i].keys);
        free(check->mirrors[i].values);
    }
    if (check != NULL) {
        free(check->mirrors);
    }
    free(check);
    session->check = NULL;
}

#endif
