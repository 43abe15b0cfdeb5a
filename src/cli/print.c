/* `ct print`: what a recording holds, as text, JSON lines or CSV. Streams: memory does not grow
 * with the recording. */
#include "cli/print.h"

#include <signal.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/glob.h"
#include "cli/incomplete.h"
#include "cli/print_variable.h"
#include "cli/recording_choose.h"
#include "trace/shape.h"

enum {
    VALUE_LENGTH = 160, /* characters of a value in text and CSV, unless asked otherwise */
    VALUE_DEPTH = 6,    /* containers inside containers there */
    VALUE_ITEMS = 100,  /* children shown of one container there */
};

/* ---- Pieces the views share ---- */

const char *print_stream_name(uint64_t stream, char buffer[24])
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    uint64_t number = stream & CTR_STREAM_MASK;
    if (number < sizeof names / sizeof names[0]) {
        return names[number];
    }
    snprintf(buffer, 24, "%llu", (unsigned long long)number);
    return buffer;
}

static const struct {
    uint64_t flag;
    const char *name;
} stream_flags[] = {
    {CTR_STREAM_MIRROR, "mirror"},
    {CTR_STREAM_REDIRECTED, "redirected"},
    {CTR_STREAM_FOREIGN, "foreign"},
};

const char *print_stream_flag(uint64_t stream, size_t *at)
{
    while (*at < sizeof stream_flags / sizeof stream_flags[0]) {
        size_t i = (*at)++;
        if (stream & stream_flags[i].flag) {
            return stream_flags[i].name;
        }
    }
    return NULL;
}

static uint32_t number_or(struct cli_number number, uint32_t otherwise)
{
    if (!number.is_given) {
        return otherwise;
    }
    return number.value > UINT32_MAX ? UINT32_MAX : (uint32_t)number.value;
}

bool print_value(struct print *print, struct ctr_value value, struct ct_bytes *to)
{
    size_t before = to->size;
    uint32_t length = number_or(print->options->length, VALUE_LENGTH);
    struct ctr_text_options options = {
        .depth = number_or(print->options->depth, VALUE_DEPTH),
        .items = length == 0 ? 0 : VALUE_ITEMS,
        .characters = length,
    };
    ctr_text_of(print->player, value, &options, to);
    const struct ctr_object *object =
        value.tag == CTR_V_OBJECT ? ctr_player_object(print->player, value.bits, NULL) : NULL;
    if (object != NULL && object->is_late) {
        ct_bytes_add_format(to, "  (as of step %llu)", (unsigned long long)object->verified);
    }
    return length == 0 || to->size - before < length;
}

void print_safe(struct ctr_text text, struct ct_bytes *to)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = (uint8_t)text.bytes[i];
        uint8_t next = i + 1 < text.size ? (uint8_t)text.bytes[i + 1] : 0;
        bool is_long = byte == 0xc2 && next >= 0x80 && next < 0xa0; /* U+0080 to U+009F */
        bool is_control = is_long || (byte < 0x20 && byte != '\t') || byte == 0x7f;
        ct_bytes_add_byte(to, is_control ? '?' : byte);
        i += is_long;
    }
}

void print_arguments(struct print *print, struct ct_bytes *to)
{
    struct print_variables variables;
    print_variables_start(&variables, print);
    bool is_first = true;
    while (print_variables_next(&variables)) {
        if (!variables.is_argument) {
            continue;
        }
        ct_bytes_add_text(to, is_first ? "" : ", ");
        is_first = false;
        print_safe(print_variable_name(&variables), to);
        ct_bytes_add_byte(to, '=');
        print_value(print, variables.value, to);
    }
    print_variables_end(&variables);
}

void print_file_name(struct print *print, uint32_t path, struct ct_bytes *to)
{
    const struct ctr_path *about = ctr_path(print->trace, path);
    if (about == NULL) {
        ct_bytes_add_byte(to, '?');
        return;
    }
    struct ctr_text name = about->path;
    const char *slash = name.size == 0 ? NULL : memrchr(name.bytes, '/', name.size);
    if (slash != NULL) {
        size_t skipped = (size_t)(slash + 1 - name.bytes);
        name = (struct ctr_text){slash + 1, name.size - skipped};
    }
    print_safe(name, to);
}

/* ---- The program's input and output, as it was ----
 * What was written to an object that stood in a stream's place did not get there. */

static void *output_open(struct print *print)
{
    return print;
}

/* Python's `surrogateescape` lets text carry bytes that are none: U+DC80 to U+DCFF. */
static void add_as_written(const struct ct_bytes *text, struct ct_bytes *to)
{
    for (size_t i = 0; i < text->size; i++) {
        const uint8_t *at = text->data + i;
        bool is_escape = text->size - i >= 3 && at[0] == 0xed && (at[1] & 0xfe) == 0xb2;
        ct_bytes_add_byte(to,
                          is_escape ? (uint8_t)((at[1] & 1) << 6 | (at[2] & 0x3f) | 0x80) : at[0]);
        i += is_escape ? 2 : 0;
    }
}

static void output_event(struct print *print, void *state)
{
    (void)state;
    struct ct_bytes text = {0}, out = {0};
    if ((print->event.number & CTR_STREAM_REDIRECTED) == 0) {
        ctr_shape_add_content(print->player, print->event.value, &text);
    }
    add_as_written(&text, &out);
    if (out.size > 0) {
        fwrite(out.data, 1, out.size, stdout);
    }
    ct_bytes_free(&text);
    ct_bytes_free(&out);
}

static void output_close(struct print *print, void *state)
{
    (void)print;
    (void)state;
}

const struct print_view print_view_output = {output_open, output_event, output_close};

/* ---- Which events, in which form ---- */

static bool is_format(const struct print_options *options, const char *name)
{
    return strcmp(options->format == NULL ? "text" : options->format, name) == 0;
}

static uint32_t bit(enum ctr_event_kind kind)
{
    return 1u << kind;
}

static uint32_t wanted_kinds(const struct print_options *options)
{
    uint32_t kinds = 0;
    if (options->steps) {
        kinds |= bit(CTR_EVENT_LINE);
    }
    if (options->calls) {
        kinds |= bit(CTR_EVENT_CALL) | bit(CTR_EVENT_RETURN) | bit(CTR_EVENT_YIELD) |
                 bit(CTR_EVENT_RESUME) | bit(CTR_EVENT_THROW) | bit(CTR_EVENT_UNWIND);
    }
    if (options->calls && is_format(options, "text")) {
        kinds |= bit(CTR_EVENT_THREAD); /* elsewhere each row names its thread */
    }
    if (options->output) {
        kinds |= bit(CTR_EVENT_OUTPUT);
    }
    if (options->input) {
        kinds |= bit(CTR_EVENT_INPUT);
    }
    return kinds == 0 ? UINT32_MAX : kinds;
}

static const struct print_view *choose_view(const struct print_options *options)
{
    if (is_format(options, "json")) {
        return &print_view_json;
    }
    if (is_format(options, "csv")) {
        return &print_view_csv;
    }
    bool has_streams = options->output || options->input;
    if (options->calls && !options->steps && !has_streams) {
        return &print_view_calls;
    }
    if (has_streams && !options->steps && !options->calls) {
        return &print_view_output;
    }
    return &print_view_listing;
}

bool print_wants_function(const struct print *print, const struct ctr_plan *plan)
{
    const char *glob = print->options->function;
    if (glob == NULL) {
        return true;
    }
    return plan != NULL && cli_glob_matches(glob, plan->qualname.bytes, plan->qualname.size);
}

/* Copy the event's frame: the player's own is only good until it is asked for an object. */
static bool keep_frame(struct print *print)
{
    const struct ctr_frame *frame = print->event.frame;
    if (frame == NULL) {
        return true;
    }
    if (frame->slot_count > print->slot_capacity) {
        struct ctr_value *slots = realloc(print->slots, frame->slot_count * sizeof *slots);
        if (slots == NULL) {
            return false;
        }
        print->slots = slots;
        print->slot_capacity = frame->slot_count;
    }
    print->frame = *frame;
    if (frame->slot_count > 0) {
        memcpy(print->slots, frame->slots, frame->slot_count * sizeof *print->slots);
    }
    print->frame.slots = print->slots;
    print->event.frame = &print->frame;
    return true;
}

/* ---- Playing ---- */

/* Where a damaged block ends reading; `--salvage` goes on with the next one that can be read. */
static int skip_damage(struct print *print, uint32_t *block, const struct ct_error *damage)
{
    struct ct_error error;
    cli_note("%s: %s; going on behind it", print->path, damage->message);
    while (++*block < print->info->blocks) {
        if (ctr_player_start(print->player, *block, &error) == CT_OK) {
            return CT_OK;
        }
    }
    return CT_ESTATE;
}

static int next_event(struct print *print, uint32_t *block, struct ct_error *error)
{
    int status = ctr_player_next(print->player, &print->event, error);
    while (status == CT_EFORMAT && print->options->salvage) {
        status = skip_damage(print, block, error);
        if (status == CT_OK) {
            status = ctr_player_next(print->player, &print->event, error);
        }
    }
    if (status == CT_OK) {
        *block = print->event.block;
    }
    return status;
}

static int play(struct print *print, const struct print_view *view, void *state,
                struct ct_error *error)
{
    const struct print_options *options = print->options;
    uint32_t kinds = wanted_kinds(options);
    uint64_t left = options->limit.is_given ? options->limit.value : UINT64_MAX;
    uint32_t block = 0;
    int status;
    if (options->from.is_given && options->from.value > 0) {
        status = ctr_player_seek(print->player, options->from.value, &print->event, error);
        block = print->event.block;
    } else {
        status = ctr_player_start(print->player, 0, error);
        if (status == CT_OK) {
            status = next_event(print, &block, error);
        }
    }
    while (status == CT_OK && left > 0 && !ferror(stdout)) {
        bool is_line = print->event.kind == CTR_EVENT_LINE;
        if (is_line && options->to.is_given && print->event.step > options->to.value) {
            break;
        }
        if (!keep_frame(print)) {
            return ct_fail(error, CT_ENOMEM, "out of memory");
        }
        if ((kinds & bit(print->event.kind)) != 0 &&
            print_wants_function(print, print_plan(print))) {
            view->event(print, state);
            print->has_shown = true;
            left--;
        }
        status = left > 0 ? next_event(print, &block, error) : CT_OK;
    }
    return status == CT_ESTATE ? CT_OK : status;
}

static int print_events(struct print *print)
{
    const struct cli_number *from = &print->options->from;
    if (from->is_given && from->value > 0 && from->value >= print->info->steps) {
        cli_error("%s: there is no step %llu: the recording has %llu, counted from 0", print->path,
                  (unsigned long long)from->value, (unsigned long long)print->info->steps);
        return CLI_FAILED;
    }
    const struct print_view *view = choose_view(print->options);
    void *state = view->open(print);
    if (state == NULL) {
        cli_error("out of memory");
        return CLI_FAILED;
    }
    struct ct_error error = {0};
    int status = print->info->blocks == 0 ? CT_OK : play(print, view, state, &error);
    view->close(print, state);
    if (status == CT_OK && !print->has_shown && print->options->function != NULL) {
        cli_note("%s: nothing of what was asked for is in it", print->path);
    }
    if (status == CT_OK) {
        return CLI_OK;
    }
    fflush(stdout);
    cli_error("%s: %s", print->path, error.message);
    if (status == CT_EFORMAT) {
        cli_help("`ct print --salvage %s` goes on behind the damage", print->path);
    }
    return CLI_FAILED;
}

/* ---- Opening ---- */

static int print_recording(struct print *print)
{
    struct ct_error error;
    if (ctr_open(&print->trace, print->path, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    print->info = ctr_info(print->trace);
    int status = CLI_FAILED;
    bool is_salvaging = print->options->salvage || print->options->summary;
    if (!cli_accept_incomplete(print->path, print->info, is_salvaging, "print")) {
        status = CLI_FAILED;
    } else if (print->options->summary) {
        status = print_summary(print);
    } else if (print->options->functions) {
        status = print_functions(print);
    } else if (ctr_player_new(&print->player, print->trace, &error) != CT_OK) {
        cli_error("%s: %s", print->path, error.message);
    } else {
        status = print_events(print);
        ctr_player_free(print->player);
    }
    ctr_close(print->trace);
    free(print->slots);
    return status;
}

/* ---- The command ---- */

static const char *const formats[] = {"text", "json", "csv", NULL};

#define FIELD(name) offsetof(struct print_options, name)

static const struct cli_option options_table[] = {
    {0, "format", CLI_CHOICE, FIELD(format), "FORMAT",
     "text (default), json: an object a line, or csv", formats},
    {0, "summary", CLI_FLAG, FIELD(summary), NULL,
     "what the recording is, how complete, all counters", NULL},
    {0, "calls", CLI_FLAG, FIELD(calls), NULL, "calls only: as text, the tree of them", NULL},
    {0, "steps", CLI_FLAG, FIELD(steps), NULL, "steps only", NULL},
    {0, "output", CLI_FLAG, FIELD(output), NULL, "what the program wrote only: as text, as it was",
     NULL},
    {0, "input", CLI_FLAG, FIELD(input), NULL, "what it read from standard input only, likewise",
     NULL},
    {0, "functions", CLI_FLAG, FIELD(functions), NULL,
     "the code that ran: parameters, and what its lines read,\nwrite and call; text or json", NULL},
    {0, "function", CLI_TEXT, FIELD(function), "NAME",
     "only what happened in functions of this qualified name;\n* ? [] match as in a shell", NULL},
    {0, "from", CLI_COUNT, FIELD(from), "STEP", "start at this step", NULL},
    {0, "to", CLI_COUNT, FIELD(to), "STEP", "end with this step", NULL},
    {'n', "limit", CLI_COUNT, FIELD(limit), "N", "print at most N events", NULL},
    {0, "depth", CLI_COUNT, FIELD(depth), "N",
     "containers inside containers to show (text: 6, json: 3)", NULL},
    {0, "length", CLI_COUNT, FIELD(length), "N",
     "characters of a value to show in text and csv (160);\n0: all that was recorded", NULL},
    {0, "globals", CLI_FLAG, FIELD(globals), NULL, "json: the module's globals as well", NULL},
    {0, "salvage", CLI_FLAG, FIELD(salvage), NULL, "print what is readable of a damaged recording",
     NULL},
    {0},
};

/* What is said of the first option that would change nothing, and so was meant otherwise; or NULL.
 */
static const char *option_without_use(const struct print_options *options)
{
    bool has_kind = options->calls || options->steps || options->output || options->input;
    bool has_range = options->from.is_given || options->to.is_given || options->limit.is_given;
    bool has_size = options->depth.is_given || options->length.is_given;
    bool is_json = is_format(options, "json");
    bool is_csv = is_format(options, "csv");
    const struct {
        bool is_so;
        const char *text;
    } mistakes[] = {
        {options->summary && is_csv, "--summary is text or json, not csv"},
        {options->functions && is_csv, "--functions is text or json, not csv"},
        {options->summary && options->functions, "--summary or --functions, not both"},
        {options->summary && (has_kind || options->function != NULL),
         "--summary is of all that happened: no --calls, --steps, --output, --input, --function"},
        {options->summary && has_range, "--summary is of all steps: no --from, --to, --limit"},
        {options->summary && (has_size || options->globals),
         "--summary shows no values: no --depth, --length, --globals"},
        {options->functions && has_kind,
         "--functions shows no events: no --calls, --steps, --output, --input"},
        {options->functions && has_range, "--functions is of all steps: no --from, --to, --limit"},
        {options->functions && (has_size || options->globals),
         "--functions shows no values: no --depth, --length, --globals"},
        {options->globals && !is_json, "--globals is for --format json"},
    };
    const char *text = NULL;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0] && text == NULL; i++) {
        text = mistakes[i].is_so ? mistakes[i].text : NULL;
    }
    return text;
}

static int run_print(const void *fields, const struct cli_operands *operands)
{
    if (operands->count > 1) {
        return cli_usage_error(&cli_command_print, "takes one recording, not %d", operands->count);
    }
    struct print print = {.options = fields};
    const char *unused = option_without_use(print.options);
    if (unused != NULL) {
        return cli_usage_error(&cli_command_print, "%s", unused);
    }
    if (print.options->from.is_given && print.options->to.is_given &&
        print.options->from.value > print.options->to.value) {
        return cli_usage_error(&cli_command_print, "--from %llu lies behind --to %llu",
                               (unsigned long long)print.options->from.value,
                               (unsigned long long)print.options->to.value);
    }
    /* `ct print | head` ends like any other filter, whatever this process inherited. */
    signal(SIGPIPE, SIG_DFL);
    char *path = recording_resolve(operands->count == 1 ? operands->items[0] : ".");
    print.path = path;
    int status = path == NULL ? CLI_FAILED : print_recording(&print);
    free(path);
    return status;
}

const struct cli_command cli_command_print = {
    .name = "print",
    .summary = "Print what a recording holds",
    .usage = "[OPTIONS] [RECORDING]",
    .details = "RECORDING is a directory that holds a trace.ctr, or such a file, or the number or\n"
               "identifier of one that `ct list` shows; without it, the current directory.\n"
               "Each event is a line: a step with the source line about to run and the variables\n"
               "that changed before it, a call, a return, an exception, a line of output.",
    .options = options_table,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct print_options),
    .run = run_print,
};
