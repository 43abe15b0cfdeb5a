#include "recorder/regex.h"

#include <structmember.h>

#include "recorder/value_internal.h"

/* In type->parts, as the members of the types tell. */
enum { PATTERN_TEXT = 0, PATTERN_FLAGS = 1 };
enum { MATCH_STRING = 0, MATCH_PATTERN = 1, MATCH_END = 2 };

static Py_ssize_t member_offset(const PyTypeObject *type, const char *name, int kind)
{
    const PyMemberDef *member = type->tp_members;
    for (; member != NULL && member->name != NULL; member++) {
        if (strcmp(member->name, name) == 0 && member->type == kind) {
            return member->offset;
        }
    }
    return 0;
}

bool regex_learn(struct type_info *type)
{
    if (type->capture == CAPTURE_PATTERN) {
        type->parts[PATTERN_TEXT] = member_offset(type->type, "pattern", T_OBJECT);
        type->parts[PATTERN_FLAGS] = member_offset(type->type, "flags", T_INT);
        return type->parts[PATTERN_TEXT] != 0 && type->parts[PATTERN_FLAGS] != 0;
    }
    type->parts[MATCH_STRING] = member_offset(type->type, "string", T_OBJECT);
    type->parts[MATCH_PATTERN] = member_offset(type->type, "re", T_OBJECT);
    type->parts[MATCH_END] = member_offset(type->type, "endpos", T_PYSSIZET);
    return type->parts[MATCH_STRING] != 0 && type->parts[MATCH_PATTERN] != 0 &&
           type->parts[MATCH_END] != 0 && type->type->tp_itemsize == sizeof(Py_ssize_t);
}

static PyObject *object_at(PyObject *value, Py_ssize_t offset)
{
    return *(PyObject **)((char *)value + offset);
}

/* ---- patterns
 * ---------------------------------------------------------------------------------------- */

static int pattern_flags(PyObject *pattern, const struct type_info *type)
{
    return *(int *)((char *)pattern + type->parts[PATTERN_FLAGS]);
}

uint64_t regex_hash_pattern(struct session *session, PyObject *pattern,
                            const struct type_info *type)
{
    PyObject *text = object_at(pattern, type->parts[PATTERN_TEXT]);
    uint64_t hash = value__hash_values(session, CAPTURE_PATTERN, &text, 1);
    return value_mix(hash, (uint64_t)pattern_flags(pattern, type));
}

uint8_t *regex_put_pattern(struct session *session, uint8_t *at, PyObject *pattern,
                           const struct type_info *type, int depth)
{
    at = value__put_tuple(session, at, 2);
    at = value__put_child(session, at, object_at(pattern, type->parts[PATTERN_TEXT]), depth + 1);
    return put_int(at, pattern_flags(pattern, type));
}

/* ---- matches
 * ----------------------------------------------------------------------------------------- */

/* What Modules/_sre/sre.h keeps behind the members. */
struct match_end {
    Py_ssize_t end;
    Py_ssize_t last_index;
    Py_ssize_t groups;  /* the whole match counted */
    Py_ssize_t marks[]; /* start and end of each */
};

struct match {
    PyObject *string;
    const struct match_end *end;
    Py_ssize_t groups;
    Py_ssize_t length; /* of the string; -1: what was searched is no text and no bytes */
};

static struct match open_match(PyObject *value, const struct type_info *type)
{
    struct match match = {.string = object_at(value, type->parts[MATCH_STRING]), .length = -1};
    match.end = (const struct match_end *)((char *)value + type->parts[MATCH_END]);
    Py_ssize_t room = Py_SIZE(value) / 2;
    match.groups = match.end->groups < room ? match.end->groups : room;
    if (match.string == NULL) {
        match.groups = 0;
    } else if (PyUnicode_Check(match.string)) {
        match.length = PyUnicode_GET_LENGTH(match.string);
    } else if (PyBytes_Check(match.string)) {
        match.length = PyBytes_GET_SIZE(match.string);
    } else if (PyByteArray_CheckExact(match.string)) {
        match.length = PyByteArray_GET_SIZE(match.string);
    }
    return match;
}

/* Where a group matched; false when it took no part, or a bytearray was cut since. */
static bool span_of(const struct match *match, Py_ssize_t group, Py_ssize_t *start, Py_ssize_t *end)
{
    *start = group < match->groups ? match->end->marks[2 * group] : -1;
    *end = group < match->groups ? match->end->marks[2 * group + 1] : -1;
    return *start >= 0 && *start <= *end && *end <= match->length;
}

static const char *characters_of(const struct match *match, size_t *width)
{
    *width = 1;
    if (PyUnicode_Check(match->string)) {
        *width = PyUnicode_KIND(match->string);
        return PyUnicode_DATA(match->string);
    }
    return PyBytes_Check(match->string) ? PyBytes_AS_STRING(match->string)
                                        : PyByteArray_AS_STRING(match->string);
}

static uint64_t hash_group(const struct session *session, const struct match *match,
                           Py_ssize_t group)
{
    Py_ssize_t start, end;
    size_t width;
    if (!span_of(match, group, &start, &end)) {
        return 1;
    }
    const char *characters = characters_of(match, &width);
    Py_ssize_t cut = value__cut(session->limits.max_text, end - start);
    uint64_t hash = value__hash_bytes(session, (uint8_t)width, characters + (size_t)start * width,
                                      (size_t)cut * width);
    return value_mix(value_mix(hash, (uint64_t)start), (uint64_t)end);
}

uint64_t regex_hash_match(struct session *session, PyObject *value, const struct type_info *type)
{
    struct match match = open_match(value, type);
    PyObject *pattern = object_at(value, type->parts[MATCH_PATTERN]);
    Py_ssize_t groups = value__cut(session->limits.max_items, match.groups);
    uint64_t hash = value__hash_values(session, CAPTURE_MATCH, &pattern, pattern != NULL);
    for (Py_ssize_t i = 0; i < groups; i++) {
        hash = value_mix(hash, hash_group(session, &match, i));
    }
    return value_mix(hash, (uint64_t)match.groups);
}

static PyObject *group_text(const struct match *match, Py_ssize_t start, Py_ssize_t end)
{
    if (PyUnicode_Check(match->string)) {
        return PyUnicode_Substring(match->string, start, end);
    }
    size_t width;
    return PyBytes_FromStringAndSize(characters_of(match, &width) + start, end - start);
}

static uint8_t *put_group(struct session *session, uint8_t *at, const struct match *match,
                          Py_ssize_t group, int depth)
{
    Py_ssize_t start, end;
    if (!span_of(match, group, &start, &end)) {
        *at++ = match->length < 0 ? CTR_V_DROPPED : CTR_V_NONE;
        return at;
    }
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *text = group_text(match, start, end);
    if (text != NULL) {
        at = value__put_child(session, at, text, depth + 1);
        Py_DECREF(text);
    } else {
        *at++ = CTR_V_DROPPED;
    }
    PyErr_SetRaisedException(pending);
    return at;
}

static uint8_t *put_groups(struct session *session, uint8_t *at, const struct match *match,
                           int depth)
{
    Py_ssize_t groups = match->groups > 0 ? match->groups - 1 : 0;
    Py_ssize_t cut = value__cut(session->limits.max_items, groups);
    cut = session_has_room(session, at, (size_t)cut * 16) ? cut : 0;
    if (cut < groups) {
        at = value__put_cut(session, at, groups);
    }
    at = value__put_tuple(session, at, (size_t)cut);
    for (Py_ssize_t i = 1; i <= cut; i++) {
        at = put_group(session, at, match, i, depth);
    }
    return at;
}

uint8_t *regex_put_match(struct session *session, uint8_t *at, PyObject *value,
                         const struct type_info *type, int depth)
{
    struct match match = open_match(value, type);
    PyObject *pattern = object_at(value, type->parts[MATCH_PATTERN]);
    struct type_info *kind = pattern != NULL ? types_of(session, Py_TYPE(pattern)) : NULL;
    bool is_known = kind != NULL && kind->capture == CAPTURE_PATTERN;
    Py_ssize_t start, end;
    span_of(&match, 0, &start, &end);
    at = value__put_tuple(session, at, 5);
    at = put_int(at, start);
    at = put_int(at, end);
    at = put_group(session, at, &match, 0, depth);
    at = value__put_child(
        session, at, is_known ? object_at(pattern, kind->parts[PATTERN_TEXT]) : Py_None, depth + 1);
    return put_groups(session, at, &match, depth);
}
