/* Option tables: what they parse, what they refuse, and what help they print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

enum { MOST_ARGUMENTS = 12 };

struct fields {
    bool flag;
    enum cli_switch choice_made;
    const char *text;
    const char *choice;
    struct cli_number count;
    struct cli_number size;
    const char *last;
};

static const char *const choices[] = {"red", "green", NULL};

static const struct cli_option table[] = {
    {'f', "flag", CLI_FLAG, offsetof(struct fields, flag), NULL, "a flag"},
    {0, "switch", CLI_SWITCH, offsetof(struct fields, choice_made), NULL, "a switch\non two lines"},
    {'o', "out-dir", CLI_TEXT, offsetof(struct fields, text), "DIR", "a text"},
    {0, "output", CLI_TEXT, offsetof(struct fields, text), "DIR"},
    {0, "colour", CLI_CHOICE, offsetof(struct fields, choice), "COLOUR", "a choice", choices},
    {0, "count", CLI_COUNT, offsetof(struct fields, count), "N", "a count"},
    {0, "a-name-longer-than-its-column", CLI_SIZE, offsetof(struct fields, size), "SIZE", "a size"},
    {'m', NULL, CLI_LAST, offsetof(struct fields, last), "MODULE", "the last"},
    {0},
};

/* One parse, its arguments and everything that came out of it. */
struct parse_run {
    char *argv[MOST_ARGUMENTS + 1];
    struct fields fields;
    struct cli_operands operands;
    bool wants_help;
    struct ct_error error;
    int status;
};

/* Words are separated by spaces; "_" stands for an empty argument. */
static void parse(struct parse_run *run, enum cli_parse_mode mode, char *words)
{
    memset(run, 0, sizeof *run);
    int argc = 0;
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(argc < MOST_ARGUMENTS);
        run->argv[argc++] = strcmp(word, "_") == 0 ? word + 1 : word;
    }
    run->status = cli_options_parse(table, mode, argc, run->argv, &run->fields, &run->operands,
                                    &run->wants_help, &run->error);
}

#define PARSE(run, mode, text) \
    char run##_words[] = text; \
    struct parse_run run;      \
    parse(&run, mode, run##_words)

static void assert_operands(const struct parse_run *run, const char *expected)
{
    char joined[256] = "";
    for (int i = 0; i < run->operands.count; i++) {
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i ? "|" : "",
                 run->operands.items[i]);
    }
    assert_string_equal(joined, expected);
}

static void every_kind_of_option_is_read(void **state)
{
    (void)state;
    PARSE(run, CLI_MIXED,
          "-f --switch -o dir --colour=green --count 3K "
          "--a-name-longer-than-its-column=1.5M x");
    assert_int_equal(run.status, CT_OK);
    assert_true(run.fields.flag);
    assert_int_equal(run.fields.choice_made, CLI_ON);
    assert_string_equal(run.fields.text, "dir");
    assert_ptr_equal(run.fields.choice, choices[1]);
    assert_int_equal(run.fields.count.value, 3000);
    assert_int_equal(run.fields.size.value, 3 << 19);
    assert_operands(&run, "x");
}

static void what_is_not_given_stays_unset(void **state)
{
    (void)state;
    PARSE(run, CLI_MIXED, "x");
    struct fields unset = {0};
    assert_memory_equal(&run.fields, &unset, sizeof unset);
}

static void the_later_one_wins(void **state)
{
    (void)state;
    PARSE(run, CLI_MIXED, "--switch --no-switch -o a --output b");
    assert_int_equal(run.fields.choice_made, CLI_OFF);
    assert_string_equal(run.fields.text, "b");
}

static void letters_can_be_joined(void **state)
{
    (void)state;
    PARSE(run, CLI_MIXED, "-fodir");
    assert_true(run.fields.flag);
    assert_string_equal(run.fields.text, "dir");
}

static void mixed_options_may_follow_operands(void **state)
{
    (void)state;
    PARSE(run, CLI_MIXED, "a -f b - -- -o c");
    assert_int_equal(run.status, CT_OK);
    assert_true(run.fields.flag);
    assert_null(run.fields.text);
    assert_operands(&run, "a|b|-|-o|c");
    assert_false(run.operands.is_after_separator);
}

static void the_first_operand_may_end_the_options(void **state)
{
    (void)state;
    PARSE(run, CLI_OPTIONS_FIRST, "-f a --out-dir x -- --help");
    assert_true(run.fields.flag);
    assert_null(run.fields.text);
    assert_false(run.wants_help);
    assert_operands(&run, "a|--out-dir|x|--|--help");
    assert_false(run.operands.is_after_separator);
}

static void a_separator_before_the_first_operand_is_told(void **state)
{
    (void)state;
    PARSE(run, CLI_OPTIONS_FIRST, "-f -- -o -- b");
    assert_operands(&run, "-o|--|b");
    assert_true(run.operands.is_after_separator);
}

static void a_last_option_ends_the_options(void **state)
{
    (void)state;
    PARSE(run, CLI_OPTIONS_FIRST, "-f -m module -f --unknown --");
    assert_string_equal(run.fields.last, "module");
    assert_operands(&run, "-f|--unknown|--");
    PARSE(joined, CLI_OPTIONS_FIRST, "-mmodule -f");
    assert_string_equal(joined.fields.last, "module");
    assert_operands(&joined, "-f");
}

static void help_is_seen_among_the_options_only(void **state)
{
    (void)state;
    PARSE(run, CLI_MIXED, "a --help --unknown");
    assert_true(run.wants_help);
    PARSE(after, CLI_MIXED, "-- --help");
    assert_false(after.wants_help);
}

static void an_empty_argument_is_an_operand(void **state)
{
    (void)state;
    PARSE(run, CLI_MIXED, "_ -o _");
    assert_int_equal(run.operands.count, 1);
    assert_string_equal(run.fields.text, "");
}

static void misuse_is_explained(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        const char *message;
    } cases[] = {
        {"--unknown", "unknown option '--unknown'"},
        {"--cuont 3", "unknown option '--cuont': did you mean '--count'?"},
        {"-x", "unknown option '-x'"},
        {"-fx", "unknown option '-x'"},
        {"--flag=1", "--flag takes no value"},
        {"--no-flag", "unknown option '--no-flag'"},
        {"--out-dir", "--out-dir needs a value: DIR"},
        {"-m", "-m needs a value: MODULE"},
        {"--colour blue", "--colour: 'blue' is not one of: red, green"},
        {"--count many", "--count: 'many' is not a number such as 0, 500, 64K or 2G"},
        {"--count -1", "--count: '-1' is not a number such as 0, 500, 64K or 2G"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[64];
        struct parse_run run;
        snprintf(words, sizeof words, "%s", cases[i].words);
        parse(&run, CLI_MIXED, words);
        assert_int_equal(run.status, CT_EUSAGE);
        assert_string_equal(run.error.message, cases[i].message);
    }
}

static void very_long_options_are_refused_whole(void **state)
{
    (void)state;
    char words[300] = "--";
    memset(words + 2, 'x', sizeof words - 3);
    struct parse_run run;
    parse(&run, CLI_MIXED, words);
    assert_int_equal(run.status, CT_EUSAGE);
}

static void numbers_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_number;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},
        {"500", true, 500},
        {"1K", true, 1024},
        {"1k", true, 1024},
        {"2KiB", true, 2048},
        {"3MB", true, 3 << 20},
        {"1.5G", true, 3ull << 29},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"16777216T", false, 0},
        {"1.5", false, 0},
        {"", false, 0},
        {"K", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 K", false, 0},
        {"1KK", false, 0},
        {"0x10", false, 0},
        {"1e3", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 0;
        if (cli_number_parse(cases[i].text, 1024, &value) != cases[i].is_number ||
            value != cases[i].value) {
            fail_msg("'%s' was read as %llu", cases[i].text, (unsigned long long)value);
        }
    }
}

static void times_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_time;
        uint64_t milliseconds;
    } cases[] = {
        {"500ms", true, 500},
        {"90s", true, 90000},
        {"10m", true, 600000},
        {"1h", true, 3600000},
        {"7", true, 7000},
        {"0", true, 0},
        {"never", true, 0},
        {"off", true, 0},
        {"", false, 0},
        {"m", false, 0},
        {"-1s", false, 0},
        {"1.5h", false, 0},
        {"1d", false, 0},
        {"1 s", false, 0},
        {"soon", false, 0},
        {"99999999999999999999s", false, 0},
        {"9999999999999999999h", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 0;
        bool is_time = cli_duration_parse(cases[i].text, &value);
        if (is_time != cases[i].is_time || (is_time && value != cases[i].milliseconds)) {
            fail_msg("'%s' was read as %llu", cases[i].text, (unsigned long long)value);
        }
    }
}

static void slips_are_recognised(void **state)
{
    (void)state;
    static const char *const words[] = {"record", "replay", "print"};
    assert_string_equal(cli_closest("recrod", words, 3), "record");
    assert_string_equal(cli_closest("prnt", words, 3), "print");
    assert_null(cli_closest("x", words, 3));
    assert_null(cli_closest("completely", words, 3));
    assert_null(cli_closest("", words, 3));
}

static void help_shows_each_option_once(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    cli_options_print(table, file);
    fclose(file);
    assert_string_equal(text, "  -f, --flag                  a flag\n"
                              "      --[no-]switch           a switch\n"
                              "                              on two lines\n"
                              "  -o, --out-dir DIR           a text\n"
                              "      --colour COLOUR         a choice\n"
                              "      --count N               a count\n"
                              "      --a-name-longer-than-its-column SIZE\n"
                              "                              a size\n"
                              "  -m MODULE                   the last\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_option_is_read),
        cmocka_unit_test(what_is_not_given_stays_unset),
        cmocka_unit_test(the_later_one_wins),
        cmocka_unit_test(letters_can_be_joined),
        cmocka_unit_test(mixed_options_may_follow_operands),
        cmocka_unit_test(the_first_operand_may_end_the_options),
        cmocka_unit_test(a_separator_before_the_first_operand_is_told),
        cmocka_unit_test(a_last_option_ends_the_options),
        cmocka_unit_test(help_is_seen_among_the_options_only),
        cmocka_unit_test(an_empty_argument_is_an_operand),
        cmocka_unit_test(misuse_is_explained),
        cmocka_unit_test(very_long_options_are_refused_whole),
        cmocka_unit_test(numbers_have_units),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(slips_are_recognised),
        cmocka_unit_test(help_shows_each_option_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
