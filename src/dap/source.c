/* Source files: which there are, their recorded text, and whether it is what lies on the disk. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "dap/dap_internal.h"
#include "replay/lines.h"

enum { SOURCE_MAX_BYTES = 64 * 1024 * 1024 };

enum dap_source_state {
    SOURCE_UNKNOWN,  /* nobody has looked */
    SOURCE_ON_DISK,  /* is what ran, or nothing else is there to show */
    SOURCE_RECORDED, /* the disk has another text, or none */
    SOURCE_NOWHERE,
};

/* ---- on the disk ---- */

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static bool has_content(const char *path, struct ctr_text wanted)
{
    struct stat about;
    char *data = NULL;
    size_t size = 0;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode) ||
        (uint64_t)about.st_size != wanted.size ||
        ct_file_read(path, SOURCE_MAX_BYTES, &data, &size, NULL) != CT_OK) {
        return false;
    }
    bool same = size == wanted.size && memcmp(data, wanted.bytes, size) == 0;
    free(data);
    return same;
}

static enum dap_source_state look(const struct ctr_trace *trace, uint32_t number)
{
    const struct ctr_path *about = ctr_path(trace, number);
    char *path = strndup(about->path.bytes, about->path.size);
    enum dap_source_state state = SOURCE_NOWHERE;
    struct ctr_text recorded = ctr_source_file(trace, number);
    if (path != NULL && recorded.bytes != NULL) {
        state = has_content(path, recorded) ? SOURCE_ON_DISK : SOURCE_RECORDED;
    } else if (path != NULL && is_file(path)) {
        state = SOURCE_ON_DISK;
    }
    free(path);
    return state;
}

/* Looked at once: a file that changes while it is being debugged keeps its state. */
static enum dap_source_state state_of(struct dap_session *session, uint32_t path)
{
    const struct ctr_path *about = ctr_path(session->trace, path);
    if (session->sources == NULL) {
        session->sources = calloc(ctr_info(session->trace)->path_count + 1u, 1);
    }
    if (session->sources == NULL || about == NULL) {
        return SOURCE_NOWHERE;
    }
    if (session->sources[path] == SOURCE_UNKNOWN) {
        session->sources[path] = (uint8_t)look(session->trace, path);
    }
    return session->sources[path];
}

/* ---- Source ---- */

static struct ctr_text last_part(struct ctr_text path)
{
    const char *slash = path.size > 0 ? memrchr(path.bytes, '/', path.size) : NULL;
    size_t skipped = slash == NULL ? 0 : (size_t)(slash + 1 - path.bytes);
    return (struct ctr_text){path.bytes + skipped, path.size - skipped};
}

static void put_members(struct dap_session *session, struct ct_json_out *json, uint32_t path)
{
    const struct ctr_path *about = ctr_path(session->trace, path);
    enum dap_source_state state = state_of(session, path);
    struct ctr_text name = about != NULL ? about->path : (struct ctr_text){"?", 1};
    dap_put_text(json, "name", last_part(name));
    dap_put_path(session, json, "path", name);
    if (state == SOURCE_RECORDED) {
        ct_json_put_uint(json, "sourceReference", path + 1ull);
        ct_json_put_text(json, "origin", "recorded");
    } else if (state == SOURCE_NOWHERE) {
        ct_json_put_text(json, "presentationHint", "deemphasize");
    }
}

void dap_put_source(struct dap_session *session, struct ct_json_out *json, const char *key,
                    uint32_t path)
{
    dap_put_object(json, key);
    put_members(session, json, path);
    ct_json_end_object(json);
}

/* ---- which file the client means ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* The path in a file: URI; the caller frees. */
static char *path_of_uri(const char *uri)
{
    static const char scheme[] = "file://";
    bool is_uri = strncmp(uri, scheme, sizeof scheme - 1) == 0;
    char *path = strdup(is_uri ? uri + sizeof scheme - 1 : uri);
    char *to = path;
    if (path == NULL || !is_uri) {
        return path;
    }
    for (const char *from = path; *from != '\0';) {
        int high = from[0] == '%' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        bool is_escape = low >= 0 && (high != 0 || low != 0);
        *to++ = is_escape ? (char)(high * 16 + low) : *from;
        from += is_escape ? 3 : 1;
    }
    *to = '\0';
    return path;
}

static uint32_t find_path(const struct dap_session *session, const char *text)
{
    char *path = path_of_uri(text);
    uint32_t found = path != NULL ? rp_path_number(session->trace, path) : UINT32_MAX;
    char *real = path != NULL && found == UINT32_MAX ? realpath(path, NULL) : NULL;
    if (real != NULL) { /* the program may have known it by the name behind a link */
        found = rp_path_number(session->trace, real);
    }
    free(real);
    free(path);
    return found;
}

uint32_t dap_path_of(struct dap_request *request, const json_t *source)
{
    uint64_t reference = dap_uint(request, source, "sourceReference", 0);
    const char *path = dap_text(request, source, "path", NULL);
    const char *name = dap_text(request, source, "name", NULL);
    if (reference > 0) {
        return reference <= ctr_info(request->session->trace)->path_count
                   ? (uint32_t)(reference - 1)
                   : UINT32_MAX;
    }
    const char *text = path != NULL ? path : name;
    return text != NULL ? find_path(request->session, text) : UINT32_MAX;
}

uint32_t dap_path_named(struct dap_request *request, const json_t *from, const char *name)
{
    dap_need(request, from, name);
    const char *text = dap_text(request, from, name, "");
    uint32_t path = request->status == CT_OK ? find_path(request->session, text) : UINT32_MAX;
    if (path == UINT32_MAX) {
        dap_refuse(request, "%.500s was not recorded", text);
    }
    return path;
}

/* ---- requests ---- */

/* Of the code that runs. */
static uint32_t path_now(const struct dap_session *session)
{
    const struct ctr_plan *plan =
        session->replay != NULL ? ctr_plan(session->trace, rp_now(session->replay)->plan) : NULL;
    return plan != NULL ? plan->path : UINT32_MAX;
}

/* Which file `source` is asked for: without any, that of the code that runs. */
static uint32_t wanted_path(struct dap_request *request)
{
    json_t *source = dap_object(request, request->arguments, "source");
    uint64_t reference = dap_uint(request, request->arguments, "sourceReference", 0);
    if (reference > 0) {
        return reference <= UINT32_MAX ? (uint32_t)(reference - 1) : UINT32_MAX;
    }
    return source != NULL ? dap_path_of(request, source) : path_now(request->session);
}

/* Only what is in the recording is told: no file is read for the client. */
int dap_source(struct dap_request *request)
{
    uint32_t path = wanted_path(request);
    const struct ctr_path *about = ctr_path(request->session->trace, path);
    if (request->status != CT_OK) {
        return request->status;
    }
    if (about == NULL) {
        return dap_refuse(request, "there is no such file in the recording");
    }
    struct ctr_text source = ctr_source(request->session->trace, path);
    if (source.bytes == NULL) {
        return dap_refuse(request, "the text of this file was not recorded");
    }
    ct_json_begin_object(&request->body);
    dap_put_text(&request->body, "content", source);
    ct_json_put_text(&request->body, "mimeType", "text/x-python");
    ct_json_end_object(&request->body);
    return CT_OK;
}

int dap_loaded_sources(struct dap_request *request)
{
    uint32_t count = ctr_info(request->session->trace)->path_count;
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "sources");
    for (uint32_t i = 0; i < count && i < DAP_LIST_MAX; i++) {
        ct_json_begin_object(&request->body);
        put_members(request->session, &request->body, i);
        ct_json_end_object(&request->body);
    }
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    return CT_OK;
}
