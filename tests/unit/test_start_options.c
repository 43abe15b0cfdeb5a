/* The recorder's order survives the trip through its variable, and a broken one is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/start_options.h"

#define ID  "01890a5d-ac96-774b-bcce-b302099a8057"
#define SEP "\x1f"
/* A complete order but for what a test adds. */
#define ORDER "dir=/d" SEP "id=" ID SEP "format=json" SEP "kind=script" SEP "program=p"

static struct ct_start_options full_order(const char *const *args, size_t argc)
{
    struct ct_start_options order = {.dir = "/some dir",
                                     .id = ID,
                                     .format = CT_START_BINARY,
                                     .kind = CT_START_MODULE,
                                     .program = "package.module",
                                     .argc = argc,
                                     .args = args,
                                     .activation = "/a/b.py",
                                     .rules = "/a/rules",
                                     .exact = true,
                                     .no_sources = true,
                                     .keep_shapes = true,
                                     .io = CT_START_IO_DESCRIPTORS};
    for (int i = 0; i < CT_START_LIMITS; i++) {
        order.limits[i] = (struct ct_start_limit){.is_given = i % 2 == 0, .value = (uint64_t)i};
    }
    order.limits[CT_START_MAX_TEXT].value = UINT64_MAX;
    return order;
}

static void every_field_survives(void **state)
{
    (void)state;
    const char *const args[] = {"",         "plain",     "a=b",           "two\nlines",
                                "\x1f\x1e", "\xff\xfe ", "\x1e_ \x1f^ =", "--"};
    size_t argc = sizeof args / sizeof args[0];
    struct ct_start_options order = full_order(args, argc);
    struct ct_start_options copy;
    char *text;
    assert_int_equal(ct_start_encode(&order, &text, NULL), CT_OK);
    struct ct_error error = {0};
    assert_int_equal(ct_start_decode(text, &copy, &error), CT_OK);
    assert_string_equal(copy.dir, order.dir);
    assert_string_equal(copy.id, order.id);
    assert_int_equal(copy.format, order.format);
    assert_int_equal(copy.kind, order.kind);
    assert_string_equal(copy.program, order.program);
    assert_string_equal(copy.activation, order.activation);
    assert_string_equal(copy.rules, order.rules);
    assert_true(copy.exact && copy.no_sources && copy.keep_shapes);
    assert_int_equal(copy.io, order.io);
    assert_int_equal(copy.argc, argc);
    for (size_t i = 0; i < argc; i++) {
        assert_string_equal(copy.args[i], args[i]);
    }
    for (int i = 0; i < CT_START_LIMITS; i++) {
        assert_int_equal(copy.limits[i].is_given, order.limits[i].is_given);
        if (order.limits[i].is_given) {
            assert_true(copy.limits[i].value == order.limits[i].value);
        }
    }
    free(text);
    ct_start_options_clear(&copy);
    assert_null(copy.storage);
}

static void what_is_optional_may_be_absent(void **state)
{
    (void)state;
    struct ct_start_options order;
    assert_int_equal(ct_start_decode(ORDER SEP "argc=0", &order, NULL), CT_OK);
    assert_null(order.activation);
    assert_false(order.exact);
    assert_int_equal(order.io, CT_START_IO_STREAMS);
    assert_non_null(order.args);
    assert_false(order.limits[CT_START_MAX_SIZE].is_given);
    ct_start_options_clear(&order);
}

static void arguments_too_large_for_a_variable_are_left_out(void **state)
{
    (void)state;
    char *large = malloc(CT_START_MAX_BYTES + 1);
    memset(large, 'x', CT_START_MAX_BYTES);
    large[CT_START_MAX_BYTES] = '\0';
    const char *const args[] = {"small", large};
    struct ct_start_options order = full_order(args, 2);
    struct ct_start_options copy;
    char *text;
    assert_int_equal(ct_start_encode(&order, &text, NULL), CT_OK);
    assert_true(strlen(text) < CT_START_MAX_BYTES);
    assert_int_equal(ct_start_decode(text, &copy, NULL), CT_OK);
    assert_int_equal(copy.argc, 2);
    assert_null(copy.args);
    ct_start_options_clear(&copy);
    free(text);

    order.program = large;
    order.argc = 0;
    struct ct_error error;
    assert_int_equal(ct_start_encode(&order, &text, &error), CT_ELIMIT);
    free(large);
}

static void a_broken_order_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *named; /* the message points at it */
    } broken[] = {
        {"", "has no value"},
        {"dir", "'dir' has no value"},
        {ORDER, "'argc' is missing"},
        {ORDER SEP "argc=1", NULL}, /* left out: allowed */
        {ORDER SEP "argc=2" SEP "arg=a", "'argc' is not the number"},
        {ORDER SEP "argc=0" SEP "arg=a", "'argc' is not the number"},
        {ORDER SEP "argc=-1", "'argc' is not a number"},
        {ORDER SEP "argc=", "'argc' is not a number"},
        {ORDER SEP "argc=99999999999", "'argc' is too large"},
        {ORDER SEP "argc=0" SEP "max_text=1x", "'max_text' is not a number"},
        {ORDER SEP "argc=0" SEP "max_text=18446744073709551616", "'max_text' is too large"},
        {ORDER SEP "argc=0" SEP "max_text=1" SEP "max_text=1", "'max_text' is given twice"},
        {ORDER SEP "argc=0" SEP "colour=red", "'colour' is unknown"},
        {ORDER SEP "argc=0" SEP "dir=/e", "'dir' is given twice"},
        {ORDER SEP "argc=0" SEP "argc=0", "'argc' is given twice"},
        {ORDER SEP "argc=0" SEP "exact=yes", "'exact'"},
        {ORDER SEP "argc=0" SEP "io=all", "'io'"},
        {ORDER SEP "argc=0" SEP "io=off" SEP "io=off", "'io'"},
        {ORDER SEP "argc=0" SEP "activation=b.py", "'activation' is not an absolute path"},
        {ORDER SEP "argc=1" SEP "arg=\x1e", "'arg' holds a broken escape"},
        {ORDER SEP "argc=1" SEP "arg=\x1ex", "'arg' holds a broken escape"},
        {"dir=d" SEP "id=" ID, "'dir' is not an absolute path"},
        {"dir=/d" SEP "id=../../etc", "'id' is not an identifier"},
        {"dir=/d" SEP "id=" ID SEP "format=yaml", "'format' is none"},
        {"dir=/d" SEP "id=" ID SEP "format=json" SEP "kind=elf", "'kind' is none"},
        {"dir=/d" SEP "id=" ID SEP "format=json" SEP "kind=code" SEP "argc=0",
         "'program' is missing"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct ct_start_options order;
        struct ct_error error = {0};
        int status = ct_start_decode(broken[i].text, &order, &error);
        if (broken[i].named == NULL) {
            assert_int_equal(status, CT_OK);
            ct_start_options_clear(&order);
            continue;
        }
        assert_int_equal(status, CT_EFORMAT);
        assert_null(order.storage);
        if (strstr(error.message, broken[i].named) == NULL) {
            fail_msg("order %zu: '%s' does not say %s", i, error.message, broken[i].named);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_survives),
        cmocka_unit_test(what_is_optional_may_be_absent),
        cmocka_unit_test(arguments_too_large_for_a_variable_are_left_out),
        cmocka_unit_test(a_broken_order_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
