/* Damaged traces: every prefix, every changed byte, random corruptions with their checksums made
 * right again so that what is behind them is reached, damaged tails, and the corpus of files that
 * once did harm. Each opens as complete up to somewhere, or is refused; nothing crashes or hangs.
 *
 * test_damage [COUNT [FIRST]]: so many random corruptions of each sort, from that number on. A
 * number alone decides what is done; what did harm is left in the file that is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "base/bytes.h"
#include "trace/block.h"
#include "trace/format.h"
#include "trace/recover.h"
#include "trace/tail.h"
#include "trace_builder.h"
#include "use_trace.h"

enum {
    PATIENCE_S = 60, /* for one damaged file; it takes milliseconds */
    MOST_BLOCKS = 400,
    ROOM = 4096, /* how much a spoiled block may grow */
};

static unsigned count = 120;
static size_t stride = 7; /* of the prefixes and bytes that are tried; a campaign tries all */
static unsigned first_number = 0;

/* ---- files ---- */

/* Only what is not zero is written: most of a tail is holes. And it is a new file each time: one
 * that is cut to nothing and written again waits for the disk. */
static void write_file(const char *path, const uint8_t *data, size_t size)
{
    enum { PAGE = 4096 };
    static const uint8_t zeros[PAGE];
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    for (size_t at = 0; at < size; at += PAGE) {
        size_t part = size - at < PAGE ? size - at : PAGE;
        if (memcmp(data + at, zeros, part) != 0) {
            assert_int_equal(pwrite(fd, data + at, part, (off_t)at), part);
        }
    }
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
}

static const char *tail_of(const char *path)
{
    static char tail[4200];
    snprintf(tail, sizeof tail, "%s.tail", path);
    return tail;
}

/* A trace, and its tail when it has one. */
struct image {
    struct tb_bytes trace, tail;
};

static struct image read_image(const char *path)
{
    const char *tail = tail_of(path);
    bool has_tail = access(tail, F_OK) == 0;
    return (struct image){tb_read_file(path), has_tail ? tb_read_file(tail) : (struct tb_bytes){0}};
}

static void free_image(struct image *image)
{
    free(image->trace.data);
    free(image->tail.data);
}

static void write_image(const char *path, const struct image *image)
{
    write_file(path, image->trace.data, image->trace.size);
    if (image->tail.data != NULL) {
        write_file(tail_of(path), image->tail.data, image->tail.size);
    }
}

/* ---- what the tests share ---- */

struct place { /* one test's */
    char *path;
    char *said; /* file that is the standard error meanwhile */
    int real_output;
};

static int real_errors;

/* What was said last, to the real standard error: a sanitizer's report, most of all. */
static void tell(int number)
{
    char said[8192];
    ssize_t size = pread(STDERR_FILENO, said, sizeof said, 0);
    if (size > 0 && write(real_errors, said, (size_t)size) != size) {
        _exit(1);
    }
    signal(number, SIG_DFL);
    raise(number);
}

/* Reading what is damaged says much; a test's own output must stay readable. */
static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    place->path = tb_path();
    place->said = malloc(90);
    snprintf(place->said, 90, "%s.said", place->path);
    fflush(stdout);
    fflush(stderr);
    place->real_output = dup(STDOUT_FILENO);
    real_errors = dup(STDERR_FILENO);
    int nowhere = open("/dev/null", O_WRONLY);
    int said = open(place->said, O_CREAT | O_RDWR | O_APPEND, 0600);
    dup2(nowhere, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    close(nowhere);
    close(said);
    signal(SIGABRT, tell);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    alarm(0);
    fflush(stdout);
    fflush(stderr);
    dup2(place->real_output, STDOUT_FILENO);
    dup2(real_errors, STDERR_FILENO);
    close(place->real_output);
    close(real_errors);
    signal(SIGABRT, SIG_DFL);
    unlink(place->said);
    free(place->said);
    tb_remove(place->path);
    free(place);
    return 0;
}

/* Use what is at the test's path in every way; what it turned out to be. */
static struct ct_use use(const struct place *place, unsigned number)
{
    struct ct_use use;
    char problem[200];
    bool emptied = ftruncate(STDERR_FILENO, 0) == 0;
    assert_true(emptied);
    alarm(PATIENCE_S);
    bool kept = use_library(place->path, &use, problem);
    if (!kept) {
        fail_msg("number %u: %s", number, problem);
    }
    unsigned command = number % use_command_count();
    int status = use_command(place->path, command);
    if (status != 0 && status != 1) {
        fail_msg("number %u: ct %s ended with %d", number, use_command_name(command), status);
    }
    return use;
}

static struct image small_trace(const char *path, unsigned steps, unsigned block_bytes)
{
    struct tb tb;
    tb_open(&tb, path, 2, 4);
    tb.block_bytes = block_bytes;
    tb_random(&tb, steps);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct image image = read_image(path);
    unlink(path);
    return image;
}

static struct image killed_trace(const char *path, unsigned steps, unsigned block_bytes)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct tb tb;
        tb_open(&tb, path, 2, 77);
        tb.block_bytes = block_bytes;
        tb_random(&tb, steps);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    struct image image = read_image(path);
    unlink(path);
    unlink(tail_of(path));
    return image;
}

static struct image golden_trace(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/golden/%s", CT_TESTS, name);
    struct image image = read_image(path);
    assert_non_null(image.trace.data);
    return image;
}

/* ---- every prefix, every byte ---- */

static void every_prefix(void **state)
{
    const struct place *place = *state;
    struct image whole = small_trace(place->path, 40, 150);
    unsigned long long steps = 0;
    for (size_t size = whole.trace.size % stride; size < whole.trace.size; size += stride) {
        write_file(place->path, whole.trace.data, size);
        struct ct_use used = use(place, (unsigned)size);
        assert_false(used.complete);
        assert_true(used.opened == (size >= CTR_HEADER_BYTES));
        assert_true(used.steps >= steps);
        steps = used.steps;
    }
    assert_int_equal(steps, 40);
    free_image(&whole);
}

static void every_byte(void **state)
{
    const struct place *place = *state;
    struct image whole = small_trace(place->path, 40, 150);
    for (size_t at = 0; at < whole.trace.size; at += stride) {
        whole.trace.data[at] ^= (uint8_t)(1u << at % 8);
        write_image(place->path, &whole);
        assert_false(use(place, (unsigned)at).sound);
        whole.trace.data[at] ^= (uint8_t)(1u << at % 8);
    }
    free_image(&whole);
}

/* ---- random corruptions ---- */

struct spoiler {
    uint64_t seed;
};

static uint64_t pick(struct spoiler *spoiler, uint64_t below)
{
    return below == 0 ? 0 : (tb_next_random(&spoiler->seed) >> 16) % below;
}

/* Bytes that mean much: ends of ranges, long numbers, and what opens deep or long things. */
static const struct {
    uint8_t size;
    uint8_t bytes[10];
} telling[] = {
    {1, {0x00}},
    {1, {0xff}},
    {1, {0x7f}},
    {2, {0xff, 0x7f}},
    {3, {0x80, 0x80, 0x00}},
    {5, {0xff, 0xff, 0xff, 0xff, 0x0f}},
    {10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}},
    {10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {8, {0, 0, 0, 0, 0, 0, 0, 0x80}},
    {2, {CTR_V_TUPLE, 1}},
    {2, {CTR_V_NODE, 0}},
    {3, {CTR_V_NODE_FAR, 1, 0}},
    {2, {CTR_V_AS, 0}},
};

/* Change some bytes of `size`; the new size, at most ROOM more, the same with `keeps_size`. */
static size_t spoil(struct spoiler *spoiler, uint8_t *data, size_t size, bool keeps_size)
{
    if (size == 0) {
        return 0;
    }
    size_t at = pick(spoiler, size), left = size - at;
    size_t length = 1 + pick(spoiler, left < 24 ? left : 24);
    size_t from = pick(spoiler, size - length + 1);
    switch (pick(spoiler, keeps_size ? 5 : 7)) {
    case 0:
        data[at] = (uint8_t)pick(spoiler, 256);
        break;
    case 1:
        data[at] ^= (uint8_t)(1u << pick(spoiler, 8));
        break;
    case 2: {
        size_t which = pick(spoiler, sizeof telling / sizeof telling[0]);
        size_t take = telling[which].size < left ? telling[which].size : left;
        memcpy(data + at, telling[which].bytes, take);
        break;
    }
    case 3:
        memmove(data + at, data + from, length);
        break;
    case 4:
        for (size_t i = 0; i < length; i++) {
            data[at + i] = (uint8_t)pick(spoiler, 256);
        }
        break;
    case 5: /* something is missing */
        memmove(data + at, data + at + length, left - length);
        return size - length;
    default: /* something comes twice */
        memmove(data + at + length, data + at, left);
        return size + length;
    }
    return size;
}

struct block {
    struct ctr_block_info info;
    size_t at; /* of its header */
};

static unsigned list_blocks(const struct tb_bytes *trace, struct block *blocks)
{
    unsigned found = 0;
    for (size_t at = CTR_HEADER_BYTES;
         at + CTR_BLOCK_HEADER_BYTES <= trace->size && found < MOST_BLOCKS; found++) {
        if (ctr_get_block_header(trace->data + at, &blocks[found].info, NULL) != CT_OK) {
            break;
        }
        blocks[found].at = at;
        at += CTR_BLOCK_HEADER_BYTES + blocks[found].info.stored_size;
    }
    return found;
}

/* Store `raw` in exactly `room` bytes: what is left over becomes a frame that zstd skips. */
static bool pack_into(struct ctr_block_info *info, const uint8_t *raw, size_t size, uint8_t *to,
                      size_t room)
{
    enum { SKIPPABLE = 0x184d2a50, FRAME_HEAD = 8 };
    if (size == room) {
        memcpy(to, raw, size);
        info->codec = CTR_STORED;
    } else {
        size_t packed = ZSTD_compress(to, room, raw, size, 19);
        if (ZSTD_isError(packed) || (packed != room && packed + FRAME_HEAD > room)) {
            return false;
        }
        if (packed < room) {
            memset(to + packed, 0, room - packed);
            ct_store32(to + packed, SKIPPABLE);
            ct_store32(to + packed + 4, (uint32_t)(room - packed - FRAME_HEAD));
        }
        info->codec = CTR_ZSTD;
    }
    info->raw_size = (uint32_t)size;
    info->stored_size = (uint32_t)room;
    info->checksum = ctr_checksum(to, room);
    return true;
}

/* Append a block of what `raw` is now, checksums right. */
static void add_block(struct ct_bytes *to, const struct block *block, const uint8_t *raw,
                      size_t size)
{
    uint8_t header[CTR_BLOCK_HEADER_BYTES];
    struct ctr_block_info info = block->info;
    size_t room = size > info.stored_size ? size : info.stored_size;
    uint8_t *stored = malloc(room + 1);
    assert_non_null(stored);
    if (!pack_into(&info, raw, size, stored, block->info.stored_size)) {
        bool fits = pack_into(&info, raw, size, stored, size);
        assert_true(fits);
    }
    ctr_put_block_header(header, &info);
    ct_bytes_add(to, header, sizeof header);
    ct_bytes_add(to, stored, info.stored_size);
    free(stored);
}

static void add_spoiled(struct spoiler *spoiler, struct ct_bytes *to, const struct tb_bytes *trace,
                        const struct block *block)
{
    size_t size = block->info.raw_size;
    uint8_t *raw = calloc(1, size + ROOM);
    assert_non_null(raw);
    assert_int_equal(
        ctr_unpack(&block->info, trace->data + block->at + CTR_BLOCK_HEADER_BYTES, raw, NULL),
        CT_OK);
    unsigned times = 1 + (unsigned)pick(spoiler, 3);
    bool keeps_size = pick(spoiler, 2) == 0;
    for (unsigned i = 0; i < times; i++) {
        size = spoil(spoiler, raw, size, keeps_size);
    }
    add_block(to, block, raw, size);
    free(raw);
}

/* The trace with one block spoiled inside, all checksums right; with or without its end. */
static struct tb_bytes spoil_inside(struct spoiler *spoiler, const struct tb_bytes *trace)
{
    struct block blocks[MOST_BLOCKS];
    unsigned found = list_blocks(trace, blocks);
    unsigned chosen = (unsigned)pick(spoiler, found);
    if (pick(spoiler, 3) == 0) { /* what opens the others is rare among them */
        chosen = found - 1 - (unsigned)pick(spoiler, found < 2 ? found : 2);
    }
    bool has_end = pick(spoiler, 4) != 0;
    struct ct_bytes to = {0};
    uint64_t end = 0;
    ct_bytes_add(&to, trace->data, CTR_HEADER_BYTES);
    for (unsigned i = 0; i < found; i++) {
        if (blocks[i].info.kind == CTR_END) {
            end = to.size;
            if (!has_end) {
                break;
            }
        }
        if (i == chosen) {
            add_spoiled(spoiler, &to, trace, &blocks[i]);
        } else {
            ct_bytes_add(&to, trace->data + blocks[i].at,
                         CTR_BLOCK_HEADER_BYTES + blocks[i].info.stored_size);
        }
    }
    if (has_end) {
        uint8_t trailer[CTR_TRAILER_BYTES];
        ctr_put_trailer(trailer, end);
        ct_bytes_add(&to, trailer, sizeof trailer);
    }
    assert_false(to.failed);
    return (struct tb_bytes){to.data, to.size};
}

/* One of the fixed headers with a wrong field and a right checksum. */
static struct tb_bytes spoil_header(struct spoiler *spoiler, const struct tb_bytes *trace)
{
    struct block blocks[MOST_BLOCKS];
    unsigned found = list_blocks(trace, blocks);
    struct tb_bytes copy = {malloc(trace->size + ROOM), trace->size};
    assert_non_null(copy.data);
    memcpy(copy.data, trace->data, trace->size);
    uint8_t *at;
    size_t fields;
    switch (pick(spoiler, 4)) {
    case 0:
        at = copy.data;
        fields = CTR_HEADER_BYTES - 8;
        break;
    case 1:
        at = copy.data + copy.size - CTR_TRAILER_BYTES;
        fields = CTR_TRAILER_BYTES - 8;
        break;
    default:
        at = copy.data + blocks[pick(spoiler, found)].at;
        fields = CTR_BLOCK_HEADER_BYTES - 8;
    }
    spoil(spoiler, at, fields, true);
    ct_store64(at + fields, ctr_checksum(at, fields));
    return copy;
}

/* Without the checksums: what a disk or an editor does. */
static struct tb_bytes spoil_outside(struct spoiler *spoiler, const struct tb_bytes *trace)
{
    struct tb_bytes copy = {malloc(trace->size + ROOM), trace->size};
    assert_non_null(copy.data);
    memcpy(copy.data, trace->data, trace->size);
    unsigned times = 1 + (unsigned)pick(spoiler, 3);
    for (unsigned i = 0; i < times && copy.size > 0; i++) {
        copy.size = spoil(spoiler, copy.data, copy.size, false);
    }
    if (pick(spoiler, 4) == 0) {
        copy.size = pick(spoiler, copy.size);
    }
    return copy;
}

static void spoil_often(const struct place *place,
                        struct tb_bytes (*how)(struct spoiler *, const struct tb_bytes *))
{
    struct image origins[] = {
        golden_trace("tour.ctr"), golden_trace("tasks.ctr"), small_trace(place->path, 300, 100),
        small_trace(place->path, 400, 40), /* several INDEX blocks */
    };
    enum { ORIGINS = sizeof origins / sizeof origins[0] };
    for (unsigned i = 0; i < ORIGINS; i++) {
        write_image(place->path, &origins[i]);
        assert_true(use(place, i).sound);
    }
    for (unsigned number = first_number; number < first_number + count; number++) {
        struct spoiler spoiler = {number * 0x9e3779b97f4a7c15ull + 1};
        struct tb_bytes bad = how(&spoiler, &origins[number % ORIGINS].trace);
        write_file(place->path, bad.data, bad.size);
        free(bad.data);
        use(place, number);
    }
    for (unsigned i = 0; i < ORIGINS; i++) {
        free_image(&origins[i]);
    }
}

static void spoiled_inside(void **state)
{
    spoil_often(*state, spoil_inside);
}

static void spoiled_headers(void **state)
{
    spoil_often(*state, spoil_header);
}

static void spoiled_outside(void **state)
{
    spoil_often(*state, spoil_outside);
}

/* ---- the tail, and recovery ---- */

static void spoil_slot(struct spoiler *spoiler, struct tb_bytes *tail)
{
    size_t slot = pick(spoiler, ct_load32(tail->data + 24));
    size_t capacity = ct_load32(tail->data + 28);
    uint8_t *header = tail->data + CTR_TAIL_PAGE + slot * CTR_TAIL_SLOT_HEADER_BYTES;
    size_t used = (size_t)ct_load64(header + 8);
    if (pick(spoiler, 3) == 0) {
        spoil(spoiler, header, 20, true);
    } else {
        spoil(spoiler, tail->data + 2 * CTR_TAIL_PAGE + slot * capacity, used, true);
    }
}

static void spoil_tail(struct spoiler *spoiler, struct tb_bytes *tail)
{
    if (tail->size == 0) {
        return;
    }
    switch (pick(spoiler, 6)) {
    case 0:
        spoil(spoiler, tail->data, CTR_TAIL_PAGE, true);
        break;
    case 1:
        spoil(spoiler, tail->data, 32, true);
        break;
    case 2:
        tail->size = pick(spoiler, tail->size);
        break;
    default:
        spoil_slot(spoiler, tail);
    }
}

static void spoiled_tails(void **state)
{
    const struct place *place = *state;
    struct image origins[] = {
        killed_trace(place->path, 120, 400),
        killed_trace(place->path, 30, 0),
    };
    enum { ORIGINS = sizeof origins / sizeof origins[0] };
    for (unsigned number = first_number; number < first_number + count; number++) {
        struct spoiler spoiler = {number * 0x9e3779b97f4a7c15ull + 7};
        struct image bad = origins[number % ORIGINS];
        struct ct_error error = {0};
        uint8_t *tail = malloc(bad.tail.size);
        bad.tail.data = memcpy(tail, bad.tail.data, bad.tail.size);
        spoil_tail(&spoiler, &bad.tail);
        write_image(place->path, &bad);
        free(tail);
        use(place, number);
        int status = ctr_recover(place->path, CTR_ENDED_BY_SIGNAL, 9, &error);
        assert_true(status == CT_OK || error.message[0] != '\0');
        struct ct_use after = use(place, number);
        assert_true(status != CT_OK || after.complete);
    }
    for (unsigned i = 0; i < ORIGINS; i++) {
        free_image(&origins[i]);
    }
}

/* What recovery makes of a trace whose stored blocks are bad is no worse than what it was. */
static void spoiled_and_recovered(void **state)
{
    const struct place *place = *state;
    struct image whole = small_trace(place->path, 300, 100);
    for (unsigned number = first_number; number < first_number + count / 4; number++) {
        struct spoiler spoiler = {number * 0x9e3779b97f4a7c15ull + 9};
        struct ct_error error = {0};
        struct tb_bytes bad = number % 2 == 0 ? spoil_inside(&spoiler, &whole.trace)
                                              : spoil_outside(&spoiler, &whole.trace);
        write_file(place->path, bad.data, bad.size);
        free(bad.data);
        struct ct_use before = use(place, number);
        int status = ctr_recover(place->path, CTR_ENDED_BY_SIGNAL, 9, &error);
        assert_true(status == CT_OK || error.message[0] != '\0');
        struct ct_use after = use(place, number);
        assert_int_equal(after.opened, before.opened);
        assert_true(after.steps >= before.steps);
    }
    free_image(&whole);
}

/* ---- the corpus ---- */

static void corpus(void **state)
{
    const struct place *place = *state;
    unsigned files = 0;
    DIR *folder = opendir(CT_TESTS "/corpus/trace");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size < 4 || strcmp(entry->d_name + size - 4, ".ctr") != 0) {
            continue;
        }
        char path[4096];
        snprintf(path, sizeof path, "%s/corpus/trace/%s", CT_TESTS, entry->d_name);
        struct image image = read_image(path);
        write_image(place->path, &image);
        for (unsigned i = 0; i < use_command_count(); i++) {
            use(place, i);
        }
        unlink(tail_of(place->path));
        free_image(&image);
        files++;
    }
    closedir(folder);
    assert_true(files > 0);
}

int main(int argc, char **argv)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(every_prefix),          CASE(every_byte),      CASE(spoiled_inside),
        CASE(spoiled_headers),       CASE(spoiled_outside), CASE(spoiled_tails),
        CASE(spoiled_and_recovered), CASE(corpus),
    };
    stride = argc > 1 ? 1 : stride;
    count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : count;
    first_number = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
