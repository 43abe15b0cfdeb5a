#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELP_COLUMN = 30,  /* where the second column starts */
    LONGEST_WORD = 40, /* longer words are not compared */
    MOST_SLIPS = 2,
    MOST_NAMES = 64,
};

/* ---- Words ---- */

/* Levenshtein distance of two words of at most LONGEST_WORD bytes. */
static int word_distance(const char *a, const char *b)
{
    int row[LONGEST_WORD + 1];
    int length = (int)strlen(b);
    for (int j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (int i = 0; a[i] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int j = 0; j < length; j++) {
            int replaced = diagonal + (a[i] != b[j]);
            int shorter = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[length];
}

const char *cli_closest(const char *word, const char *const *candidates, size_t count)
{
    const char *closest = NULL;
    int least = MOST_SLIPS + 1;
    for (size_t i = 0; i < count && strlen(word) <= LONGEST_WORD; i++) {
        int distance =
            strlen(candidates[i]) <= LONGEST_WORD ? word_distance(word, candidates[i]) : least;
        /* A word that shares nothing with the candidate is no slip of it. */
        if (distance < least && distance < (int)strlen(word)) {
            least = distance;
            closest = candidates[i];
        }
    }
    return closest;
}

/* ---- Numbers ---- */

bool cli_number_parse(const char *text, unsigned factor, uint64_t *value)
{
    static const char units[] = "KMGT";
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    char *end;
    errno = 0;
    uint64_t whole = strtoull(text, &end, 10);
    if (errno != 0) {
        return false;
    }
    double fraction = 0;
    double place = 0.1;
    if (*end == '.') {
        for (end++; isdigit((unsigned char)*end); end++, place /= 10) {
            fraction += place * (*end - '0');
        }
    }
    uint64_t scale = 1;
    const char *unit = *end == '\0' ? NULL : strchr(units, toupper((unsigned char)*end));
    if (unit != NULL) {
        for (const char *at = units; at <= unit; at++) {
            scale *= factor;
        }
        end++;
        end += strcmp(end, "iB") == 0 ? 2 : strcmp(end, "B") == 0 ? 1 : 0;
    }
    bool has_part_of_one = scale == 1 && fraction != 0;
    if (*end != '\0' || has_part_of_one || whole > UINT64_MAX / scale - (fraction != 0)) {
        return false;
    }
    *value = whole * scale + (uint64_t)(fraction * (double)scale);
    return true;
}

bool cli_duration_parse(const char *text, uint64_t *milliseconds)
{
    static const struct {
        const char *name;
        uint64_t milliseconds;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"", 1000}};
    *milliseconds = 0;
    if (strcmp(text, "never") == 0 || strcmp(text, "off") == 0) {
        return true;
    }
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].name) == 0) {
            *milliseconds = number * units[i].milliseconds;
            return errno == 0 && number <= UINT64_MAX / units[i].milliseconds;
        }
    }
    return false;
}

/* ---- Parsing ---- */

struct parser {
    const struct cli_option *options;
    char **argv;
    int argc;
    int next; /* the argument to look at */
    char *fields;
    bool is_at_end; /* a CLI_LAST option was met */
    struct ct_error *error;
};

static void *field_of(struct parser *parser, const struct cli_option *option)
{
    return parser->fields + option->offset;
}

static int store_choice(struct parser *parser, const struct cli_option *option, const char *shown,
                        const char *value)
{
    for (const char *const *choice = option->choices; *choice != NULL; choice++) {
        if (strcmp(*choice, value) == 0) {
            *(const char **)field_of(parser, option) = *choice;
            return CT_OK;
        }
    }
    char list[256] = "";
    size_t used = 0;
    for (const char *const *choice = option->choices; *choice != NULL && used < sizeof list;
         choice++) {
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", *choice);
    }
    return ct_fail(parser->error, CT_EUSAGE, "%s: '%s' is not one of: %s", shown, value, list);
}

static int store_number(struct parser *parser, const struct cli_option *option, const char *shown,
                        const char *value)
{
    struct cli_number *number = field_of(parser, option);
    number->is_given =
        cli_number_parse(value, option->kind == CLI_SIZE ? 1024 : 1000, &number->value);
    if (!number->is_given) {
        return ct_fail(parser->error, CT_EUSAGE,
                       "%s: '%s' is not a number such as 0, 500, 64K or 2G", shown, value);
    }
    return CT_OK;
}

static int store_duration(struct parser *parser, const struct cli_option *option, const char *shown,
                          const char *value)
{
    struct cli_number *number = field_of(parser, option);
    number->is_given = cli_duration_parse(value, &number->value);
    if (!number->is_given) {
        return ct_fail(parser->error, CT_EUSAGE,
                       "%s: '%s' is not a time such as 90s, 10m, 1h or never", shown, value);
    }
    return CT_OK;
}

static int store_text(struct parser *parser, const struct cli_option *option, const char *shown,
                      const char *value)
{
    struct cli_texts *texts = field_of(parser, option);
    if (texts->count == CLI_MOST_TEXTS) {
        return ct_fail(parser->error, CT_EUSAGE, "%s is given more than %d times", shown,
                       CLI_MOST_TEXTS);
    }
    texts->items[texts->count++] = value;
    return CT_OK;
}

static int store_value(struct parser *parser, const struct cli_option *option, const char *shown,
                       const char *value)
{
    switch (option->kind) {
    case CLI_CHOICE:
        return store_choice(parser, option, shown, value);
    case CLI_COUNT:
    case CLI_SIZE:
        return store_number(parser, option, shown, value);
    case CLI_DURATION:
        return store_duration(parser, option, shown, value);
    case CLI_TEXTS:
        return store_text(parser, option, shown, value);
    case CLI_LAST:
        parser->is_at_end = true;
        break;
    default:
        break;
    }
    *(const char **)field_of(parser, option) = value;
    return CT_OK;
}

static bool takes_value(const struct cli_option *option)
{
    return option->kind != CLI_FLAG && option->kind != CLI_SWITCH;
}

/* `attached` is the value in the same argument, or NULL. */
static int take_option(struct parser *parser, const struct cli_option *option, const char *shown,
                       const char *attached, bool is_negated)
{
    if (!takes_value(option)) {
        if (attached != NULL) {
            return ct_fail(parser->error, CT_EUSAGE, "%s takes no value", shown);
        }
        if (option->kind == CLI_FLAG) {
            *(bool *)field_of(parser, option) = true;
        } else {
            *(enum cli_switch *)field_of(parser, option) = is_negated ? CLI_OFF : CLI_ON;
        }
        return CT_OK;
    }
    if (attached == NULL) {
        if (parser->next >= parser->argc) {
            return ct_fail(parser->error, CT_EUSAGE, "%s needs a value: %s", shown,
                           option->value_name);
        }
        attached = parser->argv[parser->next++];
    }
    return store_value(parser, option, shown, attached);
}

static bool is_last_row(const struct cli_option *option)
{
    return option->letter == 0 && option->name == NULL;
}

static const char *closest_option(const struct cli_option *options, const char *word)
{
    const char *names[MOST_NAMES];
    size_t count = 0;
    for (; !is_last_row(options) && count < MOST_NAMES; options++) {
        if (options->name != NULL) {
            names[count++] = options->name;
        }
    }
    return cli_closest(word, names, count);
}

/* `--help` alone is seen before; with a value it is known all the same. */
static int fail_unknown(struct parser *parser, const char *name)
{
    if (strcmp(name, "help") == 0) {
        return ct_fail(parser->error, CT_EUSAGE, "--help takes no value");
    }
    const char *closest = closest_option(parser->options, name);
    return closest == NULL ? ct_fail(parser->error, CT_EUSAGE, "unknown option '--%s'", name)
                           : ct_fail(parser->error, CT_EUSAGE,
                                     "unknown option '--%s': did you mean '--%s'?", name, closest);
}

static int parse_long(struct parser *parser, const char *argument)
{
    char name[LONGEST_WORD + 1];
    const char *value = strchr(argument, '=');
    size_t length = value == NULL ? strlen(argument) : (size_t)(value - argument);
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
             argument);
    char shown[LONGEST_WORD + 3];
    snprintf(shown, sizeof shown, "--%s", name);
    for (const struct cli_option *option = parser->options; !is_last_row(option); option++) {
        bool is_same = option->name != NULL && strcmp(option->name, name) == 0;
        bool is_negated = option->name != NULL && option->kind == CLI_SWITCH &&
                          strncmp(name, "no-", 3) == 0 && strcmp(option->name, name + 3) == 0;
        if (is_same || is_negated) {
            return take_option(parser, option, shown, value == NULL ? NULL : value + 1, is_negated);
        }
    }
    return fail_unknown(parser, name);
}

/* One or more letters; the first that takes a value takes the rest of the argument. */
static int parse_letters(struct parser *parser, const char *letters)
{
    int status = CT_OK;
    while (*letters != '\0' && status == CT_OK) {
        char shown[3] = {'-', *letters++, '\0'};
        const struct cli_option *option = parser->options;
        while (!is_last_row(option) && option->letter != shown[1]) {
            option++;
        }
        if (is_last_row(option)) {
            return ct_fail(parser->error, CT_EUSAGE, "unknown option '%s'", shown);
        }
        bool has_rest = takes_value(option) && *letters != '\0';
        status = take_option(parser, option, shown, has_rest ? letters : NULL, false);
        letters = has_rest ? "" : letters;
    }
    return status;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "-h") == 0 || strcmp(argument, "--help") == 0;
}

int cli_options_parse(const struct cli_option *options, enum cli_parse_mode mode, int argc,
                      char **argv, void *fields, struct cli_operands *operands, bool *wants_help,
                      struct ct_error *error)
{
    struct parser parser = {
        .options = options, .argv = argv, .argc = argc, .fields = fields, .error = error};
    int kept = 0; /* operands found so far are moved to the front of argv */
    *operands = (struct cli_operands){0};
    *wants_help = false;
    while (parser.next < argc && !parser.is_at_end) {
        char *argument = argv[parser.next];
        if (strcmp(argument, "--") == 0) {
            parser.next++;
            operands->is_after_separator = kept == 0;
            break;
        }
        if (argument[0] != '-' || argument[1] == '\0') {
            if (mode == CLI_OPTIONS_FIRST) {
                break;
            }
            argv[kept++] = argument;
            parser.next++;
            continue;
        }
        if (is_help(argument)) {
            *wants_help = true;
            return CT_OK;
        }
        parser.next++;
        int status = argument[1] == '-' ? parse_long(&parser, argument + 2)
                                        : parse_letters(&parser, argument + 1);
        if (status != CT_OK) {
            return status;
        }
    }
    int rest = argc - parser.next;
    memmove(argv + kept, argv + parser.next, (size_t)rest * sizeof *argv);
    operands->items = argv;
    operands->count = kept + rest;
    return CT_OK;
}

/* ---- Help ---- */

static void format_left_column(const struct cli_option *option, char *text, size_t size)
{
    char letter[8] = "    ";
    if (option->letter != 0) {
        snprintf(letter, sizeof letter, "-%c%s", option->letter, option->name ? ", " : "");
    }
    const char *negatable = option->kind == CLI_SWITCH ? "[no-]" : "";
    snprintf(text, size, "  %s%s%s%s%s%s", letter, option->name ? "--" : "", negatable,
             option->name ? option->name : "", option->value_name ? " " : "",
             option->value_name ? option->value_name : "");
}

void cli_options_print(const struct cli_option *options, FILE *file)
{
    for (; !is_last_row(options); options++) {
        if (options->help == NULL) {
            continue;
        }
        char left[128];
        format_left_column(options, left, sizeof left);
        const char *line = options->help;
        /* A left column that is too long gets a line of its own. */
        if (strlen(left) + 2 > HELP_COLUMN) {
            fprintf(file, "%s\n", left);
            left[0] = '\0';
        }
        while (line != NULL) {
            const char *end = strchr(line, '\n');
            int length = end == NULL ? (int)strlen(line) : (int)(end - line);
            fprintf(file, "%-*s%.*s\n", HELP_COLUMN, left, length, line);
            left[0] = '\0';
            line = end == NULL ? NULL : end + 1;
        }
    }
}
