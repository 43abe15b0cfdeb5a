/* How immutable values of the standard library read: dates, numbers, paths, patterns. */
#include "trace/text_internal.h"

enum { PATTERN_TEXT_MAX = 200, MATCH_TEXT_MAX = 50 }; /* characters, as CPython cuts them */

static bool is_nonzero(struct ctr_value value)
{
    return value.tag == CTR_V_INT && value.bits != 0;
}

/* Types written in C show their module when they are not subclassed. */
static void add_datetime_name(struct ctr_text_writer *writer, const struct ctr_shape *shape)
{
    if (shape->type->module.size == 8 && memcmp(shape->type->module.bytes, "datetime", 8) == 0) {
        ctr_text__add(writer, "datetime.");
    }
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, "(");
}

static void add_numbers(struct ctr_text_writer *writer, const struct ctr_value *values,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ctr_text__add(writer, i > 0 ? ", " : "");
        ctr_text__number(writer, values[i]);
    }
}

void ctr_text__date(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value fields[3] = {{0}};
    ctr_text__fields(shape, fields, 3);
    add_datetime_name(writer, shape);
    add_numbers(writer, fields, 3);
    ctr_text__add(writer, ")");
}

/* The clock's numbers are `fields[0..count)`, the last two of them shown when they are not zero;
 * then comes the time zone, then the fold. */
static void add_clock(struct ctr_text_writer *writer, const struct ctr_shape *shape,
                      const struct ctr_value *fields, uint32_t count)
{
    uint32_t shown = count;
    while (shown > count - 2 && !is_nonzero(fields[shown - 1])) {
        shown--;
    }
    add_datetime_name(writer, shape);
    add_numbers(writer, fields, shown);
    if (is_nonzero(fields[count + 1])) {
        ctr_text__add(writer, ", fold=1");
    }
    if (fields[count].tag != CTR_V_NONE && fields[count].tag != CTR_V_UNBOUND) {
        ctr_text__add(writer, ", tzinfo=");
        ctr_text__plain(writer, fields[count]);
    }
    ctr_text__add(writer, ")");
}

void ctr_text__datetime(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value fields[9] = {{0}};
    ctr_text__fields(shape, fields, 9);
    add_clock(writer, shape, fields, 7);
}

void ctr_text__time(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value fields[6] = {{0}};
    ctr_text__fields(shape, fields, 6);
    add_clock(writer, shape, fields, 4);
}

void ctr_text__timedelta(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    static const char *const names[] = {"days", "seconds", "microseconds"};
    struct ctr_value fields[3] = {{0}};
    ctr_text__fields(shape, fields, 3);
    add_datetime_name(writer, shape);
    bool is_first = true;
    for (int i = 0; i < 3; i++) {
        if (is_nonzero(fields[i])) {
            ct_bytes_add_format(writer->to, "%s%s=", is_first ? "" : ", ", names[i]);
            ctr_text__number(writer, fields[i]);
            is_first = false;
        }
    }
    ctr_text__add(writer, is_first ? "0)" : ")");
}

void ctr_text__called(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, "(");
    ctr_text__content(writer, shape);
    ctr_text__add(writer, ")");
}

void ctr_text__decimal(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__add(writer, "Decimal(");
    ctr_text__content(writer, shape);
    ctr_text__add(writer, ")");
}

void ctr_text__fraction(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    ctr_text__type_name(writer, shape);
    ctr_text__children(writer, shape, CTR_ITEMS, "(", ")");
}

/* The number as 16 bytes, the highest first. */
static bool uuid_bytes(const struct ctr_shape *shape, uint8_t bytes[16])
{
    memset(bytes, 0, 16);
    if (shape->has_node && shape->node.tag == CTR_V_BIG && shape->node.size <= 16) {
        for (size_t i = 0; i < shape->node.size; i++) {
            bytes[15 - i] = shape->node.bytes[i];
        }
        return true;
    }
    for (int i = 0; i < 8; i++) {
        bytes[15 - i] = (uint8_t)(shape->content.bits >> (8 * i));
    }
    return !shape->has_node && shape->content.tag == CTR_V_INT;
}

void ctr_text__uuid(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    uint8_t bytes[16];
    if (!uuid_bytes(shape, bytes)) {
        ctr_text__called(writer, shape);
        return;
    }
    ctr_text__type_name(writer, shape);
    ctr_text__add(writer, "('");
    for (int i = 0; i < 16; i++) {
        bool starts_group = i == 4 || i == 6 || i == 8 || i == 10;
        ct_bytes_add_format(writer->to, "%s%02x", starts_group ? "-" : "", bytes[i]);
    }
    ctr_text__add(writer, "')");
}

/* Drop what `to` holds beyond `characters` from `start` on. */
static void cut_at(struct ct_bytes *to, size_t start, size_t characters)
{
    for (size_t i = start; i < to->size; i++) {
        bool is_continuation = (to->data[i] & 0xc0) == 0x80;
        if (!is_continuation && characters-- == 0) {
            to->size = i;
            return;
        }
    }
}

enum { RE_LOCALE = 4, RE_UNICODE = 32, RE_ASCII = 256 };

static const struct {
    int bit;
    const char *name;
} pattern_flags[] = {
    {2, "re.IGNORECASE"}, {RE_LOCALE, "re.LOCALE"},   {8, "re.MULTILINE"},
    {16, "re.DOTALL"},    {RE_UNICODE, "re.UNICODE"}, {64, "re.VERBOSE"},
    {128, "re.DEBUG"},    {RE_ASCII, "re.ASCII"},
};

static void add_pattern_flags(struct ctr_text_writer *writer, int64_t flags)
{
    const char *before = ", ";
    for (size_t i = 0; i < sizeof pattern_flags / sizeof pattern_flags[0]; i++) {
        if (flags & pattern_flags[i].bit) {
            ct_bytes_add_format(writer->to, "%s%s", before, pattern_flags[i].name);
            flags &= ~(int64_t)pattern_flags[i].bit;
            before = "|";
        }
    }
    if (flags != 0) {
        ct_bytes_add_format(writer->to, "%s0x%llx", before, (unsigned long long)flags);
    }
}

void ctr_text__pattern(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value fields[2] = {{0}};
    ctr_text__fields(shape, fields, 2);
    struct ctr_shape pattern;
    ctr_shape_open(writer->player, fields[0], &pattern);
    bool is_bytes = pattern.kind == CTR_F_BYTES;
    ctr_shape_close(writer->player, &pattern);

    ctr_text__add(writer, "re.compile(");
    size_t start = writer->to->size;
    ctr_text__value(writer, fields[0]);
    cut_at(writer->to, start, PATTERN_TEXT_MAX);
    int64_t flags = fields[1].tag == CTR_V_INT ? (int64_t)fields[1].bits : 0;
    if (!is_bytes && (flags & (RE_LOCALE | RE_UNICODE | RE_ASCII)) == RE_UNICODE) {
        flags &= ~(int64_t)RE_UNICODE; /* what a str pattern is anyway */
    }
    add_pattern_flags(writer, flags);
    ctr_text__add(writer, ")");
}

void ctr_text__match(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value fields[3] = {{0}};
    ctr_text__fields(shape, fields, 3);
    ctr_text__add(writer, "<re.Match object; span=(");
    add_numbers(writer, fields, 2);
    ctr_text__add(writer, "), match=");
    size_t start = writer->to->size;
    ctr_text__value(writer, fields[2]);
    cut_at(writer->to, start, MATCH_TEXT_MAX);
    ctr_text__add(writer, ">");
}
