/* Files, directories, locks, identifiers and child processes, against a directory of their own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/process.h"
#include "base/uuid.h"

static char root[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/test_files-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static void assert_content(const char *path, const char *expected)
{
    char *data;
    size_t size;
    assert_int_equal(ct_file_read(path, 1 << 20, &data, &size, NULL), CT_OK);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(data, expected);
    free(data);
}

static void identifiers_are_valid_and_sorted(void **state)
{
    (void)state;
    char last[CT_UUID_TEXT_BYTES] = "";
    for (int i = 0; i < 200; i++) {
        uint8_t uuid[CT_UUID_BYTES];
        uint8_t again[CT_UUID_BYTES];
        char text[CT_UUID_TEXT_BYTES];
        assert_int_equal(ct_uuid7_make(uuid, NULL), CT_OK);
        ct_uuid_format(uuid, text);
        assert_true(ct_uuid_parse(text, again));
        assert_memory_equal(uuid, again, sizeof uuid);
        assert_int_equal(text[14], '7');
        assert_non_null(strchr("89ab", text[19]));
        /* Up to the random part; two may fall into one quarter of a microsecond. */
        assert_true(strncmp(last, text, 18) <= 0);
        memcpy(last, text, sizeof text);
    }
    assert_false(ct_uuid_parse("", (uint8_t[CT_UUID_BYTES]){0}));
    assert_false(ct_uuid_parse("01890a5d-ac96-774b-bcce-b302099a805", (uint8_t[16]){0}));
    assert_false(ct_uuid_parse("01890a5d-ac96-774b-bcce-b302099a805g", (uint8_t[16]){0}));
    assert_false(ct_uuid_parse("01890a5d/ac96-774b-bcce-b302099a8057", (uint8_t[16]){0}));
}

static void directories_are_made_with_their_parents(void **state)
{
    (void)state;
    char *path = ct_path_join(root, "a/b//c/");
    bool is_new = false;
    assert_int_equal(ct_make_directories(path, &is_new, NULL), CT_OK);
    assert_true(is_new);
    assert_int_equal(ct_make_directories(path, &is_new, NULL), CT_OK);
    assert_false(is_new);
    free(path);

    char *file = ct_path_join(root, "file");
    char *below = ct_path_join(file, "x");
    assert_int_equal(ct_file_replace(file, "x", 1, 0644, NULL), CT_OK);
    struct ct_error error;
    assert_int_equal(ct_make_directories(file, NULL, &error), CT_EIO);
    assert_non_null(strstr(error.message, "is not a directory"));
    assert_int_equal(ct_make_directories(below, NULL, &error), CT_EIO);
    free(file);
    free(below);
}

static void a_file_is_read_whole_or_refused(void **state)
{
    (void)state;
    char *path = ct_path_join(root, "file");
    char *large = malloc(100001);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    assert_int_equal(ct_file_replace(path, large, 100000, 0600, NULL), CT_OK);
    assert_content(path, large);
    char *data;
    size_t size;
    struct ct_error error;
    assert_int_equal(ct_file_read(path, 99999, &data, &size, &error), CT_ELIMIT);
    assert_int_equal(ct_file_read(path, 100000, &data, &size, &error), CT_OK);
    free(data);
    assert_int_equal(ct_file_read(root, 10, &data, &size, &error), CT_EIO);
    assert_non_null(strstr(error.message, root));
    free(large);
    free(path);
}

static void a_file_is_replaced_with_its_mode(void **state)
{
    (void)state;
    char *path = ct_path_join(root, "file");
    assert_int_equal(ct_file_replace(path, "one", 3, 0600, NULL), CT_OK);
    assert_int_equal(ct_file_replace(path, "second", 6, 0640, NULL), CT_OK);
    assert_content(path, "second");
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
    free(path);
}

static void a_move_does_not_overwrite(void **state)
{
    (void)state;
    char *from = ct_path_join(root, "from");
    char *to = ct_path_join(root, "to");
    assert_int_equal(ct_file_replace(from, "a", 1, 0600, NULL), CT_OK);
    assert_int_equal(ct_file_move(from, to, NULL), CT_OK);
    assert_content(to, "a");
    assert_int_equal(ct_file_replace(from, "b", 1, 0600, NULL), CT_OK);
    assert_int_equal(ct_file_move(from, to, NULL), CT_ESTATE);
    assert_content(to, "a");
    free(from);
    free(to);
}

static void a_move_crosses_file_systems(void **state)
{
    (void)state;
    char *from = ct_path_join(root, "from");
    char to[64] = "/dev/shm/test_files-XXXXXX";
    struct stat here;
    struct stat there;
    if (mkdtemp(to) == NULL || stat(root, &here) != 0 || stat(to, &there) != 0 ||
        here.st_dev == there.st_dev) {
        skip();
    }
    char *target = ct_path_join(to, "to");
    assert_int_equal(ct_file_replace(from, "abc", 3, 0600, NULL), CT_OK);
    assert_int_equal(ct_file_move(from, target, NULL), CT_OK);
    assert_content(target, "abc");
    assert_int_not_equal(access(from, F_OK), 0);
    unlink(target);
    rmdir(to);
    free(target);
    free(from);
}

/* The exit status of a child that tries to take the lock. */
static int take_in_a_child(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct ct_lock lock;
        _exit(ct_lock_take(&lock, path, NULL));
    }
    int status;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static void a_lock_has_one_owner(void **state)
{
    (void)state;
    char *path = ct_path_join(root, "lock");
    struct ct_lock lock;
    assert_false(ct_file_is_locked(path));
    assert_int_equal(ct_lock_take(&lock, path, NULL), CT_OK);
    assert_int_equal(take_in_a_child(path), CT_ESTATE);
    assert_true(ct_file_is_locked(path));
    ct_lock_release(&lock);
    assert_int_not_equal(access(path, F_OK), 0);
    /* The child takes it and dies without giving it back: its file stays, the lock does not. */
    assert_int_equal(take_in_a_child(path), CT_OK);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(ct_lock_take(&lock, path, NULL), CT_OK);
    ct_lock_release(&lock);
    ct_lock_release(&lock);
    free(path);
}

static void output_of_a_program_is_captured(void **state)
{
    (void)state;
    char *argv[] = {"/bin/sh", "-c", "cat; echo out; echo err >&2; echo $X; exit 3", NULL};
    char *before[] = {"X=1", "Y=2", NULL};
    const char *const without[] = {"X", NULL};
    char **environment = ct_environment_copy(before, without, "X=new");
    assert_string_equal(environment[0], "Y=2");
    assert_string_equal(environment[1], "X=new");
    assert_null(environment[2]);
    struct ct_capture capture;
    assert_int_equal(ct_process_capture(argv, environment, 100, 5000, &capture, NULL), CT_OK);
    assert_string_equal(capture.text, "out\nerr\nnew\n");
    assert_int_equal(WEXITSTATUS(capture.wait_status), 3);
    assert_false(capture.is_timed_out);
    ct_capture_clear(&capture);
    assert_int_equal(ct_process_capture(argv, environment, 5, 5000, &capture, NULL), CT_OK);
    assert_string_equal(capture.text, "out\ne");
    ct_capture_clear(&capture);
    free(environment);
}

static void a_program_that_hangs_is_ended(void **state)
{
    (void)state;
    char *argv[] = {"/bin/sleep", "60", NULL};
    char *environment[] = {NULL};
    struct ct_capture capture;
    assert_int_equal(ct_process_capture(argv, environment, 100, 50, &capture, NULL), CT_OK);
    assert_true(capture.is_timed_out);
    assert_true(WIFSIGNALED(capture.wait_status));
    ct_capture_clear(&capture);
    struct ct_error error;
    argv[0] = "/no/such/program";
    assert_int_equal(ct_process_capture(argv, environment, 100, 50, &capture, &error), CT_EIO);
    assert_non_null(strstr(error.message, "/no/such/program"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(identifiers_are_valid_and_sorted),
        CASE(directories_are_made_with_their_parents),
        CASE(a_file_is_read_whole_or_refused),
        CASE(a_file_is_replaced_with_its_mode),
        CASE(a_move_does_not_overwrite),
        CASE(a_move_crosses_file_systems),
        CASE(a_lock_has_one_owner),
        CASE(output_of_a_program_is_captured),
        CASE(a_program_that_hangs_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
