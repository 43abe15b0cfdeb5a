#include "base/start_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/uuid.h"

enum { SEPARATOR = 0x1f, ESCAPE = 0x1e, ESCAPE_FLIP = 0x40 };

/* Far more than a command line can hold. */
enum { MAX_ARGUMENTS = 1 << 24 };

static const char *const format_names[CT_START_FORMATS] = {
    [CT_START_CTR] = "ctr",
    [CT_START_JSON] = "json",
    [CT_START_BINARY] = "binary",
};

static const char *const kind_names[CT_START_KINDS] = {
    [CT_START_SCRIPT] = "script",
    [CT_START_MODULE] = "module",
    [CT_START_CODE] = "code",
};

static const char *const io_names[CT_START_IO_MODES] = {
    [CT_START_IO_OFF] = "off",
    [CT_START_IO_STREAMS] = "proxies",
    [CT_START_IO_DESCRIPTORS] = "proxies+fd",
};

static const char *const limit_names[CT_START_LIMITS] = {
    [CT_START_MAX_TEXT] = "max_text",         [CT_START_MAX_ITEMS] = "max_items",
    [CT_START_MAX_DEPTH] = "max_depth",       [CT_START_MAX_ATTRIBUTES] = "max_attributes",
    [CT_START_MAX_SIZE] = "max_size",         [CT_START_MIN_FREE_SPACE] = "min_free_space",
    [CT_START_EXPORT_LIMIT] = "export_limit",
};

const char *ct_start_format_name(enum ct_start_format format)
{
    return format_names[format];
}

const char *ct_start_kind_name(enum ct_start_kind kind)
{
    return kind_names[kind];
}

const char *ct_start_io_name(enum ct_start_io io)
{
    return io_names[io];
}

const char *ct_start_limit_name(enum ct_start_limit_name limit)
{
    return limit_names[limit];
}

/* ---- Encoding ---- */

static void add_pair(struct ct_bytes *bytes, const char *key, const char *value)
{
    if (bytes->size != 0) {
        ct_bytes_add_byte(bytes, SEPARATOR);
    }
    ct_bytes_add_text(bytes, key);
    ct_bytes_add_byte(bytes, '=');
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == SEPARATOR || *at == ESCAPE) {
            ct_bytes_add_byte(bytes, ESCAPE);
            ct_bytes_add_byte(bytes, (uint8_t)*at ^ ESCAPE_FLIP);
        } else {
            ct_bytes_add_byte(bytes, (uint8_t)*at);
        }
    }
}

static void add_number(struct ct_bytes *bytes, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    add_pair(bytes, key, text);
}

static void add_flag(struct ct_bytes *bytes, const char *key, bool is_set)
{
    if (is_set) {
        add_number(bytes, key, 1);
    }
}

/* The arguments, or nothing when they are too many bytes for a variable. */
static void add_arguments(struct ct_bytes *bytes, const struct ct_start_options *options)
{
    add_number(bytes, "argc", options->argc);
    size_t before = bytes->size;
    for (size_t i = 0; options->args != NULL && i < options->argc; i++) {
        add_pair(bytes, "arg", options->args[i]);
        if (bytes->size > CT_START_MAX_BYTES) {
            bytes->size = before;
            return;
        }
    }
}

int ct_start_encode(const struct ct_start_options *options, char **text, struct ct_error *error)
{
    struct ct_bytes bytes = {0};
    add_pair(&bytes, "dir", options->dir);
    add_pair(&bytes, "id", options->id);
    add_pair(&bytes, "format", format_names[options->format]);
    add_pair(&bytes, "kind", kind_names[options->kind]);
    for (int i = 0; i < CT_START_LIMITS; i++) {
        if (options->limits[i].is_given) {
            add_number(&bytes, limit_names[i], options->limits[i].value);
        }
    }
    add_flag(&bytes, "exact", options->exact);
    add_flag(&bytes, "no_sources", options->no_sources);
    add_flag(&bytes, "keep_shapes", options->keep_shapes);
    if (options->rules != NULL) {
        add_pair(&bytes, "rules", options->rules);
    }
    if (options->io != CT_START_IO_STREAMS) {
        add_pair(&bytes, "io", io_names[options->io]);
    }
    if (options->activation != NULL) {
        add_pair(&bytes, "activation", options->activation);
    }
    add_pair(&bytes, "program", options->program);
    /* Last, so that what is left of the room is theirs. */
    add_arguments(&bytes, options);
    ct_bytes_add_byte(&bytes, '\0');
    if (bytes.failed) {
        ct_bytes_free(&bytes);
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    if (bytes.size > CT_START_MAX_BYTES + 1) {
        ct_bytes_free(&bytes);
        return ct_fail(error, CT_ELIMIT,
                       "the program's text and the options are longer than %d bytes, which is what "
                       "an environment variable can carry",
                       CT_START_MAX_BYTES);
    }
    *text = (char *)bytes.data;
    return CT_OK;
}

/* ---- Decoding ---- */

/* What is being filled, and which keys were seen. */
struct decoding {
    struct ct_start_options *options;
    const char **args; /* room for all of them, in the storage */
    size_t arg_count;
    bool has_argc;
    bool has_format;
    bool has_kind;
    bool has_io;
    struct ct_error *error;
};

static int refuse(struct decoding *decoding, const char *key, const char *why)
{
    return ct_fail(decoding->error, CT_EFORMAT, "%s: '%s' %s", CT_START_VARIABLE, key, why);
}

static int set_once(struct decoding *decoding, const char **field, const char *key,
                    const char *value)
{
    if (*field != NULL) {
        return refuse(decoding, key, "is given twice");
    }
    *field = value;
    return CT_OK;
}

static int set_absolute(struct decoding *decoding, const char **field, const char *key,
                        const char *value)
{
    if (value[0] != '/') {
        return refuse(decoding, key, "is not an absolute path");
    }
    return set_once(decoding, field, key, value);
}

static int parse_number(struct decoding *decoding, const char *key, const char *value,
                        uint64_t *number)
{
    if (value[0] == '\0' || value[strspn(value, "0123456789")] != '\0') {
        return refuse(decoding, key, "is not a number");
    }
    errno = 0;
    *number = strtoull(value, NULL, 10);
    return errno == 0 ? CT_OK : refuse(decoding, key, "is too large a number");
}

static int decode_dir(struct decoding *decoding, const char *value)
{
    return set_absolute(decoding, &decoding->options->dir, "dir", value);
}

static int decode_id(struct decoding *decoding, const char *value)
{
    uint8_t uuid[CT_UUID_BYTES];
    if (!ct_uuid_parse(value, uuid)) {
        return refuse(decoding, "id", "is not an identifier");
    }
    return set_once(decoding, &decoding->options->id, "id", value);
}

/* The index of `value` among the names, or -1. */
static int find_name(const char *const *names, int count, const char *value)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], value) == 0) {
            return i;
        }
    }
    return -1;
}

enum ct_start_io ct_start_io_named(const char *name)
{
    int found = find_name(io_names, CT_START_IO_MODES, name);
    return found < 0 ? CT_START_IO_MODES : (enum ct_start_io)found;
}

static int decode_format(struct decoding *decoding, const char *value)
{
    int found = find_name(format_names, CT_START_FORMATS, value);
    if (found < 0 || decoding->has_format) {
        return refuse(decoding, "format", found < 0 ? "is none of those known" : "is given twice");
    }
    decoding->has_format = true;
    decoding->options->format = (enum ct_start_format)found;
    return CT_OK;
}

static int decode_kind(struct decoding *decoding, const char *value)
{
    int found = find_name(kind_names, CT_START_KINDS, value);
    if (found < 0 || decoding->has_kind) {
        return refuse(decoding, "kind", found < 0 ? "is none of those known" : "is given twice");
    }
    decoding->has_kind = true;
    decoding->options->kind = (enum ct_start_kind)found;
    return CT_OK;
}

static int decode_program(struct decoding *decoding, const char *value)
{
    return set_once(decoding, &decoding->options->program, "program", value);
}

static int decode_argc(struct decoding *decoding, const char *value)
{
    uint64_t number = 0;
    if (decoding->has_argc) {
        return refuse(decoding, "argc", "is given twice");
    }
    int status = parse_number(decoding, "argc", value, &number);
    if (status == CT_OK && number > MAX_ARGUMENTS) {
        return refuse(decoding, "argc", "is too large a number");
    }
    if (status == CT_OK) {
        decoding->has_argc = true;
        decoding->options->argc = (size_t)number;
    }
    return status;
}

static int decode_arg(struct decoding *decoding, const char *value)
{
    decoding->args[decoding->arg_count++] = value;
    return CT_OK;
}

static int decode_activation(struct decoding *decoding, const char *value)
{
    return set_absolute(decoding, &decoding->options->activation, "activation", value);
}

static int decode_rules(struct decoding *decoding, const char *value)
{
    return set_absolute(decoding, &decoding->options->rules, "rules", value);
}

static int set_flag(struct decoding *decoding, bool *flag, const char *key, const char *value)
{
    if (strcmp(value, "1") != 0 || *flag) {
        return refuse(decoding, key, "is given twice or not 1");
    }
    *flag = true;
    return CT_OK;
}

static int decode_exact(struct decoding *decoding, const char *value)
{
    return set_flag(decoding, &decoding->options->exact, "exact", value);
}

static int decode_no_sources(struct decoding *decoding, const char *value)
{
    return set_flag(decoding, &decoding->options->no_sources, "no_sources", value);
}

static int decode_keep_shapes(struct decoding *decoding, const char *value)
{
    return set_flag(decoding, &decoding->options->keep_shapes, "keep_shapes", value);
}

static int decode_io(struct decoding *decoding, const char *value)
{
    enum ct_start_io io = ct_start_io_named(value);
    if (io == CT_START_IO_MODES || decoding->has_io) {
        return refuse(decoding, "io", decoding->has_io ? "is given twice" : "is no mode");
    }
    decoding->has_io = true;
    decoding->options->io = io;
    return CT_OK;
}

static int decode_limit(struct decoding *decoding, int index, const char *value)
{
    struct ct_start_limit *limit = &decoding->options->limits[index];
    if (limit->is_given) {
        return refuse(decoding, limit_names[index], "is given twice");
    }
    limit->is_given = true;
    return parse_number(decoding, limit_names[index], value, &limit->value);
}

static const struct {
    const char *key;
    int (*decode)(struct decoding *, const char *);
} decoders[] = {
    {"dir", decode_dir},         {"id", decode_id},
    {"format", decode_format},   {"kind", decode_kind},
    {"program", decode_program}, {"argc", decode_argc},
    {"arg", decode_arg},         {"activation", decode_activation},
    {"exact", decode_exact},     {"no_sources", decode_no_sources},
    {"rules", decode_rules},     {"keep_shapes", decode_keep_shapes},
    {"io", decode_io},
};

static int decode_pair(struct decoding *decoding, const char *key, const char *value)
{
    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++) {
        if (strcmp(decoders[i].key, key) == 0) {
            return decoders[i].decode(decoding, value);
        }
    }
    int limit = find_name(limit_names, CT_START_LIMITS, key);
    if (limit >= 0) {
        return decode_limit(decoding, limit, value);
    }
    return refuse(decoding, key, "is unknown: `ct` and the recorder are of different versions");
}

/* Undo the escaping in place. */
static int unescape(struct decoding *decoding, const char *key, char *value)
{
    char *to = value;
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == ESCAPE) {
            at++;
            char byte = (char)(*at ^ ESCAPE_FLIP);
            if (byte != SEPARATOR && byte != ESCAPE) {
                return refuse(decoding, key, "holds a broken escape");
            }
            *to++ = byte;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    return CT_OK;
}

static int decode_pairs(struct decoding *decoding, char *text)
{
    int status = CT_OK;
    char *next = text;
    while (status == CT_OK && next != NULL) {
        char *pair = next;
        next = strchr(pair, SEPARATOR);
        if (next != NULL) {
            *next++ = '\0';
        }
        char *value = strchr(pair, '=');
        if (value == NULL) {
            return refuse(decoding, pair, "has no value");
        }
        *value++ = '\0';
        status = unescape(decoding, pair, value);
        if (status == CT_OK) {
            status = decode_pair(decoding, pair, value);
        }
    }
    return status;
}

static int check_complete(struct decoding *decoding)
{
    struct ct_start_options *options = decoding->options;
    const struct {
        const char *key;
        bool is_there;
    } needed[] = {
        {"dir", options->dir != NULL},         {"id", options->id != NULL},
        {"format", decoding->has_format},      {"kind", decoding->has_kind},
        {"program", options->program != NULL}, {"argc", decoding->has_argc},
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!needed[i].is_there) {
            return refuse(decoding, needed[i].key, "is missing");
        }
    }
    if (decoding->arg_count != 0 && decoding->arg_count != options->argc) {
        return refuse(decoding, "argc", "is not the number of arguments");
    }
    bool has_all = decoding->arg_count == options->argc;
    options->args = has_all ? decoding->args : NULL;
    return CT_OK;
}

int ct_start_decode(const char *text, struct ct_start_options *options, struct ct_error *error)
{
    *options = (struct ct_start_options){0};
    size_t most_args = 1;
    for (const char *at = strchr(text, SEPARATOR); at != NULL; at = strchr(at + 1, SEPARATOR)) {
        most_args++;
    }
    size_t args_bytes = most_args * sizeof(char *);
    size_t text_bytes = strlen(text) + 1;
    char *storage = malloc(args_bytes + text_bytes);
    if (storage == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    memcpy(storage + args_bytes, text, text_bytes);
    options->storage = storage;
    struct decoding decoding = {
        .options = options, .args = (const char **)(void *)storage, .error = error};
    int status = decode_pairs(&decoding, storage + args_bytes);
    if (status == CT_OK) {
        status = check_complete(&decoding);
    }
    if (status != CT_OK) {
        ct_start_options_clear(options);
    }
    return status;
}

void ct_start_options_clear(struct ct_start_options *options)
{
    free(options->storage);
    *options = (struct ct_start_options){0};
}
