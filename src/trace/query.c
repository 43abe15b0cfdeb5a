#include "trace/query.h"

#include <stdlib.h>
#include <string.h>

#include "trace/objects.h"
#include "trace/reading.h"
#include "trace/trace_internal.h"

struct search {
    struct ctr_trace *trace;
    const struct ctr_query *query;
    uint32_t start_block;         /* of query->call */
    size_t segment;               /* the one `candidates` is of */
    uint64_t candidates;          /* blocks to look into */
    struct ctr_reading reading;   /* of the block at hand */
    const struct ctr_runner *who; /* whose record it is; NULL when the block does not know */
    uint8_t *unwound; /* RAISE: by stack of its running, whether a call just ended by UNWIND */
    uint32_t unwound_capacity;
    struct ctr_value *held; /* WRITE: the slot in each frame of its running */
    uint32_t held_capacity;
    struct ctr_objects objects; /* CHANGE, CHANGES */
    struct ctr_objects earlier; /* CHANGES: as they were before a record */
    uint64_t move;              /* of both */
    uint32_t key_place;         /* where its key was found last */
    const struct ctr_hit
        *changes;          /* those of the block at hand, of which only place and value are */
    size_t change_count;   /* known yet */
    struct ctr_hit *found; /* in the block at hand */
    size_t found_count, found_capacity;
    size_t latest;  /* so many of them are enough: the last ones */
    bool has_ended; /* the query's call: nothing of it comes behind */
};

static const struct ctr_value unbound = {0};

/* ---- which blocks ---- */

static uint64_t all_blocks(const struct ctr_segment *segment)
{
    return segment->count == 64 ? ~0ull : (1ull << segment->count) - 1;
}

/* Of `blocks`, those in which the call may have run; of a parent, may have made calls. */
static uint64_t blocks_of_call(const struct search *search, const struct ctr_segment *segment,
                               uint32_t first, uint64_t call, uint64_t blocks)
{
    uint64_t kept = blocks & segment->missing[CTR_TABLE_FRAMES];
    for (uint64_t left = blocks & ~kept; left != 0; left &= left - 1) {
        unsigned block = (unsigned)__builtin_ctzll(left);
        struct ctr_frame_part part;
        bool here =
            first + block == search->start_block ||
            (first + block > search->start_block && ctr_segment_part(segment, block, call, &part) &&
             (!search->query->of_parent || part.children > 0));
        kept |= (uint64_t)here << block;
    }
    return kept;
}

static uint64_t blocks_of_objects(const struct ctr_segment *segment, const uint64_t *objects,
                                  uint32_t count)
{
    uint64_t kept = segment->missing[CTR_TABLE_OBJECTS];
    for (unsigned block = 0; block < segment->count; block++) {
        kept |= (uint64_t)ctr_segment_opens(segment, block, objects, count) << block;
    }
    return kept;
}

static uint64_t blocks_with(const struct ctr_segment *segment, enum ctr_find kind)
{
    uint64_t kept = 0;
    for (unsigned block = 0; block < segment->count; block++) {
        const struct ctr_index_entry *entry = &segment->entries[block];
        bool unknown = entry->thread_count > CTR_ENTRY_THREADS &&
                       (segment->missing[CTR_TABLE_LINES] >> block & 1);
        uint32_t count = kind == CTR_FIND_RAISE   ? entry->raises
                         : kind == CTR_FIND_INPUT ? entry->inputs
                                                  : entry->outputs;
        kept |= (uint64_t)(count > 0 || unknown) << block;
    }
    return kept;
}

/* A call that ends a block has its lines in a later one of its thread: mostly the next. */
static uint64_t blocks_of_starts(const struct ctr_query *query, const struct ctr_segment *segment)
{
    uint64_t blocks = segment->missing[CTR_TABLE_LINES];
    for (uint32_t i = 0; i < query->key_count; i++) {
        blocks |= ctr_keyed_of_plan(&segment->lines, (uint32_t)(query->keys[i] >> 32));
    }
    for (unsigned block = 0; block + 1 < segment->count; block++) {
        bool is_alone = segment->entries[block].thread_count == 1;
        blocks |= (uint64_t)!is_alone << block;
    }
    return blocks | blocks >> 1 | 1ull << (segment->count - 1);
}

static uint64_t blocks_of_thread(const struct ctr_segment *segment, uint32_t thread)
{
    uint64_t kept = 0;
    for (unsigned block = 0; block < segment->count; block++) {
        kept |= (uint64_t)ctr_entry_has_thread(&segment->entries[block], thread) << block;
    }
    return kept;
}

static uint64_t find_candidates(const struct search *search, const struct ctr_segment *segment,
                                uint32_t first)
{
    const struct ctr_query *query = search->query;
    uint64_t blocks, line = ctr_key(query->plan, query->line);
    uint64_t slot = ctr_key(query->plan, query->slot);
    switch (query->kind) {
    case CTR_FIND_LINE:
        blocks = ctr_segment_with(segment, CTR_TABLE_LINES, &line, 1);
        break;
    case CTR_FIND_WRITE:
        blocks = ctr_segment_with(segment, CTR_TABLE_SLOTS, &slot, 1);
        break;
    case CTR_FIND_STEP:
        blocks = all_blocks(segment);
        break;
    case CTR_FIND_EVENTS:
        blocks = query->thread == CTR_ANY_THREAD ? all_blocks(segment)
                                                 : blocks_of_thread(segment, query->thread);
        if (query->of_parent && query->parent != CTR_NO_CALL) {
            return blocks_of_call(search, segment, first, query->parent, blocks);
        }
        break;
    case CTR_FIND_CHANGE:
        return blocks_of_objects(segment, &query->object, 1);
    case CTR_FIND_CHANGES:
        return blocks_of_objects(segment, query->objects, query->object_count);
    case CTR_FIND_LINES:
        return ctr_segment_with(segment, CTR_TABLE_LINES, query->keys, query->key_count);
    case CTR_FIND_STARTS:
        return blocks_of_starts(query, segment);
    default:
        return blocks_with(segment, query->kind);
    }
    return query->call == CTR_NO_CALL ? blocks
                                      : blocks_of_call(search, segment, first, query->call, blocks);
}

static int load_candidates(struct search *search, size_t index, struct ct_error *error)
{
    if (search->segment == index) {
        return CT_OK;
    }
    const struct ctr_segment *segment;
    pthread_mutex_lock(&search->trace->cache.lock);
    int status = ctr_segment_get(search->trace, index, &segment, error);
    if (status == CT_OK) {
        search->segment = index;
        search->candidates =
            find_candidates(search, segment, search->trace->segments[index].first_block) &
            all_blocks(segment);
    }
    pthread_mutex_unlock(&search->trace->cache.lock);
    return status;
}

/* The first block to look into at or after `*block`, or the last at or before it. CT_ESTATE: none.
 */
static int next_candidate(struct search *search, uint32_t *block, bool backwards,
                          struct ct_error *error)
{
    struct ctr_trace *trace = search->trace;
    size_t index = ctr_segment_of(trace, *block);
    for (; index < trace->segment_count; index += backwards ? (size_t)-1 : 1) {
        int status = load_candidates(search, index, error);
        if (status != CT_OK) {
            return status;
        }
        uint32_t first = trace->segments[index].first_block;
        uint64_t blocks = search->candidates;
        if (backwards && *block - first < 63) {
            blocks &= (2ull << (*block - first)) - 1;
        } else if (!backwards && *block > first) {
            blocks &= *block - first > 63 ? 0 : ~0ull << (*block - first);
        }
        if (blocks != 0) {
            *block = first + (backwards ? 63 - (unsigned)__builtin_clzll(blocks)
                                        : (unsigned)__builtin_ctzll(blocks));
            return CT_OK;
        }
        *block = backwards ? first - 1 : first + CTR_SEGMENT_BLOCKS;
    }
    return CT_ESTATE;
}

/* ---- looking into one block ---- */

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "no memory to search the trace");
}

/* Who goes backwards wants the last ones of a block, which may have many. */
static void forget_first(struct search *search)
{
    if (search->found_count / 2 >= search->latest) {
        memmove(search->found, search->found + (search->found_count - search->latest),
                search->latest * sizeof *search->found);
        search->found_count = search->latest;
    }
}

static bool add_hit(struct search *search, uint32_t at, uint64_t step, struct ctr_value value)
{
    forget_first(search);
    if (!ct_grow(&search->found, &search->found_capacity, search->found_count,
                 sizeof *search->found)) {
        return false;
    }
    const struct ctr_runner *who = search->who;
    search->found[search->found_count++] = (struct ctr_hit){
        .place = {search->reading.block->number, at},
        .step = step,
        .call = who != NULL ? who->call : CTR_NO_CALL,
        .plan = who != NULL ? who->plan : UINT32_MAX,
        .line = who != NULL ? who->line : 0,
        .thread = ctr_running_thread(&search->reading.running),
        .value = value,
    };
    return true;
}

static bool wants_frame(const struct ctr_query *query, const struct ctr_runner *frame)
{
    return frame != NULL && (query->kind == CTR_FIND_STEP || frame->plan == query->plan) &&
           (query->call == CTR_NO_CALL || frame->call == query->call);
}

/* What the slot holds in the top frame, for the values that continue a number. */
static struct ctr_value *held_by_top(struct search *search)
{
    const struct ctr_running *running = &search->reading.running;
    uint32_t top = running->stacks[running->stack].top;
    if (top >= search->held_capacity) {
        uint32_t larger = search->held_capacity == 0 ? 64 : search->held_capacity;
        while (larger <= top) {
            larger *= 2;
        }
        struct ctr_value *held = realloc(search->held, larger * sizeof *held);
        if (held == NULL) {
            return NULL;
        }
        search->held = held;
        search->held_capacity = larger;
    }
    return &search->held[top];
}

static struct ctr_value first_value(const struct ctr_reading *reading, struct ctr_value before)
{
    struct ctr_scan values = ctr_record_values(&reading->scan, &reading->rec);
    return ctr_scan_value(&values, before);
}

/* The slot's value in a FRAME record. */
static struct ctr_value slot_in_frame(const struct ctr_reading *reading, uint32_t slot)
{
    struct ctr_scan values = ctr_record_values(&reading->scan, &reading->rec);
    for (uint32_t i = 0; i < reading->rec.count; i++) {
        uint64_t at = ct_get_varint(&values.cursor);
        struct ctr_value value = ctr_scan_value(&values, unbound);
        if (at == slot) {
            return value;
        }
    }
    return unbound;
}

/* A suspended frame comes back: what its slot holds stands in its FRAME, which was before it was on
 * a stack. */
static bool keep_suspended(struct search *search)
{
    struct ctr_running *running = &search->reading.running;
    uint32_t frame = running->numbered[running->numbered_count - 1];
    struct ctr_run_stack *stack = &running->stacks[running->stack];
    uint32_t top = stack->top;
    stack->top = frame;
    struct ctr_value *held = held_by_top(search);
    stack->top = top;
    if (held != NULL) {
        *held = slot_in_frame(&search->reading, search->query->slot);
    }
    return held != NULL;
}

/* WRITE: follow the slot through the frames of its plan. False: no memory. */
static bool look_at_write(struct search *search)
{
    const struct ctr_query *query = search->query;
    const struct ctr_reading *reading = &search->reading;
    const struct ctr_rec *rec = &reading->rec;
    bool suspended = rec->kind == CTR_FRAME && (rec->flags & CTR_FRAME_SUSPENDED);
    if (suspended) {
        return rec->plan != query->plan || keep_suspended(search);
    }
    const struct ctr_runner *top = ctr_running_top(&reading->running);
    if (top == NULL || top->plan != query->plan) {
        return true;
    }
    bool sets = rec->kind == CTR_SET && rec->slot == query->slot;
    bool starts = rec->kind == CTR_CALL || rec->kind == CTR_FRAME;
    if (!sets && !starts) {
        return true;
    }
    struct ctr_value *held = held_by_top(search);
    if (held == NULL) {
        return false;
    }
    if (starts) {
        *held = rec->kind == CTR_FRAME ? slot_in_frame(reading, query->slot) : unbound;
        return true;
    }
    *held = first_value(reading, *held);
    return !wants_frame(query, top) ||
           add_hit(search, ctr_reading_place(reading), reading->running.step, *held);
}

/* The value of the query's key. A key mostly stays where it is. */
static struct ctr_value find_key(struct search *search, const struct ctr_pair *pairs,
                                 uint32_t count)
{
    struct ctr_value key = search->query->key;
    uint32_t place = search->key_place;
    if (place < count && ctr_value_equal(search->trace, pairs[place].key, key)) {
        return pairs[place].value;
    }
    for (place = 0; place < count; place++) {
        if (ctr_value_equal(search->trace, pairs[place].key, key)) {
            search->key_place = place;
            return pairs[place].value;
        }
    }
    return unbound;
}

/* The part of the object the query is about, as it is at byte `limit` of the block. */
static int read_part(struct search *search, const struct ctr_block *block, size_t limit,
                     struct ctr_value *value, struct ct_error *error)
{
    const struct ctr_query *query = search->query;
    struct ctr_object_state *state;
    *value = unbound;
    int status = ctr_objects_get(&search->objects, query->object, block, limit, 0, &state, error);
    if (status != CT_OK || state == NULL) {
        return status;
    }
    ctr_object_settle(&search->objects, state);
    const struct ctr_object *object = &state->object;
    if (query->part == CTR_PART_ITEM && query->index < object->item_count) {
        *value = object->items[query->index];
    } else if (query->part == CTR_PART_PAIR) {
        *value = find_key(search, object->pairs, object->pair_count);
    } else if (query->part == CTR_PART_ATTR) {
        *value = find_key(search, object->attrs, object->attr_count);
    }
    return CT_OK;
}

/* Fold the object's records of the block one by one: where the part changes. */
static int find_part_changes(struct search *search, size_t from, size_t to, struct ct_error *error)
{
    const struct ctr_block *block = search->reading.block;
    const struct ctr_cell *cell = ctr_cell_of(block);
    uint32_t next = ctr_cell_first(cell, search->query->object);
    struct ctr_value before = unbound;
    int status =
        next == 0 ? CT_OK : read_part(search, block, cell->records[next - 1].at, &before, error);
    while (status == CT_OK && next != 0 && cell->records[next - 1].at < to) {
        const struct ctr_object_record *at = &cell->records[next - 1];
        struct ctr_value after = unbound;
        status = read_part(search, block, at->at + 1, &after, error);
        bool changes = !ctr_value_equal(search->trace, before, after);
        if (status == CT_OK && changes && at->at >= from && !add_hit(search, at->at, 0, after)) {
            status = no_memory(error);
        }
        before = after;
        next = at->next;
    }
    return status;
}

/* Whether an object that is described anew is another one than it was. */
static int is_another(struct search *search, uint64_t object, size_t at, bool *is_changed,
                      struct ct_error *error)
{
    const struct ctr_block *block = search->reading.block;
    struct ctr_object_state *before, *after = NULL;
    uint64_t move = ++search->move;
    int status = ctr_objects_get(&search->earlier, object, block, at, move, &before, error);
    if (status == CT_OK && before != NULL) {
        status = ctr_objects_get(&search->objects, object, block, at + 1, move, &after, error);
    }
    *is_changed = false;
    if (status == CT_OK && after != NULL) {
        ctr_object_settle(&search->earlier, before);
        ctr_object_settle(&search->objects, after);
        *is_changed = !ctr_object_equal(search->trace, &before->object, &after->object);
    }
    ctr_objects_trim(&search->earlier, move);
    ctr_objects_trim(&search->objects, move);
    return status;
}

/* Whether a record of the object's chain changes it: not by saying again what it is. */
static int changes_object(struct search *search, const struct ctr_object_record *at,
                          uint64_t object, bool *is_changed, struct ct_error *error)
{
    struct ctr_scan scan = ctr_scan_at(search->reading.block, at);
    struct ctr_rec rec;
    bool is_read = ctr_record_next(&scan, &rec);
    *is_changed = is_read && rec.kind != CTR_CHECKED && rec.kind != CTR_OPEN;
    bool is_again = is_read && rec.kind == CTR_OPEN && (rec.flags & CTR_OPEN_BASE) &&
                    !(rec.flags & CTR_OPEN_NEW);
    return is_again ? is_another(search, object, at->at, is_changed, error) : CT_OK;
}

static int compare_places(const void *left, const void *right)
{
    const struct ctr_hit *a = left, *b = right;
    return a->place.at < b->place.at ? -1 : a->place.at > b->place.at;
}

/* What the block's records change of any of the objects. */
static int find_object_changes(struct search *search, size_t from, size_t to,
                               struct ct_error *error)
{
    const struct ctr_query *query = search->query;
    const struct ctr_cell *cell = ctr_cell_of(search->reading.block);
    size_t latest = search->latest;
    int status = CT_OK;
    search->latest = SIZE_MAX; /* the last ones of each object are not those of all */
    for (uint32_t i = 0; status == CT_OK && i < query->object_count; i++) {
        struct ctr_value object = {.tag = CTR_V_OBJECT, .bits = query->objects[i]};
        uint32_t next = ctr_cell_first(cell, object.bits);
        while (status == CT_OK && next != 0 && cell->records[next - 1].at < to) {
            const struct ctr_object_record *at = &cell->records[next - 1];
            bool is_changed = false;
            if (at->at >= from) {
                status = changes_object(search, at, object.bits, &is_changed, error);
            }
            if (is_changed && !add_hit(search, at->at, 0, object)) {
                status = no_memory(error);
            }
            next = at->next;
        }
    }
    search->latest = latest;
    if (query->object_count > 1 && search->found_count > 1) {
        qsort(search->found, search->found_count, sizeof *search->found, compare_places);
    }
    return status;
}

/* ---- events ---- */

/* The first key that is not below this one. */
static uint32_t first_key(const struct ctr_query *query, uint64_t key)
{
    uint32_t low = 0, high = query->key_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (query->keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool has_key(const struct ctr_query *query, uint64_t key)
{
    uint32_t at = first_key(query, key);
    return at < query->key_count && query->keys[at] == key;
}

/* Whether any of the keys is of this plan. */
static bool has_plan(const struct ctr_query *query, uint32_t plan)
{
    uint32_t at = first_key(query, ctr_key(plan, 0));
    return at < query->key_count && query->keys[at] >> 32 == plan;
}

/* The event a record is, plus 1; 0: none that a query may ask for. */
static const uint8_t events[CTR_RECORD_MAX + 1] = {
    [CTR_LINE_FAR] = CTR_EVENT_LINE + 1,   [CTR_CALL] = CTR_EVENT_CALL + 1,
    [CTR_RETURN] = CTR_EVENT_RETURN + 1,   [CTR_YIELD] = CTR_EVENT_YIELD + 1,
    [CTR_RESUME] = CTR_EVENT_RESUME + 1,   [CTR_THROW] = CTR_EVENT_THROW + 1,
    [CTR_UNWIND] = CTR_EVENT_UNWIND + 1,   [CTR_RAISE] = CTR_EVENT_RAISE + 1,
    [CTR_HANDLED] = CTR_EVENT_HANDLED + 1,
};

static bool leaves_stack(uint8_t kind)
{
    return kind == CTR_RETURN || kind == CTR_YIELD || kind == CTR_UNWIND;
}

static bool look_at_event(struct search *search)
{
    const struct ctr_query *query = search->query;
    const struct ctr_reading *reading = &search->reading;
    uint8_t kind = reading->rec.kind;
    unsigned event = events[kind];
    bool is_turn = kind == CTR_LINE_FAR && reading->rec.number == 1;
    if (event == 0 || (is_turn && query->no_turns) ||
        (query->of_parent && (search->who == NULL || search->who->parent != query->parent)) ||
        !(query->events >> (event - 1) & 1) ||
        (query->thread != CTR_ANY_THREAD &&
         query->thread != ctr_running_thread(&reading->running)) ||
        (query->call != CTR_NO_CALL && (search->who == NULL || search->who->call != query->call))) {
        return true;
    }
    bool has_value = leaves_stack(kind) || kind == CTR_RAISE || kind == CTR_HANDLED;
    uint64_t step = reading->running.step - (kind == CTR_LINE_FAR);
    if (!add_hit(search, ctr_reading_place(reading), step,
                 has_value ? first_value(reading, unbound) : unbound)) {
        return false;
    }
    struct ctr_hit *hit = &search->found[search->found_count - 1];
    hit->event = (enum ctr_event_kind)(event - 1);
    hit->is_turn = is_turn;
    search->has_ended = query->call != CTR_NO_CALL &&
                        (hit->event == CTR_EVENT_RETURN || hit->event == CTR_EVENT_UNWIND);
    return true;
}

/* A short LINE record, the latest of its frame. False: no memory. */
static bool add_line(struct search *search, const uint8_t *at)
{
    const struct ctr_reading *reading = &search->reading;
    if (!add_hit(search, (uint32_t)(at - reading->block->raw), reading->running.step - 1,
                 unbound)) {
        return false;
    }
    search->found[search->found_count - 1].event = CTR_EVENT_LINE;
    return true;
}

/* Whether the call that a frame had made has just ended by an exception. A block that starts in
 * between does not know. */
static uint8_t *unwound_flag(struct search *search)
{
    uint32_t stack = search->reading.running.stack;
    if (stack >= search->unwound_capacity) {
        uint32_t larger = stack + 16;
        uint8_t *unwound = realloc(search->unwound, larger);
        if (unwound == NULL) {
            return NULL;
        }
        memset(unwound + search->unwound_capacity, 0, larger - search->unwound_capacity);
        search->unwound = unwound;
        search->unwound_capacity = larger;
    }
    return &search->unwound[stack];
}

static bool look_at_raise(struct search *search)
{
    const struct ctr_reading *reading = &search->reading;
    uint8_t kind = reading->rec.kind;
    if (events[kind] == 0) {
        return true;
    }
    uint8_t *unwound = unwound_flag(search);
    bool is_passed_on = unwound != NULL && *unwound;
    if (unwound == NULL ||
        (kind == CTR_RAISE && !add_hit(search, ctr_reading_place(reading), reading->running.step,
                                       first_value(reading, unbound)))) {
        return false;
    }
    *unwound = kind == CTR_UNWIND;
    if (kind == CTR_RAISE) {
        search->found[search->found_count - 1].is_passed_on = is_passed_on;
    }
    return true;
}

/* False: no memory. */
static bool look_at(struct search *search)
{
    const struct ctr_query *query = search->query;
    const struct ctr_reading *reading = &search->reading;
    uint8_t kind = reading->rec.kind;
    bool hit = false;
    struct ctr_value value = unbound;
    uint64_t step = reading->running.step;
    switch (query->kind) {
    case CTR_FIND_LINE:
    case CTR_FIND_STEP:
        if (kind == CTR_LINE_FAR) {
            const struct ctr_runner *top = ctr_running_top(&reading->running);
            hit = wants_frame(query, top) &&
                  (query->kind == CTR_FIND_STEP || top->line == query->line);
            step--;
        }
        break;
    case CTR_FIND_WRITE:
        return look_at_write(search);
    case CTR_FIND_CHANGE: /* one of those that were found by themselves */
    case CTR_FIND_CHANGES:
        hit = search->change_count > 0 && search->changes->place.at == ctr_reading_place(reading);
        if (hit) {
            value = search->changes->value;
            search->changes++;
            search->change_count--;
        }
        break;
    case CTR_FIND_LINES:
        hit = kind == CTR_LINE_FAR && search->who != NULL &&
              has_key(query, ctr_key(search->who->plan, search->who->line));
        step--;
        break;
    case CTR_FIND_STARTS:
        hit = kind == CTR_CALL && search->who != NULL && has_plan(query, search->who->plan);
        break;
    case CTR_FIND_EVENTS:
        return look_at_event(search);
    case CTR_FIND_RAISE:
        return look_at_raise(search);
    case CTR_FIND_OUTPUT:
    case CTR_FIND_INPUT:
        hit = kind == (query->kind == CTR_FIND_INPUT ? CTR_INPUT : CTR_OUTPUT);
        value = hit ? first_value(reading, unbound) : unbound;
        break;
    }
    if (hit && !add_hit(search, ctr_reading_place(reading), step, value)) {
        return false;
    }
    if (hit && kind == CTR_OUTPUT) {
        search->found[search->found_count - 1].stream = reading->rec.number;
    }
    return true;
}

/* Whether LINE and SET records of this frame may be what is looked for, or matter for it. */
static bool asks_for(const struct search *search, const struct ctr_runner *frame)
{
    const struct ctr_query *query = search->query;
    switch (query->kind) {
    case CTR_FIND_LINE:
    case CTR_FIND_STEP:
        return wants_frame(query, frame);
    case CTR_FIND_WRITE: /* changes of a number go on from one call's value to its next */
        return frame->plan == query->plan;
    case CTR_FIND_LINES:
        return has_plan(query, frame->plan);
    case CTR_FIND_EVENTS:
        return (query->events >> CTR_EVENT_LINE & 1) &&
               (query->call == CTR_NO_CALL || query->call == frame->call) &&
               (query->thread == CTR_ANY_THREAD ||
                query->thread == ctr_running_thread(&search->reading.running));
    case CTR_FIND_RAISE: /* a line tells that the exception before it was handled */
        return true;
    default:
        return false;
    }
}

static const uint8_t *byte_of(const struct ctr_block *block, size_t at)
{
    return block->raw + (at < block->size ? at : block->size);
}

/* Whether what stands in front of the place to start from matters for what is behind it. */
static bool needs_start(const struct ctr_query *query)
{
    return query->kind == CTR_FIND_WRITE || query->kind == CTR_FIND_RAISE;
}

/* Whether a LINE that only the last hit of all is wanted of, and so the last of several. */
static bool wants_last_line(const struct search *search)
{
    return search->query->kind == CTR_FIND_EVENTS && search->latest == 1 &&
           !search->query->of_parent;
}

/* Step over records that need not be looked at one by one, up to `to`. False: no memory. */
static bool skip(struct search *search, const uint8_t *start, const uint8_t *to)
{
    struct ctr_reading *reading = &search->reading;
    const struct ctr_runner *top = ctr_running_top(&reading->running);
    if (top == NULL) {
        return true;
    }
    if (!asks_for(search, top)) {
        ctr_reading_skip(reading);
    } else if (reading->scan.cursor.at < start && !needs_start(search->query)) {
        ctr_reading_skip_to(reading, start);
    } else if (wants_last_line(search)) {
        struct ctr_skipped skipped = ctr_reading_skip_to(reading, to);
        if (skipped.last != NULL) {
            search->who = top;
            search->found_count = 0;
            return add_line(search, skipped.last);
        }
    }
    return true;
}

/* Read a record and let it take effect; `who` is the frame it is of. */
static bool follow_next(struct search *search)
{
    struct ctr_reading *reading = &search->reading;
    if (!ctr_reading_next(reading)) {
        return false;
    }
    const struct ctr_runner *top = ctr_running_top(&reading->running);
    if (!ctr_reading_follow(reading)) {
        return false;
    }
    /* A frame that ended is what it was until another takes its place. */
    bool leaves = leaves_stack(reading->rec.kind);
    search->who = leaves ? top : ctr_running_top(&reading->running);
    return true;
}

/* All hits of the block at or after byte `from` and before byte `to`; no more than `enough`. */
static void look_into(struct search *search, size_t from, size_t to, size_t enough)
{
    struct ctr_reading *reading = &search->reading;
    const struct ctr_block *block = reading->block;
    const uint8_t *start = byte_of(block, from), *end = byte_of(block, to);
    bool has_memory = true;
    search->found_count = 0;
    search->has_ended = false;
    if (search->unwound != NULL) {
        memset(search->unwound, 0, search->unwound_capacity);
    }
    while (has_memory && reading->scan.cursor.at < end && search->found_count != enough &&
           !search->has_ended) {
        has_memory = skip(search, start, end);
        if (!has_memory || reading->scan.cursor.at >= end || !follow_next(search)) {
            break;
        }
        bool is_early = reading->at < start; /* only to know what goes on */
        size_t before = search->found_count;
        if (!is_early || needs_start(search->query)) {
            has_memory = look_at(search);
        }
        search->found_count = is_early ? before : search->found_count;
    }
    if (!has_memory) {
        reading->status = CT_ENOMEM;
    }
}

/* Changes of an object are found first, and then who made them. */
static int look_into_changes(struct search *search, size_t from, size_t to, size_t enough,
                             bool backwards, struct ct_error *error)
{
    if (backwards) { /* a state only goes forwards */
        ctr_objects_clear(&search->objects);
        ctr_objects_clear(&search->earlier);
    }
    search->found_count = 0;
    int status = search->query->kind == CTR_FIND_CHANGE
                     ? find_part_changes(search, from, to, error)
                     : find_object_changes(search, from, to, error);
    if (status != CT_OK || search->found_count == 0) {
        return status;
    }
    struct ctr_hit *changes = search->found;
    search->changes = changes;
    search->change_count = search->found_count < enough ? search->found_count : enough;
    search->found = NULL;
    search->found_count = search->found_capacity = 0;
    size_t last = changes[search->change_count - 1].place.at;
    look_into(search, from, last + 1, SIZE_MAX);
    free(changes);
    return CT_OK;
}

/* Stand as near before a byte as is known how. */
static size_t jump_to(struct search *search, size_t at)
{
    struct ctr_reach reach = {.at = at, .step = UINT64_MAX, .call = UINT64_MAX};
    return needs_start(search->query) ? 0 : ctr_reading_jump(&search->reading, &reach);
}

/* The last hit before byte `to`: from mark to mark. */
static void look_back(struct search *search, size_t to)
{
    size_t end = to;
    do {
        size_t from = jump_to(search, end - 1);
        search->who = NULL;
        look_into(search, from, end, SIZE_MAX);
        end = from;
    } while (search->found_count == 0 && end > 0 && search->reading.status == CT_OK);
}

/* The hits of one block between two of its bytes. */
static int find_in_block(struct search *search, uint32_t number, size_t from, size_t to,
                         size_t enough, bool backwards, struct ct_error *error)
{
    int status = ctr_reading_open(&search->reading, search->trace, number, error);
    if (status != CT_OK) {
        return status;
    }
    search->who = NULL; /* of the block before */
    if (search->query->kind == CTR_FIND_CHANGE || search->query->kind == CTR_FIND_CHANGES) {
        status = look_into_changes(search, from, to, enough, backwards, error);
    } else if (backwards && search->latest == 1 && !needs_start(search->query)) {
        look_back(search, to);
    } else {
        jump_to(search, from);
        look_into(search, from, to, enough);
    }
    int read = ctr_reading_close(&search->reading, error);
    return status != CT_OK ? status : read;
}

/* ---- pages ---- */

static bool place_is_before(struct ctr_place a, struct ctr_place b)
{
    return a.block != b.block ? a.block < b.block : a.at < b.at;
}

static void take_forwards(struct search *search, struct ctr_page *page)
{
    for (size_t i = 0; i < search->found_count; i++) {
        page->hits[page->count++] = search->found[i];
        page->next = search->found[i].place;
        page->next.at++;
    }
}

static void take_backwards(struct search *search, struct ctr_page *page)
{
    for (size_t i = search->found_count; i-- > 0 && page->count < page->capacity;) {
        page->hits[page->count++] = search->found[i];
        page->next = search->found[i].place;
    }
}

static int fill_from(struct search *search, uint32_t block, bool backwards, struct ctr_page *page,
                     struct ct_error *error)
{
    bool here = page->next.block == block;
    size_t from = here && !backwards ? page->next.at : 0;
    size_t to = here && backwards ? page->next.at : SIZE_MAX;
    size_t room = page->capacity - page->count, enough = backwards ? SIZE_MAX : room;
    search->latest = backwards ? room : SIZE_MAX;
    int status = find_in_block(search, block, from, to, enough, backwards, error);
    if (status != CT_OK) {
        return status;
    }
    bool full;
    if (backwards) {
        full = search->found_count >= room;
        take_backwards(search, page);
    } else {
        take_forwards(search, page);
        full = page->count == page->capacity;
    }
    if (!full) { /* nothing more in this block */
        page->next = backwards ? (struct ctr_place){block, 0} : (struct ctr_place){block + 1, 0};
    }
    return CT_OK;
}

/* The block to look into next; false at the end of the trace. */
static bool block_at(const struct ctr_trace *trace, struct ctr_place place, bool backwards,
                     uint32_t *block)
{
    if (!backwards) {
        *block = place.block;
        return place.block < trace->info.blocks;
    }
    if (place.block >= trace->info.blocks) {
        *block = trace->info.blocks - 1;
        return trace->info.blocks > 0;
    }
    *block = place.at == 0 ? place.block - 1 : place.block;
    return place.at > 0 || place.block > 0;
}

static int fill(struct search *search, bool backwards, uint32_t most_blocks, struct ctr_page *page,
                struct ct_error *error)
{
    int status = CT_OK;
    for (uint32_t looked = 0; status == CT_OK && page->count < page->capacity; looked++) {
        uint32_t block;
        if (!block_at(search->trace, page->next, backwards, &block)) {
            page->done = true;
            return CT_OK;
        }
        status = next_candidate(search, &block, backwards, error);
        if (status == CT_ESTATE) {
            page->done = true;
            return CT_OK;
        }
        if (status != CT_OK) {
            return status;
        }
        const struct ctr_query *query = search->query;
        if (query->is_bounded && (backwards ? block < query->bound : block > query->bound)) {
            page->done = true;
            return CT_OK;
        }
        if (most_blocks != 0 && looked == most_blocks) {
            return CT_OK;
        }
        status = fill_from(search, block, backwards, page, error);
        if (status == CT_OK && search->has_ended && !backwards) {
            page->done = true;
            return CT_OK;
        }
    }
    return status;
}

static void search_free(struct search *search)
{
    ctr_objects_clear(&search->objects);
    ctr_objects_clear(&search->earlier);
    free(search->held);
    free(search->unwound);
    free(search->found);
}

int ctr_find(struct ctr_trace *trace, const struct ctr_query *query, struct ctr_place from,
             bool backwards, uint32_t most_blocks, struct ctr_page *page, struct ct_error *error)
{
    struct search search = {.trace = trace, .query = query, .segment = SIZE_MAX};
    ctr_objects_init(&search.objects, trace);
    ctr_objects_init(&search.earlier, trace);
    page->count = 0;
    page->done = false;
    page->next = from;
    uint64_t call = query->of_parent ? query->parent : query->call;
    if (call != CTR_NO_CALL || query->kind == CTR_FIND_STEP) {
        if (call >= trace->info.calls) {
            page->done = true;
            return CT_OK;
        }
        search.start_block = ctr_block_of_call(trace, call);
        struct ctr_place start = {search.start_block, 0};
        if (!backwards && place_is_before(from, start)) {
            page->next = start;
        }
    }
    int status = fill(&search, backwards, most_blocks, page, error);
    search_free(&search);
    return status;
}

struct ctr_place ctr_place_end(struct ctr_trace *trace)
{
    return (struct ctr_place){trace->info.blocks, 0};
}

int ctr_place_of_step(struct ctr_trace *trace, uint64_t step, struct ctr_place *place,
                      struct ct_error *error)
{
    if (step >= trace->info.steps) {
        return ct_fail(error, CT_EUSAGE, "there is no step %llu", (unsigned long long)step);
    }
    struct ctr_reading reading;
    int status = ctr_reading_open(&reading, trace, ctr_block_of_step(trace, step), error);
    if (status != CT_OK) {
        return status;
    }
    struct ctr_reach reach = {.at = SIZE_MAX, .step = step, .call = UINT64_MAX};
    ctr_reading_jump(&reading, &reach);
    while (reading.running.step <= step && ctr_reading_next(&reading) &&
           ctr_reading_follow(&reading)) {
    }
    *place = (struct ctr_place){reading.block->number, ctr_reading_place(&reading)};
    if (reading.running.step <= step) {
        reading.status = reading.status == CT_OK ? CT_EFORMAT : reading.status;
    }
    return ctr_reading_close(&reading, error);
}

/* ---- which blocks ---- */

int ctr_ran_in(struct ctr_trace *trace, const uint8_t *flags, struct ctr_ran *ran, uint32_t block,
               bool *may_have, struct ct_error *error)
{
    int status = CT_OK;
    if (block - ran->first >= ran->count) {
        const struct ctr_segment *segment;
        pthread_mutex_lock(&trace->cache.lock);
        size_t index = ctr_segment_of(trace, block);
        status = ctr_segment_get(trace, index, &segment, error);
        if (status == CT_OK) {
            *ran = (struct ctr_ran){trace->segments[index].first_block, segment->count,
                                    ctr_segment_of_plans(segment, flags, trace->info.plan_count)};
        }
        pthread_mutex_unlock(&trace->cache.lock);
    }
    unsigned bit = block - ran->first;
    *may_have = status == CT_OK && (bit >= ran->count || ran->blocks >> bit & 1);
    return status;
}

/* ---- counts ---- */

static int count_in_block(struct ctr_trace *trace, uint32_t number, uint32_t plan, uint32_t first,
                          uint32_t count, uint64_t step, uint64_t *visits, struct ct_error *error)
{
    struct ctr_reading reading;
    int status = ctr_reading_open(&reading, trace, number, error);
    if (status != CT_OK) {
        return status;
    }
    while (reading.running.step < step) {
        const struct ctr_runner *top = ctr_running_top(&reading.running);
        if (top != NULL && top->plan != plan) {
            ctr_reading_skip(&reading);
        }
        if (!ctr_reading_next(&reading)) {
            break;
        }
        if (ctr_reading_follow(&reading) && reading.rec.kind == CTR_LINE_FAR) {
            top = ctr_running_top(&reading.running);
            if (top->plan == plan && top->line - first < count) {
                visits[top->line - first]++;
            }
        }
    }
    return ctr_reading_close(&reading, error);
}

/* The blocks of the segment that start before `step`, but for the last of those when the step may
 * be in it. */
static uint64_t whole_blocks(const struct ctr_segment *segment, uint64_t step, uint64_t end)
{
    uint64_t blocks = 0;
    for (unsigned i = 0; i < segment->count; i++) {
        uint64_t after = i + 1 < segment->count ? segment->entries[i + 1].first_step : end;
        blocks |= (uint64_t)(after <= step) << i;
    }
    return blocks;
}

static void add_marks(const struct ctr_segment *segment, const struct ctr_marks *marks,
                      uint64_t blocks, uint64_t *visits)
{
    for (uint64_t left = marks->blocks & blocks; left != 0; left &= left - 1) {
        *visits += ctr_marks_visits(segment, marks, (unsigned)__builtin_ctzll(left));
    }
}

/* Add what the segment's table knows; `*look` gets the blocks to look into. */
static int count_in_segment(struct ctr_trace *trace, size_t index, uint32_t plan, uint32_t first,
                            uint32_t count, uint64_t step, uint64_t *visits, uint64_t *look,
                            struct ct_error *error)
{
    const struct ctr_segment *segment;
    pthread_mutex_lock(&trace->cache.lock);
    int status = ctr_segment_get(trace, index, &segment, error);
    if (status == CT_OK) {
        uint64_t end = index + 1 < trace->segment_count ? trace->segments[index + 1].first_step
                                                        : trace->info.steps;
        uint64_t missing = segment->missing[CTR_TABLE_LINES];
        uint64_t whole = whole_blocks(segment, step, end);
        uint64_t partly = 0, ran = 0;
        for (unsigned i = 0; i < segment->count; i++) {
            partly |= (uint64_t)(segment->entries[i].first_step < step) << i;
        }
        partly &= ~whole;
        for (uint32_t i = 0; i < count; i++) {
            const struct ctr_marks *marks =
                ctr_keyed_find(&segment->lines, ctr_key(plan, first + i));
            if (marks != NULL) {
                add_marks(segment, marks, whole & ~missing, &visits[i]);
                ran |= marks->blocks;
            }
        }
        *look = ((whole & missing) | (partly & (ran | missing))) & all_blocks(segment);
    }
    pthread_mutex_unlock(&trace->cache.lock);
    return status;
}

int ctr_count_lines(struct ctr_trace *trace, uint32_t plan, uint32_t first, uint32_t count,
                    uint64_t step, uint64_t *visits, struct ct_error *error)
{
    int status = CT_OK;
    memset(visits, 0, count * sizeof *visits);
    for (size_t index = 0; status == CT_OK && index < trace->segment_count &&
                           trace->segments[index].first_step < step;
         index++) {
        uint64_t look = 0;
        status = count_in_segment(trace, index, plan, first, count, step, visits, &look, error);
        for (; status == CT_OK && look != 0; look &= look - 1) {
            uint32_t block = trace->segments[index].first_block + (unsigned)__builtin_ctzll(look);
            status = count_in_block(trace, block, plan, first, count, step, visits, error);
        }
    }
    return status;
}

int ctr_lines_ran(struct ctr_trace *trace, const uint64_t *keys, uint32_t count, bool *ran,
                  struct ct_error *error)
{
    uint32_t left = count;
    int status = CT_OK;
    memset(ran, 0, count * sizeof *ran);
    for (size_t index = 0; status == CT_OK && left > 0 && index < trace->segment_count; index++) {
        const struct ctr_segment *segment;
        pthread_mutex_lock(&trace->cache.lock);
        status = ctr_segment_get(trace, index, &segment, error);
        for (uint32_t i = 0; status == CT_OK && i < count; i++) {
            if (!ran[i] && ctr_segment_with(segment, CTR_TABLE_LINES, &keys[i], 1) != 0) {
                ran[i] = true;
                left--;
            }
        }
        pthread_mutex_unlock(&trace->cache.lock);
    }
    return status;
}
