/* `ct/recording`, `ct/files`, `ct/line-counts`: what was recorded, how much of it ran. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/uuid.h"
#include "dap/dap_internal.h"
#include "replay/files.h"
#include "replay/lines.h"
#include "replay/tasks.h"
#include "trace/ending.h"

enum { FILES_MAX = 1000, REASON_BYTES = CTR_ENDING_BYTES + 2 };

/* ---- ct/recording ---- */

static void put_identity(const struct dap_session *session, struct ct_json_out *json)
{
    static const uint8_t none[CT_UUID_BYTES];
    const struct ctr_info *info = ctr_info(session->trace);
    char id[CT_UUID_TEXT_BYTES] = "", start[40] = "";
    time_t seconds = (time_t)(info->start_ns / 1000000000);
    struct tm date;
    if (memcmp(info->id, none, sizeof none) != 0) {
        ct_uuid_format(info->id, id);
    }
    if (gmtime_r(&seconds, &date) != NULL) {
        strftime(start, sizeof start, "%Y-%m-%dT%H:%M:%SZ", &date);
    }
    ct_json_put_text(json, "recordingId", id);
    ct_json_put_text(json, "directory", session->directory != NULL ? session->directory : "");
    dap_put_text(json, "program", ctr_run(session->trace, "program"));
    dap_put_array(json, "args");
    for (uint32_t i = 0; i < info->run_count && i < DAP_LIST_MAX; i++) {
        const struct ctr_run_entry *entry = ctr_run_at(session->trace, i);
        if (entry->key.size == 8 && memcmp(entry->key.bytes, "argument", 8) == 0) {
            ct_json_text_n(json, entry->value.bytes, entry->value.size);
        }
    }
    ct_json_end_array(json);
    dap_put_text(json, "workdir", ctr_run(session->trace, "cwd"));
    dap_put_text(json, "python", ctr_run(session->trace, "python"));
    ct_json_put_text(json, "started", start);
}

/* As a sentence. */
static void end_reason(const struct ctr_info *info, char text[REASON_BYTES])
{
    char phrase[CTR_ENDING_BYTES];
    ctr_ending_text(info, phrase);
    snprintf(text, REASON_BYTES, "%c%s.", phrase[0] + ('A' - 'a'), phrase + 1);
}

static void put_sizes(struct ct_json_out *json, const struct ctr_trace *trace)
{
    const struct ctr_info *info = ctr_info(trace);
    char reason[REASON_BYTES];
    ct_json_put_uint(json, "duration", info->milliseconds);
    ct_json_put_uint(json, "steps", info->steps);
    ct_json_put_uint(json, "calls", info->calls);
    ct_json_put_uint(json, "events", ctr_event_count(info));
    ct_json_put_uint(json, "bytes", info->size);
    ct_json_put_uint(json, "threads", info->thread_count > 0 ? info->thread_count : 1);
    ct_json_put_uint(json, "exceptions", info->counters[CTR_C_raises]);
    ct_json_put_uint(json, "outputs", info->counters[CTR_C_outputs]);
    ct_json_put_bool(json, "hasTasks", rp_has_tasks(trace));
    ct_json_key(json, "exitCode");
    if (info->exit_status == INT32_MIN) {
        ct_json_null(json);
    } else {
        ct_json_int(json, info->exit_status);
    }
    ct_json_put_bool(json, "isComplete", ctr_ending_is_whole(info));
    end_reason(info, reason);
    ct_json_put_text(json, "endReason", reason);
    ct_json_put_uint(json, "endSignal", (uint64_t)ctr_ending_signal(info));
}

/* What is not in the recording, from its counters: what is said of one, of several. */
static const struct {
    const char *kind;
    enum ctr_counter counter;
    const char *one, *several, *rest;
} losses[] = {
    {"truncated", CTR_C_values_cut, "value was", "values were",
     "longer or deeper than the limits: only the beginning is here. "
     "Options of ct record raise the limits."},
    {"redacted", CTR_C_values_redacted, "value was", "values were",
     "hidden: the name or the shape looks like that of a secret. Filters change which."},
    {"dropped", CTR_C_values_dropped, "value was", "values were", "left out, as the filters want."},
    {"opaque", CTR_C_values_opaque, "value was", "values were",
     "of an unknown kind: only type and address are here."},
    {"lagging", CTR_C_lagging, "change", "changes",
     "deep inside an object may be shown later than it happened. "
     "ct record --exact looks everywhere at each line."},
    {"not recorded", CTR_C_skipped_code, "function", "functions",
     "ran that the filters leave out: their calls, lines and variables are not here."},
};

static void put_missing(struct ct_json_out *json, const char *kind, uint64_t count,
                        const char *text)
{
    ct_json_begin_object(json);
    ct_json_put_text(json, "kind", kind);
    ct_json_put_uint(json, "count", count);
    ct_json_put_text(json, "text", text);
    ct_json_end_object(json);
}

static void put_losses(struct ct_json_out *json, const struct ctr_info *info)
{
    char text[600 + REASON_BYTES], reason[REASON_BYTES];
    dap_put_array(json, "missing");
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        uint64_t count = info->counters[losses[i].counter];
        if (count > 0) {
            snprintf(text, sizeof text, "%llu %s %s", (unsigned long long)count,
                     count == 1 ? losses[i].one : losses[i].several, losses[i].rest);
            put_missing(json, losses[i].kind, count, text);
        }
    }
    if (!ctr_ending_is_whole(info)) {
        end_reason(info, reason);
        snprintf(text, sizeof text,
                 "The recording ends before the program did, or is not whole. "
                 "%s %s",
                 reason, info->incomplete);
        put_missing(json, "ended", 1, text);
    }
    ct_json_end_array(json);
}

int dap_recording(struct dap_request *request)
{
    const struct ctr_info *info = ctr_info(request->session->trace);
    ct_json_begin_object(&request->body);
    put_identity(request->session, &request->body);
    put_sizes(&request->body, request->session->trace);
    put_losses(&request->body, info);
    ct_json_end_object(&request->body);
    return CT_OK;
}

/* ---- ct/files ---- */

struct named { /* a path and its name, to be put in order */
    uint32_t path;
    struct ctr_text name;
};

static int compare_names(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    size_t size = a->name.size < b->name.size ? a->name.size : b->name.size;
    int order = memcmp(a->name.bytes, b->name.bytes, size);
    return order != 0 ? order : (a->name.size > b->name.size) - (a->name.size < b->name.size);
}

static int put_file(struct dap_request *request, uint32_t path)
{
    struct dap_session *session = request->session;
    const struct ctr_path *about = ctr_path(session->trace, path);
    struct ct_json_out *json = &request->body;
    struct rp_file file;
    int status = rp_file(session->replay, path, &file, &request->error);
    ct_json_begin_object(json);
    dap_put_path(session, json, "path", about->path);
    ct_json_put_bool(json, "hasSource", ctr_has_source(session->trace, path));
    ct_json_put_bool(json, "mayDiffer", (about->source_flags & CTR_SOURCE_MAY_DIFFER) != 0);
    ct_json_put_uint(json, "lines", file.lines);
    ct_json_put_uint(json, "linesRun", file.lines_run);
    ct_json_put_uint(json, "steps", file.steps);
    ct_json_end_object(json);
    return status;
}

int dap_files(struct dap_request *request)
{
    struct ctr_trace *trace = request->session->trace;
    uint32_t total = ctr_info(trace)->path_count;
    uint64_t start = dap_uint(request, request->arguments, "start", 0);
    uint32_t count = dap_count(request, request->arguments, "count");
    if (request->status != CT_OK) {
        return request->status;
    }
    struct named *names = malloc((total + 1ull) * sizeof *names);
    if (names == NULL) {
        return ct_fail(&request->error, CT_ENOMEM, "no memory for files");
    }
    for (uint32_t i = 0; i < total; i++) {
        names[i] = (struct named){i, ctr_path(trace, i)->path};
    }
    qsort(names, total, sizeof *names, compare_names);
    int status = CT_OK;
    count = count < FILES_MAX ? count : FILES_MAX;
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "files");
    for (uint64_t i = start; status == CT_OK && i < total && i - start < count; i++) {
        status = put_file(request, names[i].path);
    }
    ct_json_end_array(&request->body);
    ct_json_put_uint(&request->body, "total", total);
    ct_json_end_object(&request->body);
    free(names);
    return status;
}

/* ---- ct/line-counts ---- */

static void put_counts(struct ct_json_out *json, const char *key, const uint64_t *visits,
                       uint32_t count)
{
    dap_put_array(json, key);
    for (uint32_t i = 0; i < count; i++) {
        ct_json_uint(json, visits[i]);
    }
    ct_json_end_array(json);
}

static int put_line_counts(struct dap_request *request, uint32_t path, uint32_t first,
                           uint32_t count, uint64_t *visits, bool *has_code)
{
    struct rp_session *replay = request->session->replay;
    const struct rp_position *now = rp_now(replay);
    uint64_t before = now->moment.step + (now->moment.left > 0);
    int status = rp_line_counts(replay, path, first, count,
                                ctr_info(request->session->trace)->steps, visits, &request->error);
    put_counts(&request->body, "total", visits, count);
    if (status == CT_OK) {
        rp_lines_with_code(request->session->trace, path, first, count, visits, has_code);
        status = rp_line_counts(replay, path, first, count, before, visits, &request->error);
    }
    put_counts(&request->body, "soFar", visits, count);
    dap_put_array(&request->body, "hasCode");
    for (uint32_t i = 0; i < count; i++) {
        ct_json_bool(&request->body, has_code[i]);
    }
    ct_json_end_array(&request->body);
    return status;
}

int dap_line_counts(struct dap_request *request)
{
    const json_t *from = request->arguments;
    uint32_t path = dap_path_named(request, from, "path");
    dap_need(request, from, "first");
    uint32_t first = dap_line(request, from, "first", 0);
    uint32_t count = dap_count(request, from, "count");
    if (request->status != CT_OK) {
        return request->status;
    }
    uint64_t *visits = calloc(count + 1ull, sizeof *visits);
    bool *has_code = calloc(count + 1ull, sizeof *has_code);
    int status = CT_OK;
    ct_json_begin_object(&request->body);
    if (visits == NULL || has_code == NULL) {
        status = ct_fail(&request->error, CT_ENOMEM, "no memory to count lines");
    } else {
        status = put_line_counts(request, path, first, count, visits, has_code);
    }
    ct_json_end_object(&request->body);
    free(visits);
    free(has_code);
    return status;
}
