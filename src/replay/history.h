/* What happened to a variable or a part of an object, and what was written or raised: lists over
 * the whole recording, in pages from any place in it, either way. */
#ifndef CT_REPLAY_HISTORY_H
#define CT_REPLAY_HISTORY_H

#include "base/bytes.h"
#include "replay/move.h"
#include "replay/session.h"
#include "trace/text.h"

struct rp_entry {
    struct ctr_place place; /* of the record; rp_go_place leads to its moment */
    uint64_t step;          /* history: the first step that shows it; else the latest before it */
    uint64_t call;          /* CTR_NO_CALL: not known */
    uint32_t plan, line, thread; /* that did it */
    uint64_t stream;             /* output: enum ctr_stream and its flags */
    struct ctr_value value;
    size_t text, text_size; /* of the value in the page's texts: output as written */
};

struct rp_entries { /* start from `{0}`; rp_entries_clear */
    struct rp_entry *entries;
    size_t count, capacity;
    struct ctr_place next; /* where the next page starts */
    bool done;             /* there is no more in this direction */
    struct ct_bytes texts;
};

void rp_entries_clear(struct rp_entries *page);

/* ---- what a history is of ---- */

struct rp_history {
    struct ctr_query query;
};

/* A variable of a frame, by name, else of its module: in all calls of its function, or in that one
 * only. CT_EUSAGE: there is none of this name. */
int rp_history_of_variable(struct rp_session *session, uint32_t thread, uint32_t frame,
                           const char *name, size_t size, bool only_this_call,
                           struct rp_history *history, struct ct_error *error);

/* A child of an object, as rp_children names it: an item by index, a pair or attribute by its key.
 */
int rp_history_of_part(struct rp_session *session, struct ctr_value object, enum ctr_part part,
                       uint64_t index, struct ctr_value key, struct rp_history *history,
                       struct ct_error *error);

/* Changes from a place on, with texts by `options` (NULL: without): what it is bound to, and, while
 * that is an object, where what the object itself holds changes. The first page is there at once:
 * it looks no further than it must. */
int rp_history_page(struct rp_session *session, const struct rp_history *history,
                    struct ctr_place from, bool backwards, uint32_t room,
                    const struct ctr_text_options *options, struct rp_entries *page,
                    struct ct_error *error);

/* For drawing: the recording's steps cut into `count` equal parts, and what happened in each. Goes
 * through all changes; the watch is told how far it is, and may draw what there is so far. */
struct rp_bucket {
    uint64_t changes;
    uint64_t numbers; /* of them with a number, and */
    double first, last, least, most;
};
int rp_history_draw(struct rp_session *session, const struct rp_history *history,
                    struct rp_bucket *buckets, uint32_t count, struct ct_error *error);

/* ---- what the program wrote, and what it raised ---- */

int rp_event_page(struct rp_session *session, enum rp_event event, struct ctr_place from,
                  bool backwards, uint32_t room, const struct ctr_text_options *options,
                  struct rp_entries *page, struct ct_error *error);

/* The exception that is raised behind the session's moment and before the next: by the line about
 * to run, by what goes on of one, or in a coroutine that is resumed by it. Append its text and the
 * name of its type. CT_ESTATE: none is. */
int rp_exception_here(struct rp_session *session, const struct ctr_text_options *options,
                      struct ct_bytes *text, struct ct_bytes *type, struct ct_error *error);

/* The moment at which a record of a thread was made: the latest of the thread before it. */
int rp_go_place(struct rp_session *session, uint32_t thread, struct ctr_place place,
                enum rp_end *end, struct ct_error *error);

#endif
