#include "replay/suspended.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "replay/suspended_changes.h"

enum {
    FIRST_CAPACITY = 64,              /* of the table; a power of two */
    KEPT_BYTES = 48 * 1024 * 1024,    /* of all states that are kept, for one session */
    CHANGES_BYTES = 64 * 1024 * 1024, /* and of all changes */
    SPACING = 8,                      /* blocks, at least, between two states at first */
    AHEAD = 16,                       /* blocks looked into at once, before the watch is asked */
};

struct state {
    struct rp_suspended *table; /* by call, open addressing; free places have CTR_NO_CALL */
    size_t count, capacity;
    struct rp_left *left; /* by no order: threads are few */
    size_t left_count, left_capacity;
    bool is_truncated;
};

struct kept { /* the state before a block */
    uint32_t block;
    uint8_t *packed; /* who is suspended */
    size_t size;
    struct rp_left *left;
    size_t left_count;
    bool is_truncated;
};

struct kept_changes { /* of a block */
    uint8_t *packed;  /* NULL: not known */
    size_t size;
    struct rp_left *left;
    size_t left_count;
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
    uint32_t spacing;             /* blocks, at least, between two that are kept */
    struct kept_changes *changes; /* by block */
    size_t change_bytes;
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

/* ---- following ---- */

static struct rp_left *left_on(struct state *state, uint32_t thread)
{
    return rp_left_on(&state->left, &state->left_count, &state->left_capacity, thread);
}

/* The first that a thread does in a block is to suspend a frame: it awaits the one that was right
 * before, if so. False: no memory. */
static bool apply_first(struct rp_follower *follower, struct rp_change *change)
{
    struct rp_left *left = left_on(&follower->state, change->one.thread);
    if (left == NULL) {
        return false;
    }
    if (rp_left_is_awaited(follower->trace, left, change->value)) {
        change->one.awaits = left->one.call;
        if (!left->is_followed && !add(&follower->state, &left->one)) {
            return false;
        }
    }
    return !change->is_followed || add(&follower->state, &change->one);
}

/* Change `number` of a block, whose threads are in `left`. False: no memory. */
static bool apply(struct rp_follower *follower, struct rp_change *change, uint32_t number,
                  struct rp_left *left, size_t left_count)
{
    switch (change->kind) {
    case RP_IS_SUSPENDED:
        return add(&follower->state, &change->one);
    case RP_IS_RESUMED:
        take_out(&follower->state, change->one.call);
        return true;
    default:
        if (!apply_first(follower, change)) {
            return false;
        }
        for (size_t i = 0; i < left_count; i++) {
            if (left[i].change == number) {
                left[i].one.awaits = change->one.awaits;
            }
        }
        return true;
    }
}

/* What the threads of a block did last is known behind it. False: no memory. */
static bool apply_left(struct state *state, const struct rp_left *left, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rp_left *to = left[i].is_touched ? left_on(state, left[i].thread) : NULL;
        if (to != NULL) {
            *to = left[i];
        } else if (left[i].is_touched) {
            return false;
        }
    }
    return true;
}

/* The records of a block up to one of its bytes. */
static int follow_part(struct rp_follower *follower, uint32_t block, uint32_t to,
                       struct ct_error *error)
{
    struct rp_changes changes = {0};
    int status = rp_changes_read(&changes, follower->trace, block, to, error);
    bool has_memory = true;
    for (size_t i = 0; status == CT_OK && has_memory && i < changes.count; i++) {
        has_memory =
            apply(follower, &changes.items[i], (uint32_t)i, changes.left, changes.left_count);
    }
    if (status == CT_OK) {
        has_memory = has_memory && apply_left(&follower->state, changes.left, changes.left_count);
        status = has_memory ? CT_OK : no_memory(error);
    }
    rp_changes_free(&changes);
    return status;
}

/* ---- changes of whole blocks ---- */

struct ahead { /* blocks that threads look into at once */
    struct rp_follower *follower;
    uint32_t blocks[AHEAD];
    uint32_t count;
    atomic_uint next;
};

struct looker {
    struct ahead *ahead;
    int status;
    struct ct_error error;
    pthread_t thread;
};

/* False: no memory. */
static bool pack_changes(const struct rp_changes *changes, struct kept_changes *kept)
{
    struct ct_bytes packed = {0};
    struct rp_suspended nearest = {0};
    ct_bytes_add(&packed, "", 1); /* never without memory */
    for (size_t i = 0; i < changes->count; i++) {
        rp_change_pack(&changes->items[i], &nearest, &packed);
    }
    kept->left = malloc((changes->left_count + 1) * sizeof *kept->left);
    if (packed.failed || kept->left == NULL) {
        ct_bytes_free(&packed);
        free(kept->left);
        kept->left = NULL;
        return false;
    }
    if (changes->left_count > 0) {
        memcpy(kept->left, changes->left, changes->left_count * sizeof *kept->left);
    }
    uint8_t *fitting = realloc(packed.data, packed.size);
    kept->packed = fitting != NULL ? fitting : packed.data;
    kept->size = packed.size;
    kept->left_count = changes->left_count;
    return true;
}

static void *look_ahead(void *argument)
{
    struct looker *looker = argument;
    struct ahead *ahead = looker->ahead;
    struct rp_changes changes = {0};
    uint32_t at;
    while (looker->status == CT_OK && (at = atomic_fetch_add(&ahead->next, 1)) < ahead->count) {
        uint32_t block = ahead->blocks[at];
        looker->status =
            rp_changes_read(&changes, ahead->follower->trace, block, UINT32_MAX, &looker->error);
        if (looker->status == CT_OK && !pack_changes(&changes, &ahead->follower->changes[block])) {
            looker->status = no_memory(&looker->error);
        }
    }
    rp_changes_free(&changes);
    return NULL;
}

static size_t memory_of_changes(const struct kept_changes *kept)
{
    return kept->size + kept->left_count * sizeof *kept->left;
}

static void drop_changes(struct rp_follower *follower, uint32_t block)
{
    struct kept_changes *kept = &follower->changes[block];
    if (kept->packed != NULL) {
        follower->change_bytes -= memory_of_changes(kept);
        free(kept->packed);
        free(kept->left);
        *kept = (struct kept_changes){0};
    }
}

/* Look into a block whose changes are not known, and with it into such blocks behind it. */
static int find_changes(struct rp_follower *follower, uint32_t first, uint32_t end,
                        struct ct_error *error)
{
    struct ahead ahead = {.follower = follower};
    struct looker lookers[RP_SWEEP_WORKERS] = {0};
    bool joinable[RP_SWEEP_WORKERS] = {false};
    for (uint32_t block = first; block < end && block - first < AHEAD; block++) {
        bool ran = false;
        int status =
            ctr_ran_in(follower->trace, follower->plans, &follower->ran, block, &ran, error);
        if (status != CT_OK) {
            return status;
        }
        if (ran && follower->changes[block].packed == NULL) {
            ahead.blocks[ahead.count++] = block;
        }
    }
    for (unsigned i = 1; i < RP_SWEEP_WORKERS && i < ahead.count; i++) {
        lookers[i].ahead = &ahead;
        joinable[i] = pthread_create(&lookers[i].thread, NULL, look_ahead, &lookers[i]) == 0;
    }
    lookers[0].ahead = &ahead;
    look_ahead(&lookers[0]); /* where no thread could start, this one does it all */
    int status = CT_OK;
    for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
        if (joinable[i]) {
            pthread_join(lookers[i].thread, NULL);
        }
        if (status == CT_OK && lookers[i].status != CT_OK) {
            status = ct_fail(error, lookers[i].status, "%s", lookers[i].error.message);
        }
    }
    for (uint32_t i = 0; i < ahead.count; i++) {
        follower->change_bytes += memory_of_changes(&follower->changes[ahead.blocks[i]]);
    }
    return status;
}

/* A whole block in which coroutines may have run, of those up to `end`. */
static int follow_block(struct rp_follower *follower, uint32_t block, uint32_t end,
                        struct ct_error *error)
{
    struct kept_changes *kept = &follower->changes[block];
    int status = kept->packed == NULL ? find_changes(follower, block, end, error) : CT_OK;
    if (status != CT_OK) {
        return status;
    }
    struct ct_cursor from = {kept->packed + 1, kept->packed + kept->size, false};
    struct rp_suspended nearest = {0};
    bool has_memory = true;
    for (uint32_t number = 0; has_memory && from.at < from.end; number++) {
        struct rp_change change = rp_change_unpack(&from, &nearest);
        has_memory = apply(follower, &change, number, kept->left, kept->left_count);
    }
    has_memory = has_memory && apply_left(&follower->state, kept->left, kept->left_count);
    if (follower->change_bytes > CHANGES_BYTES) {
        drop_changes(follower, block);
    }
    return has_memory ? CT_OK : no_memory(error);
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

/* False: no memory. */
static bool pack_all(const struct state *state, struct kept *kept)
{
    struct ct_bytes packed = {0};
    struct rp_suspended nearest = {0};
    ct_bytes_add(&packed, "", 1); /* never without memory */
    for (size_t i = 0; i < state->capacity; i++) {
        const struct rp_suspended *one = &state->table[i];
        if (one->call != CTR_NO_CALL) {
            rp_suspended_pack(one, &nearest, &packed);
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
    struct rp_suspended nearest = {0};
    if (kept != NULL) {
        from = (struct ct_cursor){kept->packed + 1, kept->packed + kept->size, false};
    }
    while (from.at < from.end && !from.failed) {
        struct rp_suspended one = rp_suspended_unpack(&from, &nearest);
        if (!add(state, &one)) {
            return no_memory(error);
        }
    }
    for (size_t i = 0; kept != NULL && i < kept->left_count; i++) {
        struct rp_left *left = left_on(state, kept->left[i].thread);
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

static int follow_whole_block(struct rp_follower *follower, uint32_t end, struct ct_error *error)
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
        status = follow_block(follower, block, end, error);
    }
    follower->at.block++;
    return status;
}

static int go_to(struct rp_follower *follower, struct ctr_place place, struct ct_error *error)
{
    int status = start_near(follower, place.block, error);
    struct ctr_place from = follower->at;
    for (uint32_t looked = 0; status == CT_OK && follower->at.block < place.block; looked++) {
        if (looked % AHEAD == AHEAD - 1) {
            status = rp_ask_watch(follower->session, from, follower->at, error);
        }
        if (status == CT_OK) {
            status = follow_whole_block(follower, place.block, error);
        }
    }
    if (status == CT_OK) {
        follower->at.at = place.at + 1;
        status = follow_part(follower, place.block, place.at + 1, error);
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
    if (made != NULL) {
        made->changes = calloc(ctr_info(session->trace)->blocks + 1ull, sizeof *made->changes);
    }
    if (made == NULL || plans == NULL || made->changes == NULL ||
        !make_table(&made->state, FIRST_CAPACITY)) {
        if (made != NULL) {
            free(made->changes);
        }
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
    made->spacing = SPACING;
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
    for (uint32_t i = 0; i < ctr_info(follower->trace)->blocks; i++) {
        drop_changes(follower, i);
    }
    free(follower->changes);
    free(follower->kept);
    free(follower->state.table);
    free(follower->state.left);
    free(follower->list);
    free(follower->plans);
    free(follower);
}
