/* Histories of variables and parts of values; what was written and raised. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dap/dap_internal.h"
#include "replay/history.h"
#include "trace/text.h"

enum { ENTRIES_MAX = 1000, BUCKETS_MAX = 8192, CHILDREN_AT_ONCE = 512, CHILDREN_MAX = 100000 };

/* ---- pages ---- */

struct page_wish { /* from where, which way, how many */
    struct ctr_place from;
    bool backwards;
    uint32_t count;
};

static struct page_wish read_page(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct page_wish wish = {.backwards = dap_bool(request, from, "backwards", false)};
    struct ctr_place start =
        wish.backwards ? ctr_place_end(request->session->trace) : (struct ctr_place){0, 0};
    wish.from = dap_place(request, from, "from", start);
    wish.count = dap_count(request, from, "count");
    wish.count = wish.count < ENTRIES_MAX ? wish.count : ENTRIES_MAX;
    return wish;
}

static struct ctr_text text_of(const struct rp_entries *page, const struct rp_entry *entry)
{
    return (struct ctr_text){(const char *)page->texts.data + entry->text, entry->text_size};
}

static void put_entry(const struct dap_session *session, struct ct_json_out *json,
                      const struct rp_entry *entry)
{
    struct dap_where where = {entry->plan, entry->line, entry->step, entry->call, false, 0};
    dap_put_place(json, "place", entry->place);
    dap_put_location(session, json, "location", where);
    dap_put_thread(json, "threadId", entry->thread);
}

static void put_end(struct ct_json_out *json, const struct rp_entries *page)
{
    ct_json_end_array(json);
    dap_put_place(json, "next", page->next);
    ct_json_put_bool(json, "finish", page->done);
    ct_json_end_object(json);
}

/* ---- what a history is of ---- */

/* The child of a value by its name in `variables`. */
static int find_child(struct dap_request *request, struct ctr_value value, const char *name,
                      enum rp_section section, uint64_t *index, struct ctr_value *key)
{
    struct rp_list list = {0};
    size_t size = strlen(name);
    int status = CT_OK;
    bool found = false;
    for (*index = 0; status == CT_OK && !found && *index < CHILDREN_MAX;) {
        status = rp_children(request->session->replay, RP_NOW, value, section, *index,
                             CHILDREN_AT_ONCE, &list, &request->error);
        for (size_t i = 0; i < list.count && !found; i++) {
            struct ctr_text text = rp_name(&list, &list.children[i]);
            found = text.size == size && memcmp(text.bytes, name, size) == 0;
            *key = list.children[i].key;
            *index += !found;
        }
        if (list.count < CHILDREN_AT_ONCE) {
            break;
        }
    }
    rp_list_clear(&list);
    return status != CT_OK || found ? status
                                    : ct_fail(&request->error, CT_ESTATE, "there is no such child");
}

static int history_of_child(struct dap_request *request, uint64_t reference, const char *name,
                            struct rp_history *history)
{
    struct rp_session *replay = request->session->replay;
    struct ctr_value value, key = {0};
    struct rp_value_info info;
    uint64_t index = 0;
    enum ctr_part part = CTR_PART_ATTR;
    if (reference % DAP_HOLDERS != DAP_VALUE ||
        rp_referred(replay, reference / DAP_HOLDERS, &value, NULL) != CT_OK) {
        return dap_refuse(request, "there is no value number %llu at this moment",
                          (unsigned long long)reference);
    }
    rp_value_info(replay, RP_NOW, value, &info);
    int status = find_child(request, value, name, RP_NAMED, &index, &key);
    if (status == CT_ESTATE) {
        status = find_child(request, value, name, RP_INDEXED, &index, &key);
        part = key.tag != CTR_V_UNBOUND ? CTR_PART_PAIR : CTR_PART_ITEM;
    }
    return status == CT_OK
               ? rp_history_of_part(replay, value, part, index, key, history, &request->error)
               : status;
}

static int read_history(struct dap_request *request, struct rp_history *history)
{
    const json_t *from = request->arguments;
    dap_need(request, from, "expression");
    const char *name = dap_text(request, from, "expression", "");
    bool only_this_call = dap_bool(request, from, "onlyThisCall", false);
    uint64_t reference = dap_uint(request, from, "variablesReference", 0);
    struct dap_frame frame = dap_frame_of(request, from);
    if (request->status != CT_OK) {
        return request->status;
    }
    if (reference % DAP_HOLDERS != DAP_VALUE && reference > 0) { /* of a scope: its frame */
        if (!dap_frame_find(request->session, reference / DAP_HOLDERS, &frame)) {
            return dap_refuse(request, "there is no scope number %llu at this moment",
                              (unsigned long long)reference);
        }
    } else if (reference > 0) {
        return history_of_child(request, reference, name, history);
    }
    return rp_history_of_variable(request->session->replay, frame.thread, frame.index, name,
                                  strlen(name), only_this_call, history, &request->error);
}

/* ---- ct/load-history ---- */

int dap_load_history(struct dap_request *request)
{
    struct dap_session *session = request->session;
    struct rp_history history;
    struct rp_entries page = {0};
    struct page_wish wish = read_page(request);
    int status = read_history(request, &history);
    if (status == CT_OK) {
        status = rp_history_page(session->replay, &history, wish.from, wish.backwards, wish.count,
                                 &dap_brief, &page, &request->error);
    }
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "results");
    for (size_t i = 0; status == CT_OK && i < page.count; i++) {
        ct_json_begin_object(&request->body);
        put_entry(session, &request->body, &page.entries[i]);
        dap_put_text(&request->body, "value", text_of(&page, &page.entries[i]));
        ct_json_end_object(&request->body);
    }
    put_end(&request->body, &page);
    rp_entries_clear(&page);
    return status;
}

/* ---- ct/draw-history ---- */

static void put_number(struct ct_json_out *json, double number, bool is_one)
{
    char text[32];
    if (!is_one || !isfinite(number)) {
        ct_json_null(json);
        return;
    }
    snprintf(text, sizeof text, "%.17g", number);
    ct_json_raw(json, text, strlen(text));
}

static void put_buckets(struct ct_json_out *json, const struct rp_bucket *buckets, uint32_t count)
{
    static const struct {
        const char *key;
        size_t offset;
    } numbers[] = {{"first", offsetof(struct rp_bucket, first)},
                   {"last", offsetof(struct rp_bucket, last)},
                   {"least", offsetof(struct rp_bucket, least)},
                   {"most", offsetof(struct rp_bucket, most)}};
    dap_put_array(json, "changes");
    for (uint32_t i = 0; i < count; i++) {
        ct_json_uint(json, buckets[i].changes);
    }
    ct_json_end_array(json);
    dap_put_array(json, "numbers");
    for (uint32_t i = 0; i < count; i++) {
        ct_json_uint(json, buckets[i].numbers);
    }
    ct_json_end_array(json);
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at++) {
        dap_put_array(json, numbers[at].key);
        for (uint32_t i = 0; i < count; i++) {
            const double *number = (const double *)((const char *)&buckets[i] + numbers[at].offset);
            put_number(json, *number, buckets[i].numbers > 0);
        }
        ct_json_end_array(json);
    }
}

int dap_draw_history(struct dap_request *request)
{
    struct dap_session *session = request->session;
    struct rp_history history;
    uint64_t count = dap_uint_up_to(request, request->arguments, "count", 100, BUCKETS_MAX);
    int status = read_history(request, &history);
    struct rp_bucket *buckets = calloc(count + 1, sizeof *buckets);
    if (buckets == NULL) {
        return ct_fail(&request->error, CT_ENOMEM, "no memory for a history");
    }
    if (status == CT_OK) {
        status =
            rp_history_draw(session->replay, &history, buckets, (uint32_t)count, &request->error);
    }
    ct_json_begin_object(&request->body);
    put_buckets(&request->body, buckets, (uint32_t)count);
    ct_json_end_object(&request->body);
    free(buckets);
    return status;
}

/* ---- ct/event-load ---- */

static void put_base64(struct ct_json_out *json, const char *key, struct ctr_text text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct ct_bytes coded = {0};
    for (size_t i = 0; i < text.size; i += 3) {
        size_t left = text.size - i;
        uint32_t bits = (uint32_t)(uint8_t)text.bytes[i] << 16;
        bits |= left > 1 ? (uint32_t)(uint8_t)text.bytes[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint8_t)text.bytes[i + 2] : 0;
        ct_bytes_add_byte(&coded, (uint8_t)digits[bits >> 18]);
        ct_bytes_add_byte(&coded, (uint8_t)digits[bits >> 12 & 63]);
        ct_bytes_add_byte(&coded, (uint8_t)(left > 1 ? digits[bits >> 6 & 63] : '='));
        ct_bytes_add_byte(&coded, (uint8_t)(left > 2 ? digits[bits & 63] : '='));
    }
    json->bytes.failed |= coded.failed;
    dap_put_bytes(json, key, &coded);
    ct_bytes_free(&coded);
}

static void put_event(const struct dap_session *session, struct ct_json_out *json,
                      enum rp_event event, const struct rp_entries *page,
                      const struct rp_entry *entry)
{
    static const char *const streams[] = {
        [CTR_STDIN] = "stdin", [CTR_STDOUT] = "stdout", [CTR_STDERR] = "stderr", [3] = ""};
    struct ctr_text text = text_of(page, entry);
    bool is_text = ct_utf8_prefix((const uint8_t *)text.bytes, text.size) == text.size;
    ct_json_begin_object(json);
    put_entry(session, json, entry);
    if (is_text) {
        dap_put_text(json, "content", text);
    } else {
        put_base64(json, "content", text);
    }
    ct_json_put_text(json, "stream",
                     event == RP_OUTPUT ? streams[entry->stream & CTR_STREAM_MASK] : "");
    ct_json_put_bool(json, "base64Encoded", !is_text);
    ct_json_end_object(json);
}

static int load_events(struct dap_request *request, enum rp_event event)
{
    struct dap_session *session = request->session;
    struct rp_entries page = {0};
    struct page_wish wish = read_page(request);
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = rp_event_page(session->replay, event, wish.from, wish.backwards, wish.count,
                               &dap_brief, &page, &request->error);
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "events");
    for (size_t i = 0; status == CT_OK && i < page.count; i++) {
        put_event(session, &request->body, event, &page, &page.entries[i]);
    }
    put_end(&request->body, &page);
    rp_entries_clear(&page);
    return status;
}

int dap_event_load(struct dap_request *request)
{
    dap_need(request, request->arguments, "kind");
    const char *kind = dap_text(request, request->arguments, "kind", "output");
    enum rp_event event = strcmp(kind, "output") == 0 ? RP_OUTPUT : RP_EXCEPTION;
    if (event != RP_OUTPUT && strcmp(kind, "exception") != 0) {
        dap_refuse(request, "kind is neither output nor exception");
    }
    return load_events(request, event);
}

/* CodeTracer asks for lines of the terminal; what was written is paged by place here. */
int dap_load_terminal(struct dap_request *request)
{
    return load_events(request, RP_OUTPUT);
}
