/* What can be read is read, what cannot is said; no bytes crash or hang the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "trace/recover.h"
#include "trace/trace_internal.h"
#include "trace/verify.h"
#include "trace_builder.h"

/* ---- helpers ---- */

static void write_file(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

/* Change a file in place: replacing it thousands of times would wait for the disk each time. */
static void write_at(const char *path, size_t at, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, size, (off_t)at), size);
    close(fd);
}

static char *tail_of(const char *path)
{
    static char tail[80];
    snprintf(tail, sizeof tail, "%s.tail", path);
    return tail;
}

static uint64_t findings(struct ctr_trace *trace, char first[CTR_FINDING_BYTES])
{
    struct ctr_verify_report report;
    struct ct_error error = {0};
    assert_int_equal(ctr_verify(trace, &report, &error), CT_OK);
    uint64_t count = report.findings;
    first[0] = '\0';
    if (count > 0) {
        strcpy(first, report.list[0].text);
    }
    ctr_verify_clear(&report);
    return count;
}

/* Use everything there is to use; the number of lines met. */
static uint64_t use(struct ctr_trace *trace, bool look)
{
    struct ctr_player *player;
    struct ctr_event event;
    struct ct_error error = {0};
    uint64_t lines = 0;
    assert_int_equal(ctr_player_new(&player, trace, &error), CT_OK);
    while (ctr_player_next(player, &event, &error) == CT_OK) {
        lines += event.kind == CTR_EVENT_LINE;
        if (look && event.kind == CTR_EVENT_LINE && event.step % 7 == 0) {
            free(tb_state_of_player(player, &event));
        }
    }
    ctr_player_free(player);
    return lines;
}

static char *small_trace(struct tb *tb, unsigned steps, unsigned block_bytes, bool keep)
{
    char *path = tb_path();
    tb_open(tb, path, 2, 4);
    tb->keep_states = keep;
    tb->block_bytes = block_bytes;
    tb_random(tb, steps);
    return path;
}

/* ---- opening ---- */

static void assert_refused(const char *path, int code, const char *words)
{
    struct ctr_trace *trace;
    struct ct_error error = {0};
    assert_int_equal(ctr_open(&trace, path, &error), code);
    assert_null(trace);
    assert_non_null(strstr(error.message, path));
    if (strstr(error.message, words) == NULL) {
        fail_msg("'%s' does not say '%s'", error.message, words);
    }
}

static void says_what_is_no_trace(void **state)
{
    (void)state;
    char *path = tb_path();
    assert_refused(path, CT_EIO, "No such file");
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_refused(path, CT_EFORMAT, "holds no recording");
    *slash = '/';
    write_file(path, "", 0);
    assert_refused(path, CT_EFORMAT, "empty");
    write_file(path, "{\"json\": true}, of course", 24);
    assert_refused(path, CT_EFORMAT, "not a trace");
    struct ctr_header header = {.version = CTR_VERSION + 1};
    uint8_t bytes[CTR_HEADER_BYTES];
    ctr_put_header(bytes, &header);
    write_file(path, bytes, sizeof bytes);
    assert_refused(path, CT_EVERSION, "newer");
    write_file(path, bytes, 20);
    assert_refused(path, CT_EFORMAT, "header");
    tb_remove(path);
}

static void tells_about_the_run(void **state)
{
    (void)state;
    struct tb tb;
    char *path = small_trace(&tb, 30, 0, false);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    struct ctr_trace *trace = tb_reopen(path); /* the directory */
    *slash = '/';
    const struct ctr_info *info = ctr_info(trace);
    assert_int_equal(info->path_count, 1);
    assert_int_equal(info->plan_count, 2);
    assert_int_equal(info->type_count, 2);
    assert_int_equal(info->thread_count, TB_THREADS);
    struct ctr_text program = ctr_run(trace, "program");
    assert_int_equal(program.size, 7);
    assert_memory_equal(program.bytes, "test.py", 7);
    assert_int_equal(ctr_run(trace, "nothing").size, 0);
    assert_int_equal(ctr_source(trace, 0).size, 14);
    assert_memory_equal(ctr_source(trace, 0).bytes, "line 1\nline 2\n", 14);
    assert_null(ctr_path(trace, 1));
    const struct ctr_plan *plan = ctr_plan(trace, 1);
    assert_memory_equal(plan->name.bytes, "f1", 2);
    assert_int_equal(plan->variable_count, TB_SLOTS);
    assert_int_equal(plan->variables[0].kind, CTR_VAR_ARG);
    assert_int_equal(ctr_type(trace, 1)->family, CTR_F_DICT);
    assert_int_equal(ctr_thread_at(trace, 2)->native_id, 1002);
    assert_int_equal(ctr_thread_at(trace, 2)->ident, 2002);
    ctr_close(trace);
    tb_remove(path);
}

/* ---- damage ---- */

/* Every prefix opens, with no fewer steps than a shorter one, and says that it is one. */
enum { PIECE_BYTES = 200 * 1024, PIECES = 9 }; /* more than a block of definitions */

static void define_path(struct tb *tb, const char *name)
{
    struct ct_bytes payload = {0};
    ct_bytes_add_varint(&payload, strlen(name));
    ct_bytes_add_text(&payload, name);
    assert_true(ctr_writer_define(tb->writer, CTR_DEF_PATH, payload.data, payload.size));
    ct_bytes_free(&payload);
}

static void define_source(struct tb *tb, uint8_t path, uint8_t flags, char letter, size_t size)
{
    struct ct_bytes payload = {0};
    ct_bytes_add_byte(&payload, path);
    ct_bytes_add_byte(&payload, flags);
    for (size_t i = 0; i < size; i++) {
        ct_bytes_add_byte(&payload, (uint8_t)letter);
    }
    assert_true(ctr_writer_define(tb->writer, CTR_DEF_SOURCE, payload.data, payload.size));
    ct_bytes_free(&payload);
}

static void check_sources(struct ctr_trace *trace)
{
    assert_int_equal(ctr_source(trace, 1).size, 0); /* an empty file, and */
    assert_non_null(ctr_source(trace, 1).bytes);
    assert_true(ctr_has_source(trace, 1));
    assert_null(ctr_source(trace, 2).bytes); /* none at all */
    assert_false(ctr_has_source(trace, 2));
    struct ctr_text large = ctr_source(trace, 3);
    assert_int_equal(large.size, (size_t)PIECES * PIECE_BYTES);
    for (size_t i = 0; i < large.size; i++) {
        if (large.bytes[i] != (char)('a' + i / PIECE_BYTES)) {
            fail_msg("byte %zu of the large source is '%c'", i, large.bytes[i]);
        }
    }
    assert_memory_equal(ctr_source(trace, 4).bytes, "zz", 2); /* told twice: what came last */
    assert_int_equal(ctr_source(trace, 4).size, 2);
    assert_null(ctr_source(trace, 5).bytes); /* it goes on, and nothing came */
    assert_false(ctr_has_source(trace, 5));
    assert_null(ctr_source(trace, 6).bytes);
}

static void reads_sources_from_file_and_tail(void **state)
{
    (void)state;
    struct tb tb;
    char *path = small_trace(&tb, 30, 0, false);
    for (unsigned i = 1; i <= 5; i++) {
        define_path(&tb, "more.py");
    }
    define_source(&tb, 1, 0, '-', 0);
    define_source(&tb, 2, CTR_SOURCE_MISSING, '-', 0);
    for (unsigned i = 0; i < PIECES; i++) {
        uint8_t flags = i + 1 < PIECES ? CTR_SOURCE_GOES_ON : 0;
        define_source(&tb, 3, flags, (char)('a' + i), PIECE_BYTES);
    }
    define_source(&tb, 4, 0, 'y', 5);
    define_source(&tb, 4, 0, 'z', 2);
    define_source(&tb, 5, CTR_SOURCE_GOES_ON, 'x', 3);
    struct ctr_trace *trace = tb_reopen(path);
    check_sources(trace);
    ctr_close(trace);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    trace = tb_reopen(path);
    check_sources(trace);
    ctr_close(trace);
    tb_remove(path);
}

static void every_prefix_opens(void **state)
{
    (void)state;
    struct tb tb;
    char *path = small_trace(&tb, 80, 150, true);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct tb_bytes whole = tb_read_file(path);
    uint64_t steps = 0;
    write_file(path, "", 0);
    for (size_t size = 0; size < whole.size; size++) {
        struct ctr_trace *trace;
        struct ct_error error = {0};
        if (size > 0) {
            write_at(path, size - 1, &whole.data[size - 1], 1);
        }
        if (ctr_open(&trace, path, &error) != CT_OK) {
            assert_true(size < CTR_HEADER_BYTES);
            continue;
        }
        const struct ctr_info *info = ctr_info(trace);
        assert_false(info->complete);
        assert_true(strlen(info->incomplete) > 0);
        assert_true(info->steps >= steps);
        steps = info->steps;
        assert_int_equal(use(trace, size % 16 == 0), steps);
        ctr_close(trace);
    }
    assert_int_equal(steps, 80);
    free(whole.data);
    tb_free_states(&tb);
    tb_remove(path);
}

/* No changed byte goes unnoticed, and none does harm. */
static void every_changed_byte_is_found(void **state)
{
    (void)state;
    struct tb tb;
    char *path = small_trace(&tb, 60, 150, false);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct tb_bytes whole = tb_read_file(path);
    for (size_t at = 0; at < whole.size; at++) {
        struct ctr_trace *trace;
        struct ct_error error = {0};
        uint8_t changed = whole.data[at] ^ (uint8_t)(1u << at % 8);
        write_at(path, at, &changed, 1);
        int status = ctr_open(&trace, path, &error);
        if (status != CT_OK) {
            assert_true(at < CTR_HEADER_BYTES);
            assert_true(strlen(error.message) > 0);
            write_at(path, at, &whole.data[at], 1);
            continue;
        }
        char first[CTR_FINDING_BYTES];
        use(trace, true);
        if (findings(trace, first) == 0) {
            fail_msg("a changed byte at %zu was not found", at);
        }
        ctr_close(trace);
        write_at(path, at, &whole.data[at], 1);
    }
    free(whole.data);
    tb_remove(path);
}

/* ---- unfinished ---- */

/* A child records and is killed; the parent does the same in `tb` to know what should be there. */
static char *killed_trace(struct tb *tb, unsigned steps, unsigned block_bytes)
{
    char *path = tb_path();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct tb writing;
        tb_open(&writing, path, 2, 77);
        writing.block_bytes = block_bytes;
        tb_random(&writing, steps);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    char *same = tb_path();
    tb_open(tb, same, 2, 77);
    tb->keep_states = true;
    tb->block_bytes = block_bytes;
    tb_random(tb, steps);
    tb_close(tb, CTR_ENDED_NORMALLY, 0);
    tb_remove(same);
    return path;
}

static void check_states(struct ctr_trace *trace, const struct tb *tb)
{
    struct ctr_player *player;
    struct ctr_event event;
    struct ct_error error = {0};
    uint64_t lines = 0;
    assert_int_equal(ctr_player_new(&player, trace, &error), CT_OK);
    while (ctr_player_next(player, &event, &error) == CT_OK) {
        if (event.kind == CTR_EVENT_LINE) {
            char *now = tb_state_of_player(player, &event);
            assert_string_equal(now, tb->states[event.step]);
            free(now);
            lines++;
        }
    }
    assert_int_equal(error.code, CT_ESTATE);
    assert_int_equal(lines, tb->state_count);
    ctr_player_free(player);
}

static void killed_recording_loses_nothing(void **state)
{
    (void)state;
    static const unsigned cases[][2] = {{1, 0}, {50, 0}, {200, 300}, {700, 200}, {333, 97}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tb tb;
        char first[CTR_FINDING_BYTES];
        char *path = killed_trace(&tb, cases[i][0], cases[i][1]);
        struct ctr_trace *trace = tb_reopen(path);
        assert_false(ctr_info(trace)->complete);
        assert_int_equal(ctr_info(trace)->steps, cases[i][0]);
        assert_int_equal(ctr_info(trace)->counters[CTR_C_lines], cases[i][0]);
        check_states(trace, &tb);
        assert_true(ctr_info(trace)->unfinished); /* and nothing is wrong with it */
        assert_int_equal(findings(trace, first), 0);
        ctr_close(trace);
        struct ct_error error = {0};
        if (ctr_recover(path, CTR_ENDED_BY_SIGNAL, 9, &error) != CT_OK) {
            fail_msg("%s", error.message);
        }
        assert_int_equal(access(tail_of(path), F_OK), -1);
        trace = tb_reopen(path);
        assert_true(ctr_info(trace)->complete);
        assert_int_equal(ctr_info(trace)->reason, CTR_ENDED_BY_SIGNAL);
        assert_int_equal(ctr_info(trace)->exit_status, 9);
        check_states(trace, &tb);
        if (findings(trace, first) != 0) {
            fail_msg("%s", first);
        }
        ctr_close(trace);
        assert_int_equal(ctr_recover(path, CTR_ENDED_NORMALLY, 0, &error), CT_OK); /* no change */
        tb_free_states(&tb);
        tb_remove(path);
    }
}

/* A recovery killed after any of its bytes leaves a trace with everything in it. */
static void recovery_can_be_interrupted(void **state)
{
    (void)state;
    struct tb tb;
    struct ct_error error = {0};
    char *path = killed_trace(&tb, 60, 0);
    char kept[90];
    snprintf(kept, sizeof kept, "%s.kept", path);
    assert_int_equal(link(tail_of(path), kept), 0);
    struct tb_bytes before = tb_read_file(path);
    assert_int_equal(ctr_recover(path, CTR_ENDED_BY_SIGNAL, 9, &error), CT_OK);
    struct tb_bytes after = tb_read_file(path);
    assert_true(after.size > before.size);
    for (size_t size = before.size; size <= after.size; size++) {
        assert_int_equal(truncate(path, (off_t)size), 0);
        assert_int_equal(link(kept, tail_of(path)), 0);
        struct ctr_trace *trace = tb_reopen(path);
        assert_int_equal(ctr_info(trace)->steps, 60);
        assert_int_equal(ctr_info(trace)->complete, size == after.size);
        ctr_close(trace);
        assert_int_equal(ctr_recover(path, CTR_ENDED_BY_SIGNAL, 9, &error), CT_OK);
        assert_int_equal(access(tail_of(path), F_OK), -1);
        struct tb_bytes again = tb_read_file(path);
        assert_int_equal(again.size, after.size);
        assert_memory_equal(again.data, after.data, after.size);
        free(again.data);
    }
    unlink(kept);
    free(before.data);
    free(after.data);
    tb_free_states(&tb);
    tb_remove(path);
}

/* Damage in the middle is not taken for the end: nothing may be cut off. */
static void damage_is_not_recovered(void **state)
{
    (void)state;
    struct tb tb;
    struct ct_error error = {0};
    char *path = killed_trace(&tb, 600, 200);
    struct tb_bytes whole = tb_read_file(path);
    whole.data[CTR_HEADER_BYTES + CTR_BLOCK_HEADER_BYTES + 5] ^= 1;
    write_file(path, whole.data, whole.size);
    assert_int_equal(ctr_recover(path, CTR_ENDED_BY_SIGNAL, 9, &error), CT_EFORMAT);
    struct tb_bytes now = tb_read_file(path);
    assert_int_equal(now.size, whole.size);
    assert_memory_equal(now.data, whole.data, whole.size);
    assert_int_equal(access(tail_of(path), F_OK), 0);
    free(now.data);
    free(whole.data);
    tb_free_states(&tb);
    tb_remove(path);
}

static void reads_while_it_is_written(void **state)
{
    (void)state;
    struct tb tb;
    char *path = small_trace(&tb, 0, 120, true);
    for (unsigned round = 1; round <= 20; round++) {
        tb_random(&tb, 25);
        struct ctr_trace *trace = tb_reopen(path);
        assert_false(ctr_info(trace)->complete);
        assert_int_equal(ctr_info(trace)->steps, round * 25);
        check_states(trace, &tb);
        ctr_close(trace);
    }
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    tb_free_states(&tb);
    tb_remove(path);
}

/* Records without a checksum, as a dying process or an editor may leave them: the tail's. */
static void random_records_do_no_harm(void **state)
{
    (void)state;
    enum { ROUNDS = 1500 };
    struct tb tb;
    char *path = killed_trace(&tb, 120, 400);
    struct tb_bytes trace_bytes = tb_read_file(path), tail = tb_read_file(tail_of(path));
    uint64_t seed = 4711;
    int fd = open(tail_of(path), O_RDWR);
    assert_true(fd >= 0);
    size_t slots = ct_load32(tail.data + 24), capacity = ct_load32(tail.data + 28);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t places[4];
        for (unsigned i = 0; i < 4; i++) {
            size_t slot = tb_next_random(&seed) % slots;
            const uint8_t *header = tail.data + CTR_TAIL_PAGE + slot * CTR_TAIL_SLOT_HEADER_BYTES;
            size_t used = (size_t)ct_load64(header + 8);
            places[i] =
                2 * CTR_TAIL_PAGE + slot * capacity + (used > 0 ? tb_next_random(&seed) % used : 0);
            uint8_t byte = (uint8_t)(tb_next_random(&seed) >> 11);
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)places[i]), 1);
        }
        struct ctr_trace *trace = tb_reopen(path);
        char first[CTR_FINDING_BYTES];
        use(trace, true);
        findings(trace, first);
        ctr_close(trace);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(pwrite(fd, tail.data + places[i], 1, (off_t)places[i]), 1);
        }
    }
    close(fd);
    free(trace_bytes.data);
    free(tail.data);
    tb_free_states(&tb);
    tb_remove(path);
}

/* A bad record in the tail ends the trace there, and is said. */
static void bad_record_in_the_tail_is_named(void **state)
{
    (void)state;
    struct tb tb;
    char *path = killed_trace(&tb, 60, 0);
    struct tb_bytes tail = tb_read_file(tail_of(path));
    uint64_t used = ct_load64(tail.data + CTR_TAIL_PAGE + 8);
    assert_int_equal(ct_load32(tail.data + CTR_TAIL_PAGE), CTR_EVENTS);
    static const uint8_t no_record = 0xff;
    write_at(tail_of(path), 2 * CTR_TAIL_PAGE + used, &no_record, 1);
    used++;
    write_at(tail_of(path), CTR_TAIL_PAGE + 8, &used, sizeof used);
    struct ctr_trace *trace = tb_reopen(path);
    assert_int_equal(ctr_info(trace)->steps, 60);
    assert_non_null(strstr(ctr_info(trace)->incomplete, "bad record"));
    assert_int_equal(use(trace, true), ctr_info(trace)->steps);
    ctr_close(trace);
    free(tail.data);
    tb_free_states(&tb);
    tb_remove(path);
}

/* ---- the cache ---- */

static void cache_is_bounded(void **state)
{
    (void)state;
    struct tb tb;
    char *path = small_trace(&tb, 1500, 200, true);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    static const size_t limits[] = {0, 4096, 65536, CTR_CACHE_BYTES};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        ctr_cache_limit(trace, limits[i]);
        check_states(trace, &tb);
        assert_true(ctr_cache_idle(trace) <= limits[i]);
        for (uint32_t block = 0; block < ctr_info(trace)->blocks; block++) {
            const struct ctr_cell *cell = trace->cache.cells[block];
            assert_true(cell == NULL || cell->pins == 0);
        }
    }
    assert_true(ctr_cache_idle(trace) > 0);
    ctr_close(trace);
    tb_free_states(&tb);
    tb_remove(path);
}

static void finds_blocks(void **state)
{
    (void)state;
    struct tb tb;
    char *path = small_trace(&tb, 3000, 100, false);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    const struct ctr_info *info = ctr_info(trace);
    assert_true(info->blocks > 3 * CTR_SEGMENT_BLOCKS);
    uint64_t step = 0, call = 0;
    for (uint32_t number = 0; number < info->blocks; number++) {
        const struct ctr_block *block;
        struct ct_error error;
        assert_int_equal(ctr_block_acquire(trace, number, &block, &error), CT_OK);
        assert_int_equal(block->first_step, step);
        assert_int_equal(block->first_call, call);
        for (uint64_t i = 0; i < block->steps; i++) {
            assert_int_equal(ctr_block_of_step(trace, step++), number);
        }
        for (uint64_t i = 0; i < block->calls; i++) {
            assert_int_equal(ctr_block_of_call(trace, call++), number);
        }
        for (uint64_t object = 0; object < 3; object++) {
            uint32_t found = UINT32_MAX;
            bool opened = ctr_block_opens(block, object);
            bool any = ctr_block_of_object(trace, object, number, &found);
            assert_true(opened == (any && found == number));
            assert_true(!any || found <= number);
        }
        ctr_block_release(trace, block);
    }
    uint32_t found;
    assert_false(ctr_block_of_object(trace, 999999, info->blocks - 1, &found));
    ctr_close(trace);
    tb_remove(path);
}

struct reading {
    struct ctr_trace *trace;
    const struct tb *tb;
    uint64_t seed;
    unsigned wrong;
};

static void *read_randomly(void *argument)
{
    struct reading *reading = argument;
    struct ctr_player *player;
    struct ctr_event event;
    if (ctr_player_new(&player, reading->trace, NULL) != CT_OK) {
        reading->wrong++;
        return NULL;
    }
    for (unsigned i = 0; i < 300; i++) {
        uint64_t step = tb_next_random(&reading->seed) % reading->tb->state_count;
        if (ctr_player_seek(player, step, &event, NULL) != CT_OK) {
            reading->wrong++;
            continue;
        }
        char *now = tb_state_of_player(player, &event);
        reading->wrong += strcmp(now, reading->tb->states[step]) != 0;
        free(now);
    }
    ctr_player_free(player);
    return NULL;
}

static void threads_share_a_trace(void **state)
{
    (void)state;
    struct tb tb;
    char *path = small_trace(&tb, 1000, 150, true);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    ctr_cache_limit(trace, 30000); /* so that they take blocks away from each other */
    struct reading readings[2] = {{trace, &tb, 1, 0}, {trace, &tb, 2, 0}};
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_randomly, &readings[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readings[i].wrong, 0);
    }
    ctr_close(trace);
    tb_free_states(&tb);
    tb_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_no_trace),
        cmocka_unit_test(tells_about_the_run),
        cmocka_unit_test(reads_sources_from_file_and_tail),
        cmocka_unit_test(every_prefix_opens),
        cmocka_unit_test(every_changed_byte_is_found),
        cmocka_unit_test(killed_recording_loses_nothing),
        cmocka_unit_test(recovery_can_be_interrupted),
        cmocka_unit_test(damage_is_not_recovered),
        cmocka_unit_test(reads_while_it_is_written),
        cmocka_unit_test(random_records_do_no_harm),
        cmocka_unit_test(bad_record_in_the_tail_is_named),
        cmocka_unit_test(cache_is_bounded),
        cmocka_unit_test(finds_blocks),
        cmocka_unit_test(threads_share_a_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
