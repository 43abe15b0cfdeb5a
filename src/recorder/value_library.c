/* Immutable values of the standard library: dates, decimals, paths, patterns, tracebacks. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable"
#include "recorder/compat.h"

#include <datetime.h> /* its macros only: the capsule would import the module */
#pragma GCC diagnostic pop

#include "recorder/buffer.h"
#include "recorder/path.h"
#include "recorder/regex.h"
#include "recorder/value_internal.h"

enum {
    TRACEBACK_ENTRIES = 32
}; /* of one traceback: it is written again at every frame an
      exception leaves */

/* ---- dates and times
 * --------------------------------------------------------------------------------- */

static uint8_t *put_ints(struct session *session, uint8_t *at, const int *numbers, int count)
{
    at = value__put_tuple(session, at, (size_t)count);
    for (int i = 0; i < count; i++) {
        at = put_int(at, numbers[i]);
    }
    return at;
}

static uint8_t *put_date(struct session *session, uint8_t *at, PyObject *value)
{
    int parts[] = {PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value),
                   PyDateTime_GET_DAY(value)};
    return put_ints(session, at, parts, 3);
}

static uint8_t *put_timedelta(struct session *session, uint8_t *at, PyObject *value)
{
    int parts[] = {PyDateTime_DELTA_GET_DAYS(value), PyDateTime_DELTA_GET_SECONDS(value),
                   PyDateTime_DELTA_GET_MICROSECONDS(value)};
    return put_ints(session, at, parts, 3);
}

/* datetime.timezone is C and its repr pure; of any other zone the type's name must do. */
static uint8_t *put_zone(struct session *session, uint8_t *at, PyObject *zone)
{
    if (zone == Py_None) {
        *at++ = CTR_V_NONE;
        return at;
    }
    const char *name = Py_TYPE(zone)->tp_name;
    if (strcmp(name, "datetime.timezone") != 0 || types_native(Py_TYPE(zone)) != Py_TYPE(zone)) {
        return value__put_c_text(session, at, name);
    }
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *text = Py_TYPE(zone)->tp_repr(zone);
    at = text != NULL ? value__put_text(session, at, text) : value__put_c_text(session, at, name);
    Py_XDECREF(text);
    PyErr_SetRaisedException(pending);
    return at;
}

static uint8_t *put_clock(struct session *session, uint8_t *at, PyObject *value, bool dated)
{
    int parts[8], count = 0;
    if (dated) {
        parts[count++] = PyDateTime_GET_YEAR(value);
        parts[count++] = PyDateTime_GET_MONTH(value);
        parts[count++] = PyDateTime_GET_DAY(value);
    }
    parts[count++] = dated ? PyDateTime_DATE_GET_HOUR(value) : PyDateTime_TIME_GET_HOUR(value);
    parts[count++] = dated ? PyDateTime_DATE_GET_MINUTE(value) : PyDateTime_TIME_GET_MINUTE(value);
    parts[count++] = dated ? PyDateTime_DATE_GET_SECOND(value) : PyDateTime_TIME_GET_SECOND(value);
    parts[count++] =
        dated ? PyDateTime_DATE_GET_MICROSECOND(value) : PyDateTime_TIME_GET_MICROSECOND(value);
    at = value__put_tuple(session, at, (size_t)count + 2);
    for (int i = 0; i < count; i++) {
        at = put_int(at, parts[i]);
    }
    PyObject *zone = !_PyDateTime_HAS_TZINFO(value) ? Py_None
                     : dated                        ? ((PyDateTime_DateTime *)value)->tzinfo
                                                    : ((PyDateTime_Time *)value)->tzinfo;
    at = put_zone(session, at, zone);
    return put_int(at, dated ? PyDateTime_DATE_GET_FOLD(value) : PyDateTime_TIME_GET_FOLD(value));
}

/* A zone is told by its address: zones are few and live long. */
static uint64_t hash_clock(const struct session *session, PyObject *value, bool dated)
{
    uint64_t hash = dated ? value__hash_bytes(session, 2, ((PyDateTime_DateTime *)value)->data,
                                              _PyDateTime_DATETIME_DATASIZE)
                          : value__hash_bytes(session, 3, ((PyDateTime_Time *)value)->data,
                                              _PyDateTime_TIME_DATASIZE);
    if (!_PyDateTime_HAS_TZINFO(value)) {
        return hash;
    }
    const PyObject *zone =
        dated ? ((PyDateTime_DateTime *)value)->tzinfo : ((PyDateTime_Time *)value)->tzinfo;
    return value_mix(hash, (uint64_t)(uintptr_t)zone);
}

static uint64_t hash_timedelta(const struct session *session, PyObject *value)
{
    const PyDateTime_Delta *delta = (const PyDateTime_Delta *)value;
    int parts[] = {delta->days, delta->seconds, delta->microseconds};
    return value__hash_bytes(session, 4, parts, sizeof parts);
}

/* ---- what its own str() tells
 * ------------------------------------------------------------------------- */

/* str() of the type written in C that the value's type is or derives from: nothing of the program
 * can run. NULL when it fails. */
static PyObject *pure_str(PyObject *value)
{
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *text = types_native(Py_TYPE(value))->tp_str(value);
    PyErr_SetRaisedException(pending);
    return text;
}

/* Its address may be another one's by now, so it is told by its text. */
static uint64_t hash_pure_str(struct session *session, PyObject *value)
{
    PyObject *text = pure_str(value);
    uint64_t hash = text != NULL ? value__hash_text(session, text) : 1;
    Py_XDECREF(text);
    return hash;
}

static uint8_t *put_pure_str(struct session *session, uint8_t *at, PyObject *value)
{
    PyObject *text = pure_str(value);
    at = text != NULL ? value__put_text(session, at, text) : value__put_c_text(session, at, "");
    Py_XDECREF(text);
    return at;
}

/* ---- tracebacks
 * ---------------------------------------------------------------------------------------- */

static PyCodeObject *code_of(const PyTracebackObject *entry)
{
    return compat_frame_object_code(entry->tb_frame);
}

static int line_of(const PyTracebackObject *entry)
{
    return entry->tb_lineno >= 0 ? entry->tb_lineno
                                 : PyCode_Addr2Line(code_of(entry), entry->tb_lasti);
}

/* Names of code have been hashed by Python, as a rule. */
static uint64_t hash_name(const struct session *session, PyObject *name)
{
    Py_hash_t hash = ((PyASCIIObject *)name)->hash;
    return hash != -1 ? (uint64_t)hash : value__hash_text(session, name);
}

/* Finding the line takes a walk through the code's line table; the place in the code says as much.
 */
static uint64_t hash_entry(const struct session *session, const PyTracebackObject *entry)
{
    const PyCodeObject *code = code_of(entry);
    uint64_t hash = value_mix(hash_name(session, code->co_filename), (uintptr_t)code);
    hash = value_mix(hash_name(session, code->co_qualname), hash);
    hash ^= (uint64_t)(uint32_t)entry->tb_lasti << 32 | (uint32_t)entry->tb_lineno;
    return value_mix(hash, CAPTURE_TRACEBACK + (uint64_t)code->co_firstlineno) | 1;
}

static Py_ssize_t traceback_length(PyObject *traceback)
{
    Py_ssize_t count = 0;
    const PyTracebackObject *entry = (const PyTracebackObject *)traceback;
    for (; entry != NULL && count <= TRACEBACK_ENTRIES; entry = entry->tb_next) {
        count++;
    }
    return count;
}

static uint64_t hash_traceback(const struct session *session, PyObject *traceback)
{
    Py_ssize_t count = traceback_length(traceback);
    uint64_t hash = (uint64_t)count;
    const PyTracebackObject *entry = (const PyTracebackObject *)traceback;
    for (Py_ssize_t i = 0; i < count && i < TRACEBACK_ENTRIES; i++, entry = entry->tb_next) {
        hash = value_mix(hash, hash_entry(session, entry));
    }
    return hash;
}

static uint8_t *put_entry(struct session *session, uint8_t *at, const PyTracebackObject *entry)
{
    uint8_t *after = value__put_known(session, at, hash_entry(session, entry));
    if (after != NULL) {
        return after;
    }
    at = value__put_tuple(session, at, 3);
    at = value__put_text(session, at, code_of(entry)->co_filename);
    at = put_int(at, line_of(entry));
    return value__put_text(session, at, code_of(entry)->co_qualname);
}

static uint8_t *put_traceback(struct session *session, uint8_t *at, PyObject *traceback,
                              struct type_info *type)
{
    Py_ssize_t count = value__cut(TRACEBACK_ENTRIES, traceback_length(traceback));
    at = value__put_as(session, at, type);
    at = value__put_tuple(session, at, (size_t)count);
    const PyTracebackObject *entry = (const PyTracebackObject *)traceback;
    for (Py_ssize_t i = 0; i < count; i++, entry = entry->tb_next) {
        at = put_entry(session, at, entry);
    }
    return at;
}

/* ---- values made of other values
 * ---------------------------------------------------------------------- */

static Py_ssize_t collect_parts(PyObject *value, const struct type_info *type, PyObject **parts)
{
    for (int i = 0; i < type->part_count; i++) {
        parts[i] = *(PyObject **)((char *)value + type->parts[i]);
    }
    return type->part_count;
}

/* One that __init__ or __new__ has not filled in yet lacks some. */
static bool has_parts(PyObject *const *parts, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        if (parts[i] == NULL) {
            return false;
        }
    }
    return true;
}

static uint64_t hash_parts(struct session *session, PyObject *value, const struct type_info *type)
{
    PyObject *parts[3];
    Py_ssize_t count = collect_parts(value, type, parts);
    return has_parts(parts, count)
               ? value__hash_values(session, CAPTURE_PARTS, parts, count)
               : value_mix((uint64_t)(uintptr_t)value, (uint64_t)(uintptr_t)type);
}

static uint8_t *put_parts(struct session *session, uint8_t *at, PyObject *value,
                          struct type_info *type, int depth)
{
    PyObject *parts[3];
    Py_ssize_t count = collect_parts(value, type, parts);
    if (!has_parts(parts, count)) {
        return value__put_opaque(session, at, value, type);
    }
    at = value__put_as(session, at, type);
    if (count > 1) {
        at = value__put_tuple(session, at, (size_t)count);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        at = value__put_child(session, at, parts[i], depth + 1);
    }
    return at;
}

static uint8_t *put_proxy(struct session *session, uint8_t *at, PyObject *value,
                          struct type_info *type, int depth)
{
    PyObject *mapping = compat_proxied(value);
    if (!PyDict_Check(mapping)) {
        return value__put_opaque(session, at, value, type);
    }
    return value__put_child(session, value__put_as(session, at, type), mapping, depth + 1);
}

/* ---- all of them
 * -------------------------------------------------------------------------------------- */

bool value__numbers_itself(uint8_t capture)
{
    return capture >= CAPTURE_PURE_STR && capture < CAPTURE_OBJECTS;
}

uint64_t value__hash_library(struct session *session, PyObject *value, const struct type_info *type)
{
    PyObject *parts[3];
    char text[PATH_TEXT_MAX];
    switch (type->capture) {
    case CAPTURE_DATE:
        return value__hash_bytes(session, 1, ((PyDateTime_Date *)value)->data,
                                 _PyDateTime_DATE_DATASIZE);
    case CAPTURE_DATETIME:
        return hash_clock(session, value, true);
    case CAPTURE_TIME:
        return hash_clock(session, value, false);
    case CAPTURE_TIMEDELTA:
        return hash_timedelta(session, value);
    case CAPTURE_PURE_STR:
        return hash_pure_str(session, value);
    case CAPTURE_PATH:
        return value__hash_bytes(session, CAPTURE_PATH, text, path_text(value, type, text));
    case CAPTURE_PARTS:
        return hash_parts(session, value, type);
    case CAPTURE_PATTERN:
        return regex_hash_pattern(session, value, type);
    case CAPTURE_MATCH:
        return regex_hash_match(session, value, type);
    case CAPTURE_TRACEBACK:
        return hash_traceback(session, value);
    case CAPTURE_SCALAR:
        return scalar_hash(session, value, type);
    case CAPTURE_PROXY:
        parts[0] = compat_proxied(value);
        return value__hash_values(session, CAPTURE_PROXY, parts, 1);
    default:
        return value_mix((uint64_t)(uintptr_t)value, (uint64_t)(uintptr_t)type);
    }
}

uint8_t *value__put_library(struct session *session, uint8_t *at, PyObject *value,
                            struct type_info *type, int depth)
{
    char text[PATH_TEXT_MAX];
    switch (type->capture) {
    case CAPTURE_DATE:
        return put_date(session, at, value);
    case CAPTURE_DATETIME:
        return put_clock(session, at, value, true);
    case CAPTURE_TIME:
        return put_clock(session, at, value, false);
    case CAPTURE_TIMEDELTA:
        return put_timedelta(session, at, value);
    case CAPTURE_PURE_STR:
        return put_pure_str(session, at, value);
    case CAPTURE_PATH:
        return value__put_raw_text(session, at, text, path_text(value, type, text));
    case CAPTURE_PARTS:
        return put_parts(session, at, value, type, depth);
    case CAPTURE_PATTERN:
        return regex_put_pattern(session, at, value, type, depth);
    case CAPTURE_MATCH:
        return regex_put_match(session, at, value, type, depth);
    case CAPTURE_TRACEBACK:
        return put_traceback(session, at, value, type);
    case CAPTURE_SCALAR:
        return scalar_put(session, at, value, type);
    case CAPTURE_PROXY:
        return put_proxy(session, at, value, type, depth);
    default:
        return value__put_opaque(session, at, value, type);
    }
}
