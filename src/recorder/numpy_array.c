#include "recorder/numpy_array.h"

/* ---- layouts ---- */

struct dtype_of_1 {
    struct numpy_dtype head;
    int size;
    int alignment;
    void *parts[5];
    const void *unit;
    Py_hash_t hash;
};

struct dtype_of_2 {
    struct numpy_dtype head;
    uint64_t flags;
    Py_ssize_t size;
    void *parts[8];
    const void *unit;
};

/* Of dates and durations: so many of the unit are one count. */
struct unit {
    void *functions[2];
    void *reserved[2];
    int base;
    int count;
};

/* What `type(dtype).__basicsize__` says; types of elements that are newer than both are none. */
static bool is_of_1(const struct numpy_dtype *dtype)
{
    return Py_TYPE(dtype)->tp_basicsize == sizeof(struct dtype_of_1);
}

static bool is_of_2(const struct numpy_dtype *dtype)
{
    return Py_TYPE(dtype)->tp_basicsize == sizeof(struct dtype_of_2);
}

/* ---- arrays ---- */

/* numpy may be absent, or another module may bear its name: its array type is one of C's own. */
bool numpy_is_array_type(const PyTypeObject *type)
{
    if (strcmp(type->tp_name, "numpy.ndarray") != 0 || (type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return false;
    }
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    PyObject *numpy =
        modules != NULL && PyDict_Check(modules) ? compat_dict_get(modules, "numpy") : NULL;
    return numpy != NULL && PyModule_Check(numpy) &&
           compat_dict_get(PyModule_GetDict(numpy), "ndarray") == (PyObject *)type;
}

bool numpy_owns_memory(const struct numpy_array *array)
{
    enum { OWNS_DATA = 4 };
    return array->base == NULL && (array->flags & OWNS_DATA);
}

Py_ssize_t numpy_count(const struct numpy_array *array)
{
    Py_ssize_t count = 1;
    for (int i = 0; i < array->dimensions; i++) {
        if (__builtin_mul_overflow(count, array->shape[i], &count)) {
            return 0;
        }
    }
    return count;
}

/* ---- types of elements ---- */

Py_ssize_t numpy_element_size(const struct numpy_dtype *dtype)
{
    return is_of_1(dtype)   ? ((const struct dtype_of_1 *)dtype)->size
           : is_of_2(dtype) ? ((const struct dtype_of_2 *)dtype)->size
                            : 0;
}

static const struct unit *unit_of(const struct numpy_dtype *dtype)
{
    return is_of_1(dtype)   ? ((const struct dtype_of_1 *)dtype)->unit
           : is_of_2(dtype) ? ((const struct dtype_of_2 *)dtype)->unit
                            : NULL;
}

/* Empty where the array has none, or none that is known here. */
static void name_unit(const struct unit *unit, char *name, size_t size)
{
    static const char *const units[] = {"Y", "M",  "W",  NULL, "D",  "h",  "m",
                                        "s", "ms", "us", "ns", "ps", "fs", "as"};
    bool is_known = unit != NULL && unit->count > 0 && unit->base >= 0 &&
                    unit->base < (int)(sizeof units / sizeof units[0]) && units[unit->base] != NULL;
    if (!is_known) {
        *name = 0;
    } else if (unit->count == 1) {
        snprintf(name, size, "[%s]", units[unit->base]);
    } else {
        snprintf(name, size, "[%d%s]", unit->count, units[unit->base]);
    }
}

void numpy_name(const struct numpy_dtype *dtype, char *name, size_t size)
{
    enum { UNIT_BYTES = 16, CHARACTER_BYTES = 4 };
    char unit[UNIT_BYTES];
    const char *order = dtype->order == '>' ? ">" : "";
    long long bytes = numpy_element_size(dtype);
    const char *type = strrchr(Py_TYPE(dtype)->tp_name, '.');
    switch (dtype->kind) {
    case 'M':
    case 'm':
        name_unit(unit_of(dtype), unit, sizeof unit);
        snprintf(name, size, "%s%s%s", order, dtype->kind == 'M' ? "datetime64" : "timedelta64",
                 unit);
        break;
    case 'U':
        snprintf(name, size, "%sU%lld", order, bytes / CHARACTER_BYTES);
        break;
    case 'S':
    case 'V':
        snprintf(name, size, "%c%lld", dtype->kind, bytes);
        break;
    case 'O':
        snprintf(name, size, "object");
        break;
    default:
        snprintf(name, size, "%s", type != NULL ? type + 1 : Py_TYPE(dtype)->tp_name);
    }
}
