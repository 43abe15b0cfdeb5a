#include "export/stream.h"

#include <stdlib.h>
#include <string.h>

#include "export/paths.h"
#include "export/scope.h"
#include "export/threads.h"
#include "export/utf8.h"
#include "export/written.h"
#include "trace/shape.h"
#include "trace/str.h"

enum {
    PROGRESS_EVENTS = 1 << 14,
    /* With the encoded values (scope.c) below 64 MiB: an export goes on in the program's own
     * process too. It plays forwards, so few blocks are read again. */
    BLOCKS_BYTES = 8 << 20,
    OBJECTS_BYTES = 16 << 20,
};

struct stream {
    struct ctr_trace *trace;
    struct ctr_player *player;
    struct export_writer *writer;
    const struct export_options *options;
    struct export_values values;
    struct export_scope scope;
    struct export_written written;
    struct export_paths paths;
    uint32_t paths_put;            /* that many are announced */
    struct export_names functions; /* keys: path, line, name */
    uint32_t *plan_functions;      /* by plan: function id plus 1; 0: not met yet */
    struct export_threads threads;
    uint32_t thread; /* the one whose events go out */
    uint64_t *calls; /* open ones of that thread, the outermost first */
    size_t call_count, call_capacity;
    struct export_place place;
    struct export_cached result;
    struct ct_bytes text;
    struct ct_bytes uncaught; /* what ended the first call */
    uint64_t first_call;
    bool has_first_call;
    uint64_t events;
    struct export_progress progress;
    bool failed; /* out of memory */
};

/* ---- ids ----------------------------------------------------------------------------------------
 */

/* Announce paths up to this one: their numbers are their places in trace_paths.json. */
static uint32_t use_path(struct stream *stream, uint32_t path)
{
    uint32_t number = stream->paths.numbers[path];
    while (stream->paths_put <= number) {
        stream->writer->type->path(stream->writer, stream->paths.items[stream->paths_put++]);
    }
    return number;
}

/* A module's body is named after its module. */
static void add_function_name(const struct ctr_plan *plan, struct ct_bytes *to)
{
    bool is_module = ctr_text_is(plan->qualname, "<module>") && plan->module.size > 0;
    if (is_module) {
        ct_bytes_add_byte(to, '<');
        ct_bytes_add(to, plan->module.bytes, plan->module.size);
        ct_bytes_add_byte(to, '>');
    } else {
        ct_bytes_add(to, plan->qualname.bytes, plan->qualname.size);
    }
}

static uint32_t add_function(struct stream *stream, uint32_t path, uint32_t line,
                             struct ctr_text name)
{
    struct ct_bytes *key = &stream->text;
    key->size = 0;
    ct_bytes_add_u32(key, path);
    ct_bytes_add_u32(key, line);
    ct_bytes_add(key, name.bytes, name.size);
    bool is_new;
    uint32_t number = export_name(&stream->functions, key->data, key->size, &is_new);
    stream->failed |= number == UINT32_MAX || key->failed;
    if (is_new) {
        stream->writer->type->function(stream->writer, path, line, name);
    }
    return number;
}

static uint32_t use_function(struct stream *stream, uint32_t id, const struct ctr_plan *plan)
{
    if (stream->plan_functions[id] == 0) {
        struct ct_bytes name = {0};
        struct ct_bytes clean = {0};
        add_function_name(plan, &name);
        uint32_t path = use_path(stream, plan->path);
        struct ctr_text text =
            export_clean_text((struct ctr_text){(char *)name.data, name.size}, &clean);
        uint32_t line = export_paths_line(&stream->paths, path, plan->first_line);
        stream->plan_functions[id] = add_function(stream, path, line, text) + 1;
        stream->failed |= name.failed || clean.failed;
        ct_bytes_free(&name);
        ct_bytes_free(&clean);
    }
    return stream->plan_functions[id] - 1;
}

/* ---- calls
 * --------------------------------------------------------------------------------------- */

static void push_call(struct stream *stream, uint64_t call)
{
    if (stream->call_count == stream->call_capacity) {
        size_t capacity = stream->call_capacity == 0 ? 256 : stream->call_capacity * 2;
        uint64_t *calls = realloc(stream->calls, capacity * sizeof *calls);
        if (calls == NULL) {
            stream->failed = true;
            return;
        }
        stream->calls = calls;
        stream->call_capacity = capacity;
    }
    stream->calls[stream->call_count++] = call;
}

static void put_return(struct stream *stream)
{
    stream->writer->type->ret(stream->writer, &stream->result.value);
    stream->call_count--;
}

/* Return from calls whose end was not recorded. */
static void return_from_lost(struct stream *stream, size_t keep)
{
    while (stream->call_count > keep) {
        export_values_text(&stream->values, EXPORT_V_ERROR, EXPORT_T_OBJECT, "<not returned>",
                           &stream->result);
        put_return(stream);
    }
}

/* Whether the frame's call is open, and then the innermost. A frame that ran before the recording
 * began has none: its lines belong to <toplevel>. */
static bool reach_call(struct stream *stream, const struct ctr_frame *frame)
{
    for (size_t i = stream->call_count; i-- > 0;) {
        if (stream->calls[i] == frame->call) {
            return_from_lost(stream, i + 1);
            return true;
        }
    }
    return false;
}

static void put_step(struct stream *stream, uint32_t path, uint32_t line,
                     const struct ctr_frame *frame)
{
    line = export_paths_line(&stream->paths, path, line);
    stream->writer->type->step(stream->writer, path, line);
    stream->place = (struct export_place){
        .is_known = true,
        .path = path,
        .line = line,
        .call = frame->call,
        .thread = frame->thread,
    };
}

/* The arguments are encoded, their names announced. */
static void put_call(struct stream *stream, const struct ctr_frame *frame)
{
    struct export_scope *scope = &stream->scope;
    const struct export_writer_type *type = stream->writer->type;
    const struct ctr_plan *plan = ctr_plan(stream->trace, frame->plan);
    uint32_t function = use_function(stream, frame->plan, plan);
    for (uint32_t i = 0; i < scope->argument_count; i++) {
        type->value(stream->writer, scope->arguments[i].variable, scope->arguments[i].value);
    }
    put_step(stream, use_path(stream, plan->path), plan->first_line, frame);
    type->call(stream->writer, function, scope->arguments, scope->argument_count);
    push_call(stream, frame->call);
}

/* Where the frame below is known, what it called and nobody returned from is over. */
static void reach_caller(struct stream *stream, const struct ctr_frame *frame)
{
    for (size_t i = stream->call_count; i-- > 0;) {
        if (stream->calls[i] == frame->parent) {
            return_from_lost(stream, i + 1);
            return;
        }
    }
}

/* ---- events
 * -------------------------------------------------------------------------------------- */

static void on_call(struct stream *stream, const struct ctr_event *event)
{
    if (!stream->has_first_call) {
        stream->has_first_call = true;
        stream->first_call = event->frame->call;
    }
    export_written_flush(&stream->written);
    reach_caller(stream, event->frame);
    export_scope_arguments(&stream->scope, event->frame);
    put_call(stream, event->frame);
}

static void on_resume(struct stream *stream, const struct ctr_event *event)
{
    export_written_flush(&stream->written);
    stream->scope.argument_count = 0;
    put_call(stream, event->frame);
}

static void on_throw(struct stream *stream, const struct ctr_event *event)
{
    export_written_flush(&stream->written);
    export_values_get(&stream->values, event->value, &stream->result);
    export_scope_argument(&stream->scope, "exception", &stream->result);
    put_call(stream, event->frame);
}

static void on_line(struct stream *stream, const struct ctr_event *event)
{
    if (event->number != 0) {
        return; /* another turn of a loop written on one line: no step in CodeTracer's formats */
    }
    const struct ctr_plan *plan = ctr_plan(stream->trace, event->frame->plan);
    export_written_flush(&stream->written);
    reach_call(stream, event->frame);
    put_step(stream, use_path(stream, plan->path), event->frame->line, event->frame);
    export_scope_line(&stream->scope, event->frame);
}

static void on_return(struct stream *stream, const struct ctr_event *event)
{
    export_written_flush(&stream->written);
    if (reach_call(stream, event->frame)) {
        export_values_get(&stream->values, event->value, &stream->result);
        put_return(stream);
    }
}

static bool is_exit(struct stream *stream, struct ctr_value value)
{
    struct ctr_shape shape;
    ctr_shape_open(stream->player, value, &shape);
    bool is_exit = ctr_text_is(ctr_shape_type_name(&shape), "SystemExit");
    ctr_shape_close(stream->player, &shape);
    return is_exit;
}

/* The program's own exception is the one that leaves its first call, unless it means to exit. */
static void on_unwind(struct stream *stream, const struct ctr_event *event)
{
    on_return(stream, event);
    if (stream->has_first_call && event->frame->call == stream->first_call) {
        stream->uncaught.size = 0;
        if (!is_exit(stream, event->value)) {
            ctr_str_exception_line(stream->player, event->value, &stream->uncaught);
        }
    }
}

static void on_stream(struct stream *stream, const struct ctr_event *event)
{
    static const struct export_place nowhere = {0};
    stream->text.size = 0;
    if (ctr_shape_add_content(stream->player, event->value, &stream->text)) {
        struct ctr_text text = {(const char *)stream->text.data, stream->text.size};
        bool is_foreign = (event->number & CTR_STREAM_FOREIGN) != 0;
        export_write(&stream->written, event->number, text, is_foreign ? &nowhere : &stream->place);
    }
}

typedef void on_event(struct stream *stream, const struct ctr_event *event);

static on_event *const handlers[CTR_EVENT_KINDS] = {
    [CTR_EVENT_LINE] = on_line,     [CTR_EVENT_CALL] = on_call,     [CTR_EVENT_RETURN] = on_return,
    [CTR_EVENT_YIELD] = on_return,  [CTR_EVENT_RESUME] = on_resume, [CTR_EVENT_THROW] = on_throw,
    [CTR_EVENT_UNWIND] = on_unwind, [CTR_EVENT_OUTPUT] = on_stream, [CTR_EVENT_INPUT] = on_stream,
};

/* ---- playing
 * ---------------------------------------------------------------------------------------- */

static void report(struct stream *stream, const struct ctr_event *event)
{
    if (stream->options->progress == NULL || stream->events++ % PROGRESS_EVENTS != 0) {
        return;
    }
    if (event->step > stream->progress.done) {
        stream->progress.done = event->step;
    }
    stream->progress.bytes = export_out_size(stream->writer->out);
    stream->options->progress(&stream->progress, stream->options->context);
}

static int check(const struct stream *stream, struct ct_error *error)
{
    if (stream->failed || stream->values.failed || stream->scope.failed) {
        return ct_fail(error, CT_ENOMEM, "no memory to export '%s'", stream->options->recording);
    }
    return stream->writer->out->status;
}

static int on_any(struct stream *stream, const struct ctr_event *event, struct ct_error *error)
{
    on_event *handler = handlers[event->kind];
    bool needs_frame = event->kind != CTR_EVENT_OUTPUT && event->kind != CTR_EVENT_INPUT;
    if (event->thread == stream->thread && handler != NULL &&
        (event->frame != NULL || !needs_frame)) {
        handler(stream, event);
    }
    report(stream, event);
    return check(stream, error);
}

/* What is written between steps of no recorded code belongs to no thread we could play again. */
static void end_thread(struct stream *stream)
{
    export_written_flush(&stream->written);
    return_from_lost(stream, 0);
    stream->place = (struct export_place){0};
}

/* Play everything, put down the first thread, and find the others. */
static int play_first(struct stream *stream, struct ct_error *error)
{
    struct ctr_event event;
    int status = ctr_player_start(stream->player, 0, error);
    while (status == CT_OK && (status = ctr_player_next(stream->player, &event, error)) == CT_OK) {
        bool is_first = stream->threads.count == 0;
        if (!export_threads_note(&stream->threads, event.thread, event.block)) {
            return ct_fail(error, CT_ENOMEM, "no memory to export the threads");
        }
        if (is_first) {
            stream->thread = event.thread;
        }
        status = on_any(stream, &event, error);
    }
    end_thread(stream);
    return status == CT_ESTATE ? CT_OK : status;
}

static int play_range(struct stream *stream, struct export_range range, struct ct_error *error)
{
    struct ctr_event event;
    int status = ctr_player_start(stream->player, range.first, error);
    while (status == CT_OK && (status = ctr_player_next(stream->player, &event, error)) == CT_OK) {
        if (event.block > range.last) {
            return CT_OK;
        }
        status = on_any(stream, &event, error);
    }
    return status == CT_ESTATE ? CT_OK : status;
}

static int play_other(struct stream *stream, const struct export_thread *thread,
                      struct ct_error *error)
{
    int status = CT_OK;
    stream->thread = thread->number;
    for (uint32_t i = 0; i < thread->count && status == CT_OK; i++) {
        status = play_range(stream, thread->ranges[i], error);
    }
    end_thread(stream);
    return status;
}

/* ---- the frame around
 * -------------------------------------------------------------------------------- */

/* The step of its own keeps the module's call from starting at step 0, where CodeTracer shows no
 * flow, and makes a stream of no steps loadable. */
static void put_beginning(struct stream *stream)
{
    static const char name[] = "<toplevel>";
    const struct export_writer_type *type = stream->writer->type;
    uint32_t path = use_path(stream, 0);
    uint32_t function = add_function(stream, path, 1, (struct ctr_text){name, sizeof name - 1});
    type->call(stream->writer, function, NULL, 0);
    export_type_id(&stream->values, EXPORT_T_NONE);
    type->step(stream->writer, path, 1);
}

/* CodeTracer shows an event of this kind at the last step as the way the program ended. */
static void put_uncaught(struct stream *stream)
{
    int32_t status = ctr_info(stream->trace)->exit_status;
    bool has_failed = status != 0 && status != INT32_MIN;
    if (stream->uncaught.size > 0 && has_failed) {
        struct ctr_text text = {(const char *)stream->uncaught.data, stream->uncaught.size};
        text = export_clean_text(text, &stream->text);
        stream->writer->type->event(stream->writer, EXPORT_EVENT_ERROR, (struct ctr_text){"", 0},
                                    text);
    }
}

static void put_end(struct stream *stream)
{
    int32_t status = ctr_info(stream->trace)->exit_status;
    put_uncaught(stream);
    if (status == INT32_MIN) {
        export_values_text(&stream->values, EXPORT_V_STRING, EXPORT_T_STRING, "<exit>",
                           &stream->result);
    } else {
        export_values_int(&stream->values, status, &stream->result);
    }
    stream->writer->type->ret(stream->writer, &stream->result.value);
}

static int put_stream(struct stream *stream, struct ct_error *error)
{
    int status = CT_OK;
    put_beginning(stream);
    if (ctr_info(stream->trace)->blocks > 0) {
        status = play_first(stream, error);
    }
    for (uint32_t i = 1; i < stream->threads.count && status == CT_OK; i++) {
        status = play_other(stream, &stream->threads.items[i], error);
    }
    if (status == CT_OK) {
        put_end(stream);
        status = check(stream, error);
    }
    return status;
}

/* ---- life
 * -------------------------------------------------------------------------------------------- */

static int open_stream(struct stream *stream, struct ct_error *error)
{
    int status = export_paths_open(&stream->paths, stream->trace, error);
    if (status == CT_OK) {
        status = ctr_player_new(&stream->player, stream->trace, error);
    }
    if (status != CT_OK) {
        return status;
    }
    ctr_cache_limit(stream->trace, BLOCKS_BYTES);
    ctr_player_limit(stream->player, OBJECTS_BYTES);
    stream->written.writer = stream->writer;
    stream->progress.total = ctr_info(stream->trace)->steps;
    uint32_t plans = ctr_info(stream->trace)->plan_count;
    stream->plan_functions = calloc(plans + 1u, sizeof *stream->plan_functions);
    bool has_memory = stream->plan_functions != NULL &&
                      export_values_init(&stream->values, stream->player, stream->writer) &&
                      export_scope_init(&stream->scope, stream->trace, &stream->values);
    return has_memory ? CT_OK : ct_fail(error, CT_ENOMEM, "no memory to export a trace");
}

static void close_stream(struct stream *stream)
{
    export_cached_clear(&stream->result);
    export_scope_clear(&stream->scope);
    export_values_clear(&stream->values);
    export_written_clear(&stream->written);
    export_paths_close(&stream->paths);
    export_names_clear(&stream->functions);
    export_threads_clear(&stream->threads);
    ct_bytes_free(&stream->text);
    ct_bytes_free(&stream->uncaught);
    free(stream->plan_functions);
    free(stream->calls);
    ctr_player_free(stream->player);
}

int export_stream(struct ctr_trace *trace, struct export_writer *writer,
                  const struct export_options *options, struct ct_error *error)
{
    struct stream stream = {.trace = trace, .writer = writer, .options = options};
    int status = open_stream(&stream, error);
    if (status == CT_OK) {
        status = put_stream(&stream, error);
    }
    close_stream(&stream);
    return status;
}
