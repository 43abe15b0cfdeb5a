/* The pieces of value text that need no trace: numbers, str, bytes. tests/python/test_text_repr.py
 * compares thousands of values, and those inside traces, with Python itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace/text.h"

static void assert_taken(struct ct_bytes *text, const char *expected)
{
    ct_bytes_add_byte(text, '\0');
    assert_false(text->failed);
    assert_string_equal((const char *)text->data, expected);
    ct_bytes_free(text);
}

static void assert_int(int64_t value, const char *expected)
{
    struct ct_bytes text = {0};
    ctr_text_int(value, &text);
    assert_taken(&text, expected);
}

static void assert_float(double value, const char *expected)
{
    struct ct_bytes text = {0};
    ctr_text_float(value, &text);
    assert_taken(&text, expected);
}

static void assert_complex(double real, double imaginary, const char *expected)
{
    struct ct_bytes text = {0};
    ctr_text_complex(real, imaginary, &text);
    assert_taken(&text, expected);
}

static void assert_big(const void *magnitude, size_t size, bool negative, const char *expected)
{
    struct ct_bytes text = {0};
    ctr_text_big(magnitude, size, negative, &text);
    assert_taken(&text, expected);
}

static void assert_str(const char *value, size_t size, const char *expected)
{
    struct ct_bytes text = {0};
    ctr_text_str((const uint8_t *)value, size, &text);
    assert_taken(&text, expected);
}

static void assert_bytes(const char *value, size_t size, const char *expected)
{
    struct ct_bytes text = {0};
    ctr_text_bytes((const uint8_t *)value, size, &text);
    assert_taken(&text, expected);
}

static void messages_control_no_terminal(void **state)
{
    (void)state;
    struct ct_bytes text = {0};
    const char message[] = "it's \"a\\b\" \n\x1b[31m\x7f\xc2\x9b\xe2\x80\xae\xff \xc3\xa9";
    ctr_text_line((const uint8_t *)message, sizeof message - 1, &text);
    assert_taken(&text, "it's \"a\\b\" \\n\\x1b[31m\\x7f\\x9b\\u202e\\udcff \xc3\xa9");
}

#define ASSERT_STR(literal, expected)   assert_str(literal, sizeof(literal) - 1, expected)
#define ASSERT_BYTES(literal, expected) assert_bytes(literal, sizeof(literal) - 1, expected)

static void integers_reach_both_ends(void **state)
{
    (void)state;
    assert_int(0, "0");
    assert_int(-1, "-1");
    assert_int(INT64_MAX, "9223372036854775807");
    assert_int(INT64_MIN, "-9223372036854775808");
}

static void floats_are_the_shortest_that_read_back(void **state)
{
    (void)state;
    assert_float(0.1, "0.1");
    assert_float(0.1 + 0.2, "0.30000000000000004");
    assert_float(5e-324, "5e-324");
    assert_float(1.7976931348623157e308, "1.7976931348623157e+308");
    assert_float(2.2250738585072014e-308, "2.2250738585072014e-308");
    /* The nearest decimal of 16 digits to this power of two does not read back; the next one does.
     */
    assert_float(0x1p-44, "5.684341886080802e-14");
    assert_float(9007199254740993.0, "9007199254740992.0");
}

static void floats_change_form_where_python_does(void **state)
{
    (void)state;
    assert_float(0.0, "0.0");
    assert_float(-0.0, "-0.0");
    assert_float(1e15, "1000000000000000.0");
    assert_float(9999999999999998.0, "9999999999999998.0");
    assert_float(1e16, "1e+16");
    assert_float(1.5e300, "1.5e+300");
    assert_float(0.0001, "0.0001");
    assert_float(0.00012345, "0.00012345");
    assert_float(0.00001, "1e-05");
    assert_float(__builtin_inf(), "inf");
    assert_float(-__builtin_inf(), "-inf");
    assert_float(-__builtin_nan(""), "nan");
}

static void complex_numbers_keep_their_signs(void **state)
{
    (void)state;
    assert_complex(0.0, 1.0, "1j");
    assert_complex(-0.0, 1.0, "(-0+1j)");
    assert_complex(1.0, -0.0, "(1-0j)");
    assert_complex(1.5, __builtin_nan(""), "(1.5+nanj)");
    assert_complex(__builtin_inf(), -2.0, "(inf-2j)");
}

static void big_integers_are_decimal(void **state)
{
    (void)state;
    assert_big("", 0, false, "0");
    assert_big("\0\0", 2, true, "0");
    assert_big("\0\0\0\0\0\0\0\0\x01", 9, false, "18446744073709551616");
    assert_big("\0\xca\x9a\x3b\0\0", 6, true, "-1000000000");
    assert_big("\xff\xff\xff\xff\xff\xff\xff\xff", 8, false, "18446744073709551615");
}

static void integers_too_long_for_decimal_are_hexadecimal(void **state)
{
    (void)state;
    enum { SIZE = 65537 };
    uint8_t *magnitude = calloc(SIZE, 1);
    magnitude[SIZE - 1] = 0x1f;
    magnitude[0] = 0xab;
    struct ct_bytes text = {0};
    ctr_text_big(magnitude, SIZE, true, &text);
    assert_int_equal(text.size, 5 + 2 * (SIZE - 1));
    assert_memory_equal(text.data, "-0x1f00", 7);
    assert_memory_equal(text.data + text.size - 4, "00ab", 4);
    ct_bytes_free(&text);
    free(magnitude);
}

static void strings_choose_quotes_and_escape(void **state)
{
    (void)state;
    ASSERT_STR("", "''");
    ASSERT_STR("it's", "\"it's\"");
    ASSERT_STR("\"", "'\"'");
    ASSERT_STR("'\"", "'\\'\"'");
    ASSERT_STR("a\\\n\r\t\x01\x7f\0", "'a\\\\\\n\\r\\t\\x01\\x7f\\x00'");
    ASSERT_STR("\xc3\xa9\xc2\xa0\xc2\x85", "'\xc3\xa9\\xa0\\x85'");
    ASSERT_STR("\xe2\x80\xa8\xf0\x9f\x98\x80\xf3\xa0\x80\x81",
               "'\\u2028\xf0\x9f\x98\x80\\U000e0001'");
}

static void lone_surrogates_and_stray_bytes_are_escaped(void **state)
{
    (void)state;
    ASSERT_STR("\xed\xb2\x80", "'\\udc80'");
    ASSERT_STR("\xff", "'\\udcff'");
    ASSERT_STR("\xc3", "'\\udcc3'");
    ASSERT_STR("\xe2\x82", "'\\udce2\\udc82'");
    ASSERT_STR("\xc0\xaf", "'\\udcc0\\udcaf'");
    ASSERT_STR("\xf4\x90\x80\x80", "'\\udcf4\\udc90\\udc80\\udc80'");
}

static void bytes_escape_all_that_is_not_ascii(void **state)
{
    (void)state;
    ASSERT_BYTES("", "b''");
    ASSERT_BYTES("a'b", "b\"a'b\"");
    ASSERT_BYTES("'\"\\", "b'\\'\"\\\\'");
    ASSERT_BYTES("\0\t\x80\xff", "b'\\x00\\t\\x80\\xff'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_reach_both_ends),
        cmocka_unit_test(floats_are_the_shortest_that_read_back),
        cmocka_unit_test(floats_change_form_where_python_does),
        cmocka_unit_test(complex_numbers_keep_their_signs),
        cmocka_unit_test(big_integers_are_decimal),
        cmocka_unit_test(integers_too_long_for_decimal_are_hexadecimal),
        cmocka_unit_test(strings_choose_quotes_and_escape),
        cmocka_unit_test(lone_surrogates_and_stray_bytes_are_escaped),
        cmocka_unit_test(messages_control_no_terminal),
        cmocka_unit_test(bytes_escape_all_that_is_not_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
