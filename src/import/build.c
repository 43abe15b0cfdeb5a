/* Calls, lines and returns of a foreign trace, with what their frames hold. */
#include "import/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/varint.h"
#include "import/build_internal.h"

enum {
    LEAST_ROOM = 64,
    OPTIMIZED = 3, /* co_flags of a function: its variables are slots */
    NEVER = 0xffffffffu,
};

/* ---- Plans ---- */

static void add_name(struct ct_bytes *to, const struct import_name *name)
{
    enum { NAME_MAX_BYTES = 1024 };
    ct_bytes_add_block(to, name->text, import_kept_bytes(name->text, name->size, NAME_MAX_BYTES));
}

static void define_plan(struct import_build *build, const struct import_plan *plan)
{
    static const struct import_name toplevel = {(char *)"<toplevel>", sizeof "<toplevel>" - 1};
    const struct import_program *program = build->program;
    bool has_function = plan->function != IMPORT_NO_FUNCTION;
    const struct import_name *name =
        has_function ? &program->functions[plan->function].name : &toplevel;
    const uint64_t numbers[] = {
        has_function ? program->functions[plan->function].line : 1,
        OPTIMIZED,
        0,
        plan->arguments,
        0,
        0,
        plan->count,
    };
    struct ct_bytes payload = {0};
    ct_bytes_add_varint(&payload, plan->path);
    add_name(&payload, name);
    add_name(&payload, name);
    ct_bytes_add_block(&payload, "", 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ct_bytes_add_varint(&payload, numbers[i]);
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        /* A definition is half a block at most. */
        enum { NAMES_MAX_BYTES = 256 << 10 };
        static const struct import_name none = {(char *)"", 0};
        bool has_room = payload.size < NAMES_MAX_BYTES;
        add_name(&payload, has_room ? &program->variables[plan->variables[i].name] : &none);
        ct_bytes_add_byte(&payload, i < plan->arguments ? CTR_VAR_ARG : CTR_VAR_LOCAL);
        ct_bytes_add_byte(&payload, CTR_KEEP);
    }
    import_define(build, CTR_DEF_PLAN, &payload);
}

static uint32_t plan_of(struct import_build *build, uint32_t plan)
{
    if (build->plans[plan] == 0) {
        define_plan(build, &build->program->plans[plan]);
        build->plans[plan] = ++build->plan_count;
    }
    return build->plans[plan] - 1;
}

/* ---- Frames ---- */

static struct import_frame *top_frame(struct import_build *build)
{
    return build->depth == 0 ? NULL : build->stack[build->depth - 1];
}

static bool is_bound(const struct import_slot *slot)
{
    return (slot->hash[0] | slot->hash[1]) != 0;
}

static uint32_t slot_count(const struct import_build *build, const struct import_frame *frame)
{
    return build->program->plans[frame->plan].count;
}

/* Each block introduces the frames it is about. */
static void introduce(struct import_build *build, struct import_frame *frame)
{
    if (frame == NULL || frame->known_in == build->writer->block) {
        return;
    }
    uint32_t slots = slot_count(build, frame);
    uint32_t count = 0;
    for (uint32_t i = 0; i < slots; i++) {
        count += is_bound(&frame->slots[i]);
    }
    import_put(build, CTR_FRAME);
    import_put(build, 0);
    import_put_varint(build, frame->call);
    import_put_varint(build, plan_of(build, frame->plan));
    import_put_varint(build, build->writer->block - frame->start_block);
    import_put_varint(build, frame->line);
    import_put_varint(build, count);
    for (uint32_t i = 0; i < slots; i++) {
        if (is_bound(&frame->slots[i])) {
            import_put_varint(build, i);
            import_put_held(build, frame->slots[i].value);
        }
    }
    frame->known_in = build->writer->block;
    build->writer->next_frame++;
}

static void put_slot(struct import_build *build, uint32_t slot)
{
    enum { NEAR_SLOTS = CTR_LINE_FAR - CTR_SET };
    if (slot < NEAR_SLOTS) {
        import_put(build, (uint8_t)(CTR_SET + slot));
    } else {
        import_put(build, CTR_SET_FAR);
        import_put_varint(build, slot);
    }
}

static void bind(struct import_build *build, struct import_frame *frame, uint32_t number,
                 const struct import_values *values, uint32_t node)
{
    struct import_writing writing = {build, values};
    struct import_slot *slot = &frame->slots[number];
    const struct import_node *about = import_node_at(&writing, node);
    if (slot->stamp == build->stamp) {
        return; /* named twice: the local variable comes before the global it hides */
    }
    slot->stamp = build->stamp;
    if (slot->hash[0] == about->hash[0] && slot->hash[1] == about->hash[1]) {
        return;
    }
    uint64_t budget = build->room < IMPORT_VALUE_MAX ? build->room : IMPORT_VALUE_MAX;
    const uint8_t *before = build->writer->at;
    if (budget < LEAST_ROOM) {
        put_slot(build, number);
        slot->value = import_put_dropped(build);
    } else {
        import_open_objects(&writing, node, budget);
        put_slot(build, number);
        slot->value = import_put_value(&writing, node, 0, budget);
    }
    size_t used = (size_t)(build->writer->at - before);
    build->room = used < build->room ? build->room - used : 0;
    memcpy(slot->hash, about->hash, sizeof slot->hash);
}

static void bind_all(struct import_build *build, struct import_frame *frame,
                     const struct import_bindings *bindings)
{
    build->stamp++;
    for (uint32_t i = 0; i < bindings->count; i++) {
        const struct import_argument *item = &bindings->items[i];
        const uint32_t *slot = import_slot(build->program, frame->plan, (uint32_t)item->variable);
        if (slot != NULL) {
            bind(build, frame, *slot, bindings->values, item->node);
        }
    }
}

/* A step names all variables there are. What the first one does not name stays if it is an
 * argument: up to there, changes belong to the call. */
static void unbind_others(struct import_build *build, struct import_frame *frame)
{
    uint32_t slots = slot_count(build, frame);
    uint32_t first = frame->line == 0 ? build->program->plans[frame->plan].arguments : 0;
    for (uint32_t i = first; i < slots; i++) {
        struct import_slot *slot = &frame->slots[i];
        if (is_bound(slot) && slot->stamp != build->stamp) {
            put_slot(build, i);
            import_put(build, CTR_V_UNBOUND);
            *slot = (struct import_slot){0};
        }
    }
}

/* ---- Events ---- */

static bool begin_event(struct import_build *build)
{
    struct ctr_writer *writer = build->writer;
    if (writer->soft != NULL && writer->at >= writer->soft) {
        ctr_writer_next_block(writer);
    }
    build->room = IMPORT_EVENT_MAX;
    return import_has_bytes(build, 1);
}

static int end_event(struct import_build *build, struct ct_error *error)
{
    if (build->status == CT_OK) {
        ctr_commit(build->writer);
    } else if (error != NULL) {
        *error = build->error;
    }
    return build->status;
}

static struct import_frame *push_frame(struct import_build *build, uint32_t plan)
{
    if (build->depth == build->capacity) {
        uint32_t capacity = build->capacity == 0 ? 64 : build->capacity * 2;
        struct import_frame **stack = reallocarray(build->stack, capacity, sizeof(void *));
        if (stack == NULL) {
            return NULL;
        }
        build->stack = stack;
        build->capacity = capacity;
    }
    size_t slots = build->program->plans[plan].count;
    if (build->slots + slots > IMPORT_SLOTS_MAX) {
        import_build_fail(build, CT_ELIMIT,
                          "the calls that have not returned have too many variables");
        return NULL;
    }
    struct import_frame *frame = calloc(1, sizeof *frame + slots * sizeof frame->slots[0]);
    if (frame != NULL) {
        build->stack[build->depth++] = frame;
        build->slots += slots;
    }
    return frame;
}

static struct import_build *build_of(struct import_sink *sink)
{
    return (struct import_build *)(void *)sink;
}

static int on_call(struct import_sink *sink, uint32_t plan, const struct import_bindings *arguments,
                   struct ct_error *error)
{
    struct import_build *build = build_of(sink);
    struct ctr_writer *writer = build->writer;
    if (!begin_event(build)) {
        return end_event(build, error);
    }
    uint32_t number = plan_of(build, plan);
    introduce(build, top_frame(build));
    struct import_frame *frame = push_frame(build, plan);
    if (frame == NULL) {
        import_build_fail(build, CT_ENOMEM, "out of memory");
        return end_event(build, error);
    }
    frame->plan = plan;
    frame->start_calls = frame->call = writer->calls++;
    frame->start_step = writer->steps;
    frame->start_block = frame->known_in = writer->block;
    writer->next_frame++;
    import_put(build, CTR_CALL);
    import_put_varint(build, number);
    ctr_count(writer, CTR_C_calls);
    bind_all(build, frame, arguments);
    return end_event(build, error);
}

static int on_line(struct import_sink *sink, uint32_t plan, uint32_t line,
                   const struct import_bindings *values, struct ct_error *error)
{
    struct import_build *build = build_of(sink);
    struct import_frame *frame = top_frame(build);
    (void)plan;
    if (!begin_event(build)) {
        return end_event(build, error);
    }
    introduce(build, frame);
    bind_all(build, frame, values);
    unbind_others(build, frame);
    int64_t change = (int64_t)line - frame->line;
    if (change >= -CTR_LINE_BIAS && change < CTR_LINE_BIAS) {
        import_put(build, (uint8_t)(change + CTR_LINE_BIAS));
    } else {
        import_put(build, CTR_LINE_FAR);
        import_put_varint(build, ct_zigzag(change));
    }
    frame->line = line;
    build->writer->steps++;
    ctr_count(build->writer, CTR_C_lines);
    return end_event(build, error);
}

static void put_span(struct import_build *build, const struct import_frame *frame)
{
    if (frame->start_block != build->writer->block) {
        import_put(build, CTR_SPAN);
        import_put_varint(build, build->writer->steps - frame->start_step);
        import_put_varint(build, build->writer->calls - frame->start_calls);
    }
}

static int on_leave(struct import_sink *sink, const struct import_bindings *result,
                    struct ct_error *error)
{
    struct import_build *build = build_of(sink);
    struct import_frame *frame = top_frame(build);
    if (!begin_event(build)) {
        return end_event(build, error);
    }
    introduce(build, frame);
    struct import_writing writing = {build, result->values};
    if (result->count > 0) {
        import_open_objects(&writing, result->items[0].node, IMPORT_VALUE_MAX);
    }
    put_span(build, frame);
    import_put(build, CTR_RETURN);
    if (result->count > 0) {
        import_put_value(&writing, result->items[0].node, 0, IMPORT_VALUE_MAX);
    } else {
        import_put(build, CTR_V_NONE);
    }
    ctr_count(build->writer, CTR_C_returns);
    build->depth--;
    build->slots -= slot_count(build, frame);
    free(frame);
    return end_event(build, error);
}

/* Of what was written nothing is left out: it comes in pieces. */
static int on_io(struct import_sink *sink, uint32_t stream, const struct ct_bytes *text,
                 struct ct_error *error)
{
    struct import_build *build = build_of(sink);
    bool is_input = stream == CTR_STDIN;
    size_t done = 0;
    do {
        const char *piece = text->size == 0 ? "" : (const char *)text->data + done;
        size_t size = import_kept_bytes(piece, text->size - done, IMPORT_TEXT_MAX);
        if (!begin_event(build)) {
            break;
        }
        import_put(build, is_input ? CTR_INPUT : CTR_OUTPUT);
        import_put_varint(build, stream);
        import_put_text(build, piece, size);
        ctr_count(build->writer, is_input ? CTR_C_inputs : CTR_C_outputs);
        done += size;
    } while (done < text->size && end_event(build, error) == CT_OK);
    return end_event(build, error);
}

/* ---- Life ---- */

int import_build_new(struct import_build **built, const struct import_program *program,
                     struct ctr_writer *writer, struct ct_error *error)
{
    struct import_build *build = calloc(1, sizeof *build);
    if (build == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    build->sink = (struct import_sink){on_call, on_line, on_leave, on_io};
    build->program = program;
    build->writer = writer;
    build->locals_of = NEVER;
    build->cache = calloc(IMPORT_CACHED, sizeof *build->cache);
    build->plans = calloc((size_t)program->plan_count + 1, sizeof *build->plans);
    if (build->cache == NULL || build->plans == NULL) {
        import_build_free(build);
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    *built = build;
    return CT_OK;
}

void import_build_free(struct import_build *build)
{
    if (build == NULL) {
        return;
    }
    for (uint32_t i = 0; i < build->depth; i++) {
        free(build->stack[i]);
    }
    free(build->stack);
    free(build->cache);
    free(build->plans);
    import_map_free(&build->locals);
    import_map_free(&build->types);
    free(build);
}

struct import_sink *import_build_sink(struct import_build *build)
{
    return &build->sink;
}
