#include "recorder/reach.h"

#include "recorder/frame.h"
#include "recorder/object.h"
#include "recorder/plan.h"
#include "recorder/reach_path.h"
#include "recorder/site.h"
#include "recorder/slot.h"
#include "recorder/types.h"
#include "recorder/unseen.h"
#include "recorder/value.h"
#include "recorder/verdict.h"

static inline bool is_direct(const struct object_path *path)
{
    return path->base == BASE_SLOT && path->count == 0;
}

static inline PyObject *receiver_now(struct shadow_frame *frame, compat_frame *real,
                                     struct object_path *path)
{
    if (is_direct(path)) {
        return path_slot(frame, real, path->slot);
    }
    bool is_global = path->base == BASE_GLOBAL && path->count == 0;
    if (is_global && real->f_locals == NULL &&
        compat_dict_is_at(real->f_globals, path->name, path->place)) {
        return compat_dict_value(real->f_globals, path->place);
    }
    return path_follow(frame, real, path);
}

static bool is_generator(PyObject *value)
{
    return PyGen_CheckExact(value) || PyCoro_CheckExact(value);
}

/* What iterating runs, or a method of a generator: a generator's code, or __next__ and __iter__ of
 * a class. */
static enum verdict judge_iterable(struct session *session, PyObject *iterable)
{
    return unseen_advances(session, iterable) ? VERDICT_ESCAPES : VERDICT_RECORDED;
}

/* Does the verdict hold for whatever is at this address? A builtin lives on; and where everything
 * is looked at, it may be another that would not need it. */
static bool stands(PyObject *callable, enum verdict verdict)
{
    bool is_class =
        PyType_Check(callable) && (((PyTypeObject *)callable)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
    bool lives_on = !is_class && verdict_receiver(callable, NULL) == NULL;
    return verdict == VERDICT_ESCAPES || (verdict == VERDICT_PURE && lives_on);
}

__attribute__((noinline)) static enum verdict verdict_of(struct session *session,
                                                         struct effect *effect, PyObject *receiver)
{
    if (receiver == NULL) {
        return VERDICT_UNKNOWN;
    }
    if (effect->action == ACTION_CALL) {
        if (PyFunction_Check(receiver)) {
            effect->verdict =
                plan_will_record_function(session, receiver) ? VERDICT_RECORDED : VERDICT_ESCAPES;
        } else if (receiver != effect->judged) {
            effect->verdict = (uint8_t)verdict_of_callable(session, receiver, effect);
            effect->judged = stands(receiver, (enum verdict)effect->verdict) ? receiver : NULL;
        }
        return (enum verdict)effect->verdict;
    }
    PyTypeObject *type = Py_TYPE(receiver);
    if (effect->action == ACTION_ITERATE || is_generator(receiver)) {
        effect->verdict = (uint8_t)judge_iterable(session, receiver);
        effect->version = 0; /* of its class's other instances it says nothing */
        return (enum verdict)effect->verdict;
    }
    if (PyModule_CheckExact(receiver)) {
        effect->verdict =
            (uint8_t)verdict_of_callable(session, path_attribute(receiver, effect->name), effect);
        return (enum verdict)effect->verdict;
    }
    if (type->tp_version_tag == 0 || type->tp_version_tag != effect->version) {
        effect->verdict = (uint8_t)verdict_of_method(session, receiver, effect);
        effect->version = type->tp_version_tag;
    }
    return (enum verdict)effect->verdict;
}

static bool is_scalar(const PyObject *value)
{
    return PyLong_CheckExact(value) || PyFloat_CheckExact(value) || PyUnicode_CheckExact(value) ||
           value == Py_None || PyBool_Check(value);
}

/* What the trace last said of a receiver that is an object; NULL for any other value. `made` is
 * room for it. */
static inline struct shadow *object_shadow_of(struct session *session, struct shadow_frame *frame,
                                              const struct effect *effect, PyObject *value,
                                              struct shadow *made)
{
    const struct object_path *path = &effect->path;
    if (is_direct(path) && shadow_kind(&frame->slots[path->slot]) == CTR_V_OBJECT) {
        return &frame->slots[path->slot];
    }
    value_shadow(session, value, made);
    return shadow_kind(made) == CTR_V_OBJECT ? made : NULL;
}

/* A dict does, but for the one that holds an instance's attributes. */
static bool reports_changes(const struct session *session, PyObject *value)
{
    return PyDict_CheckExact(value) && compat_dict_reports(value, session->dict_watcher);
}

/* Does what changes the object change others? An instance and the dict of its attributes, which
 * other instances may have too; a bytearray and its views. */
static bool is_shared(struct session *session, PyObject *value)
{
    if (PyDict_CheckExact(value)) {
        return !reports_changes(session, value);
    }
    if (PyByteArray_CheckExact(value)) {
        return ((PyByteArrayObject *)value)->ob_exports != 0;
    }
    PyObject *dict = compat_instance_dict(value);
    return dict != NULL && PyDict_Check(dict) && Py_REFCNT(dict) > 1;
}

/* Look at all a receiver holds; false when it is nothing we can look into. */
static bool look_at(struct session *session, struct shadow_frame *frame,
                    const struct effect *effect, PyObject *value)
{
    struct shadow made;
    if (value == NULL || is_scalar(value)) {
        return value != NULL;
    }
    struct shadow *shadow = object_shadow_of(session, frame, effect, value, &made);
    if (shadow != NULL) {
        bool shared = is_shared(session, value);
        object_check(session, value, shadow, true, true);
        const struct object_entry *entry = object_of(session, shadow);
        return entry != NULL && entry->type->capture != CAPTURE_BUFFER && /* a view of another? */
               !shared;
    }
    struct type_info *type = types_of(session, Py_TYPE(value));
    return type != NULL && type->capture != CAPTURE_OPAQUE &&
           !(is_direct(&effect->path) && type_has_inside(type));
}

/* The same, where something in it was worked on in place. */
static bool look_at_all(struct session *session, struct shadow_frame *frame,
                        const struct effect *effect, PyObject *value)
{
    bool is_all = look_at(session, frame, effect, value);
    if (effect->back && value != NULL && !is_scalar(value)) {
        object_check_inside(session, value);
    }
    return is_all;
}

/* `d[key] += ...` of a dict: it reports the store of another object, not that the same one,
 * changed, was put back. */
static void look_at_put_back(struct session *session, struct shadow_frame *frame,
                             compat_frame *real, const struct effect *effect, PyObject *dict)
{
    const struct path_step *key = effect_key(effect);
    bool is_reported = session->reported == dict && session->reported_at == session->writer->steps;
    if (is_reported &&
        (key->kind == STEP_NONE || path_key(frame, real, key) == session->reported_key)) {
        return;
    }
    PyObject *item = path_item(frame, real, dict, key);
    if (item == NULL) {
        object_check_inside(session, dict);
    } else if (!is_scalar(item)) {
        object_check_known(session, item, true, true);
    }
}

static bool store_at(struct session *session, struct shadow_frame *frame, compat_frame *real,
                     const struct effect *effect, PyObject *value)
{
    int64_t index;
    if (value != NULL && reports_changes(session, value)) {
        if (effect->back) {
            look_at_put_back(session, frame, real, effect, value);
        }
        return true;
    }
    struct shadow made;
    struct shadow *shadow = value != NULL && PyList_CheckExact(value) &&
                                    path_index(frame, real, effect_key(effect), &index)
                                ? object_shadow_of(session, frame, effect, value, &made)
                                : NULL;
    return (shadow != NULL && object_check_item(session, value, shadow, index)) ||
           look_at_all(session, frame, effect, value);
}

static enum verdict store_verdict(struct session *session, struct effect *effect,
                                  PyTypeObject *type)
{
    if (type->tp_version_tag == 0 || type->tp_version_tag != effect->version) {
        effect->verdict = (uint8_t)verdict_of_store(session, type, effect->name);
        effect->version = type->tp_version_tag;
    }
    return (enum verdict)effect->verdict;
}

static bool store_one(struct session *session, struct shadow_frame *frame, struct effect *effect,
                      PyObject *value)
{
    struct shadow made;
    enum verdict verdict =
        value != NULL ? store_verdict(session, effect, Py_TYPE(value)) : VERDICT_CHANGES;
    bool is_plain = verdict == VERDICT_CHANGES_ONE && !is_shared(session, value);
    struct shadow *shadow =
        is_plain ? object_shadow_of(session, frame, effect, value, &made) : NULL;
    bool is_all = (shadow != NULL && object_check_attribute(session, value, shadow, effect->name,
                                                            effect->back, &effect->hint)) ||
                  look_at_all(session, frame, effect, value);
    return is_all && verdict != VERDICT_ESCAPES;
}

static bool change_ends(struct session *session, struct shadow_frame *frame,
                        const struct effect *effect, PyObject *value)
{
    struct shadow made;
    struct shadow *shadow = !is_direct(&effect->path) && object_expect_grown(session, value, &made)
                                ? &made
                                : object_shadow_of(session, frame, effect, value, &made);
    return (shadow != NULL && object_check_ends(session, value, shadow, effect)) ||
           look_at(session, frame, effect, value);
}

/* What a function written in C does to what it is given first. */
static bool work_on(struct session *session, struct shadow_frame *frame,
                    const struct effect *effect, PyObject *value)
{
    if (effect->end == END_NEXT) {
        return !unseen_advances(session, value) &&
               (is_generator(value) || look_at(session, frame, effect, value));
    }
    if (effect->end == END_ATTRIBUTE) {
        const struct type_info *type = types_of(session, Py_TYPE(value));
        return type != NULL && type->capture == CAPTURE_INSTANCE &&
               (type->unseen & USE_SET_ATTR) == 0 && look_at(session, frame, effect, value);
    }
    return (effect->end == END_HEAP && object_check_heap(session, value)) ||
           look_at(session, frame, effect, value);
}

static bool apply_effect(struct session *session, struct shadow_frame *frame, compat_frame *real,
                         struct effect *effect)
{
    PyObject *value = receiver_now(frame, real, &effect->path);
    switch (effect->action) {
    case ACTION_STORE_ITEM:
        return store_at(session, frame, real, effect, value);
    case ACTION_STORE_ATTR:
        return store_one(session, frame, effect, value);
    case ACTION_STORE:
        return look_at(session, frame, effect, value);
    case ACTION_WATCHED:
        return true;
    case ACTION_ARGUMENT:
        return value != NULL && work_on(session, frame, effect, value);
    default:
        switch (verdict_of(session, effect, value)) {
        case VERDICT_PURE:
            return !PyDict_CheckExact(value) || reports_changes(session, value) ||
                   look_at(session, frame, effect, value);
        case VERDICT_RECORDED:
            return true;
        case VERDICT_CHANGES_ENDS:
            return change_ends(session, frame, effect, value);
        case VERDICT_CHANGES:
            return look_at(session, frame, effect, value);
        case VERDICT_UNKNOWN:
            if (value != NULL) {
                site_begin(session, frame->plan, effect);
            }
            return false;
        default:
            return false;
        }
    }
}

const struct line_info *reach_line_again(struct session *session, struct shadow_frame *frame,
                                         compat_frame *real, const struct line_info *line)
{
    const struct plan *plan = frame->plan;
    if (compat_frame_unit(real, (PyCodeObject *)plan->code) != (Py_ssize_t)line->loop_at) {
        frame->advancing = NULL; /* a loop begins, with an iterator of its own */
        return line;
    }
    PyObject *iterator = compat_stack_top(real);
    if (iterator == NULL) {
        return plan_any_line(plan);
    }
    if (iterator != frame->advancing) {
        if (unseen_advances(session, iterator)) {
            return plan_any_line(plan);
        }
        frame->advancing = iterator;
    }
    return &plan->lines[line->again];
}

enum { ELSEWHERE = 2 }; /* is none of the hashes of where paths lead, which are odd */

static uint64_t places_now(struct shadow_frame *frame, compat_frame *real,
                           const struct line_info *line)
{
    uint64_t hash = 1;
    struct effect *effects = frame->plan->effects + line->first_effect;
    for (unsigned i = 0; i < line->effect_count; i++) {
        if (effects[i].movable) {
            hash =
                value_mix(hash, (uint64_t)(uintptr_t)receiver_now(frame, real, &effects[i].path));
            if (effects[i].action == ACTION_STORE_ITEM) {
                hash = value_mix(hash, path_place(frame, real, effect_key(&effects[i])));
            }
        }
    }
    return hash | 1;
}

void reach_note_crossing(struct shadow_frame *frame, compat_frame *real)
{
    uint64_t now = places_now(frame, real, frame->line_info);
    frame->crossing = frame->crossing == 0 || frame->crossing == now ? now : ELSEWHERE;
}

bool reach_was_crossed(struct shadow_frame *frame, compat_frame *real, const struct line_info *line)
{
    bool is_moved = frame->crossing != places_now(frame, real, line);
    frame->crossing = is_moved ? ELSEWHERE : 0;
    return is_moved;
}

/* What C code works on besides its arguments: a bound method's object, the memory of a view. */
static PyObject *behind(PyObject *value)
{
    if (PyCFunction_Check(value)) {
        PyObject *self = ((PyCFunctionObject *)value)->m_self;
        return self != NULL && !PyModule_Check(self) ? self : NULL;
    }
    return PyMemoryView_Check(value) ? PyMemoryView_GET_BASE(value) : NULL;
}

static void look_along(struct session *session, PyObject *value)
{
    if (is_scalar(value)) {
        return;
    }
    PyObject *held = behind(value);
    if (held != NULL) {
        object_check_known(session, held, true, true);
    }
    struct shadow shadow;
    value_shadow(session, value, &shadow);
    if (shadow_kind(&shadow) == CTR_V_OBJECT) {
        object_check(session, value, &shadow, true, true);
        object_check_children(session, value, &shadow, true);
    }
}

static bool is_call(const struct effect *effect)
{
    return effect->action == ACTION_METHOD || effect->action == ACTION_CALL;
}

/* `frame.loc[row, name] = value`, `frame.columns = names`: stores by way of a property that is not
 * recorded go into what the property is of. So may a call on a path that cannot be followed. */
static bool works_inside(struct session *session, struct effect *effect, PyObject *value)
{
    return value == NULL ? effect->action <= ACTION_CALL
                         : effect->action == ACTION_INSIDE ||
                               (effect->action == ACTION_STORE_ATTR &&
                                store_verdict(session, effect, Py_TYPE(value)) == VERDICT_ESCAPES);
}

/* A path may lead elsewhere by now: what the line worked on is likely still somewhere in there. The
 * variable of a comprehension is gone: then in something else that the line names. */
static void look_below_path(struct session *session, struct shadow_frame *frame, compat_frame *real,
                            const struct line_info *line, const struct object_path *path)
{
    struct object_path base = *path;
    base.count = 0;
    PyObject *value = path_follow(frame, real, &base);
    if (value != NULL) {
        object_check_inside(session, value);
    }
    for (uint64_t mask = value == NULL ? line->reads & frame->object_slots : 0; mask != 0;
         mask &= mask - 1) {
        object_check_inside(session, path_slot(frame, real, (unsigned)__builtin_ctzll(mask)));
    }
}

void reach_look_along(struct session *session, struct shadow_frame *frame, compat_frame *real,
                      const struct line_info *line)
{
    struct effect *effects = frame->plan->effects + line->first_effect;
    for (unsigned i = 0; i < line->effect_count + line->mention_count; i++) {
        PyObject *reached;
        PyObject *value = path_follow_until(frame, real, &effects[i].path, &reached);
        if (effects[i].led || (effects[i].movable && frame->crossing == ELSEWHERE)) {
            look_below_path(session, frame, real, line, &effects[i].path);
        }
        if (works_inside(session, &effects[i], value)) {
            object_check_inside(session, value != NULL ? value : reached);
            if (is_call(&effects[i])) {
                site_begin(session, frame->plan, &effects[i]);
            }
        } else if (value != NULL && (effects[i].path.count != 0 || behind(value) != NULL)) {
            look_along(session, value);
        }
    }
}

bool reach_apply(struct session *session, struct shadow_frame *frame, compat_frame *real,
                 const struct line_info *line)
{
    bool all = true;
    struct effect *effects = frame->plan->effects + line->first_effect;
    for (unsigned i = 0; i < line->effect_count; i++) {
        all = apply_effect(session, frame, real, &effects[i]) && all;
    }
    return !all;
}
