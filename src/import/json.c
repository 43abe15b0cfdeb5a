/* trace.json: one array of events, each `{"Kind": content}`. Keys inside a content may come in any
 * order, and others may stand between them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_in.h"
#include "import/source.h"

struct json_source {
    struct import_source source;
    int fd;
    struct ct_json_in json;
    bool is_open; /* the array */
};

struct reading {
    struct json_source *from;
    struct ct_json_in *json;
    struct import_event *event;
    struct ct_error *error;
};

static int fail_json(struct reading *reading)
{
    return import_fail(&reading->from->source, reading->error, "%s", reading->json->error);
}

static int fail_memory(struct reading *reading)
{
    return ct_fail(reading->error, CT_ENOMEM, "out of memory");
}

static int wrong(struct reading *reading, const char *what)
{
    if (reading->json->error[0] != '\0') {
        return fail_json(reading);
    }
    return import_fail(&reading->from->source, reading->error, "%s", what);
}

/* ---- Fields ---- */

static int read_integer(struct reading *reading, int64_t *value)
{
    enum ct_json_token token = ct_json_next(reading->json);
    bool is_number = token == CT_JSON_NUMBER || token == CT_JSON_TEXT;
    if (!is_number || reading->json->text.size == 0 || !ct_json_integer(reading->json, value)) {
        return wrong(reading, "an integer of 64 bits should be there");
    }
    return CT_OK;
}

static int read_text(struct reading *reading, struct ct_bytes *text)
{
    if (ct_json_next(reading->json) != CT_JSON_TEXT) {
        return wrong(reading, "a text should be there");
    }
    text->size = 0;
    ct_bytes_add(text, reading->json->text.data, reading->json->text.size);
    return text->failed ? fail_memory(reading) : CT_OK;
}

static int skip(struct reading *reading)
{
    return ct_json_skip(reading->json, ct_json_next(reading->json)) ? CT_OK : fail_json(reading);
}

typedef int read_member(struct reading *reading, void *context);

/* Each member of the object that is next; `member` reads or skips the value of the key it finds in
 * the reader. */
static int read_members(struct reading *reading, enum ct_json_token token, read_member *member,
                        void *context)
{
    if (token != CT_JSON_OBJECT) {
        return wrong(reading, "an object should be there");
    }
    while ((token = ct_json_next(reading->json)) == CT_JSON_KEY) {
        int status = member(reading, context);
        if (status != CT_OK) {
            return status;
        }
    }
    return token == CT_JSON_OBJECT_END ? CT_OK : fail_json(reading);
}

/* ---- Values ---- */

struct value {
    uint32_t node;
    unsigned depth;
    bool has_kind, has_children;
    char kind[12];
};

static int read_value(struct reading *reading, enum ct_json_token token, unsigned depth,
                      uint32_t *node);

static struct import_node *node_of(struct reading *reading, const struct value *value)
{
    return &reading->event->values.nodes[value->node];
}

static int read_child(struct reading *reading, struct value *value, enum ct_json_token token)
{
    uint32_t child;
    int status = read_value(reading, token, value->depth + 1, &child);
    if (status == CT_OK) {
        node_of(reading, value)->count++;
    }
    return status;
}

static int read_children(struct reading *reading, struct value *value)
{
    if (value->has_children || ct_json_next(reading->json) != CT_JSON_ARRAY) {
        return wrong(reading, "one array of elements should be there");
    }
    value->has_children = true;
    enum ct_json_token token;
    while ((token = ct_json_next(reading->json)) == CT_JSON_OBJECT) {
        int status = read_child(reading, value, token);
        if (status != CT_OK) {
            return status;
        }
    }
    return token == CT_JSON_ARRAY_END ? CT_OK : wrong(reading, "a value should be there");
}

static int set_text(struct reading *reading, struct value *value)
{
    import_set_text(&reading->event->values, value->node, reading->json->text.data,
                    reading->json->text.size);
    if (reading->event->values.failed) {
        return fail_memory(reading);
    }
    return reading->event->values.text.size > IMPORT_TEXT_BYTES_MAX
               ? wrong(reading, "more than 64 MiB of text")
               : CT_OK;
}

/* A number, or its text; null is what serde makes of nan and the infinities. */
static int read_float(struct reading *reading, struct value *value)
{
    enum ct_json_token token = ct_json_next(reading->json);
    if (token == CT_JSON_NULL) {
        node_of(reading, value)->number = strtod("nan", NULL);
        return CT_OK;
    }
    if (token != CT_JSON_NUMBER && token != CT_JSON_TEXT) {
        return wrong(reading, "a number should be there");
    }
    char *end;
    const char *text = (const char *)reading->json->text.data;
    node_of(reading, value)->number = strtod(text, &end);
    return end != text && *end == '\0' ? CT_OK : wrong(reading, "a number should be there");
}

static int base64_value(uint8_t letter)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = letter == 0 ? NULL : strchr(letters, letter);
    return at == NULL ? -1 : (int)(at - letters);
}

/* Decode the text in place; false when it is no base64. */
static bool decode_base64(struct ct_bytes *text)
{
    size_t size = text->size;
    while (size > 0 && text->data[size - 1] == '=') {
        size--;
    }
    uint32_t bits = 0;
    unsigned held = 0;
    size_t done = 0;
    for (size_t i = 0; i < size; i++) {
        int value = base64_value(text->data[i]);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            text->data[done++] = (uint8_t)(bits >> held);
        }
    }
    text->size = done;
    return true;
}

/* "b" is a bool, or the digits of a big number. */
static int read_b(struct reading *reading, struct value *value)
{
    enum ct_json_token token = ct_json_next(reading->json);
    if (token == CT_JSON_TEXT) {
        return decode_base64(&reading->json->text) ? set_text(reading, value)
                                                   : wrong(reading, "that is no base64");
    }
    if (token != CT_JSON_TRUE && token != CT_JSON_FALSE) {
        return wrong(reading, "true or false should be there");
    }
    node_of(reading, value)->integer = token == CT_JSON_TRUE;
    return CT_OK;
}

static int read_kind(struct reading *reading, struct value *value)
{
    if (ct_json_next(reading->json) != CT_JSON_TEXT) {
        return wrong(reading, "the kind of a value should be there");
    }
    snprintf(value->kind, sizeof value->kind, "%s", (const char *)reading->json->text.data);
    value->has_kind = true;
    return CT_OK;
}

static int read_type_id(struct reading *reading, struct value *value)
{
    int64_t type = 0;
    int status = read_integer(reading, &type);
    if (status == CT_OK && (type < 0 || type >= IMPORT_NO_TYPE)) {
        return wrong(reading, "that is no type");
    }
    if (status == CT_OK) {
        node_of(reading, value)->type = (uint32_t)type;
    }
    return status;
}

static int read_plain_text(struct reading *reading, struct value *value)
{
    return ct_json_next(reading->json) == CT_JSON_TEXT ? set_text(reading, value)
                                                       : wrong(reading, "a text should be there");
}

static int read_i(struct reading *reading, struct value *value)
{
    return read_integer(reading, &node_of(reading, value)->integer);
}

static int read_negative(struct reading *reading, struct value *value)
{
    enum ct_json_token token = ct_json_next(reading->json);
    node_of(reading, value)->is_negative = token == CT_JSON_TRUE;
    return token == CT_JSON_TRUE || token == CT_JSON_FALSE
               ? CT_OK
               : wrong(reading, "true or false should be there");
}

/* What a reference leads to, or what a variant holds. */
static int read_inner(struct reading *reading, struct value *value)
{
    if (value->has_children) {
        return wrong(reading, "one value too many");
    }
    value->has_children = true;
    return read_child(reading, value, ct_json_next(reading->json));
}

static const struct {
    const char *key;
    int (*read)(struct reading *reading, struct value *value);
} value_members[] = {
    {"kind", read_kind},
    {"type_id", read_type_id},
    {"i", read_i},
    {"f", read_float},
    {"b", read_b},
    {"negative", read_negative},
    {"text", read_plain_text},
    {"c", read_plain_text},
    {"r", read_plain_text},
    {"msg", read_plain_text},
    {"discriminator", read_plain_text},
    {"elements", read_children},
    {"field_values", read_children},
    {"dereferenced", read_inner},
    {"contents", read_inner},
    {"place", read_i},
};

static int read_value_member(struct reading *reading, void *context)
{
    struct value *value = context;
    for (size_t i = 0; i < sizeof value_members / sizeof value_members[0]; i++) {
        if (ct_json_is(reading->json, value_members[i].key)) {
            return value_members[i].read(reading, value);
        }
    }
    return skip(reading);
}

static const struct {
    const char *name;
    enum import_kind kind;
    int children; /* -1: any number */
} kinds[] = {
    {"None", IMPORT_NONE, 0},
    {"Bool", IMPORT_BOOL, 0},
    {"Int", IMPORT_INT, 0},
    {"Float", IMPORT_FLOAT, 0},
    {"BigInt", IMPORT_BIG, 0},
    {"String", IMPORT_TEXT, 0},
    {"Char", IMPORT_TEXT, 0},
    {"Raw", IMPORT_RAW, 0},
    {"Error", IMPORT_RAW, 0},
    {"Tuple", IMPORT_TUPLE, -1},
    {"Sequence", IMPORT_SEQUENCE, -1},
    {"Struct", IMPORT_STRUCT, -1},
    {"Reference", IMPORT_TUPLE, 1},
    {"Variant", IMPORT_TUPLE, 1},
    {"Cell", IMPORT_RAW, 0},
};

static int judge_value(struct reading *reading, const struct value *value)
{
    struct import_node *node = node_of(reading, value);
    for (size_t i = 0; value->has_kind && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, value->kind) != 0) {
            continue;
        }
        node->kind = (uint8_t)kinds[i].kind;
        bool fits = kinds[i].children < 0 || node->count == (uint32_t)kinds[i].children;
        return fits ? CT_OK : wrong(reading, "a value with elements that do not belong there");
    }
    return import_fail(&reading->from->source, reading->error, "'%s' is no kind of value",
                       value->kind);
}

/* Behind the beginning of the object. */
static int read_value(struct reading *reading, enum ct_json_token token, unsigned depth,
                      uint32_t *node)
{
    struct import_values *values = &reading->event->values;
    if (depth == IMPORT_NESTING_MAX || values->count >= IMPORT_NODES_MAX) {
        return wrong(reading, depth == IMPORT_NESTING_MAX
                                  ? "a value nested more than 256 levels deep"
                                  : "more than 1,048,576 values in one event");
    }
    struct value value = {.node = import_add_node(values), .depth = depth};
    if (values->failed) {
        return fail_memory(reading);
    }
    int status = read_members(reading, token, read_value_member, &value);
    if (status == CT_OK) {
        status = judge_value(reading, &value);
    }
    if (status == CT_OK) {
        import_end_node(values, value.node);
        if (strcmp(value.kind, "Reference") == 0) {
            import_unwrap_node(values, value.node);
        }
        *node = value.node;
    }
    return status;
}

/* ---- Events ---- */

struct argument {
    int64_t variable;
    uint32_t node;
    bool has_variable, has_value;
};

static int read_argument_member(struct reading *reading, void *context)
{
    struct argument *argument = context;
    if (ct_json_is(reading->json, "variable_id")) {
        argument->has_variable = true;
        return read_integer(reading, &argument->variable);
    }
    if (ct_json_is(reading->json, "value") && !argument->has_value) {
        argument->has_value = true;
        return read_value(reading, ct_json_next(reading->json), 0, &argument->node);
    }
    return skip(reading);
}

static int read_argument(struct reading *reading, enum ct_json_token token)
{
    struct argument argument = {0};
    int status = read_members(reading, token, read_argument_member, &argument);
    if (status == CT_OK && !(argument.has_variable && argument.has_value)) {
        return wrong(reading, "variable_id and value should be there");
    }
    if (status == CT_OK && !import_add_argument(reading->event, argument.variable, argument.node)) {
        return fail_memory(reading);
    }
    return status;
}

static int read_arguments(struct reading *reading)
{
    enum ct_json_token token = ct_json_next(reading->json);
    if (token != CT_JSON_ARRAY) {
        return wrong(reading, "an array of arguments should be there");
    }
    while ((token = ct_json_next(reading->json)) == CT_JSON_OBJECT) {
        int status = read_argument(reading, token);
        if (status != CT_OK) {
            return status;
        }
    }
    return token == CT_JSON_ARRAY_END ? CT_OK : wrong(reading, "an argument should be there");
}

/* Members that hold numbers and texts of the event itself; which were there, as bits. */
enum member {
    HAS_PATH = 1,
    HAS_LINE = 2,
    HAS_NUMBER = 4,
    HAS_TEXT = 8,
    HAS_ARGUMENTS = 16,
    HAS_METADATA = 32,
};

struct members {
    unsigned seen;
    const char *number; /* the keys of this kind of event */
    const char *text;
};

static int read_fields(struct reading *reading);

static int read_event_member(struct reading *reading, void *context)
{
    struct members *members = context;
    struct import_event *event = reading->event;
    struct ct_json_in *json = reading->json;
    if (ct_json_is(json, "path_id")) {
        members->seen |= HAS_PATH;
        return read_integer(reading, &event->path);
    }
    if (ct_json_is(json, "line")) {
        members->seen |= HAS_LINE;
        return read_integer(reading, &event->line);
    }
    if (members->number != NULL && ct_json_is(json, members->number)) {
        members->seen |= HAS_NUMBER;
        return read_integer(reading, &event->number);
    }
    if (members->text != NULL && ct_json_is(json, members->text)) {
        members->seen |= HAS_TEXT;
        return read_text(reading, &event->text);
    }
    if (ct_json_is(json, "metadata")) {
        members->seen |= HAS_METADATA;
        return read_text(reading, &event->metadata);
    }
    if (ct_json_is(json, "args") && (members->seen & HAS_ARGUMENTS) == 0) {
        members->seen |= HAS_ARGUMENTS;
        return read_arguments(reading);
    }
    if (ct_json_is(json, "specific_info")) {
        return read_fields(reading);
    }
    return skip(reading);
}

static int read_content(struct reading *reading, const char *number, const char *text,
                        unsigned needed)
{
    struct members members = {.number = number, .text = text};
    int status = read_members(reading, ct_json_next(reading->json), read_event_member, &members);
    if (status == CT_OK && (members.seen & needed) != needed) {
        return wrong(reading, "a member is missing");
    }
    return status;
}

/* Of a struct's type: the names of its fields. */
static int read_field_member(struct reading *reading, void *context)
{
    (void)context;
    if (!ct_json_is(reading->json, "name")) {
        return skip(reading);
    }
    if (ct_json_next(reading->json) != CT_JSON_TEXT) {
        return wrong(reading, "the name of a field should be there");
    }
    const char *problem = import_add_field(reading->event, (const char *)reading->json->text.data,
                                           reading->json->text.size);
    return problem == NULL ? CT_OK : wrong(reading, problem);
}

static int read_specific_member(struct reading *reading, void *context)
{
    (void)context;
    if (!ct_json_is(reading->json, "fields")) {
        return skip(reading);
    }
    if (ct_json_next(reading->json) != CT_JSON_ARRAY) {
        return wrong(reading, "an array of fields should be there");
    }
    enum ct_json_token token;
    while ((token = ct_json_next(reading->json)) == CT_JSON_OBJECT) {
        int status = read_members(reading, token, read_field_member, NULL);
        if (status != CT_OK) {
            return status;
        }
    }
    return token == CT_JSON_ARRAY_END ? CT_OK : wrong(reading, "a field should be there");
}

static int read_fields(struct reading *reading)
{
    return read_members(reading, ct_json_next(reading->json), read_specific_member, NULL);
}

static int read_text_event(struct reading *reading)
{
    return read_text(reading, &reading->event->text);
}

static int read_type(struct reading *reading)
{
    return read_content(reading, "kind", "lang_type", HAS_NUMBER | HAS_TEXT);
}

static int read_function(struct reading *reading)
{
    return read_content(reading, NULL, "name", HAS_PATH | HAS_LINE | HAS_TEXT);
}

static int read_step(struct reading *reading)
{
    return read_content(reading, NULL, NULL, HAS_PATH | HAS_LINE);
}

static int read_value_event(struct reading *reading)
{
    return read_argument(reading, ct_json_next(reading->json));
}

static int read_call(struct reading *reading)
{
    return read_content(reading, "function_id", NULL, HAS_NUMBER | HAS_ARGUMENTS);
}

static int read_return_member(struct reading *reading, void *context)
{
    uint32_t node = 0;
    bool *is_read = context;
    if (*is_read || !ct_json_is(reading->json, "return_value")) {
        return skip(reading);
    }
    *is_read = true;
    int status = read_value(reading, ct_json_next(reading->json), 0, &node);
    if (status == CT_OK && !import_add_argument(reading->event, 0, node)) {
        status = fail_memory(reading);
    }
    return status;
}

static int read_return(struct reading *reading)
{
    bool is_read = false;
    int status = read_members(reading, ct_json_next(reading->json), read_return_member, &is_read);
    return status == CT_OK && !is_read ? wrong(reading, "return_value should be there") : status;
}

static int read_io(struct reading *reading)
{
    return read_content(reading, "kind", "content", HAS_NUMBER | HAS_TEXT | HAS_METADATA);
}

static const struct {
    const char *name;
    enum import_event_kind kind;
    int (*read)(struct reading *reading);
} events[] = {
    {"Step", IMPORT_STEP, read_step},
    {"Value", IMPORT_VALUE, read_value_event},
    {"Call", IMPORT_CALL, read_call},
    {"Return", IMPORT_RETURN, read_return},
    {"VariableName", IMPORT_VARIABLE, read_text_event},
    {"Variable", IMPORT_VARIABLE, read_text_event},
    {"Event", IMPORT_IO, read_io},
    {"Type", IMPORT_TYPE, read_type},
    {"Function", IMPORT_FUNCTION, read_function},
    {"Path", IMPORT_PATH, read_text_event},
    {"DropLastStep", IMPORT_DROP_STEP, skip},
    {"BindVariable", IMPORT_OTHER, skip},
    {"Assignment", IMPORT_OTHER, skip},
    {"DropVariables", IMPORT_OTHER, skip},
    {"DropVariable", IMPORT_OTHER, skip},
    {"CompoundValue", IMPORT_OTHER, skip},
    {"CellValue", IMPORT_OTHER, skip},
    {"AssignCompoundItem", IMPORT_OTHER, skip},
    {"AssignCell", IMPORT_OTHER, skip},
    {"VariableCell", IMPORT_OTHER, skip},
    {"Asm", IMPORT_OTHER, skip},
    {"ThreadStart", IMPORT_OTHER, skip},
    {"ThreadExit", IMPORT_OTHER, skip},
    {"ThreadSwitch", IMPORT_OTHER, skip},
};

/* The reader holds the kind: a key of the event's object, or a text of its own. */
static int read_kind_of_event(struct reading *reading, bool is_key)
{
    struct import_event *event = reading->event;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (!ct_json_is(reading->json, events[i].name)) {
            continue;
        }
        event->kind = events[i].kind;
        if (is_key) {
            return events[i].read(reading);
        }
        return event->kind == IMPORT_DROP_STEP ? CT_OK : wrong(reading, "an event without content");
    }
    return import_fail(&reading->from->source, reading->error, "'%.40s' is no kind of event",
                       (const char *)reading->json->text.data);
}

static int read_event(struct reading *reading, enum ct_json_token token)
{
    if (token == CT_JSON_TEXT) {
        return read_kind_of_event(reading, false);
    }
    if (token != CT_JSON_OBJECT || ct_json_next(reading->json) != CT_JSON_KEY) {
        return wrong(reading, "an event should be there");
    }
    int status = read_kind_of_event(reading, true);
    if (status == CT_OK && ct_json_next(reading->json) != CT_JSON_OBJECT_END) {
        return wrong(reading, "an event has one member");
    }
    return status;
}

static int next_event(struct import_source *source, struct import_event *event,
                      struct ct_error *error)
{
    struct json_source *from = (struct json_source *)(void *)source;
    struct reading reading = {from, &from->json, event, error};
    import_event_clear(event);
    event->kind = IMPORT_END;
    if (!from->is_open) {
        if (ct_json_next(&from->json) != CT_JSON_ARRAY) {
            return wrong(&reading, "an array of events should be there");
        }
        from->is_open = true;
    }
    enum ct_json_token token = ct_json_next(&from->json);
    source->offset = source->done = from->json.offset;
    if (token == CT_JSON_ARRAY_END) {
        return ct_json_next(&from->json) == CT_JSON_END
                   ? CT_OK
                   : wrong(&reading, "the end of the file should be there");
    }
    source->event++;
    return read_event(&reading, token);
}

/* ---- Life ---- */

static void begin(struct json_source *from)
{
    ct_json_in_file(&from->json, from->fd, IMPORT_TEXT_BYTES_MAX);
    from->is_open = false;
    from->source.event = 0;
    from->source.offset = 0;
}

static int rewind_json(struct import_source *source, struct ct_error *error)
{
    struct json_source *from = (struct json_source *)(void *)source;
    if (lseek(from->fd, 0, SEEK_SET) != 0) {
        return ct_fail_errno(error, "cannot read '%s' twice", source->path);
    }
    ct_json_in_clear(&from->json);
    begin(from);
    return CT_OK;
}

static void free_json(struct import_source *source)
{
    struct json_source *from = (struct json_source *)(void *)source;
    ct_json_in_clear(&from->json);
    close(from->fd);
    free(from);
}

static const struct import_source_type json_type = {
    .next = next_event,
    .rewind = rewind_json,
    .free = free_json,
};

int import_open_json(struct import_source **source, const char *path, struct ct_error *error)
{
    struct json_source *from = calloc(1, sizeof *from);
    if (from == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    from->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from->fd < 0) {
        int status = ct_fail_errno(error, "cannot open '%s'", path);
        free(from);
        return status;
    }
    struct stat about = {0};
    fstat(from->fd, &about);
    from->source = (struct import_source){
        .type = &json_type, .path = path, .unit = "byte", .total = (uint64_t)about.st_size};
    begin(from);
    *source = &from->source;
    return CT_OK;
}
