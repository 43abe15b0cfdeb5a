/* JSON as written: commas, escapes, bytes that are not UTF-8; and what is found in it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_find.h"
#include "base/json_out.h"

static void assert_text(const void *text, size_t size, const char *expected)
{
    struct ct_bytes bytes = {0};
    ct_json_append_text(&bytes, text, size);
    ct_bytes_add_byte(&bytes, '\0');
    assert_string_equal((const char *)bytes.data, expected);
    ct_bytes_free(&bytes);
}

#define ASSERT_TEXT(literal, expected) assert_text(literal, sizeof(literal) - 1, expected)

static void ascii_is_escaped_as_json_asks(void **state)
{
    (void)state;
    ASSERT_TEXT("", "\"\"");
    ASSERT_TEXT("plain /\x7f", "\"plain /\x7f\"");
    ASSERT_TEXT("\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    ASSERT_TEXT("\0\x01\x1f", "\"\\u0000\\u0001\\u001f\"");
    ASSERT_TEXT("a\nb", "\"a\\nb\"");
}

static void utf8_goes_through(void **state)
{
    (void)state;
    ASSERT_TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8d", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8d\"");
    ASSERT_TEXT("\xc2\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
                "\"\xc2\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"");
}

static void lone_surrogates_are_named(void **state)
{
    (void)state;
    ASSERT_TEXT("\xed\xa0\x80 \xed\xbf\xbf", "\"\\ud800 \\udfff\"");
}

static void stray_bytes_become_low_surrogates(void **state)
{
    (void)state;
    ASSERT_TEXT("a\xff"
                "b\x80",
                "\"a\\udcffb\\udc80\"");
    ASSERT_TEXT("\xc0\x80", "\"\\udcc0\\udc80\"");            /* overlong */
    ASSERT_TEXT("\xe0\x9f\xbf", "\"\\udce0\\udc9f\\udcbf\""); /* overlong */
    ASSERT_TEXT("\xf0\x8f\xbf\xbf", "\"\\udcf0\\udc8f\\udcbf\\udcbf\"");
    ASSERT_TEXT("\xf4\x90\x80\x80", "\"\\udcf4\\udc90\\udc80\\udc80\""); /* beyond Unicode */
    ASSERT_TEXT("\xe2\x82", "\"\\udce2\\udc82\"");                       /* cut short */
    ASSERT_TEXT("\xed\xa0", "\"\\udced\\udca0\"");
    ASSERT_TEXT("\xf0\x9f\x90z", "\"\\udcf0\\udc9f\\udc90z\"");
}

static void write_sample(struct ct_json_out *json)
{
    ct_json_begin_object(json);
    ct_json_key(json, "empty");
    ct_json_begin_array(json);
    ct_json_end_array(json);
    ct_json_key(json, "list");
    ct_json_begin_array(json);
    ct_json_int(json, INT64_MIN);
    ct_json_uint(json, UINT64_MAX);
    ct_json_bool(json, true);
    ct_json_bool(json, false);
    ct_json_null(json);
    ct_json_begin_object(json);
    ct_json_end_object(json);
    ct_json_text(json, "x");
    ct_json_raw(json, "1e3", 3);
    ct_json_end_array(json);
    ct_json_key(json, "last");
    ct_json_text_n(json, "a\0b", 3);
    ct_json_end_object(json);
}

static const char sample[] =
    "{\"empty\":[],\"list\":[-9223372036854775808,18446744073709551615,true,false,null,{},"
    "\"x\",1e3],\"last\":\"a\\u0000b\"}";

static void commas_are_placed(void **state)
{
    (void)state;
    struct ct_json_out json;
    ct_json_init(&json, NULL);
    write_sample(&json);
    assert_int_equal(ct_json_finish(&json, NULL), CT_OK);
    assert_int_equal(json.bytes.size, strlen(sample));
    assert_memory_equal(json.bytes.data, sample, strlen(sample));
    ct_json_clear(&json);
}

static void a_file_gets_the_same_in_bounded_memory(void **state)
{
    (void)state;
    enum { COPIES = 5000 };
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    struct ct_json_out json;
    ct_json_init(&json, file);
    ct_json_begin_array(&json);
    for (int i = 0; i < COPIES; i++) {
        write_sample(&json);
    }
    ct_json_end_array(&json);
    assert_true(json.bytes.capacity <= 256 * 1024);
    assert_int_equal(ct_json_finish(&json, NULL), CT_OK);
    ct_json_clear(&json);
    fclose(file);
    assert_int_equal(size, COPIES * (strlen(sample) + 1) + 1);
    assert_memory_equal(text + 1, sample, strlen(sample));
    assert_memory_equal(text + size - 1 - strlen(sample), sample, strlen(sample));
    free(text);
}

static void a_full_disk_is_told_at_the_end(void **state)
{
    (void)state;
    FILE *file = fopen("/dev/full", "w");
    if (file == NULL) {
        skip();
    }
    setvbuf(file, NULL, _IONBF, 0);
    struct ct_json_out json;
    struct ct_error error;
    ct_json_init(&json, file);
    write_sample(&json);
    assert_int_equal(ct_json_finish(&json, &error), CT_EIO);
    assert_non_null(strstr(error.message, "No space left"));
    ct_json_clear(&json);
    fclose(file);
}

static void texts_are_found_again(void **state)
{
    (void)state;
    char text[16];
    assert_true(ct_json_find_text("{\"a\": \"b\", \"c\":\"d\"}", "c", text, sizeof text));
    assert_string_equal(text, "d");
    assert_true(ct_json_find_text("{\"x\":\"\\\"c\\\":1\", \"c\" : \"\\u0041\\n\\\\\"}", "c", text,
                                  sizeof text));
    assert_string_equal(text, "A\n\\");
    /* A value, a number, and a text inside another text are not that member. */
    assert_false(ct_json_find_text("[\"c\", {\"c\": 1, \"d\": \"c\"}]", "c", text, sizeof text));
    assert_false(ct_json_find_text("{\"x\": \"\\\"c\\\": \\\"1\\\"\"}", "c", text, sizeof text));
    assert_false(ct_json_find_text("{\"c\": \"unfinished", "c", text, sizeof text));
    assert_false(ct_json_find_text("", "c", text, sizeof text));
    assert_false(ct_json_find_text("{\"c\": \"0123456789abcdef\"}", "c", text, sizeof text));
    assert_string_equal(text, "0123456789abcde");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_is_escaped_as_json_asks),
        cmocka_unit_test(utf8_goes_through),
        cmocka_unit_test(lone_surrogates_are_named),
        cmocka_unit_test(stray_bytes_become_low_surrogates),
        cmocka_unit_test(commas_are_placed),
        cmocka_unit_test(a_file_gets_the_same_in_bounded_memory),
        cmocka_unit_test(a_full_disk_is_told_at_the_end),
        cmocka_unit_test(texts_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
