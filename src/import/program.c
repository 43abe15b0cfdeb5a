#include "import/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_find.h"
#include "trace/format.h"

enum {
    STEP_BYTES_MAX = 64 << 20, /* of one step's values */
    KIND_WRITE = 0,            /* of Event, as trace.json counts them */
    KIND_WRITE_OTHER = 2,
    KIND_READ = 3,
};

/* ---- Tables ---- */

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "out of memory");
}

/* Room for one more element behind `count`; the arrays grow at powers of two. */
static bool make_room(void *array, uint32_t count, size_t size)
{
    void **at = array;
    if ((count & (count - 1)) != 0) {
        return true;
    }
    void *larger = realloc(*at, (count == 0 ? 1 : (size_t)count * 2) * size);
    if (larger != NULL) {
        *at = larger;
    }
    return larger != NULL;
}

static int copy_name(struct import_program *program, struct import_name *name,
                     const struct ct_bytes *text, struct ct_error *error)
{
    program->name_bytes += text->size;
    if (program->name_bytes > IMPORT_NAMES_BYTES_MAX) {
        return import_fail(program->source, error, "more than 256 MiB of names");
    }
    name->size = text->size;
    name->text = malloc(text->size + 1);
    if (name->text == NULL) {
        return no_memory(error);
    }
    if (text->size > 0) {
        memcpy(name->text, text->data, text->size);
    }
    name->text[text->size] = '\0';
    return CT_OK;
}

static int add_name(struct import_program *program, struct import_name **names, uint32_t *count,
                    const struct import_event *event, struct ct_error *error)
{
    if (*count == IMPORT_NAMES_MAX) {
        return import_fail(program->source, error, "more than %d names", IMPORT_NAMES_MAX);
    }
    if (!make_room(names, *count, sizeof **names)) {
        return no_memory(error);
    }
    int status = copy_name(program, &(*names)[*count], &event->text, error);
    *count += status == CT_OK;
    return status;
}

static int check_id(struct import_program *program, const char *what, int64_t id, uint32_t count,
                    struct ct_error *error)
{
    if (id < 0 || id >= count) {
        return import_fail(program->source, error, "there is no %s %lld yet", what, (long long)id);
    }
    return CT_OK;
}

static uint32_t to_line(int64_t line)
{
    return line < 0 ? 0 : line > INT32_MAX ? INT32_MAX : (uint32_t)line;
}

static int on_path(struct import_program *program, const struct import_event *event,
                   struct ct_error *error)
{
    program->seen_paths++;
    return program->seen_paths <= program->path_count
               ? CT_OK
               : add_name(program, &program->paths, &program->path_count, event, error);
}

static int on_variable(struct import_program *program, const struct import_event *event,
                       struct ct_error *error)
{
    program->seen_variables++;
    return program->seen_variables <= program->variable_count
               ? CT_OK
               : add_name(program, &program->variables, &program->variable_count, event, error);
}

static int on_type(struct import_program *program, const struct import_event *event,
                   struct ct_error *error)
{
    program->seen_types++;
    if (program->seen_types <= program->type_count) {
        return CT_OK;
    }
    if (program->type_count == IMPORT_NAMES_MAX) {
        return import_fail(program->source, error, "more than %d types", IMPORT_NAMES_MAX);
    }
    struct import_type type = {.kind = (uint32_t)event->number};
    if (!make_room(&program->types, program->type_count, sizeof *program->types)) {
        return no_memory(error);
    }
    int status = copy_name(program, &type.name, &event->text, error);
    if (status == CT_OK) {
        status = copy_name(program, &type.fields, &event->fields, error);
    }
    if (status != CT_OK) {
        free(type.name.text);
        return status;
    }
    program->types[program->type_count++] = type;
    return CT_OK;
}

static int on_function(struct import_program *program, const struct import_event *event,
                       struct ct_error *error)
{
    int status = check_id(program, "path", event->path, program->seen_paths, error);
    program->seen_functions++;
    if (status != CT_OK || program->seen_functions <= program->function_count) {
        return status;
    }
    if (program->function_count == IMPORT_NAMES_MAX) {
        return import_fail(program->source, error, "more than %d functions", IMPORT_NAMES_MAX);
    }
    struct import_function function = {.path = (uint32_t)event->path, .line = to_line(event->line)};
    if (!make_room(&program->functions, program->function_count, sizeof *program->functions)) {
        return no_memory(error);
    }
    status = copy_name(program, &function.name, &event->text, error);
    if (status == CT_OK) {
        program->functions[program->function_count++] = function;
    }
    return status;
}

/* ---- Plans ---- */

static int plan_for(struct import_program *program, uint32_t function, uint32_t path,
                    uint32_t *plan, struct ct_error *error)
{
    uint64_t key = (uint64_t)function << 32 | path;
    const uint32_t *known = import_map_get(&program->plan_of, key);
    if (known != NULL) {
        *plan = *known;
        return CT_OK;
    }
    if (program->is_learned) {
        return import_fail(program->source, error, "the file changed while it was read");
    }
    if (!make_room(&program->plans, program->plan_count, sizeof *program->plans) ||
        !import_map_add(&program->plan_of, key, program->plan_count)) {
        return no_memory(error);
    }
    *plan = program->plan_count++;
    program->plans[*plan] = (struct import_plan){.function = function, .path = path};
    return CT_OK;
}

/* ---- Values ---- */

static int check_types(struct import_program *program, const struct import_event *event,
                       struct ct_error *error)
{
    for (uint32_t i = 0; i < event->values.count; i++) {
        uint32_t type = event->values.nodes[i].type;
        if (type != IMPORT_NO_TYPE && type >= program->seen_types) {
            return check_id(program, "type", type, program->seen_types, error);
        }
    }
    return CT_OK;
}

static int check_arguments(struct import_program *program, struct import_event *event,
                           struct ct_error *error)
{
    int status = check_types(program, event, error);
    for (uint32_t i = 0; i < event->argument_count && status == CT_OK; i++) {
        status = check_id(program, "variable", event->arguments[i].variable,
                          program->seen_variables, error);
    }
    for (uint32_t i = 0; i < event->argument_count && status == CT_OK; i++) {
        import_values_seal(&event->values, event->arguments[i].node);
    }
    return status;
}

static int add_binding(struct import_program *program, struct import_step *step,
                       const struct import_event *event, struct ct_error *error)
{
    const struct import_argument *argument = &event->arguments[0];
    if (step->count == step->capacity) {
        uint32_t capacity = step->capacity == 0 ? 16 : step->capacity * 2;
        struct import_argument *items = realloc(step->items, capacity * sizeof *items);
        if (items == NULL) {
            return no_memory(error);
        }
        step->items = items;
        step->capacity = capacity;
    }
    size_t bytes = step->values.text.size + step->values.count * sizeof *step->values.nodes;
    if (bytes > STEP_BYTES_MAX) {
        return import_fail(program->source, error, "a step with more than 64 MiB of values");
    }
    uint32_t node = import_copy_tree(&step->values, &event->values, argument->node);
    if (step->values.failed) {
        return no_memory(error);
    }
    step->items[step->count++] = (struct import_argument){argument->variable, node};
    return CT_OK;
}

static void clear_step(struct import_step *step)
{
    step->is_there = false;
    step->count = 0;
    import_values_clear(&step->values);
}

/* ---- The stack ---- */

static struct import_open_call *top_call(struct import_program *program)
{
    return program->depth == 0 ? NULL : &program->stack[program->depth - 1];
}

static int push_call(struct import_program *program, struct import_open_call call,
                     const struct import_bindings *arguments, struct ct_error *error)
{
    if (program->depth == IMPORT_CALLS_MAX) {
        return import_fail(program->source, error, "more than %d calls that have not returned",
                           IMPORT_CALLS_MAX);
    }
    if (program->depth == program->stack_capacity) {
        uint32_t capacity = program->stack_capacity == 0 ? 64 : program->stack_capacity * 2;
        struct import_open_call *stack = realloc(program->stack, capacity * sizeof *stack);
        if (stack == NULL) {
            return no_memory(error);
        }
        program->stack = stack;
        program->stack_capacity = capacity;
    }
    program->stack[program->depth++] = call;
    return call.is_hidden ? CT_OK : program->sink->call(program->sink, call.plan, arguments, error);
}

static int pop_call(struct import_program *program, const struct import_bindings *result,
                    struct ct_error *error)
{
    bool is_hidden = program->stack[--program->depth].is_hidden;
    return is_hidden ? CT_OK : program->sink->leave(program->sink, result, error);
}

static bool is_in(const struct import_program *program, const struct import_open_call *call,
                  uint32_t path)
{
    return call != NULL && !call->is_hidden && program->plans[call->plan].path == path;
}

/* See that the top frame is one for steps of this file. */
static int enter_file(struct import_program *program, uint32_t path, struct ct_error *error)
{
    static const struct import_bindings nothing = {0};
    struct import_open_call *top = top_call(program);
    int status = CT_OK;
    if (top != NULL && top->is_borrowed && !is_in(program, top, path)) {
        status = pop_call(program, &nothing, error);
        top = top_call(program);
    }
    if (status != CT_OK || is_in(program, top, path)) {
        return status;
    }
    struct import_open_call borrowed = {.is_borrowed = true};
    uint32_t function = top == NULL ? IMPORT_NO_FUNCTION : program->plans[top->plan].function;
    status = plan_for(program, function, path, &borrowed.plan, error);
    return status == CT_OK ? push_call(program, borrowed, &nothing, error) : status;
}

/* ---- Steps ---- */

static int hand_over(struct import_program *program, struct import_step *step,
                     struct ct_error *error)
{
    /* `<toplevel>` has a step of its own before the program begins, and nothing is in it. */
    const struct import_open_call *top = top_call(program);
    bool is_of_toplevel = step->is_first && step->count == 0 && top != NULL && top->is_hidden;
    int status = CT_OK;
    if (step->is_there && !is_of_toplevel) {
        struct import_bindings values = {&step->values, step->items, step->count};
        status = enter_file(program, step->path, error);
        if (status == CT_OK) {
            status = program->sink->line(program->sink, top_call(program)->plan, step->line,
                                         &values, error);
        }
    }
    clear_step(step);
    return status;
}

static int hand_over_all(struct import_program *program, struct ct_error *error)
{
    int status = hand_over(program, &program->older, error);
    return status == CT_OK ? hand_over(program, &program->newer, error) : status;
}

static int on_step(struct import_program *program, const struct import_event *event,
                   struct ct_error *error)
{
    int status = check_id(program, "path", event->path, program->seen_paths, error);
    if (status == CT_OK) {
        status = hand_over(program, &program->older, error);
    }
    if (status != CT_OK) {
        return status;
    }
    struct import_step emptied = program->older;
    program->older = program->newer;
    program->newer = emptied;
    program->newer.is_there = true;
    program->newer.is_first = program->steps++ == 0;
    program->newer.path = (uint32_t)event->path;
    program->newer.line = to_line(event->line);
    return CT_OK;
}

static int on_value(struct import_program *program, struct import_event *event,
                    struct ct_error *error)
{
    int status = check_arguments(program, event, error);
    if (status == CT_OK && program->newer.is_there) {
        return add_binding(program, &program->newer, event, error);
    }
    program->loose += status == CT_OK;
    return status;
}

static int on_drop_step(struct import_program *program, struct ct_error *error)
{
    if (!program->newer.is_there) {
        return import_fail(program->source, error, "there is no step to drop");
    }
    clear_step(&program->newer);
    return CT_OK;
}

/* Those that were no arguments are lost. */
static void lose_loose_values(struct import_program *program, uint32_t arguments)
{
    program->losses.loose_values +=
        program->loose - (program->loose < arguments ? program->loose : arguments);
    program->loose = 0;
}

/* ---- Calls ---- */

/* The arguments may stand among the values of the caller's step, at their end. */
static void take_arguments_back(struct import_step *caller, const struct import_event *event)
{
    uint32_t count = event->argument_count;
    if (caller->count < count) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (caller->items[caller->count - count + i].variable != event->arguments[i].variable) {
            return;
        }
    }
    caller->count -= count;
}

static bool is_toplevel(const struct import_program *program, uint32_t function)
{
    const char *name = program->functions[function].name.text;
    return strcmp(name, "<toplevel>") == 0 || strcmp(name, "<top-level>") == 0;
}

/* A step at the definition, without values, stands before a call and is the call itself. Any other
 * step is the caller's. */
static int hand_over_callers(struct import_program *program, const struct import_event *event,
                             struct ct_error *error)
{
    const struct import_function *callee = &program->functions[event->number];
    struct import_step *newer = &program->newer;
    bool is_definition = newer->is_there && newer->count == 0 && newer->path == callee->path &&
                         newer->line == callee->line;
    if (is_definition) {
        clear_step(newer);
        take_arguments_back(&program->older, event);
    } else {
        take_arguments_back(newer, event);
    }
    return hand_over_all(program, error);
}

static int on_call(struct import_program *program, struct import_event *event,
                   struct ct_error *error)
{
    int status = check_id(program, "function", event->number, program->seen_functions, error);
    if (status == CT_OK) {
        status = check_arguments(program, event, error);
    }
    if (status == CT_OK) {
        lose_loose_values(program, event->argument_count);
        status = hand_over_callers(program, event, error);
    }
    if (status != CT_OK) {
        return status;
    }
    uint32_t function = (uint32_t)event->number;
    struct import_open_call call = {.is_hidden = program->steps == 0 && program->depth == 0 &&
                                                 event->argument_count == 0 &&
                                                 is_toplevel(program, function)};
    struct import_bindings arguments = {&event->values, event->arguments, event->argument_count};
    status = plan_for(program, function, program->functions[function].path, &call.plan, error);
    return status == CT_OK ? push_call(program, call, &arguments, error) : status;
}

static void note_exit_status(struct import_program *program, const struct import_event *event)
{
    const struct import_node *result = &event->values.nodes[event->arguments[0].node];
    if (result->kind == IMPORT_INT && result->integer >= 0 && result->integer <= 255) {
        program->has_exit_status = true;
        program->exit_status = (int32_t)result->integer;
    }
}

static int on_return(struct import_program *program, struct import_event *event,
                     struct ct_error *error)
{
    static const struct import_bindings nothing = {0};
    int status = check_types(program, event, error);
    lose_loose_values(program, 0);
    if (status == CT_OK) {
        status = hand_over_all(program, error);
    }
    if (status == CT_OK && program->depth > 0 && top_call(program)->is_borrowed) {
        status = pop_call(program, &nothing, error);
    }
    if (status != CT_OK) {
        return status;
    }
    if (program->depth == 0) {
        return import_fail(program->source, error, "a return without a call");
    }
    if (top_call(program)->is_hidden) {
        note_exit_status(program, event);
    }
    struct import_bindings result = {&event->values, event->arguments, 1};
    import_values_seal(&event->values, event->arguments[0].node);
    return pop_call(program, &result, error);
}

/* ---- Output and input ---- */

static int on_io(struct import_program *program, const struct import_event *event,
                 struct ct_error *error)
{
    static const struct {
        const char *name;
        uint32_t stream;
    } names[] = {{"stdin", CTR_STDIN}, {"stdout", CTR_STDOUT}, {"stderr", CTR_STDERR}};
    uint32_t stream = event->number == KIND_READ          ? CTR_STDIN
                      : event->number == KIND_WRITE       ? CTR_STDOUT
                      : event->number == KIND_WRITE_OTHER ? CTR_STDERR
                                                          : CTR_STREAM_ALL;
    if (stream == CTR_STREAM_ALL) {
        program->losses.events++;
        return CT_OK;
    }
    char name[16] = "";
    struct ct_bytes metadata = {0};
    ct_bytes_add(&metadata, event->metadata.data, event->metadata.size);
    ct_bytes_add_byte(&metadata, 0);
    if (!metadata.failed) {
        ct_json_find_text((const char *)metadata.data, "stream", name, sizeof name);
    }
    ct_bytes_free(&metadata);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        stream = strcmp(names[i].name, name) == 0 ? names[i].stream : stream;
    }
    int status = hand_over_all(program, error);
    return status == CT_OK ? program->sink->io(program->sink, stream, &event->text, error) : status;
}

/* ---- One run ---- */

static int take_event(struct import_program *program, struct import_event *event,
                      struct ct_error *error)
{
    switch (event->kind) {
    case IMPORT_PATH:
        return on_path(program, event, error);
    case IMPORT_VARIABLE:
        return on_variable(program, event, error);
    case IMPORT_TYPE:
        return on_type(program, event, error);
    case IMPORT_FUNCTION:
        return on_function(program, event, error);
    case IMPORT_STEP:
        return on_step(program, event, error);
    case IMPORT_VALUE:
        return on_value(program, event, error);
    case IMPORT_CALL:
        return on_call(program, event, error);
    case IMPORT_RETURN:
        return on_return(program, event, error);
    case IMPORT_IO:
        return on_io(program, event, error);
    case IMPORT_DROP_STEP:
        return on_drop_step(program, error);
    case IMPORT_OTHER:
    case IMPORT_END:
        break;
    }
    program->losses.events++;
    return CT_OK;
}

static void begin_run(struct import_program *program, struct import_sink *sink)
{
    program->sink = sink;
    program->seen_paths = program->seen_variables = 0;
    program->seen_types = program->seen_functions = 0;
    program->depth = 0;
    program->steps = program->loose = 0;
    program->losses = (struct import_losses){.variables = program->losses.variables};
    clear_step(&program->older);
    clear_step(&program->newer);
}

/* Of both runs together. */
static void show_progress(const struct import_program *program)
{
    enum { EVENTS_BETWEEN = 1 << 14 };
    const struct import_source *source = program->source;
    if (program->progress != NULL && source->total > 0 && source->event % EVENTS_BETWEEN == 0) {
        uint64_t done = (program->is_learned ? source->total : 0) + source->done;
        program->progress((unsigned)(done * 50 / source->total));
    }
}

int import_program_run(struct import_program *program, struct import_sink *sink,
                       struct ct_error *error)
{
    struct import_event event = {0};
    begin_run(program, sink);
    int status = program->source->type->rewind(program->source, error);
    while (status == CT_OK) {
        status = program->source->type->next(program->source, &event, error);
        if (status != CT_OK || event.kind == IMPORT_END) {
            break;
        }
        status = take_event(program, &event, error);
        show_progress(program);
    }
    if (status == CT_OK) {
        lose_loose_values(program, 0);
        status = hand_over_all(program, error);
    }
    import_event_free(&event);
    return status;
}

/* ---- The first run ---- */

struct learner {
    struct import_sink sink;
    struct import_program *program;
};

static int learn_variable(struct import_program *program, uint32_t number, uint32_t variable,
                          bool is_argument, struct ct_error *error)
{
    struct import_plan *plan = &program->plans[number];
    const uint32_t *slot = import_slot(program, number, variable);
    if (slot != NULL) {
        plan->variables[*slot].is_argument |= is_argument;
        return CT_OK;
    }
    if (plan->count == IMPORT_VARIABLES_MAX) {
        program->losses.variables++;
        return CT_OK;
    }
    if (!make_room(&plan->variables, plan->count, sizeof *plan->variables) ||
        !import_map_add(&program->slot_of, (uint64_t)number << 32 | variable, plan->count)) {
        return no_memory(error);
    }
    plan->variables[plan->count++] = (struct import_variable){variable, is_argument};
    return CT_OK;
}

static int learn_bindings(struct import_sink *sink, uint32_t plan,
                          const struct import_bindings *bindings, bool are_arguments,
                          struct ct_error *error)
{
    struct import_program *program = ((struct learner *)(void *)sink)->program;
    int status = CT_OK;
    for (uint32_t i = 0; i < bindings->count && status == CT_OK; i++) {
        uint32_t variable = (uint32_t)bindings->items[i].variable;
        status = learn_variable(program, plan, variable, are_arguments, error);
    }
    return status;
}

static int learn_call(struct import_sink *sink, uint32_t plan,
                      const struct import_bindings *arguments, struct ct_error *error)
{
    return learn_bindings(sink, plan, arguments, true, error);
}

static int learn_line(struct import_sink *sink, uint32_t plan, uint32_t line,
                      const struct import_bindings *values, struct ct_error *error)
{
    (void)line;
    return learn_bindings(sink, plan, values, false, error);
}

/* Arguments first: a later call may have one more (the exception thrown into a generator). */
static int put_arguments_first(struct import_program *program, uint32_t number,
                               struct ct_error *error)
{
    struct import_plan *plan = &program->plans[number];
    struct import_variable *sorted = malloc(((size_t)plan->count + 1) * sizeof *sorted);
    if (sorted == NULL) {
        return no_memory(error);
    }
    uint32_t slot = 0;
    for (int arguments = 1; arguments >= 0; arguments--) {
        for (uint32_t i = 0; i < plan->count; i++) {
            if (plan->variables[i].is_argument == arguments) {
                sorted[slot] = plan->variables[i];
                import_map_set(&program->slot_of, (uint64_t)number << 32 | sorted[slot].name, slot);
                slot++;
            }
        }
        plan->arguments = arguments ? slot : plan->arguments;
    }
    free(plan->variables);
    plan->variables = sorted;
    return CT_OK;
}

static int learn_leave(struct import_sink *sink, const struct import_bindings *result,
                       struct ct_error *error)
{
    (void)sink;
    (void)result;
    (void)error;
    return CT_OK;
}

static int learn_io(struct import_sink *sink, uint32_t stream, const struct ct_bytes *text,
                    struct ct_error *error)
{
    (void)sink;
    (void)stream;
    (void)text;
    (void)error;
    return CT_OK;
}

int import_program_learn(struct import_program *program, struct ct_error *error)
{
    struct learner learner = {{learn_call, learn_line, learn_leave, learn_io}, program};
    int status = import_program_run(program, &learner.sink, error);
    for (uint32_t i = 0; i < program->plan_count && status == CT_OK; i++) {
        status = put_arguments_first(program, i, error);
    }
    program->is_learned = true;
    return status;
}

/* ---- Life ---- */

static void free_step(struct import_step *step)
{
    import_values_free(&step->values);
    free(step->items);
}

void import_program_free(struct import_program *program)
{
    for (uint32_t i = 0; i < program->path_count; i++) {
        free(program->paths[i].text);
    }
    for (uint32_t i = 0; i < program->variable_count; i++) {
        free(program->variables[i].text);
    }
    for (uint32_t i = 0; i < program->type_count; i++) {
        free(program->types[i].name.text);
        free(program->types[i].fields.text);
    }
    for (uint32_t i = 0; i < program->function_count; i++) {
        free(program->functions[i].name.text);
    }
    for (uint32_t i = 0; i < program->plan_count; i++) {
        free(program->plans[i].variables);
    }
    free(program->paths);
    free(program->variables);
    free(program->types);
    free(program->functions);
    free(program->plans);
    free(program->stack);
    free_step(&program->older);
    free_step(&program->newer);
    import_map_free(&program->plan_of);
    import_map_free(&program->slot_of);
}
