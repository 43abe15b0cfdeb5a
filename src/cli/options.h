/* Command line options as tables: one row parses an option and prints its help.
 *
 * A command describes its options in a table ending in a row of zeros; parsing fills a struct of
 * the command's own, which starts as zeros, so zero is every option's "not given". */
#ifndef CT_CLI_OPTIONS_H
#define CT_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

enum cli_option_kind {
    CLI_FLAG,     /* no value; field: bool */
    CLI_SWITCH,   /* --name and --no-name; field: enum cli_switch */
    CLI_TEXT,     /* field: const char * */
    CLI_TEXTS,    /* may be given several times; field: struct cli_texts */
    CLI_CHOICE,   /* one of `choices`; field: const char *, pointing at the table's own word */
    CLI_COUNT,    /* a number, K = 1000; field: struct cli_number */
    CLI_SIZE,     /* bytes, K = 1024; field: struct cli_number */
    CLI_DURATION, /* "10m", "never"; field: struct cli_number, milliseconds */
    CLI_LAST,     /* field: const char *; all that follows the value are operands */
};

enum cli_switch { CLI_UNSET, CLI_ON, CLI_OFF };

struct cli_number {
    bool is_given;
    uint64_t value;
};

enum { CLI_MOST_TEXTS = 64 };

struct cli_texts {
    const char *items[CLI_MOST_TEXTS];
    size_t count;
};

struct cli_option {
    char letter;      /* -x, or 0 */
    const char *name; /* --name without the dashes, or NULL when there is only a letter */
    enum cli_option_kind kind;
    size_t offset; /* of the field */
    const char *value_name;
    const char *help;           /* NULL: a second spelling, not shown; '\n' starts a new line */
    const char *const *choices; /* NULL-terminated */
};

/* What is left when the options are taken out; points into the argument vector. */
struct cli_operands {
    char **items;
    int count;
    bool is_after_separator; /* a "--" stood before the first operand */
};

enum cli_parse_mode {
    CLI_MIXED,         /* options may stand between operands; "--" ends them */
    CLI_OPTIONS_FIRST, /* the first operand ends the options; the rest is left as it is */
};

/* Parse `argv[0..argc)`, which holds no command name and is reordered. CT_EUSAGE: the message says
 * what is wrong. `*wants_help` is set at -h or --help, where parsing stops. */
int cli_options_parse(const struct cli_option *options, enum cli_parse_mode mode, int argc,
                      char **argv, void *fields, struct cli_operands *operands, bool *wants_help,
                      struct ct_error *error);

/* Print the table's help, two columns. */
void cli_options_print(const struct cli_option *options, FILE *file);

/* Read "16", "1.5G", "64K", "64KiB", with the factor of one K. False: not a number, or too large.
 */
bool cli_number_parse(const char *text, unsigned factor, uint64_t *value);

/* Read "500ms", "90s", "10m", "1h", or a number of seconds; "never", "off" and "0" are 0. */
bool cli_duration_parse(const char *text, uint64_t *milliseconds);

/* The candidate that `word` is most likely a slip of, or NULL. */
const char *cli_closest(const char *word, const char *const *candidates, size_t count);

#endif
