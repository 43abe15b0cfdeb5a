#include "recorder/types.h"

#include <stddef.h>
#include <stdlib.h>
#include <structmember.h>

#include "recorder/buffer.h"
#include "recorder/known_fields.h"
#include "recorder/path.h"
#include "recorder/regex.h"
#include "recorder/filter.h"
#include "recorder/unseen.h"
#include "recorder/value.h"
#include "recorder/wtf8.h"

enum { TYPE_TABLE_BITS = 12, TYPE_TABLE = 1 << TYPE_TABLE_BITS };

struct types {
    struct type_info *table[TYPE_TABLE];
    uint32_t count;
};

/* Types that are written in C or read natively, by the name C knows. Those of pandas begin as
 * datetime's. */
struct known_type {
    const char *name;
    uint8_t capture;
    uint8_t family;
};

static const struct known_type known_types[] = {
    {"collections.deque", CAPTURE_DEQUE, CTR_F_DEQUE},
    {"decimal.Decimal", CAPTURE_PURE_STR, CTR_F_DECIMAL},
    {"datetime.date", CAPTURE_DATE, CTR_F_DATE},
    {"datetime.datetime", CAPTURE_DATETIME, CTR_F_DATETIME},
    {"datetime.time", CAPTURE_TIME, CTR_F_TIME},
    {"datetime.timedelta", CAPTURE_TIMEDELTA, CTR_F_TIMEDELTA},
    {"pandas._libs.tslibs.timestamps._Timestamp", CAPTURE_DATETIME, CTR_F_DATETIME},
    {"pandas._libs.tslibs.timedeltas._Timedelta", CAPTURE_TIMEDELTA, CTR_F_TIMEDELTA},
    {"_io.BytesIO", CAPTURE_STREAM, CTR_F_STREAM},
    {"_io.StringIO", CAPTURE_STREAM, CTR_F_STREAM},
    {"xml.etree.ElementTree.Element", CAPTURE_ELEMENT, CTR_F_OBJECT},
    {"array.array", CAPTURE_BUFFER, CTR_F_BUFFER},
    {"numpy.ndarray", CAPTURE_BUFFER, CTR_F_BUFFER},
    {"re.Pattern", CAPTURE_PATTERN, CTR_F_PATTERN},
    {"re.Match", CAPTURE_MATCH, CTR_F_MATCH},
    {"types.SimpleNamespace", CAPTURE_INSTANCE, CTR_F_NAMESPACE},
    {"method-wrapper", CAPTURE_THING, CTR_F_FUNCTION},
};

/* Classes of the standard library written in Python, immutable, kept in slots. */
static const struct known_class {
    const char *module;
    const char *name;
    uint8_t family;
    const char *parts[3];
} known_classes[] = {
    {"fractions", "Fraction", CTR_F_FRACTION, {"_numerator", "_denominator"}},
    {"uuid", "UUID", CTR_F_UUID, {"int"}},
};

struct builtin_type {
    PyTypeObject *type;
    uint8_t capture;
    uint8_t family;
};

static const struct builtin_type *builtin_types(size_t *count)
{
    static const struct builtin_type types[] = {
        {&PyBool_Type, CAPTURE_INT, CTR_F_INT},
        {&PyLong_Type, CAPTURE_INT, CTR_F_INT},
        {&PyFloat_Type, CAPTURE_FLOAT, CTR_F_FLOAT},
        {&PyComplex_Type, CAPTURE_COMPLEX, CTR_F_COMPLEX},
        {&PyUnicode_Type, CAPTURE_TEXT, CTR_F_TEXT},
        {&PyBytes_Type, CAPTURE_BYTES, CTR_F_BYTES},
        {&PyTuple_Type, CAPTURE_TUPLE, CTR_F_TUPLE},
        {&PyFrozenSet_Type, CAPTURE_FROZENSET, CTR_F_FROZENSET},
        {&PyList_Type, CAPTURE_LIST, CTR_F_LIST},
        {&PyDict_Type, CAPTURE_DICT, CTR_F_DICT},
        {&PySet_Type, CAPTURE_SET, CTR_F_SET},
        {&PyByteArray_Type, CAPTURE_BYTEARRAY, CTR_F_BYTEARRAY},
        {&PyMemoryView_Type, CAPTURE_BUFFER, CTR_F_BUFFER},
        {&PyRange_Type, CAPTURE_RANGE, CTR_F_OBJECT},
        {&PySlice_Type, CAPTURE_SLICE, CTR_F_OBJECT},
        {&PyFunction_Type, CAPTURE_THING, CTR_F_FUNCTION},
        {&PyCFunction_Type, CAPTURE_THING, CTR_F_FUNCTION},
        {&PyMethod_Type, CAPTURE_THING, CTR_F_METHOD},
        {&PyModule_Type, CAPTURE_THING, CTR_F_MODULE},
        {&PyMethodDescr_Type, CAPTURE_THING, CTR_F_FUNCTION},
        {&PyClassMethodDescr_Type, CAPTURE_THING, CTR_F_FUNCTION},
        {&PyWrapperDescr_Type, CAPTURE_THING, CTR_F_FUNCTION},
        {&PyMemberDescr_Type, CAPTURE_THING, CTR_F_FUNCTION},
        {&PyGetSetDescr_Type, CAPTURE_THING, CTR_F_FUNCTION},
        {&PyCode_Type, CAPTURE_THING, CTR_F_OBJECT},
        {&PyGen_Type, CAPTURE_GENERATOR, CTR_F_GENERATOR},
        {&PyCoro_Type, CAPTURE_GENERATOR, CTR_F_GENERATOR},
        {&PyAsyncGen_Type, CAPTURE_GENERATOR, CTR_F_GENERATOR},
        {&PyDictProxy_Type, CAPTURE_PROXY, CTR_F_MAPPINGPROXY},
        {&PyTraceBack_Type, CAPTURE_TRACEBACK, CTR_F_TRACEBACK},
        {&PyCell_Type, CAPTURE_CELL, CTR_F_CELL},
    };
    *count = sizeof types / sizeof types[0];
    return types;
}

/* ---- classification
 * ------------------------------------------------------------------------------ */

/* A class made by Python code has no tp_methods, whatever it is called. */
PyTypeObject *types_native(PyTypeObject *type)
{
    while (type != NULL && type->tp_methods == NULL) {
        type = type->tp_base;
    }
    return type == &PyBaseObject_Type ? NULL : type;
}

static const struct known_type *known_type(PyTypeObject *type)
{
    const PyTypeObject *native = types_native(type);
    for (size_t i = 0; native != NULL && i < sizeof known_types / sizeof known_types[0]; i++) {
        if (strcmp(native->tp_name, known_types[i].name) == 0) {
            return &known_types[i];
        }
    }
    return NULL;
}

static bool in_type_dict(PyTypeObject *type, const char *name)
{
    return type->tp_dict != NULL && (type->tp_flags & Py_TPFLAGS_HEAPTYPE) &&
           compat_dict_get(type->tp_dict, name) != NULL;
}

static bool in_mro_dict(PyTypeObject *type, const char *name)
{
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        if (in_type_dict((PyTypeObject *)PyTuple_GET_ITEM(mro, i), name)) {
            return true;
        }
    }
    return false;
}

static bool has_base_named(PyTypeObject *type, const char *name)
{
    for (; type != NULL; type = type->tp_base) {
        if (strcmp(type->tp_name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* By the type written in C that it is or derives from, unless that is not laid out as known. */
static bool classify_known(struct type_info *info, PyTypeObject *type)
{
    const struct known_type *known = known_type(type);
    if (known == NULL) {
        return false;
    }
    info->capture = known->capture;
    info->family = known->family;
    bool is_regex = known->capture == CAPTURE_PATTERN || known->capture == CAPTURE_MATCH;
    if ((is_regex && !regex_learn(info)) ||
        (known->capture == CAPTURE_BUFFER && !buffer_learn(info)) ||
        ((known->capture == CAPTURE_STREAM || known->capture == CAPTURE_ELEMENT) &&
         known_fields_of(types_native(type)) == NULL)) {
        info->capture = CAPTURE_OPAQUE;
        info->family = CTR_F_OBJECT;
    }
    return true;
}

static void classify_by_flags(struct type_info *info, PyTypeObject *type)
{
    static const struct {
        unsigned long flag;
        uint8_t capture, family;
    } bases[] = {
        {Py_TPFLAGS_LONG_SUBCLASS, CAPTURE_INT, CTR_F_INT},
        {Py_TPFLAGS_UNICODE_SUBCLASS, CAPTURE_TEXT, CTR_F_TEXT},
        {Py_TPFLAGS_BYTES_SUBCLASS, CAPTURE_BYTES, CTR_F_BYTES},
        {Py_TPFLAGS_TUPLE_SUBCLASS, CAPTURE_TUPLE, CTR_F_TUPLE},
        {Py_TPFLAGS_LIST_SUBCLASS, CAPTURE_LIST, CTR_F_LIST},
        {Py_TPFLAGS_DICT_SUBCLASS, CAPTURE_DICT, CTR_F_DICT},
        {Py_TPFLAGS_BASE_EXC_SUBCLASS, CAPTURE_EXCEPTION, CTR_F_EXCEPTION},
        {Py_TPFLAGS_TYPE_SUBCLASS, CAPTURE_THING, CTR_F_CLASS},
    };
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        if (type->tp_flags & bases[i].flag) {
            info->capture = bases[i].capture;
            info->family = bases[i].family;
            return;
        }
    }
    if (PyType_IsSubtype(type, &PyFloat_Type)) {
        info->capture = CAPTURE_FLOAT;
        info->family = CTR_F_FLOAT;
    } else if (PyType_IsSubtype(type, &PyComplex_Type)) {
        info->capture = CAPTURE_COMPLEX;
        info->family = CTR_F_COMPLEX;
    } else if (PyType_IsSubtype(type, &PySet_Type)) {
        info->capture = CAPTURE_SET;
        info->family = CTR_F_SET;
    } else if (PyType_IsSubtype(type, &PyFrozenSet_Type)) {
        info->capture = CAPTURE_FROZENSET;
        info->family = CTR_F_FROZENSET;
    } else if (PyType_IsSubtype(type, &PyByteArray_Type)) {
        info->capture = CAPTURE_BYTEARRAY;
        info->family = CTR_F_BYTEARRAY;
    } else {
        classify_known(info, type);
    }
}

static int add_slot(struct type_info *info, const char *name, Py_ssize_t offset, uint8_t form)
{
    size_t count = info->slot_count + 1u;
    struct type_slot *slots = realloc(info->slots, count * sizeof *slots);
    if (slots == NULL) {
        return -1;
    }
    info->slots = slots;
    struct type_slot *slot = &slots[info->slot_count++];
    *slot = (struct type_slot){.offset = offset, .form = form};
    snprintf(slot->text, sizeof slot->text, "%s", name);
    return 0;
}

static int add_known_slots(struct type_info *info, const struct known_fields *known)
{
    for (int i = 0; i < KNOWN_FIELDS && known->fields[i].name != NULL; i++) {
        const struct known_field *field = &known->fields[i];
        if (add_slot(info, field->name, field->offset, field->form) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool classify_builtin(struct type_info *info, PyTypeObject *type)
{
    size_t count;
    const struct builtin_type *builtin = builtin_types(&count);
    for (size_t i = 0; i < count; i++) {
        if (builtin[i].type == type) {
            info->capture = builtin[i].capture;
            info->family = builtin[i].family;
            info->exact = true;
            return true;
        }
    }
    const struct known_fields *fields = known_fields_of(type);
    if (fields != NULL) {
        if (!classify_known(info, type)) {
            info->capture = CAPTURE_INSTANCE;
        }
        info->has_dict = fields->has_dict && type->tp_dictoffset != 0;
        return add_known_slots(info, fields) == 0;
    }
    if (scalar_learn(info)) {
        info->capture = CAPTURE_SCALAR;
        return true;
    }
    if (known_holder_offset(type) != 0) {
        info->capture = CAPTURE_THING;
        info->part_count = 1;
        info->parts[0] = known_holder_offset(type);
        return true;
    }
    if (types_native(type) != type || !classify_known(info, type)) {
        return false;
    }
    info->has_dict = type->tp_dictoffset != 0;
    return true;
}

static int add_member_slots(struct type_info *info, const PyTypeObject *base, bool heap)
{
    for (const PyMemberDef *member = base->tp_members; member->name != NULL; member++) {
        if (member->type != T_OBJECT_EX && (heap || member->type != T_OBJECT)) {
            continue;
        }
        uint8_t form = member->type == T_OBJECT ? FIELD_OBJECT : FIELD_UNBOUND;
        if (add_slot(info, member->name, member->offset, form) != 0) {
            return -1;
        }
    }
    return 0;
}

static int collect_slots(struct type_info *info, PyTypeObject *type)
{
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = PyTuple_GET_SIZE(mro) - 1; i >= 0; i--) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        bool heap = (base->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
        const struct known_fields *known = known_fields_of(base);
        bool has_members = base->tp_members != NULL && (heap || info->capture == CAPTURE_EXCEPTION);
        int status = known != NULL ? add_known_slots(info, known)
                     : has_members ? add_member_slots(info, base, heap)
                                   : 0;
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static bool find_parts(struct type_info *info, const char *const parts[3])
{
    info->part_count = 0;
    for (int i = 0; i < 3 && parts[i] != NULL; i++) {
        for (unsigned j = 0; j < info->slot_count; j++) {
            if (strcmp(info->slots[j].text, parts[i]) == 0) {
                info->parts[info->part_count++] = info->slots[j].offset;
            }
        }
        if (info->part_count != i + 1) {
            return false;
        }
    }
    return true;
}

static void classify_known_class(struct type_info *info, PyTypeObject *type)
{
    PyObject *module = types_module(type);
    for (size_t i = 0; module != NULL && i < sizeof known_classes / sizeof known_classes[0]; i++) {
        const struct known_class *known = &known_classes[i];
        if (PyUnicode_CompareWithASCIIString(module, known->module) == 0 &&
            strcmp(type->tp_name, known->name) == 0 && find_parts(info, known->parts)) {
            info->capture = CAPTURE_PARTS;
            info->family = known->family;
        }
    }
    if (has_base_named(type, "PurePath") && path_learn(info)) {
        info->capture = CAPTURE_PATH;
        info->family = CTR_F_PATH;
    }
}

static PyObject *named_tuple_fields(PyTypeObject *type)
{
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (!(base->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
            continue;
        }
        PyObject *fields = compat_dict_get(base->tp_dict, "_fields");
        if (fields != NULL && PyTuple_CheckExact(fields)) {
            return fields;
        }
    }
    return NULL;
}

/* How many fields a type like os.stat_result shows: a tuple made by C code, whose members are named
 * in their order. 0: it is none. */
static Py_ssize_t struct_fields(PyTypeObject *type)
{
    int64_t count = 0;
    PyObject *dict = type->tp_flags & Py_TPFLAGS_TUPLE_SUBCLASS ? PyType_GetDict(type) : NULL;
    PyObject *shown = dict != NULL ? compat_dict_get(dict, "n_sequence_fields") : NULL;
    Py_XDECREF(dict);
    bool is_known = shown != NULL && PyLong_CheckExact(shown) && compat_small_int(shown, &count) &&
                    types_native(type) == type && type->tp_members != NULL;
    for (int64_t i = 0; is_known && i < count; i++) {
        is_known = type->tp_members[i].name != NULL;
    }
    return is_known ? (Py_ssize_t)count : 0;
}

static void learn_field(struct type_info *info, Py_ssize_t at, uint8_t action)
{
    info->hidden_fields |= (uint64_t)(action != CTR_KEEP) << at;
    info->dropped_fields |= (uint64_t)(action == CTR_DROP) << at;
}

static void learn_fields(struct session *session, struct type_info *info, PyTypeObject *type)
{
    Py_ssize_t count = struct_fields(type);
    for (Py_ssize_t i = 0; i < count && i < 64; i++) {
        const char *name = type->tp_members[i].name;
        learn_field(info, i, filter_text(session, info->policy, FILTER_ATTRIBUTE, name));
    }
    PyObject *fields = named_tuple_fields(type);
    for (Py_ssize_t i = 0; fields != NULL && i < PyTuple_GET_SIZE(fields) && i < 64; i++) {
        PyObject *name = PyTuple_GET_ITEM(fields, i);
        learn_field(info, i, filter_name(session, info->policy, FILTER_ATTRIBUTE, name));
    }
}

static bool takes_secret(struct session *session, PyObject *function)
{
    if (function != NULL &&
        Py_IS_TYPE(function, &PyStaticMethod_Type)) { /* what `def __new__` becomes */
        function = compat_static_function(function);
    }
    if (function == NULL || !PyFunction_Check(function)) {
        return false;
    }
    const PyCodeObject *code = (const PyCodeObject *)PyFunction_GET_CODE(function);
    int count = code->co_argcount + code->co_kwonlyargcount;
    uint32_t policy =
        filter_code(session, (PyCodeObject *)code, PyFunction_GET_GLOBALS(function)).policy;
    for (int i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        if (filter_name(session, policy, FILTER_ARGUMENT, name) != CTR_KEEP) {
            return true;
        }
    }
    return false;
}

/* An exception keeps its arguments without their names. Where a constructor takes a secret, none of
 * them is told: which one holds it, perhaps as a part, cannot be known. */
static bool constructor_takes_secret(struct session *session, PyTypeObject *type)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); i++) {
        const PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i);
        if (!(base->tp_flags & Py_TPFLAGS_HEAPTYPE) || base->tp_dict == NULL) {
            continue;
        }
        if (takes_secret(session, compat_dict_get(base->tp_dict, "__init__")) ||
            takes_secret(session, compat_dict_get(base->tp_dict, "__new__"))) {
            return true;
        }
    }
    return false;
}

/* A member of an IntEnum or StrEnum is a built-in value with attributes, too. */
static void classify_enum(struct type_info *info)
{
    bool is_value = info->capture >= CAPTURE_INT && info->capture <= CAPTURE_BYTES;
    info->capture = is_value ? info->capture : CAPTURE_INSTANCE;
    info->family = CTR_F_ENUM;
}

static bool has_own_attributes(const struct type_info *info)
{
    switch (info->capture) {
    case CAPTURE_INT:
    case CAPTURE_FLOAT:
    case CAPTURE_COMPLEX:
    case CAPTURE_TEXT:
    case CAPTURE_BYTES:
    case CAPTURE_TUPLE:
    case CAPTURE_FROZENSET:
    case CAPTURE_DATE:
    case CAPTURE_DATETIME:
    case CAPTURE_TIME:
    case CAPTURE_TIMEDELTA:
    case CAPTURE_PURE_STR:
        return info->has_dict || info->slot_count > 0;
    default:
        return false;
    }
}

static void classify(struct type_info *info, PyTypeObject *type)
{
    info->capture = CAPTURE_OPAQUE;
    info->family = CTR_F_OBJECT;
    if (classify_builtin(info, type)) {
        return;
    }
    classify_by_flags(info, type);
    if (info->capture == CAPTURE_DICT) {
        info->is_ordered_dict = PyType_IsSubtype(type, &PyODict_Type);
        const PyTypeObject *native = types_native(type);
        info->is_default_dict =
            native != NULL && strcmp(native->tp_name, "collections.defaultdict") == 0;
    }
    bool heap = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
    if (type->tp_mro == NULL || !PyTuple_Check(type->tp_mro)) {
        return;
    }
    info->has_finalizer = heap && type->tp_finalize != NULL && in_mro_dict(type, "__del__");
    info->has_dict = type->tp_dictoffset != 0 || (type->tp_flags & Py_TPFLAGS_MANAGED_DICT);
    if (info->capture == CAPTURE_EXCEPTION || (heap && info->capture != CAPTURE_THING)) {
        collect_slots(info, type);
    }
    if (info->capture == CAPTURE_TUPLE && struct_fields(type) != 0) {
        info->family = CTR_F_NAMEDTUPLE;
    }
    if (!heap) {
        return;
    }
    if (strcmp(Py_TYPE(type)->tp_name, "EnumType") == 0 && info->capture != CAPTURE_THING) {
        classify_enum(info);
    } else if (info->capture == CAPTURE_OPAQUE && (info->has_dict || info->slot_count > 0)) {
        info->capture = CAPTURE_INSTANCE;
        info->family = in_mro_dict(type, "__dataclass_fields__") ? CTR_F_DATACLASS : CTR_F_OBJECT;
    } else if (info->capture == CAPTURE_OPAQUE &&
               type->tp_basicsize == PyBaseObject_Type.tp_basicsize) {
        info->capture = CAPTURE_INSTANCE; /* class with empty __slots__ */
    }
    if (info->capture == CAPTURE_TUPLE && in_mro_dict(type, "_fields")) {
        info->family = CTR_F_NAMEDTUPLE;
    }
    if (info->capture == CAPTURE_INSTANCE) {
        classify_known_class(info, type);
    }
    if (has_own_attributes(info)) {
        info->base_capture = info->capture;
        info->capture = CAPTURE_EXTENDED;
    }
}

/* What is not kept, by the names that are known before there is an instance. */
static void learn_hidden(struct session *session, struct type_info *info, PyTypeObject *type)
{
    info->policy = filter_type(session, type);
    for (int i = 0; i < info->slot_count; i++) {
        info->slots[i].action =
            filter_text(session, info->policy, FILTER_ATTRIBUTE, info->slots[i].text);
    }
    bool is_heap = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
    info->hides_arguments =
        is_heap && info->capture == CAPTURE_EXCEPTION && constructor_takes_secret(session, type);
    if (info->family == CTR_F_NAMEDTUPLE) {
        learn_fields(session, info, type);
    }
}

/* ---- the table
 * ----------------------------------------------------------------------------------- */

static size_t table_index(const PyTypeObject *type)
{
    return (size_t)(((uintptr_t)type >> 4) * 0x9e3779b97f4a7c15ull >> (64 - TYPE_TABLE_BITS));
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    for (; *text != 0; text++) {
        hash = value_mix(hash, (uint8_t)*text);
    }
    return hash;
}

/* Classes come and go at one address; addresses of their parts are reused with them, so only
 * content is compared: two types of equal layout are read in the same way. */
static uint64_t layout_of(const PyTypeObject *type)
{
    uint64_t hash = mix_text((uint64_t)type->tp_basicsize, type->tp_name);
    hash = value_mix(hash, (uint64_t)type->tp_itemsize);
    hash = value_mix(hash, (uint64_t)type->tp_dictoffset);
    hash = value_mix(hash, (uint64_t)type->tp_weaklistoffset);
    hash = value_mix(hash, (uint64_t)(uintptr_t)type->tp_base);
    hash = value_mix(hash, type->tp_finalize != NULL);
    for (const PyMemberDef *member = type->tp_members; member != NULL && member->name != NULL;
         member++) {
        hash = value_mix(mix_text(hash, member->name), (uint64_t)member->offset);
    }
    return hash;
}

/* A stream in memory that is iterated over moves on, without code. */
static uint16_t uses_unseen(struct session *session, const struct type_info *info,
                            PyTypeObject *type)
{
    return unseen_uses_of_type(session, type) | (info->capture == CAPTURE_STREAM ? USE_ITERATE : 0);
}

static bool same_type(struct session *session, struct type_info *info, PyTypeObject *type)
{
    if (info->type != type) {
        return false;
    }
    if (type_is_current(info, type)) {
        return true;
    }
    if (layout_of(type) != info->layout) {
        return false;
    }
    if (type->tp_version_tag != 0) { /* it was changed, or looked up in for the first time */
        info->version = type->tp_version_tag;
        info->unseen = uses_unseen(session, info, type);
    }
    return true;
}

struct type_info *types_of(struct session *session, PyTypeObject *type)
{
    struct type_info **bucket = &session->types->table[table_index(type)];
    for (struct type_info *info = *bucket; info != NULL; info = info->next) {
        if (same_type(session, info, type)) {
            return info;
        }
    }
    struct type_info *info = calloc(1, sizeof *info);
    if (info == NULL) {
        return NULL;
    }
    info->type = type;
    info->version = type->tp_version_tag;
    info->layout = layout_of(type);
    info->id = NO_TYPE;
    classify(info, type);
    info->unseen = uses_unseen(session, info, type);
    learn_hidden(session, info, type);
    info->next = *bucket;
    *bucket = info;
    return info;
}

PyObject *types_module(PyTypeObject *type)
{
    PyObject *module = compat_dict_get(type->tp_dict, "__module__");
    return module != NULL && PyUnicode_CheckExact(module) ? module : NULL;
}

static void add_type_module(struct ct_bytes *to, PyTypeObject *type)
{
    PyObject *module = type->tp_flags & Py_TPFLAGS_HEAPTYPE ? types_module(type) : NULL;
    const char *dot = strrchr(type->tp_name, '.');
    if (module != NULL) {
        text_add(to, module);
    } else if (dot != NULL) {
        ct_bytes_add_block(to, type->tp_name, (size_t)(dot - type->tp_name));
    } else {
        ct_bytes_add_block(to, "builtins", 8);
    }
}

static void add_type_name(struct ct_bytes *to, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        text_add(to, ((PyHeapTypeObject *)type)->ht_qualname);
        return;
    }
    const char *dot = strrchr(type->tp_name, '.');
    const char *name = dot != NULL ? dot + 1 : type->tp_name;
    ct_bytes_add_block(to, name, strlen(name));
}

static void add_struct_fields(struct ct_bytes *to, const PyTypeObject *type, Py_ssize_t count)
{
    ct_bytes_add_varint(to, (uint64_t)count);
    for (Py_ssize_t i = 0; i < count; i++) {
        ct_bytes_add_block(to, type->tp_members[i].name, strlen(type->tp_members[i].name));
    }
}

static void add_fields(struct ct_bytes *to, struct type_info *info)
{
    Py_ssize_t shown = info->family == CTR_F_NAMEDTUPLE ? struct_fields(info->type) : 0;
    if (shown != 0) {
        add_struct_fields(to, info->type, shown);
        return;
    }
    PyObject *fields = info->family == CTR_F_NAMEDTUPLE ? named_tuple_fields(info->type) : NULL;
    Py_ssize_t count = fields != NULL ? PyTuple_GET_SIZE(fields) : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(fields, i))) {
            count = 0;
        }
    }
    ct_bytes_add_varint(to, (uint64_t)count);
    for (Py_ssize_t i = 0; i < count; i++) {
        text_add(to, PyTuple_GET_ITEM(fields, i));
    }
}

uint32_t types_number(struct session *session, struct type_info *info)
{
    if (info->id == NO_TYPE) {
        struct ct_bytes payload = {0};
        ct_bytes_add_byte(&payload, info->family);
        add_type_module(&payload, info->type);
        add_type_name(&payload, info->type);
        add_fields(&payload, info);
        if (!payload.failed &&
            ctr_writer_define(session->writer, CTR_DEF_TYPE, payload.data, payload.size)) {
            info->id = session->types->count++;
        }
        ct_bytes_free(&payload);
        if (info->id == NO_TYPE) {
            return 0;
        }
    }
    return info->id;
}

int types_init(struct session *session)
{
    session->types = calloc(1, sizeof *session->types);
    return session->types == NULL ? CT_ENOMEM : CT_OK;
}

void types_free(struct session *session)
{
    for (size_t i = 0; session->types != NULL && i < TYPE_TABLE; i++) {
        struct type_info *next;
        for (struct type_info *info = session->types->table[i]; info != NULL; info = next) {
            next = info->next;
            free(info->slots);
            free(info);
        }
    }
    free(session->types);
    session->types = NULL;
}
