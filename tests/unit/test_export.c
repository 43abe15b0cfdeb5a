/* The exports from inside: packing, clean text, exact JSON, limits; and streams of traces that do
 * everything, in several threads and many blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "export/export.h"
#include "export/names.h"
#include "export/pack.h"
#include "export/utf8.h"
#include "export/writer.h"
#include "trace_builder.h"

/* ---- packing ---- */

static size_t unpack(const uint8_t *from, size_t size, uint64_t *words)
{
    const uint8_t *end = from + size;
    size_t count = 0;
    while (from < end) {
        uint8_t flags = *from++;
        uint8_t bytes[8] = {0};
        for (int i = 0; i < 8; i++) {
            if (flags >> i & 1) {
                bytes[i] = *from++;
            }
        }
        memcpy(&words[count++], bytes, 8);
        if (flags == 0) {
            memset(&words[count], 0, 8u * *from);
            count += *from++;
        } else if (flags == 0xff) {
            uint8_t run = *from++;
            memcpy(&words[count], from, 8u * run);
            from += 8u * run;
            count += run;
        }
    }
    return count;
}

static void check_packing(const uint64_t *words, uint32_t count)
{
    uint8_t *packed = malloc(EXPORT_PACKED_MAX(count));
    uint64_t *back = malloc((count + 512) * sizeof *back);
    assert_non_null(packed);
    assert_non_null(back);
    size_t size = (size_t)(export_pack(packed, words, count) - packed);
    assert_true(size <= EXPORT_PACKED_MAX(count));
    assert_int_equal(unpack(packed, size, back), count);
    assert_memory_equal(back, words, count * sizeof *words);
    free(packed);
    free(back);
}

static void test_packing_is_undone(void **state)
{
    (void)state;
    uint64_t seed = 7;
    uint64_t words[1024];
    for (uint32_t round = 0; round < 200; round++) {
        uint32_t count = 1 + (uint32_t)(tb_next_random(&seed) % 1024);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t random = tb_next_random(&seed);
            uint64_t full = random | 0x0101010101010101ull;
            words[i] = round % 4 == 0 ? 0 : round % 4 == 1 ? full : random % 3 == 0 ? 0 : random;
        }
        check_packing(words, count);
    }
}

static void test_packing_as_the_format_gives_it(void **state)
{
    (void)state;
    static const struct {
        uint64_t words[4];
        uint32_t count;
        uint8_t packed[32];
        size_t size;
    } cases[] = {
        {{0x0000000200000008, 0x0000000100000003}, 2, {0x11, 8, 2, 0x11, 3, 1}, 6},
        {{0, 0, 0}, 3, {0, 2}, 2},
        {{0x0807060504030201, 5}, 2, {0xff, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x01, 5}, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t packed[EXPORT_PACKED_MAX(4)];
        size_t size = (size_t)(export_pack(packed, cases[i].words, cases[i].count) - packed);
        assert_int_equal(size, cases[i].size);
        assert_memory_equal(packed, cases[i].packed, size);
    }
}

/* ---- text ---- */

static void test_clean_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"", ""},
        {"plain text, longer than a word", "plain text, longer than a word"},
        {"\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\x8d", "\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\x8d"},
        {"a\xed\xa0\x80z", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"}, /* a lone surrogate */
        {"\xff", "\xef\xbf\xbd"},
        {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"12345678\xe6\x97", "12345678\xef\xbf\xbd\xef\xbf\xbd"}, /* cut */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    struct ct_bytes scratch = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ctr_text text = {cases[i].text, strlen(cases[i].text)};
        struct ctr_text clean = export_clean_text(text, &scratch);
        assert_int_equal(clean.size, strlen(cases[i].clean));
        assert_memory_equal(clean.bytes, cases[i].clean, clean.size);
        assert_int_equal(export_is_utf8(text), strcmp(cases[i].text, cases[i].clean) == 0);
    }
    ct_bytes_free(&scratch);
}

static void test_names_are_numbered_once(void **state)
{
    (void)state;
    struct export_names names = {0};
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 3000; i++) {
            char text[16];
            snprintf(text, sizeof text, "%u", i);
            bool is_new;
            assert_int_equal(export_name(&names, text, i == 0 ? 0 : strlen(text), &is_new), i);
            assert_int_equal(is_new, round == 0);
        }
    }
    export_names_clear(&names);
}

/* ---- exact bytes ---- */

static char *folder(void)
{
    char *path = strdup("/tmp/ct-export-XXXXXX");
    assert_non_null(path);
    assert_non_null(mkdtemp(path));
    return path;
}

static void remove_folder(char *path, const char *name)
{
    char *file = ct_path_join(path, name);
    unlink(file);
    free(file);
    assert_int_equal(rmdir(path), 0); /* nothing else was left there */
    free(path);
}

static const struct ctr_text hello = {"h\"\n\x01\xc3\xa9", 6};

static void put_one_of_each(struct export_writer *writer)
{
    const struct export_writer_type *type = writer->type;
    struct export_value value = {0};
    type->path(writer, (struct ctr_text){"/a.py", 5});
    type->type(writer, 30, "None");
    type->function(writer, 0, 3, (struct ctr_text){"f", 1});
    type->variable_name(writer, (struct ctr_text){"x", 1});
    type->begin(writer, &value);
    type->open(writer, EXPORT_V_SEQUENCE, 3);
    type->number(writer, EXPORT_V_INT, 1, INT64_MIN);
    type->open(writer, EXPORT_V_TUPLE, 2);
    type->number(writer, EXPORT_V_BOOL, 2, 1);
    type->none(writer, 0);
    type->close(writer, 4);
    type->text(writer, EXPORT_V_STRING, 3, hello);
    type->close(writer, 5);
    assert_true(type->end(writer));
    type->value(writer, 0, &value);
    type->step(writer, 0, 7);
    struct export_argument arguments[2] = {{0, &value}, {0, &value}};
    type->call(writer, 0, arguments, 2);
    type->call(writer, 0, NULL, 0);
    type->event(writer, EXPORT_EVENT_WRITE_OTHER, (struct ctr_text){"{}", 2}, hello);
    type->begin(writer, &value);
    type->text(writer, EXPORT_V_RAW, 6, (struct ctr_text){"1.5", 3});
    assert_true(type->end(writer));
    type->ret(writer, &value);
    type->begin(writer, &value);
    type->text(writer, EXPORT_V_ERROR, 6, (struct ctr_text){"<redacted>", 10});
    assert_true(type->end(writer));
    type->ret(writer, &value);
    ct_bytes_free(&value.bytes);
}

#define VALUE                                                                                \
    "{\"kind\":\"Sequence\",\"elements\":[{\"kind\":\"Int\",\"i\":-9223372036854775808,"     \
    "\"type_id\":1},{\"kind\":\"Tuple\",\"elements\":[{\"kind\":\"Bool\",\"b\":true,"        \
    "\"type_id\":2},{\"kind\":\"None\",\"type_id\":0}],\"type_id\":4},{\"kind\":\"String\"," \
    "\"text\":\"h\\\"\\n\\u0001\xc3\xa9\",\"type_id\":3}],\"is_slice\":false,\"type_id\":5}"
#define ARGUMENT "{\"variable_id\":0,\"value\":" VALUE "}"

static const char one_of_each[] =
    "[{\"Path\":\"/a.py\"},"
    "{\"Type\":{\"kind\":30,\"lang_type\":\"None\",\"specific_info\":{\"kind\":\"None\"}}},"
    "{\"Function\":{\"path_id\":0,\"line\":3,\"name\":\"f\"}},"
    "{\"VariableName\":\"x\"},"
    "{\"Value\":" ARGUMENT "},"
    "{\"Step\":{\"path_id\":0,\"line\":7}},"
    "{\"Call\":{\"function_id\":0,\"args\":[" ARGUMENT "," ARGUMENT "]}},"
    "{\"Call\":{\"function_id\":0,\"args\":[]}},"
    "{\"Event\":{\"kind\":2,\"metadata\":\"{}\",\"content\":\"h\\\"\\n\\u0001\xc3\xa9\"}},"
    "{\"Return\":{\"return_value\":{\"kind\":\"Raw\",\"r\":\"1.5\",\"type_id\":6}}},"
    "{\"Return\":{\"return_value\":{\"kind\":\"Error\",\"msg\":\"<redacted>\",\"type_id\":6}}}]";

static void test_json_is_exact(void **state)
{
    (void)state;
    char *place = folder();
    char *path = ct_path_join(place, "trace.json");
    struct ct_error error = {0};
    struct export_out out;
    struct export_writer *writer;
    assert_int_equal(export_out_open(&out, path, 0, &error), CT_OK);
    assert_int_equal(export_json_new(&writer, &out, &error), CT_OK);
    put_one_of_each(writer);
    assert_int_equal(writer->type->finish(writer, &error), CT_OK);
    writer->type->free(writer);
    assert_int_equal(access(path, F_OK), -1); /* not before it is whole */
    assert_int_equal(export_out_finish(&out), CT_OK);
    export_out_close(&out);
    char *text;
    size_t size;
    assert_int_equal(ct_file_read(path, 1 << 20, &text, &size, &error), CT_OK);
    assert_string_equal(text, one_of_each);
    free(text);
    free(path);
    remove_folder(place, "trace.json");
}

/* ---- traces ---- */

struct counts {
    size_t steps, calls, returns;
    bool is_balanced; /* never more returns than calls */
};

static struct counts count_records(const char *text)
{
    struct counts counts = {.is_balanced = true};
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '{') {
            continue;
        }
        counts.steps += strncmp(at, "{\"Step\":", 8) == 0;
        counts.calls += strncmp(at, "{\"Call\":", 8) == 0;
        counts.returns += strncmp(at, "{\"Return\":", 10) == 0;
        counts.is_balanced &= counts.returns <= counts.calls;
    }
    return counts;
}

static char *export_text(const char *trace_path, const char *place, struct ctr_info *info)
{
    char *path = ct_path_join(place, "trace.json");
    struct ct_error error = {0};
    struct export_options options = {.format = EXPORT_JSON, .recording = trace_path};
    struct ctr_trace *trace;
    assert_int_equal(ctr_open(&trace, trace_path, &error), CT_OK);
    if (export_trace(trace, path, &options, &error) != CT_OK) {
        fail_msg("%s", error.message);
    }
    *info = *ctr_info(trace);
    ctr_close(trace);
    char *text;
    size_t size;
    assert_int_equal(ct_file_read(path, 1 << 30, &text, &size, &error), CT_OK);
    free(path);
    return text;
}

/* Each thread's events come out once, whatever the order of blocks and switches. */
static void test_random_traces_are_whole(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        char *path = tb_path();
        char *place = folder();
        struct tb tb;
        tb_open(&tb, path, 5, seed);
        tb.block_bytes = seed % 2 == 0 ? 300 : 0;
        tb_random(&tb, 400);
        tb_close(&tb, CTR_ENDED_NORMALLY, 0);
        struct ctr_info info;
        char *text = export_text(path, place, &info);
        struct counts counts = count_records(text);
        assert_true(counts.is_balanced);
        assert_int_equal(counts.calls, counts.returns);
        /* A step before each call, one for each line, and that of <toplevel>. */
        assert_int_equal(counts.steps, info.steps + counts.calls);
        assert_true(counts.calls >= 1 + info.calls);
        free(text);
        remove_folder(place, "trace.json");
        tb_remove(path);
    }
}

static void test_limit_leaves_nothing(void **state)
{
    (void)state;
    char *path = tb_path();
    char *place = folder();
    struct tb tb;
    tb_open(&tb, path, 3, 3);
    tb_random(&tb, 2000);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ct_error error = {0};
    struct ctr_trace *trace;
    assert_int_equal(ctr_open(&trace, path, &error), CT_OK);
    static const char *const names[] = {"trace.json", "trace.bin"};
    for (int i = 0; i < 2; i++) {
        char *file = ct_path_join(place, names[i]);
        struct export_options options = {
            .format = i == 0 ? EXPORT_JSON : EXPORT_BINARY, .limit = 1000, .recording = "REC"};
        assert_int_equal(export_trace(trace, file, &options, &error), CT_ELIMIT);
        assert_non_null(strstr(error.message, "ct export --format"));
        assert_non_null(strstr(error.message, "'REC'"));
        assert_int_equal(access(file, F_OK), -1);
        free(file);
    }
    ctr_close(trace);
    remove_folder(place, "trace.json");
    tb_remove(path);
}

static void test_a_trace_of_nothing_is_loadable(void **state)
{
    (void)state;
    char *path = tb_path();
    char *place = folder();
    struct tb tb;
    tb_open(&tb, path, 1, 1);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_info info;
    char *text = export_text(path, place, &info);
    struct counts counts = count_records(text);
    assert_int_equal(counts.steps, 1);
    assert_int_equal(counts.calls, 1);
    assert_int_equal(counts.returns, 1);
    assert_non_null(strstr(text, "{\"Type\":{\"kind\":30"));
    free(text);
    remove_folder(place, "trace.json");
    tb_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packing_is_undone),
        cmocka_unit_test(test_packing_as_the_format_gives_it),
        cmocka_unit_test(test_clean_text),
        cmocka_unit_test(test_names_are_numbered_once),
        cmocka_unit_test(test_json_is_exact),
        cmocka_unit_test(test_random_traces_are_whole),
        cmocka_unit_test(test_limit_leaves_nothing),
        cmocka_unit_test(test_a_trace_of_nothing_is_loadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
