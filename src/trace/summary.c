#include "trace/summary.h"

#include <stdlib.h>

#include "trace/record.h"
#include "trace/running.h"
#include "trace/trace_internal.h"

/* A segment is some ten million events: these bounds are met by programs that are mostly code run
 * once, or that touch a hundred thousand objects in every block. Together below 8 MiB. */
enum {
    KEYS_MAX = 32 * 1024,           /* lines, and the same of variables, of a segment */
    VISITS_MAX = 192 * 1024,        /* pairs of a line and a block */
    COUNTERS_MAX = 64 * 1024,       /* lines of a block, those of its old frames apart */
    OLD_FRAMES_MAX = 256,           /* frames from before a block that are told apart in it */
    OBJECT_BYTES_MAX = 2048 * 1024, /* of a segment */
    END_BYTES_MAX = 1024 * 1024,
    FRAME_BYTES_MAX = 512 * 1024,
    PLANS_MAX = 64 * 1024, /* whose first 64 variables are marked without a search */
    THREADS_MAX = 1024,    /* whose depth is followed */
    NONE = 0xffffffffu,
};

/* ---- a growing hash table of numbers by key ---- */

struct table {
    uint64_t *keys;    /* in the order of their coming */
    uint32_t *numbers; /* of each key */
    uint32_t *slots;   /* position of a key plus 1 */
    uint32_t count, capacity, limit;
};

static void table_free(struct table *table)
{
    free(table->keys);
    free(table->numbers);
    free(table->slots);
    *table = (struct table){.limit = table->limit};
}

static size_t table_memory(const struct table *table)
{
    return (size_t)table->capacity *
           (sizeof *table->keys + sizeof *table->numbers + 2 * sizeof *table->slots);
}

static uint32_t *slot_of(const struct table *table, uint64_t key)
{
    uint32_t mask = table->capacity * 2 - 1;
    uint32_t at = (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 32) & mask;
    while (table->slots[at] != 0 && table->keys[table->slots[at] - 1] != key) {
        at = (at + 1) & mask;
    }
    return &table->slots[at];
}

static bool table_grow(struct table *table)
{
    enum { FIRST = 256 };
    uint32_t larger = table->capacity == 0 ? FIRST : table->capacity * 2;
    if (table->count >= table->limit) {
        return false;
    }
    uint64_t *keys = realloc(table->keys, larger * sizeof *keys);
    table->keys = keys != NULL ? keys : table->keys;
    uint32_t *numbers = realloc(table->numbers, larger * sizeof *numbers);
    table->numbers = numbers != NULL ? numbers : table->numbers;
    uint32_t *slots = calloc((size_t)larger * 2, sizeof *slots);
    if (keys == NULL || numbers == NULL || slots == NULL) {
        free(slots);
        return false;
    }
    free(table->slots);
    table->slots = slots;
    table->capacity = larger;
    for (uint32_t i = 0; i < table->count; i++) {
        *slot_of(table, table->keys[i]) = i + 1;
    }
    return true;
}

/* The place of a key, new with number 0 when it was not there; NONE when there is no room. */
static uint32_t table_place(struct table *table, uint64_t key)
{
    if (table->capacity > 0) {
        uint32_t *slot = slot_of(table, key);
        if (*slot != 0) {
            return *slot - 1;
        }
    }
    if (table->count == table->capacity && !table_grow(table)) {
        return NONE;
    }
    table->keys[table->count] = key;
    table->numbers[table->count] = 0;
    *slot_of(table, key) = ++table->count;
    return table->count - 1;
}

static void table_clear(struct table *table)
{
    if (table->count > 0) {
        memset(table->slots, 0, (size_t)table->capacity * 2 * sizeof *table->slots);
    }
    table->count = 0;
}

/* ---- the segment ---- */

struct visit { /* of a line in one block */
    uint32_t count;
    uint32_t next; /* of the same line, or NONE */
};

struct marked {        /* keys with the blocks they were seen in */
    struct table keys; /* the number: last visit */
    uint64_t *blocks;
    uint32_t *first; /* visit */
    uint32_t capacity;
};

struct stream { /* parts of a table that follow each other block by block */
    struct ct_bytes bytes;
    uint32_t start[CTR_SEGMENT_BLOCKS + 1];
    size_t limit;
};

struct old_frame {
    uint64_t call;
    uint32_t plan;
    uint32_t steps, children;
    uint32_t lines; /* counters of its own */
};

/* A counter's key is a line of a plan, or of an old frame. */
#define OLD_FRAME_KEY (1ull << 63)

struct ctr_summary {
    unsigned count;
    struct ctr_index_entry entries[CTR_SEGMENT_BLOCKS];
    uint64_t missing[CTR_INDEX_TABLES];
    struct marked lines, variables;
    struct visit *visits;
    uint32_t visit_count;
    size_t visit_capacity;
    struct stream objects, ends, frames;

    /* of the block that is being looked into */
    struct ctr_collect collect;
    struct ctr_running running;
    struct ctr_scan scan;
    struct table counters; /* by plan and line, or old frame and line */
    bool counters_full;
    uint64_t *sets; /* by plan: its first 64 variables */
    uint32_t set_capacity;
    uint32_t *set_plans; /* those with any */
    uint32_t set_count;
    size_t set_plan_capacity;
    struct table old_calls; /* at the same places: */
    struct old_frame old[OLD_FRAMES_MAX];
    uint64_t *opened; /* objects */
    uint32_t opened_count;
    size_t opened_capacity;
    struct ct_bytes ended;
    uint64_t last_call, last_step; /* in `ended` */
    uint64_t span_steps, span_calls;
    bool span;
    unsigned unknown; /* bit for each table that does not know all of this block */

    uint32_t depths[THREADS_MAX]; /* by thread number, over all blocks */
};

struct ctr_summary *ctr_summary_new(void)
{
    struct ctr_summary *summary = calloc(1, sizeof *summary);
    if (summary != NULL) {
        summary->lines.keys.limit = summary->variables.keys.limit = KEYS_MAX;
        summary->counters.limit = COUNTERS_MAX;
        summary->old_calls.limit = OLD_FRAMES_MAX;
        summary->objects.limit = OBJECT_BYTES_MAX;
        summary->ends.limit = END_BYTES_MAX;
        summary->frames.limit = FRAME_BYTES_MAX;
    }
    return summary;
}

static void free_marked(struct marked *marked)
{
    table_free(&marked->keys);
    free(marked->blocks);
    free(marked->first);
}

void ctr_summary_free(struct ctr_summary *summary)
{
    if (summary == NULL) {
        return;
    }
    free_marked(&summary->lines);
    free_marked(&summary->variables);
    free(summary->visits);
    ct_bytes_free(&summary->objects.bytes);
    ct_bytes_free(&summary->ends.bytes);
    ct_bytes_free(&summary->frames.bytes);
    ctr_collect_free(&summary->collect);
    ctr_running_free(&summary->running);
    table_free(&summary->counters);
    table_free(&summary->old_calls);
    free(summary->sets);
    free(summary->set_plans);
    free(summary->opened);
    ct_bytes_free(&summary->ended);
    free(summary);
}

unsigned ctr_summary_count(const struct ctr_summary *summary)
{
    return summary->count;
}

const struct ctr_index_entry *ctr_summary_first(const struct ctr_summary *summary)
{
    return &summary->entries[0];
}

static size_t marked_memory(const struct marked *marked)
{
    return table_memory(&marked->keys) +
           marked->capacity * (sizeof *marked->blocks + sizeof *marked->first);
}

size_t ctr_summary_memory(const struct ctr_summary *summary)
{
    const struct ctr_running *running = &summary->running;
    return sizeof *summary + marked_memory(&summary->lines) + marked_memory(&summary->variables) +
           summary->visit_capacity * sizeof *summary->visits + summary->objects.bytes.capacity +
           summary->ends.bytes.capacity + summary->frames.bytes.capacity +
           summary->collect.node_capacity * sizeof(uint32_t) +
           summary->collect.object_capacity * sizeof(uint64_t) +
           running->frame_capacity * sizeof *running->frames +
           running->numbered_capacity * sizeof *running->numbered +
           table_memory(&summary->counters) + summary->set_capacity * sizeof *summary->sets +
           summary->set_plan_capacity * sizeof *summary->set_plans +
           summary->opened_capacity * sizeof *summary->opened + summary->ended.capacity;
}

/* The table does not know all of this block. */
static void miss(struct ctr_summary *summary, enum ctr_index_table table)
{
    summary->unknown |= 1u << table;
}

/* ---- records of one block ---- */

static void count_line(struct ctr_summary *summary, const struct ctr_runner *frame)
{
    uint64_t key = ctr_key(frame->plan, frame->line);
    if (key & OLD_FRAME_KEY) { /* no trace has two billion plans */
        miss(summary, CTR_TABLE_LINES);
        return;
    }
    if (frame->note != 0) {
        struct old_frame *old = &summary->old[frame->note - 1];
        old->steps++;
        key = OLD_FRAME_KEY | ctr_key(frame->note - 1, frame->line);
    }
    uint32_t place = table_place(&summary->counters, key);
    if (place == NONE) {
        miss(summary, CTR_TABLE_LINES);
        summary->counters_full = true;
    } else {
        summary->counters.numbers[place]++;
    }
}

static bool reserve_plan(struct ctr_summary *summary, uint32_t plan)
{
    uint32_t larger = summary->set_capacity == 0 ? 256 : summary->set_capacity;
    while (larger <= plan) {
        larger *= 2;
    }
    uint64_t *sets = realloc(summary->sets, larger * sizeof *sets);
    if (sets == NULL) {
        return false;
    }
    memset(sets + summary->set_capacity, 0, (larger - summary->set_capacity) * sizeof *sets);
    summary->sets = sets;
    summary->set_capacity = larger;
    return true;
}

static void mark(struct ctr_summary *summary, struct marked *marked, uint64_t key);

static void note_set(struct ctr_summary *summary, uint32_t plan, uint32_t slot)
{
    if (slot >= 64 || plan >= PLANS_MAX) {
        mark(summary, &summary->variables, ctr_key(plan, slot));
        return;
    }
    if (plan >= summary->set_capacity && !reserve_plan(summary, plan)) {
        miss(summary, CTR_TABLE_SLOTS);
        return;
    }
    if (summary->sets[plan] == 0) {
        if (!ct_grow(&summary->set_plans, &summary->set_plan_capacity, summary->set_count,
                     sizeof *summary->set_plans)) {
            miss(summary, CTR_TABLE_SLOTS);
            return;
        }
        summary->set_plans[summary->set_count++] = plan;
    }
    summary->sets[plan] |= 1ull << slot;
}

static void note_open(struct ctr_summary *summary, uint64_t object)
{
    if (!ct_grow(&summary->opened, &summary->opened_capacity, summary->opened_count,
                 sizeof *summary->opened)) {
        miss(summary, CTR_TABLE_OBJECTS);
        return;
    }
    summary->opened[summary->opened_count++] = object;
}

/* A frame from before the block: told apart from others of its plan, while there are few. */
static void note_old(struct ctr_summary *summary)
{
    struct ctr_runner *frame = ctr_running_top(&summary->running);
    if (!frame->from_before || frame->note != 0) {
        return;
    }
    uint32_t before = summary->old_calls.count;
    uint32_t place = table_place(&summary->old_calls, frame->call);
    if (place == NONE) {
        miss(summary, CTR_TABLE_FRAMES);
        return;
    }
    if (place == before) {
        summary->old[place] = (struct old_frame){.call = frame->call, .plan = frame->plan};
    }
    frame->note = place + 1;
}

static void note_end(struct ctr_summary *summary, const struct ctr_runner *frame, bool unwound)
{
    const struct ctr_running *running = &summary->running;
    struct ct_bytes *to = &summary->ended;
    ct_bytes_add_zigzag(to, (int64_t)(frame->call - summary->last_call));
    ct_bytes_add_varint(to, running->step - summary->last_step);
    ct_bytes_add_varint(to, summary->span ? summary->span_steps : 0);
    ct_bytes_add_varint(to, summary->span ? summary->span_calls : 0);
    ct_bytes_add_varint(to, frame->plan);
    ct_bytes_add_varint(to, (uint64_t)ctr_running_thread(running) << 1 | unwound);
    summary->last_call = frame->call;
    summary->last_step = running->step;
}

static void add_thread(struct ctr_index_entry *entry, uint32_t thread)
{
    for (uint32_t i = 0; i < entry->thread_count && i < CTR_ENTRY_THREADS; i++) {
        if (entry->threads[i] == thread) {
            return;
        }
    }
    if (entry->thread_count < CTR_ENTRY_THREADS) {
        entry->threads[entry->thread_count] = thread;
    }
    entry->thread_count += entry->thread_count <= CTR_ENTRY_THREADS;
}

/* The running thread's stack changed by `change` frames. */
static void note_depth(struct ctr_summary *summary, struct ctr_index_entry *entry, int64_t change)
{
    uint32_t thread = ctr_running_thread(&summary->running);
    if (thread >= THREADS_MAX) {
        return;
    }
    int64_t depth = (int64_t)summary->depths[thread] + change;
    uint32_t known = summary->running.stacks[summary->running.stack].count;
    depth = depth < known ? known : depth;
    summary->depths[thread] = (uint32_t)depth;
    entry->depth_min = (uint32_t)depth < entry->depth_min ? (uint32_t)depth : entry->depth_min;
    entry->depth_max = (uint32_t)depth > entry->depth_max ? (uint32_t)depth : entry->depth_max;
}

static uint32_t known_depth(const struct ctr_summary *summary)
{
    return summary->running.stacks[summary->running.stack].count;
}

static void note_frame(struct ctr_summary *summary, struct ctr_index_entry *entry,
                       const struct ctr_rec *rec, uint32_t known)
{
    if (rec->flags & CTR_FRAME_SUSPENDED) {
        return;
    }
    note_old(summary);
    bool is_new = !ctr_running_top(&summary->running)->from_before;
    uint32_t now = known_depth(summary);
    note_depth(summary, entry, is_new ? 1 : now < known ? (int64_t)now - known : 0);
}

/* Before the record is followed: what it ends is still there. */
static void look_before(struct ctr_summary *summary, const struct ctr_rec *rec)
{
    const struct ctr_runner *top = ctr_running_top(&summary->running);
    switch (rec->kind) {
    case CTR_SPAN:
        summary->span = true;
        summary->span_steps = rec->number;
        summary->span_calls = rec->more;
        return;
    case CTR_RETURN:
    case CTR_UNWIND:
        if (top != NULL && (summary->span || top->from_before)) {
            note_end(summary, top, rec->kind == CTR_UNWIND);
        }
        summary->span = false;
        return;
    case CTR_CALL:
        if (top != NULL && top->note != 0) {
            summary->old[top->note - 1].children++;
        }
        return;
    case CTR_SET:
        if (top != NULL) {
            note_set(summary, top->plan, rec->slot);
        }
        return;
    default:
        return;
    }
}

static void look_after(struct ctr_summary *summary, struct ctr_index_entry *entry,
                       const struct ctr_rec *rec, uint32_t known)
{
    switch (rec->kind) {
    case CTR_LINE_FAR:
        count_line(summary, ctr_running_top(&summary->running));
        return;
    case CTR_CALL:
        note_depth(summary, entry, 1);
        return;
    case CTR_RESUME:
    case CTR_THROW:
        note_depth(summary, entry, 1);
        note_old(summary);
        return;
    case CTR_RETURN:
    case CTR_UNWIND:
    case CTR_YIELD:
        note_depth(summary, entry, -1);
        return;
    case CTR_FRAME:
        note_frame(summary, entry, rec, known);
        return;
    case CTR_THREAD:
        add_thread(entry, (uint32_t)rec->number);
        note_depth(summary, entry, 0);
        return;
    case CTR_THREAD_END:
        if (rec->number < THREADS_MAX) {
            summary->depths[rec->number] = 0;
        }
        return;
    case CTR_OUTPUT:
        entry->outputs++;
        return;
    case CTR_INPUT:
        entry->inputs++;
        return;
    case CTR_RAISE:
        entry->raises++;
        return;
    case CTR_OPEN:
        note_open(summary, rec->object);
        return;
    default:
        return;
    }
}

/* False when a record makes no sense. */
static bool look_into(struct ctr_summary *summary, struct ctr_index_entry *entry)
{
    struct ctr_rec rec;
    while (ctr_record_next(&summary->scan, &rec)) {
        uint32_t known = known_depth(summary);
        look_before(summary, &rec);
        if (ctr_running_follow(&summary->running, &rec) != CT_OK) {
            return false;
        }
        look_after(summary, entry, &rec, known);
    }
    return !summary->scan.cursor.failed;
}

/* ---- taking a block over into the tables ---- */

static bool marked_grow(struct marked *marked)
{
    uint32_t capacity = marked->keys.capacity;
    if (capacity == marked->capacity) {
        return true;
    }
    uint64_t *blocks = realloc(marked->blocks, capacity * sizeof *blocks);
    marked->blocks = blocks != NULL ? blocks : marked->blocks;
    uint32_t *first = realloc(marked->first, capacity * sizeof *first);
    marked->first = first != NULL ? first : marked->first;
    if (blocks == NULL || first == NULL) {
        return false;
    }
    marked->capacity = capacity;
    return true;
}

/* The place of a key, marked for this block; NONE when there is no room. */
static uint32_t mark_key(struct ctr_summary *summary, struct marked *marked, uint64_t key)
{
    uint32_t before = marked->keys.count;
    uint32_t place = table_place(&marked->keys, key);
    if (place == NONE || !marked_grow(marked)) {
        marked->keys.limit = before; /* a key without its bits is not to be used */
        return NONE;
    }
    if (place == before) {
        marked->blocks[place] = 0;
        marked->first[place] = NONE;
        marked->keys.numbers[place] = NONE;
    }
    marked->blocks[place] |= 1ull << summary->count;
    return place;
}

static void mark(struct ctr_summary *summary, struct marked *marked, uint64_t key)
{
    if (mark_key(summary, marked, key) == NONE) {
        miss(summary, CTR_TABLE_SLOTS);
    }
}

static void keep_visits(struct ctr_summary *summary, uint64_t key, uint32_t count)
{
    struct marked *lines = &summary->lines;
    if (summary->visit_count >= VISITS_MAX ||
        !ct_grow(&summary->visits, &summary->visit_capacity, summary->visit_count,
                 sizeof *summary->visits)) {
        miss(summary, CTR_TABLE_LINES);
        return;
    }
    uint32_t place = mark_key(summary, lines, key);
    if (place == NONE) {
        miss(summary, CTR_TABLE_LINES);
        return;
    }
    uint32_t visit = summary->visit_count++;
    summary->visits[visit] = (struct visit){count, NONE};
    uint32_t last = lines->keys.numbers[place];
    *(last == NONE ? &lines->first[place] : &summary->visits[last].next) = visit;
    lines->keys.numbers[place] = visit;
}

/* Lines of old frames are lines of their plans too. */
static void add_up_old(struct ctr_summary *summary)
{
    struct table *counters = &summary->counters;
    uint32_t count = counters->count;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = counters->keys[i];
        if (key & OLD_FRAME_KEY) {
            struct old_frame *old = &summary->old[(key & ~OLD_FRAME_KEY) >> 32];
            uint32_t place = table_place(counters, ctr_key(old->plan, (uint32_t)key));
            old->lines++;
            if (place == NONE) {
                miss(summary, CTR_TABLE_LINES);
                summary->counters_full = true;
                return;
            }
            counters->numbers[place] += counters->numbers[i];
        }
    }
}

static void keep_lines(struct ctr_summary *summary)
{
    const struct table *counters = &summary->counters;
    for (uint32_t i = 0; i < counters->count; i++) {
        if (!(counters->keys[i] & OLD_FRAME_KEY)) {
            keep_visits(summary, counters->keys[i], counters->numbers[i]);
        }
    }
}

static void keep_sets(struct ctr_summary *summary)
{
    for (uint32_t i = 0; i < summary->set_count; i++) {
        uint32_t plan = summary->set_plans[i];
        for (uint64_t bits = summary->sets[plan]; bits != 0; bits &= bits - 1) {
            mark(summary, &summary->variables, ctr_key(plan, (uint32_t)__builtin_ctzll(bits)));
        }
        summary->sets[plan] = 0;
    }
    summary->set_count = 0;
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return a < b ? -1 : a > b;
}

/* Ascending already, where objects come in the order of their numbers. */
static void sort_numbers(uint64_t *numbers, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (numbers[i] < numbers[i - 1]) {
            qsort(numbers, count, sizeof *numbers, compare_numbers);
            return;
        }
    }
}

/* The stream has grown by this block's part: take it back when that was too much. */
static void close_part(struct ctr_summary *summary, struct stream *stream,
                       enum ctr_index_table table)
{
    if (stream->bytes.failed || stream->bytes.size > stream->limit) {
        miss(summary, table);
        stream->bytes.size = stream->start[summary->count];
        stream->bytes.failed = false;
    }
    stream->start[summary->count + 1] = (uint32_t)stream->bytes.size;
}

static void keep_objects(struct ctr_summary *summary)
{
    struct stream *stream = &summary->objects;
    uint64_t before = 0;
    sort_numbers(summary->opened, summary->opened_count);
    for (uint32_t i = 0; i < summary->opened_count; i++) {
        if (i == 0 || summary->opened[i] != before) {
            ct_bytes_add_varint(&stream->bytes, summary->opened[i] - before);
            before = summary->opened[i];
        }
    }
    close_part(summary, stream, CTR_TABLE_OBJECTS);
}

static void keep_ends(struct ctr_summary *summary)
{
    struct stream *stream = &summary->ends;
    if (summary->ended.failed) {
        miss(summary, CTR_TABLE_ENDS);
    }
    ct_bytes_add(&stream->bytes, summary->ended.data, summary->ended.size);
    close_part(summary, stream, CTR_TABLE_ENDS);
}

struct counted {
    uint64_t key;
    uint32_t count;
};

static int compare_counted(const void *left, const void *right)
{
    const struct counted *a = left, *b = right;
    return a->key < b->key ? -1 : a->key > b->key;
}

static void add_frame_parts(struct ctr_summary *summary, const struct counted *counted)
{
    struct ct_bytes *to = &summary->frames.bytes;
    uint64_t before = 0;
    for (uint32_t i = 0; i < summary->old_calls.count; i++) {
        const struct old_frame *old = &summary->old[i];
        ct_bytes_add_zigzag(to, (int64_t)(old->call - before));
        ct_bytes_add_varint(to, old->plan);
        ct_bytes_add_varint(to, old->steps);
        ct_bytes_add_varint(to, old->children);
        ct_bytes_add_varint(to, old->lines);
        before = old->call;
        uint32_t line = 0;
        for (uint32_t at = 0; at < old->lines; at++, counted++) {
            ct_bytes_add_zigzag(to, (int64_t)(uint32_t)counted->key - line);
            ct_bytes_add_varint(to, counted->count);
            line = (uint32_t)counted->key;
        }
    }
}

static void keep_frames(struct ctr_summary *summary)
{
    const struct table *counters = &summary->counters;
    uint32_t count = 0;
    for (uint32_t i = 0; i < counters->count; i++) {
        count += (counters->keys[i] & OLD_FRAME_KEY) != 0;
    }
    struct counted *counted = malloc((count + 1) * sizeof *counted);
    if (counted == NULL || summary->counters_full) {
        miss(summary, CTR_TABLE_FRAMES);
    } else {
        count = 0;
        for (uint32_t i = 0; i < counters->count; i++) {
            if (counters->keys[i] & OLD_FRAME_KEY) {
                counted[count++] = (struct counted){counters->keys[i], counters->numbers[i]};
            }
        }
        qsort(counted, count, sizeof *counted, compare_counted);
        add_frame_parts(summary, counted);
    }
    free(counted);
    close_part(summary, &summary->frames, CTR_TABLE_FRAMES);
}

static void start_block(struct ctr_summary *summary, const uint8_t *raw)
{
    summary->unknown = 0;
    summary->opened_count = 0;
    summary->counters_full = false;
    table_clear(&summary->old_calls);
    summary->ended.size = 0;
    summary->ended.failed = false;
    summary->span = false;
    summary->last_call = 0;
    summary->last_step = ct_load64(raw);
    table_clear(&summary->counters);
    ctr_collect_reset(&summary->collect, raw);
}

static void keep_block(struct ctr_summary *summary)
{
    add_up_old(summary);
    keep_lines(summary);
    keep_sets(summary);
    keep_objects(summary);
    keep_ends(summary);
    keep_frames(summary);
    for (unsigned table = 0; table < CTR_INDEX_TABLES; table++) {
        summary->missing[table] |= (uint64_t)(summary->unknown >> table & 1) << summary->count;
    }
}

void ctr_summary_add(struct ctr_summary *summary, const struct ctr_index_entry *placed,
                     const uint8_t *raw, size_t size, const struct ctr_block *block)
{
    struct ctr_index_entry *entry = &summary->entries[summary->count];
    *entry = (struct ctr_index_entry){
        .offset = placed->offset,
        .raw_size = placed->raw_size,
        .stored_size = placed->stored_size,
        .first_step = ct_load64(raw),
        .first_call = ct_load64(raw + 8),
        .tick = ct_load64(raw + 16),
        .thread = ct_load32(raw + 24),
        .depth_min = UINT32_MAX,
    };
    add_thread(entry, entry->thread);
    start_block(summary, raw);
    summary->scan = ctr_scan_start(raw, size, block, block == NULL ? &summary->collect : NULL);
    if (!ctr_running_start(&summary->running, raw) || !look_into(summary, entry)) {
        summary->unknown = ~0u;
        entry->thread_count = CTR_ENTRY_THREADS + 1;
    }
    keep_block(summary);
    uint32_t thread = ctr_running_thread(&summary->running);
    entry->depth_end = thread < THREADS_MAX ? summary->depths[thread] : 0;
    if (entry->depth_min > entry->depth_max) { /* nothing moved */
        entry->depth_min = entry->depth_max = entry->depth_end;
    }
    summary->count++;
}

void ctr_summary_clear(struct ctr_summary *summary)
{
    summary->count = 0;
    memset(summary->missing, 0, sizeof summary->missing);
    table_clear(&summary->lines.keys);
    table_clear(&summary->variables.keys);
    summary->lines.keys.limit = summary->variables.keys.limit = KEYS_MAX;
    summary->visit_count = 0;
    summary->objects.bytes.size = summary->ends.bytes.size = summary->frames.bytes.size = 0;
}

/* ---- encoding ---- */

static void encode_marked(struct ctr_summary *summary, struct marked *marked, bool visits,
                          struct ct_bytes *to)
{
    uint32_t count = marked->keys.count;
    struct counted *order = malloc((count + 1) * sizeof *order);
    if (order == NULL) {
        to->failed = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        order[i] = (struct counted){marked->keys.keys[i], i};
    }
    qsort(order, count, sizeof *order, compare_counted);
    ct_bytes_add_varint(to, count);
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = order[i].key;
        uint32_t place = order[i].count;
        uint32_t plans = (uint32_t)((key >> 32) - (before >> 32));
        ct_bytes_add_varint(to, plans);
        ct_bytes_add_varint(to, (uint32_t)key - (plans == 0 ? (uint32_t)before : 0));
        ct_bytes_add_u64(to, marked->blocks[place]);
        before = key;
        for (uint32_t at = visits ? marked->first[place] : NONE; at != NONE;
             at = summary->visits[at].next) {
            ct_bytes_add_varint(to, summary->visits[at].count);
        }
    }
    free(order);
}

static void encode_stream(const struct ctr_summary *summary, const struct stream *stream,
                          struct ct_bytes *to)
{
    for (unsigned i = 0; i < summary->count; i++) {
        ct_bytes_add_block(to, stream->bytes.data + stream->start[i],
                           stream->start[i + 1] - stream->start[i]);
    }
}

static void encode_table(struct ctr_summary *summary, enum ctr_index_table table,
                         struct ct_bytes *to)
{
    ct_bytes_add_varint(to, summary->missing[table]);
    switch (table) {
    case CTR_TABLE_LINES:
        encode_marked(summary, &summary->lines, true, to);
        return;
    case CTR_TABLE_SLOTS:
        encode_marked(summary, &summary->variables, false, to);
        return;
    case CTR_TABLE_OBJECTS:
        encode_stream(summary, &summary->objects, to);
        return;
    case CTR_TABLE_ENDS:
        encode_stream(summary, &summary->ends, to);
        return;
    default:
        encode_stream(summary, &summary->frames, to);
        return;
    }
}

void ctr_summary_encode(struct ctr_summary *summary, struct ct_bytes *to)
{
    struct ct_bytes content = {0};
    ct_bytes_add_varint(to, summary->count);
    for (unsigned i = 0; i < summary->count; i++) {
        ctr_entry_encode(&summary->entries[i], to);
    }
    for (unsigned table = 0; table < CTR_INDEX_TABLES; table++) {
        content.size = 0;
        encode_table(summary, (enum ctr_index_table)table, &content);
        to->failed |= content.failed;
        ct_bytes_add_block(to, content.data, content.size);
    }
    ct_bytes_free(&content);
}

void ctr_directory_add(struct ct_bytes *directory, uint64_t offset, uint32_t first_block,
                       const struct ctr_index_entry *first)
{
    ct_bytes_add_varint(directory, offset);
    ct_bytes_add_varint(directory, first_block);
    ct_bytes_add_varint(directory, first->first_step);
    ct_bytes_add_varint(directory, first->first_call);
    ct_bytes_add_varint(directory, first->tick);
}
