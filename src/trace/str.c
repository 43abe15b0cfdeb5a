#include "trace/str.h"

#include <string.h>

#include "trace/exception_type.h"
#include "trace/shape.h"
#include "trace/text.h"

struct str {
    struct ctr_player *player;
    bool is_known; /* Python's text for certain */
};

typedef void str_family(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                        struct ct_bytes *to);

static void add_repr(struct str *str, struct ctr_value value, struct ct_bytes *to)
{
    static const struct ctr_text_options options = {.characters = CTR_STR_MAX};
    ctr_text_of(str->player, value, &options, to);
}

static void add_str(struct str *str, struct ctr_value value, struct ct_bytes *to);

/* A text itself, anything else as str() has it. */
static void add_plain(struct str *str, struct ctr_value value, struct ct_bytes *to)
{
    if (!ctr_shape_add_text(str->player, value, to)) {
        add_str(str, value, to);
    }
}

static const struct ctr_object *object_of(struct str *str, struct ctr_value value)
{
    return value.tag == CTR_V_OBJECT ? ctr_player_object(str->player, value.bits, NULL) : NULL;
}

static bool find_attribute(struct str *str, struct ctr_value value, const char *name,
                           struct ctr_value *found)
{
    const struct ctr_object *object = object_of(str, value);
    for (uint32_t i = 0; object != NULL && i < object->attr_count; i++) {
        if (ctr_shape_text_is(str->player, object->attrs[i].key, name)) {
            *found = object->attrs[i].value;
            return true;
        }
    }
    return false;
}

/* The first children of the tuple `shape` holds; returns how many there are in all. */
static uint32_t take_fields(struct ctr_shape *shape, struct ctr_value *fields, uint32_t count)
{
    if (!shape->has_node || shape->node.tag != CTR_V_TUPLE) {
        return 0;
    }
    struct ctr_scan children = shape->node.children;
    for (uint32_t i = 0; i < shape->node.count && i < count; i++) {
        fields[i] = ctr_scan_value(&children, (struct ctr_value){0});
    }
    return shape->node.count;
}

/* ---- instances ---- */

static void add_type_path(const struct ctr_type *type, struct ct_bytes *to)
{
    if (type->module.size > 0 && !ctr_type_is_builtin(type)) {
        ct_bytes_add(to, type->module.bytes, type->module.size);
        ct_bytes_add_byte(to, '.');
    }
    ct_bytes_add(to, type->name.bytes, type->name.size);
}

/* The program's own __str__ did not run; this is what the default one says. An object's number
 * stands for its address, which is recorded for few. */
static void str_instance(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                         struct ct_bytes *to)
{
    /* Python does not show what an iterator iterates over. */
    bool is_holder =
        shape->is_thing && (shape->has_node || ctr_shape_text_is(str->player, shape->content, ""));
    if ((!shape->is_object && !is_holder) || shape->type == NULL || ctr_text_has_form(shape)) {
        add_repr(str, value, to);
        return;
    }
    str->is_known = false;
    ct_bytes_add_byte(to, '<');
    add_type_path(shape->type, to);
    ct_bytes_add_format(to, " object at 0x%012llx>",
                        (unsigned long long)(is_holder ? shape->address : shape->number));
}

static void str_enum(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                     struct ct_bytes *to)
{
    struct ctr_value parts[2];
    bool has_name =
        take_fields(shape, parts, 2) == 2 || find_attribute(str, value, "_name_", &parts[0]);
    if (!has_name || parts[0].tag == CTR_V_NONE) {
        add_repr(str, value, to);
        return;
    }
    const struct ctr_object *object = object_of(str, value); /* an IntEnum's is that of its int */
    str->is_known &= object == NULL || object->item_count == 0;
    struct ctr_text type = ctr_shape_type_name(shape);
    ct_bytes_add(to, type.bytes, type.size);
    ct_bytes_add_byte(to, '.');
    add_plain(str, parts[0], to);
}

/* Its state is no part of what Python shows. */
static void str_generator(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                          struct ct_bytes *to)
{
    struct ctr_value code;
    if (!shape->is_object || !find_attribute(str, value, "code", &code)) {
        add_repr(str, value, to);
        return;
    }
    str->is_known = false;
    struct ctr_text type = ctr_shape_type_name(shape);
    ct_bytes_add_byte(to, '<');
    ct_bytes_add(to, type.bytes, type.size);
    ct_bytes_add_text(to, " object ");
    add_plain(str, code, to);
    ct_bytes_add_format(to, " at 0x%012llx>", (unsigned long long)shape->number);
}

static void str_cell(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                     struct ct_bytes *to)
{
    const struct ctr_object *object = object_of(str, value);
    struct ctr_value held = {0};
    bool is_empty = object == NULL || object->item_count == 0;
    if (!is_empty) {
        held = object->items[0];
    }
    str->is_known = false;
    ct_bytes_add_format(to, "<cell at 0x%012llx: ", (unsigned long long)shape->number);
    if (is_empty) {
        ct_bytes_add_text(to, "empty>");
        return;
    }
    ctr_text_of_type(str->player, held, to);
    ct_bytes_add_text(to, " object at 0x000000000000>");
}

/* A memoryview shows nothing of its memory. */
static void str_buffer(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                       struct ct_bytes *to)
{
    const struct ctr_object *object = object_of(str, value);
    if (object == NULL || !ctr_text_is(ctr_shape_type_name(shape), "memoryview")) {
        add_repr(str, value, to);
        return;
    }
    str->is_known = false;
    ct_bytes_add_format(to, "<%smemory at 0x%012llx>", object->attr_count == 0 ? "released " : "",
                        (unsigned long long)shape->number);
}

static void str_traceback(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                          struct ct_bytes *to)
{
    (void)value;
    (void)shape;
    str->is_known = false;
    ct_bytes_add_text(to, "<traceback object at 0x000000000000>");
}

/* ---- exceptions ---- */

/* Those of several arguments that say more than what they are. */
static bool is_told_in_words(struct ctr_text name)
{
    return ctr_text_is(name, "SyntaxError") || ctr_text_is(name, "IndentationError") ||
           ctr_text_is(name, "TabError") || ctr_text_is(name, "UnicodeDecodeError") ||
           ctr_text_is(name, "UnicodeEncodeError") || ctr_text_is(name, "UnicodeTranslateError");
}

static void add_os_error(struct str *str, struct ctr_value value, const struct ctr_value *args,
                         struct ct_bytes *to)
{
    struct ctr_value filename;
    ct_bytes_add_text(to, "[Errno ");
    add_plain(str, args[0], to);
    ct_bytes_add_text(to, "] ");
    add_plain(str, args[1], to);
    if (find_attribute(str, value, "filename", &filename) && filename.tag != CTR_V_NONE) {
        ct_bytes_add_text(to, ": ");
        add_repr(str, filename, to);
    }
}

static void add_group(struct str *str, const struct ctr_value *args, struct ct_bytes *to)
{
    const struct ctr_object *list = object_of(str, args[1]);
    uint64_t count = list != NULL ? list->true_items : 0;
    if (list == NULL) {
        struct ctr_shape shape;
        ctr_shape_open(str->player, args[1], &shape);
        count = take_fields(&shape, NULL, 0);
        ctr_shape_close(str->player, &shape);
    }
    add_plain(str, args[0], to);
    ct_bytes_add_format(to, " (%llu sub-exception%s)", (unsigned long long)count,
                        count == 1 ? "" : "s");
}

/* The text of OSError and its kinds is made of two arguments or more. */
static const struct ctr_text os_error = {"OSError", 7};

static void str_exception(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                          struct ct_bytes *to)
{
    struct ctr_value tuple;
    if (!find_attribute(str, value, "args", &tuple)) {
        return;
    }
    if (tuple.tag == CTR_V_REDACTED) {
        add_repr(str, tuple, to);
        return;
    }
    struct ctr_shape inner;
    struct ctr_value args[2];
    ctr_shape_open(str->player, tuple, &inner);
    uint32_t count = take_fields(&inner, args, 2);
    ctr_shape_close(str->player, &inner);
    struct ctr_text name = ctr_shape_type_name(shape);
    if (count == 1 && ctr_text_is(name, "KeyError")) {
        add_repr(str, args[0], to);
    } else if (count == 1) {
        add_plain(str, args[0], to);
    } else if (count == 2 && ctr_python_exception_is_a(name, os_error)) {
        add_os_error(str, value, args, to);
    } else if (count == 2 &&
               (ctr_text_is(name, "ExceptionGroup") || ctr_text_is(name, "BaseExceptionGroup"))) {
        add_group(str, args, to);
    } else if (count > 1) {
        str->is_known &= !is_told_in_words(name);
        add_repr(str, tuple, to);
    }
}

void ctr_str_exception_line(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to)
{
    struct str str = {player, true};
    struct ctr_shape shape;
    ctr_shape_open(player, value, &shape);
    if (shape.type != NULL) {
        add_type_path(shape.type, to);
    }
    size_t before = to->size;
    if (shape.kind == CTR_F_EXCEPTION) {
        ct_bytes_add_text(to, ": ");
        str_exception(&str, value, &shape, to);
    }
    if (to->size == before + 2) {
        to->size = before;
    }
    ctr_shape_close(player, &shape);
}

/* ---- types of the library ---- */

static void str_content(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                        struct ct_bytes *to)
{
    (void)value;
    add_plain(str, shape->content, to);
}

enum { DATE_FIELDS = 3, TIME_FIELDS = 6, DATETIME_FIELDS = 9 };

static void add_clock(struct str *str, const struct ctr_value *fields, struct ct_bytes *to)
{
    ct_bytes_add_format(to, "%02lld:%02lld:%02lld", (long long)fields[0].bits,
                        (long long)fields[1].bits, (long long)fields[2].bits);
    if (fields[3].bits != 0) {
        ct_bytes_add_format(to, ".%06lld", (long long)fields[3].bits);
    }
    if (ctr_shape_text_is(str->player, fields[4], "datetime.timezone.utc")) {
        ct_bytes_add_text(to, "+00:00");
    } else if (fields[4].tag != CTR_V_NONE) {
        str->is_known = false;
    }
}

static void add_date(const struct ctr_value *fields, struct ct_bytes *to)
{
    ct_bytes_add_format(to, "%04lld-%02lld-%02lld", (long long)fields[0].bits,
                        (long long)fields[1].bits, (long long)fields[2].bits);
}

static void str_date(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                     struct ct_bytes *to)
{
    struct ctr_value fields[DATETIME_FIELDS];
    uint32_t count = take_fields(shape, fields, DATETIME_FIELDS);
    if (count == DATE_FIELDS) {
        add_date(fields, to);
    } else if (count == TIME_FIELDS) {
        add_clock(str, fields, to);
    } else if (count == DATETIME_FIELDS) {
        add_date(fields, to);
        ct_bytes_add_byte(to, ' ');
        add_clock(str, fields + DATE_FIELDS, to);
    } else {
        add_repr(str, value, to);
    }
}

static void str_timedelta(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                          struct ct_bytes *to)
{
    struct ctr_value fields[3];
    if (take_fields(shape, fields, 3) != 3) {
        add_repr(str, value, to);
        return;
    }
    long long days = (long long)fields[0].bits;
    long long seconds = (long long)fields[1].bits;
    if (days != 0) {
        ct_bytes_add_format(to, "%lld day%s, ", days, days == 1 || days == -1 ? "" : "s");
    }
    ct_bytes_add_format(to, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (fields[2].bits != 0) {
        ct_bytes_add_format(to, ".%06lld", (long long)fields[2].bits);
    }
}

static void str_fraction(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                         struct ct_bytes *to)
{
    struct ctr_value parts[2];
    if (take_fields(shape, parts, 2) != 2) {
        add_repr(str, value, to);
        return;
    }
    add_repr(str, parts[0], to);
    if (parts[1].tag != CTR_V_INT || parts[1].bits != 1) {
        ct_bytes_add_byte(to, '/');
        add_repr(str, parts[1], to);
    }
}

/* "UUID('...')" without its wrapping. */
static void str_uuid(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                     struct ct_bytes *to)
{
    (void)shape;
    size_t start = to->size;
    add_repr(str, value, to);
    uint8_t *open = to->failed ? NULL : memchr(to->data + start, '\'', to->size - start);
    uint8_t *close =
        open == NULL ? NULL : memrchr(open + 1, '\'', (size_t)(to->data + to->size - open - 1));
    if (close != NULL) {
        size_t size = (size_t)(close - open - 1);
        memmove(to->data + start, open + 1, size);
        to->size = start + size;
    }
}

static void str_mapping(struct str *str, struct ctr_value value, struct ctr_shape *shape,
                        struct ct_bytes *to)
{
    (void)shape;
    size_t start = to->size;
    add_repr(str, value, to);
    size_t wrapping = strlen("mappingproxy(");
    if (!to->failed && to->size - start > wrapping && to->data[to->size - 1] == ')') {
        memmove(to->data + start, to->data + start + wrapping, to->size - start - wrapping - 1);
        to->size -= wrapping + 1;
    }
}

/* The families whose str() is not their repr(). */
static str_family *const families[CTR_F_MAX] = {
    [CTR_F_OBJECT] = str_instance,     [CTR_F_ENUM] = str_enum,
    [CTR_F_EXCEPTION] = str_exception, [CTR_F_DECIMAL] = str_content,
    [CTR_F_PATH] = str_content,        [CTR_F_DATE] = str_date,
    [CTR_F_DATETIME] = str_date,       [CTR_F_TIME] = str_date,
    [CTR_F_TIMEDELTA] = str_timedelta, [CTR_F_FRACTION] = str_fraction,
    [CTR_F_UUID] = str_uuid,           [CTR_F_MAPPINGPROXY] = str_mapping,
    [CTR_F_CELL] = str_cell,           [CTR_F_GENERATOR] = str_generator,
    [CTR_F_TRACEBACK] = str_traceback, [CTR_F_BUFFER] = str_buffer,
};

static void add_str(struct str *str, struct ctr_value value, struct ct_bytes *to)
{
    struct ctr_shape shape;
    ctr_shape_open(str->player, value, &shape);
    if (shape.kind < CTR_F_MAX && families[shape.kind] != NULL) {
        families[shape.kind](str, value, &shape, to);
    } else {
        add_repr(str, value, to);
    }
    ctr_shape_close(str->player, &shape);
}

bool ctr_str_of(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to)
{
    struct str str = {player, true};
    add_str(&str, value, to);
    return str.is_known;
}
