#include "export/scope.h"

#include <stdlib.h>
#include <string.h>

#include "export/utf8.h"
#include "trace/shape.h"

enum { CACHE_BYTES = 12 << 20 }; /* of encoded values; past it all are forgotten */

static const struct export_writer_type *writer_of(const struct export_scope *scope)
{
    return scope->values->writer->type;
}

uint32_t export_scope_variable(struct export_scope *scope, struct ctr_text name)
{
    bool is_new;
    uint32_t variable = export_name(&scope->names, name.bytes, name.size, &is_new);
    if (variable == UINT32_MAX) {
        scope->failed = true;
        return 0;
    }
    if (is_new) {
        writer_of(scope)->variable_name(scope->values->writer, name);
    }
    return variable;
}

/* ---- seen
 * ----------------------------------------------------------------------------------------- */

/* False when this line has shown the variable already. */
static bool see(struct export_scope *scope, uint32_t variable)
{
    if (variable >= scope->seen_capacity) {
        uint32_t capacity = scope->names.capacity;
        uint64_t *seen = realloc(scope->seen, capacity * sizeof *seen);
        if (seen == NULL) {
            scope->failed = true;
            return false;
        }
        memset(seen + scope->seen_capacity, 0, (capacity - scope->seen_capacity) * sizeof *seen);
        scope->seen = seen;
        scope->seen_capacity = capacity;
    }
    if (scope->seen[variable] == scope->lines) {
        return false;
    }
    scope->seen[variable] = scope->lines;
    return true;
}

/* ---- locals
 * ---------------------------------------------------------------------------------------- */

static struct export_slot *slots_of(struct export_scope *scope, const struct ctr_frame *frame)
{
    struct export_slot **slots = &scope->plans[frame->plan];
    if (*slots == NULL) {
        *slots = calloc(frame->slot_count + 1u, sizeof **slots);
        scope->failed |= *slots == NULL;
        scope->values->bytes += (frame->slot_count + 1u) * sizeof **slots;
    }
    return *slots;
}

/* Encode a variable and announce its name; false when it has none a format could hold. */
static bool prepare_slot(struct export_scope *scope, struct export_slot *slot, struct ctr_text name,
                         struct ctr_value value)
{
    if (slot->variable == 0 && !export_is_utf8(name)) {
        return false;
    }
    export_values_get(scope->values, value, &slot->cached);
    if (slot->variable == 0) {
        slot->variable = export_scope_variable(scope, name) + 1;
    }
    return true;
}

static bool is_shown(const struct ctr_variable *variable, struct ctr_value value)
{
    return value.tag != CTR_V_UNBOUND && value.tag != CTR_V_DROPPED &&
           (variable->kind & CTR_VAR_KIND) != CTR_VAR_NAMESPACE;
}

/* Put the value down, and keep it encoded while there is room. */
static void put_cached(struct export_scope *scope, uint32_t variable, struct export_cached *cached)
{
    writer_of(scope)->value(scope->values->writer, variable, &cached->value);
    if (scope->values->bytes > CACHE_BYTES) {
        export_values_forget(scope->values, cached);
    }
}

static void put_locals(struct export_scope *scope, const struct ctr_frame *frame,
                       const struct ctr_plan *plan)
{
    struct export_slot *slots = slots_of(scope, frame);
    for (uint32_t i = 0; slots != NULL && i < frame->slot_count; i++) {
        const struct ctr_variable *variable = &plan->variables[i];
        if (is_shown(variable, frame->slots[i]) &&
            prepare_slot(scope, &slots[i], variable->name, frame->slots[i]) &&
            see(scope, slots[i].variable - 1)) {
            put_cached(scope, slots[i].variable - 1, &slots[i].cached);
        }
    }
}

/* ---- namespaces
 * ----------------------------------------------------------------------------------- */

static void free_namespace(struct export_namespace *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        export_cached_clear(&names->entries[i].cached);
    }
    free(names->entries);
    free(names);
}

static struct export_namespace *namespace_of(struct export_scope *scope, uint64_t object)
{
    struct export_namespace **bucket = &scope->namespaces[object % EXPORT_NAMESPACE_BUCKETS];
    for (struct export_namespace *at = *bucket; at != NULL; at = at->next) {
        if (at->object == object) {
            return at;
        }
    }
    struct export_namespace *names = calloc(1, sizeof *names);
    if (names == NULL) {
        scope->failed = true;
        return NULL;
    }
    scope->values->bytes += sizeof *names;
    names->object = object;
    names->next = *bucket;
    *bucket = names;
    return names;
}

static bool widen_namespace(struct export_scope *scope, struct export_namespace *names,
                            uint32_t count)
{
    if (count <= names->count) {
        return true;
    }
    uint32_t larger = count + count / 2;
    struct export_entry *entries = realloc(names->entries, larger * sizeof *entries);
    if (entries == NULL) {
        scope->failed = true;
        return false;
    }
    memset(entries + names->count, 0, (larger - names->count) * sizeof *entries);
    scope->values->bytes += (larger - names->count) * sizeof *entries;
    names->entries = entries;
    names->count = larger;
    return true;
}

/* What a key means; keys rarely change their place. */
static void name_entry(struct export_scope *scope, struct export_entry *entry, struct ctr_value key)
{
    scope->text.size = 0;
    entry->key = key;
    entry->variable = 0;
    entry->cached.is_filled = false;
    entry->is_name = ctr_shape_add_text(scope->values->player, key, &scope->text) &&
                     export_is_utf8((struct ctr_text){(char *)scope->text.data, scope->text.size});
    entry->is_builtins =
        entry->is_name && ctr_shape_text_is(scope->values->player, key, "__builtins__");
}

static void announce_entry(struct export_scope *scope, struct export_entry *entry)
{
    scope->text.size = 0;
    ctr_shape_add_text(scope->values->player, entry->key, &scope->text);
    struct ctr_text name = {(const char *)scope->text.data, scope->text.size};
    entry->variable = export_scope_variable(scope, name) + 1;
}

static void put_entry(struct export_scope *scope, struct export_entry *entry,
                      const struct ctr_pair *pair, bool is_local)
{
    if (!ctr_value_same(entry->key, pair->key)) {
        name_entry(scope, entry, pair->key);
    }
    bool is_hidden = !is_local && entry->is_builtins;
    if (!entry->is_name || is_hidden || pair->value.tag == CTR_V_DROPPED) {
        return;
    }
    if (entry->variable != 0 && !see(scope, entry->variable - 1)) {
        return;
    }
    bool is_new = entry->variable == 0;
    export_values_get(scope->values, pair->value, &entry->cached);
    if (is_new) {
        announce_entry(scope, entry);
    }
    if (!is_new || see(scope, entry->variable - 1)) {
        put_cached(scope, entry->variable - 1, &entry->cached);
    }
}

static void put_namespace(struct export_scope *scope, uint64_t number, bool is_local)
{
    const struct ctr_object *object = ctr_player_object(scope->values->player, number, NULL);
    struct export_namespace *names = object == NULL ? NULL : namespace_of(scope, number);
    if (names == NULL || !widen_namespace(scope, names, object->pair_count)) {
        return;
    }
    for (uint32_t i = 0; i < object->pair_count; i++) {
        put_entry(scope, &names->entries[i], &object->pairs[i], is_local);
    }
}

/* ---- a line
 * ----------------------------------------------------------------------------------------- */

static void forget(struct export_scope *scope)
{
    for (uint32_t i = 0; i < ctr_info(scope->trace)->plan_count; i++) {
        const struct ctr_plan *plan = ctr_plan(scope->trace, i);
        for (uint32_t j = 0; scope->plans[i] != NULL && j < plan->variable_count; j++) {
            export_cached_clear(&scope->plans[i][j].cached);
        }
        free(scope->plans[i]);
        scope->plans[i] = NULL;
    }
    for (size_t i = 0; i < EXPORT_NAMESPACE_BUCKETS; i++) {
        while (scope->namespaces[i] != NULL) {
            struct export_namespace *names = scope->namespaces[i];
            scope->namespaces[i] = names->next;
            free_namespace(names);
        }
    }
    scope->values->bytes = 0;
}

void export_scope_line(struct export_scope *scope, const struct ctr_frame *frame)
{
    const struct ctr_plan *plan = ctr_plan(scope->trace, frame->plan);
    if (scope->values->bytes > CACHE_BYTES) {
        forget(scope);
    }
    scope->lines++;
    /* The namespace of a class body or module is what its locals are. */
    uint32_t last = frame->slot_count - 1;
    if (frame->slot_count > 0 && plan->variables[last].kind == CTR_VAR_NAMESPACE &&
        frame->slots[last].tag == CTR_V_OBJECT) {
        put_namespace(scope, frame->slots[last].bits, true);
    }
    put_locals(scope, frame, plan);
    if (plan->globals != 0) {
        put_namespace(scope, plan->globals - 1, false);
    }
}

/* ---- a call
 * ----------------------------------------------------------------------------------------- */

static void add_argument(struct export_scope *scope, uint32_t variable,
                         const struct export_cached *cached)
{
    if (scope->argument_count == scope->argument_capacity) {
        uint32_t capacity = scope->argument_capacity == 0 ? 16 : scope->argument_capacity * 2;
        struct export_argument *arguments = realloc(scope->arguments, capacity * sizeof *arguments);
        if (arguments == NULL) {
            scope->failed = true;
            return;
        }
        scope->arguments = arguments;
        scope->argument_capacity = capacity;
    }
    scope->arguments[scope->argument_count++] = (struct export_argument){variable, &cached->value};
}

static bool is_argument(const struct ctr_variable *variable)
{
    return (variable->kind & CTR_VAR_KIND) == CTR_VAR_ARG ||
           (variable->kind & CTR_VAR_ALSO_ARG) != 0;
}

void export_scope_arguments(struct export_scope *scope, const struct ctr_frame *frame)
{
    const struct ctr_plan *plan = ctr_plan(scope->trace, frame->plan);
    struct export_slot *slots = slots_of(scope, frame);
    scope->argument_count = 0;
    for (uint32_t i = 0; slots != NULL && i < frame->slot_count; i++) {
        const struct ctr_variable *variable = &plan->variables[i];
        if (is_argument(variable) && is_shown(variable, frame->slots[i]) &&
            prepare_slot(scope, &slots[i], variable->name, frame->slots[i])) {
            add_argument(scope, slots[i].variable - 1, &slots[i].cached);
            /* One record has them all, so together they are bounded like one value. */
            scope->values->beside += slots[i].cached.weight;
        }
    }
    scope->values->beside = 0;
}

void export_scope_argument(struct export_scope *scope, const char *name,
                           const struct export_cached *cached)
{
    scope->argument_count = 0;
    struct ctr_text text = {name, strlen(name)};
    add_argument(scope, export_scope_variable(scope, text), cached);
}

/* ---- life
 * ------------------------------------------------------------------------------------------- */

bool export_scope_init(struct export_scope *scope, struct ctr_trace *trace,
                       struct export_values *values)
{
    *scope = (struct export_scope){.trace = trace, .values = values};
    scope->plans = calloc(ctr_info(trace)->plan_count + 1u, sizeof(struct export_slot *));
    return scope->plans != NULL;
}

void export_scope_clear(struct export_scope *scope)
{
    if (scope->plans != NULL) {
        forget(scope);
    }
    free(scope->plans);
    free(scope->seen);
    free(scope->arguments);
    ct_bytes_free(&scope->text);
    export_names_clear(&scope->names);
}
