#include "recorder/buffer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "recorder/numpy_array.h"
#include "recorder/secret.h"
#include "recorder/value_internal.h"
#include "recorder/wtf8.h"

enum { DTYPE_BYTES = 32, BASES_MAX = 16 /* arrays that are views of views */ };

/* ---- what is read
 * ------------------------------------------------------------------------------------- */

static getbufferproc getbuffer_of(const PyTypeObject *type)
{
    return type->tp_as_buffer != NULL ? type->tp_as_buffer->bf_getbuffer : NULL;
}

bool buffer_learn(struct type_info *info)
{
    const PyTypeObject *native = types_native(info->type);
    if (native == NULL || getbuffer_of(info->type) == NULL ||
        getbuffer_of(info->type) != getbuffer_of(native)) {
        return false;
    }
    return strcmp(native->tp_name, "numpy.ndarray") != 0 || numpy_is_array_type(native);
}

static bool is_native(PyObject *value, const char *name)
{
    const PyTypeObject *native = types_native(Py_TYPE(value));
    return native != NULL && strcmp(native->tp_name, name) == 0 &&
           getbuffer_of(native) == getbuffer_of(Py_TYPE(value));
}

/* NULL: it is none of numpy's. */
static const struct numpy_array *array_of(PyObject *value)
{
    bool is_array =
        is_native(value, "numpy.ndarray") && numpy_is_array_type(types_native(Py_TYPE(value)));
    return is_array ? (const struct numpy_array *)value : NULL;
}

static bool is_released(const PyMemoryViewObject *view)
{
    return (view->flags & _Py_MEMORYVIEW_RELEASED) ||
           (view->mbuf->flags & _Py_MANAGED_BUFFER_RELEASED);
}

/* Is the memory that `owner` lends plain memory of the process, as long as `owner` lives? */
static bool owns_plain_memory(PyObject *owner)
{
    for (int i = 0; i < BASES_MAX && owner != NULL; i++) {
        if (is_native(owner, "bytes") || is_native(owner, "bytearray") ||
            is_native(owner, "array.array")) {
            return true;
        }
        if (PyMemoryView_Check(owner)) {
            owner = is_released((PyMemoryViewObject *)owner) ? NULL : PyMemoryView_GET_BASE(owner);
        } else {
            const struct numpy_array *array = array_of(owner);
            if (array == NULL || numpy_owns_memory(array)) {
                return array != NULL;
            }
            owner = array->base;
        }
    }
    return false;
}

/* ---- kinds of elements
 * -------------------------------------------------------------------------------- */

enum element {
    ELEMENT_RAW,
    ELEMENT_BOOL,
    ELEMENT_INT,
    ELEMENT_UINT,
    ELEMENT_FLOAT,
    ELEMENT_COMPLEX,
    ELEMENT_TEXT,   /* numpy's U: UCS-4, filled up with zeros */
    ELEMENT_BYTES,  /* numpy's S: the same of bytes */
    ELEMENT_OBJECT, /* of Python's; it may be missing */
    ELEMENT_HIDDEN, /* addresses, or nothing is known of it */
};

struct format {
    enum element element;
    Py_ssize_t size;
    bool is_swapped;
};

static enum element element_of(const char *code, Py_ssize_t size)
{
    bool is_complex = *code == 'Z';
    code += is_complex;
    if (*code == 0 || code[1] != 0) {
        return ELEMENT_RAW;
    }
    bool is_whole = size == 1 || size == 2 || size == 4 || size == 8;
    if (is_complex) {
        return size == 8 || size == 16 ? ELEMENT_COMPLEX : ELEMENT_RAW;
    }
    if (*code == '?' && size == 1) {
        return ELEMENT_BOOL;
    }
    if (is_whole && strchr("bhilqn", *code) != NULL) {
        return ELEMENT_INT;
    }
    if (is_whole && strchr("BHILQN", *code) != NULL) {
        return ELEMENT_UINT;
    }
    bool is_float = is_whole && size > 1 && strchr("efd", *code) != NULL;
    return is_float ? ELEMENT_FLOAT : ELEMENT_RAW;
}

static struct format format_of(const Py_buffer *view)
{
    const char *code = view->format != NULL ? view->format : "B";
    struct format format = {.size = view->itemsize};
    format.is_swapped = *code == '>' || *code == '!';
    code += *code != 0 && strchr("@=<>!^", *code) != NULL;
    bool is_plain = strpbrk(code, "OP") == NULL;
    format.element = is_plain ? element_of(code, view->itemsize) : ELEMENT_HIDDEN;
    return format;
}

static struct format array_format_of(const struct numpy_dtype *dtype, Py_ssize_t size)
{
    struct format format = {
        .element = ELEMENT_HIDDEN, .size = size, .is_swapped = dtype->order == '>'};
    switch (dtype->kind) {
    case 'M':
    case 'm':
        format.element = size == sizeof(int64_t) ? ELEMENT_INT : ELEMENT_HIDDEN;
        break;
    case 'U':
        format.element = size % (Py_ssize_t)sizeof(Py_UCS4) == 0 ? ELEMENT_TEXT : ELEMENT_HIDDEN;
        break;
    case 'S':
        format.element = ELEMENT_BYTES;
        break;
    case 'O':
        format.element = size == sizeof(PyObject *) ? ELEMENT_OBJECT : ELEMENT_HIDDEN;
        break;
    default:
        break;
    }
    return format;
}

/* ---- opening
 * ------------------------------------------------------------------------------------------ */

struct buffer {
    Py_buffer view;
    struct format format;
    const struct numpy_dtype *dtype; /* the protocol has no word for it, or none that says it all */
    Py_ssize_t total;                /* elements */
    bool is_held;                    /* `view` is ours to release */
    bool is_readable;                /* its memory, not only its shape */
};

/* As numpy's own struct has it. */
static void open_array(const struct numpy_array *array, struct buffer *buffer)
{
    Py_ssize_t size = numpy_element_size(array->dtype);
    buffer->dtype = array->dtype;
    buffer->total = numpy_count(array);
    buffer->format = array_format_of(array->dtype, size);
    buffer->view = (Py_buffer){
        .buf = array->data,
        .itemsize = size,
        .len = buffer->total, /* only whether it is 0 counts */
        .ndim = array->dimensions,
        .shape = array->shape,
        .strides = array->strides,
    };
}

static bool ask_for_buffer(PyObject *value, struct buffer *buffer)
{
    PyObject *pending = PyErr_GetRaisedException();
    buffer->is_held = getbuffer_of(Py_TYPE(value))(value, &buffer->view, PyBUF_FULL_RO) == 0;
    PyErr_SetRaisedException(pending); /* a dtype the protocol has no word for */
    return buffer->is_held;
}

/* Dates and objects have no word there, texts one of bytes. */
static bool has_word(const struct numpy_array *array)
{
    return array == NULL || strchr("MmUSO", array->dtype->kind) == NULL;
}

static bool open_buffer(PyObject *value, struct buffer *buffer)
{
    *buffer = (struct buffer){0};
    const struct numpy_array *array = array_of(value);
    if (PyMemoryView_Check(value)) {
        const PyMemoryViewObject *view = (PyMemoryViewObject *)value;
        if (is_released(view)) {
            return false;
        }
        buffer->view = view->view;
    } else if (!has_word(array) || !ask_for_buffer(value, buffer)) {
        if (array == NULL) {
            return false;
        }
        open_array(array, buffer);
    }
    if (buffer->dtype == NULL) {
        const Py_buffer *view = &buffer->view;
        buffer->format = format_of(view);
        buffer->total = view->itemsize > 0 ? view->len / view->itemsize : 0;
    }
    buffer->is_readable = buffer->view.suboffsets == NULL && owns_plain_memory(value);
    return true;
}

static void close_buffer(struct buffer *buffer)
{
    if (buffer->is_held) {
        PyBuffer_Release(&buffer->view);
    }
}

/* ---- elements
 * ----------------------------------------------------------------------------------------- */

static void load(const struct format *format, const char *from, Py_ssize_t size, void *to)
{
    for (Py_ssize_t i = 0; i < size; i++) {
        ((char *)to)[i] = from[format->is_swapped ? size - 1 - i : i];
    }
}

static int64_t load_int(const struct format *format, const char *from)
{
    uint64_t number = 0;
    if (format->size < 1 || format->size > (Py_ssize_t)sizeof number) {
        return 0; /* no element of this kind has such a size */
    }
    load(format, from, format->size, &number);
    int unused = 64 - 8 * (int)format->size;
    return (int64_t)(number << unused) >> unused;
}

static uint64_t load_float(const struct format *format, const char *from, Py_ssize_t size)
{
    double number;
    uint64_t bits;
    if (size == 8) {
        load(format, from, 8, &bits);
        return bits;
    }
    number = size == 4 ? PyFloat_Unpack4(from, !format->is_swapped)
                       : PyFloat_Unpack2(from, !format->is_swapped);
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static uint8_t *put_unsigned(struct session *session, uint8_t *at, uint64_t number)
{
    if (number <= INT64_MAX) {
        return put_int(at, (int64_t)number);
    }
    session->writer->next_node++;
    *at++ = CTR_V_BIG;
    *at++ = 8 << 1;
    ct_store64(at, number);
    return at + 8;
}

/* The character of an array of text; what Unicode does not have is there as what stands for it. */
static Py_UCS4 load_character(const struct format *format, const char *from, Py_ssize_t index)
{
    enum { LAST = 0x10ffff, REPLACEMENT = 0xfffd };
    Py_UCS4 character;
    load(format, from + index * (Py_ssize_t)sizeof character, sizeof character, &character);
    return character <= LAST ? character : REPLACEMENT;
}

/* A text or bytes are as long as what stands before the zeros at their end. */
static Py_ssize_t filled(const char *from, Py_ssize_t size, Py_ssize_t unit)
{
    while (size > 0 && from[size - 1] == 0) {
        size--;
    }
    return (size + unit - 1) / unit;
}

static bool is_secret(const struct session *session, const uint8_t *text, size_t size)
{
    return !session->limits.keep_shapes && secret_in_bytes(text, size);
}

static uint8_t *put_cut(struct session *session, uint8_t *at, Py_ssize_t kept, Py_ssize_t length)
{
    return kept < length ? value__put_cut(session, at, length) : at;
}

static uint8_t *put_text(struct session *session, uint8_t *at, const struct format *format,
                         const char *from)
{
    uint8_t *start = at;
    uint64_t node = session->writer->next_node;
    Py_ssize_t length = filled(from, format->size, sizeof(Py_UCS4));
    Py_ssize_t kept = value__cut(session->limits.max_text, length);
    uint8_t one[4];
    size_t size = 0;
    for (Py_ssize_t i = 0; i < kept; i++) {
        size += (size_t)(text_put_character(one, load_character(format, from, i)) - one);
    }
    at = put_cut(session, at, kept, length);
    at = value__begin_text(session, at, size);
    const uint8_t *text = at;
    for (Py_ssize_t i = 0; i < kept; i++) {
        at = text_put_character(at, load_character(format, from, i));
    }
    if (is_secret(session, text, size)) {
        session->writer->next_node = node;
        return value_put_secret(session, start);
    }
    return at;
}

/* One that was never set reads as None in Python, too. */
static PyObject *load_object(const char *from)
{
    PyObject *object;
    memcpy(&object, from, sizeof(void *)); /* in a record it may lie across words */
    return object != NULL ? object : Py_None;
}

static uint8_t *put_element(struct session *session, uint8_t *at, const struct format *format,
                            const char *from)
{
    uint64_t number = 0;
    switch (format->element) {
    case ELEMENT_BOOL:
        *at++ = *from != 0 ? CTR_V_TRUE : CTR_V_FALSE;
        return at;
    case ELEMENT_INT:
        return put_int(at, load_int(format, from));
    case ELEMENT_UINT:
        load(format, from, format->size, &number);
        return put_unsigned(session, at, number);
    case ELEMENT_FLOAT:
        return put_float(at, load_float(format, from, format->size));
    case ELEMENT_COMPLEX:
        session->writer->next_node++;
        *at++ = CTR_V_COMPLEX;
        ct_store64(at, load_float(format, from, format->size / 2));
        ct_store64(at + 8, load_float(format, from + format->size / 2, format->size / 2));
        return at + 16;
    case ELEMENT_TEXT:
        return put_text(session, at, format, from);
    case ELEMENT_BYTES:
        return value__put_raw_bytes(session, at, from, filled(from, format->size, 1));
    case ELEMENT_OBJECT:
        return value__put_child(session, at, load_object(from), 0);
    default:
        session->writer->next_node++;
        *at++ = CTR_V_BYTES;
        at = ct_varint_put(at, (uint64_t)format->size);
        memcpy(at, from, (size_t)format->size);
        return at + format->size;
    }
}

/* The element of this number, the last index counted fastest. */
static const char *element_at(const Py_buffer *view, Py_ssize_t number)
{
    const char *at = view->buf;
    if (view->strides == NULL || view->shape == NULL) {
        return at + number * view->itemsize;
    }
    for (int i = view->ndim - 1; i >= 0; i--) {
        at += number % view->shape[i] * view->strides[i];
        number /= view->shape[i];
    }
    return at;
}

/* ---- fingerprint
 * -------------------------------------------------------------------------------------- */

/* Elements that are told. */
static Py_ssize_t told_of(const struct session *session, const struct buffer *buffer)
{
    bool is_plain = buffer->is_readable && buffer->format.element != ELEMENT_HIDDEN;
    return is_plain ? value__cut(session->limits.max_items, buffer->total) : 0;
}

/* Numbers and texts by what they are, as another may lie where one was; the rest by its address. */
static uint64_t hash_object(const struct session *session, PyObject *object)
{
    struct shadow number;
    if (number_shadow(object, &number)) {
        return value_mix(number.bits, shadow_kind(&number));
    }
    return PyUnicode_CheckExact(object) ? value__hash_text(session, object)
                                        : (uint64_t)(uintptr_t)object;
}

static uint64_t hash_elements(const struct session *session, const struct buffer *buffer,
                              Py_ssize_t count, uint64_t hash)
{
    const Py_buffer *view = &buffer->view;
    bool holds_objects = buffer->format.element == ELEMENT_OBJECT;
    if (!holds_objects && PyBuffer_IsContiguous(view, 'C')) {
        return XXH3_64bits_withSeed(view->buf, (size_t)(count * view->itemsize), hash);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *at = element_at(view, i);
        hash = holds_objects ? value_mix(hash, hash_object(session, load_object(at)))
                             : XXH3_64bits_withSeed(at, (size_t)view->itemsize, hash);
    }
    return hash;
}

static uint64_t hash_numbers(const Py_ssize_t *numbers, int count, uint64_t hash)
{
    size_t size = numbers != NULL ? (size_t)count * sizeof *numbers : 0;
    return size != 0 ? XXH3_64bits_withSeed(numbers, size, hash) : hash;
}

uint64_t buffer_fingerprint(const struct session *session, PyObject *value,
                            const struct type_info *type)
{
    struct buffer buffer;
    (void)type;
    if (!open_buffer(value, &buffer)) {
        return 1;
    }
    const Py_buffer *view = &buffer.view;
    uint64_t hash = (uint64_t)view->len;
    if (view->format != NULL) {
        hash = XXH3_64bits_withSeed(view->format, strlen(view->format), hash);
    }
    hash = hash_numbers(view->shape, view->ndim, hash);
    hash = hash_numbers(view->strides, view->ndim, hash);
    hash = value_mix(hash, (uint64_t)(uintptr_t)buffer.dtype);
    hash = hash_elements(session, &buffer, told_of(session, &buffer), hash);
    close_buffer(&buffer);
    return hash | 1;
}

/* ---- writing
 * ------------------------------------------------------------------------------------------ */

/* numpy's own name of the elements' type where there is a simple one, else the protocol's word. */
static void name_of(const struct buffer *buffer, bool is_numpy, char name[DTYPE_BYTES])
{
    static const char *const kinds[] = {
        [ELEMENT_BOOL] = "bool",   [ELEMENT_INT] = "int",         [ELEMENT_UINT] = "uint",
        [ELEMENT_FLOAT] = "float", [ELEMENT_COMPLEX] = "complex",
    };
    const char *word = buffer->view.format != NULL ? buffer->view.format : "B";
    struct format format = buffer->format;
    if (buffer->dtype != NULL) {
        numpy_name(buffer->dtype, name, DTYPE_BYTES);
    } else if (!is_numpy || format.element == ELEMENT_RAW || format.element == ELEMENT_HIDDEN) {
        snprintf(name, DTYPE_BYTES, "%s", word);
    } else if (format.element == ELEMENT_BOOL) {
        snprintf(name, DTYPE_BYTES, "bool");
    } else {
        snprintf(name, DTYPE_BYTES, "%s%s%d", format.is_swapped ? ">" : "", kinds[format.element],
                 8 * (int)format.size);
    }
}

/* Bytes side by side may be text. */
static bool holds_secret(const struct session *session, const Py_buffer *view, Py_ssize_t count)
{
    bool is_text = view->itemsize == 1 && view->ndim == 1 &&
                   (view->strides == NULL || view->strides[0] == 1) && count > 0;
    return is_text && is_secret(session, (const uint8_t *)element_at(view, 0), (size_t)count);
}

static uint8_t *put_items(struct session *session, uint8_t *at, const struct buffer *buffer)
{
    enum { FIXED_BYTES = 24 }; /* one element takes at most, its content not counted */
    const Py_buffer *view = &buffer->view;
    Py_ssize_t total = buffer->total, count = told_of(session, buffer);
    if (!session_has_room(session, at, (size_t)count * (size_t)(view->itemsize + FIXED_BYTES))) {
        count = 0;
    }
    if (holds_secret(session, view, count)) {
        filter_count(session, FILTER_SHAPE, CTR_REDACT);
        count = 0;
    } else if (count < total) {
        ctr_count(session->writer, CTR_C_values_cut);
    }
    at = ct_varint_put(at, (uint64_t)total);
    at = ct_varint_put(at, (uint64_t)count);
    session->promised += (size_t)count; /* each takes a byte at least */
    for (Py_ssize_t i = 0; i < count; i++) {
        session->promised--;
        at = put_element(session, at, &buffer->format, element_at(view, i));
    }
    return at;
}

static uint8_t *put_numbers(struct session *session, uint8_t *at, const char *name,
                            const Py_ssize_t *numbers, int count)
{
    at = value__put_c_text(session, at, name);
    at = value__put_tuple(session, at, (size_t)count);
    for (int i = 0; i < count; i++) {
        at = put_int(at, numbers[i]);
    }
    return at;
}

uint8_t *buffer_put(struct session *session, uint8_t *at, PyObject *value,
                    const struct type_info *type)
{
    enum { ATTRIBUTES = 3 };
    struct buffer buffer;
    if (!open_buffer(value, &buffer)) {
        *at++ = 0; /* a memoryview that was released: no sections */
        return at;
    }
    const Py_buffer *view = &buffer.view;
    char name[DTYPE_BYTES];
    name_of(&buffer, numpy_is_array_type(types_native(type->type)), name);
    *at++ = CTR_ITEMS | CTR_ATTRS;
    at = put_items(session, at, &buffer);
    *at++ = ATTRIBUTES;
    *at++ = ATTRIBUTES;
    at = value__put_c_text(session, at, "dtype");
    at = value__put_c_text(session, at, name);
    at = put_numbers(session, at, "shape", view->shape, view->shape != NULL ? view->ndim : 0);
    at = put_numbers(session, at, "strides", view->strides, view->strides != NULL ? view->ndim : 0);
    close_buffer(&buffer);
    return at;
}

/* ---- numbers of numpy's
 * ---------------------------------------------------------------------------------- */

/* As numpy keeps them in its versions 1 and 2: behind the object's head. float64 and complex128
 * derive from Python's own. */
static const struct scalar {
    const char *type;
    uint8_t element; /* enum element */
    uint8_t size;
    uint8_t family;
} scalars[] = {
    {"numpy.bool", ELEMENT_BOOL, 1, CTR_F_INT},
    {"numpy.bool_", ELEMENT_BOOL, 1, CTR_F_INT},
    {"numpy.int8", ELEMENT_INT, 1, CTR_F_INT},
    {"numpy.int16", ELEMENT_INT, 2, CTR_F_INT},
    {"numpy.int32", ELEMENT_INT, 4, CTR_F_INT},
    {"numpy.int64", ELEMENT_INT, 8, CTR_F_INT},
    {"numpy.longlong", ELEMENT_INT, 8, CTR_F_INT},
    {"numpy.uint8", ELEMENT_UINT, 1, CTR_F_INT},
    {"numpy.uint16", ELEMENT_UINT, 2, CTR_F_INT},
    {"numpy.uint32", ELEMENT_UINT, 4, CTR_F_INT},
    {"numpy.uint64", ELEMENT_UINT, 8, CTR_F_INT},
    {"numpy.ulonglong", ELEMENT_UINT, 8, CTR_F_INT},
    {"numpy.float16", ELEMENT_FLOAT, 2, CTR_F_FLOAT},
    {"numpy.float32", ELEMENT_FLOAT, 4, CTR_F_FLOAT},
    {"numpy.complex64", ELEMENT_COMPLEX, 8, CTR_F_COMPLEX},
};

enum { SCALAR_INDEX = 0 }; /* in type->parts */

bool scalar_learn(struct type_info *type)
{
    bool is_native = !(type->type->tp_flags & Py_TPFLAGS_HEAPTYPE);
    for (size_t i = 0; is_native && i < sizeof scalars / sizeof scalars[0]; i++) {
        if (strcmp(type->type->tp_name, scalars[i].type) == 0 &&
            type->type->tp_basicsize >= (Py_ssize_t)sizeof(PyObject) + scalars[i].size) {
            type->parts[SCALAR_INDEX] = (Py_ssize_t)i;
            type->family = scalars[i].family;
            return true;
        }
    }
    return false;
}

uint64_t scalar_hash(const struct session *session, PyObject *value, const struct type_info *type)
{
    const struct scalar *scalar = &scalars[type->parts[SCALAR_INDEX]];
    return value__hash_bytes(session, CAPTURE_SCALAR, value + 1, scalar->size);
}

uint8_t *scalar_put(struct session *session, uint8_t *at, PyObject *value,
                    const struct type_info *type)
{
    const struct scalar *scalar = &scalars[type->parts[SCALAR_INDEX]];
    struct format format = {.element = (enum element)scalar->element, .size = scalar->size};
    return put_element(session, at, &format, (const char *)(value + 1));
}
