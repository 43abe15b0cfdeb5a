/* Values for the client: variables, what is in them, what is known of them. */
#include <stdlib.h>
#include <string.h>

#include "dap/dap_internal.h"
#include "replay/state.h"
#include "trace/format.h"
#include "trace/text.h"

enum {
    NAME_MAX_BYTES = 4096, /* of what one types for a value; longer ones are not told */
};

const struct ctr_text_options dap_brief = {.depth = 4, .items = 50, .characters = 300};

/* ---- numbers ---- */

uint64_t dap_reference(enum dap_holder holder, uint64_t number)
{
    return number * DAP_HOLDERS + holder;
}

/* DAP wants numbers of 31 bits. */
static bool is_too_large(uint64_t reference)
{
    return reference > INT32_MAX;
}

/* Names are kept in the order of their references. */
static void keep_name(struct dap_session *session, uint64_t reference, const struct ct_bytes *name)
{
    if (session->name_count == session->name_capacity) {
        size_t capacity = session->name_capacity == 0 ? 64 : session->name_capacity * 2;
        struct dap_name *names = realloc(session->names, capacity * sizeof *names);
        if (names == NULL) {
            return;
        }
        session->names = names;
        session->name_capacity = capacity;
    }
    size_t at = session->name_texts.size;
    ct_bytes_add(&session->name_texts, name->data, name->size);
    if (!session->name_texts.failed) {
        session->names[session->name_count++] = (struct dap_name){reference, at, name->size};
    }
}

/* What to type for a value; empty when nobody knows. */
static struct ctr_text name_of(const struct dap_session *session, uint64_t reference)
{
    size_t low = 0, high = session->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (session->names[middle].reference < reference) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == session->name_count || session->names[low].reference != reference) {
        return (struct ctr_text){"", 0};
    }
    const struct dap_name *name = &session->names[low];
    return (struct ctr_text){(const char *)session->name_texts.data + name->at, name->size};
}

/* ---- one value ---- */

static void put_before(struct dap_session *session, struct ct_json_out *json,
                       const struct ctr_text_options *options, const struct rp_child *child)
{
    struct ct_bytes text = {0};
    rp_value_text(session->replay, RP_BEFORE, child->before, options, &text);
    dap_put_bytes(json, "before", &text);
    ct_bytes_free(&text);
}

static void put_changes(struct dap_session *session, struct ct_json_out *json,
                        const struct dap_shown *shown)
{
    if (shown->child == NULL || !shown->child->is_changed) {
        return;
    }
    ct_json_put_bool(json, "isChanged", true);
    if (shown->child->is_new) {
        ct_json_put_bool(json, "isNew", true);
    } else {
        put_before(session, json, shown->options, shown->child);
    }
}

static int put_extra(struct dap_session *session, struct ct_json_out *json,
                     const struct dap_shown *shown, const struct rp_value_info *info,
                     struct ct_error *error)
{
    dap_put_object(json, "ct");
    ct_json_put_text(json, "kind", info->kind);
    put_changes(session, json, shown);
    if (info->is_cut) {
        ct_json_put_bool(json, "isCut", true);
    }
    if (info->has_length) {
        ct_json_put_uint(json, "length", info->length);
    }
    if (info->is_object) {
        ct_json_put_uint(json, "object", info->object);
    }
    if (info->is_late) {
        ct_json_put_uint(json, "verified", info->verified);
    }
    if (shown->variable_kind != NULL) {
        ct_json_put_text(json, "variableKind", shown->variable_kind);
    }
    int status = dap_put_table(session, json, shown->value, error);
    ct_json_end_object(json);
    return status;
}

/* A number for its children; 0: it has none. */
static int refer(struct dap_session *session, const struct dap_shown *shown,
                 const struct rp_value_info *info, uint64_t *reference, struct ct_error *error)
{
    uint64_t number;
    *reference = 0;
    if (info->named + info->indexed == 0) {
        return CT_OK;
    }
    int status = rp_refer(session->replay, shown->value, &number, error);
    if (status == CT_OK && is_too_large(dap_reference(DAP_VALUE, number))) {
        status = ct_fail(error, CT_ELIMIT, "this session has asked for too many values");
    }
    *reference = status == CT_OK ? dap_reference(DAP_VALUE, number) : 0;
    return status;
}

int dap_put_value(struct dap_session *session, struct ct_json_out *json,
                  const struct dap_shown *shown, struct ct_error *error)
{
    struct rp_value_info info;
    struct ct_bytes text = {0}, type = {0};
    uint64_t reference;
    const struct ct_bytes *name = shown->name;
    bool has_name = name != NULL && name->size > 0 && name->size < NAME_MAX_BYTES && !name->failed;
    rp_value_info(session->replay, RP_NOW, shown->value, &info);
    rp_value_text(session->replay, RP_NOW, shown->value, shown->options, &text);
    rp_value_type(session->replay, RP_NOW, shown->value, &type);
    int status = refer(session, shown, &info, &reference, error);
    dap_put_bytes(json, shown->key, &text);
    dap_put_bytes(json, "type", &type);
    ct_json_put_uint(json, "variablesReference", reference);
    ct_json_put_uint(json, "namedVariables", info.named);
    ct_json_put_uint(json, "indexedVariables", info.indexed);
    if (has_name && reference != 0) {
        keep_name(session, reference, name);
    }
    if (has_name && strcmp(shown->key, "value") == 0) { /* only a Variable has it */
        dap_put_bytes(json, "evaluateName", name);
    }
    status = status == CT_OK ? put_extra(session, json, shown, &info, error) : status;
    json->bytes.failed |= text.failed || type.failed;
    ct_bytes_free(&text);
    ct_bytes_free(&type);
    return status;
}

/* ---- what one types for a child ---- */

static bool is_identifier(struct ctr_text name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.bytes[i];
        bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        bool is_digit = c >= '0' && c <= '9';
        if (!is_letter && c != '_' && c < 0x80 && (i == 0 || !is_digit)) {
            return false;
        }
    }
    return name.size > 0;
}

static bool is_one_of(const char *kind, const char *const *kinds)
{
    while (*kinds != NULL && strcmp(*kinds, kind) != 0) {
        kinds++;
    }
    return *kinds != NULL;
}

/* A key that reads as what it is: its name is its repr. */
static bool is_literal(struct dap_session *session, struct ctr_value key)
{
    static const char *const literals[] = {"int", "str", "bool", "none", NULL};
    struct rp_value_info info;
    rp_value_info(session->replay, RP_NOW, key, &info);
    return is_one_of(info.kind, literals) && !info.is_cut;
}

static void name_child(struct dap_session *session, struct ctr_text parent, const char *kind,
                       enum rp_section section, const struct rp_list *list,
                       const struct rp_child *child, struct ct_bytes *to)
{
    static const char *const sequences[] = {"list", "tuple", "namedtuple", NULL};
    struct ctr_text name = rp_name(list, child);
    bool is_cut = memmem(name.bytes, name.size, "\xe2\x80\xa6", 3) != NULL;
    to->size = 0;
    if (parent.size == 0 || is_cut) {
        return;
    }
    if (section == RP_NAMED && is_identifier(name)) {
        ct_bytes_add(to, parent.bytes, parent.size);
        ct_bytes_add_text(to, ".");
        ct_bytes_add(to, name.bytes, name.size);
    } else if (section == RP_INDEXED &&
               (is_one_of(kind, sequences) ||
                (strcmp(kind, "dict") == 0 && is_literal(session, child->key)))) {
        ct_bytes_add(to, parent.bytes, parent.size);
        ct_bytes_add_text(to, "[");
        ct_bytes_add(to, name.bytes, name.size);
        ct_bytes_add_text(to, "]");
    }
}

/* ---- variables ---- */

struct window { /* of a `variables` request */
    uint64_t start, left;
    bool named, indexed;
};

static int put_variable(struct dap_request *request, struct ctr_text name, struct dap_shown shown)
{
    shown.key = "value";
    shown.options = &dap_brief;
    ct_json_begin_object(&request->body);
    dap_put_text(&request->body, "name", name);
    int status = dap_put_value(request->session, &request->body, &shown, &request->error);
    ct_json_end_object(&request->body);
    return status;
}

static const char *kind_name(const struct rp_child *child)
{
    static const char *const names[] = {
        [CTR_VAR_LOCAL] = "local", [CTR_VAR_ARG] = "argument", [CTR_VAR_CELL] = "cell",
        [CTR_VAR_FREE] = "cell",   [CTR_VAR_HIDDEN] = "local", [CTR_VAR_NAMESPACE] = "global",
    };
    return child->kind <= CTR_VAR_NAMESPACE ? names[child->kind] : "local";
}

static int put_locals(struct dap_request *request, struct dap_frame frame,
                      const struct window *window)
{
    struct dap_session *session = request->session;
    struct rp_list list = {0};
    struct ct_bytes name = {0};
    int status = rp_variables(session->replay, frame.thread, frame.index, window->start,
                              window->left, &list, &request->error);
    for (size_t i = 0; status == CT_OK && i < list.count; i++) {
        const struct rp_child *child = &list.children[i];
        struct ctr_text text = rp_name(&list, child);
        name.size = 0;
        if (is_identifier(text)) {
            ct_bytes_add(&name, text.bytes, text.size);
        }
        struct dap_shown shown = {.value = child->value,
                                  .child = child,
                                  .variable_kind = kind_name(child),
                                  .name = &name};
        status = put_variable(request, text, shown);
    }
    ct_bytes_free(&name);
    rp_list_clear(&list);
    return status;
}

/* The children of one section; the window moves on. */
static int put_section(struct dap_request *request, struct ctr_value value,
                       const struct rp_value_info *info, struct ctr_text parent,
                       enum rp_section section, struct window *window)
{
    struct dap_session *session = request->session;
    struct rp_list list = {0};
    struct ct_bytes name = {0};
    int status = rp_children(session->replay, RP_NOW, value, section, window->start, window->left,
                             &list, &request->error);
    window->start -= window->start < list.total ? window->start : list.total;
    window->left -= list.count;
    for (size_t i = 0; status == CT_OK && i < list.count; i++) {
        const struct rp_child *child = &list.children[i];
        name_child(session, parent, info->kind, section, &list, child, &name);
        struct dap_shown shown = {.value = child->value, .name = &name};
        status = put_variable(request, rp_name(&list, child), shown);
    }
    ct_bytes_free(&name);
    rp_list_clear(&list);
    return status;
}

/* Named children come first, as the counts say; a filter shows one section alone. */
static int put_children(struct dap_request *request, struct ctr_value value, uint64_t reference,
                        struct window *window)
{
    struct rp_value_info info;
    struct ct_bytes parent = {0};
    struct ctr_text known = name_of(request->session, reference);
    int status = CT_OK;
    ct_bytes_add(&parent, known.bytes, known.size); /* the names grow while children are put */
    struct ctr_text name = {(const char *)parent.data, parent.failed ? 0 : parent.size};
    rp_value_info(request->session->replay, RP_NOW, value, &info);
    if (window->named) {
        status = put_section(request, value, &info, name, RP_NAMED, window);
    }
    if (status == CT_OK && window->indexed && window->left > 0) {
        status = put_section(request, value, &info, name, RP_INDEXED, window);
    }
    ct_bytes_free(&parent);
    return status;
}

/* The globals of a module are the pairs of a dict; here they are variables. */
static int put_globals(struct dap_request *request, struct dap_frame frame,
                       const struct window *window)
{
    struct dap_session *session = request->session;
    struct rp_list list = {0};
    struct ct_bytes name = {0};
    struct ctr_value globals;
    int status = rp_globals(session->replay, frame.thread, frame.index, &globals, &request->error);
    if (status == CT_OK) {
        status = rp_children(session->replay, RP_NOW, globals, RP_INDEXED, window->start,
                             window->left, &list, &request->error);
    }
    for (size_t i = 0; status == CT_OK && i < list.count; i++) {
        name.size = 0;
        rp_key_text(session->replay, list.children[i].key, &name);
        struct ctr_text text = {(const char *)name.data, name.size};
        struct dap_shown shown = {.value = list.children[i].value,
                                  .variable_kind = "global",
                                  .name = is_identifier(text) ? &name : NULL};
        status = put_variable(request, text, shown);
    }
    ct_bytes_free(&name);
    rp_list_clear(&list);
    return status;
}

static int put_result(struct dap_request *request, const struct window *window)
{
    const struct rp_position *now = rp_now(request->session->replay);
    const char *name = now->left_by == CTR_EVENT_UNWIND  ? "(exception)"
                       : now->left_by == CTR_EVENT_YIELD ? "(yielded value)"
                                                         : "(return value)";
    if (now->moment.left == 0 || window->start > 0) {
        return CT_OK;
    }
    struct dap_shown shown = {.value = now->result};
    return put_variable(request, (struct ctr_text){name, strlen(name)}, shown);
}

bool dap_referred(const struct dap_session *session, uint64_t reference, struct ctr_value *value)
{
    return reference % DAP_HOLDERS == DAP_VALUE &&
           rp_referred(session->replay, reference / DAP_HOLDERS, value, NULL) == CT_OK;
}

int dap_refuse_reference(struct dap_request *request, uint64_t reference)
{
    return dap_refuse(request, "there is no variablesReference %llu at this moment",
                      (unsigned long long)reference);
}

static int put_members(struct dap_request *request, uint64_t reference, struct window *window)
{
    struct dap_session *session = request->session;
    enum dap_holder holder = reference % DAP_HOLDERS;
    struct dap_frame frame;
    struct ctr_value value;
    if (holder == DAP_VALUE) {
        if (!dap_referred(session, reference, &value)) {
            return dap_refuse_reference(request, reference);
        }
        return put_children(request, value, reference, window);
    }
    if (!dap_frame_find(session, reference / DAP_HOLDERS, &frame)) {
        return dap_refuse_reference(request, reference);
    }
    if (!window->named) {
        return CT_OK;
    }
    return holder == DAP_LOCALS    ? put_locals(request, frame, window)
           : holder == DAP_GLOBALS ? put_globals(request, frame, window)
                                   : put_result(request, window);
}

int dap_variables(struct dap_request *request)
{
    const json_t *from = request->arguments;
    dap_need(request, from, "variablesReference");
    uint64_t reference = dap_uint(request, from, "variablesReference", 0);
    const char *filter = dap_text(request, from, "filter", "");
    struct window window = {
        .start = dap_uint(request, from, "start", 0),
        .left = dap_count(request, from, "count"),
        .named = strcmp(filter, "indexed") != 0,
        .indexed = strcmp(filter, "named") != 0,
    };
    if (*filter != '\0' && window.named && window.indexed) {
        dap_refuse(request, "filter is neither named nor indexed");
    }
    if (request->status != CT_OK) {
        return request->status;
    }
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "variables");
    int status = put_members(request, reference, &window);
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    return status;
}

int dap_put_first_variables(struct dap_request *request, const char *key, uint64_t reference,
                            uint32_t count)
{
    struct window window = {.left = count, .named = true, .indexed = true};
    dap_put_array(&request->body, key);
    int status = put_members(request, reference, &window);
    ct_json_end_array(&request->body);
    return status;
}

/* ---- ct/load-locals ---- */

/* CodeTracer's Variable, its value as text: kind 16, Raw. What is in it, `variables` tells. */
static void put_raw(struct dap_session *session, struct ct_json_out *json, struct ctr_text name,
                    struct ctr_value value)
{
    enum { KIND_RAW = 16 };
    struct ct_bytes text = {0}, type = {0};
    rp_value_text(session->replay, RP_NOW, value, &dap_brief, &text);
    rp_value_type(session->replay, RP_NOW, value, &type);
    ct_json_begin_object(json);
    dap_put_text(json, "expression", name);
    dap_put_object(json, "value");
    ct_json_put_uint(json, "kind", KIND_RAW);
    dap_put_bytes(json, "r", &text);
    dap_put_object(json, "typ");
    ct_json_put_uint(json, "kind", KIND_RAW);
    dap_put_bytes(json, "langType", &type);
    ct_json_end_object(json);
    ct_json_end_object(json);
    ct_json_put_int(json, "address", -1);
    ct_json_end_object(json);
    ct_bytes_free(&text);
    ct_bytes_free(&type);
}

int dap_load_locals(struct dap_request *request)
{
    struct dap_session *session = request->session;
    struct dap_frame frame = dap_frame_of(request, request->arguments);
    struct rp_list list = {0};
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = rp_variables(session->replay, frame.thread, frame.index, 0, DAP_LIST_MAX, &list,
                              &request->error);
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "locals");
    for (size_t i = 0; status == CT_OK && i < list.count; i++) {
        put_raw(session, &request->body, rp_name(&list, &list.children[i]), list.children[i].value);
    }
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    rp_list_clear(&list);
    return status;
}
