/* `ct print --format json`: one object per line and event. docs/reference/print.md says what each
 * member means; programs rely on it. */
#include <stdlib.h>

#include "base/json_out.h"
#include "cli/print.h"
#include "cli/print_variable.h"
#include "trace/shape.h"

enum {
    DEPTH = 3,
    DEPTH_MAX = 50,
    /* Of one event. Sixty tuples, each twice in the next, are recorded in a kilobyte. */
    VALUES_MAX = 1000000,       /* behind them, nothing is expanded */
    TEXT_MAX = 4 * 1024 * 1024, /* bytes of `repr`; behind them, each is cut */
    /* Of a container or object that is inside another, or whose parts stand beside it: a large one
     * must not take all of that. */
    TEXT_OF_PARTS_MAX = 4000,
};

struct json_view {
    struct ct_json_out out;
    struct ct_bytes text;
    uint32_t depth;
    uint32_t values_left;
    uint32_t text_left;
};

struct expanding { /* objects around the value being written */
    uint64_t number;
    const struct expanding *outer;
};

struct json_value {
    struct print *print;
    struct json_view *view;
    const struct expanding *holder;
    uint32_t depth; /* levels left to expand */
};

static void put_text_member(struct json_view *view, const char *key, struct ctr_text text)
{
    ct_json_key(&view->out, key);
    ct_json_text_n(&view->out, text.bytes, text.size);
}

static void put_number_member(struct json_view *view, const char *key, uint64_t number)
{
    ct_json_key(&view->out, key);
    ct_json_uint(&view->out, number);
}

/* ---- Values ---- */

static void put_value(const struct json_value *context, struct ctr_value value);

static bool is_expanding(const struct json_value *context, uint64_t number)
{
    for (const struct expanding *at = context->holder; at != NULL; at = at->outer) {
        if (at->number == number) {
            return true;
        }
    }
    return false;
}

static void put_key(const struct json_value *context, struct ctr_value key)
{
    struct ct_bytes *text = &context->view->text;
    text->size = 0;
    if (!ctr_shape_add_text(context->print->player, key, text)) {
        ctr_text_of(context->print->player, key, &(struct ctr_text_options){.characters = 1000},
                    text);
    }
    ct_bytes_add_byte(text, '\0');
    if (!text->failed) {
        text->size--;
        /* Names are text without NUL in all but odd cases, where the rest of the name is lost. */
        ct_json_key(&context->view->out, (const char *)text->data);
    }
}

/* What an object holds, at its moment: asked for anew for each child, as writing one may move it.
 */
static const struct ctr_object *object_of(const struct json_value *context,
                                          const struct ctr_shape *shape)
{
    return ctr_player_object(context->print->player, shape->number, NULL);
}

static void put_object_items(const struct json_value *context, const struct ctr_shape *shape)
{
    struct ct_json_out *out = &context->view->out;
    const struct ctr_object *object = object_of(context, shape);
    if (object == NULL || (object->sections & CTR_ITEMS) == 0) {
        return;
    }
    ct_json_key(out, "items");
    ct_json_begin_array(out);
    for (uint32_t i = 0; object != NULL && i < object->item_count; i++) {
        put_value(context, object->items[i]);
        object = object_of(context, shape);
    }
    ct_json_end_array(out);
    if (object != NULL && object->true_items > object->item_count) {
        put_number_member(context->view, "length", object->true_items);
    }
}

static void put_object_entries(const struct json_value *context, const struct ctr_shape *shape)
{
    struct ct_json_out *out = &context->view->out;
    const struct ctr_object *object = object_of(context, shape);
    if (object == NULL || (object->sections & CTR_PAIRS) == 0) {
        return;
    }
    ct_json_key(out, "entries");
    ct_json_begin_array(out);
    for (uint32_t i = 0; object != NULL && i < object->pair_count; i++) {
        struct ctr_pair pair = object->pairs[i];
        ct_json_begin_array(out);
        put_value(context, pair.key);
        put_value(context, pair.value);
        ct_json_end_array(out);
        object = object_of(context, shape);
    }
    ct_json_end_array(out);
    if (object != NULL && object->true_pairs > object->pair_count) {
        put_number_member(context->view, "length", object->true_pairs);
    }
}

static void put_object_attributes(const struct json_value *context, const struct ctr_shape *shape)
{
    struct ct_json_out *out = &context->view->out;
    const struct ctr_object *object = object_of(context, shape);
    if (object == NULL || (object->sections & CTR_ATTRS) == 0) {
        return;
    }
    ct_json_key(out, "attrs");
    ct_json_begin_object(out);
    for (uint32_t i = 0; object != NULL && i < object->attr_count; i++) {
        struct ctr_pair attribute = object->attrs[i];
        put_key(context, attribute.key);
        put_value(context, attribute.value);
        object = object_of(context, shape);
    }
    ct_json_end_object(out);
}

static void put_node_items(const struct json_value *context, struct ctr_shape *shape)
{
    struct ct_json_out *out = &context->view->out;
    ct_json_key(out, "items");
    ct_json_begin_array(out);
    struct ctr_scan children = shape->node.children;
    for (uint32_t i = 0; i < shape->node.count && !children.cursor.failed; i++) {
        put_value(context, ctr_scan_value(&children, (struct ctr_value){0}));
    }
    ct_json_end_array(out);
}

static void put_field_names(struct json_view *view, const struct ctr_shape *shape)
{
    ct_json_key(&view->out, "fields");
    ct_json_begin_array(&view->out);
    for (uint32_t i = 0; i < shape->type->field_count; i++) {
        ct_json_text_n(&view->out, shape->type->fields[i].bytes, shape->type->fields[i].size);
    }
    ct_json_end_array(&view->out);
}

/* The elements of containers are items, and what a match found; the parts of a date are not. */
static bool has_node_items(const struct ctr_shape *shape)
{
    static const bool is_sequence[CTR_KIND_COUNT] = {
        [CTR_F_TUPLE] = true, [CTR_F_NAMEDTUPLE] = true, [CTR_F_FROZENSET] = true,
        [CTR_F_MATCH] = true, [CTR_F_TRACEBACK] = true,
    };
    return shape->has_node && shape->kind < CTR_KIND_COUNT && is_sequence[shape->kind] &&
           (shape->node.tag == CTR_V_TUPLE || shape->node.tag == CTR_V_FROZENSET);
}

/* A subclass of str or int, a stream: it has a value of its own besides attributes. */
static bool is_boxed(const struct ctr_shape *shape)
{
    return shape->has_node || shape->content.tag != CTR_V_UNBOUND;
}

/* How much text of it there is at most. Of a value without parts it is all there is. */
static uint32_t text_max(const struct json_value *context, const struct ctr_shape *shape)
{
    static const bool is_one_value[CTR_KIND_COUNT] = {
        [CTR_F_INT] = true,       [CTR_F_TEXT] = true,   [CTR_F_BYTES] = true,
        [CTR_F_BYTEARRAY] = true, [CTR_F_STREAM] = true, [CTR_F_DECIMAL] = true,
    };
    bool is_inside = context->depth < context->view->depth;
    bool has_parts = shape->is_object ? !is_boxed(shape) : has_node_items(shape);
    bool is_expanded = has_parts && context->depth > 0 && context->view->values_left > 0;
    bool is_whole = shape->kind < CTR_KIND_COUNT && is_one_value[shape->kind];
    return !is_whole && (is_inside || is_expanded) ? TEXT_OF_PARTS_MAX : UINT32_MAX;
}

static void put_inside(const struct json_value *context, struct ctr_shape *shape)
{
    struct expanding holder = {shape->number, context->holder};
    struct json_value inner = *context;
    inner.depth--;
    if (shape->is_object) {
        inner.holder = &holder;
        if (!is_boxed(shape)) {
            put_object_items(&inner, shape);
        }
        put_object_entries(&inner, shape);
        put_object_attributes(&inner, shape);
    } else if (has_node_items(shape)) {
        put_node_items(&inner, shape);
    }
    if (shape->kind == CTR_F_NAMEDTUPLE && shape->type != NULL) {
        put_field_names(context->view, shape);
    }
}

static void put_repr(const struct json_value *context, struct ctr_value value, uint32_t most)
{
    struct json_view *view = context->view;
    most = most < view->text_left ? most : view->text_left;
    struct ctr_text_options options = {.characters = most > 0 ? most : 1};
    view->text.size = 0;
    ctr_text_of(context->print->player, value, &options, &view->text);
    put_text_member(view, "repr",
                    (struct ctr_text){(const char *)view->text.data, view->text.size});
    size_t size = view->text.size;
    view->text_left -= size < view->text_left ? (uint32_t)size : view->text_left;
}

static void put_shape(const struct json_value *context, struct ctr_value value,
                      struct ctr_shape *shape)
{
    struct json_view *view = context->view;
    const char *kind = ctr_kind_name(shape->kind);
    put_text_member(view, "kind", (struct ctr_text){kind, strlen(kind)});
    put_text_member(view, "type", ctr_shape_type_name(shape));
    if (shape->is_object) {
        put_number_member(view, "object", shape->number);
    }
    if (shape->is_late) {
        put_number_member(view, "verified", shape->verified);
    }
    if (shape->is_object && is_expanding(context, shape->number)) {
        ct_json_key(&view->out, "seen");
        ct_json_bool(&view->out, true);
        return;
    }
    view->values_left -= view->values_left > 0;
    put_repr(context, value, text_max(context, shape));
    if (shape->is_cut) {
        put_number_member(view, "length", shape->true_length);
    }
    if (context->depth > 0 && view->values_left > 0) {
        put_inside(context, shape);
    }
}

static void put_value(const struct json_value *context, struct ctr_value value)
{
    struct ctr_shape shape;
    ctr_shape_open(context->print->player, value, &shape);
    ct_json_begin_object(&context->view->out);
    put_shape(context, value, &shape);
    ct_json_end_object(&context->view->out);
    ctr_shape_close(context->print->player, &shape);
}

/* ---- Events ---- */

static void put_variables(const struct json_value *context, const char *key, bool arguments_only)
{
    struct json_view *view = context->view;
    struct print_variables variables;
    print_variables_start(&variables, context->print);
    ct_json_key(&view->out, key);
    ct_json_begin_object(&view->out);
    while (print_variables_next(&variables)) {
        if (arguments_only && !variables.is_argument) {
            continue;
        }
        ct_bytes_add_byte(&variables.name, '\0');
        if (!variables.name.failed) {
            ct_json_key(&view->out, (const char *)variables.name.data);
            put_value(context, variables.value);
        }
    }
    ct_json_end_object(&view->out);
    print_variables_end(&variables);
}

static void put_globals(const struct json_value *context)
{
    struct print *print = context->print;
    const struct ctr_plan *plan = print_plan(print);
    if (plan == NULL || plan->globals == 0) {
        return;
    }
    struct print_variables variables = {.print = print,
                                        .plan = plan,
                                        .slot = UINT32_MAX,
                                        .in_namespace = true,
                                        .namespace = plan->globals - 1};
    ct_json_key(&context->view->out, "globals");
    ct_json_begin_object(&context->view->out);
    while (print_variables_next(&variables)) {
        ct_bytes_add_byte(&variables.name, '\0');
        if (!variables.name.failed) {
            ct_json_key(&context->view->out, (const char *)variables.name.data);
            put_value(context, variables.value);
        }
    }
    ct_json_end_object(&context->view->out);
    print_variables_end(&variables);
}

static void put_frame(struct print *print, struct json_view *view)
{
    const struct ctr_plan *plan = print_plan(print);
    if (plan == NULL) {
        return;
    }
    const struct ctr_path *path = ctr_path(print->trace, plan->path);
    if (path != NULL) {
        put_text_member(view, "file", path->path);
    }
    put_text_member(view, "function", plan->qualname);
    put_number_member(view, "line", print->frame.line);
    if (print->event.kind == CTR_EVENT_LINE && print->event.number != 0) {
        ct_json_key(&view->out, "turn");
        ct_json_bool(&view->out, true);
    }
    put_number_member(view, "call", print->frame.call);
    put_number_member(view, "depth", print->frame.depth);
}

static void put_stream(struct print *print, struct json_view *view)
{
    char buffer[24];
    const char *stream = print_stream_name(print->event.number, buffer);
    put_text_member(view, "stream", (struct ctr_text){stream, strlen(stream)});
    if (print->event.number & ~(uint64_t)CTR_STREAM_MASK) {
        ct_json_key(&view->out, "flags");
        ct_json_begin_array(&view->out);
        size_t at = 0;
        for (const char *flag; (flag = print_stream_flag(print->event.number, &at)) != NULL;) {
            ct_json_text(&view->out, flag);
        }
        ct_json_end_array(&view->out);
    }
    view->text.size = 0;
    if (!ctr_shape_add_content(print->player, print->event.value, &view->text)) {
        ctr_text_of(print->player, print->event.value, NULL, &view->text);
    }
    put_text_member(view, "text",
                    (struct ctr_text){(const char *)view->text.data, view->text.size});
}

enum { ARGS = 1, LOCALS = 2, VALUE = 4, GLOBALS = 8, STREAM = 16, NUMBER = 32 };

/* What each kind of event carries besides its place. */
static const uint8_t members[CTR_EVENT_KINDS] = {
    [CTR_EVENT_LINE] = LOCALS | GLOBALS,
    [CTR_EVENT_CALL] = ARGS | GLOBALS,
    [CTR_EVENT_RETURN] = VALUE | LOCALS | GLOBALS,
    [CTR_EVENT_YIELD] = VALUE | LOCALS | GLOBALS,
    [CTR_EVENT_UNWIND] = VALUE | LOCALS | GLOBALS,
    [CTR_EVENT_THROW] = VALUE,
    [CTR_EVENT_RAISE] = VALUE,
    [CTR_EVENT_HANDLED] = VALUE,
    [CTR_EVENT_OUTPUT] = STREAM,
    [CTR_EVENT_INPUT] = STREAM,
    [CTR_EVENT_NOTE] = VALUE | NUMBER,
    [CTR_EVENT_FORK] = NUMBER,
    [CTR_EVENT_THREAD_END] = NUMBER,
};

static void put_members(const struct json_value *context)
{
    struct print *print = context->print;
    uint8_t has = members[print->event.kind];
    if (has & NUMBER) {
        put_number_member(context->view, "number", print->event.number);
    }
    if (has & STREAM) {
        put_stream(print, context->view);
    }
    if (has & VALUE) {
        ct_json_key(&context->view->out, "value");
        put_value(context, print->event.value);
    }
    if (print->event.frame == NULL) {
        return;
    }
    if (has & ARGS) {
        put_variables(context, "args", true);
    }
    if (has & LOCALS) {
        put_variables(context, "locals", false);
    }
    if ((has & GLOBALS) && print->options->globals) {
        put_globals(context);
    }
}

static void json_event(struct print *print, void *state)
{
    struct json_view *view = state;
    const char *name = ctr_event_name(print->event.kind);
    struct json_value context = {.print = print, .view = view, .depth = view->depth};
    view->values_left = VALUES_MAX;
    view->text_left = TEXT_MAX;
    ct_json_begin_object(&view->out);
    put_number_member(view, "step", print->event.step);
    put_text_member(view, "event", (struct ctr_text){name, strlen(name)});
    put_number_member(view, "ms", print->event.tick);
    put_number_member(view, "thread", print->event.thread);
    put_frame(print, view);
    put_members(&context);
    ct_json_end_object(&view->out);
    ct_bytes_add_byte(&view->out.bytes, '\n');
    view->out.needs_comma = false;
}

static void *json_open(struct print *print)
{
    struct json_view *view = calloc(1, sizeof *view);
    if (view == NULL) {
        return NULL;
    }
    ct_json_init(&view->out, stdout);
    const struct cli_number *depth = &print->options->depth;
    view->depth = DEPTH;
    if (depth->is_given) {
        view->depth = depth->value > DEPTH_MAX ? DEPTH_MAX : (uint32_t)depth->value;
    }
    return view;
}

static void json_close(struct print *print, void *state)
{
    (void)print;
    struct json_view *view = state;
    ct_json_finish(&view->out, NULL); /* what stdout did not take, main() reports */
    ct_json_clear(&view->out);
    ct_bytes_free(&view->text);
    free(view);
}

const struct print_view print_view_json = {json_open, json_event, json_close};
