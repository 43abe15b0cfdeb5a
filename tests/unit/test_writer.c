/* What the writer promises to a recorder: nothing committed is lost, limits end the recording and
 * nothing else, a forked child leaves the trace alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/reader.h"
#include "trace/verify.h"
#include "trace_builder.h"

static void assert_no_findings(struct ctr_trace *trace)
{
    struct ctr_verify_report report;
    struct ct_error error = {0};
    assert_int_equal(ctr_verify(trace, &report, &error), CT_OK);
    if (report.findings != 0) {
        fail_msg("%llu findings, the first: %s", (unsigned long long)report.findings,
                 report.list[0].text);
    }
    ctr_verify_clear(&report);
}

static bool has_tail(const char *path)
{
    char tail[80];
    snprintf(tail, sizeof tail, "%s.tail", path);
    return access(tail, F_OK) == 0;
}

static void clean_end(void **state)
{
    (void)state;
    struct tb tb;
    char *path = tb_path();
    tb_open(&tb, path, 2, 3);
    struct stat about;
    assert_true(has_tail(path));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    tb.block_bytes = 500;
    tb_random(&tb, 5000);
    tb_close(&tb, CTR_ENDED_BY_STOP, 42);
    assert_false(has_tail(path));
    struct ctr_trace *trace = tb_reopen(path);
    const struct ctr_info *info = ctr_info(trace);
    assert_true(info->complete);
    assert_string_equal(info->incomplete, "");
    assert_int_equal(info->reason, CTR_ENDED_BY_STOP);
    assert_int_equal(info->exit_status, 42);
    assert_int_equal(info->steps, 5000);
    assert_int_equal(info->counters[CTR_C_lines], 5000);
    assert_true(info->blocks > 2 * CTR_SEGMENT_BLOCKS);
    assert_int_equal(info->pid, getpid());
    assert_memory_equal(info->id, "0123456789abcdef", 16);
    assert_no_findings(trace);
    ctr_close(trace);
    tb_remove(path);
}

static void nothing_recorded(void **state)
{
    (void)state;
    struct tb tb;
    char *path = tb_path();
    tb_open(&tb, path, 0, 1);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    assert_true(ctr_info(trace)->complete);
    assert_int_equal(ctr_info(trace)->blocks, 0);
    assert_no_findings(trace);
    ctr_close(trace);
    tb_remove(path);
}

static void existing_file_stays(void **state)
{
    (void)state;
    char *path = tb_path();
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("precious", file);
    fclose(file);
    struct ctr_writer *writer;
    struct ctr_writer_options options = {.path = path};
    struct ct_error error;
    assert_int_equal(ctr_writer_open(&writer, &options, &error), CT_EIO);
    assert_non_null(strstr(error.message, path));
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 8);
    assert_false(has_tail(path));
    tb_remove(path);
}

/* The largest size ends the recording; what was stored before stays a whole trace. */
static void largest_size_ends_it(void **state)
{
    (void)state;
    enum { LARGEST = 400 * 1024 };
    char *path = tb_path();
    struct ctr_writer *writer;
    struct ctr_writer_options options = {.path = path, .max_size = LARGEST};
    struct ct_error error;
    assert_int_equal(ctr_writer_open(&writer, &options, &error), CT_OK);
    uint64_t seed = 9;
    bool going_on = true;
    for (unsigned block = 0; block < 100 && going_on; block++) {
        while (writer->at < writer->soft) { /* records that do not compress */
            *writer->at++ = CTR_NOTE;
            *writer->at++ = 1;
            *writer->at++ = CTR_V_FLOAT;
            uint64_t bits = tb_next_random(&seed);
            memcpy(writer->at, &bits, 8);
            writer->at += 8;
            ctr_commit(writer);
        }
        going_on = ctr_writer_next_block(writer);
    }
    assert_false(going_on);
    assert_null(writer->soft);
    assert_false(ctr_writer_define(writer, CTR_DEF_RUN, "", 0));
    assert_int_equal(ctr_writer_close(writer, CTR_ENDED_NORMALLY, 0, &error), CT_OK);
    struct ctr_trace *trace = tb_reopen(path);
    assert_true(ctr_info(trace)->complete);
    assert_int_equal(ctr_info(trace)->reason, CTR_ENDED_BY_SIZE);
    assert_true(ctr_info(trace)->blocks > 0);
    assert_true(ctr_info(trace)->size <= LARGEST);
    assert_no_findings(trace);
    ctr_close(trace);
    tb_remove(path);
}

static void forked_child_writes_nothing(void **state)
{
    (void)state;
    struct tb tb;
    char *path = tb_path();
    tb_open(&tb, path, 2, 5);
    tb.block_bytes = 300;
    tb_random(&tb, 200);
    ctr_writer_before_fork(tb.writer);
    pid_t child = fork();
    if (child == 0) {
        ctr_writer_after_fork_in_child(tb.writer);
        bool silent = !ctr_writer_next_block(tb.writer) &&
                      !ctr_writer_define(tb.writer, CTR_DEF_RUN, "", 0) &&
                      ctr_writer_close(tb.writer, CTR_ENDED_NORMALLY, 0, NULL) == CT_ESTATE;
        _exit(silent ? 0 : 1);
    }
    ctr_writer_after_fork_in_parent(tb.writer);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    tb_random(&tb, 200);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    assert_true(ctr_info(trace)->complete);
    assert_int_equal(ctr_info(trace)->steps, 400);
    assert_no_findings(trace);
    ctr_close(trace);
    tb_remove(path);
}

/* What a program does that closes the writer's descriptor and opens a file of its own; the number
 * it has from then on. */
static int steal_descriptor(const char *path)
{
    struct stat trace_file, about;
    assert_int_equal(stat(path, &trace_file), 0);
    int null = open("/dev/null", O_WRONLY), stolen = -1;
    for (int fd = 3; fd < 260; fd++) {
        if (fd != null && fstat(fd, &about) == 0 && about.st_ino == trace_file.st_ino) {
            stolen = dup2(null, fd);
        }
    }
    close(null);
    return stolen;
}

/* As tb_close, but of a writer that is closed already. */
static void free_frames(struct tb *tb)
{
    for (unsigned thread = 0; thread < TB_THREADS; thread++) {
        for (unsigned i = 0; i < tb->threads[thread].depth; i++) {
            free(tb->threads[thread].frames[i]);
        }
    }
    for (unsigned i = 0; i < tb->suspended_count; i++) {
        free(tb->suspended[i]);
    }
}

/* A switch to a thread on which nothing came of the event. */
static void what_no_event_committed_is_in_the_block(void **state)
{
    (void)state;
    struct tb tb;
    char *path = tb_path();
    tb_open(&tb, path, 2, 1);
    tb_random(&tb, 50);
    uint64_t committed = *tb.writer->committed;
    tb_switch(&tb, tb.thread == 1 ? 2 : 1);
    *tb.writer->committed = committed;
    tb_next_block(&tb);
    tb_random(&tb, 50);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    assert_int_equal(ctr_info(trace)->steps, 100);
    assert_no_findings(trace);
    ctr_close(trace);
    tb_remove(path);
}

static void stolen_descriptor_is_replaced(void **state)
{
    (void)state;
    char *path = tb_path();
    struct tb tb;
    tb_open(&tb, path, 2, 5);
    tb.block_bytes = 300;
    tb_random(&tb, 500);
    int stolen = steal_descriptor(path);
    tb_random(&tb, 500);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    assert_int_equal(close(stolen), 0); /* it was the program's */
    struct ctr_trace *trace = tb_reopen(path);
    assert_true(ctr_info(trace)->complete);
    assert_int_equal(ctr_info(trace)->steps, 1000);
    assert_no_findings(trace);
    ctr_close(trace);
    tb_remove(path);
}

struct thief {
    const char *path;
    atomic_bool stops;
};

static void *steal_on(void *argument)
{
    struct thief *thief = argument;
    while (!atomic_load(&thief->stops)) {
        int stolen = steal_descriptor(thief->path);
        if (stolen >= 0) {
            close(stolen);
        }
    }
    return NULL;
}

static void descriptors_are_stolen_all_the_time(void **state)
{
    (void)state;
#ifdef CLOSE_RANGE_UNSHARE
    bool parts = close_range(~0u, ~0u, CLOSE_RANGE_UNSHARE) == 0;
#else
    bool parts = false;
#endif
    if (!parts) {
        skip(); /* the writer cannot have descriptors of its own */
    }
    char *path = tb_path();
    struct tb tb;
    struct thief thief = {.path = path};
    pthread_t thread;
    tb_open(&tb, path, 2, 5);
    tb.block_bytes = 300;
    assert_int_equal(pthread_create(&thread, NULL, steal_on, &thief), 0);
    tb_random(&tb, 20000);
    atomic_store(&thief.stops, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    assert_true(ctr_info(trace)->complete);
    assert_int_equal(ctr_info(trace)->steps, 20000);
    assert_no_findings(trace);
    ctr_close(trace);
    tb_remove(path);
}

/* And when the file is not to be found: what the tail has stays there, block after block. */
static void stolen_descriptor_of_a_moved_file(void **state)
{
    (void)state;
    char *path = tb_path();
    char moved[90];
    struct tb tb;
    struct ct_error error = {0};
    snprintf(moved, sizeof moved, "%s.moved", path);
    tb_open(&tb, path, 2, 5);
    tb_random(&tb, 50);
    int stolen = steal_descriptor(path);
    assert_int_equal(rename(path, moved), 0);
    tb_next_block(&tb);
    tb_random(&tb, 50);
    assert_int_equal(ctr_writer_close(tb.writer, CTR_ENDED_NORMALLY, 0, &error), CT_EIO);
    assert_int_equal(close(stolen), 0);
    assert_int_equal(rename(moved, path), 0);
    struct ctr_trace *trace = tb_reopen(path);
    assert_false(ctr_info(trace)->complete);
    assert_int_equal(ctr_info(trace)->steps, 100);
    ctr_close(trace);
    free_frames(&tb);
    tb_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_end),
        cmocka_unit_test(nothing_recorded),
        cmocka_unit_test(existing_file_stays),
        cmocka_unit_test(largest_size_ends_it),
        cmocka_unit_test(what_no_event_committed_is_in_the_block),
        cmocka_unit_test(forked_child_writes_nothing),
        cmocka_unit_test(stolen_descriptor_is_replaced),
        cmocka_unit_test(descriptors_are_stolen_all_the_time),
        cmocka_unit_test(stolen_descriptor_of_a_moved_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
