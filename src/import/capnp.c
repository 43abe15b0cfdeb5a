#include "import/capnp.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"

enum {
    READ_BYTES = 256 << 10,
    WRITE_WORDS = 32 << 10,
    RUN_WORDS = 256, /* words that two bytes can stand for */
    SEGMENTS_MAX = 1 << 20,
    ZERO_RUN = 0x00,
    PLAIN_RUN = 0xff,
    KIND_STRUCT = 0,
    KIND_LIST = 1,
    KIND_FAR = 2,
    LIST_BYTES = 2, /* element sizes of lists */
    LIST_STRUCTS = 7,
};

/* A small file may be a large message. */
static const uint64_t words_max = 1ull << 30;

/* ---- Unpacking ---- */

struct unpacker {
    int in, out;
    const char *path;
    const char *scratch;
    uint64_t least;
    uint8_t *bytes; /* of the file */
    size_t at, end;
    uint64_t *words; /* for the scratch file */
    size_t held;
    uint64_t total;
    struct ct_error *error;
    int status;
};

/* -1: the end, or `status` says why. */
static int next_byte(struct unpacker *unpacker)
{
    if (unpacker->at == unpacker->end) {
        ssize_t got = read(unpacker->in, unpacker->bytes, READ_BYTES);
        if (got < 0) {
            unpacker->status = ct_fail_errno(unpacker->error, "cannot read '%s'", unpacker->path);
        }
        if (got <= 0) {
            return -1;
        }
        unpacker->at = 0;
        unpacker->end = (size_t)got;
    }
    return unpacker->bytes[unpacker->at++];
}

static void flush_words(struct unpacker *unpacker)
{
    if (unpacker->status == CT_OK) {
        unpacker->status =
            ct_check_space(unpacker->out, unpacker->least, unpacker->scratch, unpacker->error);
    }
    if (unpacker->status == CT_OK) {
        unpacker->status =
            ct_write_all(unpacker->out, unpacker->words, unpacker->held * sizeof(uint64_t),
                         "the unpacked message", unpacker->error);
    }
    unpacker->held = 0;
}

static void add_word(struct unpacker *unpacker, uint64_t word)
{
    if (unpacker->held == WRITE_WORDS) {
        flush_words(unpacker);
    }
    unpacker->words[unpacker->held++] = word;
    if (++unpacker->total > words_max && unpacker->status == CT_OK) {
        unpacker->status =
            ct_fail(unpacker->error, CT_ELIMIT, "%s: more than 8 GiB unpacked", unpacker->path);
    }
}

static bool needed_byte(struct unpacker *unpacker, uint8_t *byte)
{
    int got = next_byte(unpacker);
    if (got < 0 && unpacker->status == CT_OK) {
        unpacker->status =
            ct_fail(unpacker->error, CT_EFORMAT, "%s: the file ends inside a word of its message",
                    unpacker->path);
    }
    *byte = (uint8_t)got;
    return got >= 0;
}

static bool unpack_word(struct unpacker *unpacker, uint8_t tag)
{
    uint8_t bytes[8] = {0};
    uint64_t word;
    for (unsigned i = 0; i < 8; i++) {
        if ((tag >> i & 1) != 0 && !needed_byte(unpacker, &bytes[i])) {
            return false;
        }
    }
    memcpy(&word, bytes, sizeof word);
    add_word(unpacker, word);
    return true;
}

static bool unpack_run(struct unpacker *unpacker, uint8_t tag)
{
    uint8_t count;
    bool is_whole = needed_byte(unpacker, &count);
    for (unsigned i = 0; i < count && is_whole; i++) {
        is_whole = unpack_word(unpacker, tag);
    }
    return is_whole;
}

static void unpack(struct unpacker *unpacker)
{
    int tag;
    while (unpacker->status == CT_OK && (tag = next_byte(unpacker)) >= 0) {
        if (!unpack_word(unpacker, (uint8_t)tag)) {
            break;
        }
        if ((tag == ZERO_RUN || tag == PLAIN_RUN) && !unpack_run(unpacker, (uint8_t)tag)) {
            break;
        }
    }
    flush_words(unpacker);
}

/* ---- Opening ---- */

static int read_table(struct capnp *message, const char *path, struct ct_error *error)
{
    uint64_t total = message->bytes / 8;
    const uint8_t *table = (const uint8_t *)message->words;
    uint64_t count = (uint64_t)ct_load32(table) + 1;
    uint64_t start = (count + 2) / 2; /* the count and the sizes, to a whole word */
    if (count > SEGMENTS_MAX || start > total) {
        return ct_fail(error, CT_EFORMAT, "%s: its message has a wrong table of segments", path);
    }
    message->segments = calloc(count, sizeof *message->segments);
    if (message->segments == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    message->segment_count = (uint32_t)count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = ct_load32(table + 4 + 4 * (size_t)i);
        message->segments[i] = (struct capnp_segment){start, size};
        start += size;
    }
    if (start > total) {
        return ct_fail(error, CT_EFORMAT, "%s: its message is cut off", path);
    }
    message->work = total * 4 + 1024;
    return CT_OK;
}

static int map(struct capnp *message, int fd, uint64_t words, const char *path,
               struct ct_error *error)
{
    message->bytes = words * 8;
    void *at = words == 0 ? MAP_FAILED : mmap(NULL, message->bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (words == 0) {
        return ct_fail(error, CT_EFORMAT, "%s: there is no message in it", path);
    }
    if (at == MAP_FAILED) {
        return ct_fail_errno(error, "cannot map the unpacked message of '%s'", path);
    }
    message->words = at;
    return read_table(message, path, error);
}

static int unpack_file(struct unpacker *unpacker, size_t skip)
{
    unpacker->bytes = malloc(READ_BYTES);
    unpacker->words = malloc(WRITE_WORDS * sizeof *unpacker->words);
    unpacker->in = open(unpacker->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    unpacker->out = open(unpacker->scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (unpacker->bytes == NULL || unpacker->words == NULL) {
        return ct_fail(unpacker->error, CT_ENOMEM, "out of memory");
    }
    if (unpacker->in < 0 || lseek(unpacker->in, (off_t)skip, SEEK_SET) < 0) {
        return ct_fail_errno(unpacker->error, "cannot open '%s'", unpacker->path);
    }
    if (unpacker->out < 0) {
        return ct_fail_errno(unpacker->error, "cannot make a file in '%s'", unpacker->scratch);
    }
    unpack(unpacker);
    return unpacker->status;
}

int capnp_open(struct capnp *message, const char *path, size_t skip, const char *scratch,
               uint64_t least, struct ct_error *error)
{
    struct unpacker unpacker = {
        .in = -1, .out = -1, .path = path, .scratch = scratch, .least = least, .error = error};
    *message = (struct capnp){0};
    int status = unpack_file(&unpacker, skip);
    if (status == CT_OK) {
        status = map(message, unpacker.out, unpacker.total, path, error);
    }
    if (unpacker.in >= 0) {
        close(unpacker.in);
    }
    if (unpacker.out >= 0) {
        close(unpacker.out);
    }
    free(unpacker.bytes);
    free(unpacker.words);
    if (status != CT_OK) {
        capnp_close(message);
    }
    return status;
}

void capnp_close(struct capnp *message)
{
    if (message->words != NULL) {
        munmap(message->words, message->bytes);
    }
    free(message->segments);
    *message = (struct capnp){0};
}

/* ---- Pointers ---- */

static bool fail(struct capnp *message, const char *error)
{
    message->error = error;
    return false;
}

static bool spend(struct capnp *message, uint64_t words)
{
    if (words > message->work) {
        return fail(message, "its pointers lead to the same places again and again");
    }
    message->work -= words;
    return true;
}

/* Whether `words` words from `at`, a word of the message, are in a segment. */
static bool is_inside(const struct capnp *message, uint32_t segment, uint64_t at, uint64_t words)
{
    const struct capnp_segment *about = &message->segments[segment];
    return at >= about->start && at <= about->start + about->size &&
           words <= about->start + about->size - at;
}

/* Where a pointer leads, over far pointers: its own bits, and what its offset counts from. */
struct target {
    uint64_t bits;
    uint32_t segment;
    uint64_t start;
    bool is_null;
};

static bool find_pad(struct capnp *message, uint64_t far, uint32_t *segment, uint64_t *pad,
                     uint64_t words)
{
    *segment = (uint32_t)(far >> 32);
    if (*segment >= message->segment_count) {
        return fail(message, "a pointer leads to a segment that is not there");
    }
    *pad = message->segments[*segment].start + ((uint32_t)far >> 3);
    return is_inside(message, *segment, *pad, words)
               ? true
               : fail(message, "a pointer leads out of its segment");
}

static int64_t offset_of(uint64_t pointer)
{
    return (int32_t)(uint32_t)pointer >> 2;
}

static bool follow_far(struct capnp *message, uint64_t far, struct target *target)
{
    bool is_double = (far & 4) != 0;
    uint64_t pad;
    if (!find_pad(message, far, &target->segment, &pad, is_double ? 2 : 1)) {
        return false;
    }
    target->bits = message->words[pad];
    if (!is_double) {
        target->start = pad + 1 + (uint64_t)offset_of(target->bits);
        return (target->bits & 3) == KIND_FAR ? fail(message, "a far pointer leads to another")
                                              : true;
    }
    uint64_t inner = target->bits;
    target->bits = message->words[pad + 1];
    if ((inner & 7) != KIND_FAR || (target->bits & 3) == KIND_FAR) {
        return fail(message, "a far pointer leads to another");
    }
    return find_pad(message, inner, &target->segment, &target->start, 0);
}

/* `at`: the pointer's own word. */
static bool follow(struct capnp *message, uint32_t segment, uint64_t at, struct target *target)
{
    uint64_t bits = message->words[at];
    *target = (struct target){.bits = bits, .segment = segment, .is_null = bits == 0};
    if (target->is_null) {
        return true;
    }
    if ((bits & 3) == KIND_FAR) {
        return follow_far(message, bits, target);
    }
    target->start = at + 1 + (uint64_t)offset_of(bits);
    return true;
}

static bool enter_struct(struct capnp *message, const struct target *target,
                         struct capnp_struct *to)
{
    *to = (struct capnp_struct){.segment = target->segment};
    if (target->is_null) {
        return true;
    }
    uint32_t data = (uint32_t)(target->bits >> 32) & 0xffff;
    uint32_t pointers = (uint32_t)(target->bits >> 48);
    if ((target->bits & 3) != KIND_STRUCT) {
        return fail(message, "a pointer should lead to a struct");
    }
    if (!is_inside(message, target->segment, target->start, (uint64_t)data + pointers)) {
        return fail(message, "a pointer leads out of its segment");
    }
    *to = (struct capnp_struct){target->segment, target->start, data, pointers};
    return spend(message, (uint64_t)data + pointers + 1);
}

bool capnp_root(struct capnp *message, struct capnp_struct *root)
{
    struct target target;
    if (message->segments[0].size == 0) {
        return fail(message, "its first segment is empty");
    }
    return follow(message, 0, message->segments[0].start, &target) &&
           enter_struct(message, &target, root);
}

/* A pointer of a struct; one it does not have is null. */
static bool follow_member(struct capnp *message, const struct capnp_struct *from, uint32_t pointer,
                          struct target *target)
{
    *target = (struct target){.segment = from->segment, .is_null = true};
    return pointer >= from->pointers ||
           follow(message, from->segment, from->data + from->data_words + pointer, target);
}

bool capnp_get_struct(struct capnp *message, const struct capnp_struct *from, uint32_t pointer,
                      struct capnp_struct *to)
{
    struct target target;
    return follow_member(message, from, pointer, &target) && enter_struct(message, &target, to);
}

/* A list of structs: its first word says how many there are, and how large. */
static bool enter_structs(struct capnp *message, const struct target *target, uint32_t words,
                          struct capnp_list *to)
{
    if (!is_inside(message, target->segment, target->start, (uint64_t)words + 1)) {
        return fail(message, "a list leads out of its segment");
    }
    uint64_t tag = message->words[target->start];
    to->count = (uint32_t)tag >> 2;
    to->data_words = (uint32_t)(tag >> 32) & 0xffff;
    to->pointers = (uint32_t)(tag >> 48);
    to->first = target->start + 1;
    to->has_structs = true;
    uint64_t size = (uint64_t)to->data_words + to->pointers;
    if ((tag & 3) != KIND_STRUCT || size * to->count > words) {
        return fail(message, "a list is longer than its place");
    }
    /* Elements of no size cost something, too. */
    return spend(message, (uint64_t)words + to->count + 1);
}

bool capnp_get_list(struct capnp *message, const struct capnp_struct *from, uint32_t pointer,
                    struct capnp_list *to)
{
    struct target target;
    if (!follow_member(message, from, pointer, &target)) {
        return false;
    }
    *to = (struct capnp_list){.segment = target.segment};
    if (target.is_null) {
        return true;
    }
    uint32_t size = (uint32_t)(target.bits >> 32) & 7;
    uint32_t count = (uint32_t)(target.bits >> 35);
    if ((target.bits & 3) != KIND_LIST) {
        return fail(message, "a pointer should lead to a list");
    }
    if (size == LIST_STRUCTS) {
        return enter_structs(message, &target, count, to);
    }
    uint64_t words = ((uint64_t)count + 7) / 8;
    if (size != LIST_BYTES || !is_inside(message, target.segment, target.start, words)) {
        return fail(message, size != LIST_BYTES ? "a list of another kind should be there"
                                                : "a list leads out of its segment");
    }
    to->first = target.start;
    to->count = count;
    return spend(message, words + 1);
}

bool capnp_get_bytes(struct capnp *message, const struct capnp_struct *from, uint32_t pointer,
                     const void **bytes, size_t *size)
{
    struct capnp_list list;
    if (!capnp_get_list(message, from, pointer, &list)) {
        return false;
    }
    if (list.has_structs) {
        return fail(message, "a text should be there");
    }
    *bytes = message->words + list.first;
    *size = list.count;
    return true;
}

bool capnp_get_text(struct capnp *message, const struct capnp_struct *from, uint32_t pointer,
                    const char **text, size_t *size)
{
    const void *bytes;
    if (!capnp_get_bytes(message, from, pointer, &bytes, size)) {
        return false;
    }
    *text = bytes;
    if (*size > 0 && (*text)[--*size] != '\0') {
        return fail(message, "a text without its end");
    }
    return true;
}

struct capnp_struct capnp_element(const struct capnp_list *list, uint32_t index)
{
    uint64_t size = (uint64_t)list->data_words + list->pointers;
    return (struct capnp_struct){list->segment, list->first + index * size, list->data_words,
                                 list->pointers};
}
