/* `ct print`: what its views share. The command plays the trace and hands each event that was asked
 * for to one view, which writes it to standard output. */
#ifndef CT_CLI_PRINT_H
#define CT_CLI_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/options.h"
#include "trace/player.h"
#include "trace/text.h"

struct print_options {
    const char *format;   /* "text", "json", "csv"; NULL: text */
    const char *function; /* glob of qualified names, or NULL */
    struct cli_number from, to, limit, depth, length;
    bool calls, steps, output, input, functions, summary, salvage, globals;
};

struct print {
    const struct print_options *options;
    const char *path; /* of the recording, as given */
    struct ctr_trace *trace;
    struct ctr_player *player;
    const struct ctr_info *info;
    struct ctr_event event; /* its frame, if any, is `frame` */
    struct ctr_frame frame; /* a copy: it stays when the player is asked for objects */
    struct ctr_value *slots;
    uint32_t slot_capacity;
    bool has_shown; /* any event */
};

struct print_view {
    /* Returns the view's own state; NULL: out of memory. */
    void *(*open)(struct print *print);
    void (*event)(struct print *print, void *state);
    void (*close)(struct print *print, void *state);
};

extern const struct print_view print_view_listing;
extern const struct print_view print_view_calls;
extern const struct print_view print_view_output;
extern const struct print_view print_view_json;
extern const struct print_view print_view_csv;

/* What the recording is and how complete, as text or as one JSON object. */
int print_summary(struct print *print);

/* The code that ran and its static facts, as text or as JSON lines. */
int print_functions(struct print *print);

/* Whether `--function` asks for this code. */
bool print_wants_function(const struct print *print, const struct ctr_plan *plan);

static inline const struct ctr_plan *print_plan(const struct print *print)
{
    return print->event.frame == NULL ? NULL : ctr_plan(print->trace, print->frame.plan);
}

/* "stdout", "stderr", or the stream's number. */
const char *print_stream_name(uint64_t stream, char buffer[24]);
/* The names of its flags, one after the other; `*at` starts at 0. NULL: no more. */
const char *print_stream_flag(uint64_t stream, size_t *at);

/* Append a short form of a value, for people. False: it may be cut. */
bool print_value(struct print *print, struct ctr_value value, struct ct_bytes *to);

/* Append text with its control characters made harmless for a terminal. */
void print_safe(struct ctr_text text, struct ct_bytes *to);

/* Append "name=value, ..." of the frame's arguments. */
void print_arguments(struct print *print, struct ct_bytes *to);

/* Append the file name of a path without its directories. */
void print_file_name(struct print *print, uint32_t path, struct ct_bytes *to);

#endif
