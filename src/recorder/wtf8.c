#include "recorder/wtf8.h"

#include <stdlib.h>

static inline int character_size(Py_UCS4 c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

size_t text_size(PyObject *text, Py_ssize_t characters)
{
    if (PyUnicode_IS_ASCII(text)) {
        return (size_t)characters;
    }
    size_t size = 0;
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    for (Py_ssize_t i = 0; i < characters; i++) {
        size += (size_t)character_size(PyUnicode_READ(kind, data, i));
    }
    return size;
}

uint8_t *text_put_character(uint8_t *to, Py_UCS4 c)
{
    switch (character_size(c)) {
    case 1:
        *to++ = (uint8_t)c;
        break;
    case 2:
        *to++ = (uint8_t)(0xc0 | c >> 6);
        *to++ = (uint8_t)(0x80 | (c & 0x3f));
        break;
    case 3:
        *to++ = (uint8_t)(0xe0 | c >> 12);
        *to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (c & 0x3f));
        break;
    default:
        *to++ = (uint8_t)(0xf0 | c >> 18);
        *to++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        *to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (c & 0x3f));
    }
    return to;
}

uint8_t *text_put(uint8_t *to, PyObject *text, Py_ssize_t characters)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    if (PyUnicode_IS_ASCII(text)) {
        memcpy(to, data, (size_t)characters);
        return to + characters;
    }
    for (Py_ssize_t i = 0; i < characters; i++) {
        to = text_put_character(to, PyUnicode_READ(kind, data, i));
    }
    return to;
}

void text_add(struct ct_bytes *to, PyObject *text)
{
    if (text == NULL || !PyUnicode_Check(text)) {
        ct_bytes_add_varint(to, 0);
        return;
    }
    Py_ssize_t characters = PyUnicode_GET_LENGTH(text);
    size_t size = text_size(text, characters);
    ct_bytes_add_varint(to, size);
    uint8_t *at = ct_bytes_reserve(to, size);
    if (at != NULL) {
        text_put(at, text, characters);
        to->size += size;
    }
}

char *text_copy(PyObject *text)
{
    Py_ssize_t characters = PyUnicode_GET_LENGTH(text);
    size_t size = text_size(text, characters);
    char *copy = malloc(size + 1);
    if (copy != NULL) {
        *text_put((uint8_t *)copy, text, characters) = 0;
    }
    return copy;
}
