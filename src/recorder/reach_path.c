#include "recorder/reach_path.h"

#include <opcode.h>
#include <structmember.h>

#include "recorder/plan.h"
#include "recorder/slot.h"

PyObject *path_slot(const struct shadow_frame *frame, compat_frame *real, unsigned slot)
{
    if (slot < PLAN_MASK_SLOTS && (frame->plan->special >> slot & 1) == 0) {
        return real->localsplus[slot];
    }
    return slot < frame->plan->real_slots ? slot_value(frame->plan, real, slot) : NULL;
}

/* One of __slots__, or what the class holds for all its instances: of a method, the function. A
 * class may hold the descriptor of another, whose instances are laid out otherwise. */
static PyObject *class_attribute(PyObject *owner, PyObject *name)
{
    PyObject *found = Py_TYPE(owner)->tp_flags & Py_TPFLAGS_HEAPTYPE
                          ? _PyType_Lookup(Py_TYPE(owner), name)
                          : NULL;
    if (found == NULL || !Py_IS_TYPE(found, &PyMemberDescr_Type)) {
        bool is_given =
            found != NULL && (PyFunction_Check(found) || Py_TYPE(found)->tp_descr_get == NULL);
        return is_given ? found : NULL;
    }
    const PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
    bool is_its_own = PyType_IsSubtype(Py_TYPE(owner), PyDescr_TYPE(found));
    return is_its_own && member->type == T_OBJECT_EX
               ? *(PyObject **)((char *)owner + member->offset)
               : NULL;
}

static PyObject *instance_attribute(PyObject *owner, PyObject *name)
{
    PyDictKeysObject *keys;
    Py_ssize_t count;
    PyObject *value = NULL;
    PyObject **values = compat_inline_values(owner, &keys, &count);
    for (Py_ssize_t i = 0; values != NULL && i < count && value == NULL; i++) {
        value = compat_shared_key(keys, i) == name ? values[i] : NULL;
    }
    PyObject *dict = values == NULL ? compat_instance_dict(owner) : NULL;
    if (dict != NULL && PyDict_Check(dict)) {
        value = compat_dict_find(dict, name, ((PyASCIIObject *)name)->hash);
    }
    return value != NULL ? value : class_attribute(owner, name);
}

static PyObject *global_now(compat_frame *real, struct object_path *path)
{
    PyObject *spaces[] = {real->f_locals, real->f_globals, real->f_builtins};
    for (int i = 0; i < 3; i++) {
        if (spaces[i] == NULL || !PyDict_Check(spaces[i])) {
            continue;
        }
        if (!compat_dict_is_at(spaces[i], path->name, path->place)) {
            Py_hash_t hash = ((PyASCIIObject *)path->name)->hash;
            Py_ssize_t place = hash != -1 ? compat_dict_place(spaces[i], path->name, hash) : -1;
            if (place < 0) {
                continue;
            }
            path->place = (uint32_t)place;
        }
        PyObject *found = compat_dict_value(spaces[i], path->place);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static PyObject *item_at(PyObject *const *items, Py_ssize_t count, int64_t index)
{
    index += index < 0 ? count : 0;
    return index >= 0 && index < count ? items[index] : NULL;
}

/* A container that takes its items as every one of this type does: what it holds under a key is
 * what
 * `[]` gives. */
static bool takes_items_of(PyObject *container, PyTypeObject *type)
{
    return Py_IS_TYPE(container, type) ||
           (PyType_IsSubtype(Py_TYPE(container), type) &&
            Py_TYPE(container)->tp_as_mapping->mp_subscript == type->tp_as_mapping->mp_subscript);
}

/* An item's key: an object, or an int that was computed. */
struct key {
    PyObject *object; /* borrowed */
    int64_t number;
};

static bool as_int(const struct key *key, int64_t *number)
{
    if (key->object == NULL) {
        *number = key->number;
        return true;
    }
    return PyLong_CheckExact(key->object) && compat_small_int(key->object, number);
}

static bool divide(int64_t a, int64_t b, int64_t *quotient, int64_t *rest)
{
    if (b == 0 || b == -1) { /* -1: of the least number, the quotient is none */
        return false;
    }
    bool is_below = a % b != 0 && (a % b < 0) != (b < 0);
    *quotient = a / b - is_below;
    *rest = a % b + (is_below ? b : 0);
    return true;
}

/* As Python does it with ints; false: it does not fit, or is an error. */
static bool compute(uint8_t operation, int64_t a, int64_t b, int64_t *result)
{
    int64_t unused;
    switch (operation) {
    case NB_ADD:
        return !__builtin_add_overflow(a, b, result);
    case NB_SUBTRACT:
        return !__builtin_sub_overflow(a, b, result);
    case NB_MULTIPLY:
        return !__builtin_mul_overflow(a, b, result);
    case NB_FLOOR_DIVIDE:
        return divide(a, b, result, &unused);
    case NB_REMAINDER:
        return divide(a, b, &unused, result);
    case NB_AND:
        *result = a & b;
        return true;
    case NB_OR:
        *result = a | b;
        return true;
    case NB_XOR:
        *result = a ^ b;
        return true;
    case NB_LSHIFT:
        return b >= 0 && b < 63 && !__builtin_mul_overflow(a, (int64_t)1 << b, result);
    case NB_RSHIFT:
        *result = b < 63 ? a >> b : -(int64_t)(a < 0);
        return b >= 0;
    default:
        return false;
    }
}

static bool compute_key(struct shadow_frame *frame, compat_frame *real,
                        const struct path_step *step, struct key *key)
{
    struct key stack[TERMS_MAX] = {0};
    struct term *terms = frame->plan->terms + step->index;
    unsigned depth = 0;
    for (unsigned i = 0; i < step->count; i++) {
        int64_t a, b;
        switch (terms[i].kind) {
        case TERM_INT:
            stack[depth++] = (struct key){.number = terms[i].number};
            break;
        case TERM_PATH:
            stack[depth++] = (struct key){.object = path_follow(frame, real, &terms[i].path)};
            if (stack[depth - 1].object == NULL) {
                return false;
            }
            break;
        default:
            depth--;
            if (!as_int(&stack[depth - 1], &a) || !as_int(&stack[depth], &b) ||
                !compute(terms[i].operation, a, b, &stack[depth - 1].number)) {
                return false;
            }
            stack[depth - 1].object = NULL;
        }
    }
    if (depth == 1) {
        *key = stack[0];
    }
    return depth == 1;
}

/* False: it cannot be told. */
static bool key_now(struct shadow_frame *frame, compat_frame *real, const struct path_step *step,
                    struct key *key)
{
    switch (step->kind) {
    case STEP_SLOT:
        key->object = path_slot(frame, real, step->slot);
        return key->object != NULL;
    case STEP_INDEX:
    case STEP_KEY:
        key->object = step->name;
        return true;
    case STEP_TERMS:
        return compute_key(frame, real, step, key);
    default:
        return false;
    }
}

const PyObject *path_key(struct shadow_frame *frame, compat_frame *real,
                         const struct path_step *step)
{
    struct key key = {0};
    return key_now(frame, real, step, &key) ? key.object : NULL;
}

bool path_index(struct shadow_frame *frame, compat_frame *real, const struct path_step *step,
                int64_t *index)
{
    struct key key = {0};
    if (step->kind == STEP_INDEX) {
        *index = step->index;
        return true;
    }
    return key_now(frame, real, step, &key) && as_int(&key, index);
}

uint64_t path_place(struct shadow_frame *frame, compat_frame *real, const struct path_step *step)
{
    struct key key = {0};
    int64_t number;
    if (!key_now(frame, real, step, &key)) {
        return 0;
    }
    return as_int(&key, &number) ? (uint64_t)number : (uint64_t)(uintptr_t)key.object;
}

static PyObject *dict_item(PyObject *dict, const struct key *key)
{
    struct compat_int number;
    PyObject *object = key->object != NULL ? key->object : compat_int_of(&number, key->number);
    Py_hash_t hash = compat_simple_hash(object);
    return hash != -1 ? compat_dict_find(dict, object, hash) : NULL;
}

/* Does `get` give what [] does? A class of the program may have one of its own. */
static bool gives_items(PyObject *container, const struct path_step *step)
{
    return takes_items_of(container, &PyDict_Type) &&
           (!step->is_given || !(Py_TYPE(container)->tp_flags & Py_TPFLAGS_HEAPTYPE));
}

PyObject *path_item(struct shadow_frame *frame, compat_frame *real, PyObject *container,
                    const struct path_step *step)
{
    int64_t index;
    struct key key = {0};
    if (Py_IS_TYPE(container, &PyDictProxy_Type)) {
        container = compat_proxied(container);
    }
    if (PyDict_Check(container)) {
        return gives_items(container, step) && key_now(frame, real, step, &key)
                   ? dict_item(container, &key)
                   : NULL;
    }
    if (step->is_given || !path_index(frame, real, step, &index)) {
        return NULL;
    }
    if (PyUnicode_CheckExact(container)) {
        return container; /* stands for its items: they are of its type, and never change */
    }
    if (takes_items_of(container, &PyList_Type)) {
        return item_at(((PyListObject *)container)->ob_item, PyList_GET_SIZE(container), index);
    }
    return takes_items_of(container, &PyTuple_Type)
               ? item_at(((PyTupleObject *)container)->ob_item, PyTuple_GET_SIZE(container), index)
               : NULL;
}

PyObject *path_attribute(PyObject *owner, PyObject *name)
{
    if (PyModule_CheckExact(owner)) {
        PyObject *dict = PyModule_GetDict(owner);
        Py_hash_t hash = ((PyASCIIObject *)name)->hash;
        return dict != NULL && hash != -1 ? compat_dict_find(dict, name, hash) : NULL;
    }
    return instance_attribute(owner, name);
}

/* What a path of steps leads to now; NULL when that cannot be told without running code, and then
 * `*reached` is what could be. */
PyObject *path_follow_until(struct shadow_frame *frame, compat_frame *real,
                            struct object_path *path, PyObject **reached)
{
    PyObject *value =
        path->base == BASE_GLOBAL ? global_now(real, path) : path_slot(frame, real, path->slot);
    *reached = value;
    for (unsigned i = 0; i < path->count && value != NULL; i++) {
        const struct path_step *step = &path->steps[i];
        *reached = value;
        value = step->kind == STEP_ATTR ? path_attribute(value, step->name)
                                        : path_item(frame, real, value, step);
    }
    return value;
}

PyObject *path_follow(struct shadow_frame *frame, compat_frame *real, struct object_path *path)
{
    PyObject *reached;
    return path_follow_until(frame, real, path, &reached);
}
