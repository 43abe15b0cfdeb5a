/* trace.bin, "V0": eight bytes of header, then one packed Cap'n Proto message:
 *
 *     segment table    1 word: one segment, its size
 *     segment word 0   root pointer, to the Trace struct
 *     payloads         what each record's pointer leads to, in order
 *     Trace struct     1 word: pointer to the list of records
 *     records          tag word, then 2 words each: kind, pointer back to the payload
 *
 * The payloads go out as they come; the records are few bytes each and wait in a second, nameless
 * file. Table and root pointer are known last and patched. Pointers count words from behind
 * themselves, so encoded values can be put anywhere. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "export/pack.h"
#include "export/place.h"
#include "export/writer.h"

enum {
    MAGIC_BYTES = sizeof EXPORT_BINARY_MAGIC - 1,
    HEAD_BYTES = 11, /* table and root pointer */
    DEPTH_MAX = 28,
    LEVELS = DEPTH_MAX + 2,
    RECORD_WORDS = 2,
    VALUE_DATA = 3, /* words of a ValueRecord's data, and its pointers */
    VALUE_POINTERS = 3,
    VALUE_WORDS = VALUE_DATA + VALUE_POINTERS,
    SPOOL_RECORDS = 1 << 14,
    BYTE_LIST = 2, /* element size codes of list pointers */
    STRUCT_LIST = 7,
    FIXED_WORDS = 64, /* of a record's payload without text and values */
    /* A pointer reaches 2^29 words either way. */
    SEGMENT_WORDS_MAX = (1 << 29) - 8,
};

/* Tags of a record and of a value, by the schema. */
enum tag {
    TAG_STEP = 0,
    TAG_PATH = 1,
    TAG_VARIABLE_NAME = 2,
    TAG_TYPE = 4,
    TAG_VALUE = 5,
    TAG_FUNCTION = 6,
    TAG_CALL = 7,
    TAG_RETURN = 8,
    TAG_EVENT = 9,
};

static const uint16_t value_tags[] = {
    [EXPORT_V_NONE] = 11, [EXPORT_V_BOOL] = 2,   [EXPORT_V_INT] = 0,      [EXPORT_V_STRING] = 3,
    [EXPORT_V_RAW] = 9,   [EXPORT_V_ERROR] = 10, [EXPORT_V_SEQUENCE] = 4, [EXPORT_V_TUPLE] = 5,
};

/* The binary format numbers the kinds of events in its own way. */
static uint16_t event_number(enum export_event kind)
{
    static const uint16_t numbers[] = {
        [EXPORT_EVENT_WRITE] = 0,
        [EXPORT_EVENT_WRITE_OTHER] = 11,
        [EXPORT_EVENT_READ] = 2,
        [EXPORT_EVENT_ERROR] = 9,
    };
    return numbers[kind];
}

struct record { /* waits until the payloads are all out */
    uint32_t tag;
    uint32_t size;   /* upper half of its pointer */
    uint32_t target; /* word of the segment it points to */
    uint32_t is_list;
};

struct words {
    uint64_t *at;
    uint32_t count, capacity;
    bool failed;
};

struct binary {
    struct export_writer writer;
    uint64_t position; /* words of the segment so far */
    uint64_t records;
    struct record *spool;
    uint32_t spooled;
    int spool_fd;         /* -1: nothing went there yet */
    struct words payload; /* of the record being put down */
    struct words tree;    /* of the value being encoded */
    struct export_value *value;
    uint32_t level;
    uint32_t next[LEVELS]; /* the word where the next element of the open list goes */
    uint32_t open[LEVELS]; /* the record that holds the open list */
    bool failed;           /* out of memory */
};

static struct binary *binary_of(struct export_writer *writer)
{
    return (struct binary *)(void *)writer;
}

/* ---- words
 * ---------------------------------------------------------------------------------------- */

/* `count` zero words at the end; the number of the first. */
static uint32_t add_words(struct words *words, uint64_t count)
{
    if (count > words->capacity - words->count) {
        uint64_t capacity = words->capacity == 0 ? 256 : words->capacity;
        while (capacity - words->count < count) {
            capacity *= 2;
        }
        uint64_t *at = capacity > SEGMENT_WORDS_MAX || words->failed
                           ? NULL
                           : realloc(words->at, capacity * sizeof *at);
        if (at == NULL) {
            words->failed = true;
            return 0;
        }
        words->at = at;
        words->capacity = (uint32_t)capacity;
    }
    uint32_t first = words->count;
    memset(words->at + first, 0, count * sizeof *words->at);
    words->count += (uint32_t)count;
    return first;
}

static uint64_t offset_bits(uint64_t from, uint64_t to)
{
    return (uint32_t)((int32_t)((int64_t)to - (int64_t)from - 1) * 4);
}

static uint32_t struct_size(uint32_t data, uint32_t pointers)
{
    return data | pointers << 16;
}

static uint32_t list_size(uint32_t element_size, uint32_t count)
{
    return element_size | count << 3;
}

static uint64_t struct_pointer(uint32_t from, uint32_t to, uint32_t data, uint32_t pointers)
{
    return offset_bits(from, to) | (uint64_t)struct_size(data, pointers) << 32;
}

static uint64_t list_pointer(uint32_t from, uint32_t to, uint32_t element_size, uint32_t count)
{
    return offset_bits(from, to) | 1 | (uint64_t)list_size(element_size, count) << 32;
}

/* A struct that is one number: path, variable, function and type ids, lines. */
static void add_number_struct(struct words *words, uint32_t pointer, int64_t number)
{
    uint32_t at = add_words(words, 1);
    if (!words->failed) {
        words->at[at] = (uint64_t)number;
        words->at[pointer] = struct_pointer(pointer, at, 1, 0);
    }
}

static uint32_t text_words(struct ctr_text text)
{
    return (uint32_t)(text.size / 8 + 1); /* with its NUL */
}

static void add_text_list(struct words *words, uint32_t pointer, struct ctr_text text)
{
    uint32_t at = add_words(words, text_words(text));
    if (!words->failed) {
        memcpy(words->at + at, text.bytes, text.size);
        words->at[pointer] = list_pointer(pointer, at, BYTE_LIST, (uint32_t)text.size + 1);
    }
}

/* ---- records
 * -------------------------------------------------------------------------------------- */

static void write_spool(struct binary *binary)
{
    struct export_out *out = binary->writer.out;
    if (out->status != CT_OK) {
        binary->spooled = 0;
        return;
    }
    if (binary->spool_fd < 0) {
        char *name;
        if (asprintf(&name, "%s.records", out->path) < 0) {
            binary->failed = true;
            return;
        }
        binary->spool_fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (binary->spool_fd < 0) {
            out->status = ct_fail_errno(out->error, "cannot create '%s'", name);
        } else {
            unlink(name);
        }
        free(name);
    }
    if (out->status == CT_OK) {
        out->status = ct_write_all(binary->spool_fd, binary->spool,
                                   binary->spooled * sizeof *binary->spool, out->path, out->error);
    }
    binary->spooled = 0;
}

static void add_record(struct binary *binary, enum tag tag, uint32_t size, bool is_list)
{
    if (binary->spooled == SPOOL_RECORDS) {
        write_spool(binary);
    }
    binary->spool[binary->spooled++] = (struct record){
        .tag = (uint32_t)tag,
        .size = size,
        .target = (uint32_t)binary->position,
        .is_list = is_list,
    };
    binary->records++;
}

static void put_words(struct binary *binary, const uint64_t *words, uint32_t count)
{
    struct export_out *out = binary->writer.out;
    binary->position += count;
    while (count > 0) {
        uint32_t part = count < EXPORT_PACK_WORDS ? count : EXPORT_PACK_WORDS;
        uint8_t *to = export_out_room(out, EXPORT_PACKED_MAX(EXPORT_PACK_WORDS));
        export_out_take(out, export_pack(to, words, part));
        words += part;
        count -= part;
    }
    if (binary->position > SEGMENT_WORDS_MAX && out->status == CT_OK) {
        out->status =
            ct_fail(out->error, CT_ELIMIT,
                    "'%s' would be larger than the format allows (4 GiB unpacked)", out->path);
    }
}

static struct words *begin_payload(struct binary *binary, uint32_t words)
{
    binary->payload.count = 0;
    add_words(&binary->payload, words);
    return &binary->payload;
}

static void end_payload(struct binary *binary, enum tag tag, uint32_t data, uint32_t pointers)
{
    if (!binary->payload.failed) {
        add_record(binary, tag, struct_size(data, pointers), false);
        put_words(binary, binary->payload.at, binary->payload.count);
    }
}

/* Behind a payload whose pointer led there. */
static void put_encoded(struct binary *binary, const struct export_value *value)
{
    export_out_add(binary->writer.out, value->bytes.data, value->bytes.size);
    binary->position += value->words;
}

static void put_path(struct export_writer *writer, struct ctr_text path)
{
    struct words *words = begin_payload(binary_of(writer), 1);
    add_text_list(words, 0, path);
    end_payload(binary_of(writer), TAG_PATH, 0, 1);
}

static void put_variable_name(struct export_writer *writer, struct ctr_text name)
{
    struct binary *binary = binary_of(writer);
    struct words *words = begin_payload(binary, text_words(name));
    if (!words->failed) {
        memcpy(words->at, name.bytes, name.size);
        add_record(binary, TAG_VARIABLE_NAME, list_size(BYTE_LIST, (uint32_t)name.size + 1), true);
        put_words(binary, words->at, words->count);
    }
}

static void put_type(struct export_writer *writer, uint32_t kind, const char *name)
{
    struct words *words = begin_payload(binary_of(writer), 3);
    add_text_list(words, 1, (struct ctr_text){name, strlen(name)});
    uint32_t about = add_words(words, 2); /* TypeSpecificInfo: none */
    if (!words->failed) {
        words->at[0] = kind;
        words->at[2] = struct_pointer(2, about, 1, 1);
    }
    end_payload(binary_of(writer), TAG_TYPE, 1, 2);
}

static void put_function(struct export_writer *writer, uint32_t path, uint32_t line,
                         struct ctr_text name)
{
    struct words *words = begin_payload(binary_of(writer), 3);
    add_number_struct(words, 0, path);
    add_number_struct(words, 1, line);
    add_text_list(words, 2, name);
    end_payload(binary_of(writer), TAG_FUNCTION, 0, 3);
}

static void put_step(struct export_writer *writer, uint32_t path, uint32_t line)
{
    struct binary *binary = binary_of(writer);
    uint64_t words[4] = {struct_pointer(0, 2, 1, 0), struct_pointer(1, 3, 1, 0), path, line};
    add_record(binary, TAG_STEP, struct_size(0, 2), false);
    put_words(binary, words, 4);
}

static void put_value(struct export_writer *writer, uint32_t variable,
                      const struct export_value *value)
{
    struct binary *binary = binary_of(writer);
    uint64_t words[3] = {struct_pointer(0, 2, 1, 0),
                         struct_pointer(1, 3, VALUE_DATA, VALUE_POINTERS), variable};
    add_record(binary, TAG_VALUE, struct_size(0, 2), false);
    put_words(binary, words, 3);
    put_encoded(binary, value);
}

/* The list of arguments, whose variable ids and values follow in order. */
static void put_call(struct export_writer *writer, uint32_t function,
                     const struct export_argument *arguments, uint32_t count)
{
    struct binary *binary = binary_of(writer);
    struct words *words = begin_payload(binary, 2);
    add_number_struct(words, 0, function);
    uint32_t list = add_words(words, 1 + 2ull * count);
    if (words->failed) {
        return;
    }
    words->at[1] = list_pointer(1, list, STRUCT_LIST, 2 * count);
    words->at[list] = (uint64_t)count << 2 | (uint64_t)struct_size(0, 2) << 32;
    uint32_t target = words->count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pointer = list + 1 + 2 * i;
        words->at[pointer] = struct_pointer(pointer, target, 1, 0);
        words->at[pointer + 1] =
            struct_pointer(pointer + 1, target + 1, VALUE_DATA, VALUE_POINTERS);
        target += 1 + arguments[i].value->words;
    }
    end_payload(binary, TAG_CALL, 0, 2);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t variable = arguments[i].variable;
        put_words(binary, &variable, 1);
        put_encoded(binary, arguments[i].value);
    }
}

static void put_return(struct export_writer *writer, const struct export_value *value)
{
    struct binary *binary = binary_of(writer);
    uint64_t word = struct_pointer(0, 1, VALUE_DATA, VALUE_POINTERS);
    add_record(binary, TAG_RETURN, struct_size(0, 1), false);
    put_words(binary, &word, 1);
    put_encoded(binary, value);
}

static void put_event(struct export_writer *writer, enum export_event kind,
                      struct ctr_text metadata, struct ctr_text content)
{
    struct words *words = begin_payload(binary_of(writer), 3);
    add_text_list(words, 1, content);
    add_text_list(words, 2, metadata);
    if (!words->failed) {
        words->at[0] = event_number(kind);
    }
    end_payload(binary_of(writer), TAG_EVENT, 1, 2);
}

/* ---- values
 * ----------------------------------------------------------------------------------------- */

static void begin_value(struct export_writer *writer, struct export_value *value)
{
    struct binary *binary = binary_of(writer);
    binary->value = value;
    binary->tree.count = 0;
    binary->level = 0;
    binary->next[0] = add_words(&binary->tree, VALUE_WORDS);
}

/* The record of the next element: its tag is set, `first` is its data word. */
static uint32_t next_value(struct binary *binary, enum export_kind kind)
{
    uint32_t at = binary->next[binary->level];
    binary->next[binary->level] += VALUE_WORDS;
    if (!binary->tree.failed) {
        binary->tree.at[at + 1] = value_tags[kind];
    }
    return at;
}

static void add_none(struct export_writer *writer, uint32_t type)
{
    struct binary *binary = binary_of(writer);
    uint32_t at = next_value(binary, EXPORT_V_NONE);
    add_number_struct(&binary->tree, at + VALUE_DATA, type);
}

static void add_number(struct export_writer *writer, enum export_kind kind, uint32_t type,
                       int64_t number)
{
    struct binary *binary = binary_of(writer);
    uint32_t at = next_value(binary, kind);
    if (!binary->tree.failed) {
        binary->tree.at[at] = kind == EXPORT_V_INT ? (uint64_t)number : number != 0;
    }
    add_number_struct(&binary->tree, at + VALUE_DATA, type);
}

static void add_text(struct export_writer *writer, enum export_kind kind, uint32_t type,
                     struct ctr_text text)
{
    struct binary *binary = binary_of(writer);
    uint32_t at = next_value(binary, kind);
    add_text_list(&binary->tree, at + VALUE_DATA, text);
    add_number_struct(&binary->tree, at + VALUE_DATA + 1, type);
}

static void open_value(struct export_writer *writer, enum export_kind kind, uint32_t count)
{
    struct binary *binary = binary_of(writer);
    struct words *words = &binary->tree;
    uint32_t at = next_value(binary, kind);
    uint64_t size = (uint64_t)count * VALUE_WORDS;
    uint32_t list = add_words(words, 1 + size);
    if (!words->failed) {
        words->at[at + VALUE_DATA] =
            list_pointer(at + VALUE_DATA, list, STRUCT_LIST, (uint32_t)size);
        words->at[list] = (uint64_t)count << 2 | (uint64_t)struct_size(VALUE_DATA, VALUE_POINTERS)
                                                     << 32;
    }
    binary->next[++binary->level] = list + 1;
    binary->open[binary->level] = at;
}

static void close_value(struct export_writer *writer, uint32_t type)
{
    struct binary *binary = binary_of(writer);
    add_number_struct(&binary->tree, binary->open[binary->level] + VALUE_DATA + 1, type);
    binary->level--;
}

static bool end_value(struct export_writer *writer)
{
    struct binary *binary = binary_of(writer);
    struct export_value *value = binary->value;
    const struct words *words = &binary->tree;
    value->bytes.size = 0;
    value->words = words->count;
    uint8_t *to =
        words->failed ? NULL : ct_bytes_reserve(&value->bytes, EXPORT_PACKED_MAX(words->count));
    if (to == NULL) {
        return false;
    }
    value->bytes.size = (size_t)(export_pack(to, words->at, words->count) - value->bytes.data);
    return true;
}

/* ---- the end
 * ---------------------------------------------------------------------------------------- */

static void put_record(struct binary *binary, const struct record *record)
{
    uint64_t words[RECORD_WORDS] = {record->tag};
    words[1] = offset_bits(binary->position + 1, record->target) | (record->is_list ? 1 : 0) |
               (uint64_t)record->size << 32;
    put_words(binary, words, RECORD_WORDS);
}

static void put_spool(struct binary *binary)
{
    for (uint32_t i = 0; i < binary->spooled; i++) {
        put_record(binary, &binary->spool[i]);
    }
}

/* All but the last records come back from their file. */
static void put_records(struct binary *binary)
{
    struct export_out *out = binary->writer.out;
    uint64_t left = binary->spool_fd < 0 ? 0 : binary->records;
    if (left > 0) {
        write_spool(binary);
    }
    off_t at = 0;
    while (left > 0 && out->status == CT_OK) {
        uint32_t count = left < SPOOL_RECORDS ? (uint32_t)left : SPOOL_RECORDS;
        size_t size = count * sizeof *binary->spool;
        if (pread(binary->spool_fd, binary->spool, size, at) != (ssize_t)size) {
            out->status =
                ct_fail_errno(out->error, "cannot read back the records of '%s'", out->path);
            return;
        }
        binary->spooled = count;
        put_spool(binary);
        at += (off_t)size;
        left -= count;
    }
    if (binary->spool_fd < 0) {
        put_spool(binary);
    }
}

/* The table's word is the segment's size in its upper half, the root pointer an offset and "no
 * data, one pointer". While the whole file is still in memory they are packed like everything else;
 * later at full width, whose zero bytes only `capnp decode` wonders at (it wants --quiet then). */
static void put_head(struct binary *binary, uint64_t trace)
{
    struct export_out *out = binary->writer.out;
    uint64_t words[2] = {
        binary->position << 32,
        offset_bits(0, trace) | (uint64_t)struct_size(0, 1) << 32,
    };
    uint8_t head[EXPORT_PACKED_MAX(2)];
    size_t size = (size_t)(export_pack(head, words, 2) - head);
    if (!export_out_replace(out, MAGIC_BYTES, HEAD_BYTES, head, size)) {
        uint8_t wide[HEAD_BYTES] = {[0] = 0xf0, [5] = 0x4f, [10] = 1};
        ct_store32(wide + 1, (uint32_t)(words[0] >> 32));
        ct_store32(wide + 6, (uint32_t)words[1]);
        export_out_patch(out, MAGIC_BYTES, wide, HEAD_BYTES);
    }
}

static int finish(struct export_writer *writer, struct ct_error *error)
{
    struct binary *binary = binary_of(writer);
    struct export_out *out = writer->out;
    if (binary->failed || binary->payload.failed) {
        return ct_fail(error, CT_ENOMEM, "no memory to export to '%s'", out->path);
    }
    if (binary->records >= SEGMENT_WORDS_MAX / RECORD_WORDS && out->status == CT_OK) {
        out->status = ct_fail(error, CT_ELIMIT,
                              "'%s' would have more records than the format allows", out->path);
    }
    uint64_t trace = binary->position;
    uint32_t size = (uint32_t)binary->records * RECORD_WORDS;
    uint64_t words[2] = {
        1 | (uint64_t)list_size(STRUCT_LIST, size) << 32,
        binary->records << 2 | (uint64_t)struct_size(1, 1) << 32,
    };
    put_words(binary, words, 2);
    put_records(binary);
    put_head(binary, trace);
    return out->status;
}

static void free_binary(struct export_writer *writer)
{
    struct binary *binary = binary_of(writer);
    if (binary->spool_fd >= 0) {
        close(binary->spool_fd);
    }
    free(binary->spool);
    free(binary->payload.at);
    free(binary->tree.at);
    free(binary);
}

static const struct export_writer_type binary_type = {
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
    .free = free_binary,
};

int export_binary_new(struct export_writer **writer, struct export_out *out, struct ct_error *error)
{
    struct binary *binary = calloc(1, sizeof *binary);
    struct record *spool = malloc(SPOOL_RECORDS * sizeof *spool);
    if (binary == NULL || spool == NULL) {
        free(binary);
        free(spool);
        return ct_fail(error, CT_ENOMEM, "no memory for an export");
    }
    binary->writer = (struct export_writer){.type = &binary_type, .out = out};
    binary->spool = spool;
    binary->spool_fd = -1;
    binary->position = 1; /* the root pointer */
    static const uint8_t head[HEAD_BYTES] = {0};
    export_out_add(out, EXPORT_BINARY_MAGIC, MAGIC_BYTES);
    export_out_add(out, head, HEAD_BYTES);
    *writer = &binary->writer;
    return CT_OK;
}
