/* trace.json: one array of records, laid out as recorder 0.3 lays them out, byte for byte. */
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "export/writer.h"

enum {
    DEPTH_MAX = 60,
    LEVELS = DEPTH_MAX + 2,
    NUMBER_MAX = 20, /* digits and sign of any number */
    PIECE_MAX = 256, /* fixed text and numbers of one record */
};

struct json {
    struct export_writer writer;
    bool has_records;
    struct ct_bytes text; /* a text being escaped */

    struct export_value *value; /* under construction */
    uint32_t level;
    bool has_elements[LEVELS];
    enum export_kind open[LEVELS];
};

static struct json *json_of(struct export_writer *writer)
{
    return (struct json *)(void *)writer;
}

/* ---- pieces -------------------------------------------------------------------------------------
 */

#define PUT_LITERAL(to, literal) ((uint8_t *)mempcpy((to), (literal), sizeof(literal) - 1))

static uint8_t *put_number(uint8_t *to, uint64_t number)
{
    uint8_t digits[NUMBER_MAX];
    uint8_t *at = digits + NUMBER_MAX;
    do {
        *--at = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    size_t count = (size_t)(digits + NUMBER_MAX - at);
    return mempcpy(to, at, count);
}

static uint8_t *put_signed(uint8_t *to, int64_t number)
{
    if (number < 0) {
        *to++ = '-';
        return put_number(to, 0 - (uint64_t)number);
    }
    return put_number(to, (uint64_t)number);
}

/* Room for the fixed parts of a record, behind the comma or bracket that comes first. */
static uint8_t *begin_record(struct json *json)
{
    uint8_t *to = export_out_room(json->writer.out, PIECE_MAX);
    *to++ = json->has_records ? ',' : '[';
    json->has_records = true;
    return to;
}

static void add_escaped(struct json *json, struct ctr_text text)
{
    json->text.size = 0;
    ct_json_append_text(&json->text, text.bytes, text.size);
    export_out_add(json->writer.out, json->text.data, json->text.size);
}

#define ADD_LITERAL(json, literal) export_out_add((json)->writer.out, literal, sizeof(literal) - 1)

/* ---- records ------------------------------------------------------------------------------------
 */

static void put_path(struct export_writer *writer, struct ctr_text path)
{
    struct json *json = json_of(writer);
    uint8_t *to = begin_record(json);
    export_out_take(writer->out, PUT_LITERAL(to, "{\"Path\":"));
    add_escaped(json, path);
    ADD_LITERAL(json, "}");
}

static void put_variable_name(struct export_writer *writer, struct ctr_text name)
{
    struct json *json = json_of(writer);
    uint8_t *to = begin_record(json);
    export_out_take(writer->out, PUT_LITERAL(to, "{\"VariableName\":"));
    add_escaped(json, name);
    ADD_LITERAL(json, "}");
}

static void put_type(struct export_writer *writer, uint32_t kind, const char *name)
{
    uint8_t *to = begin_record(json_of(writer));
    to = PUT_LITERAL(to, "{\"Type\":{\"kind\":");
    to = put_number(to, kind);
    to = PUT_LITERAL(to, ",\"lang_type\":\"");
    to = mempcpy(to, name, strlen(name));
    to = PUT_LITERAL(to, "\",\"specific_info\":{\"kind\":\"None\"}}}");
    export_out_take(writer->out, to);
}

static void put_function(struct export_writer *writer, uint32_t path, uint32_t line,
                         struct ctr_text name)
{
    struct json *json = json_of(writer);
    uint8_t *to = begin_record(json);
    to = PUT_LITERAL(to, "{\"Function\":{\"path_id\":");
    to = put_number(to, path);
    to = PUT_LITERAL(to, ",\"line\":");
    to = put_number(to, line);
    export_out_take(writer->out, PUT_LITERAL(to, ",\"name\":"));
    add_escaped(json, name);
    ADD_LITERAL(json, "}}");
}

static void put_step(struct export_writer *writer, uint32_t path, uint32_t line)
{
    uint8_t *to = begin_record(json_of(writer));
    to = PUT_LITERAL(to, "{\"Step\":{\"path_id\":");
    to = put_number(to, path);
    to = PUT_LITERAL(to, ",\"line\":");
    to = put_number(to, line);
    export_out_take(writer->out, PUT_LITERAL(to, "}}"));
}

static void add_value(struct export_writer *writer, const struct export_value *value)
{
    export_out_add(writer->out, value->bytes.data, value->bytes.size);
}

static void put_value(struct export_writer *writer, uint32_t variable,
                      const struct export_value *value)
{
    struct json *json = json_of(writer);
    uint8_t *to = begin_record(json);
    to = PUT_LITERAL(to, "{\"Value\":{\"variable_id\":");
    to = put_number(to, variable);
    export_out_take(writer->out, PUT_LITERAL(to, ",\"value\":"));
    add_value(writer, value);
    ADD_LITERAL(json, "}}");
}

static void put_call(struct export_writer *writer, uint32_t function,
                     const struct export_argument *arguments, uint32_t count)
{
    struct json *json = json_of(writer);
    uint8_t *to = begin_record(json);
    to = PUT_LITERAL(to, "{\"Call\":{\"function_id\":");
    to = put_number(to, function);
    export_out_take(writer->out, PUT_LITERAL(to, ",\"args\":["));
    for (uint32_t i = 0; i < count; i++) {
        to = export_out_room(writer->out, PIECE_MAX);
        to = i == 0 ? to : PUT_LITERAL(to, ",");
        to = PUT_LITERAL(to, "{\"variable_id\":");
        to = put_number(to, arguments[i].variable);
        export_out_take(writer->out, PUT_LITERAL(to, ",\"value\":"));
        add_value(writer, arguments[i].value);
        ADD_LITERAL(json, "}");
    }
    ADD_LITERAL(json, "]}}");
}

static void put_return(struct export_writer *writer, const struct export_value *value)
{
    struct json *json = json_of(writer);
    uint8_t *to = begin_record(json);
    export_out_take(writer->out, PUT_LITERAL(to, "{\"Return\":{\"return_value\":"));
    add_value(writer, value);
    ADD_LITERAL(json, "}}");
}

static void put_event(struct export_writer *writer, enum export_event kind,
                      struct ctr_text metadata, struct ctr_text content)
{
    struct json *json = json_of(writer);
    uint8_t *to = begin_record(json);
    to = PUT_LITERAL(to, "{\"Event\":{\"kind\":");
    to = put_number(to, (uint64_t)kind);
    export_out_take(writer->out, PUT_LITERAL(to, ",\"metadata\":"));
    add_escaped(json, metadata);
    ADD_LITERAL(json, ",\"content\":");
    add_escaped(json, content);
    ADD_LITERAL(json, "}}");
}

/* ---- values
 * --------------------------------------------------------------------------------------- */

/* How each kind begins, up to the part that differs. */
static const struct form {
    const char *text;
    size_t size;
} forms[] = {
#define FORM(kind, literal) [kind] = {literal, sizeof(literal) - 1}
    FORM(EXPORT_V_NONE, "{\"kind\":\"None\""),
    FORM(EXPORT_V_BOOL, "{\"kind\":\"Bool\",\"b\":"),
    FORM(EXPORT_V_INT, "{\"kind\":\"Int\",\"i\":"),
    FORM(EXPORT_V_STRING, "{\"kind\":\"String\",\"text\":"),
    FORM(EXPORT_V_RAW, "{\"kind\":\"Raw\",\"r\":"),
    FORM(EXPORT_V_ERROR, "{\"kind\":\"Error\",\"msg\":"),
    FORM(EXPORT_V_SEQUENCE, "{\"kind\":\"Sequence\",\"elements\":["),
    FORM(EXPORT_V_TUPLE, "{\"kind\":\"Tuple\",\"elements\":["),
#undef FORM
};

/* Room for a leaf, behind the comma between elements and the beginning of its form. */
static uint8_t *begin_leaf(struct json *json, enum export_kind kind)
{
    uint8_t *to = ct_bytes_reserve(&json->value->bytes, PIECE_MAX);
    if (to == NULL) {
        return NULL;
    }
    if (json->has_elements[json->level]) {
        *to++ = ',';
    }
    json->has_elements[json->level] = true;
    return mempcpy(to, forms[kind].text, forms[kind].size);
}

static void take(struct json *json, const uint8_t *end)
{
    json->value->bytes.size = (size_t)(end - json->value->bytes.data);
}

static uint8_t *put_type_id(uint8_t *to, uint32_t type)
{
    to = PUT_LITERAL(to, ",\"type_id\":");
    to = put_number(to, type);
    *to++ = '}';
    return to;
}

static void begin_value(struct export_writer *writer, struct export_value *value)
{
    struct json *json = json_of(writer);
    json->value = value;
    json->level = 0;
    json->has_elements[0] = false;
    value->bytes.size = 0;
}

static void add_none(struct export_writer *writer, uint32_t type)
{
    uint8_t *to = begin_leaf(json_of(writer), EXPORT_V_NONE);
    if (to != NULL) {
        take(json_of(writer), put_type_id(to, type));
    }
}

static void add_number(struct export_writer *writer, enum export_kind kind, uint32_t type,
                       int64_t number)
{
    uint8_t *to = begin_leaf(json_of(writer), kind);
    if (to == NULL) {
        return;
    }
    if (kind == EXPORT_V_INT) {
        to = put_signed(to, number);
    } else {
        to = number != 0 ? PUT_LITERAL(to, "true") : PUT_LITERAL(to, "false");
    }
    take(json_of(writer), put_type_id(to, type));
}

static void add_text(struct export_writer *writer, enum export_kind kind, uint32_t type,
                     struct ctr_text text)
{
    struct json *json = json_of(writer);
    uint8_t *to = begin_leaf(json, kind);
    if (to == NULL) {
        return;
    }
    take(json, to);
    ct_json_append_text(&json->value->bytes, text.bytes, text.size);
    to = ct_bytes_reserve(&json->value->bytes, PIECE_MAX);
    if (to != NULL) {
        take(json, put_type_id(to, type));
    }
}

static void open_value(struct export_writer *writer, enum export_kind kind, uint32_t count)
{
    (void)count;
    struct json *json = json_of(writer);
    uint8_t *to = begin_leaf(json, kind);
    if (to == NULL) {
        return;
    }
    take(json, to);
    json->level++;
    json->has_elements[json->level] = false;
    json->open[json->level] = kind;
}

static void close_value(struct export_writer *writer, uint32_t type)
{
    struct json *json = json_of(writer);
    uint8_t *to = ct_bytes_reserve(&json->value->bytes, PIECE_MAX);
    if (to == NULL) {
        return;
    }
    bool is_sequence = json->open[json->level] == EXPORT_V_SEQUENCE;
    to = is_sequence ? PUT_LITERAL(to, "],\"is_slice\":false") : PUT_LITERAL(to, "]");
    take(json, put_type_id(to, type));
    json->level--;
}

static bool end_value(struct export_writer *writer)
{
    return !json_of(writer)->value->bytes.failed;
}

/* ---- life
 * ----------------------------------------------------------------------------------------- */

static int finish(struct export_writer *writer, struct ct_error *error)
{
    struct json *json = json_of(writer);
    if (json->text.failed) {
        return ct_fail(error, CT_ENOMEM, "no memory to export a text");
    }
    if (json->has_records) {
        ADD_LITERAL(json, "]");
    } else {
        ADD_LITERAL(json, "[]");
    }
    return writer->out->status;
}

static void free_json(struct export_writer *writer)
{
    ct_bytes_free(&json_of(writer)->text);
    free(writer);
}

static const struct export_writer_type json_type = {
    .depth_max = DEPTH_MAX,
    .path = put_path,
    .variable_name = put_variable_name,
    .type = put_type,
    .function = put_function,
    .step = put_step,
    .value = put_value,
    .call = put_call,
    .ret = put_return,
    .event = put_event,
    .begin = begin_value,
    .none = add_none,
    .number = add_number,
    .text = add_text,
    .open = open_value,
    .close = close_value,
    .end = end_value,
    .finish = finish,
    .free = free_json,
};

int export_json_new(struct export_writer **writer, struct export_out *out, struct ct_error *error)
{
    struct json *json = calloc(1, sizeof *json);
    if (json == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for an export");
    }
    json->writer = (struct export_writer){.type = &json_type, .out = out};
    *writer = &json->writer;
    return CT_OK;
}
