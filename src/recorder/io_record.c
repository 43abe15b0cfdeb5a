#include "recorder/io_record.h"

#include <stdlib.h>

#include "recorder/events.h"
#include "recorder/secret.h"
#include "recorder/value_internal.h"
#include "recorder/wtf8.h"

enum {
    PIECE_BYTES = 16 << 10, /* of one record: well below the room an event finds */
    NODE_CHARACTERS = 4096, /* a text up to this length is written once, and named again */
};

static bool begin(struct session *session, uint8_t stream)
{
    bool is_input = (stream & CTR_STREAM_MASK) == CTR_STDIN;
    return event_begin_stream(session, is_input ? CTR_INPUT : CTR_OUTPUT, stream);
}

/* No more than a piece, and of WTF-8 whole characters. */
static size_t piece_of(const uint8_t *bytes, size_t size, bool is_text)
{
    if (size <= PIECE_BYTES) {
        return size;
    }
    size_t piece = PIECE_BYTES;
    while (is_text && (bytes[piece] & 0xc0) == 0x80) {
        piece--;
    }
    return piece;
}

/* A piece is looked at by itself: what is written in several may hold a secret that none does. */
static bool is_hidden(const struct session *session, const void *bytes, size_t size)
{
    return !session->limits.keep_shapes && secret_in_bytes(bytes, size);
}

static void put_bytes(struct session *session, const void *bytes, size_t size)
{
    struct ctr_writer *writer = session->writer;
    if (is_hidden(session, bytes, size)) {
        writer->at = value_put_secret(session, writer->at);
        return;
    }
    writer->next_node++;
    *writer->at++ = CTR_V_BYTES;
    writer->at = ct_varint_put(writer->at, size);
    memcpy(writer->at, bytes, size);
    writer->at += size;
}

void io_record_here(struct session *session, uint8_t stream, const void *bytes, size_t size)
{
    if (!filter_records_stream(session->filter, stream & CTR_STREAM_MASK)) {
        return;
    }
    *session->writer->at++ = CTR_OUTPUT;
    *session->writer->at++ = stream;
    put_bytes(session, bytes, size);
    ctr_count(session->writer, CTR_C_outputs);
}

static void put_pieces(struct session *session, uint8_t stream, const uint8_t *bytes, size_t size,
                       bool is_text)
{
    struct ctr_writer *writer = session->writer;
    while (size > 0 && begin(session, stream)) {
        size_t piece = piece_of(bytes, size, is_text);
        if (is_text && is_hidden(session, bytes, piece)) {
            writer->at = value_put_secret(session, writer->at);
        } else if (is_text) {
            writer->at = value__put_raw_text(session, writer->at, (const char *)bytes, piece);
        } else {
            put_bytes(session, bytes, piece);
        }
        ctr_commit(writer);
        bytes += piece;
        size -= piece;
    }
}

void io_record_bytes(struct session *session, uint8_t stream, const uint8_t *bytes, size_t size)
{
    put_pieces(session, stream, bytes, size, false);
}

static void put_node(struct session *session, uint8_t stream, PyObject *text)
{
    if (begin(session, stream)) {
        struct shadow shadow;
        value_shadow(session, text, &shadow);
        session->writer->at = value_emit(session, session->writer->at, text, &shadow);
        ctr_commit(session->writer);
    }
}

static bool is_short(const struct session *session, PyObject *text)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    return PyUnicode_CheckExact(text) && length <= NODE_CHARACTERS &&
           value__cut(session->limits.max_text, length) == length;
}

void io_record_text(struct session *session, uint8_t stream, PyObject *text, bool is_line)
{
    if (!is_line && is_short(session, text)) {
        put_node(session, stream, text);
        return;
    }
    size_t size = text_size(text, PyUnicode_GET_LENGTH(text));
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL) {
        ctr_count(session->writer, CTR_C_values_dropped);
        return;
    }
    text_put(copy, text, PyUnicode_GET_LENGTH(text));
    copy[size] = '\n';
    put_pieces(session, stream, copy, size + is_line, true);
    free(copy);
}
