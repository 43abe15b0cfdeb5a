/* Every use of CPython's internals, for 3.12 and 3.13. No other file of the recorder includes a
 * pycore header or knows a version number. compat.c checks at import what is assumed here. */
#ifndef CT_RECORDER_COMPAT_H
#define CT_RECORDER_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if PY_VERSION_HEX < 0x030c0000 || PY_VERSION_HEX >= 0x030e0000
#error "the recorder knows CPython 3.12 and 3.13 only"
#endif
#ifdef Py_GIL_DISABLED
#error "free-threaded builds of CPython are not supported"
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "internal/pycore_code.h"
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_long.h"
#include "internal/pycore_object.h"
#pragma GCC diagnostic pop

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CT_PY312 (PY_VERSION_HEX < 0x030d0000)

typedef struct _PyInterpreterFrame compat_frame;

static inline compat_frame *compat_current_frame(PyThreadState *thread)
{
#if CT_PY312
    return thread->cframe->current_frame;
#else
    return thread->current_frame;
#endif
}

static inline bool compat_frame_is_shim(const compat_frame *frame)
{
    return frame->owner == FRAME_OWNED_BY_CSTACK;
}

/* The code a frame runs; NULL for the frames CPython puts between C and Python. */
static inline PyCodeObject *compat_frame_code(const compat_frame *frame)
{
#if CT_PY312
    return frame->owner == FRAME_OWNED_BY_CSTACK ? NULL : frame->f_code;
#else
    PyObject *code = frame->f_executable;
    return code != NULL && PyCode_Check(code) ? (PyCodeObject *)code : NULL;
#endif
}

/* Is an event of this code the frame's? From 3.13 on C code may report events of code that no frame
 * runs: modules made by Cython do. */
static inline bool compat_frame_runs(const compat_frame *frame, const PyObject *code)
{
#if CT_PY312
    (void)frame;
    (void)code;
    return true;
#else
    return frame != NULL && frame->f_executable == code;
#endif
}

/* The frame that all others of the thread were called from; NULL: none runs Python code. */
static inline compat_frame *compat_outermost_frame(PyThreadState *state)
{
    compat_frame *outermost = NULL;
    for (compat_frame *frame = compat_current_frame(state); frame != NULL;
         frame = frame->previous) {
        outermost = compat_frame_code(frame) != NULL ? frame : outermost;
    }
    return outermost;
}

static inline PyCodeObject *compat_frame_object_code(const PyFrameObject *frame)
{
    return compat_frame_code(frame->f_frame);
}

/* A frame being set up has no meaningful instruction yet. */
static inline bool compat_frame_is_complete(compat_frame *frame)
{
    return !_PyFrame_IsIncomplete(frame);
}

/* The generator or coroutine a frame belongs to, borrowed; NULL: it is a function's. */
static inline PyObject *compat_frame_generator(compat_frame *frame)
{
    return frame->owner == FRAME_OWNED_BY_GENERATOR
               ? (PyObject *)((char *)frame - offsetof(PyGenObject, gi_iframe))
               : NULL;
}

/* Where the frame is in its code: the same place, the same line. */
static inline const void *compat_frame_place(const compat_frame *frame)
{
#if CT_PY312
    return frame->prev_instr;
#else
    return frame->instr_ptr;
#endif
}

/* Is there nothing but C between a frame and the one that it was called from? */
static inline bool compat_is_called_from(const compat_frame *frame, const compat_frame *caller)
{
    const compat_frame *from = frame->previous;
    while (from != caller && from != NULL && compat_frame_is_shim(from)) {
        from = from->previous;
    }
    return from == caller;
}

/* The newest value of the running frame's evaluation stack, borrowed, at an event that begins an
 * instruction; NULL when it is empty. */
static inline PyObject *compat_stack_top(const compat_frame *frame)
{
    const PyCodeObject *code = compat_frame_code(frame);
    return code != NULL && frame->stacktop > code->co_nlocalsplus
               ? frame->localsplus[frame->stacktop - 1]
               : NULL;
}

static inline int compat_frame_line(compat_frame *frame)
{
    return PyUnstable_InterpreterFrame_GetLine(frame);
}

/* The number of a line, never negative and of one digit. */
static inline int compat_line_number(PyObject *number)
{
    return (int)((const PyLongObject *)number)->long_value.ob_digit[0];
}

/* The value of an exact int of at most one digit pair; false when it does not fit 64 bits. */
static inline bool compat_small_int(PyObject *number, int64_t *value)
{
    const PyLongObject *v = (const PyLongObject *)number;
    if (_PyLong_IsCompact(v)) {
        *value = (int64_t)_PyLong_CompactValue(v);
        return true;
    }
    Py_ssize_t digits = _PyLong_DigitCount(v);
    if (digits > 2) {
        return false;
    }
    int64_t magnitude =
        (int64_t)v->long_value.ob_digit[0] | ((int64_t)v->long_value.ob_digit[1] << PyLong_SHIFT);
    *value = _PyLong_IsNegative(v) ? -magnitude : magnitude;
    return true;
}

/* An int object in the caller's memory, to look for and never to keep. */
struct compat_int {
    PyLongObject head;
    digit more[2]; /* behind the one in the head */
};

static inline PyObject *compat_int_of(struct compat_int *room, int64_t number)
{
    uint64_t magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
    PyLongObject *object = &room->head;
    *room = (struct compat_int){0};
    Py_SET_REFCNT((PyObject *)object, 1);
    Py_SET_TYPE((PyObject *)object, &PyLong_Type);
    Py_ssize_t count = 0;
    for (digit *at = object->long_value.ob_digit; magnitude != 0; magnitude >>= PyLong_SHIFT) {
        at[count++] = (digit)(magnitude & PyLong_MASK);
    }
    _PyLong_SetSignAndDigitCount(object, number < 0 ? -1 : number > 0, count);
    return (PyObject *)object;
}

static inline Py_ssize_t compat_int_digits(PyObject *number)
{
    return _PyLong_DigitCount((const PyLongObject *)number);
}

static inline uint32_t compat_int_digit(PyObject *number, Py_ssize_t index)
{
    return ((const PyLongObject *)number)->long_value.ob_digit[index];
}

static inline bool compat_int_negative(PyObject *number)
{
    return _PyLong_IsNegative((const PyLongObject *)number);
}

/* ---- attributes kept without a dict
 * -------------------------------------------------------------- */

/* The instance's values in the order of its type's shared keys, or NULL when it has a dict (or
 * nothing). `count` is the number of shared keys; any value may be NULL. */
static inline PyObject **compat_inline_values(PyObject *instance, PyDictKeysObject **keys,
                                              Py_ssize_t *count)
{
    PyTypeObject *type = Py_TYPE(instance);
#if CT_PY312
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        return NULL;
    }
    PyDictOrValues held = *_PyObject_DictOrValuesPointer(instance);
    if (!_PyDictOrValues_IsValues(held)) {
        return NULL;
    }
    PyDictValues *values = _PyDictOrValues_GetValues(held);
    if (values == NULL) {
        return NULL;
    }
#else
    if (!(type->tp_flags & Py_TPFLAGS_INLINE_VALUES)) {
        return NULL;
    }
    PyDictValues *values = _PyObject_InlineValues(instance);
    if (!values->valid) {
        return NULL;
    }
#endif
    *keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
    *count = (*keys)->dk_nentries;
    return values->values;
}

static inline PyObject *compat_shared_key(PyDictKeysObject *keys, Py_ssize_t index)
{
    return DK_UNICODE_ENTRIES(keys)[index].me_key;
}

/* The instance's dict if it has one already, or NULL; creates nothing. */
static inline PyObject *compat_instance_dict(PyObject *instance)
{
    PyTypeObject *type = Py_TYPE(instance);
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
#if CT_PY312
        PyDictOrValues held = *_PyObject_DictOrValuesPointer(instance);
        return _PyDictOrValues_IsValues(held) ? NULL : _PyDictOrValues_GetDict(held);
#else
        return (PyObject *)_PyObject_GetManagedDict(instance);
#endif
    }
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset == 0) {
        return NULL;
    }
    if (offset < 0) {
        Py_ssize_t items = Py_SIZE(instance) < 0 ? -Py_SIZE(instance) : Py_SIZE(instance);
        offset += (Py_ssize_t)_PyObject_VAR_SIZE(type, items);
    }
    return *(PyObject **)((char *)instance + offset);
}

/* ---- dicts, walked without calling anything
 * -------------------------------------------------------- */

struct compat_dict_walk {
    PyDictObject *dict;
    Py_ssize_t at;
    Py_ssize_t end;
};

static inline struct compat_dict_walk compat_dict_walk(PyObject *dict)
{
    PyDictObject *d = (PyDictObject *)dict;
    Py_ssize_t end = d->ma_values != NULL ? d->ma_used : d->ma_keys->dk_nentries;
#if !CT_PY312
    if (d->ma_values != NULL) {
        end = d->ma_values->size;
    }
#endif
    return (struct compat_dict_walk){d, 0, end};
}

/* Next key and value (borrowed) in the dict's order. */
static inline bool compat_dict_next(struct compat_dict_walk *walk, PyObject **key, PyObject **value)
{
    PyDictObject *d = walk->dict;
    while (walk->at < walk->end) {
        Py_ssize_t i = walk->at++;
        if (d->ma_values != NULL) {
#if CT_PY312
            i = ((uint8_t *)d->ma_values)[-3 - i];
#else
            i = get_insertion_order_array(d->ma_values)[i];
#endif
            *key = DK_UNICODE_ENTRIES(d->ma_keys)[i].me_key;
            *value = d->ma_values->values[i];
        } else if (DK_IS_UNICODE(d->ma_keys)) {
            *key = DK_UNICODE_ENTRIES(d->ma_keys)[i].me_key;
            *value = DK_UNICODE_ENTRIES(d->ma_keys)[i].me_value;
        } else {
            *key = DK_ENTRIES(d->ma_keys)[i].me_key;
            *value = DK_ENTRIES(d->ma_keys)[i].me_value;
        }
        if (*value != NULL) {
            return true;
        }
    }
    return false;
}

/* The value (borrowed) under an exact str of this ASCII text; NULL when there is none. */
static inline PyObject *compat_dict_get(PyObject *dict, const char *name)
{
    struct compat_dict_walk walk = compat_dict_walk(dict);
    PyObject *key, *value;
    while (compat_dict_next(&walk, &key, &value)) {
        if (PyUnicode_CheckExact(key) && PyUnicode_CompareWithASCIIString(key, name) == 0) {
            return value;
        }
    }
    return NULL;
}

static inline Py_ssize_t compat_dict_index(const PyDictKeysObject *keys, size_t at)
{
    if (keys->dk_log2_size < 8) {
        return ((const int8_t *)keys->dk_indices)[at];
    }
    if (keys->dk_log2_size < 16) {
        return ((const int16_t *)keys->dk_indices)[at];
    }
    if (keys->dk_log2_size < 32) {
        return ((const int32_t *)keys->dk_indices)[at];
    }
    return (Py_ssize_t)((const int64_t *)keys->dk_indices)[at];
}

enum { COMPAT_KEY_DEPTH = 4 }; /* tuples in tuples that are compared as keys */

/* The same object, or equal and of the same built-in type, down to the items of tuples: equal keys
 * of which one is True and the other 1 are not. */
static inline bool compat_same_key(PyObject *a, PyObject *b, int depth)
{
    if (a == b) {
        return true;
    }
    if (PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b)) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(a);
        int kind = PyUnicode_KIND(a);
        return length == PyUnicode_GET_LENGTH(b) && kind == (int)PyUnicode_KIND(b) &&
               memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b), (size_t)(length * kind)) == 0;
    }
    if (PyBytes_CheckExact(a) && PyBytes_CheckExact(b)) {
        Py_ssize_t size = PyBytes_GET_SIZE(a);
        return size == PyBytes_GET_SIZE(b) &&
               memcmp(PyBytes_AS_STRING(a), PyBytes_AS_STRING(b), (size_t)size) == 0;
    }
    if (PyTuple_CheckExact(a) && PyTuple_CheckExact(b)) {
        Py_ssize_t count = PyTuple_GET_SIZE(a);
        bool same = count == PyTuple_GET_SIZE(b) && depth < COMPAT_KEY_DEPTH;
        for (Py_ssize_t i = 0; same && i < count; i++) {
            same = compat_same_key(PyTuple_GET_ITEM(a, i), PyTuple_GET_ITEM(b, i), depth + 1);
        }
        return same;
    }
    if (PyFloat_CheckExact(a) && PyFloat_CheckExact(b)) {
        double x = PyFloat_AS_DOUBLE(a), y = PyFloat_AS_DOUBLE(b);
        return memcmp(&x, &y, sizeof x) == 0;
    }
    int64_t x = 0, y = 0;
    return PyLong_CheckExact(a) && PyLong_CheckExact(b) && compat_small_int(a, &x) &&
           compat_small_int(b, &y) && x == y;
}

/* The place of a key that is the same: no __eq__ runs. Negative: it is not there. While the hash
 * has bits left to perturb by, places may come again; then each of them comes once. */
static inline Py_ssize_t compat_dict_place(PyObject *dict, PyObject *key, Py_hash_t hash)
{
    enum { PERTURB = 5, PERTURBED_TURNS = 64 / PERTURB + 1, EMPTY = -1 };
    PyDictKeysObject *keys = ((PyDictObject *)dict)->ma_keys;
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    size_t perturb = (size_t)hash, at = (size_t)hash & mask;
    for (size_t turns = 0; turns <= mask + PERTURBED_TURNS; turns++) {
        Py_ssize_t index = compat_dict_index(keys, at);
        if (index == EMPTY) {
            break;
        }
        if (index >= 0) {
            PyObject *held = DK_IS_UNICODE(keys) ? DK_UNICODE_ENTRIES(keys)[index].me_key
                                                 : DK_ENTRIES(keys)[index].me_key;
            if (compat_same_key(held, key, 0)) {
                return index;
            }
        }
        perturb >>= PERTURB;
        at = (at * 5 + perturb + 1) & mask;
    }
    return -1;
}

/* The value at a place that compat_dict_place gave. */
static inline PyObject *compat_dict_value(PyObject *dict, Py_ssize_t place)
{
    const PyDictObject *d = (const PyDictObject *)dict;
    return d->ma_values != NULL        ? d->ma_values->values[place]
           : DK_IS_UNICODE(d->ma_keys) ? DK_UNICODE_ENTRIES(d->ma_keys)[place].me_value
                                       : DK_ENTRIES(d->ma_keys)[place].me_value;
}

/* The value of a key, compared like that. */
static inline PyObject *compat_dict_find(PyObject *dict, PyObject *key, Py_hash_t hash)
{
    Py_ssize_t place = compat_dict_place(dict, key, hash);
    return place >= 0 ? compat_dict_value(dict, place) : NULL;
}

/* Is the name still at the place where it was found before? */
static inline bool compat_dict_is_at(PyObject *dict, const PyObject *name, uint32_t place)
{
    PyDictKeysObject *keys = ((PyDictObject *)dict)->ma_keys;
    return DK_IS_UNICODE(keys) && place < (uint64_t)keys->dk_nentries &&
           DK_UNICODE_ENTRIES(keys)[place].me_key == name;
}

static inline bool compat_hashes_simply(PyObject *key, int depth)
{
    if (PyTuple_CheckExact(key)) {
        bool simply = depth < COMPAT_KEY_DEPTH;
        for (Py_ssize_t i = 0; simply && i < PyTuple_GET_SIZE(key); i++) {
            simply = compat_hashes_simply(PyTuple_GET_ITEM(key, i), depth + 1);
        }
        return simply;
    }
    return PyUnicode_CheckExact(key) || PyLong_CheckExact(key) || PyBytes_CheckExact(key) ||
           PyFloat_CheckExact(key) || PyBool_Check(key) || key == Py_None ||
           Py_TYPE(key)->tp_hash == PyBaseObject_Type.tp_hash;
}

/* The hash of a key whose hashing runs no code of the program's; -1 otherwise. */
static inline Py_hash_t compat_simple_hash(PyObject *key)
{
    if (PyUnicode_CheckExact(key) && ((PyASCIIObject *)key)->hash != -1) {
        return ((PyASCIIObject *)key)->hash;
    }
    return compat_hashes_simply(key, 0) ? Py_TYPE(key)->tp_hash(key) : -1;
}

/* Another with every change of a dict, and never that of another dict; 0: it changes by itself with
 * the instance it belongs to. PEP 509. */
static inline uint64_t compat_dict_version(const PyObject *dict)
{
    const PyDictObject *d = (const PyDictObject *)dict;
    return CT_PY312 || d->ma_values == NULL ? d->ma_version_tag : 0;
}

/* Does the dict report its changes to this watcher? */
static inline bool compat_dict_reports(PyObject *dict, int watcher)
{
    return (((PyDictObject *)dict)->ma_version_tag >> watcher & 1) != 0;
}

/* ---- dicts of collections, as Objects/odictobject.c and Modules/_collectionsmodule.c lay them out
 * -- */

struct compat_ordered_node {
    PyObject *key;
    Py_hash_t hash;
    struct compat_ordered_node *next;
    struct compat_ordered_node *previous;
};

struct compat_ordered_dict {
    PyDictObject dict;
    struct compat_ordered_node *first;
    struct compat_ordered_node *last;
    struct compat_ordered_node **fast_nodes;
    Py_ssize_t fast_node_count;
    void *resize_sentinel;
    size_t state; /* rises by one whenever a node comes or goes */
};

/* ---- collections.deque, as Modules/_collectionsmodule.c lays it out ---- */

enum { COMPAT_DEQUE_BLOCK = 64 };

struct compat_deque_block {
    struct compat_deque_block *left;
    PyObject *data[COMPAT_DEQUE_BLOCK];
    struct compat_deque_block *right;
};

struct compat_deque {
    PyObject_VAR_HEAD struct compat_deque_block *left;
    struct compat_deque_block *right;
    Py_ssize_t left_index;
    Py_ssize_t right_index;
    size_t state;      /* rises by one whenever an item comes or goes at an end */
    Py_ssize_t maxlen; /* -1: none */
};

/* The items from `start` on, in the order they have; `start + count` is no more than there are. */
static inline void compat_deque_items(PyObject *deque, Py_ssize_t start, PyObject **to,
                                      Py_ssize_t count)
{
    const struct compat_deque_block *block = ((struct compat_deque *)deque)->left;
    Py_ssize_t index = ((struct compat_deque *)deque)->left_index + start;
    for (; index >= COMPAT_DEQUE_BLOCK; index -= COMPAT_DEQUE_BLOCK) {
        block = block->right;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        to[i] = block->data[index];
        if (++index == COMPAT_DEQUE_BLOCK) {
            block = block->right;
            index = 0;
        }
    }
}

struct compat_default_dict {
    PyDictObject dict;
    PyObject *factory;
};

/* ---- small objects, as Objects/funcobject.c and Objects/descrobject.c lay them out
 * ----------------------- */

struct compat_holder {
    PyObject_HEAD PyObject *held;
};

/* What a staticmethod wraps; may be NULL. */
static inline PyObject *compat_static_function(PyObject *method)
{
    return ((struct compat_holder *)method)->held;
}

/* What a property calls to store; may be NULL. */
static inline PyObject *compat_property_setter(PyObject *property)
{
    const struct {
        PyObject_HEAD PyObject *get, *set;
    } *at = (const void *)property;
    return at->set;
}

/* What a mappingproxy shows. */
static inline PyObject *compat_proxied(PyObject *proxy)
{
    return ((struct compat_holder *)proxy)->held;
}

struct compat_method_wrapper {
    PyObject_HEAD PyWrapperDescrObject *descriptor;
    PyObject *self;
};

static inline bool compat_is_method_wrapper(const PyObject *value)
{
    return strcmp(Py_TYPE(value)->tp_name, "method-wrapper") == 0;
}

/* ---- line events, as Python/instrumentation.c keeps them
 * ---------------------------------------- */

enum {
    COMPAT_LINE_SHIFT = 4,
    COMPAT_NO_LINE_DELTA = -128,
    COMPAT_COMPUTED_LINE_DELTA = CT_PY312 ? -127 : -126, /* this and less: searched for */
};

/* From 3.13.2 on an entry has as many bytes as it needs. */
static inline bool compat_lines_are_bytes(void)
{
    return CT_PY312 || Py_Version < 0x030d0200;
}

/* One entry for each code unit, NULL where line events were never on. */
static inline _PyCoLineInstrumentationData *compat_line_data(PyCodeObject *code)
{
    return code->_co_monitoring != NULL ? code->_co_monitoring->lines : NULL;
}

/* The tools that get line events of this code, a bit for each. */
static inline unsigned compat_line_tools(PyInterpreterState *interpreter, PyCodeObject *code)
{
    return interpreter->monitors.tools[PY_MONITORING_EVENT_LINE] |
           code->_co_monitoring->local_monitors.tools[PY_MONITORING_EVENT_LINE];
}

/* Has a tool of sys.monitoring other than ours a callback for lines? */
static inline bool compat_others_follow_lines(PyInterpreterState *interpreter, int tool)
{
    enum { FREE_TOOLS = 6 };
    for (int i = 0; i < FREE_TOOLS; i++) {
        PyObject *callback = interpreter->monitoring_callables[i][PY_MONITORING_EVENT_LINE];
        if (i != tool && callback != NULL && callback != Py_None) {
            return true;
        }
    }
    return false;
}

static inline bool compat_has_audit_hooks(PyInterpreterState *interpreter)
{
    return interpreter->audit_hooks != NULL;
}

/* Is there a function of sys.settrace or sys.setprofile that is not C's alone? */
static inline bool compat_is_followed(const PyThreadState *thread)
{
    PyObject *followers[] = {thread->c_traceobj, thread->c_profileobj};
    for (int i = 0; i < 2; i++) {
        PyObject *follower = followers[i];
        if (follower != NULL && (PyFunction_Check(follower) || PyMethod_Check(follower) ||
                                 (Py_TYPE(follower)->tp_flags & Py_TPFLAGS_HEAPTYPE))) {
            return true;
        }
    }
    return false;
}

/* The code unit a frame is at, in an event of a line. */
static inline Py_ssize_t compat_frame_unit(const compat_frame *frame, PyCodeObject *code)
{
#if CT_PY312
    return frame->prev_instr - _PyCode_CODE(code);
#else
    return frame->instr_ptr - _PyCode_CODE(code);
#endif
}

/* ---- the interpreter's end
 * ---------------------------------------------------------------------------------- */

/* Does the interpreter run the exit functions of Python code itself? A program can do it too. */
static inline bool compat_is_ending(void)
{
    return PyInterpreterState_Get()->finalizing != 0;
}

/* Called once, when modules are gone and the interpreter nearly is. */
static inline int compat_at_exit(void (*function)(void *))
{
#if CT_PY312
    return _Py_AtExit(PyInterpreterState_Get(), function, NULL);
#else
    return PyUnstable_AtExit(PyInterpreterState_Get(), function, NULL);
#endif
}

/* ---- per-code storage
 * --------------------------------------------------------------------------------- */

struct compat_code_extra { /* as Objects/codeobject.c lays it out */
    Py_ssize_t size;
    void *extras[1];
};

static inline void *compat_code_extra(PyCodeObject *code, Py_ssize_t index)
{
    const struct compat_code_extra *extra = code->co_extra;
    return extra == NULL || extra->size <= index ? NULL : extra->extras[index];
}

/* When a code object dies, the free function of every index it has room for is called, set or not:
 * give up the room that came with ours. Whoever sets theirs later gets it anew. */
static inline void compat_code_extra_trim(PyCodeObject *code, Py_ssize_t index)
{
    struct compat_code_extra *extra = code->co_extra;
    while (extra != NULL && extra->size > index + 1 && extra->extras[extra->size - 1] == NULL) {
        extra->size--;
    }
}

#endif
