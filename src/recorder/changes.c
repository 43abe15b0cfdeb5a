#include "recorder/changes.h"

#include "recorder/exact.h"
#include "recorder/frame.h"
#include "recorder/thread.h"
#include "recorder/unseen.h"
#include "recorder/value.h"

/* What a global name, or one of the frame's namespace, stands for; NULL when it cannot be told. */
static PyObject *global_read(const struct plan *plan, compat_frame *real, PyObject *name)
{
    Py_hash_t hash = ((PyASCIIObject *)name)->hash;
    PyObject *names = plan->has_namespace ? real->f_locals : real->f_globals;
    if (hash == -1 || names == NULL || !PyDict_CheckExact(names)) {
        return NULL;
    }
    PyObject *value = compat_dict_find(names, name, hash);
    return value == NULL && names != real->f_globals ? compat_dict_find(real->f_globals, name, hash)
                                                     : value;
}

static void check_global_objects(struct session *session, struct shadow_frame *frame,
                                 compat_frame *real, const struct line_info *line)
{
    for (unsigned i = 0; i < line->global_count; i++) {
        PyObject *value =
            global_read(frame->plan, real, frame->plan->globals_read[line->first_global + i]);
        if (value == NULL || PyFunction_Check(value) || PyType_Check(value) ||
            PyModule_Check(value) || PyLong_CheckExact(value)) {
            continue;
        }
        struct shadow shadow;
        value_shadow(session, value, &shadow);
        if (shadow_kind(&shadow) == CTR_V_OBJECT) {
            object_check(session, value, &shadow, true, true);
            object_check_children(session, value, &shadow, true);
        }
    }
}

void changes_check_slots(struct session *session, struct shadow_frame *frame, compat_frame *real,
                         uint64_t mask, bool named)
{
    for (; mask != 0; mask &= mask - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(mask);
        PyObject *value = slot_value(frame->plan, real, slot);
        if (value == NULL) {
            continue;
        }
        struct shadow *shadow = &frame->slots[slot];
        object_check(session, value, shadow, named, false);
        if (named) {
            object_check_children(session, value, shadow, false);
        }
    }
}

/* Those in `named` come first: under another name the same object is looked at in part only, and
 * counts as looked at. */
static void check_objects(struct session *session, struct shadow_frame *frame, compat_frame *real,
                          uint64_t named)
{
    changes_check_slots(session, frame, real, frame->object_slots & named, true);
    changes_check_slots(session, frame, real, frame->object_slots & ~named, false);
}

/* A tuple never changes, but what it holds may: objects in it that are known are looked at again,
 * and one that was forgotten meanwhile goes on under the number it gets now. A function may get
 * another name. */
static bool may_read_otherwise(struct session *session, PyObject *value)
{
    enum { SHORT_TUPLE = 64 };
    if (value == NULL || PyUnicode_CheckExact(value) || PyLong_CheckExact(value)) {
        return false;
    }
    if (PyTuple_Check(value)) {
        return PyTuple_GET_SIZE(value) <= SHORT_TUPLE;
    }
    if (PySlice_Check(value)) {
        return true;
    }
    const struct type_info *type = types_of(session, Py_TYPE(value));
    return type != NULL && type_has_inside(type);
}

static void check_values(struct session *session, struct shadow_frame *frame, compat_frame *real,
                         uint64_t mask)
{
    for (; mask != 0; mask &= mask - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(mask);
        PyObject *value =
            slot < frame->plan->real_slots ? slot_value(frame->plan, real, slot) : NULL;
        if (may_read_otherwise(session, value)) {
            slot_read(session, frame, slot, value);
        }
    }
}

/* Whoever has the frame's object may set its variables. */
static void apply_foreign(struct session *session, struct shadow_frame *frame, compat_frame *real)
{
    for (uint32_t i = 0; real->frame_obj != NULL && i < frame->plan->real_slots; i++) {
        slot_read(session, frame, i, slot_value(frame->plan, real, i));
    }
}

/* The line may have changed any object: those it names are looked at wholly, the frame's others
 * too. */
void changes__vague(struct session *session, struct shadow_frame *frame, compat_frame *real,
                    const struct line_info *line)
{
    session_heed_unseen(session);
    thread_heed_followers(session, frame_current_thread);
    apply_foreign(session, frame, real);
    if (line->global_count != 0) {
        check_global_objects(session, frame, real, line);
    }
    frame->epoch = session->epoch;
    /* Where a path leads elsewhere by now, or nowhere, another variable may lead to where it did.
     */
    bool is_wide = (line->flags & LINE_WIDE) || frame->crossing != 0;
    check_objects(session, frame, real, is_wide ? ~0ull : line->reads | line->writes);
    reach_look_along(session, frame, real, line);
    frame->crossing = 0;
    object_check_some(session, real->f_globals);
    check_values(session, frame, real, line->reads & ~frame->object_slots);
}

/* Unseen code ran since the frame's objects were last looked at. */
void changes__catch_up(struct session *session, struct shadow_frame *frame, compat_frame *real,
                       const struct line_info *line)
{
    apply_foreign(session, frame, real);
    if (line->global_count != 0) {
        check_global_objects(session, frame, real, line);
    }
    frame->epoch = session->epoch;
    check_objects(session, frame, real, line->reads | line->writes);
}

static uint16_t unseen_uses_of_entry(const struct object_entry *entry)
{
    return entry->type->unseen != 0 ? entry->type->unseen : USE_ITERATE; /* a generator */
}

static bool uses_restless_globals(struct session *session, compat_frame *real,
                                  const struct plan *plan, const struct line_info *line)
{
    for (unsigned i = 0; i < line->global_count; i++) {
        PyObject *value = global_read(plan, real, plan->globals_read[line->first_global + i]);
        const struct object_entry *entry = value != NULL ? object_known(session, value) : NULL;
        if (entry != NULL && entry->is_restless && (unseen_uses_of_entry(entry) & line->uses)) {
            return true;
        }
    }
    return false;
}

bool changes__uses_restless(struct session *session, const struct shadow_frame *frame,
                            compat_frame *real)
{
    const struct line_info *line = frame->line_info;
    for (uint64_t mask = line->reads & frame->restless; mask != 0; mask &= mask - 1) {
        const struct shadow *shadow = &frame->slots[__builtin_ctzll(mask)];
        bool is_object = shadow_kind(shadow) == CTR_V_OBJECT;
        const struct object_entry *entry = is_object ? object_of(session, shadow) : NULL;
        if (entry != NULL ? (unseen_uses_of_entry(entry) & line->uses)
                          : is_object || (line->uses & USE_ITERATE)) {
            return true;
        }
    }
    return (line->flags & LINE_GLOBALS) && uses_restless_globals(session, real, frame->plan, line);
}

/* What few lines do. */
void changes__deeds(struct session *session, struct shadow_frame *frame, compat_frame *real,
                    const struct line_info *line, bool is_restless)
{
    if (line->flags & LINE_EXACT) {
        slots_read_all(session, frame, real);
        exact_look(session, frame, real);
        return;
    }
    if (line->flags & LINE_SPECIAL) {
        slots_apply_special(session, frame, real, line->special, line->into);
    }
    if (line->flags & LINE_MANY) {
        slots_apply_far(session, frame, real);
    }
    changes__effects(session, frame, real, line, is_restless);
}
