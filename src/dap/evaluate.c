/* Expressions: what they are at the moment, how they may go on, and the exception one stands at. */
#include <string.h>

#include "dap/dap_internal.h"
#include "replay/expression.h"
#include "replay/history.h"
#include "replay/state.h"

enum { COMPLETIONS_MAX = 200, LOOKED_AT_MAX = 4096 };

/* ---- evaluate ---- */

/* How much text: a hover is read as a whole, the clipboard wants all. */
static struct ctr_text_options text_options(const char *context)
{
    struct ctr_text_options options = dap_brief;
    if (strcmp(context, "clipboard") == 0) {
        options = (struct ctr_text_options){.depth = 60, .items = 0, .characters = 1024 * 1024};
    } else if (strcmp(context, "repl") == 0) {
        options = (struct ctr_text_options){.depth = 8, .items = 1000, .characters = 64 * 1024};
    }
    return options;
}

static int put_answer(struct dap_request *request, const char *expression,
                      const struct rp_answer *answer, const struct ctr_text_options *options)
{
    struct ct_json_out *json = &request->body;
    struct ct_bytes name = {0};
    int status = CT_OK;
    ct_bytes_add_text(&name, expression);
    ct_json_begin_object(json);
    if (answer->is_recorded) {
        struct dap_shown shown = {
            .value = answer->value, .key = "result", .options = options, .name = &name};
        status = dap_put_value(request->session, &request->body, &shown, &request->error);
    } else {
        dap_put_bytes(json, "result", &answer->text);
        dap_put_bytes(json, "type", &answer->type);
        ct_json_put_uint(json, "variablesReference", 0);
    }
    ct_json_end_object(json);
    ct_bytes_free(&name);
    return status;
}

static int evaluate(struct dap_request *request, const char *text, struct dap_frame frame,
                    const struct ctr_text_options *options, struct rp_answer *answer)
{
    struct rp_expression *expression;
    size_t at = 0;
    int status = rp_expression_new(&expression, text, strlen(text), &at, &request->error);
    if (status == CT_OK) {
        status = rp_evaluate(request->session->replay, expression, frame.thread, frame.index,
                             options, answer, &at, &request->error);
        rp_expression_free(expression);
    }
    if (status != CT_OK && status != CT_ECANCEL) {
        dap_error_at(&request->error, text, at);
    }
    return status;
}

int dap_evaluate(struct dap_request *request)
{
    const json_t *from = request->arguments;
    dap_need(request, from, "expression");
    const char *text = dap_text(request, from, "expression", "");
    const char *context = dap_text(request, from, "context", "repl");
    struct dap_frame frame = dap_frame_of(request, from);
    struct rp_answer answer = {0};
    if (request->status != CT_OK) {
        return request->status;
    }
    struct ctr_text_options options = text_options(context);
    int status = evaluate(request, text, frame, &options, &answer);
    if (status == CT_OK) {
        status = put_answer(request, text, &answer, &options);
    }
    ct_bytes_free(&answer.text);
    ct_bytes_free(&answer.type);
    return status;
}

/* ---- completions ---- */

struct completion {
    struct ct_json_out *json;
    struct ctr_text start; /* what was typed of the name */
    uint32_t count;
    uint64_t unit, length; /* of what it replaces */
};

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80) != 0;
}

static bool is_offered(const struct completion *completion, struct ctr_text name)
{
    struct ctr_text start = completion->start;
    return completion->count < COMPLETIONS_MAX && name.size >= start.size &&
           memcmp(name.bytes, start.bytes, start.size) == 0;
}

static void offer(struct completion *completion, struct ctr_text name, const char *type)
{
    if (!is_offered(completion, name)) {
        return;
    }
    completion->count++;
    ct_json_begin_object(completion->json);
    dap_put_text(completion->json, "label", name);
    ct_json_put_text(completion->json, "type", type);
    ct_json_put_uint(completion->json, "start", completion->unit);
    ct_json_put_uint(completion->json, "length", completion->length);
    ct_json_end_object(completion->json);
}

static void offer_attributes(struct dap_request *request, struct completion *completion,
                             struct ctr_text owner, struct dap_frame frame)
{
    struct rp_answer answer = {0};
    struct rp_list list = {0};
    char text[1024];
    if (owner.size >= sizeof text) {
        return;
    }
    snprintf(text, sizeof text, "%.*s", (int)owner.size, owner.bytes);
    if (evaluate(request, text, frame, NULL, &answer) == CT_OK && answer.is_recorded) {
        rp_children(request->session->replay, RP_NOW, answer.value, RP_NAMED, 0, LOOKED_AT_MAX,
                    &list, NULL);
    }
    for (size_t i = 0; i < list.count; i++) {
        offer(completion, rp_name(&list, &list.children[i]), "property");
    }
    rp_list_clear(&list);
    ct_bytes_free(&answer.text);
    ct_bytes_free(&answer.type);
}

static bool is_listed(const struct rp_list *list, struct ctr_text name)
{
    for (size_t i = 0; i < list->count; i++) {
        struct ctr_text other = rp_name(list, &list->children[i]);
        if (other.size == name.size && memcmp(other.bytes, name.bytes, name.size) == 0) {
            return true;
        }
    }
    return false;
}

/* Globals but those that are variables of the frame, too: all of a module's are. */
static void offer_globals(struct dap_session *session, struct completion *completion,
                          struct ctr_value globals, const struct rp_list *variables)
{
    struct rp_list list = {0};
    struct ct_bytes name = {0};
    rp_children(session->replay, RP_NOW, globals, RP_INDEXED, 0, LOOKED_AT_MAX, &list, NULL);
    for (size_t i = 0; i < list.count; i++) {
        name.size = 0;
        rp_key_text(session->replay, list.children[i].key, &name);
        struct ctr_text text = {(const char *)name.data, name.size};
        if (is_offered(completion, text) && !is_listed(variables, text)) {
            offer(completion, text, "variable");
        }
    }
    ct_bytes_free(&name);
    rp_list_clear(&list);
}

static void offer_names(struct dap_session *session, struct completion *completion,
                        struct dap_frame frame)
{
    static const char *const functions[] = {"abs", "all",  "any", "isinstance", "len", "max",
                                            "min", "repr", "str", "sum",        "type"};
    struct rp_list list = {0};
    struct ctr_value globals;
    rp_variables(session->replay, frame.thread, frame.index, 0, LOOKED_AT_MAX, &list, NULL);
    for (size_t i = 0; i < list.count; i++) {
        offer(completion, rp_name(&list, &list.children[i]), "variable");
    }
    if (rp_globals(session->replay, frame.thread, frame.index, &globals, NULL) == CT_OK) {
        offer_globals(session, completion, globals, &list);
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        offer(completion, (struct ctr_text){functions[i], strlen(functions[i])}, "function");
    }
    rp_list_clear(&list);
}

/* Where what is before the cursor starts: names, attributes, simple indices. */
static size_t start_of_owner(const char *text, size_t dot)
{
    size_t at = dot;
    for (unsigned depth = 0; at > 0; at--) {
        char c = text[at - 1];
        depth += c == ']';
        if (depth == 0 && !is_name_byte(c) && c != '.') {
            break;
        }
        depth -= c == '[' && depth > 0;
    }
    return at;
}

/* DAP counts UTF-16 code units: of UTF-8, one for each character, two for one of four bytes. */
static uint64_t units_of(char byte)
{
    return ((byte & 0xc0) != 0x80) + ((byte & 0xf8) == 0xf0);
}

static size_t byte_of_unit(const char *text, uint64_t unit)
{
    size_t at = 0;
    for (uint64_t passed = 0; text[at] != '\0'; at++) {
        passed += units_of(text[at]);
        if (passed > unit) {
            break;
        }
    }
    return at;
}

static uint64_t count_units(const char *text, size_t size)
{
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += units_of(text[i]);
    }
    return count;
}

/* `start` counts from 0, though DAP says as columns do: debugpy's does, and VS Code, nvim-dap and
 * dape read it so. */
int dap_completions(struct dap_request *request)
{
    const json_t *from = request->arguments;
    dap_need(request, from, "text");
    dap_need(request, from, "column");
    bool from_0 = request->session->columns_from_0;
    const char *text = dap_text(request, from, "text", "");
    uint64_t column = dap_uint(request, from, "column", 0);
    struct dap_frame frame = dap_frame_of(request, from);
    if (request->status != CT_OK) {
        return request->status;
    }
    size_t end = byte_of_unit(text, column - (!from_0 && column > 0)), start;
    for (start = end; start > 0 && is_name_byte(text[start - 1]);) {
        start--;
    }
    struct completion completion = {
        .json = &request->body,
        .start = {text + start, end - start},
        .unit = count_units(text, start),
        .length = count_units(text + start, end - start),
    };
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "targets");
    if (start > 0 && text[start - 1] == '.') {
        size_t owner = start_of_owner(text, start - 1);
        offer_attributes(request, &completion, (struct ctr_text){text + owner, start - 1 - owner},
                         frame);
    } else {
        offer_names(request->session, &completion, frame);
    }
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    request->status = CT_OK; /* an owner without a value has no attributes to offer */
    return CT_OK;
}

/* ---- exceptionInfo ---- */

static void put_exception(struct ct_json_out *json, const struct ct_bytes *text,
                          const struct ct_bytes *type)
{
    ct_json_begin_object(json);
    dap_put_bytes(json, "exceptionId", type);
    dap_put_bytes(json, "description", text);
    ct_json_put_text(json, "breakMode", "always");
    dap_put_object(json, "details");
    dap_put_bytes(json, "message", text);
    dap_put_bytes(json, "typeName", type);
    ct_json_end_object(json);
    ct_json_end_object(json);
}

/* The exception that the line about to run raises, or the one that left the frame above. */
int dap_exception_info(struct dap_request *request)
{
    struct rp_session *replay = request->session->replay;
    const struct rp_position *now = rp_now(replay);
    struct ct_bytes text = {0}, type = {0};
    bool has_left = now->moment.left > 0 && now->left_by == CTR_EVENT_UNWIND;
    dap_thread(request, request->arguments, "threadId", now->thread);
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = CT_OK;
    if (has_left) {
        rp_value_text(replay, RP_NOW, now->result, &dap_brief, &text);
        rp_value_type(replay, RP_NOW, now->result, &type);
    } else {
        status = rp_exception_here(replay, &dap_brief, &text, &type, &request->error);
    }
    if (status == CT_OK) {
        put_exception(&request->body, &text, &type);
    }
    ct_bytes_free(&text);
    ct_bytes_free(&type);
    return status;
}
