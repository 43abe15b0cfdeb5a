/* Writing the bodies of responses and events. */
#include <string.h>

#include "dap/dap_internal.h"

void dap_put_text(struct ct_json_out *json, const char *key, struct ctr_text text)
{
    ct_json_key(json, key);
    ct_json_text_n(json, text.bytes, text.size);
}

void dap_put_bytes(struct ct_json_out *json, const char *key, const struct ct_bytes *text)
{
    dap_put_text(json, key, (struct ctr_text){(const char *)text->data, text->size});
}

void dap_put_number_or_null(struct ct_json_out *json, const char *key, uint64_t number)
{
    ct_json_key(json, key);
    if (number == UINT64_MAX) {
        ct_json_null(json);
    } else {
        ct_json_uint(json, number);
    }
}

void dap_put_object(struct ct_json_out *json, const char *key)
{
    ct_json_key(json, key);
    ct_json_begin_object(json);
}

void dap_put_array(struct ct_json_out *json, const char *key)
{
    ct_json_key(json, key);
    ct_json_begin_array(json);
}

void dap_put_place(struct ct_json_out *json, const char *key, struct ctr_place place)
{
    dap_put_object(json, key);
    ct_json_put_uint(json, "block", place.block);
    ct_json_put_uint(json, "at", place.at);
    ct_json_end_object(json);
}

uint32_t dap_client_line(const struct dap_session *session, uint32_t line)
{
    return line - (session->lines_from_0 && line > 0);
}

void dap_put_line(const struct dap_session *session, struct ct_json_out *json, const char *key,
                  uint32_t line)
{
    ct_json_put_uint(json, key, dap_client_line(session, line));
}

void dap_put_thread(struct ct_json_out *json, const char *key, uint32_t thread)
{
    ct_json_put_uint(json, key, thread + 1ull);
}

/* Bytes that stand for themselves in the path of a URI. */
static bool is_plain(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("-._~/", byte) != NULL);
}

void dap_put_path(const struct dap_session *session, struct ct_json_out *json, const char *key,
                  struct ctr_text path)
{
    struct ct_bytes uri = {0};
    if (!session->wants_uris || path.size == 0 || path.bytes[0] != '/') {
        dap_put_text(json, key, path);
        return;
    }
    ct_bytes_add_text(&uri, "file://");
    for (size_t i = 0; i < path.size; i++) {
        ct_bytes_add_format(&uri, is_plain(path.bytes[i]) ? "%c" : "%%%02X",
                            (unsigned char)path.bytes[i]);
    }
    json->bytes.failed |= uri.failed;
    dap_put_bytes(json, key, &uri);
    ct_bytes_free(&uri);
}
