#include "replay/suspended.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/varint.h"
#include "trace/reading.h"

enum {
    FIRST_CAPACITY = 64,           /* of the table; a power of two */
    KEPT_BYTES = 48 * 1024 * 1024, /* of all that is kept, for one session */
    ASK_BLOCKS = 16,               /* looked into before the watch is asked */
};

/* What a thread did last, when that was to suspend a frame. */
struct left {
    uint32_t thread;
    bool is_set;
    bool is_followed; /* it is in the table */
    struct rp_suspended one;
    struct ctr_value value; /* it yielded this */
};

struct state {
    struct rp_suspended *table; /* by call, open addressing; free places have CTR_NO_CALL */
    size_t count, capacity;
    struct left *left; /* by no order: threads are few */
    size_t left_count, left_capacity;
    bool is_truncated;
};

struct kept { /* the state before a block */
    uint32_t block;
    uint8_t *packed; /* who is suspended */
    size_t size;
    struct left *left;
    size_t left_count;
    bool is_truncated;
};

struct rp_follower {
    struct rp_session *session;
    struct ctr_trace *trace;
    uint8_t *plans; /* by number: it is code that suspends */
    struct state state;
    struct ctr_place at; /* it stands behind all before this */
    bool is_lost;        /* it failed: begin anew */
    struct kept *kept;
    size_t kept_count, kept_capacity, kept_bytes;
    uint32_t spacing; /* blocks, at least, between two that are kept */
    struct ctr_ran ran;
    struct rp_suspended *list;
    size_t list_capacity;
};

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "no memory to follow coroutines");
}

/* ---- the table ---- */

static size_t place_of(const struct state *state, uint64_t call)
{
    size_t mask = state->capacity - 1;
    size_t at = (size_t)(call * 0x9e3779b97f4a7c15ull >> 32) & mask;
    while (state->table[at].call != CTR_NO_CALL && state->table[at].call != call) {
        at = (at + 1) & mask;
    }
    return at;
}

static struct rp_suspended *find(const struct state *state, uint64_t call)
{
    struct rp_suspended *found = &state->table[place_of(state, call)];
    return found->call == call && call != CTR_NO_CALL ? found : NULL;
}

static bool make_table(struct state *state, size_t capacity)
{
    state->table = malloc(capacity * sizeof *state->table);
    state->capacity = state->table != NULL ? capacity : 0;
    state->count = 0;
    for (size_t i = 0; i < state->capacity; i++) {
        state->table[i].call = CTR_NO_CALL;
    }
    return state->table != NULL;
}

static bool grow_table(struct state *state)
{
    struct state old = *state;
    if (!make_table(state, old.capacity * 2)) {
        *state = old;
        return false;
    }
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.table[i].call != CTR_NO_CALL) {
            state->table[place_of(state, old.table[i].call)] = old.table[i];
            state->count++;
        }
    }
    free(old.table);
    return true;
}

/* False: no memory. */
static bool add(struct state *state, const struct rp_suspended *one)
{
    struct rp_suspended *known = find(state, one->call);
    if (known != NULL) {
        *known = *one;
        return true;
    }
    if (state->count == RP_SUSPENDED_MAX) {
        state->is_truncated = true;
        return true;
    }
    if (state->count * 2 >= state->capacity && !grow_table(state)) {
        return false;
    }
    state->table[place_of(state, one->call)] = *one;
    state->count++;
    return true;
}

/* Those behind it that could not stand in their own place move up. */
static void take_out(struct state *state, uint64_t call)
{
    struct rp_suspended *gone = find(state, call);
    if (gone == NULL) {
        return;
    }
    size_t mask = state->capacity - 1;
    gone->call = CTR_NO_CALL;
    state->count--;
    for (size_t at = ((size_t)(gone - state->table) + 1) & mask;
         state->table[at].call != CTR_NO_CALL; at = (at + 1) & mask) {
        struct rp_suspended moved = state->table[at];
        state->table[at].call = CTR_NO_CALL;
        state->table[place_of(state, moved.call)] = moved;
    }
}

/* ---- what a thread did last ---- */

static struct left *left_on(struct state *state, uint32_t thread)
{
    for (size_t i = 0; i < state->left_count; i++) {
        if (state->left[i].thread == thread) {
            return &state->left[i];
        }
    }
    if (state->left_count == state->left_capacity) {
        size_t capacity = state->left_capacity == 0 ? 4 : state->left_capacity * 2;
        struct left *left = realloc(state->left, capacity * sizeof *left);
        if (left == NULL) {
            return NULL;
        }
        state->left = left;
        state->left_capacity = capacity;
    }
    state->left[state->left_count] = (struct left){.thread = thread};
    return &state->left[state->left_count++];
}

/* ---- following ---- */

/* Whether a frame that is suspended now awaits the one that was right before, on the same thread. A
 * coroutine has no other way to be suspended. A generator has: it hands a value to who asked for
 * one. What is awaited hands the same value on. */
static bool awaits(const struct rp_follower *follower, const struct left *left,
                   struct ctr_value value)
{
    return left->is_set && (rp_is_coroutine(ctr_plan(follower->trace, left->one.plan)) ||
                            ctr_value_equal(follower->trace, left->value, value));
}

static struct ctr_value value_of(const struct ctr_reading *reading)
{
    struct ctr_scan values = ctr_record_values(&reading->scan, &reading->rec);
    return ctr_scan_value(&values, (struct ctr_value){0});
}

/* A frame is suspended. Generators are followed where they are awaited only: many are never gone
 * on with. False: no memory. */
static bool suspend(struct rp_follower *follower, const struct ctr_reading *reading,
                    struct left *left)
{
    const struct ctr_runner *top = ctr_running_top(&reading->running);
    struct ctr_value value = value_of(reading);
    bool is_followed = rp_is_coroutine(ctr_plan(follower->trace, top->plan));
    struct rp_suspended one = {
        .call = top->call,
        .awaits = awaits(follower, left, value) ? left->one.call : CTR_NO_CALL,
        .step = top->note > 0 ? reading->block->first_step + top->note - 1 : UINT64_MAX,
        .place = {reading->block->number, ctr_reading_place(reading)},
        .plan = top->plan,
        .line = top->line,
        .thread = left->thread,
    };
    if (one.awaits != CTR_NO_CALL && !left->is_followed && !add(&follower->state, &left->one)) {
        return false;
    }
    *left = (struct left){left->thread, true, is_followed, one, value};
    return !is_followed || add(&follower->state, &one);
}

/* A line of the running frame, the latest of all. */
static void note_line(struct ctr_reading *reading)
{
    struct ctr_runner *top = ctr_running_top(&reading->running);
    if (top != NULL) {
        top->note = (uint32_t)(reading->running.step - reading->block->first_step);
    }
}

static bool is_event(uint8_t kind)
{
    return kind == CTR_LINE_FAR || kind == CTR_CALL || kind == CTR_RETURN || kind == CTR_RESUME ||
           kind == CTR_THROW || kind == CTR_UNWIND || kind == CTR_RAISE || kind == CTR_HANDLED ||
           kind == CTR_OUTPUT || kind == CTR_INPUT;
}

/* Read a record and let it take effect; false at the end, or where it cannot go on. */
static bool follow_record(struct rp_follower *follower, struct ctr_reading *reading,
                          struct left **left)
{
    uint8_t kind = reading->rec.kind;
    if (kind == CTR_YIELD) {
        if (ctr_running_top(&reading->running) != NULL && !suspend(follower, reading, *left)) {
            reading->status = CT_ENOMEM;
            return false;
        }
    } else if (is_event(kind)) {
        (*left)->is_set = false;
    }
    if (!ctr_reading_follow(reading)) {
        return false;
    }
    if (kind == CTR_LINE_FAR) {
        note_line(reading);
    } else if (kind == CTR_RESUME || kind == CTR_THROW) {
        take_out(&follower->state, ctr_running_top(&reading->running)->call);
    } else if (kind == CTR_THREAD) {
        *left = left_on(&follower->state, ctr_running_thread(&reading->running));
        reading->status = *left == NULL ? CT_ENOMEM : CT_OK;
    }
    return *left != NULL;
}

/* The records of a block between two of its bytes; frames are known from its start on. */
static int follow_block(struct rp_follower *follower, uint32_t block, uint32_t to,
                        struct ct_error *error)
{
    struct ctr_reading reading;
    int status = ctr_reading_open(&reading, follower->trace, block, error);
    if (status != CT_OK) {
        return status;
    }
    const uint8_t *end = to < reading.block->size ? reading.block->raw + to
                                                  : reading.block->raw + reading.block->size;
    struct left *left = left_on(&follower->state, ctr_running_thread(&reading.running));
    reading.status = left == NULL ? CT_ENOMEM : CT_OK;
    while (left != NULL) {
        if (ctr_reading_skip_to(&reading, end).lines > 0) {
            note_line(&reading);
            left->is_set = false;
        }
        if (reading.scan.cursor.at >= end || !ctr_reading_next(&reading) ||
            !follow_record(follower, &reading, &left)) {
            break;
        }
    }
    return ctr_reading_close(&reading, error);
}

/* ---- what is kept ---- */

static size_t memory_of(const struct kept *kept)
{
    return kept->size + kept->left_count * sizeof *kept->left;
}

static void free_kept(struct rp_follower *follower, struct kept *kept)
{
    follower->kept_bytes -= memory_of(kept);
    free(kept->packed);
    free(kept->left);
}

/* One of them in a quarter of its memory: most numbers are near those of the one before. */
static void pack(const struct rp_suspended *one, const struct rp_suspended *before,
                 struct ct_bytes *to)
{
    bool has_step = one->step != UINT64_MAX;
    ct_bytes_add_zigzag(to, (int64_t)(one->call - before->call));
    ct_bytes_add_zigzag(to, (int64_t)(one->awaits - one->call));
    ct_bytes_add_zigzag(to, (int64_t)one->place.block - before->place.block);
    ct_bytes_add_varint(to, (uint64_t)one->place.at << 1 | has_step);
    if (has_step) {
        ct_bytes_add_zigzag(to, (int64_t)(one->step - before->step));
    }
    ct_bytes_add_varint(to, one->plan);
    ct_bytes_add_varint(to, one->line);
    ct_bytes_add_varint(to, one->thread);
}

/* The numbers the next one is near to. */
static struct rp_suspended nearest(const struct rp_suspended *one,
                                   const struct rp_suspended *before)
{
    struct rp_suspended next = *one;
    next.step = one->step != UINT64_MAX ? one->step : before->step;
    return next;
}

static struct rp_suspended unpack(struct ct_cursor *from, const struct rp_suspended *before)
{
    struct rp_suspended one = {.call = before->call + (uint64_t)ct_get_zigzag(from)};
    one.awaits = one.call + (uint64_t)ct_get_zigzag(from);
    one.place.block = before->place.block + (uint32_t)ct_get_zigzag(from);
    uint64_t at = ct_get_varint(from);
    one.place.at = (uint32_t)(at >> 1);
    one.step = at & 1 ? before->step + (uint64_t)ct_get_zigzag(from) : UINT64_MAX;
    one.plan = ct_get_varint32(from);
    one.line = ct_get_varint32(from);
    one.thread = ct_get_varint32(from);
    return one;
}

/* False: no memory. */
static bool pack_all(const struct state *state, struct kept *kept)
{
    struct ct_bytes packed = {0};
    struct rp_suspended before = {0};
    ct_bytes_add(&packed, "", 1); /* never without memory */
    for (size_t i = 0; i < state->capacity; i++) {
        const struct rp_suspended *one = &state->table[i];
        if (one->call != CTR_NO_CALL) {
            pack(one, &before, &packed);
            before = nearest(one, &before);
        }
    }
    uint8_t *fitting = packed.failed ? NULL : realloc(packed.data, packed.size);
    kept->packed = fitting != NULL ? fitting : packed.data;
    kept->size = packed.size;
    if (packed.failed) {
        ct_bytes_free(&packed);
    }
    return !packed.failed;
}

/* Every other one goes, until there is room. */
static void thin_out(struct rp_follower *follower)
{
    size_t count = 0;
    for (size_t i = 0; i < follower->kept_count; i++) {
        if (i % 2 == 0) {
            follower->kept[count++] = follower->kept[i];
        } else {
            free_kept(follower, &follower->kept[i]);
        }
    }
    follower->kept_count = count;
    follower->spacing *= 2;
}

/* Keep the state before a block. Without memory it goes on without. */
static void keep(struct rp_follower *follower, uint32_t block)
{
    const struct state *state = &follower->state;
    if (follower->kept_count == follower->kept_capacity) {
        size_t capacity = follower->kept_capacity == 0 ? 64 : follower->kept_capacity * 2;
        struct kept *larger = realloc(follower->kept, capacity * sizeof *larger);
        if (larger == NULL) {
            return;
        }
        follower->kept = larger;
        follower->kept_capacity = capacity;
    }
    struct kept kept = {.block = block,
                        .left = malloc((state->left_count + 1) * sizeof *kept.left),
                        .left_count = state->left_count,
                        .is_truncated = state->is_truncated};
    if (kept.left == NULL || !pack_all(state, &kept)) {
        free(kept.left);
        return;
    }
    if (kept.left_count > 0) {
        memcpy(kept.left, state->left, kept.left_count * sizeof *kept.left);
    }
    follower->kept[follower->kept_count++] = kept;
    follower->kept_bytes += memory_of(&kept);
    while (follower->kept_bytes > KEPT_BYTES && follower->kept_count > 1) {
        thin_out(follower);
    }
}

static void clear(struct state *state)
{
    for (size_t i = 0; i < state->capacity; i++) {
        state->table[i].call = CTR_NO_CALL;
    }
    state->count = state->left_count = 0;
    state->is_truncated = false;
}

/* Be in a state that was kept; NULL: at the start of the trace. */
static int restore(struct rp_follower *follower, const struct kept *kept, struct ct_error *error)
{
    struct state *state = &follower->state;
    clear(state);
    follower->at = (struct ctr_place){kept != NULL ? kept->block : 0, 0};
    struct ct_cursor from = {0};
    struct rp_suspended before = {0};
    if (kept != NULL) {
        from = (struct ct_cursor){kept->packed + 1, kept->packed + kept->size, false};
    }
    while (from.at < from.end && !from.failed) {
        struct rp_suspended one = unpack(&from, &before);
        if (!add(state, &one)) {
            return no_memory(error);
        }
        before = nearest(&one, &before);
    }
    for (size_t i = 0; kept != NULL && i < kept->left_count; i++) {
        struct left *left = left_on(state, kept->left[i].thread);
        if (left == NULL) {
            return no_memory(error);
        }
        *left = kept->left[i];
    }
    state->is_truncated = kept != NULL && kept->is_truncated;
    return CT_OK;
}

/* The latest that is not behind a block; NULL: none. */
static const struct kept *kept_before(const struct rp_follower *follower, uint32_t block)
{
    size_t low = 0, high = follower->kept_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (follower->kept[middle].block <= block) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NULL : &follower->kept[low - 1];
}

/* ---- going to a place ---- */

/* Stand at the start of a block from which it is not far. */
static int start_near(struct rp_follower *follower, uint32_t block, struct ct_error *error)
{
    const struct kept *kept = kept_before(follower, block);
    bool is_near = !follower->is_lost && follower->at.at == 0 && follower->at.block <= block &&
                   (kept == NULL || kept->block <= follower->at.block);
    return is_near ? CT_OK : restore(follower, kept, error);
}

static int follow_whole_block(struct rp_follower *follower, struct ct_error *error)
{
    uint32_t block = follower->at.block;
    size_t count = follower->kept_count;
    bool ran = false;
    int status = ctr_ran_in(follower->trace, follower->plans, &follower->ran, block, &ran, error);
    if (status == CT_OK && ran) {
        bool is_far = count == 0 || block - follower->kept[count - 1].block >= follower->spacing;
        if (is_far && (count == 0 || block > follower->kept[count - 1].block)) {
            keep(follower, block);
        }
        status = follow_block(follower, block, UINT32_MAX, error);
    }
    follower->at.block++;
    return status;
}

static int go_to(struct rp_follower *follower, struct ctr_place place, struct ct_error *error)
{
    int status = start_near(follower, place.block, error);
    struct ctr_place from = follower->at;
    for (uint32_t looked = 0; status == CT_OK && follower->at.block < place.block; looked++) {
        if (looked % ASK_BLOCKS == ASK_BLOCKS - 1) {
            status = rp_ask_watch(follower->session, from, follower->at, error);
        }
        if (status == CT_OK) {
            status = follow_whole_block(follower, error);
        }
    }
    if (status == CT_OK) {
        follower->at.at = place.at + 1;
        status = follow_block(follower, place.block, place.at + 1, error);
    }
    return status;
}

int rp_follow_to(struct rp_follower *follower, struct ctr_place place, struct ct_error *error)
{
    bool is_there = follower->at.block == place.block && follower->at.at == place.at + 1;
    if (is_there && !follower->is_lost) {
        return CT_OK;
    }
    int status = go_to(follower, place, error);
    follower->is_lost = status != CT_OK;
    return status;
}

/* ---- asking ---- */

const struct rp_suspended *rp_follower_find(const struct rp_follower *follower, uint64_t call)
{
    return find(&follower->state, call);
}

uint64_t rp_follower_just_left(const struct rp_follower *follower, uint32_t thread)
{
    const struct state *state = &follower->state;
    for (size_t i = 0; i < state->left_count; i++) {
        if (state->left[i].thread == thread && state->left[i].is_set) {
            return state->left[i].one.call;
        }
    }
    return CTR_NO_CALL;
}

bool rp_follower_is_truncated(const struct rp_follower *follower)
{
    return follower->state.is_truncated;
}

const struct rp_suspended *rp_follower_all(struct rp_follower *follower, size_t *count)
{
    struct state *state = &follower->state;
    *count = 0;
    for (size_t i = 0; i < state->capacity; i++) {
        state->table[i].is_awaited = false;
    }
    for (size_t i = 0; i < state->capacity; i++) {
        struct rp_suspended *awaited =
            state->table[i].call != CTR_NO_CALL ? find(state, state->table[i].awaits) : NULL;
        if (awaited != NULL) {
            awaited->is_awaited = true;
        }
    }
    if (follower->list_capacity < state->capacity) {
        free(follower->list);
        follower->list = malloc(state->capacity * sizeof *follower->list);
        follower->list_capacity = follower->list != NULL ? state->capacity : 0;
    }
    for (size_t i = 0; follower->list != NULL && i < state->capacity; i++) {
        if (state->table[i].call != CTR_NO_CALL) {
            follower->list[(*count)++] = state->table[i];
        }
    }
    return follower->list;
}

/* ---- making one ---- */

int rp_follower_new(struct rp_follower **follower, struct rp_session *session,
                    struct ct_error *error)
{
    uint32_t count = ctr_info(session->trace)->plan_count;
    struct rp_follower *made = calloc(1, sizeof *made);
    uint8_t *plans = malloc(count + 1ull);
    *follower = NULL;
    if (made == NULL || plans == NULL || !make_table(&made->state, FIRST_CAPACITY)) {
        free(made);
        free(plans);
        return no_memory(error);
    }
    for (uint32_t i = 0; i < count; i++) {
        plans[i] = rp_suspends(ctr_plan(session->trace, i));
    }
    made->session = session;
    made->trace = session->trace;
    made->plans = plans;
    made->spacing = 1;
    *follower = made;
    return CT_OK;
}

void rp_follower_free(struct rp_follower *follower)
{
    if (follower == NULL) {
        return;
    }
    for (size_t i = 0; i < follower->kept_count; i++) {
        free_kept(follower, &follower->kept[i]);
    }
    free(follower->kept);
    free(follower->state.table);
    free(follower->state.left);
    free(follower->list);
    free(follower->plans);
    free(follower);
}
