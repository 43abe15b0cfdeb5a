/* JSON as read: every token, what is refused and at which byte, and windows that cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json_in.h"

/* The tokens as text: "{ k:a t:x } ." */
static void spell(struct ct_json_in *json, struct ct_bytes *to)
{
    static const char *const signs[] = {"",   ".",  "{",  "}", "[", "]",
                                        "k:", "t:", "n:", "T", "F", "N"};
    enum ct_json_token token;
    do {
        token = ct_json_next(json);
        if (token == CT_JSON_ERROR) {
            ct_bytes_add_format(to, "!%s", json->error);
            break;
        }
        ct_bytes_add_text(to, signs[token]);
        if (token == CT_JSON_KEY || token == CT_JSON_TEXT || token == CT_JSON_NUMBER) {
            ct_bytes_add(to, json->text.data, json->text.size);
            assert_int_equal(json->text.data[json->text.size], 0);
        }
        ct_bytes_add_byte(to, ' ');
    } while (token != CT_JSON_END);
    ct_bytes_add_byte(to, '\0');
}

static void assert_tokens(const char *document, const char *expected)
{
    struct ct_json_in json;
    struct ct_bytes tokens = {0};
    ct_json_in_memory(&json, document, strlen(document));
    spell(&json, &tokens);
    assert_string_equal((const char *)tokens.data, expected);
    assert_int_equal(ct_json_next(&json) == CT_JSON_ERROR, strchr(expected, '!') != NULL);
    ct_bytes_free(&tokens);
    ct_json_in_clear(&json);
}

static void documents_become_tokens(void **state)
{
    (void)state;
    assert_tokens("{\"a\": [1, -2.5e+3, 0], \"b\":{}, \"c\" : [ ] }",
                  "{ k:a [ n:1 n:-2.5e+3 n:0 ] k:b { } k:c [ ] } . ");
    assert_tokens(" true ", "T . ");
    assert_tokens("[false,null,\"\"]", "[ F N t: ] . ");
    assert_tokens("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "t:\"\\/\b\f\n\r\t . ");
    assert_tokens("\"\\u00e4\\u20ac\\ud83d\\udc0d\xc3\xa4\"",
                  "t:\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8d\xc3\xa4 . ");
    assert_tokens("\"\\udc0d\\ud83d \\ud83d\\ud83d\\udc0d\"",
                  "t:\xed\xb0\x8d\xed\xa0\xbd \xed\xa0\xbd\xf0\x9f\x90\x8d . ");
}

static void what_is_wrong_is_named_with_its_byte(void **state)
{
    (void)state;
    assert_tokens("", "!byte 0: the file ends where a value should be");
    assert_tokens("[1,]", "[ n:1 !byte 3: ']' where a value should be");
    assert_tokens("[1 2]", "[ n:1 !byte 3: '2' where ',' or ']' should be");
    assert_tokens("{\"a\" 1}", "{ !byte 5: '1' where ':' should be");
    assert_tokens("{\"a\":1,}", "{ k:a n:1 !byte 7: '}' where a key should be");
    assert_tokens("{1:2}", "{ !byte 1: '1' where a key should be");
    assert_tokens("[1}", "[ n:1 !byte 2: '}' where ',' or ']' should be");
    assert_tokens("01", "!byte 1: '1' where the end of a number that begins with 0 should be");
    assert_tokens("-", "!byte 1: the file ends where a digit should be");
    assert_tokens("1.", "!byte 2: the file ends where a digit should be");
    assert_tokens("+1", "!byte 0: '+' where a value should be");
    assert_tokens("nul", "!byte 3: the file ends where null should be");
    assert_tokens("NaN", "!byte 0: 'N' where a value should be");
    assert_tokens("\"a", "!byte 2: the file ends where the end of a text should be");
    assert_tokens("\"\n\"", "!byte 1: byte 0x0a where a character of a text should be");
    assert_tokens("\"\\x\"", "!byte 2: 'x' where an escape should be");
    assert_tokens("\"\\u12g4\"", "!byte 5: 'g' where a hexadecimal digit should be");
    assert_tokens("\"\xff\"", "!byte 1: text that is not UTF-8");
    assert_tokens("\"\xed\xa0\x80\"", "!byte 1: text that is not UTF-8");
    assert_tokens("\"\xe2\x82\"", "!byte 1: text that is not UTF-8");
    assert_tokens("1 1", "n:1 !byte 2: '1' where the end of the document should be");
    assert_tokens("\xef\xbb\xbf[]", "!byte 0: byte 0xef where a value should be");
}

static void depth_is_limited(void **state)
{
    (void)state;
    char document[CT_JSON_DEPTH_MAX + 1];
    memset(document, '[', sizeof document);
    struct ct_json_in json;
    ct_json_in_memory(&json, document, sizeof document);
    for (int i = 0; i < CT_JSON_DEPTH_MAX; i++) {
        assert_int_equal(ct_json_next(&json), CT_JSON_ARRAY);
    }
    assert_int_equal(ct_json_next(&json), CT_JSON_ERROR);
    assert_string_equal(json.error, "byte 1024: nested more than 1024 levels deep");
    ct_json_in_clear(&json);
}

static void values_can_be_skipped(void **state)
{
    (void)state;
    static const char document[] = "[{\"a\":[1,{}]},2,[]]";
    struct ct_json_in json;
    ct_json_in_memory(&json, document, sizeof document - 1);
    assert_int_equal(ct_json_next(&json), CT_JSON_ARRAY);
    assert_true(ct_json_skip(&json, ct_json_next(&json)));
    assert_true(ct_json_skip(&json, ct_json_next(&json)));
    int64_t two;
    assert_true(ct_json_integer(&json, &two));
    assert_int_equal(two, 2);
    assert_true(ct_json_skip(&json, ct_json_next(&json)));
    assert_int_equal(ct_json_next(&json), CT_JSON_ARRAY_END);
    assert_int_equal(ct_json_next(&json), CT_JSON_END);
    ct_json_in_clear(&json);
}

static void integers_are_whole_and_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_integer;
    } cases[] = {{"-9223372036854775808", true},
                 {"9223372036854775807", true},
                 {"9223372036854775808", false},
                 {"1.0", false},
                 {"1e3", false},
                 {"-0", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ct_json_in json;
        int64_t value;
        ct_json_in_memory(&json, cases[i].text, strlen(cases[i].text));
        assert_int_equal(ct_json_next(&json), CT_JSON_NUMBER);
        assert_int_equal(ct_json_integer(&json, &value), cases[i].is_integer);
        ct_json_in_clear(&json);
    }
}

/* A pipe gives what was written in pieces: every place is once the end of a window. */
static void a_file_is_read_in_windows(void **state)
{
    (void)state;
    static const char document[] =
        "{\"k\xc3\xa4y\":[-12.5e1,\"\\ud83d\\udc0d\xf0\x9f\x90\x8d\",true]}";
    for (size_t cut = 0; cut < sizeof document - 1; cut++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], document, cut), cut);
        struct ct_json_in json;
        struct ct_bytes tokens = {0};
        ct_json_in_file(&json, ends[0], 1000);
        if (cut > 0) {
            assert_int_equal(ct_json_next(&json), CT_JSON_OBJECT);
        }
        assert_int_equal(write(ends[1], document + cut, sizeof document - 1 - cut),
                         sizeof document - 1 - cut);
        close(ends[1]);
        if (cut == 0) {
            assert_int_equal(ct_json_next(&json), CT_JSON_OBJECT);
        }
        spell(&json, &tokens);
        assert_string_equal((const char *)tokens.data,
                            "k:k\xc3\xa4y [ n:-12.5e1 t:\xf0\x9f\x90\x8d\xf0\x9f\x90\x8d T ] } . ");
        ct_bytes_free(&tokens);
        ct_json_in_clear(&json);
        close(ends[0]);
    }
}

static void long_texts_are_refused(void **state)
{
    (void)state;
    int ends[2];
    struct ct_json_in json;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "[\"123456789\"", 12), 12);
    ct_json_in_file(&json, ends[0], 8);
    assert_int_equal(ct_json_next(&json), CT_JSON_ARRAY);
    assert_int_equal(ct_json_next(&json), CT_JSON_ERROR);
    assert_string_equal(json.error, "byte 1: a text of more than 8 bytes");
    ct_json_in_clear(&json);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_tokens),
        cmocka_unit_test(what_is_wrong_is_named_with_its_byte),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(values_can_be_skipped),
        cmocka_unit_test(integers_are_whole_and_fit),
        cmocka_unit_test(a_file_is_read_in_windows),
        cmocka_unit_test(long_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
