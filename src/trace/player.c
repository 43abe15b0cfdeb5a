/* Plays records into state. Each record changes stacks, slots or objects; those that are events are
 * handed out one by one. */
#include "trace/player.h"

#include <stdlib.h>

#include "trace/objects.h"
#include "trace/record.h"
#include "trace/stack.h"
#include "trace/trace_internal.h"

/* What becomes of the top frame when the player moves on from the event it stands on. */
enum leaving { STAYS, ENDS, IS_SUSPENDED };

struct ctr_player {
    struct ctr_trace *trace;
    const struct ctr_block *block; /* pinned; NULL before the first start */
    struct ctr_scan scan;
    const uint8_t *at;           /* the record read last, in the block */
    struct ctr_frame **numbered; /* the block's frames by their number; NULL: ended */
    size_t numbered_count, numbered_capacity;
    struct ctr_stacks stacks;
    struct ctr_stack *stack; /* of the running thread */
    struct ctr_objects objects;
    struct ctr_spares spares;
    bool call_waits; /* a CALL's arguments are still being set */
    enum leaving leaving;
    bool is_line;         /* the event where the player stands is a line: its state is before it */
    uint32_t first_block; /* where it was started */
    uint64_t step;        /* number of the next LINE */
    uint64_t call;        /* and CALL */
    uint64_t tick;
    size_t mark;   /* from this byte of the block on a mark is wanted */
    uint64_t move; /* counts calls of ctr_player_next */
    int failed;    /* what the player answers once it met damage */
};

static const struct ctr_value unbound = {0};

const char *ctr_event_name(enum ctr_event_kind kind)
{
    static const char *const names[CTR_EVENT_KINDS] = {
        [CTR_EVENT_LINE] = "line",       [CTR_EVENT_CALL] = "call",
        [CTR_EVENT_RETURN] = "return",   [CTR_EVENT_YIELD] = "yield",
        [CTR_EVENT_RESUME] = "resume",   [CTR_EVENT_THROW] = "throw",
        [CTR_EVENT_UNWIND] = "unwind",   [CTR_EVENT_RAISE] = "raise",
        [CTR_EVENT_HANDLED] = "handled", [CTR_EVENT_OUTPUT] = "output",
        [CTR_EVENT_INPUT] = "input",     [CTR_EVENT_THREAD] = "thread",
        [CTR_EVENT_FORK] = "fork",       [CTR_EVENT_THREAD_END] = "thread end",
        [CTR_EVENT_NOTE] = "note",
    };
    return (unsigned)kind < CTR_EVENT_KINDS ? names[kind] : "unknown";
}

/* ---- frames ---- */

static int damaged(const struct ctr_player *player, struct ct_error *error, const char *what)
{
    return ct_fail(error, CT_EFORMAT, "block %u is damaged before its byte %zu: %s",
                   player->block->number, (size_t)(player->scan.cursor.at - player->block->raw),
                   what);
}

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "no memory to play the trace");
}

static struct ctr_frame *top_frame(const struct ctr_player *player)
{
    const struct ctr_stack *stack = player->stack;
    return stack->count > 0 ? stack->frames[stack->count - 1] : NULL;
}

static void forget_number(struct ctr_player *player, struct ctr_frame *frame)
{
    uint32_t number = ctr_activation_of(frame)->number;
    if (number != UINT32_MAX) {
        player->numbered[number] = NULL;
    }
}

/* A suspended frame stays findable by its number until the block ends: the next block introduces
 * again what it resumes. */
static void pop_frame(struct ctr_player *player, bool suspended)
{
    struct ctr_stack *stack = player->stack;
    struct ctr_frame *frame = stack->frames[--stack->count];
    struct ctr_activation *activation = ctr_activation_of(frame);
    activation->stacked = false;
    if (!suspended || activation->number == UINT32_MAX) {
        forget_number(player, frame);
        ctr_frame_free(&player->spares, frame);
    }
}

static void settle_leaving(struct ctr_player *player)
{
    if (player->leaving != STAYS && player->stack->count > 0) {
        pop_frame(player, player->leaving == IS_SUSPENDED);
    }
    player->leaving = STAYS;
}

static void free_numbered(struct ctr_player *player)
{
    for (size_t i = 0; i < player->numbered_count; i++) {
        struct ctr_frame *frame = player->numbered[i];
        if (frame == NULL) {
            continue;
        }
        ctr_activation_of(frame)->number = UINT32_MAX;
        if (!ctr_activation_of(frame)->stacked) {
            ctr_frame_free(&player->spares, frame);
        }
    }
    player->numbered_count = 0;
}

static bool number_frame(struct ctr_player *player, struct ctr_frame *frame)
{
    if (!ct_grow(&player->numbered, &player->numbered_capacity, player->numbered_count,
                 sizeof(struct ctr_frame *))) {
        return false;
    }
    ctr_activation_of(frame)->number = (uint32_t)player->numbered_count;
    player->numbered[player->numbered_count++] = frame;
    return true;
}

/* A frame with its number in the block, owned by the block's table until it is on a stack. */
static struct ctr_frame *new_frame(struct ctr_player *player, const struct ctr_plan *plan,
                                   uint32_t id)
{
    struct ctr_frame *frame = ctr_frame_new(&player->spares, id, plan->variable_count);
    if (frame != NULL && !number_frame(player, frame)) {
        ctr_frame_free(&player->spares, frame);
        return NULL;
    }
    return frame;
}

/* ---- records ---- */

static int play_set(struct ctr_player *player, const struct ctr_rec *rec, struct ct_error *error)
{
    struct ctr_frame *frame = top_frame(player);
    if (frame == NULL || rec->slot >= frame->slot_count) {
        return damaged(player, error, "a variable is set that no frame has");
    }
    struct ctr_scan values = ctr_record_values(&player->scan, rec);
    struct ctr_value value = ctr_scan_value(&values, frame->slots[rec->slot]);
    if (values.cursor.failed) {
        return damaged(player, error, "a variable continues a number it does not hold");
    }
    frame->slots[rec->slot] = value;
    return CT_OK;
}

/* A frame that calls was introduced: where none is known, there is none. */
static bool enter_frame(struct ctr_player *player, struct ctr_frame *frame)
{
    if (player->stack->count == 0) {
        player->stack->below = CTR_BELOW_NOTHING;
    }
    return ctr_stack_push(player->stack, frame);
}

static int play_call(struct ctr_player *player, const struct ctr_rec *rec, struct ct_error *error)
{
    const struct ctr_plan *plan = ctr_plan(player->trace, rec->plan);
    if (plan == NULL) {
        return damaged(player, error, "a call of undefined code");
    }
    struct ctr_frame *parent = top_frame(player);
    struct ctr_frame *frame = new_frame(player, plan, rec->plan);
    if (frame == NULL || !enter_frame(player, frame)) {
        return no_memory(error);
    }
    frame->call = player->call++;
    frame->entry_block = player->block->number;
    frame->parent = parent != NULL ? parent->call : UINT64_MAX;
    player->call_waits = true;
    return CT_OK;
}

static int set_slots(struct ctr_player *player, struct ctr_frame *frame, const struct ctr_rec *rec,
                     struct ct_error *error)
{
    struct ctr_scan values = ctr_record_values(&player->scan, rec);
    memset(frame->slots, 0, frame->slot_count * sizeof *frame->slots);
    for (uint32_t i = 0; i < rec->count; i++) {
        uint64_t slot = ct_get_varint(&values.cursor);
        struct ctr_value value = ctr_scan_value(&values, unbound);
        if (values.cursor.failed || slot >= frame->slot_count) {
            return damaged(player, error, "a frame has a variable its code does not have");
        }
        frame->slots[slot] = value;
    }
    return CT_OK;
}

/* Make frame `at` of the known stack the top: what was above it ended without a record. */
static void drop_above(struct ctr_player *player, uint32_t at)
{
    while (player->stack->count > at) {
        pop_frame(player, false);
    }
}

/* A frame the known stack has already: on top as earlier blocks left it, or uncovered. */
static struct ctr_frame *find_known(struct ctr_player *player, const struct ctr_rec *rec)
{
    struct ctr_stack *stack = player->stack;
    for (uint32_t i = stack->count; i-- > 0;) {
        struct ctr_frame *frame = stack->frames[i];
        if (frame->call == rec->number && frame->plan == rec->plan) {
            drop_above(player, i + 1);
            forget_number(player, frame);
            ctr_activation_of(frame)->number = UINT32_MAX;
            return frame;
        }
    }
    return NULL;
}

/* The frame a FRAME record speaks of. One that was just adopted stands on the known ones; should
 * the known stack contradict any other, the record is right: it is what a player that starts here
 * sees. */
static struct ctr_frame *introduced_frame(struct ctr_player *player, const struct ctr_rec *rec,
                                          const struct ctr_plan *plan, bool is_new)
{
    struct ctr_stack *stack = player->stack;
    bool suspended = rec->flags & CTR_FRAME_SUSPENDED;
    struct ctr_frame *known = suspended || is_new ? NULL : find_known(player, rec);
    if (known != NULL) {
        return number_frame(player, known) ? known : NULL;
    }
    struct ctr_frame *parent = is_new ? top_frame(player) : NULL;
    struct ctr_frame *frame = new_frame(player, plan, rec->plan);
    if (frame == NULL || suspended) {
        return frame;
    }
    frame->parent = parent != NULL ? parent->call : UINT64_MAX;
    if (!is_new) {
        drop_above(player, 0);
        stack->below = CTR_BELOW_CALL;
        stack->block = player->block->number - rec->distance;
        stack->call = rec->number;
    }
    return ctr_stack_push(stack, frame) ? frame : NULL;
}

static int play_frame(struct ctr_player *player, const struct ctr_rec *rec, struct ct_error *error)
{
    const struct ctr_plan *plan = ctr_plan(player->trace, rec->plan);
    bool adopted = rec->flags & CTR_FRAME_ADOPTED;
    if (plan == NULL) {
        return damaged(player, error, "a frame of undefined code");
    }
    if (rec->number > player->call || (rec->number == player->call && !adopted)) {
        return damaged(player, error, "a frame of a call that did not happen yet");
    }
    bool is_new = rec->number == player->call;
    player->call += is_new;
    struct ctr_frame *frame = introduced_frame(player, rec, plan, is_new);
    if (frame == NULL) {
        return no_memory(error);
    }
    frame->call = rec->number;
    frame->line = rec->line;
    frame->thread = player->stack->thread;
    frame->adopted = frame->adopted || adopted;
    frame->entry_block = player->block->number - rec->distance;
    return set_slots(player, frame, rec, error);
}

static int play_resume(struct ctr_player *player, const struct ctr_rec *rec, struct ct_error *error)
{
    struct ctr_frame *frame =
        rec->frame < player->numbered_count ? player->numbered[rec->frame] : NULL;
    if (frame == NULL || ctr_activation_of(frame)->stacked) {
        return damaged(player, error, "a frame is resumed that is not suspended");
    }
    if (!enter_frame(player, frame)) {
        return no_memory(error);
    }
    frame->entry_block = player->block->number;
    return CT_OK;
}

static int play_line(struct ctr_player *player, const struct ctr_rec *rec, struct ct_error *error)
{
    struct ctr_frame *frame = top_frame(player);
    if (frame == NULL) {
        return damaged(player, error, "a line without a frame");
    }
    int64_t line;
    if (__builtin_add_overflow((int64_t)frame->line, rec->change, &line) || line < 0 ||
        line > UINT32_MAX) {
        return damaged(player, error, "a line number out of range");
    }
    frame->line = (uint32_t)line;
    player->step++;
    return CT_OK;
}

static int play_thread(struct ctr_player *player, uint32_t thread, struct ct_error *error)
{
    player->stack = ctr_stacks_get(&player->stacks, thread, player->first_block);
    return player->stack != NULL ? CT_OK : no_memory(error);
}

static void play_thread_end(struct ctr_player *player, uint32_t thread)
{
    struct ctr_stack *stack = ctr_stacks_find(&player->stacks, thread);
    if (stack != NULL) {
        for (uint32_t i = 0; i < stack->count; i++) {
            forget_number(player, stack->frames[i]);
        }
        ctr_stack_clear(stack);
        stack->below = CTR_BELOW_NOTHING;
    }
}

static int need_frame(struct ctr_player *player, struct ct_error *error)
{
    return top_frame(player) != NULL ? CT_OK : damaged(player, error, "an event without a frame");
}

/* Apply one record to the state. */
static int play_record(struct ctr_player *player, const struct ctr_rec *rec, struct ct_error *error)
{
    switch (rec->kind) {
    case CTR_LINE_FAR:
        return play_line(player, rec, error);
    case CTR_SET:
        return play_set(player, rec, error);
    case CTR_CALL:
        return play_call(player, rec, error);
    case CTR_RETURN:
    case CTR_UNWIND:
        player->leaving = ENDS;
        return need_frame(player, error);
    case CTR_YIELD:
        player->leaving = IS_SUSPENDED;
        return need_frame(player, error);
    case CTR_RESUME:
    case CTR_THROW:
        return play_resume(player, rec, error);
    case CTR_RAISE:
    case CTR_HANDLED:
        return need_frame(player, error);
    case CTR_FRAME:
        return play_frame(player, rec, error);
    case CTR_TICK:
        player->tick += rec->number;
        return CT_OK;
    case CTR_THREAD:
        return play_thread(player, (uint32_t)rec->number, error);
    case CTR_THREAD_END:
        play_thread_end(player, (uint32_t)rec->number);
        return CT_OK;
    default: /* objects are looked after when somebody asks for them */
        return CT_OK;
    }
}

/* ---- events ---- */

/* The event of each kind of record; 0 is a record that is none, else the event plus 1. */
static const uint8_t events[CTR_RECORD_MAX + 1] = {
    [CTR_LINE_FAR] = CTR_EVENT_LINE + 1, [CTR_RETURN] = CTR_EVENT_RETURN + 1,
    [CTR_YIELD] = CTR_EVENT_YIELD + 1,   [CTR_RESUME] = CTR_EVENT_RESUME + 1,
    [CTR_THROW] = CTR_EVENT_THROW + 1,   [CTR_UNWIND] = CTR_EVENT_UNWIND + 1,
    [CTR_RAISE] = CTR_EVENT_RAISE + 1,   [CTR_HANDLED] = CTR_EVENT_HANDLED + 1,
    [CTR_OUTPUT] = CTR_EVENT_OUTPUT + 1, [CTR_INPUT] = CTR_EVENT_INPUT + 1,
    [CTR_THREAD] = CTR_EVENT_THREAD + 1, [CTR_THREAD_END] = CTR_EVENT_THREAD_END + 1,
    [CTR_FORK] = CTR_EVENT_FORK + 1,     [CTR_NOTE] = CTR_EVENT_NOTE + 1,
};

static bool has_value(uint8_t kind)
{
    return (kind >= CTR_RETURN && kind <= CTR_HANDLED && kind != CTR_RESUME) ||
           kind == CTR_OUTPUT || kind == CTR_INPUT || kind == CTR_NOTE;
}

static void describe(struct ctr_player *player, enum ctr_event_kind kind, struct ctr_event *event)
{
    player->is_line = kind == CTR_EVENT_LINE;
    *event = (struct ctr_event){
        .kind = kind,
        .step = player->step > 0 ? player->step - 1 : 0,
        .tick = player->tick,
        .thread = player->stack->thread,
        .block = player->block->number,
        .frame = top_frame(player),
    };
}

static void describe_record(struct ctr_player *player, const struct ctr_rec *rec,
                            struct ctr_event *event)
{
    if (rec->kind == CTR_CALL) {
        describe(player, CTR_EVENT_CALL, event);
        return;
    }
    describe(player, (enum ctr_event_kind)(events[rec->kind] - 1), event);
    if (has_value(rec->kind)) {
        struct ctr_scan values = ctr_record_values(&player->scan, rec);
        event->value = ctr_scan_value(&values, unbound);
    }
    if (rec->kind == CTR_OUTPUT || rec->kind == CTR_INPUT || rec->kind == CTR_FORK ||
        rec->kind == CTR_NOTE || rec->kind == CTR_THREAD_END || rec->kind == CTR_LINE_FAR) {
        event->number = rec->number;
    }
}

/* ---- moving ---- */

static void leave_block(struct ctr_player *player)
{
    free_numbered(player);
    ctr_block_release(player->trace, player->block);
    player->block = NULL;
}

static int enter_block(struct ctr_player *player, uint32_t number, struct ct_error *error)
{
    const struct ctr_block *block;
    int status = ctr_block_acquire(player->trace, number, &block, error);
    if (status != CT_OK) {
        return status;
    }
    player->block = block;
    player->scan = ctr_scan_start(block->raw, block->size, block, NULL);
    player->at = player->scan.cursor.at;
    player->step = block->first_step;
    player->call = block->first_call;
    player->tick = block->tick;
    player->is_line = false;
    player->mark = CTR_MARK_BYTES;
    ctr_objects_trim(&player->objects, player->move);
    return play_thread(player, block->thread, error);
}

static int next_block(struct ctr_player *player, struct ct_error *error)
{
    uint32_t number = player->block->number + 1;
    if (number >= player->trace->info.blocks) {
        return CT_ESTATE;
    }
    leave_block(player);
    return enter_block(player, number, error);
}

static void reset(struct ctr_player *player)
{
    if (player->block != NULL) {
        leave_block(player);
    }
    ctr_stacks_clear(&player->stacks);
    ctr_objects_clear(&player->objects);
    player->stack = NULL;
    player->call_waits = false;
    player->leaving = STAYS;
    player->failed = CT_OK;
}

static int start(struct ctr_player *player, uint32_t block, struct ct_error *error)
{
    reset(player);
    player->first_block = block;
    player->failed = enter_block(player, block, error);
    return player->failed;
}

static int fail(struct ctr_player *player, int status)
{
    player->leaving = STAYS;
    player->call_waits = false;
    player->failed = status;
    return status;
}

/* A CALL becomes an event once its arguments are set: before the first record that is no change. */
static bool call_is_complete(const struct ctr_player *player)
{
    const struct ct_cursor *cursor = &player->scan.cursor;
    return player->call_waits && (cursor->at >= cursor->end || !ctr_record_is_change(*cursor->at));
}

/* The SET records that come next, all of the top frame. */
static int play_sets(struct ctr_player *player, struct ct_error *error)
{
    struct ctr_frame *frame = top_frame(player);
    uint32_t slot;
    while (ctr_record_enter_set(&player->scan, &slot)) {
        if (frame == NULL || slot >= frame->slot_count) {
            return damaged(player, error, "a variable is set that no frame has");
        }
        frame->slots[slot] = ctr_scan_value(&player->scan, frame->slots[slot]);
    }
    return player->scan.cursor.failed
               ? damaged(player, error, "a variable continues a number it does not hold")
               : CT_OK;
}

/* Who plays event by event learns of every damage, also in objects nobody asked for. */
static int finish_block(struct ctr_player *player, struct ct_error *error)
{
    int status = ctr_objects_finish(&player->objects, player->block, player->move, error);
    return status == CT_OK ? next_block(player, error) : status;
}

/* Go to the next event. `rec->kind` is then its record's, CALL for one whose arguments are set. */
static int advance(struct ctr_player *player, struct ctr_rec *rec, struct ct_error *error)
{
    settle_leaving(player);
    player->is_line = false;
    player->move++;
    for (;;) {
        int status = play_sets(player, error);
        if (status != CT_OK) {
            return status;
        }
        if (call_is_complete(player)) {
            player->call_waits = false;
            rec->kind = CTR_CALL;
            return CT_OK;
        }
        player->at = player->scan.cursor.at;
        if (ctr_record_next(&player->scan, rec)) {
            status = play_record(player, rec, error);
            if (status != CT_OK || events[rec->kind] != 0) {
                return status;
            }
            continue;
        }
        status = player->scan.cursor.failed ? damaged(player, error, "no record")
                                            : finish_block(player, error);
        if (status != CT_OK) {
            return status;
        }
    }
}

/* What both ways of moving do before and after. */
static int move(struct ctr_player *player, struct ctr_rec *rec, struct ct_error *error)
{
    if (player->failed != CT_OK) {
        return ct_fail(error, player->failed, "the player cannot go on");
    }
    if (player->block == NULL) {
        if (player->trace->info.blocks == 0) {
            return ct_fail(error, CT_ESTATE, "the trace has no events");
        }
        int status = start(player, 0, error);
        if (status != CT_OK) {
            return status;
        }
    }
    int status = advance(player, rec, error);
    if (status == CT_ESTATE) {
        return ct_fail(error, CT_ESTATE, "the trace ends here");
    }
    return status == CT_OK ? CT_OK : fail(player, status);
}

int ctr_player_next(struct ctr_player *player, struct ctr_event *event, struct ct_error *error)
{
    struct ctr_rec rec = {0};
    int status = move(player, &rec, error);
    if (status == CT_OK) {
        describe_record(player, &rec, event);
    }
    return status;
}

int ctr_player_start(struct ctr_player *player, uint32_t block, struct ct_error *error)
{
    return start(player, block, error);
}

/* ---- marks: where a block can be played from ---- */

enum { KEPT_BYTES_MAX = 32 * 1024 }; /* a larger state is not worth keeping again and again */

struct playing { /* a player, between two records of the block it was started in */
    uint64_t tick;
    uint32_t thread;
    struct ctr_stacks stacks;
    struct ctr_frame **suspended;
    uint32_t suspended_count;
    size_t numbered_count;
};

static void free_playing(void *state)
{
    struct playing *playing = state;
    if (playing != NULL) {
        ctr_stacks_clear(&playing->stacks);
        for (uint32_t i = 0; i < playing->suspended_count; i++) {
            free(playing->suspended[i]);
        }
        free(playing->suspended);
        free(playing);
    }
}

static bool is_suspended(const struct ctr_frame *frame)
{
    return frame != NULL && !((const struct ctr_activation *)(const void *)frame)->stacked;
}

/* Bytes of the state, and how many frames are on no stack. */
static size_t memory_of(const struct ctr_player *player, uint32_t *suspended)
{
    size_t bytes = ctr_stacks_memory(&player->stacks);
    *suspended = 0;
    for (size_t i = 0; i < player->numbered_count; i++) {
        if (is_suspended(player->numbered[i])) {
            bytes += sizeof(struct ctr_activation) +
                     player->numbered[i]->slot_count * sizeof(struct ctr_value);
            ++*suspended;
        }
    }
    return bytes;
}

/* Copies of the frames that are on no stack. False: no memory. */
static bool copy_suspended(const struct ctr_player *player, uint32_t count, struct playing *playing)
{
    struct ctr_spares none = {0};
    playing->suspended = malloc((count + 1ull) * sizeof(struct ctr_frame *));
    for (size_t i = 0; playing->suspended != NULL && i < player->numbered_count; i++) {
        if (is_suspended(player->numbered[i])) {
            struct ctr_frame *copy = ctr_frame_copy(&none, player->numbered[i]);
            if (copy == NULL) {
                return false;
            }
            playing->suspended[playing->suspended_count++] = copy;
        }
    }
    return playing->suspended != NULL;
}

static struct playing *save(const struct ctr_player *player, uint32_t suspended)
{
    struct ctr_spares none = {0};
    struct playing *playing = calloc(1, sizeof *playing);
    if (playing == NULL) {
        return NULL;
    }
    playing->tick = player->tick;
    playing->thread = player->stack->thread;
    playing->numbered_count = player->numbered_count;
    if (!ctr_stacks_copy(&playing->stacks, &none, &player->stacks) ||
        !copy_suspended(player, suspended, playing)) {
        free_playing(playing);
        return NULL;
    }
    return playing;
}

/* Between two records. Without memory it goes on without a mark. */
static void keep_mark(struct ctr_player *player)
{
    const struct ctr_block *block = player->block;
    size_t at = (size_t)(player->scan.cursor.at - block->raw), number = at / CTR_MARK_BYTES;
    player->mark = (number + 1) * CTR_MARK_BYTES;
    if (player->first_block != block->number || at >= block->size ||
        ctr_mark(player->trace, block, CTR_MARK_PLAYING, (uint32_t)number) != NULL) {
        return;
    }
    uint32_t suspended;
    size_t bytes = memory_of(player, &suspended);
    struct ctr_mark *mark = bytes > KEPT_BYTES_MAX ? NULL : malloc(sizeof *mark);
    struct playing *playing = mark != NULL ? save(player, suspended) : NULL;
    if (playing == NULL) {
        free(mark);
        return;
    }
    *mark = (struct ctr_mark){
        .at = (uint32_t)at,
        .next_node = player->scan.next_node,
        .next_object = player->scan.next_object,
        .step = player->step,
        .call = player->call,
        .state = playing,
        .free_state = free_playing,
    };
    ctr_keep_mark(player->trace, block, CTR_MARK_PLAYING, mark, sizeof *mark + bytes);
}

/* The frames of the block's numbers; others have ended. */
static bool number_frames(struct ctr_player *player, const struct playing *playing)
{
    if (!ct_make_room(&player->numbered, &player->numbered_capacity, playing->numbered_count,
                      sizeof(struct ctr_frame *))) {
        return false;
    }
    while (player->numbered_count < playing->numbered_count) {
        player->numbered[player->numbered_count++] = NULL;
    }
    for (size_t i = 0; i < player->stacks.count; i++) {
        const struct ctr_stack *stack = player->stacks.stacks[i];
        for (uint32_t at = 0; at < stack->count; at++) {
            uint32_t number = ctr_activation_of(stack->frames[at])->number;
            if (number != UINT32_MAX) {
                player->numbered[number] = stack->frames[at];
            }
        }
    }
    for (uint32_t i = 0; i < playing->suspended_count; i++) {
        struct ctr_frame *copy = ctr_frame_copy(&player->spares, playing->suspended[i]);
        if (copy == NULL) {
            return false;
        }
        player->numbered[ctr_activation_of(copy)->number] = copy;
    }
    return true;
}

/* As start(), but stand on the last mark within reach when there is one. */
static int start_near(struct ctr_player *player, uint32_t block, const struct ctr_reach *reach,
                      struct ct_error *error)
{
    int status = start(player, block, error);
    const struct ctr_mark *mark =
        status == CT_OK ? ctr_mark_within(player->trace, player->block, CTR_MARK_PLAYING, reach)
                        : NULL;
    if (mark == NULL) {
        return status;
    }
    const struct playing *playing = mark->state;
    ctr_stacks_clear(&player->stacks);
    if (!ctr_stacks_copy(&player->stacks, &player->spares, &playing->stacks) ||
        !number_frames(player, playing)) {
        player->failed = no_memory(error);
        return player->failed;
    }
    player->stack = ctr_stacks_find(&player->stacks, playing->thread);
    player->at = player->scan.cursor.at = player->block->raw + mark->at;
    player->scan.next_node = mark->next_node;
    player->scan.next_object = mark->next_object;
    player->step = mark->step;
    player->call = mark->call;
    player->tick = playing->tick;
    player->mark = (mark->at / CTR_MARK_BYTES + 1u) * CTR_MARK_BYTES;
    return CT_OK;
}

/* ---- moving without looking at events ---- */

/* How far to run: until the line of `step` was played, up to the record at byte `at` of the block
 * where it starts, or to the end of that block or of the trace. */
struct goal {
    uint64_t step;
    size_t at;
    bool only_block;
};

/* The LINE and SET records that come next, which are most of a trace: all of the top frame. */
static int run_frame(struct ctr_player *player, const struct goal *goal, struct ct_error *error)
{
    struct ctr_frame *frame = top_frame(player);
    struct ctr_scan scan = player->scan;
    uint64_t at_step = player->step, step = goal->step;
    size_t stop = (size_t)(scan.cursor.end - player->block->raw);
    stop = goal->at < stop ? goal->at : stop;
    stop = player->mark < stop ? player->mark : stop;
    const uint8_t *end = player->block->raw + stop;
    if (frame == NULL) {
        return CT_OK;
    }
    while (scan.cursor.at < end && at_step <= step) {
        uint8_t first = *scan.cursor.at;
        uint32_t line = frame->line + first - CTR_LINE_BIAS;
        uint32_t slot = first - CTR_SET;
        if (first < CTR_SET && line <= INT32_MAX) {
            scan.cursor.at++;
            frame->line = line;
            at_step++;
        } else if (first >= CTR_SET && first < CTR_SET + 64 && slot < frame->slot_count) {
            scan.cursor.at++;
            frame->slots[slot] = ctr_scan_value(&scan, frame->slots[slot]);
        } else {
            break;
        }
    }
    player->at = at_step > player->step ? scan.cursor.at - 1 : player->at;
    player->scan = scan;
    player->step = at_step;
    return scan.cursor.failed
               ? damaged(player, error, "a variable continues a number it does not hold")
               : CT_OK;
}

/* Play on to the goal. CT_ESTATE: the trace ends before. */
static int run(struct ctr_player *player, const struct goal *goal, struct ct_error *error)
{
    struct ctr_rec rec;
    settle_leaving(player);
    player->call_waits = false;
    player->is_line = false;
    player->move++;
    for (;;) {
        int status = run_frame(player, goal, error);
        size_t at = (size_t)(player->scan.cursor.at - player->block->raw);
        if (status != CT_OK || player->step > goal->step || at >= goal->at) {
            return status;
        }
        if (at >= player->mark) {
            keep_mark(player);
        }
        player->at = player->scan.cursor.at;
        if (ctr_record_next(&player->scan, &rec)) {
            status = play_record(player, &rec, error);
            player->call_waits = false;
            settle_leaving(player);
        } else if (player->scan.cursor.failed) {
            status = damaged(player, error, "no record");
        } else if (goal->only_block) {
            return CT_OK;
        } else {
            status = next_block(player, error);
        }
        if (status != CT_OK) {
            return status;
        }
    }
}

/* A player that stands shortly before the step just goes on. */
static bool may_go_on(const struct ctr_player *player, uint32_t block, uint64_t step)
{
    return player->block != NULL && player->failed == CT_OK && player->step <= step &&
           (player->block->number == block || player->block->number + 1 == block);
}

static bool stands_on(const struct ctr_player *player, uint64_t step)
{
    return player->block != NULL && player->failed == CT_OK && player->is_line &&
           player->step == step + 1;
}

int ctr_player_seek(struct ctr_player *player, uint64_t step, struct ctr_event *event,
                    struct ct_error *error)
{
    if (step >= player->trace->info.steps) {
        return ct_fail(error, CT_EUSAGE, "there is no step %llu; the last is %lld",
                       (unsigned long long)step, (long long)player->trace->info.steps - 1);
    }
    uint32_t block = ctr_block_of_step(player->trace, step);
    bool is_there = stands_on(player, step);
    int status = CT_OK;
    if (!is_there && !may_go_on(player, block, step)) {
        struct ctr_reach reach = {.at = SIZE_MAX, .step = step, .call = UINT64_MAX};
        status = start_near(player, block, &reach, error);
    }
    if (status == CT_OK && !is_there) {
        status = run(player, &(struct goal){.step = step, .at = SIZE_MAX}, error);
        player->failed = status;
    }
    if (status == CT_OK && player->step == step + 1) {
        describe(player, CTR_EVENT_LINE, event);
        event->number = player->at[0] == CTR_LINE_FAR && player->at[1] == 0; /* another turn */
        return CT_OK;
    }
    if (status == CT_OK || status == CT_ESTATE) {
        status = ct_fail(error, CT_EFORMAT, "block %u does not hold step %llu as the index says",
                         block, (unsigned long long)step);
    }
    return status;
}

int ctr_player_seek_record(struct ctr_player *player, uint32_t block, uint32_t at,
                           struct ctr_event *event, struct ct_error *error)
{
    if (block >= player->trace->info.blocks) {
        return ct_fail(error, CT_EUSAGE, "there is no block %u", block);
    }
    bool may_stay = player->block != NULL && player->failed == CT_OK &&
                    player->block->number == block &&
                    (size_t)(player->scan.cursor.at - player->block->raw) <= at;
    struct ctr_reach reach = {.at = at, .step = UINT64_MAX, .call = UINT64_MAX};
    int status = may_stay ? CT_OK : start_near(player, block, &reach, error);
    if (status == CT_OK) {
        struct goal goal = {.step = UINT64_MAX, .at = at, .only_block = true};
        status = run(player, &goal, error);
        player->failed = status;
    }
    status = status == CT_OK ? ctr_player_next(player, event, error) : status;
    if (status == CT_OK && (player->block->number != block || ctr_player_at(player) != at)) {
        status = ct_fail(error, CT_EUSAGE, "block %u has no event at byte %u", block, at);
    }
    return status;
}

uint32_t ctr_player_at(const struct ctr_player *player)
{
    return player->block == NULL ? 0 : (uint32_t)(player->at - player->block->raw);
}

/* ---- what lies below ---- */

/* The stacks at the end of a pinned block: played once, then kept with it. */
static int find_ending(struct ctr_player *player, const struct ctr_block *block,
                       const struct ctr_stacks **ending, struct ct_error *error)
{
    *ending = ctr_ending(player->trace, block);
    if (*ending != NULL) {
        return CT_OK;
    }
    struct ctr_player *helper = NULL;
    struct ctr_stacks *stacks = calloc(1, sizeof *stacks);
    if (stacks == NULL) {
        return no_memory(error);
    }
    int status = ctr_player_new(&helper, player->trace, error);
    if (status != CT_OK) {
        free(stacks);
        return status;
    }
    status = start(helper, block->number, error);
    if (status == CT_OK) {
        struct goal end = {.step = UINT64_MAX, .at = SIZE_MAX, .only_block = true};
        status = run(helper, &end, error);
    }
    if (status == CT_OK) {
        free_numbered(helper);
        *stacks = helper->stacks;
        helper->stacks = (struct ctr_stacks){0};
        *ending = ctr_keep_ending(player->trace, block, stacks, ctr_stacks_memory(stacks));
    } else {
        free(stacks);
    }
    ctr_player_free(helper);
    return status;
}

/* The block whose end tells what is below the known frames; false when nothing is. */
static bool find_below(struct ctr_player *player, const struct ctr_stack *stack, uint32_t *block)
{
    if (stack->below == CTR_BELOW_CALL) {
        *block = stack->block;
        return stack->block < player->block->number;
    }
    if (stack->below == CTR_BELOW_BEFORE) {
        for (uint32_t at = stack->block; at-- > 0;) {
            if (ctr_block_has_thread(player->trace, at, stack->thread)) {
                *block = at;
                return true;
            }
        }
    }
    return false;
}

/* How many frames of the earlier stack are below the known ones. */
static uint32_t count_below(const struct ctr_stack *stack, const struct ctr_stack *earlier)
{
    if (stack->below == CTR_BELOW_BEFORE) {
        return earlier->count;
    }
    for (uint32_t i = 0; i < earlier->count; i++) {
        if (earlier->frames[i]->call == stack->call) {
            return i;
        }
    }
    return 0;
}

/* Take frames over, and what the rest follows from. The origin goes strictly back in the trace, so
 * that this comes to an end whatever the bytes say. */
static bool take_below(struct ctr_player *player, struct ctr_stack *stack,
                       const struct ctr_stack *earlier, uint32_t block)
{
    uint32_t count = count_below(stack, earlier);
    bool found = stack->below == CTR_BELOW_BEFORE || count < earlier->count;
    if (!found) {
        stack->below = CTR_BELOW_NOTHING;
        return true;
    }
    if (count > 0 && !ctr_stack_lift(stack, &player->spares, earlier->frames, count)) {
        return false;
    }
    if (count < earlier->count && stack->count > count &&
        stack->frames[count]->call == earlier->frames[count]->call &&
        stack->frames[count]->parent == UINT64_MAX) {
        stack->frames[count]->parent = earlier->frames[count]->parent;
    }
    bool goes_back =
        earlier->below == CTR_BELOW_BEFORE ? earlier->block <= block : earlier->block < block;
    stack->below = goes_back ? earlier->below : CTR_BELOW_NOTHING;
    stack->block = earlier->block;
    stack->call = earlier->call;
    return true;
}

static int fetch_below(struct ctr_player *player, struct ctr_stack *stack, struct ct_error *error)
{
    uint32_t block;
    if (!find_below(player, stack, &block)) {
        stack->below = CTR_BELOW_NOTHING;
        return CT_OK;
    }
    const struct ctr_block *earlier;
    const struct ctr_stacks *ending;
    int status = ctr_block_acquire(player->trace, block, &earlier, error);
    if (status != CT_OK) {
        return status;
    }
    status = find_ending(player, earlier, &ending, error);
    if (status == CT_OK) {
        const struct ctr_stack *before = ctr_stacks_find(ending, stack->thread);
        if (before == NULL) {
            stack->below = CTR_BELOW_NOTHING;
        } else if (!take_below(player, stack, before, block)) {
            status = no_memory(error);
        }
    }
    ctr_block_release(player->trace, earlier);
    return status;
}

const struct ctr_frame *ctr_player_frame(struct ctr_player *player, uint32_t thread, uint32_t index,
                                         struct ct_error *error)
{
    if (player->block == NULL) {
        return NULL;
    }
    struct ctr_stack *stack = ctr_stacks_get(&player->stacks, thread, player->first_block);
    if (stack == NULL) {
        no_memory(error);
        return NULL;
    }
    while (index >= stack->count && stack->below != CTR_BELOW_NOTHING) {
        if (fetch_below(player, stack, error) != CT_OK) {
            return NULL;
        }
    }
    return index < stack->count ? stack->frames[stack->count - 1 - index] : NULL;
}

/* ---- objects ---- */

const struct ctr_object *ctr_player_object(struct ctr_player *player, uint64_t number,
                                           struct ct_error *error)
{
    if (player->block == NULL) {
        return NULL;
    }
    size_t limit = (size_t)(player->scan.cursor.at - player->block->raw);
    struct ctr_object_state *state;
    ctr_objects_trim(&player->objects, player->move);
    if (ctr_objects_get(&player->objects, number, player->block, limit, player->move, &state,
                        error) != CT_OK ||
        state == NULL) {
        return NULL;
    }
    ctr_object_settle(&player->objects, state);
    uint64_t step = player->step - (player->is_line && player->step > 0);
    state->object.is_late =
        ctr_objects_is_late(state, player->block, step, &state->object.verified);
    return &state->object;
}

/* ---- life ---- */

int ctr_player_new(struct ctr_player **player, struct ctr_trace *trace, struct ct_error *error)
{
    *player = calloc(1, sizeof **player);
    if (*player == NULL) {
        return no_memory(error);
    }
    (*player)->trace = trace;
    ctr_objects_init(&(*player)->objects, trace);
    return CT_OK;
}

void ctr_player_free(struct ctr_player *player)
{
    if (player != NULL) {
        reset(player);
        ctr_spares_clear(&player->spares);
        free(player->numbered);
        free(player);
    }
}

void ctr_player_limit(struct ctr_player *player, size_t bytes)
{
    ctr_objects_limit(&player->objects, bytes);
}

struct ctr_trace *ctr_player_trace(struct ctr_player *player)
{
    return player->trace;
}
