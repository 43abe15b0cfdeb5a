/* `ct print` for people: every event on a line, with its source and what changed.
 *
 *     step  place       function  what
 *        0  demo.py:1   <module>  total = add(1, 2)
 *           demo.py:4   add       -> add(a=1, b=2)
 *        1  demo.py:5   add         return a + b
 *           demo.py:5   add       <- 3                                                         */
#include <stdlib.h>
#include <unistd.h>

#include "cli/print.h"
#include "cli/print_edit.h"
#include "cli/print_source.h"
#include "cli/print_variable.h"

enum {
    PLACE_WIDTH_MAX = 32,
    FUNCTION_WIDTH_MAX = 28,
    INDENT_MAX = 24, /* frames shown as indentation */
};

enum style { PLAIN, DIM, BOLD, VARIABLE, CALL, TROUBLE, STYLES };

static const char *const style_codes[STYLES] = {
    [PLAIN] = "",        [DIM] = "\033[2m",      [BOLD] = "\033[1m", [VARIABLE] = "\033[32m",
    [CALL] = "\033[36m", [TROUBLE] = "\033[31m",
};

struct listing {
    struct print_source *source;
    struct print_changes *changes;
    struct ct_bytes line; /* the row being built */
    struct ct_bytes text;
    bool has_colour;
    int step_width, place_width, function_width, change_indent;
};

/* What stands before an event, and whether its value follows. */
static const struct mark {
    const char *text;
    enum style style;
    bool has_value;
} marks[CTR_EVENT_KINDS] = {
    [CTR_EVENT_CALL] = {"-> ", CALL, false},
    [CTR_EVENT_RETURN] = {"<- ", CALL, true},
    [CTR_EVENT_YIELD] = {"<- yield ", CALL, true},
    [CTR_EVENT_RESUME] = {"-> resume", CALL, false},
    [CTR_EVENT_THROW] = {"-> throw ", TROUBLE, true},
    [CTR_EVENT_UNWIND] = {"<- unwind ", TROUBLE, true},
    [CTR_EVENT_RAISE] = {"!! raise ", TROUBLE, true},
    [CTR_EVENT_HANDLED] = {"!! handled ", TROUBLE, true},
    [CTR_EVENT_NOTE] = {"## note ", PLAIN, true},
};

/* ---- Columns ---- */

/* Characters of UTF-8; wide and combining ones count as one. */
static int width_of(const uint8_t *text, size_t size)
{
    int width = 0;
    for (size_t i = 0; i < size; i++) {
        width += (text[i] & 0xc0) != 0x80;
    }
    return width;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int indent_of(const struct print *print)
{
    return 2 * (int)(print->frame.depth < INDENT_MAX ? print->frame.depth : INDENT_MAX);
}

static int digits_of(uint64_t number)
{
    int digits = 1;
    while (number >= 10) {
        number /= 10;
        digits++;
    }
    return digits;
}

static void measure(struct listing *listing, struct print *print)
{
    listing->step_width = digits_of(print->info->steps) < 4 ? 4 : digits_of(print->info->steps);
    listing->place_width = 5;
    listing->function_width = 8;
    for (uint32_t i = 0; i < print->info->plan_count; i++) {
        const struct ctr_plan *plan = ctr_plan(print->trace, i);
        if (plan == NULL) {
            continue;
        }
        listing->text.size = 0;
        print_file_name(print, plan->path, &listing->text);
        uint32_t lines = print_source_lines(listing->source, plan->path);
        int place = width_of(listing->text.data, listing->text.size) + 1 +
                    digits_of(lines == 0 ? 9999 : lines);
        int function = width_of((const uint8_t *)plan->qualname.bytes, plan->qualname.size);
        listing->place_width =
            place > listing->place_width ? smaller(place, PLACE_WIDTH_MAX) : listing->place_width;
        listing->function_width = function > listing->function_width
                                      ? smaller(function, FUNCTION_WIDTH_MAX)
                                      : listing->function_width;
    }
}

static void set_style(struct listing *listing, enum style style)
{
    if (listing->has_colour) {
        ct_bytes_add_text(&listing->line, style == PLAIN ? "\033[0m" : style_codes[style]);
    }
}

static void pad(struct ct_bytes *line, int count)
{
    for (int i = 0; i < count; i++) {
        ct_bytes_add_byte(line, ' ');
    }
}

/* The text in `listing->text`, padded, and two blanks. */
static void add_cell(struct listing *listing, int width)
{
    ct_bytes_add(&listing->line, listing->text.data, listing->text.size);
    pad(&listing->line, width - width_of(listing->text.data, listing->text.size) + 2);
    listing->text.size = 0;
}

static void start_row(struct listing *listing, struct print *print)
{
    const struct ctr_plan *plan = print_plan(print);
    listing->line.size = 0;
    set_style(listing, DIM);
    if (print->event.kind == CTR_EVENT_LINE) {
        ct_bytes_add_format(&listing->line, "%*llu  ", listing->step_width,
                            (unsigned long long)print->event.step);
    } else {
        pad(&listing->line, listing->step_width + 2);
    }
    listing->text.size = 0;
    if (plan != NULL) {
        uint32_t line = print->frame.line != 0 ? print->frame.line : plan->first_line;
        print_file_name(print, plan->path, &listing->text);
        ct_bytes_add_format(&listing->text, ":%u", line);
    }
    add_cell(listing, listing->place_width);
    if (plan != NULL) {
        print_safe(plan->qualname, &listing->text);
    }
    add_cell(listing, listing->function_width);
    set_style(listing, PLAIN);
    if (plan != NULL) {
        pad(&listing->line, indent_of(print));
    }
}

static void end_row(struct listing *listing)
{
    struct ct_bytes *line = &listing->line;
    while (line->size > 0 && line->data[line->size - 1] == ' ') {
        line->size--;
    }
    ct_bytes_add_byte(line, '\n');
    fwrite(line->data, 1, line->size, stdout);
    line->size = 0;
}

/* ---- Rows ---- */

static void start_change(struct listing *listing)
{
    listing->line.size = 0;
    pad(&listing->line, listing->change_indent);
    set_style(listing, VARIABLE);
}

static void end_change(void *context)
{
    struct listing *listing = context;
    set_style(listing, PLAIN);
    end_row(listing);
    start_change(listing);
}

/* A value too long to be shown whole reads as what was done to it, where that is little. */
static void add_change(struct print_variables *variable, void *context)
{
    struct listing *listing = context;
    listing->change_indent = listing->step_width + listing->place_width + listing->function_width +
                             6 + indent_of(variable->print) + 4;
    listing->text.size = 0;
    bool is_whole = print_value(variable->print, variable->value, &listing->text);
    start_change(listing);
    if (is_whole) {
        print_note_keep(variable, NULL);
    } else if (print_edits(variable, &listing->line, end_change, listing)) {
        return;
    }
    print_safe(print_variable_name(variable), &listing->line);
    ct_bytes_add_text(&listing->line, " = ");
    ct_bytes_add(&listing->line, listing->text.data, listing->text.size);
    end_change(listing);
}

static void forget_change(struct print_variables *variable, void *context)
{
    (void)variable;
    (void)context;
}

static void add_line(struct listing *listing, struct print *print)
{
    print_changes_visit(listing->changes, print, add_change, listing);
    start_row(listing, print);
    const struct ctr_plan *plan = print_plan(print);
    if (plan != NULL) {
        set_style(listing, BOLD);
        print_safe(print_source_line(listing->source, plan->path, print->frame.line),
                   &listing->line);
        set_style(listing, PLAIN);
    }
    end_row(listing);
}

static void add_marked(struct listing *listing, struct print *print)
{
    const struct mark *mark = &marks[print->event.kind];
    bool shows_state = print->event.kind == CTR_EVENT_RETURN ||
                       print->event.kind == CTR_EVENT_YIELD ||
                       print->event.kind == CTR_EVENT_UNWIND;
    if (shows_state) {
        print_changes_visit(listing->changes, print, add_change, listing);
    }
    start_row(listing, print);
    set_style(listing, mark->style);
    ct_bytes_add_text(&listing->line, mark->text);
    if (print->event.kind == CTR_EVENT_CALL && print_plan(print) != NULL) {
        print_safe(print_plan(print)->name, &listing->line);
        ct_bytes_add_byte(&listing->line, '(');
        print_arguments(print, &listing->line);
        ct_bytes_add_byte(&listing->line, ')');
        /* The arguments stand here; below, only what becomes of them. */
        print_changes_visit(listing->changes, print, forget_change, NULL);
    }
    if (mark->has_value) {
        print_value(print, print->event.value, &listing->line);
    }
    set_style(listing, PLAIN);
    end_row(listing);
}

static void add_stream(struct listing *listing, struct print *print)
{
    char buffer[24];
    start_row(listing, print);
    ct_bytes_add_format(&listing->line, "%s %s ",
                        print->event.kind == CTR_EVENT_INPUT ? "<<" : ">>",
                        print_stream_name(print->event.number, buffer));
    size_t at = 0;
    for (const char *flag; (flag = print_stream_flag(print->event.number, &at)) != NULL;) {
        ct_bytes_add_format(&listing->line, "(%s) ", flag);
    }
    print_value(print, print->event.value, &listing->line);
    end_row(listing);
}

static void add_thread(struct listing *listing, struct print *print)
{
    listing->line.size = 0;
    bool is_end = print->event.kind == CTR_EVENT_THREAD_END;
    uint64_t number = is_end ? print->event.number : print->event.thread;
    set_style(listing, DIM);
    ct_bytes_add_format(&listing->line, "== thread %llu", (unsigned long long)number);
    for (uint32_t i = 0; i < print->info->thread_count; i++) {
        const struct ctr_thread *thread = ctr_thread_at(print->trace, i);
        if (thread->number == number && thread->name.size > 0) {
            ct_bytes_add_byte(&listing->line, ' ');
            print_safe(thread->name, &listing->line);
            break;
        }
    }
    ct_bytes_add_text(&listing->line, is_end ? " ends" : "");
    set_style(listing, PLAIN);
    end_row(listing);
}

static void add_fork(struct listing *listing, struct print *print)
{
    listing->line.size = 0;
    ct_bytes_add_format(&listing->line, "== fork: process %llu is not recorded here",
                        (unsigned long long)print->event.number);
    end_row(listing);
}

/* ---- The view ---- */

static bool wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

static void listing_free(struct listing *listing)
{
    print_source_free(listing->source);
    print_changes_free(listing->changes);
    ct_bytes_free(&listing->line);
    ct_bytes_free(&listing->text);
    free(listing);
}

static void add_header(struct listing *listing)
{
    set_style(listing, DIM);
    ct_bytes_add_format(&listing->line, "%*s  ", listing->step_width, "step");
    ct_bytes_add_format(&listing->line, "%-*s  ", listing->place_width, "place");
    ct_bytes_add_format(&listing->line, "%-*s  what", listing->function_width, "function");
    set_style(listing, PLAIN);
    end_row(listing);
}

static void *listing_open(struct print *print)
{
    struct listing *listing = calloc(1, sizeof *listing);
    if (listing == NULL) {
        return NULL;
    }
    listing->source = print_source_new(print->trace);
    listing->changes = print_changes_new();
    if (listing->source == NULL || listing->changes == NULL) {
        listing_free(listing);
        return NULL;
    }
    listing->has_colour = wants_colour();
    measure(listing, print);
    add_header(listing);
    return listing;
}

static void listing_event(struct print *print, void *state)
{
    switch (print->event.kind) {
    case CTR_EVENT_LINE:
        add_line(state, print);
        break;
    case CTR_EVENT_OUTPUT:
    case CTR_EVENT_INPUT:
        add_stream(state, print);
        break;
    case CTR_EVENT_THREAD:
    case CTR_EVENT_THREAD_END:
        add_thread(state, print);
        break;
    case CTR_EVENT_FORK:
        add_fork(state, print);
        break;
    default:
        add_marked(state, print);
        break;
    }
}

static void listing_close(struct print *print, void *state)
{
    (void)print;
    listing_free(state);
}

const struct print_view print_view_listing = {listing_open, listing_event, listing_close};
