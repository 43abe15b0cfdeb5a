#include "replay/suspended_changes.h"

#include <stdlib.h>
#include <string.h>

#include "trace/reading.h"

/* The note of a frame: the number of its latest line in the block plus 1, and of one that is no
 * coroutine whether it came into the table in the block, or was taken out. */
enum { LINE = (1u << 30) - 1, OUT = 1u << 30, IN = 1u << 31 };

struct changing {
    struct ctr_trace *trace;
    struct ctr_reading reading;
    struct rp_changes *changes;
    struct rp_left *left; /* of the running thread */
};

void rp_changes_free(struct rp_changes *changes)
{
    free(changes->items);
    free(changes->left);
    *changes = (struct rp_changes){0};
}

struct rp_left *rp_left_on(struct rp_left **list, size_t *count, size_t *capacity, uint32_t thread)
{
    for (size_t i = 0; i < *count; i++) {
        if ((*list)[i].thread == thread) {
            return &(*list)[i];
        }
    }
    if (*count == *capacity) {
        size_t larger = *capacity == 0 ? 4 : *capacity * 2;
        struct rp_left *left = realloc(*list, larger * sizeof *left);
        if (left == NULL) {
            return NULL;
        }
        *list = left;
        *capacity = larger;
    }
    (*list)[*count] = (struct rp_left){.thread = thread, .change = RP_NO_CHANGE};
    return &(*list)[(*count)++];
}

/* A coroutine has no other way to be suspended. A generator has: it hands a value to who asked for
 * one. What is awaited hands the same value on. */
bool rp_left_is_awaited(struct ctr_trace *trace, const struct rp_left *left, struct ctr_value value)
{
    return left->is_set && (rp_is_coroutine(ctr_plan(trace, left->one.plan)) ||
                            ctr_value_equal(trace, left->value, value));
}

/* ---- finding them ---- */

static struct rp_change *add(struct changing *changing, enum rp_change_kind kind)
{
    struct rp_changes *changes = changing->changes;
    if (changes->count == changes->capacity) {
        size_t capacity = changes->capacity == 0 ? 256 : changes->capacity * 2;
        struct rp_change *items = realloc(changes->items, capacity * sizeof *items);
        if (items == NULL) {
            changing->reading.status = CT_ENOMEM;
            return NULL;
        }
        changes->items = items;
        changes->capacity = capacity;
    }
    struct rp_change *change = &changes->items[changes->count++];
    *change = (struct rp_change){.kind = kind};
    return change;
}

static struct ctr_value value_of(const struct ctr_reading *reading)
{
    struct ctr_scan values = ctr_record_values(&reading->scan, &reading->rec);
    return ctr_scan_value(&values, (struct ctr_value){0});
}

/* Generators are followed where they are awaited only: many are never gone on with. */
static void follow_left(struct changing *changing)
{
    struct rp_left *left = changing->left;
    struct ctr_runner *frame = &changing->reading.running.frames[left->frame];
    if (left->is_followed) {
        return;
    }
    frame->note = (frame->note & LINE) | IN;
    if (left->change != RP_NO_CHANGE) {
        changing->changes->items[left->change].is_followed = true;
        return;
    }
    struct rp_change *change = add(changing, RP_IS_SUSPENDED);
    if (change != NULL) {
        change->one = left->one;
    }
}

static struct rp_suspended describe(const struct changing *changing, const struct ctr_runner *frame)
{
    const struct ctr_reading *reading = &changing->reading;
    uint32_t line = frame->note & LINE;
    return (struct rp_suspended){
        .call = frame->call,
        .awaits = CTR_NO_CALL,
        .step = line > 0 ? reading->block->first_step + line - 1 : UINT64_MAX,
        .place = {reading->block->number, ctr_reading_place(reading)},
        .plan = frame->plan,
        .line = frame->line,
        .thread = changing->left->thread,
    };
}

static void suspend(struct changing *changing, const struct ctr_runner *frame)
{
    struct rp_left *left = changing->left;
    struct ctr_value value = value_of(&changing->reading);
    bool is_first = !left->is_touched;
    bool is_followed = rp_is_coroutine(ctr_plan(changing->trace, frame->plan));
    struct rp_suspended one = describe(changing, frame);
    if (!is_first && rp_left_is_awaited(changing->trace, left, value)) {
        one.awaits = left->one.call;
        follow_left(changing);
    }
    uint32_t number = (uint32_t)changing->changes->count;
    struct rp_change *change = NULL;
    if (is_first || is_followed) {
        change = add(changing, is_first ? RP_IS_FIRST : RP_IS_SUSPENDED);
    }
    if (change != NULL) {
        change->is_followed = is_followed;
        change->value = value;
        change->one = one;
    }
    *left = (struct rp_left){
        .thread = left->thread,
        .is_set = true,
        .is_touched = true,
        .is_followed = is_followed,
        .change = is_first ? number : RP_NO_CHANGE,
        .frame = (uint32_t)(frame - changing->reading.running.frames),
        .one = one,
        .value = value,
    };
}

static void resume(struct changing *changing, struct ctr_runner *frame)
{
    bool is_coroutine = rp_is_coroutine(ctr_plan(changing->trace, frame->plan));
    bool may_be_in = (frame->note & IN) || (frame->from_before && !(frame->note & OUT));
    if (is_coroutine || may_be_in) {
        struct rp_change *change = add(changing, RP_IS_RESUMED);
        if (change != NULL) {
            change->one.call = frame->call;
        }
        frame->note = (frame->note & LINE) | OUT;
    }
}

static void note_line(struct ctr_reading *reading)
{
    struct ctr_runner *top = ctr_running_top(&reading->running);
    if (top != NULL) {
        uint32_t line = (uint32_t)(reading->running.step - reading->block->first_step);
        top->note = (top->note & ~(uint32_t)LINE) | line;
    }
}

static bool is_event(uint8_t kind)
{
    return kind == CTR_LINE_FAR || kind == CTR_CALL || kind == CTR_RETURN || kind == CTR_RESUME ||
           kind == CTR_THROW || kind == CTR_UNWIND || kind == CTR_RAISE || kind == CTR_HANDLED ||
           kind == CTR_OUTPUT || kind == CTR_INPUT;
}

static void touch(struct changing *changing)
{
    changing->left->is_set = false;
    changing->left->is_touched = true;
}

static bool enter_thread(struct changing *changing)
{
    struct rp_changes *changes = changing->changes;
    changing->left = rp_left_on(&changes->left, &changes->left_count, &changes->left_capacity,
                                ctr_running_thread(&changing->reading.running));
    if (changing->left == NULL) {
        changing->reading.status = CT_ENOMEM;
    }
    return changing->left != NULL;
}

/* Let the record that was read take effect; false where it cannot. */
static bool follow_record(struct changing *changing)
{
    struct ctr_reading *reading = &changing->reading;
    uint8_t kind = reading->rec.kind;
    const struct ctr_runner *top = ctr_running_top(&reading->running);
    if (kind == CTR_YIELD && top != NULL) {
        suspend(changing, top);
    } else if (is_event(kind)) {
        touch(changing);
    }
    if (reading->status != CT_OK || !ctr_reading_follow(reading)) {
        return false;
    }
    if (kind == CTR_LINE_FAR) {
        note_line(reading);
    } else if (kind == CTR_RESUME || kind == CTR_THROW) {
        resume(changing, ctr_running_top(&reading->running));
    }
    return kind != CTR_THREAD || enter_thread(changing);
}

int rp_changes_read(struct rp_changes *changes, struct ctr_trace *trace, uint32_t block,
                    uint32_t to, struct ct_error *error)
{
    struct changing changing = {.trace = trace, .changes = changes};
    struct ctr_reading *reading = &changing.reading;
    changes->count = changes->left_count = 0;
    int status = ctr_reading_open(reading, trace, block, error);
    if (status != CT_OK) {
        return status;
    }
    size_t size = to < reading->block->size ? to : reading->block->size;
    const uint8_t *end = reading->block->raw + size;
    bool goes_on = enter_thread(&changing);
    while (goes_on) {
        if (ctr_reading_skip_to(reading, end).lines > 0) {
            note_line(reading);
            touch(&changing);
        }
        goes_on =
            reading->scan.cursor.at < end && ctr_reading_next(reading) && follow_record(&changing);
    }
    return ctr_reading_close(reading, error);
}

/* ---- packing them ---- */

/* The numbers the next one is near to. */
static void go_near(const struct rp_suspended *one, struct rp_suspended *nearest)
{
    uint64_t step = one->step != UINT64_MAX ? one->step : nearest->step;
    *nearest = *one;
    nearest->step = step;
}

void rp_suspended_pack(const struct rp_suspended *one, struct rp_suspended *nearest,
                       struct ct_bytes *to)
{
    bool has_step = one->step != UINT64_MAX;
    ct_bytes_add_zigzag(to, (int64_t)(one->call - nearest->call));
    ct_bytes_add_zigzag(to, (int64_t)(one->awaits - one->call));
    ct_bytes_add_zigzag(to, (int64_t)one->place.block - nearest->place.block);
    ct_bytes_add_varint(to, (uint64_t)one->place.at << 1 | has_step);
    if (has_step) {
        ct_bytes_add_zigzag(to, (int64_t)(one->step - nearest->step));
    }
    ct_bytes_add_varint(to, one->plan);
    ct_bytes_add_varint(to, one->line);
    ct_bytes_add_varint(to, one->thread);
    go_near(one, nearest);
}

struct rp_suspended rp_suspended_unpack(struct ct_cursor *from, struct rp_suspended *nearest)
{
    struct rp_suspended one = {.call = nearest->call + (uint64_t)ct_get_zigzag(from)};
    one.awaits = one.call + (uint64_t)ct_get_zigzag(from);
    one.place.block = nearest->place.block + (uint32_t)ct_get_zigzag(from);
    uint64_t at = ct_get_varint(from);
    one.place.at = (uint32_t)(at >> 1);
    one.step = at & 1 ? nearest->step + (uint64_t)ct_get_zigzag(from) : UINT64_MAX;
    one.plan = ct_get_varint32(from);
    one.line = ct_get_varint32(from);
    one.thread = ct_get_varint32(from);
    go_near(&one, nearest);
    return one;
}

void rp_change_pack(const struct rp_change *change, struct rp_suspended *nearest,
                    struct ct_bytes *to)
{
    ct_bytes_add_byte(to, (uint8_t)(change->kind << 1 | change->is_followed));
    if (change->kind == RP_IS_RESUMED) {
        ct_bytes_add_zigzag(to, (int64_t)(change->one.call - nearest->call));
        nearest->call = change->one.call;
        return;
    }
    rp_suspended_pack(&change->one, nearest, to);
    if (change->kind == RP_IS_FIRST) {
        ct_bytes_add(to, &change->value, sizeof change->value);
    }
}

struct rp_change rp_change_unpack(struct ct_cursor *from, struct rp_suspended *nearest)
{
    uint8_t first = ct_get_byte(from);
    struct rp_change change = {.kind = first >> 1, .is_followed = first & 1};
    if (change.kind == RP_IS_RESUMED) {
        change.one.call = nearest->call += (uint64_t)ct_get_zigzag(from);
        return change;
    }
    change.one = rp_suspended_unpack(from, nearest);
    const uint8_t *value =
        change.kind == RP_IS_FIRST ? ct_get_bytes(from, sizeof change.value) : NULL;
    if (value != NULL) {
        memcpy(&change.value, value, sizeof change.value);
    }
    return change;
}
