/* Plays a trace forwards, one event at a time, and knows the whole state at the event it stands on:
 * stacks of every thread met, variables, objects. Start anywhere; what a block does not say itself
 * is fetched from earlier blocks when asked for.
 *
 * One player belongs to one thread; any number of players share a trace. */
#ifndef CT_TRACE_PLAYER_H
#define CT_TRACE_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/reader.h"
#include "trace/value.h"

struct ctr_player;

enum ctr_event_kind {
    CTR_EVENT_LINE,   /* a step: `frame->line` is about to run */
    CTR_EVENT_CALL,   /* after its arguments are set, before its first line */
    CTR_EVENT_RETURN, /* `value` returned; the frame still holds its last state */
    CTR_EVENT_YIELD,
    CTR_EVENT_RESUME,
    CTR_EVENT_THROW,
    CTR_EVENT_UNWIND,
    CTR_EVENT_RAISE,
    CTR_EVENT_HANDLED,
    CTR_EVENT_OUTPUT,
    CTR_EVENT_INPUT,
    CTR_EVENT_THREAD, /* `thread` runs from here on */
    CTR_EVENT_THREAD_END,
    CTR_EVENT_FORK,
    CTR_EVENT_NOTE,
    CTR_EVENT_KINDS,
};

const char *ctr_event_name(enum ctr_event_kind kind); /* "line", "call", ... */

struct ctr_frame {
    uint64_t call; /* call number */
    uint32_t plan;
    uint32_t line; /* 0 before its first line */
    uint32_t thread;
    uint32_t depth;  /* frames below it that are known to the player */
    uint64_t parent; /* call number of the frame below when it started; UINT64_MAX: none, or not
                        known from the blocks played so far */
    uint32_t entry_block; /* block of its start or latest resume */
    uint32_t slot_count;
    struct ctr_value *slots; /* by the plan's variables */
    bool adopted;            /* was running when the recording first met it (as far as played) */
};

struct ctr_event {
    enum ctr_event_kind kind;
    uint64_t step; /* the step this belongs to: for a line its own number, else the latest (0
                      when there was none yet) */
    uint64_t tick; /* milliseconds since the start, as last known */
    uint32_t thread;
    uint32_t block;
    struct ctr_frame *frame; /* running, ended or suspended frame, still on its stack while the
                                player stands here; NULL when none. Borrowed until it moves */
    struct ctr_value value;  /* returned, yielded, raised, written, read */
    uint64_t number; /* LINE: 1 for another turn of a loop on this line; OUTPUT, INPUT: stream and
                        flags (enum ctr_stream); FORK: process; NOTE: kind; THREAD_END: thread */
};

/* The state of an object at the player's position. Borrowed until the player moves. */
struct ctr_pair {
    struct ctr_value key, value;
};

struct ctr_object {
    uint64_t number;
    uint32_t type;
    uint32_t checked_block; /* last block whose records touched or verified it */
    bool is_late;           /* it changed at some time between step `verified` and its next record
                               in the block: here it may have changed already */
    uint64_t verified;
    /* Lengths in the program; more than the counts when cut. */
    uint64_t true_items, true_pairs, true_attrs;
    uint32_t item_count, pair_count, attr_count;
    struct ctr_value *items;
    struct ctr_pair *pairs; /* in the program's order */
    struct ctr_pair *attrs; /* key: the name */
    uint8_t sections;       /* enum ctr_section bits it ever had */
};

int ctr_player_new(struct ctr_player **player, struct ctr_trace *trace, struct ct_error *error);
void ctr_player_free(struct ctr_player *player);

/* Stand before the first event of `block`. */
int ctr_player_start(struct ctr_player *player, uint32_t block, struct ct_error *error);

/* Stand on the line event of `step`. */
int ctr_player_seek(struct ctr_player *player, uint64_t step, struct ctr_event *event,
                    struct ct_error *error);

/* Go to the next event and describe it. CT_OK; CT_ESTATE after the last; CT_EFORMAT when the trace
 * is damaged here. Several changes of state are applied before the event is returned. */
int ctr_player_next(struct ctr_player *player, struct ctr_event *event, struct ct_error *error);

/* Stand on the event whose record starts at this byte of the block. */
int ctr_player_seek_record(struct ctr_player *player, uint32_t block, uint32_t at,
                           struct ctr_event *event, struct ct_error *error);

/* Where in its block the record starts of the event on which the player stands (of a CALL: it, or
 * one that sets its arguments). */
uint32_t ctr_player_at(const struct ctr_player *player);

/* The thread's stack, `index` 0 being the running frame; fetches what earlier blocks hold. NULL
 * when the stack is no deeper. Borrowed until the next call that moves the player. */
const struct ctr_frame *ctr_player_frame(struct ctr_player *player, uint32_t thread, uint32_t index,
                                         struct ct_error *error);

/* The object's state at this moment; NULL when the trace never described it. */
const struct ctr_object *ctr_player_object(struct ctr_player *player, uint64_t number,
                                           struct ct_error *error);

/* Keep no more than so many bytes of objects' states, but for those one event needs. */
void ctr_player_limit(struct ctr_player *player, size_t bytes);

struct ctr_trace *ctr_player_trace(struct ctr_player *player);

#endif
