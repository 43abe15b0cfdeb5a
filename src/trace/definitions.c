/* Paths, types, plans, threads and what is said of the run: the DEFS blocks, all in memory once the
 * trace is open; of sources where they stand (sources.h). */
#include <stdlib.h>

#include "trace/sources.h"
#include "trace/trace_internal.h"

/* `count` items need at least `least` bytes each: refuses counts the bytes cannot hold. */
static bool count_fits(const struct ct_cursor *cursor, uint64_t count, unsigned least)
{
    return !cursor->failed && count <= (uint64_t)(cursor->end - cursor->at) / least;
}

static int read_run(struct ctr_definitions *to, struct ct_cursor *cursor)
{
    if (!ct_grow(&to->run, &to->run_capacity, to->run_count, sizeof *to->run)) {
        return CT_ENOMEM;
    }
    struct ctr_run_entry entry = {.key = ctr_get_text(cursor)};
    entry.value = ctr_get_text(cursor);
    if (cursor->failed) {
        return CT_EFORMAT;
    }
    to->run[to->run_count++] = entry;
    return CT_OK;
}

static int read_path(struct ctr_definitions *to, struct ct_cursor *cursor)
{
    if (!ct_grow(&to->paths, &to->path_capacity, to->path_count, sizeof *to->paths)) {
        return CT_ENOMEM;
    }
    struct ctr_path path = {.path = ctr_get_text(cursor)};
    if (cursor->failed) {
        return CT_EFORMAT;
    }
    to->paths[to->path_count++] = path;
    return CT_OK;
}

static int keep_buffer(struct ctr_definitions *to, uint8_t *buffer)
{
    if (!ct_grow(&to->buffers, &to->buffer_capacity, to->buffer_count, sizeof *to->buffers)) {
        free(buffer);
        return CT_ENOMEM;
    }
    to->buffers[to->buffer_count++] = buffer;
    return CT_OK;
}

static int read_source(struct ctr_definitions *to, struct ct_cursor *cursor, const uint8_t *raw)
{
    uint32_t path = ct_get_varint32(cursor);
    uint8_t flags = ct_get_byte(cursor);
    if (cursor->failed || path >= to->path_count) {
        return CT_EFORMAT;
    }
    to->paths[path].source_flags = flags & (uint8_t)~CTR_SOURCE_GOES_ON;
    return ctr_sources_add(to->sources, path, flags, (size_t)(cursor->at - raw),
                           (size_t)(cursor->end - cursor->at));
}

static int read_type(struct ctr_definitions *to, struct ct_cursor *cursor)
{
    if (!ct_grow(&to->types, &to->type_capacity, to->type_count, sizeof *to->types)) {
        return CT_ENOMEM;
    }
    struct ctr_type type = {.family = ct_get_byte(cursor)};
    type.module = ctr_get_text(cursor);
    type.name = ctr_get_text(cursor);
    uint64_t fields = ct_get_varint(cursor);
    if (type.family >= CTR_F_MAX || !count_fits(cursor, fields, 1)) {
        return CT_EFORMAT;
    }
    type.field_count = (uint32_t)fields;
    type.fields = calloc(fields + 1, sizeof *type.fields);
    if (type.fields == NULL) {
        return CT_ENOMEM;
    }
    for (uint32_t i = 0; i < type.field_count; i++) {
        type.fields[i] = ctr_get_text(cursor);
    }
    if (cursor->failed) {
        free(type.fields);
        return CT_EFORMAT;
    }
    to->types[to->type_count++] = type;
    return CT_OK;
}

static int read_variables(struct ctr_plan *plan, struct ct_cursor *cursor)
{
    uint64_t count = ct_get_varint(cursor);
    if (!count_fits(cursor, count, 3)) {
        return CT_EFORMAT;
    }
    plan->variable_count = (uint32_t)count;
    plan->variables = calloc(count + 1, sizeof *plan->variables);
    if (plan->variables == NULL) {
        return CT_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->variable_count; i++) {
        plan->variables[i].name = ctr_get_text(cursor);
        plan->variables[i].kind = ct_get_byte(cursor);
        plan->variables[i].action = ct_get_byte(cursor);
    }
    return cursor->failed ? CT_EFORMAT : CT_OK;
}

static int read_plan(struct ctr_definitions *to, struct ct_cursor *cursor)
{
    if (!ct_grow(&to->plans, &to->plan_capacity, to->plan_count, sizeof *to->plans)) {
        return CT_ENOMEM;
    }
    struct ctr_plan plan = {.path = ct_get_varint32(cursor)};
    plan.name = ctr_get_text(cursor);
    plan.qualname = ctr_get_text(cursor);
    plan.module = ctr_get_text(cursor);
    plan.first_line = ct_get_varint32(cursor);
    plan.flags = ct_get_varint32(cursor);
    plan.positional_only = ct_get_varint32(cursor);
    plan.arguments = ct_get_varint32(cursor);
    plan.keyword_only = ct_get_varint32(cursor);
    plan.globals = ct_get_varint(cursor);
    if (cursor->failed || plan.path >= to->path_count) {
        return CT_EFORMAT;
    }
    int status = read_variables(&plan, cursor);
    if (status != CT_OK) {
        free(plan.variables);
        return status;
    }
    to->plans[to->plan_count++] = plan;
    return CT_OK;
}

static int read_thread(struct ctr_definitions *to, struct ct_cursor *cursor)
{
    if (!ct_grow(&to->threads, &to->thread_capacity, to->thread_count, sizeof *to->threads)) {
        return CT_ENOMEM;
    }
    struct ctr_thread thread = {.number = ct_get_varint32(cursor)};
    thread.native_id = ct_get_varint(cursor);
    thread.ident = ct_get_varint(cursor);
    thread.name = ctr_get_text(cursor);
    if (cursor->failed) {
        return CT_EFORMAT;
    }
    to->threads[to->thread_count++] = thread;
    return CT_OK;
}

/* Kept as they are: facts.c reads them when somebody asks. */
static int read_facts(struct ctr_definitions *to, struct ct_cursor *cursor)
{
    uint32_t plan = ct_get_varint32(cursor);
    if (cursor->failed || plan >= to->plan_count || to->plans[plan].facts.bytes != NULL ||
        cursor->at == cursor->end) {
        return CT_EFORMAT;
    }
    to->plans[plan].facts =
        (struct ctr_text){(const char *)cursor->at, (size_t)(cursor->end - cursor->at)};
    cursor->at = cursor->end;
    return CT_OK;
}

static int (*const readers[])(struct ctr_definitions *, struct ct_cursor *) = {
    [CTR_DEF_RUN] = read_run,   [CTR_DEF_PATH] = read_path,     [CTR_DEF_TYPE] = read_type,
    [CTR_DEF_PLAN] = read_plan, [CTR_DEF_THREAD] = read_thread, [CTR_DEF_FACTS] = read_facts,
};

/* A block of definitions: what is of sources is left where it is, everything else is kept. */
struct reading {
    struct ctr_definitions *to;
    const uint8_t *raw;
    struct ct_cursor cursor;
    uint8_t *kept; /* room for what is left of it */
};

static bool next_definition(struct ct_cursor *cursor, uint8_t *kind, struct ct_cursor *inside)
{
    *kind = ct_get_byte(cursor);
    uint64_t size = ct_get_varint(cursor);
    const uint8_t *payload = ct_get_bytes(cursor, size);
    if (payload == NULL || *kind == 0 || *kind >= sizeof readers / sizeof readers[0]) {
        return false;
    }
    *inside = (struct ct_cursor){payload, payload + size, false};
    return true;
}

static size_t size_without_sources(const uint8_t *raw, size_t size)
{
    struct ct_cursor cursor = {raw, raw + size, false}, inside;
    size_t kept = 0;
    uint8_t kind;
    while (cursor.at < cursor.end && next_definition(&cursor, &kind, &inside)) {
        kept += kind != CTR_DEF_SOURCE ? (size_t)(inside.end - inside.at) : 0;
    }
    return kept;
}

static int read_definition(struct reading *reading)
{
    uint8_t kind;
    struct ct_cursor inside;
    if (!next_definition(&reading->cursor, &kind, &inside)) {
        return CT_EFORMAT;
    }
    if (kind == CTR_DEF_SOURCE) {
        return read_source(reading->to, &inside, reading->raw);
    }
    size_t size = (size_t)(inside.end - inside.at);
    memcpy(reading->kept, inside.at, size);
    inside = (struct ct_cursor){reading->kept, reading->kept + size, false};
    reading->kept += size;
    int status = readers[kind](reading->to, &inside);
    return status == CT_OK && inside.at != inside.end ? CT_EFORMAT : status;
}

static int read_definitions(struct reading *reading, size_t *done)
{
    const uint8_t *start = reading->cursor.at;
    int status = CT_OK;
    *done = 0;
    while (status == CT_OK && reading->cursor.at < reading->cursor.end) {
        status = read_definition(reading);
        if (status == CT_OK) {
            *done = (size_t)(reading->cursor.at - start);
        }
    }
    return status;
}

static int add(struct ctr_definitions *to, const uint8_t *raw, size_t size, size_t *done)
{
    uint8_t *kept = malloc(size_without_sources(raw, size) + 1);
    int status = kept != NULL ? keep_buffer(to, kept) : CT_ENOMEM;
    if (status != CT_OK) {
        return status;
    }
    struct reading reading = {to, raw, {raw, raw + size, false}, kept};
    return read_definitions(&reading, done);
}

int ctr_definitions_add(struct ctr_definitions *definitions, uint8_t *raw, size_t size,
                        uint64_t offset, size_t *good, struct ct_error *error)
{
    size_t done = 0;
    if (definitions->sources == NULL) {
        definitions->sources = ctr_sources_new();
    }
    int status = definitions->sources == NULL
                     ? CT_ENOMEM
                     : ctr_sources_enter(definitions->sources, offset, offset != 0 ? NULL : raw);
    if (status == CT_OK) {
        status = add(definitions, raw, size, &done);
    }
    if (offset != 0 || definitions->sources == NULL) {
        free(raw);
    }
    if (good != NULL) {
        *good = done;
    }
    if (status == CT_EFORMAT) {
        return ct_fail(error, CT_EFORMAT, "a definition is damaged");
    }
    return status == CT_OK ? CT_OK : ct_fail(error, CT_ENOMEM, "no memory for the definitions");
}

void ctr_definitions_free(struct ctr_definitions *definitions)
{
    for (size_t i = 0; i < definitions->type_count; i++) {
        free(definitions->types[i].fields);
    }
    for (size_t i = 0; i < definitions->plan_count; i++) {
        free(definitions->plans[i].variables);
    }
    for (size_t i = 0; i < definitions->buffer_count; i++) {
        free(definitions->buffers[i]);
    }
    free(definitions->buffers);
    free(definitions->paths);
    free(definitions->types);
    free(definitions->plans);
    free(definitions->threads);
    free(definitions->run);
    ctr_sources_free(definitions->sources);
    *definitions = (struct ctr_definitions){0};
}
