/* Which interpreter is found: variables before PATH, names in order, values as people write them.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/interpreter.h"

enum { VARIABLE_COUNT = 4 };

/* In their order of precedence. */
static const char *const names[VARIABLE_COUNT] = {
    "CODETRACER_PYTHON_INTERPRETER",
    "PYTHON_EXECUTABLE",
    "PYTHONEXECUTABLE",
    "PYTHON",
};

/* A directory with programs in it, and the variables of a test. */
static char root[64];
static char *values[VARIABLE_COUNT];

static char *variable(const char *name)
{
    for (int i = 0; i < VARIABLE_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return values[i];
        }
    }
    return NULL;
}

/* root/name, with a program there. */
static char *add_program(const char *name, mode_t mode)
{
    char *path = ct_path_join(root, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(ct_make_directories(path, NULL, NULL), CT_OK);
    *slash = '/';
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("#!/bin/sh\n", file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/test_interpreter-XXXXXX");
    memset(values, 0, sizeof values);
    return mkdtemp(root) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static void assert_found(const char *path_variable, const char *expected)
{
    struct interpreter_places places = {.path = path_variable, .home = root, .variable = variable};
    struct interpreter interpreter;
    enum interpreter_search result = interpreter_find(&places, &interpreter);
    if (expected == NULL) {
        assert_int_not_equal(result, INTERPRETER_FOUND);
        assert_null(interpreter.path);
    } else {
        assert_int_equal(result, INTERPRETER_FOUND);
        assert_string_equal(interpreter.path, expected);
    }
    interpreter_clear(&interpreter);
}

static void the_first_variable_that_is_set_decides(void **state)
{
    (void)state;
    char *on_path = add_program("bin/python3", 0755);
    char *named = add_program("other/python", 0755);
    char *path = ct_path_join(root, "bin");
    for (int i = VARIABLE_COUNT - 1; i >= 0; i--) {
        values[i] = named;
        assert_found(path, named);
        values[i] = on_path;
        assert_found(path, on_path);
    }
    char empty[] = "";
    values[0] = values[1] = values[2] = values[3] = empty;
    assert_found(path, on_path);
    free(on_path);
    free(named);
    free(path);
}

static void a_bad_variable_is_not_passed_over(void **state)
{
    (void)state;
    char *on_path = add_program("bin/python3", 0755);
    char *path = ct_path_join(root, "bin");
    static const char *const bad[] = {
        "/no/such/python", "no-such-python", " ", "\"\"", "/", "~/no"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char value[64];
        snprintf(value, sizeof value, "%s", bad[i]);
        values[1] = value;
        struct interpreter_places places = {.path = path, .home = root, .variable = variable};
        struct interpreter interpreter;
        assert_int_equal(interpreter_find(&places, &interpreter), INTERPRETER_BAD_VARIABLE);
        assert_string_equal(interpreter.variable, "PYTHON_EXECUTABLE");
        interpreter_clear(&interpreter);
    }
    free(on_path);
    free(path);
}

static void values_are_read_as_people_write_them(void **state)
{
    (void)state;
    char *program = add_program("bin/python3.12", 0755);
    char *spaced = add_program("with space/python", 0755);
    char *path = ct_path_join(root, "bin");
    struct {
        const char *format;
        const char *argument;
        const char *expected;
    } cases[] = {
        {"%s", program, program},
        {"\"%s\"", program, program},
        {" '%s' ", program, program},
        {"%s -X dev", program, program},
        {"%s", spaced, spaced},
        {"\"%s\"", spaced, spaced},
        {"%s", "python3.12", program},
        {"%s -u", "python3.12", program},
        {"~/bin/%s", "python3.12", program},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char value[256];
        char *percent = strstr(cases[i].format, "%s");
        snprintf(value, sizeof value, "%.*s%s%s", (int)(percent - cases[i].format), cases[i].format,
                 cases[i].argument, percent + 2);
        values[0] = value;
        assert_found(path, cases[i].expected);
    }
    free(program);
    free(spaced);
    free(path);
}

static void names_come_in_order_and_must_be_executable(void **state)
{
    (void)state;
    char *plain = add_program("first/python", 0755);
    char *text = add_program("first/python3", 0644);
    char *three = add_program("second/python3", 0755);
    char path[256];
    snprintf(path, sizeof path, "%s/first:%s/none:%s/second", root, root, root);
    assert_found(path, three);
    assert_int_equal(unlink(three), 0);
    assert_found(path, plain);
    assert_int_equal(unlink(plain), 0);
    assert_found(path, NULL);
    char *py = add_program("second/py", 0755);
    assert_found(path, py);
    free(plain);
    free(text);
    free(three);
    free(py);
}

static void links_are_kept(void **state)
{
    (void)state;
    char *target = add_program("base/python3.13", 0755);
    char *made = add_program("venv/placeholder", 0755);
    char *link = ct_path_join(root, "venv/python3");
    char *path = ct_path_join(root, "venv");
    assert_int_equal(symlink(target, link), 0);
    assert_found(path, link);
    free(target);
    free(made);
    free(link);
    free(path);
}

static void an_empty_entry_of_path_is_the_working_directory(void **state)
{
    (void)state;
    char *program = add_program("python3", 0755);
    char before[PATH_MAX];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(root), 0);
    assert_found("/no/such/directory::", "./python3");
    assert_int_equal(chdir(before), 0);
    assert_found(NULL, NULL);
    free(program);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_first_variable_that_is_set_decides),
        CASE(a_bad_variable_is_not_passed_over),
        CASE(values_are_read_as_people_write_them),
        CASE(names_come_in_order_and_must_be_executable),
        CASE(links_are_kept),
        CASE(an_empty_entry_of_path_is_the_working_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
