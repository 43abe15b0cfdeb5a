/* Threads, their stacks, and what is in a frame. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dap/dap_internal.h"
#include "replay/call_site.h"
#include "replay/lines.h"
#include "replay/state.h"

enum { FRAMES_MAX = 1 << 20, AT_ONCE = 256 };

/* ---- ids ---- */

int dap_frame_id(struct dap_session *session, struct dap_frame frame, uint64_t *id,
                 struct ct_error *error)
{
    bool may_be_known = frame.index <= session->highest_frame;
    for (size_t i = may_be_known ? session->frame_count : 0; i > 0; i--) {
        const struct dap_frame *known = &session->frames[i - 1];
        if (known->thread == frame.thread && known->index == frame.index) {
            *id = session->first_frame + i;
            return CT_OK;
        }
    }
    if (session->frame_count == session->frame_capacity) {
        size_t capacity = session->frame_capacity == 0 ? 64 : session->frame_capacity * 2;
        struct dap_frame *frames =
            session->frame_count < FRAMES_MAX
                ? realloc(session->frames, capacity * sizeof *session->frames)
                : NULL;
        if (frames == NULL) {
            return ct_fail(error, CT_ELIMIT, "too many frames of one moment");
        }
        session->frames = frames;
        session->frame_capacity = capacity;
    }
    session->frames[session->frame_count++] = frame;
    session->highest_frame =
        frame.index > session->highest_frame ? frame.index : session->highest_frame;
    *id = session->first_frame + session->frame_count;
    return CT_OK;
}

bool dap_frame_find(const struct dap_session *session, uint64_t id, struct dap_frame *frame)
{
    bool is_known = id > session->first_frame && id - session->first_frame <= session->frame_count;
    if (is_known) {
        *frame = session->frames[id - session->first_frame - 1];
    }
    return is_known;
}

void dap_forget_moment(struct dap_session *session)
{
    session->first_frame += session->frame_count;
    session->frame_count = 0;
    session->highest_frame = 0;
    session->name_count = 0;
    session->name_texts.size = 0;
    session->name_texts.failed = false;
}

/* ---- threads ---- */

bool dap_has_thread(const struct dap_session *session, uint32_t thread)
{
    uint32_t count = ctr_info(session->trace)->thread_count;
    bool found = count == 0 && thread == 0;
    for (uint32_t i = 0; i < count && !found; i++) {
        found = ctr_thread_at(session->trace, i)->number == thread;
    }
    return found;
}

void dap_put_thread_name(const struct dap_session *session, struct ct_json_out *json,
                         const char *key, uint32_t thread)
{
    char name[32];
    snprintf(name, sizeof name, "Thread %u", thread + 1);
    struct ctr_text text = {name, strlen(name)};
    for (uint32_t i = 0; i < ctr_info(session->trace)->thread_count; i++) {
        const struct ctr_thread *about = ctr_thread_at(session->trace, i);
        if (about->number == thread && about->name.size > 0) {
            text = about->name;
        }
    }
    dap_put_text(json, key, text);
}

static void put_thread(const struct dap_session *session, struct ct_json_out *json, uint32_t thread)
{
    ct_json_begin_object(json);
    dap_put_thread(json, "id", thread);
    dap_put_thread_name(session, json, "name", thread);
    ct_json_end_object(json);
}

/* Those that have recorded frames at the moment: the others have not begun, or have ended. */
int dap_threads(struct dap_request *request)
{
    struct rp_thread threads[AT_ONCE];
    uint32_t first = 0, count = 0, total = 0;
    int status = CT_OK;
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "threads");
    do {
        status = rp_threads(request->session->replay, first, AT_ONCE, threads, &count, &total,
                            &request->error);
        for (uint32_t i = 0; status == CT_OK && i < count; i++) {
            if (threads[i].has_frames || threads[i].is_running) {
                put_thread(request->session, &request->body, threads[i].number);
            }
        }
        first += count;
    } while (status == CT_OK && count > 0 && first < total);
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    return status;
}

/* ---- stackTrace ---- */

/* A column counts bytes of UTF-8; DAP's count UTF-16 code units. */
static uint32_t client_column(const struct dap_session *session, struct ctr_text line,
                              uint32_t column)
{
    uint32_t known = column < line.size ? column : (uint32_t)line.size;
    uint32_t units = (session->columns_from_0 ? 0 : 1) + (column - known);
    for (uint32_t i = 0; i < known; i++) {
        unsigned char c = (unsigned char)line.bytes[i];
        units += (c & 0xc0) != 0x80 ? (c >= 0xf0 ? 2 : 1) : 0;
    }
    return units;
}

/* Of the call a frame waits in, where that is known: from the source that ran. */
static void put_columns(struct dap_session *session, struct ct_json_out *json, uint32_t path,
                        struct dap_frame which, struct rp_sites *sites)
{
    struct ctr_place_in_source site;
    struct ctr_text source = ctr_source(session->trace, path);
    if (source.bytes == NULL || sites == NULL ||
        !rp_call_site(session->replay, which.thread, which.index, sites, &site)) {
        ct_json_put_uint(json, "column", session->columns_from_0 ? 0 : 1);
        return;
    }
    struct ctr_text first = rp_line_text(source, site.line);
    struct ctr_text last = rp_line_text(source, site.end_line);
    ct_json_put_uint(json, "column", client_column(session, first, site.column));
    dap_put_line(session, json, "endLine", site.end_line);
    ct_json_put_uint(json, "endColumn", client_column(session, last, site.end_column));
}

int dap_put_frame(struct dap_session *session, struct ct_json_out *json,
                  const struct rp_frame *frame, struct dap_frame which, struct rp_sites *sites,
                  struct ct_error *error)
{
    const struct ctr_plan *plan = ctr_plan(session->trace, frame->plan);
    uint64_t id;
    int status = dap_frame_id(session, which, &id, error);
    if (status != CT_OK) {
        return status;
    }
    ct_json_begin_object(json);
    ct_json_put_uint(json, "id", id);
    dap_put_text(json, "name", plan != NULL ? plan->qualname : (struct ctr_text){"?", 1});
    if (plan != NULL) {
        dap_put_source(session, json, "source", plan->path);
    }
    dap_put_line(session, json, "line", frame->line);
    put_columns(session, json, plan != NULL ? plan->path : UINT32_MAX, which, sites);
    if (plan != NULL && plan->module.size > 0) {
        dap_put_text(json, "moduleId", plan->module);
    }
    ct_json_put_text(json, "presentationHint", "normal");
    dap_put_object(json, "ct");
    ct_json_put_uint(json, "key", frame->call);
    ct_json_put_bool(json, "isCallSite", frame->is_call_site);
    ct_json_put_bool(json, "wasRunning", frame->was_running);
    ct_json_end_object(json);
    ct_json_end_object(json);
    return CT_OK;
}

int dap_stack_trace(struct dap_request *request)
{
    struct dap_session *session = request->session;
    const json_t *from = request->arguments;
    uint32_t thread = dap_thread(request, from, "threadId", rp_now(session->replay)->thread);
    uint32_t first = (uint32_t)dap_uint_up_to(request, from, "startFrame", 0, INT32_MAX);
    uint32_t room = dap_count(request, from, "levels"), count = 0;
    struct rp_sites sites = {0};
    bool more = false;
    if (request->status != CT_OK) {
        return request->status;
    }
    struct rp_frame *frames = malloc((room + 1ull) * sizeof *frames);
    if (frames == NULL) {
        return ct_fail(&request->error, CT_ENOMEM, "no memory for a stack");
    }
    int status =
        rp_stack(session->replay, thread, first, room, frames, &count, &more, &request->error);
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "stackFrames");
    for (uint32_t i = 0; status == CT_OK && i < count; i++) {
        status = dap_put_frame(session, &request->body, &frames[i],
                               (struct dap_frame){thread, first + i}, &sites, &request->error);
    }
    rp_sites_clear(&sites);
    free(frames);
    ct_json_end_array(&request->body);
    if (!more && (count > 0 || first == 0)) {
        ct_json_put_uint(&request->body, "totalFrames", first + count);
    }
    ct_json_end_object(&request->body);
    return status;
}

/* ---- scopes ---- */

static void put_scope(struct ct_json_out *json, const char *name, const char *hint,
                      uint64_t reference, uint64_t count)
{
    ct_json_begin_object(json);
    ct_json_put_text(json, "name", name);
    ct_json_put_text(json, "presentationHint", hint);
    ct_json_put_uint(json, "variablesReference", reference);
    ct_json_put_uint(json, "namedVariables", count);
    ct_json_put_uint(json, "indexedVariables", 0);
    ct_json_put_bool(json, "expensive", false);
}

/* The same with its first variables, where they are wanted: it spares the client a request. */
static int put_open_scope(struct dap_request *request, const char *name, const char *hint,
                          uint64_t reference, uint64_t count, uint64_t wanted)
{
    int status = CT_OK;
    put_scope(&request->body, name, hint, reference, count);
    if (wanted > 0) {
        status = dap_put_first_variables(request, "variables", reference, (uint32_t)wanted);
    }
    ct_json_end_object(&request->body);
    return status;
}

static const char *result_name(const struct rp_position *now)
{
    return now->left_by == CTR_EVENT_UNWIND  ? "Exception"
           : now->left_by == CTR_EVENT_YIELD ? "Yielded value"
                                             : "Return value";
}

int dap_scopes(struct dap_request *request)
{
    struct dap_session *session = request->session;
    const struct rp_position *now = rp_now(session->replay);
    struct ct_json_out *json = &request->body;
    struct dap_frame frame = dap_frame_of(request, request->arguments);
    uint64_t id = 0, wanted = dap_uint_up_to(request, request->arguments, "count", 0, DAP_LIST_MAX);
    struct rp_list locals = {0};
    struct ctr_value globals;
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = dap_frame_id(session, frame, &id, &request->error);
    if (status == CT_OK) {
        status = rp_variables(session->replay, frame.thread, frame.index, 0, 0, &locals,
                              &request->error);
    }
    uint64_t count = locals.total;
    rp_list_clear(&locals);
    if (status != CT_OK) {
        return status;
    }
    ct_json_begin_object(json);
    dap_put_array(json, "scopes");
    if (now->moment.left > 0 && frame.index == 0 && frame.thread == now->thread) {
        status = put_open_scope(request, result_name(now), "returnValue",
                                dap_reference(DAP_RESULT, id), 1, wanted);
    }
    if (status == CT_OK) {
        status = put_open_scope(request, "Locals", "locals", dap_reference(DAP_LOCALS, id), count,
                                wanted);
    }
    if (status == CT_OK &&
        rp_globals(session->replay, frame.thread, frame.index, &globals, NULL) == CT_OK) {
        struct rp_value_info info;
        rp_value_info(session->replay, RP_NOW, globals, &info);
        put_scope(json, "Globals", "globals", dap_reference(DAP_GLOBALS, id), info.indexed);
        ct_json_end_object(json);
    }
    ct_json_end_array(json);
    ct_json_end_object(json);
    return status;
}
