#include "export/written.h"

#include <string.h>

#include "export/utf8.h"

static const struct {
    const char *name;
    enum export_event kind;
} streams[EXPORT_STREAMS] = {
    [CTR_STDIN] = {"stdin", EXPORT_EVENT_READ},
    [CTR_STDOUT] = {"stdout", EXPORT_EVENT_WRITE},
    [CTR_STDERR] = {"stderr", EXPORT_EVENT_WRITE_OTHER},
};

static void describe(struct export_written *written, size_t stream, const char *flag)
{
    const struct export_place *place = &written->streams[stream].place;
    struct ct_bytes *to = &written->metadata;
    to->size = 0;
    ct_bytes_add_format(to, "{\"stream\":\"%s\",\"thread\":\"ThreadId(%u)\"", streams[stream].name,
                        place->thread + 1);
    if (place->is_known) {
        ct_bytes_add_format(to, ",\"path_id\":%u,\"line\":%u,\"frame_id\":%llu", place->path,
                            place->line, (unsigned long long)place->call);
    } else {
        ct_bytes_add_text(to, ",\"path_id\":null,\"line\":null,\"frame_id\":null");
    }
    ct_bytes_add_format(to, ",\"flags\":[\"%s\"]}", flag);
}

static void put_piece(struct export_written *written, size_t stream, const char *flag)
{
    struct ct_bytes *text = &written->streams[stream].text;
    struct ctr_text content = {(const char *)text->data, text->size};
    describe(written, stream, flag);
    struct ctr_text metadata = {(const char *)written->metadata.data, written->metadata.size};
    written->writer->type->event(written->writer, streams[stream].kind, metadata,
                                 export_clean_text(content, &written->clean));
    text->size = 0;
}

static void end_pieces(struct export_written *written, const char *flag)
{
    for (size_t i = 0; i < EXPORT_STREAMS; i++) {
        if (written->streams[i].text.size > 0) {
            put_piece(written, i, flag);
        }
    }
}

static void put_lines(struct export_written *written, size_t stream, struct ctr_text text)
{
    while (text.size > 0) {
        const char *newline = memchr(text.bytes, '\n', text.size);
        size_t size = newline == NULL ? text.size : (size_t)(newline + 1 - text.bytes);
        ct_bytes_add(&written->streams[stream].text, text.bytes, size);
        if (newline != NULL) {
            put_piece(written, stream, "newline");
        }
        text.bytes += size;
        text.size -= size;
    }
}

void export_write(struct export_written *written, uint64_t stream, struct ctr_text text,
                  const struct export_place *place)
{
    size_t index = stream & CTR_STREAM_MASK;
    if (index >= EXPORT_STREAMS || text.size == 0) {
        return;
    }
    bool is_whole = index == CTR_STDIN || (stream & (CTR_STREAM_MIRROR | CTR_STREAM_FOREIGN)) != 0;
    if (is_whole) {
        end_pieces(written, index == CTR_STDIN ? "flush" : "step_boundary");
    }
    written->streams[index].place = *place;
    if (is_whole) {
        ct_bytes_add(&written->streams[index].text, text.bytes, text.size);
        put_piece(written, index, index == CTR_STDIN ? "input" : "mirror");
    } else {
        put_lines(written, index, text);
    }
}

void export_written_flush(struct export_written *written)
{
    end_pieces(written, "step_boundary");
}

void export_written_clear(struct export_written *written)
{
    for (size_t i = 0; i < EXPORT_STREAMS; i++) {
        ct_bytes_free(&written->streams[i].text);
    }
    ct_bytes_free(&written->metadata);
    ct_bytes_free(&written->clean);
}
