/* Finds where things happen, without playing the trace: the index tells which blocks to look into.
 *
 * Every answer is a page: as many hits as the caller has room for, and the place to go on from. */
#ifndef CT_TRACE_QUERY_H
#define CT_TRACE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/player.h"
#include "trace/running.h"

enum ctr_find {
    CTR_FIND_LINE,    /* `plan` comes to `line` */
    CTR_FIND_STEP,    /* `call` comes to any line */
    CTR_FIND_WRITE,   /* variable `slot` of `plan` takes a value */
    CTR_FIND_RAISE,   /* an exception is raised in, or reaches, a frame */
    CTR_FIND_OUTPUT,  /* something is written to a standard stream */
    CTR_FIND_INPUT,   /* something is read from standard input */
    CTR_FIND_CHANGE,  /* the part of `object` that `part` names changes */
    CTR_FIND_CHANGES, /* any of `objects` changes: what it holds itself, or how much. That it is
                         described, or described again as it was, is no change */
    CTR_FIND_LINES,   /* as LINE, of any call, for each of `keys` */
    CTR_FIND_STARTS,  /* code of any of `keys` (their lines do not count) is called */
    CTR_FIND_EVENTS,  /* any of `events`, in `call` and on `thread` */
};

#define CTR_ANY_THREAD UINT32_MAX

enum ctr_part {
    CTR_PART_ITEM, /* items[`index`] */
    CTR_PART_PAIR, /* the value of `key` */
    CTR_PART_ATTR, /* the attribute `key` */
};

struct ctr_query {
    enum ctr_find kind;
    uint32_t plan;
    uint32_t line;
    uint32_t slot;
    uint64_t call;        /* LINE, WRITE, EVENTS: of this call only; CTR_NO_CALL: of any */
    uint32_t thread;      /* EVENTS: on this one only, or CTR_ANY_THREAD */
    uint32_t events;      /* 1 << enum ctr_event_kind: LINE, CALL, RETURN, YIELD, RESUME, THROW,
                             UNWIND, RAISE, HANDLED */
    bool of_parent;       /* EVENTS: only frames that `parent` was below when they started; of */
    uint64_t parent;      /* CTR_NO_CALL: at the bottom of a stack. For CALL only */
    bool no_turns;        /* EVENTS: but for the lines that are another turn of a loop on them */
    const uint64_t *keys; /* ctr_key() of plan and line, ascending */
    uint32_t key_count;
    bool is_bounded; /* look into no block beyond `bound` in the direction of the search */
    uint32_t bound;
    uint64_t object;
    enum ctr_part part;
    uint64_t index;
    struct ctr_value key;    /* as an object's pairs and attributes hold it */
    const uint64_t *objects; /* CHANGES: numbers, ascending */
    uint32_t object_count;
};

/* A record of the trace: block and byte in it. */
struct ctr_place {
    uint32_t block;
    uint32_t at;
};

struct ctr_hit {
    struct ctr_place place;
    uint64_t step; /* of a line its number; else the first step whose state shows it */
    uint64_t call; /* running; CTR_NO_CALL: the block does not know */
    uint32_t plan, line, thread; /* of that call; its line is the one that did it */
    uint64_t stream;             /* OUTPUT: as the record has it */
    enum ctr_event_kind event;   /* EVENTS: which */
    bool is_turn;                /* EVENTS: a line that is another turn of the loop on it */
    bool is_passed_on;           /* RAISE: it came out of the call the frame had made */
    struct ctr_value value; /* set, raised, written, returned; what the part of the object is now
                               (unbound: it is gone); the object that changed; unbound for a line */
};

struct ctr_page {
    struct ctr_hit *hits; /* the caller's, `capacity` of them */
    size_t capacity;
    size_t count;          /* found; in the direction of the search */
    struct ctr_place next; /* `from` of the next page */
    bool done;             /* there is no more in this direction */
};

/* The place of the line of `step` (< steps), and the end of the trace. */
int ctr_place_of_step(struct ctr_trace *trace, uint64_t step, struct ctr_place *place,
                      struct ct_error *error);
struct ctr_place ctr_place_end(struct ctr_trace *trace);

/* Fill a page with what happens at `from` and later or, backwards, before it. Looks into at most
 * `most_blocks` blocks (0: any number); a page with room that is not `done` met that limit. */
int ctr_find(struct ctr_trace *trace, const struct ctr_query *query, struct ctr_place from,
             bool backwards, uint32_t most_blocks, struct ctr_page *page, struct ct_error *error);

/* Whether code of plans that have a flag may have run in a block, from the index alone. What `ran`
 * (from `{0}`) remembers is of the blocks around the one asked for last. */
struct ctr_ran {
    uint32_t first, count;
    uint64_t blocks;
};
int ctr_ran_in(struct ctr_trace *trace, const uint8_t *flags, struct ctr_ran *ran, uint32_t block,
               bool *may_have, struct ct_error *error);

/* How often lines `first` to `first` + `count` - 1 of a plan ran before `step`. */
int ctr_count_lines(struct ctr_trace *trace, uint32_t plan, uint32_t first, uint32_t count,
                    uint64_t step, uint64_t *visits, struct ct_error *error);

/* Which lines ever ran, or may have; keys as in a query. */
int ctr_lines_ran(struct ctr_trace *trace, const uint64_t *keys, uint32_t count, bool *ran,
                  struct ct_error *error);

#endif
