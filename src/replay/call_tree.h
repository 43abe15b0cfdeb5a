/* The tree of calls, in windows: what a call made, what is at the bottom of a thread's stack, who
 * called, calls of functions by name. No list of calls is ever held. */
#ifndef CT_REPLAY_CALL_TREE_H
#define CT_REPLAY_CALL_TREE_H

#include "base/bytes.h"
#include "replay/session.h"
#include "trace/calls.h"
#include "trace/text.h"

struct rp_call {
    struct ctr_call about; /* plan, thread, parent, size of its subtree, exit, steps */
    bool has_steps;
    uint64_t first_step;              /* of its own */
    uint64_t children;                /* calls it made itself */
    size_t arguments, arguments_size; /* texts of the page: "n=1, key='k'" */
    size_t result, result_size;       /* what it returned or raised; empty: neither */
};

struct rp_calls { /* a page; start from `{0}`; rp_calls_clear */
    struct rp_call *calls;
    size_t count, capacity;
    uint64_t total;        /* children: how many there are */
    bool more;             /* roots and calls by name: there are others behind */
    struct ctr_place next; /* calls by name: where to go on */
    struct ct_bytes texts;
};

static inline struct ctr_text rp_call_text(const struct rp_calls *page, size_t at, size_t size)
{
    return (struct ctr_text){(const char *)page->texts.data + at, size};
}

void rp_calls_clear(struct rp_calls *page);

/* Each call of the page is described with texts made by `options`; NULL: without. */

/* The calls that `parent` made, `first` and on. */
int rp_call_children(struct rp_session *session, uint64_t parent, uint64_t first, uint32_t room,
                     const struct ctr_text_options *options, struct rp_calls *page,
                     struct ct_error *error);

/* Calls at the bottom of a thread's stack, in order, behind that one (CTR_NO_CALL: from the first).
 */
int rp_call_roots(struct rp_session *session, uint32_t thread, uint64_t behind, uint32_t room,
                  const struct ctr_text_options *options, struct rp_calls *page,
                  struct ct_error *error);

/* The call itself, then who called it, and so on. */
int rp_call_path(struct rp_session *session, uint64_t call, uint32_t room,
                 const struct ctr_text_options *options, struct rp_calls *page,
                 struct ct_error *error);

/* Calls of functions whose qualified name has this text in it, from a place on, either way. */
int rp_calls_named(struct rp_session *session, const char *text, struct ctr_place from,
                   bool backwards, uint32_t room, const struct ctr_text_options *options,
                   struct rp_calls *page, struct ct_error *error);

#endif
