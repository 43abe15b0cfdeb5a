/* trace.bin, "V0": eight bytes of header, then one packed Cap'n Proto message. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "import/capnp.h"
#include "import/source.h"

enum {
    MAGIC_BYTES = 8,
    KINDS_OF_IO = 14,
};

struct binary_source {
    struct import_source source;
    struct capnp message;
    struct capnp_list events;
    uint32_t next;
    uint64_t work; /* that one run may cost */
};

struct reading {
    struct binary_source *from;
    struct capnp *message;
    struct import_event *event;
    struct ct_error *error;
};

static int wrong(struct reading *reading, const char *what)
{
    return import_fail(&reading->from->source, reading->error, "%s", what);
}

static int fail_message(struct reading *reading)
{
    return wrong(reading, reading->message->error);
}

static int fail_memory(struct reading *reading)
{
    return ct_fail(reading->error, CT_ENOMEM, "out of memory");
}

/* ---- Fields ---- */

/* Numbers are structs of their own. */
static int read_number(struct reading *reading, const struct capnp_struct *from, uint32_t pointer,
                       int64_t *number)
{
    struct capnp_struct holder;
    if (!capnp_get_struct(reading->message, from, pointer, &holder)) {
        return fail_message(reading);
    }
    *number = (int64_t)capnp_word(reading->message, &holder, 0);
    return CT_OK;
}

static int get_text(struct reading *reading, const struct capnp_struct *from, uint32_t pointer,
                    const char **text, size_t *size)
{
    if (!capnp_get_text(reading->message, from, pointer, text, size)) {
        return fail_message(reading);
    }
    return ct_utf8_prefix((const uint8_t *)*text, *size) == *size
               ? CT_OK
               : wrong(reading, "text that is not UTF-8");
}

static int read_text(struct reading *reading, const struct capnp_struct *from, uint32_t pointer,
                     struct ct_bytes *to)
{
    const char *text;
    size_t size;
    int status = get_text(reading, from, pointer, &text, &size);
    if (status == CT_OK && size > IMPORT_TEXT_BYTES_MAX) {
        status = wrong(reading, "more than 64 MiB of text");
    }
    if (status == CT_OK) {
        ct_bytes_add(to, text, size);
        status = to->failed ? fail_memory(reading) : CT_OK;
    }
    return status;
}

/* ---- Values ---- */

/* Where each kind has its type, and what its first pointer is. */
enum content { NOTHING, A_TEXT, BYTES, ELEMENTS, INNER /* of a reference */, CONTENTS };

static const struct {
    enum import_kind kind;
    uint8_t type_pointer;
    enum content content;
} kinds[] = {
    {IMPORT_INT, 0, NOTHING},     {IMPORT_FLOAT, 0, NOTHING},     {IMPORT_BOOL, 0, NOTHING},
    {IMPORT_TEXT, 1, A_TEXT},     {IMPORT_SEQUENCE, 1, ELEMENTS}, {IMPORT_TUPLE, 1, ELEMENTS},
    {IMPORT_STRUCT, 1, ELEMENTS}, {IMPORT_TUPLE, 2, CONTENTS},    {IMPORT_TUPLE, 1, INNER},
    {IMPORT_RAW, 1, A_TEXT},      {IMPORT_RAW, 1, A_TEXT},        {IMPORT_NONE, 0, NOTHING},
    {IMPORT_RAW, 1, NOTHING},     {IMPORT_BIG, 1, BYTES},
};

static int read_value(struct reading *reading, const struct capnp_struct *from, unsigned depth,
                      uint32_t *number);

static int read_child(struct reading *reading, const struct capnp_struct *from, unsigned depth,
                      uint32_t parent)
{
    uint32_t child;
    int status = read_value(reading, from, depth, &child);
    if (status == CT_OK) {
        reading->event->values.nodes[parent].count++;
    }
    return status;
}

static int read_elements(struct reading *reading, const struct capnp_struct *from, unsigned depth,
                         uint32_t parent)
{
    struct capnp_list list;
    if (!capnp_get_list(reading->message, from, 0, &list)) {
        return fail_message(reading);
    }
    if (list.count > 0 && !list.has_structs) {
        return wrong(reading, "a list of values should be there");
    }
    int status = CT_OK;
    for (uint32_t i = 0; i < list.count && status == CT_OK; i++) {
        struct capnp_struct element = capnp_element(&list, i);
        status = read_child(reading, &element, depth + 1, parent);
    }
    return status;
}

static int read_inner(struct reading *reading, const struct capnp_struct *from, uint32_t pointer,
                      unsigned depth, uint32_t parent)
{
    struct capnp_struct inner;
    if (!capnp_get_struct(reading->message, from, pointer, &inner)) {
        return fail_message(reading);
    }
    return read_child(reading, &inner, depth + 1, parent);
}

static int read_bytes(struct reading *reading, const struct capnp_struct *from, bool is_text,
                      uint32_t node)
{
    const char *text;
    const void *bytes;
    size_t size;
    if (is_text) {
        int status = get_text(reading, from, 0, &text, &size);
        if (status != CT_OK) {
            return status;
        }
        bytes = text;
    } else if (!capnp_get_bytes(reading->message, from, 0, &bytes, &size)) {
        return fail_message(reading);
    }
    struct import_values *values = &reading->event->values;
    import_set_text(values, node, bytes, size);
    if (values->failed) {
        return fail_memory(reading);
    }
    return values->text.size > IMPORT_TEXT_BYTES_MAX ? wrong(reading, "more than 64 MiB of text")
                                                     : CT_OK;
}

static int read_content(struct reading *reading, const struct capnp_struct *from,
                        enum content content, unsigned depth, uint32_t node)
{
    switch (content) {
    case A_TEXT:
    case BYTES:
        return read_bytes(reading, from, content == A_TEXT, node);
    case ELEMENTS:
        return read_elements(reading, from, depth, node);
    case INNER:
        return read_inner(reading, from, 0, depth, node);
    case CONTENTS:
        return read_inner(reading, from, 1, depth, node);
    default:
        return CT_OK;
    }
}

static int read_type_of(struct reading *reading, const struct capnp_struct *from, uint32_t pointer,
                        uint32_t node)
{
    int64_t type = 0;
    int status = read_number(reading, from, pointer, &type);
    if (status == CT_OK && (type < 0 || type >= IMPORT_NO_TYPE)) {
        return wrong(reading, "that is no type");
    }
    if (status == CT_OK) {
        reading->event->values.nodes[node].type = (uint32_t)type;
    }
    return status;
}

static int read_value(struct reading *reading, const struct capnp_struct *from, unsigned depth,
                      uint32_t *number)
{
    struct import_values *values = &reading->event->values;
    uint64_t scalar = capnp_word(reading->message, from, 0);
    uint16_t tag = (uint16_t)capnp_word(reading->message, from, 1);
    if (tag >= sizeof kinds / sizeof kinds[0]) {
        return wrong(reading, "that is no kind of value");
    }
    if (depth == IMPORT_NESTING_MAX || values->count >= IMPORT_NODES_MAX) {
        return wrong(reading, depth == IMPORT_NESTING_MAX
                                  ? "a value nested more than 256 levels deep"
                                  : "more than 1,048,576 values in one event");
    }
    uint32_t node = import_add_node(values);
    if (values->failed) {
        return fail_memory(reading);
    }
    struct import_node *about = &values->nodes[node];
    about->kind = (uint8_t)kinds[tag].kind;
    if (about->kind == IMPORT_FLOAT) {
        memcpy(&about->number, &scalar, sizeof about->number);
    } else if (about->kind == IMPORT_INT) {
        about->integer = (int64_t)scalar;
    } else if (about->kind == IMPORT_BOOL) {
        about->integer = scalar & 1;
    }
    about->is_negative = about->kind == IMPORT_BIG && (scalar & 1) != 0;
    bool has_type = tag != 12; /* a cell has a place instead */
    int status = has_type ? read_type_of(reading, from, kinds[tag].type_pointer, node) : CT_OK;
    if (status == CT_OK) {
        status = read_content(reading, from, kinds[tag].content, depth, node);
    }
    if (status == CT_OK) {
        import_end_node(values, node);
        if (kinds[tag].content == INNER) {
            import_unwrap_node(values, node);
        }
        *number = node;
    }
    return status;
}

/* ---- Events ---- */

static int read_argument(struct reading *reading, const struct capnp_struct *from)
{
    struct capnp_struct value;
    int64_t variable = 0;
    uint32_t node = 0;
    int status = read_number(reading, from, 0, &variable);
    if (status == CT_OK && !capnp_get_struct(reading->message, from, 1, &value)) {
        status = fail_message(reading);
    }
    if (status == CT_OK) {
        status = read_value(reading, &value, 0, &node);
    }
    if (status == CT_OK && !import_add_argument(reading->event, variable, node)) {
        status = fail_memory(reading);
    }
    return status;
}

static int read_step(struct reading *reading, const struct capnp_struct *from)
{
    int status = read_number(reading, from, 0, &reading->event->path);
    return status == CT_OK ? read_number(reading, from, 1, &reading->event->line) : status;
}

static int read_path(struct reading *reading, const struct capnp_struct *from)
{
    return read_text(reading, from, 0, &reading->event->text);
}

static int read_field_names(struct reading *reading, const struct capnp_struct *info)
{
    struct capnp_list list;
    if ((uint16_t)capnp_word(reading->message, info, 0) != 1) {
        return CT_OK;
    }
    if (!capnp_get_list(reading->message, info, 0, &list)) {
        return fail_message(reading);
    }
    int status = CT_OK;
    for (uint32_t i = 0; list.has_structs && i < list.count && status == CT_OK; i++) {
        struct capnp_struct field = capnp_element(&list, i);
        const char *name;
        size_t size;
        status = get_text(reading, &field, 0, &name, &size);
        const char *problem = status == CT_OK ? import_add_field(reading->event, name, size) : NULL;
        status = problem == NULL ? status : wrong(reading, problem);
    }
    return status;
}

static int read_type(struct reading *reading, const struct capnp_struct *from)
{
    struct capnp_struct info;
    reading->event->number = (uint16_t)capnp_word(reading->message, from, 0);
    int status = read_text(reading, from, 0, &reading->event->text);
    if (status == CT_OK && !capnp_get_struct(reading->message, from, 1, &info)) {
        status = fail_message(reading);
    }
    return status == CT_OK ? read_field_names(reading, &info) : status;
}

static int read_function(struct reading *reading, const struct capnp_struct *from)
{
    int status = read_step(reading, from);
    return status == CT_OK ? read_text(reading, from, 2, &reading->event->text) : status;
}

static int read_call(struct reading *reading, const struct capnp_struct *from)
{
    struct capnp_list list;
    int status = read_number(reading, from, 0, &reading->event->number);
    if (status == CT_OK && !capnp_get_list(reading->message, from, 1, &list)) {
        status = fail_message(reading);
    }
    if (status == CT_OK && list.count > 0 && !list.has_structs) {
        status = wrong(reading, "a list of arguments should be there");
    }
    for (uint32_t i = 0; status == CT_OK && i < list.count; i++) {
        struct capnp_struct argument = capnp_element(&list, i);
        status = read_argument(reading, &argument);
    }
    return status;
}

static int read_return(struct reading *reading, const struct capnp_struct *from)
{
    struct capnp_struct value;
    uint32_t node = 0;
    if (!capnp_get_struct(reading->message, from, 0, &value)) {
        return fail_message(reading);
    }
    int status = read_value(reading, &value, 0, &node);
    if (status == CT_OK && !import_add_argument(reading->event, 0, node)) {
        status = fail_memory(reading);
    }
    return status;
}

/* The two formats number the kinds in different ways. */
static int read_io(struct reading *reading, const struct capnp_struct *from)
{
    static const uint8_t numbers[KINDS_OF_IO] = {0, 1, 3, 4, 6, 7, 8, 9, 10, 11, 12, 2, 5, 13};
    uint16_t kind = (uint16_t)capnp_word(reading->message, from, 0);
    if (kind >= KINDS_OF_IO) {
        return wrong(reading, "that is no kind of input or output");
    }
    reading->event->number = numbers[kind];
    int status = read_text(reading, from, 0, &reading->event->text);
    return status == CT_OK ? read_text(reading, from, 1, &reading->event->metadata) : status;
}

static const struct {
    enum import_event_kind kind;
    int (*read)(struct reading *reading, const struct capnp_struct *from);
    bool is_text; /* the payload is a text, and no struct */
} events[] = {
    {IMPORT_STEP, read_step, false},
    {IMPORT_PATH, read_path, false},
    {IMPORT_VARIABLE, NULL, true},
    {IMPORT_VARIABLE, NULL, true},
    {IMPORT_TYPE, read_type, false},
    {IMPORT_VALUE, read_argument, false},
    {IMPORT_FUNCTION, read_function, false},
    {IMPORT_CALL, read_call, false},
    {IMPORT_RETURN, read_return, false},
    {IMPORT_IO, read_io, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_DROP_STEP, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
    {IMPORT_OTHER, NULL, false},
};

static int read_event(struct reading *reading, const struct capnp_struct *from)
{
    uint16_t tag = (uint16_t)capnp_word(reading->message, from, 0);
    if (tag >= sizeof events / sizeof events[0]) {
        return wrong(reading, "that is no kind of event");
    }
    reading->event->kind = events[tag].kind;
    if (events[tag].is_text) {
        return read_text(reading, from, 0, &reading->event->text);
    }
    if (events[tag].read == NULL) {
        return CT_OK;
    }
    struct capnp_struct payload;
    if (!capnp_get_struct(reading->message, from, 0, &payload)) {
        return fail_message(reading);
    }
    return events[tag].read(reading, &payload);
}

static int next_event(struct import_source *source, struct import_event *event,
                      struct ct_error *error)
{
    struct binary_source *from = (struct binary_source *)(void *)source;
    struct reading reading = {from, &from->message, event, error};
    import_event_clear(event);
    event->kind = IMPORT_END;
    if (from->next == from->events.count) {
        return CT_OK;
    }
    struct capnp_struct element = capnp_element(&from->events, from->next++);
    source->done = ++source->event;
    source->offset = element.data;
    return read_event(&reading, &element);
}

/* ---- Life ---- */

static int rewind_binary(struct import_source *source, struct ct_error *error)
{
    (void)error;
    struct binary_source *from = (struct binary_source *)(void *)source;
    from->message.work = from->work;
    from->next = 0;
    source->event = source->offset = 0;
    return CT_OK;
}

static void free_binary(struct import_source *source)
{
    struct binary_source *from = (struct binary_source *)(void *)source;
    capnp_close(&from->message);
    free(from);
}

static const struct import_source_type binary_type = {
    .next = next_event,
    .rewind = rewind_binary,
    .free = free_binary,
};

static int find_events(struct binary_source *from, struct ct_error *error)
{
    struct capnp_struct root;
    if (!capnp_root(&from->message, &root) ||
        !capnp_get_list(&from->message, &root, 0, &from->events)) {
        return ct_fail(error, CT_EFORMAT, "%s: %s", from->source.path, from->message.error);
    }
    if (from->events.count > 0 && !from->events.has_structs) {
        return ct_fail(error, CT_EFORMAT, "%s: a list of events should be there",
                       from->source.path);
    }
    from->work = from->message.work;
    from->source.total = from->events.count;
    return CT_OK;
}

int import_open_binary(struct import_source **source, const char *path, const char *scratch,
                       uint64_t least, struct ct_error *error)
{
    struct binary_source *from = calloc(1, sizeof *from);
    if (from == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    from->source = (struct import_source){.type = &binary_type, .path = path, .unit = "word"};
    int status = capnp_open(&from->message, path, MAGIC_BYTES, scratch, least, error);
    if (status == CT_OK) {
        status = find_events(from, error);
    }
    if (status != CT_OK) {
        free_binary(&from->source);
        return status;
    }
    *source = &from->source;
    return CT_OK;
}
