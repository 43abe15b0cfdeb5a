#include "replay/history.h"

#include <stdlib.h>
#include <string.h>

#include "replay/history_walk.h"
#include "trace/calls.h"
#include "trace/shape.h"
#include "trace/sweep.h"

enum { AT_ONCE = 512 };

void rp_entries_clear(struct rp_entries *page)
{
    free(page->entries);
    ct_bytes_free(&page->texts);
    *page = (struct rp_entries){0};
}

static int no_memory(struct ct_error *error)
{
    ct_fail(error, CT_ENOMEM, "no memory for a history");
    return CT_ENOMEM;
}

/* ---- what a history is of ---- */

static bool same_text(struct ctr_text text, const char *name, size_t size)
{
    return text.size == size && memcmp(text.bytes, name, size) == 0;
}

/* The key of a name in a dict. */
static bool find_key(struct rp_session *session, uint64_t dict, const char *name, size_t size,
                     struct ctr_value *key)
{
    struct ct_bytes text = {0};
    bool found = false;
    const struct ctr_object *object = ctr_player_object(session->player, dict, NULL);
    for (uint32_t i = 0; object != NULL && i < object->pair_count && !found; i++) {
        text.size = 0;
        *key = object->pairs[i].key;
        found = ctr_shape_add_text(session->player, *key, &text) &&
                same_text((struct ctr_text){(const char *)text.data, text.size}, name, size);
    }
    ct_bytes_free(&text);
    return found;
}

static struct rp_history of_pair(uint64_t dict, struct ctr_value key)
{
    return (struct rp_history){{.kind = CTR_FIND_CHANGE,
                                .call = CTR_NO_CALL,
                                .object = dict,
                                .part = CTR_PART_PAIR,
                                .key = key}};
}

int rp_history_of_variable(struct rp_session *session, uint32_t thread, uint32_t frame,
                           const char *name, size_t size, bool only_this_call,
                           struct rp_history *history, struct ct_error *error)
{
    const struct ctr_frame *about = rp_frame_at(session, thread, frame);
    const struct ctr_plan *plan = about != NULL ? ctr_plan(session->trace, about->plan) : NULL;
    struct ctr_value key;
    if (plan == NULL) {
        return ct_fail(error, CT_EUSAGE, "there is no frame %u of thread %u", frame, thread);
    }
    for (uint32_t i = 0; i < plan->variable_count && i < about->slot_count; i++) {
        bool is_namespace = (plan->variables[i].kind & CTR_VAR_KIND) == CTR_VAR_NAMESPACE;
        if (!is_namespace && same_text(plan->variables[i].name, name, size)) {
            *history = (struct rp_history){{.kind = CTR_FIND_WRITE,
                                            .plan = about->plan,
                                            .slot = i,
                                            .call = only_this_call ? about->call : CTR_NO_CALL}};
            return CT_OK;
        }
        if (is_namespace && about->slots[i].tag == CTR_V_OBJECT &&
            find_key(session, about->slots[i].bits, name, size, &key)) {
            *history = of_pair(about->slots[i].bits, key);
            return CT_OK;
        }
    }
    if (plan->globals != 0 && find_key(session, plan->globals - 1, name, size, &key)) {
        *history = of_pair(plan->globals - 1, key);
        return CT_OK;
    }
    return ct_fail(error, CT_EUSAGE, "there is no variable %.*s here",
                   (int)(size < 100 ? size : 100), name);
}

int rp_history_of_part(struct rp_session *session, struct ctr_value object, enum ctr_part part,
                       uint64_t index, struct ctr_value key, struct rp_history *history,
                       struct ct_error *error)
{
    struct ctr_shape shape;
    ctr_shape_open(session->player, object, &shape);
    uint64_t number = shape.number;
    bool is_object = shape.is_object;
    ctr_shape_close(session->player, &shape);
    *history = of_pair(number, key);
    history->query.part = part;
    history->query.index = index;
    return is_object ? CT_OK : ct_fail(error, CT_EUSAGE, "this value never changes");
}

/* ---- pages ---- */

static struct rp_entry *new_entry(struct rp_entries *page, const struct ctr_hit *hit)
{
    if (page->count == page->capacity) {
        size_t capacity = page->capacity == 0 ? 32 : page->capacity * 2;
        struct rp_entry *entries = realloc(page->entries, capacity * sizeof *entries);
        if (entries == NULL) {
            return NULL;
        }
        page->entries = entries;
        page->capacity = capacity;
    }
    struct rp_entry *entry = &page->entries[page->count++];
    *entry = (struct rp_entry){
        .place = hit->place,
        .step = hit->step,
        .call = hit->call,
        .plan = hit->plan,
        .line = hit->line,
        .thread = hit->thread,
        .stream = hit->stream,
        .value = hit->value,
        .text = page->texts.size,
    };
    return entry;
}

/* Text or bytes as the program wrote them; false for anything else. */
static bool add_written(struct rp_session *session, struct ctr_value value, struct ct_bytes *texts)
{
    struct ctr_shape shape;
    if (ctr_shape_add_text(session->scout, value, texts)) {
        return true;
    }
    ctr_shape_open(session->scout, value, &shape);
    bool is_bytes = shape.has_node && shape.node.tag == CTR_V_BYTES;
    if (is_bytes) {
        ct_bytes_add(texts, shape.node.bytes, shape.node.size);
    }
    ctr_shape_close(session->scout, &shape);
    return is_bytes;
}

static int add_text(struct rp_session *session, struct rp_entry *entry, enum ctr_find kind,
                    const struct ctr_text_options *options, struct ct_bytes *texts,
                    struct ct_error *error)
{
    struct ctr_event event;
    uint64_t steps = ctr_info(session->trace)->steps;
    bool is_raise = kind == CTR_FIND_RAISE;
    if (kind == CTR_FIND_OUTPUT && add_written(session, entry->value, texts)) {
        entry->text_size = texts->size - entry->text;
        return CT_OK;
    }
    int status = CT_OK;
    if (rp_needs_moment(entry->value)) {
        /* What was raised is what it is when it is raised, as is what no step shows any more. */
        status = is_raise || entry->step >= steps
                     ? ctr_player_seek_record(session->scout, entry->place.block, entry->place.at,
                                              &event, error)
                     : ctr_player_seek(session->scout, entry->step, &event, error);
    }
    if (status == CT_OK) {
        ctr_text_of(session->scout, entry->value, options, texts);
        entry->text_size = texts->size - entry->text;
    }
    return status;
}

static int fill(struct rp_session *session, const struct ctr_query *query, struct ctr_place from,
                bool backwards, uint32_t room, const struct ctr_text_options *options,
                struct rp_entries *page, struct ct_error *error)
{
    uint32_t at_once = room < AT_ONCE ? room : AT_ONCE;
    struct ctr_hit *hits = malloc((at_once + 1ull) * sizeof *hits);
    struct ctr_page found = {.hits = hits, .next = from};
    int status = CT_OK;
    page->count = 0;
    page->texts.size = 0;
    if (hits == NULL) {
        return no_memory(error);
    }
    while (status == CT_OK && page->count < room && !found.done) {
        found.capacity = room - page->count < at_once ? room - page->count : at_once;
        status = rp_find(session, query, found.next, backwards, &found, error);
        for (size_t i = 0; status == CT_OK && i < found.count; i++) {
            if (hits[i].is_passed_on) {
                continue;
            }
            struct rp_entry *entry = new_entry(page, &hits[i]);
            if (entry == NULL) {
                status = no_memory(error);
            } else if (options != NULL) {
                status = add_text(session, entry, query->kind, options, &page->texts, error);
            }
        }
    }
    page->next = found.next;
    page->done = found.done;
    free(hits);
    return status == CT_OK && page->texts.failed ? no_memory(error) : status;
}

/* Forwards, as they happened: states only go forwards. */
static int add_texts(struct rp_session *session, bool backwards, enum ctr_find kind,
                     const struct ctr_text_options *options, struct rp_entries *page,
                     struct ct_error *error)
{
    int status = CT_OK;
    for (size_t i = 0; status == CT_OK && i < page->count; i++) {
        struct rp_entry *entry = &page->entries[backwards ? page->count - 1 - i : i];
        entry->text = page->texts.size;
        status = add_text(session, entry, kind, options, &page->texts, error);
    }
    return status == CT_OK && page->texts.failed ? no_memory(error) : status;
}

int rp_history_page(struct rp_session *session, const struct rp_history *history,
                    struct ctr_place from, bool backwards, uint32_t room,
                    const struct ctr_text_options *options, struct rp_entries *page,
                    struct ct_error *error)
{
    struct rp_history_walk *walk;
    struct rp_history_change change;
    page->count = 0;
    page->texts.size = 0;
    page->next = from;
    page->done = false;
    int status = rp_history_walk_new(&walk, session, &history->query, from, backwards, error);
    while (status == CT_OK && page->count < room) {
        status = rp_history_walk_next(walk, &change, error);
        page->done = status == CT_ESTATE;
        if (status == CT_OK) {
            page->next = change.next;
            status = new_entry(page, &change.hit) != NULL ? CT_OK : no_memory(error);
        }
    }
    rp_history_walk_free(walk);
    status = status == CT_ESTATE ? CT_OK : status;
    return status == CT_OK && options != NULL
               ? add_texts(session, backwards, history->query.kind, options, page, error)
               : status;
}

int rp_event_page(struct rp_session *session, enum rp_event event, struct ctr_place from,
                  bool backwards, uint32_t room, const struct ctr_text_options *options,
                  struct rp_entries *page, struct ct_error *error)
{
    struct ctr_query query = {.kind = event == RP_OUTPUT ? CTR_FIND_OUTPUT : CTR_FIND_RAISE,
                              .call = CTR_NO_CALL};
    int status = fill(session, &query, from, backwards, room, options, page, error);
    for (size_t i = 0; i < page->count; i++) {
        page->entries[i].step -= page->entries[i].step > 0;
    }
    return status;
}

int rp_exception_here(struct rp_session *session, const struct ctr_text_options *options,
                      struct ct_bytes *text, struct ct_bytes *type, struct ct_error *error)
{
    const struct rp_position *now = &session->now;
    struct ctr_query query =
        rp_of_thread(now->thread, RP_BIT(CTR_EVENT_RAISE) | RP_LINE | RP_LEAVES);
    struct ctr_hit hit;
    struct ctr_event event;
    int status = rp_find_one(session, &query, rp_behind(now->place), false, &hit, error);
    if (status == CT_OK && hit.event != CTR_EVENT_RAISE) {
        status = ct_fail(error, CT_ESTATE, "no exception is raised here");
    }
    if (status == CT_OK) {
        status =
            ctr_player_seek_record(session->scout, hit.place.block, hit.place.at, &event, error);
    }
    if (status == CT_OK) {
        ctr_text_of(session->scout, event.value, options, text);
        ctr_text_of_type(session->scout, event.value, type);
    }
    return status;
}

int rp_go_place(struct rp_session *session, uint32_t thread, struct ctr_place place,
                enum rp_end *end, struct ct_error *error)
{
    struct rp_moment moment;
    int status = rp_moment_before(session, thread, place, &moment, error);
    *end = status == CT_OK ? RP_MOVED : RP_NOT_FOUND;
    if (status != CT_OK) {
        return status == CT_ESTATE ? CT_OK : status;
    }
    return rp_go(session, moment, error);
}

/* ---- drawing ---- */

static bool number_of(struct ctr_value value, double *number)
{
    bool is_truth = value.tag == CTR_V_TRUE || value.tag == CTR_V_FALSE;
    if (value.tag == CTR_V_INT) {
        *number = (double)(int64_t)value.bits;
    } else if (value.tag == CTR_V_FLOAT) {
        *number = ctr_value_float(value);
    } else {
        *number = value.tag == CTR_V_TRUE;
    }
    return (value.tag == CTR_V_INT || value.tag == CTR_V_FLOAT || is_truth) && *number == *number;
}

static void draw(struct rp_bucket *bucket, struct ctr_value value)
{
    double number;
    bucket->changes++;
    if (!number_of(value, &number)) {
        return;
    }
    bool is_first = bucket->numbers++ == 0;
    bucket->first = is_first ? number : bucket->first;
    bucket->last = number;
    bucket->least = is_first || number < bucket->least ? number : bucket->least;
    bucket->most = is_first || number > bucket->most ? number : bucket->most;
}

struct drawing {
    struct rp_bucket *buckets;
    uint32_t count;
    double steps; /* of the recording */
};

static struct rp_bucket *bucket_of(const struct drawing *drawing, uint64_t step)
{
    double part = (double)step / drawing->steps * drawing->count;
    uint32_t last = drawing->count - 1;
    return &drawing->buckets[part < last ? (uint32_t)part : last];
}

static int draw_changes(struct rp_session *session, const struct ctr_query *query,
                        const struct drawing *drawing, struct ct_error *error)
{
    struct rp_history_walk *walk;
    struct rp_history_change change;
    struct ctr_place start = {0, 0};
    int status = rp_history_walk_new(&walk, session, query, start, false, error);
    while (status == CT_OK) {
        status = rp_history_walk_next(walk, &change, error);
        if (status == CT_OK) {
            draw(bucket_of(drawing, change.hit.step), change.hit.value);
        }
    }
    rp_history_walk_free(walk);
    return status == CT_ESTATE ? CT_OK : status;
}

/* ---- drawing a variable that holds no objects, by a sweep ---- */

/* What a worker drew: it goes forwards, so that only the buckets' ends need their places. */
struct sketch {
    struct drawing drawing;
    struct stroke {
        struct ctr_place first, last; /* of the numbers in the bucket */
    } * strokes;
    bool has_objects; /* it was bound to one: this is no drawing of it */
};

struct sketches {
    uint64_t call; /* or CTR_NO_CALL */
    struct sketch of[RP_SWEEP_WORKERS];
};

static bool sketch(void *context, const struct ctr_sweep_visit *visit)
{
    struct sketches *sketches = context;
    struct sketch *own = &sketches->of[visit->worker];
    if (sketches->call != CTR_NO_CALL && visit->call != sketches->call) {
        return true;
    }
    if (visit->values[0].tag == CTR_V_OBJECT) {
        own->has_objects = true;
        return false;
    }
    struct rp_bucket *bucket = bucket_of(&own->drawing, visit->step);
    struct stroke *stroke = &own->strokes[bucket - own->drawing.buckets];
    uint64_t before = bucket->numbers;
    draw(bucket, visit->values[0]);
    if (bucket->numbers > before) {
        stroke->first = before == 0 ? visit->place : stroke->first;
        stroke->last = visit->place;
    }
    return true;
}

static void join(struct rp_bucket *to, struct stroke *stroke, const struct rp_bucket *from,
                 const struct stroke *other)
{
    to->changes += from->changes;
    if (from->numbers == 0) {
        return;
    }
    bool is_empty = to->numbers == 0;
    bool is_first = is_empty || rp_place_is_before(other->first, stroke->first);
    bool is_last = is_empty || rp_place_is_before(stroke->last, other->last);
    to->numbers += from->numbers;
    to->first = is_first ? from->first : to->first;
    to->last = is_last ? from->last : to->last;
    to->least = is_empty || from->least < to->least ? from->least : to->least;
    to->most = is_empty || from->most > to->most ? from->most : to->most;
    *stroke = (struct stroke){is_first ? other->first : stroke->first,
                              is_last ? other->last : stroke->last};
}

/* The blocks in which a call ran. */
static int blocks_of(struct rp_session *session, uint64_t number, struct ctr_sweep_range *range,
                     struct ct_error *error)
{
    struct ctr_call call;
    int status = ctr_call_get(session->trace, number, &call, error);
    if (status == CT_OK) {
        range->first = call.start_block;
        range->end = call.exit == CTR_EXIT_NONE ? UINT32_MAX : call.end_block + 1;
    }
    return status;
}

static bool has_objects(const struct sketches *sketches)
{
    bool has = false;
    for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
        has |= sketches->of[i].has_objects;
    }
    return has;
}

static int sweep_writes(struct rp_session *session, const struct ctr_query *query,
                        struct sketches *sketches, struct ct_error *error)
{
    uint64_t key = ctr_key(query->plan, query->slot);
    struct ctr_sweep_plan plan = {query->plan, &query->slot, 1};
    struct ctr_sweep sweep = {.of_writes = true,
                              .keys = &key,
                              .key_count = 1,
                              .plans = &plan,
                              .plan_count = 1,
                              .workers = RP_SWEEP_WORKERS,
                              .visit = sketch,
                              .context = sketches};
    struct ctr_sweep_range range = {.end = UINT32_MAX, .most_blocks = RP_SWEEP_BLOCKS};
    int status =
        query->call == CTR_NO_CALL ? CT_OK : blocks_of(session, query->call, &range, error);
    while (status == CT_OK && range.first < range.end && !has_objects(sketches)) {
        status = ctr_sweep(session->trace, &sweep, &range, error);
        if (status == CT_OK) {
            struct ctr_place at = {range.first, 0};
            status = rp_ask_watch(session, (struct ctr_place){0, 0}, at, error);
        }
    }
    return status;
}

/* CT_ESTATE: it was bound to objects, whose changes are to be drawn, too. */
static int draw_writes(struct rp_session *session, const struct ctr_query *query,
                       const struct drawing *drawing, struct ct_error *error)
{
    struct sketches sketches = {.call = query->call};
    int status = CT_OK;
    for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
        struct sketch *own = &sketches.of[i];
        own->drawing = *drawing;
        own->drawing.buckets = calloc(drawing->count, sizeof *own->drawing.buckets);
        own->strokes = calloc(drawing->count, sizeof *own->strokes);
        bool has_memory = own->drawing.buckets != NULL && own->strokes != NULL;
        status = has_memory ? status : no_memory(error);
    }
    status = status == CT_OK ? sweep_writes(session, query, &sketches, error) : status;
    status = status == CT_OK && has_objects(&sketches) ? CT_ESTATE : status;
    for (uint32_t i = 0; status == CT_OK && i < drawing->count; i++) {
        struct stroke stroke = {0};
        for (unsigned j = 0; j < RP_SWEEP_WORKERS; j++) {
            const struct sketch *own = &sketches.of[j];
            join(&drawing->buckets[i], &stroke, &own->drawing.buckets[i], &own->strokes[i]);
        }
    }
    for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
        free(sketches.of[i].drawing.buckets);
        free(sketches.of[i].strokes);
    }
    return status;
}

int rp_history_draw(struct rp_session *session, const struct rp_history *history,
                    struct rp_bucket *buckets, uint32_t count, struct ct_error *error)
{
    const struct ctr_query *query = &history->query;
    struct drawing drawing = {buckets, count, (double)ctr_info(session->trace)->steps};
    memset(buckets, 0, count * sizeof *buckets);
    if (count == 0) {
        return CT_OK;
    }
    int status =
        query->kind == CTR_FIND_WRITE ? draw_writes(session, query, &drawing, error) : CT_ESTATE;
    return status == CT_ESTATE ? draw_changes(session, query, &drawing, error) : status;
}
