#include "recorder/content.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "recorder/secret.h"
#include "recorder/value_internal.h"

struct content {
    const void *data;
    Py_ssize_t length;
    int width; /* bytes of a character; 0: they are bytes */
};

/* As Modules/_io/bytesio.c and stringio.c lay them out, in 3.12 and 3.13. */
struct bytes_io {
    PyObject_HEAD PyObject *bytes; /* NULL: closed */
    Py_ssize_t position;
    Py_ssize_t length;
};

struct string_io {
    PyObject_HEAD const Py_UCS4 *characters;
    Py_ssize_t position;
    Py_ssize_t length;
    size_t room;
    int state;
    _PyUnicodeWriter writer; /* has it all while the stream is only written to */
    char is_ready;
    char is_closed;
};

enum { IS_WRITTEN_TO = 2 }; /* string_io.state */

static bool bytes_io_content(const struct bytes_io *stream, struct content *content)
{
    if (stream->bytes == NULL || !PyBytes_Check(stream->bytes) ||
        stream->length > PyBytes_GET_SIZE(stream->bytes)) {
        return false;
    }
    *content = (struct content){PyBytes_AS_STRING(stream->bytes), stream->length, 0};
    return true;
}

static bool string_io_content(const struct string_io *stream, struct content *content)
{
    if (!stream->is_ready || stream->is_closed) {
        return false;
    }
    if (stream->state == IS_WRITTEN_TO) {
        const _PyUnicodeWriter *writer = &stream->writer;
        *content = (struct content){writer->data, writer->buffer != NULL ? writer->pos : 0,
                                    writer->buffer != NULL ? (int)writer->kind : 1};
    } else {
        *content = (struct content){stream->characters, stream->length, sizeof(Py_UCS4)};
    }
    return true;
}

static bool content_of(PyObject *value, const struct type_info *type, struct content *content)
{
    if (type->capture == CAPTURE_BYTEARRAY) {
        *content = (struct content){PyByteArray_AS_STRING(value), PyByteArray_GET_SIZE(value), 0};
        return true;
    }
    return strcmp(types_native(type->type)->tp_name, "_io.BytesIO") == 0
               ? bytes_io_content((const struct bytes_io *)value, content)
               : string_io_content((const struct string_io *)value, content);
}

static size_t size_of(const struct content *content, Py_ssize_t length)
{
    return (size_t)length * (size_t)(content->width != 0 ? content->width : 1);
}

uint64_t content_fingerprint(const struct session *session, PyObject *value,
                             const struct type_info *type)
{
    struct content content;
    if (!content_of(value, type, &content)) {
        return 0;
    }
    Py_ssize_t cut = value__cut(session->limits.max_text, content.length);
    uint64_t seed = (uint64_t)content.length << 3 | (uint64_t)content.width;
    return XXH3_64bits_withSeed(content.data, size_of(&content, cut), seed) | 1;
}

static uint8_t *put_characters(struct session *session, uint8_t *at, const struct content *content,
                               Py_ssize_t cut)
{
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *text = PyUnicode_FromKindAndData(content->width, content->data, cut);
    PyErr_SetRaisedException(pending);
    if (text == NULL) {
        *at++ = CTR_V_DROPPED;
        return at;
    }
    if (!session->limits.keep_shapes && secret_in_text(text, 0)) {
        at = value_put_secret(session, at);
    } else {
        at = cut < content->length ? value__put_cut(session, at, content->length) : at;
        at = value__put_text(session, at, text);
    }
    Py_DECREF(text);
    return at;
}

uint8_t *content_put(struct session *session, uint8_t *at, PyObject *value,
                     const struct type_info *type)
{
    enum { LONGEST_CHARACTER = 4 };
    struct content content;
    bool is_there = content_of(value, type, &content);
    *at++ = is_there;
    *at++ = is_there;
    if (!is_there) {
        return at;
    }
    if (content.width == 0) {
        return value__put_raw_bytes(session, at, content.data, content.length);
    }
    Py_ssize_t cut = value__cut(session->limits.max_text, content.length);
    cut = session_has_room(session, at, (size_t)cut * LONGEST_CHARACTER) ? cut : 0;
    return put_characters(session, at, &content, cut);
}
