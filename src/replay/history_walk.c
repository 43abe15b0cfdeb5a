#include "replay/history_walk.h"

#include <stdlib.h>

#include "base/array.h"
#include "replay/state.h"
#include "replay/suspended.h"
#include "trace/calls.h"

/* A recording is gone through in stretches: a block in which there are bindings, and those behind
 * it in which there are none, up to the next. Who holds which object is known at the start of a
 * stretch, from the stacks or from the stretch before; its bindings and the ends of calls tell it
 * up to the end of its block, and so which objects to look for in the blocks behind. */

enum {
    AT_ONCE = 8192,   /* hits, in one search */
    LOOKED_INTO = 16, /* blocks, for the next binding: changes may be nearer */
};

static const struct ctr_value unbound = {0};

struct holder {    /* a frame, or a part, that is bound to an object */
    uint64_t call; /* CTR_NO_CALL: a part */
    uint64_t object;
    bool knows_end; /* of the call: */
    struct ctr_place end;
};

struct holders {
    struct holder *all;
    size_t count, capacity;
};

struct batch { /* changes of one block, in its order */
    struct rp_history_change *changes;
    size_t count, capacity;
};

struct rp_history_walk {
    struct rp_session *session;
    const struct ctr_query *bindings;
    struct ctr_place from;
    bool backwards;
    bool has_holders;         /* else bindings are all there is to tell */
    uint32_t blocks;          /* of the recording */
    uint32_t first, behind;   /* the stretch: its block, and the first block that is not in it */
    struct batch block;       /* what is in its block */
    struct batch tail;        /* in one of the others */
    bool is_open;             /* there is one */
    bool has_block, has_tail; /* there may be more to tell of them */
    uint32_t tail_at;         /* forwards the first block of the tail that is left; else the last
                                 one's end */
    struct holders holders;   /* at the end of its block, and from then on */
    uint64_t *objects;        /* theirs, ascending, each once */
    uint32_t object_count;
    size_t object_capacity;
    const struct batch *told; /* NULL: none */
    size_t told_count;        /* of it */
    struct ctr_hit *hits;     /* room for AT_ONCE */
};

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "no memory for a history");
}

/* ---- searching one block ---- */

static int add_hits(struct batch *batch, const struct ctr_hit *hits, size_t count, bool is_inside)
{
    for (size_t i = 0; i < count; i++) {
        if (!ct_grow(&batch->changes, &batch->capacity, batch->count, sizeof *batch->changes)) {
            return CT_ENOMEM;
        }
        batch->changes[batch->count++] =
            (struct rp_history_change){.hit = hits[i], .is_inside = is_inside};
    }
    return CT_OK;
}

static int find_in_block(struct rp_history_walk *walk, struct ctr_query query, uint32_t block,
                         struct batch *batch, struct ct_error *error)
{
    struct ctr_page page = {.hits = walk->hits, .capacity = AT_ONCE, .next = {block, 0}};
    bool is_inside = query.kind == CTR_FIND_CHANGES;
    int status = CT_OK;
    query.is_bounded = true;
    query.bound = block;
    batch->count = 0;
    while (status == CT_OK && !page.done) {
        status = ctr_find(walk->session->trace, &query, page.next, false, 0, &page, error);
        if (status == CT_OK && add_hits(batch, page.hits, page.count, is_inside) != CT_OK) {
            status = no_memory(error);
        }
    }
    return status;
}

static struct ctr_query of_objects(const struct rp_history_walk *walk)
{
    return (struct ctr_query){.kind = CTR_FIND_CHANGES,
                              .objects = walk->objects,
                              .object_count = walk->object_count,
                              .call = CTR_NO_CALL};
}

/* ---- who holds what ---- */

static int hold(struct holders *holders, uint64_t call, struct ctr_value value)
{
    size_t at = holders->count;
    while (at > 0 && holders->all[at - 1].call != call) {
        at--;
    }
    if (value.tag != CTR_V_OBJECT) {
        if (at > 0) {
            holders->all[at - 1] = holders->all[--holders->count];
        }
        return CT_OK;
    }
    if (at == 0) {
        if (!ct_grow(&holders->all, &holders->capacity, holders->count, sizeof *holders->all)) {
            return CT_ENOMEM;
        }
        holders->all[holders->count++] = (struct holder){.call = call};
        at = holders->count;
    }
    holders->all[at - 1].object = value.bits;
    return CT_OK;
}

/* The frames of the query's code on all stacks at the scout's place. */
static int hold_on_stacks(struct rp_history_walk *walk)
{
    struct rp_session *session = walk->session;
    uint32_t known = ctr_info(session->trace)->thread_count;
    int status = CT_OK;
    for (uint32_t i = 0; status == CT_OK && (i < known || i == 0); i++) {
        const struct ctr_thread *about = ctr_thread_at(session->trace, i);
        uint32_t thread = about != NULL ? about->number : i;
        const struct ctr_frame *frame;
        for (uint32_t depth = 0; status == CT_OK && depth < RP_DEPTH_MAX; depth++) {
            frame = ctr_player_frame(session->scout, thread, depth, NULL);
            if (frame == NULL) {
                break;
            }
            if (frame->plan == walk->bindings->plan && walk->bindings->slot < frame->slot_count) {
                status = hold(&walk->holders, frame->call, frame->slots[walk->bindings->slot]);
            }
        }
    }
    return status;
}

static struct ctr_value value_of_key(const struct rp_session *session, const struct ctr_pair *pairs,
                                     uint32_t count, struct ctr_value key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ctr_value_equal(session->trace, pairs[i].key, key)) {
            return pairs[i].value;
        }
    }
    return unbound;
}

/* What the part is at the scout's place. */
static struct ctr_value part_of(const struct rp_session *session, const struct ctr_query *query)
{
    const struct ctr_object *object = ctr_player_object(session->scout, query->object, NULL);
    if (object == NULL) {
        return unbound;
    }
    if (query->part == CTR_PART_ITEM) {
        return query->index < object->item_count ? object->items[query->index] : unbound;
    }
    return query->part == CTR_PART_PAIR
               ? value_of_key(session, object->pairs, object->pair_count, query->key)
               : value_of_key(session, object->attrs, object->attr_count, query->key);
}

/* What one call's variable was set to before a block. */
static int hold_of_call(struct rp_history_walk *walk, uint64_t call, uint32_t block,
                        struct ct_error *error)
{
    struct ctr_hit hit;
    struct ctr_query query = *walk->bindings;
    query.call = call;
    int status =
        rp_find_one(walk->session, &query, (struct ctr_place){block, 0}, true, &hit, error);
    if (status == CT_OK && hold(&walk->holders, hit.call, hit.value) != CT_OK) {
        status = no_memory(error);
    }
    return status == CT_ESTATE ? CT_OK : status;
}

/* Suspended generators that nobody awaits can be found nowhere: of all of them together only the
 * bindings are told. */
static bool can_hold(const struct ctr_trace *trace, const struct ctr_query *bindings)
{
    const struct ctr_plan *plan = ctr_plan(trace, bindings->plan);
    return bindings->kind != CTR_FIND_WRITE || bindings->call != CTR_NO_CALL ||
           !rp_suspends(plan) || rp_is_coroutine(plan);
}

/* Coroutines that are on no stack. */
static int hold_suspended(struct rp_history_walk *walk, uint32_t block, struct ct_error *error)
{
    struct rp_follower *follower;
    struct ctr_place start = {block, 0};
    size_t count = 0;
    if (!rp_is_coroutine(ctr_plan(walk->session->trace, walk->bindings->plan))) {
        return CT_OK;
    }
    int status = rp_follower_at(walk->session, start, &follower, error);
    const struct rp_suspended *all = status == CT_OK ? rp_follower_all(follower, &count) : NULL;
    for (size_t i = 0; status == CT_OK && i < count; i++) {
        if (all[i].plan == walk->bindings->plan) {
            status = hold_of_call(walk, all[i].call, block, error);
        }
    }
    return status == CT_OK && all == NULL ? no_memory(error) : status;
}

/* Who holds an object where a block starts, by looking there. */
static int find_holders(struct rp_history_walk *walk, uint32_t block, struct ct_error *error)
{
    const struct ctr_query *query = walk->bindings;
    walk->holders.count = 0;
    if (block == 0 || !walk->has_holders) {
        return CT_OK;
    }
    if (query->kind == CTR_FIND_WRITE && query->call != CTR_NO_CALL) {
        return hold_of_call(walk, query->call, block, error);
    }
    int status = ctr_player_start(walk->session->scout, block, error);
    if (status != CT_OK) {
        return status;
    }
    int held = query->kind == CTR_FIND_WRITE
                   ? hold_on_stacks(walk)
                   : hold(&walk->holders, CTR_NO_CALL, part_of(walk->session, query));
    if (held != CT_OK) {
        return no_memory(error);
    }
    return query->kind == CTR_FIND_WRITE ? hold_suspended(walk, block, error) : CT_OK;
}

static int find_end(struct rp_history_walk *walk, struct holder *holder, struct ct_error *error)
{
    struct ctr_call call;
    int status = ctr_call_get(walk->session->trace, holder->call, &call, error);
    if (status != CT_OK) {
        return status;
    }
    holder->knows_end = true;
    holder->end = (struct ctr_place){UINT32_MAX, 0};
    if (call.exit == CTR_EXIT_NONE) {
        return CT_OK;
    }
    holder->end = (struct ctr_place){call.end_block, call.end_at};
    if (call.end_at != 0) {
        return CT_OK;
    }
    struct ctr_query ends = rp_of_call(call.number, RP_ENDS);
    struct ctr_hit hit;
    ends.is_bounded = true;
    ends.bound = call.end_block;
    status = rp_find_one(walk->session, &ends, holder->end, false, &hit, error);
    if (status == CT_OK) {
        holder->end = hit.place;
    }
    return status == CT_ESTATE ? CT_OK : status;
}

/* Whether a holder is there at a place, behind the stretch's block. */
static int is_there(struct rp_history_walk *walk, struct holder *holder, struct ctr_place place,
                    bool *is, struct ct_error *error)
{
    int status = CT_OK;
    if (holder->call != CTR_NO_CALL && !holder->knows_end) {
        status = find_end(walk, holder, error);
    }
    *is = holder->call == CTR_NO_CALL || rp_place_is_before(place, holder->end);
    return status;
}

static int keep_those_there(struct rp_history_walk *walk, struct ctr_place place,
                            struct ct_error *error)
{
    struct holders *holders = &walk->holders;
    int status = CT_OK;
    for (size_t i = 0; status == CT_OK && i < holders->count;) {
        bool is = false;
        status = is_there(walk, &holders->all[i], place, &is, error);
        if (is) {
            i++;
        } else {
            holders->all[i] = holders->all[--holders->count];
        }
    }
    return status;
}

/* ---- their objects ---- */

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static int add_object(struct rp_history_walk *walk, uint64_t number)
{
    if (!ct_grow(&walk->objects, &walk->object_capacity, walk->object_count,
                 sizeof *walk->objects)) {
        return CT_ENOMEM;
    }
    walk->objects[walk->object_count++] = number;
    return CT_OK;
}

/* Those of the holders, and of the block's bindings if there are any. */
static int list_objects(struct rp_history_walk *walk, const struct batch *bindings,
                        struct ct_error *error)
{
    int status = CT_OK;
    walk->object_count = 0;
    for (size_t i = 0; status == CT_OK && i < walk->holders.count; i++) {
        status = add_object(walk, walk->holders.all[i].object);
    }
    for (size_t i = 0; status == CT_OK && i < bindings->count; i++) {
        struct ctr_value value = bindings->changes[i].hit.value;
        status =
            walk->has_holders && value.tag == CTR_V_OBJECT ? add_object(walk, value.bits) : CT_OK;
    }
    if (status != CT_OK) {
        return no_memory(error);
    }
    uint32_t kept = 0;
    if (walk->object_count > 1) {
        qsort(walk->objects, walk->object_count, sizeof *walk->objects, compare_numbers);
    }
    for (uint32_t i = 0; i < walk->object_count; i++) {
        if (i == 0 || walk->objects[i] != walk->objects[kept - 1]) {
            walk->objects[kept++] = walk->objects[i];
        }
    }
    walk->object_count = kept;
    return CT_OK;
}

static bool is_held(const struct holders *holders, uint64_t object)
{
    size_t at = holders->count;
    while (at > 0 && holders->all[at - 1].object != object) {
        at--;
    }
    return at > 0;
}

/* ---- the stretch's block ---- */

/* The next of several batches, by its place; NULL at their end. */
static const struct rp_history_change *take_first(const struct batch *batches, size_t *at,
                                                  size_t count)
{
    const struct rp_history_change *first = NULL;
    size_t which = 0;
    for (size_t i = 0; i < count; i++) {
        const struct rp_history_change *next = &batches[i].changes[at[i]];
        if (at[i] < batches[i].count &&
            (first == NULL || next->hit.place.at < first->hit.place.at)) {
            first = next;
            which = i;
        }
    }
    at[which] += first != NULL;
    return first;
}

enum { BINDINGS, INSIDE, ENDS, BATCHES };

/* Bindings, and changes of what is held right then. */
static int join(struct rp_history_walk *walk, const struct batch *batches)
{
    size_t at[BATCHES] = {0};
    const struct rp_history_change *next;
    int status = CT_OK;
    bool is_part = walk->bindings->kind == CTR_FIND_CHANGE;
    while (status == CT_OK && (next = take_first(batches, at, BATCHES)) != NULL) {
        const struct ctr_hit *hit = &next->hit;
        if (hit->event == CTR_EVENT_RETURN || hit->event == CTR_EVENT_UNWIND) {
            status = hold(&walk->holders, hit->call, unbound);
            continue;
        }
        if (!next->is_inside && walk->has_holders) {
            status = hold(&walk->holders, is_part ? CTR_NO_CALL : hit->call, hit->value);
        }
        if (status == CT_OK && (!next->is_inside || is_held(&walk->holders, hit->value.bits))) {
            status = add_hits(&walk->block, hit, 1, next->is_inside);
        }
    }
    return status;
}

/* Look into the stretch's block, whose holders are those at its start. */
static int read_block(struct rp_history_walk *walk, struct ct_error *error)
{
    struct batch batches[BATCHES] = {0};
    uint32_t block = walk->first;
    walk->block.count = 0;
    int status = find_in_block(walk, *walk->bindings, block, &batches[BINDINGS], error);
    if (status == CT_OK) {
        status = list_objects(walk, &batches[BINDINGS], error);
    }
    if (status == CT_OK && walk->object_count > 0) {
        status = find_in_block(walk, of_objects(walk), block, &batches[INSIDE], error);
        struct ctr_query ends = rp_of_call(CTR_NO_CALL, RP_ENDS);
        if (status == CT_OK && walk->bindings->kind == CTR_FIND_WRITE) {
            status = find_in_block(walk, ends, block, &batches[ENDS], error);
        }
    }
    if (status == CT_OK && join(walk, batches) != CT_OK) {
        status = no_memory(error);
    }
    for (unsigned i = 0; i < BATCHES; i++) {
        free(batches[i].changes);
    }
    walk->has_block = true;
    static const struct batch none = {0};
    return status == CT_OK ? list_objects(walk, &none, error) : status;
}

/* ---- the blocks behind it ---- */

static int read_tail_block(struct rp_history_walk *walk, uint32_t block, struct ct_error *error)
{
    struct batch *tail = &walk->tail;
    size_t kept = 0;
    int status = find_in_block(walk, of_objects(walk), block, tail, error);
    for (size_t i = 0; status == CT_OK && i < tail->count; i++) {
        bool is = false;
        const struct ctr_hit *hit = &tail->changes[i].hit;
        for (size_t j = 0; status == CT_OK && !is && j < walk->holders.count; j++) {
            struct holder *holder = &walk->holders.all[j];
            if (holder->object == hit->value.bits) {
                status = is_there(walk, holder, hit->place, &is, error);
            }
        }
        if (is) {
            tail->changes[kept++] = tail->changes[i];
        }
    }
    tail->count = kept;
    return status;
}

/* The next block of the tail in which an object changes. */
static int read_tail(struct rp_history_walk *walk, struct ct_error *error)
{
    struct ctr_query query = of_objects(walk);
    struct ctr_place from = {walk->tail_at, 0};
    struct ctr_hit hit;
    query.is_bounded = true;
    query.bound = walk->backwards ? walk->first + 1 : walk->behind - 1;
    walk->tail.count = 0;
    if (walk->object_count == 0 || walk->first + 1 >= walk->behind) {
        walk->has_tail = false;
        return CT_OK;
    }
    int status = rp_find_one(walk->session, &query, from, walk->backwards, &hit, error);
    if (status == CT_ESTATE) {
        walk->has_tail = false;
        return CT_OK;
    }
    if (status == CT_OK) {
        uint32_t block = hit.place.block;
        walk->tail_at = walk->backwards ? block : block + 1;
        walk->has_tail = walk->backwards ? block > walk->first + 1 : block + 1 < walk->behind;
        status = read_tail_block(walk, block, error);
    }
    return status;
}

/* ---- from stretch to stretch ---- */

/* The block of the next binding, or one before which there is none. CT_ESTATE: there is none. */
static int next_block(struct rp_history_walk *walk, struct ctr_place from, uint32_t most_blocks,
                      uint32_t *block, struct ct_error *error)
{
    struct ctr_hit hit;
    struct ctr_page page = {.hits = &hit, .capacity = 1};
    int status = most_blocks == 0
                     ? rp_find(walk->session, walk->bindings, from, walk->backwards, &page, error)
                     : ctr_find(walk->session->trace, walk->bindings, from, walk->backwards,
                                most_blocks, &page, error);
    if (status != CT_OK || (page.count == 0 && page.done)) {
        return status == CT_OK ? CT_ESTATE : status;
    }
    *block = page.count > 0 ? hit.place.block : page.next.block;
    return CT_OK;
}

/* The stretch's block is known: up to where it goes. */
static int find_behind(struct rp_history_walk *walk, struct ct_error *error)
{
    struct ctr_place from = {walk->first + 1, 0};
    int status =
        next_block(walk, from, walk->object_count > 0 ? LOOKED_INTO : 0, &walk->behind, error);
    walk->behind = status == CT_ESTATE ? walk->blocks : walk->behind;
    return status == CT_ESTATE ? CT_OK : status;
}

static int go_forwards(struct rp_history_walk *walk, bool is_first, struct ct_error *error)
{
    walk->first = is_first ? walk->from.block : walk->behind;
    if (walk->first >= walk->blocks) {
        return CT_ESTATE;
    }
    int status = is_first ? find_holders(walk, walk->first, error)
                          : keep_those_there(walk, (struct ctr_place){walk->first, 0}, error);
    status = status == CT_OK ? read_block(walk, error) : status;
    status = status == CT_OK ? find_behind(walk, error) : status;
    walk->tail_at = walk->first + 1;
    return status;
}

static int go_backwards(struct rp_history_walk *walk, bool is_first, struct ct_error *error)
{
    struct ctr_place from = is_first ? walk->from : (struct ctr_place){walk->first, 0};
    int status = next_block(walk, from, LOOKED_INTO, &walk->first, error);
    if (status != CT_OK) {
        return status;
    }
    walk->behind = from.block < walk->blocks ? from.block + (from.at > 0) : walk->blocks;
    walk->tail_at = walk->behind;
    status = find_holders(walk, walk->first, error);
    return status == CT_OK ? read_block(walk, error) : status;
}

static int next_stretch(struct rp_history_walk *walk, struct ct_error *error)
{
    bool is_first = !walk->is_open;
    int status =
        walk->backwards ? go_backwards(walk, is_first, error) : go_forwards(walk, is_first, error);
    walk->is_open = walk->has_tail = true;
    return status == CT_OK
               ? rp_ask_watch(walk->session, walk->from, (struct ctr_place){walk->first, 0}, error)
               : status;
}

/* What is told next: forwards the stretch's block and then those behind it. */
static int next_batch(struct rp_history_walk *walk, struct ct_error *error)
{
    int status = CT_OK;
    if (!walk->has_block && !walk->has_tail) {
        status = next_stretch(walk, error);
    }
    if (status != CT_OK) {
        return status;
    }
    bool is_tail = walk->backwards ? walk->has_tail : !walk->has_block;
    walk->told = is_tail ? &walk->tail : &walk->block;
    walk->told_count = 0;
    walk->has_block &= is_tail;
    return is_tail ? read_tail(walk, error) : CT_OK;
}

/* ---- one after the other ---- */

static bool is_wanted(const struct rp_history_walk *walk, const struct rp_history_change *change)
{
    return walk->backwards == rp_place_is_before(change->hit.place, walk->from);
}

/* The next of what is told now, or NULL. */
static const struct rp_history_change *peek(struct rp_history_walk *walk)
{
    const struct batch *told = walk->told;
    while (told != NULL && walk->told_count < told->count) {
        size_t at = walk->backwards ? told->count - 1 - walk->told_count : walk->told_count;
        if (is_wanted(walk, &told->changes[at])) {
            return &told->changes[at];
        }
        walk->told_count++;
    }
    return NULL;
}

static bool is_one(const struct rp_history_change *a, const struct rp_history_change *b)
{
    return (a->is_inside || b->is_inside) && a->hit.step == b->hit.step &&
           ctr_value_same(a->hit.value, b->hit.value);
}

int rp_history_walk_next(struct rp_history_walk *walk, struct rp_history_change *change,
                         struct ct_error *error)
{
    const struct rp_history_change *next;
    while ((next = peek(walk)) == NULL) {
        int status = next_batch(walk, error);
        if (status != CT_OK) {
            return status;
        }
    }
    *change = *next; /* the last of those that are one, whichever way one goes */
    change->next = walk->backwards ? next->hit.place : rp_behind(next->hit.place);
    walk->told_count++;
    while ((next = peek(walk)) != NULL && is_one(change, next)) {
        change->hit = walk->backwards ? change->hit : next->hit;
        change->is_inside &= next->is_inside;
        change->next = walk->backwards ? next->hit.place : rp_behind(next->hit.place);
        walk->told_count++;
    }
    return CT_OK;
}

int rp_history_walk_new(struct rp_history_walk **walk, struct rp_session *session,
                        const struct ctr_query *bindings, struct ctr_place from, bool backwards,
                        struct ct_error *error)
{
    struct rp_history_walk *made = calloc(1, sizeof *made);
    struct ctr_hit *hits = malloc(AT_ONCE * sizeof *hits);
    *walk = made;
    if (made == NULL || hits == NULL) {
        free(made);
        free(hits);
        *walk = NULL;
        return no_memory(error);
    }
    made->session = session;
    made->bindings = bindings;
    made->from = from;
    made->backwards = backwards;
    made->blocks = ctr_info(session->trace)->blocks;
    made->hits = hits;
    made->has_holders = can_hold(session->trace, bindings);
    return CT_OK;
}

void rp_history_walk_free(struct rp_history_walk *walk)
{
    if (walk != NULL) {
        free(walk->block.changes);
        free(walk->tail.changes);
        free(walk->holders.all);
        free(walk->objects);
        free(walk->hits);
        free(walk);
    }
}
