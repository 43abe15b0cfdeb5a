/* What the files of the engine share. */
#ifndef CT_REPLAY_SESSION_INTERNAL_H
#define CT_REPLAY_SESSION_INTERNAL_H

#include "replay/class_methods.h"
#include "replay/session.h"
#include "replay/values.h"
#include "trace/facts.h"
#include "trace/player.h"

struct rp_references { /* numbers `first` + 1 and on are the values of this moment */
    struct ctr_value *values;
    size_t count, capacity;
    uint64_t first;
};

struct rp_breakpoint;

struct rp_kept_site { /* call_site.c: which call of its caller's line a call was made by */
    uint64_t call;    /* + 1; 0: nothing is kept here */
    bool is_known;
    struct ctr_place_in_source place;
};

enum { RP_KEPT_SITES = 64 };

struct rp_session {
    struct ctr_trace *trace;
    struct ctr_player *player; /* stands at `now` */
    struct ctr_player *scout;  /* looks at other moments */
    struct ctr_player *past;   /* at the step before of the frame last asked for, or NULL */
    struct rp_classes *classes;
    struct rp_references references;
    struct rp_breakpoint *breakpoints; /* a list, by their numbers */
    uint32_t last_breakpoint;
    uint64_t passes;                       /* of breakpoints' hits */
    struct rp_exception_rules *exceptions; /* to stop at; NULL: none */
    struct rp_kept_calls *kept_calls;      /* long ones that were described; NULL: none yet */
    struct rp_kept_site kept_sites[RP_KEPT_SITES]; /* by the call's number */
    struct rp_task_list *tasks;                    /* NULL: not asked for yet */
    struct rp_position now;
    struct rp_watch watch;
};

/* Put a player on a moment and describe it. */
int rp_locate(struct rp_session *session, struct ctr_player *player, struct rp_moment moment,
              struct rp_position *position, struct ct_error *error);

/* As ctr_find, without a limit of blocks: asks the watch instead. */
int rp_find(struct rp_session *session, const struct ctr_query *query, struct ctr_place from,
            bool backwards, struct ctr_page *page, struct ct_error *error);

/* For who looks at hit after hit: CT_ECANCEL when a search that came from `from` to `at` is to
 * end. */
int rp_ask_watch(const struct rp_session *session, struct ctr_place from, struct ctr_place at,
                 struct ct_error *error);

/* The first hit. CT_ESTATE: there is none. */
int rp_find_one(struct rp_session *session, const struct ctr_query *query, struct ctr_place from,
                bool backwards, struct ctr_hit *hit, struct ct_error *error);

/* The latest moment of a thread whose record stands before `place`. CT_ESTATE: there is none. */
int rp_moment_before(struct rp_session *session, uint32_t thread, struct ctr_place place,
                     struct rp_moment *moment, struct ct_error *error);

/* The moment after, and before, on the same thread. CT_ESTATE: there is none. */
int rp_moment_next(struct rp_session *session, const struct rp_position *from,
                   struct rp_moment *moment, struct ct_error *error);
int rp_moment_previous(struct rp_session *session, const struct rp_position *from,
                       struct rp_moment *moment, struct ct_error *error);

/* A frame of a thread's stack at the session's moment, 0 being the top. NULL: there is none. */
const struct ctr_frame *rp_frame_at(struct rp_session *session, uint32_t thread, uint32_t index);

/* Put the past player on the latest step of the frame's call before the moment. False: there is
 * none. And whether a value that stood there is another one now, or the object in it changed. */
bool rp_look_back(struct rp_session *session, uint32_t thread, uint32_t frame);
bool rp_has_changed(struct rp_session *session, struct ctr_value before, struct ctr_value now);

/* What values.h answers, of any player. */
void rp_value_info_of(struct ctr_player *player, struct ctr_value value,
                      struct rp_value_info *info);
int rp_children_of(struct ctr_player *player, struct ctr_value value, enum rp_section section,
                   uint64_t first, uint64_t count, struct rp_list *list, struct ct_error *error);

/* A list grows: add a child, append its name to `names`, say that this was it; look for memory at
 * the end. */
struct rp_child *rp_list_add(struct rp_list *list);
void rp_list_name(struct rp_list *list);
int rp_list_end(const struct rp_list *list, struct ct_error *error);
void rp_name_pair(struct ctr_player *player, struct ctr_value key, bool plain,
                  struct ct_bytes *names);

/* ctr_key() of the lines that breakpoints are on, ascending; the caller frees. */
int rp_break_keys(const struct rp_session *session, uint64_t **keys, uint32_t *count,
                  struct ct_error *error);
/* Whether any exception is one to stop at, and whether this one is. */
struct rp_candidate;
bool rp_exceptions_stop(const struct rp_session *session);
int rp_exception_stops(struct rp_session *session, const struct rp_candidate *candidate,
                       bool *stops, struct ct_error *error);
void rp_breakpoints_free(struct rp_session *session);

void rp_kept_calls_free(struct rp_kept_calls *kept);

/* What was found of tasks is of another moment; and no longer needed at all. */
void rp_forget_tasks(struct rp_task_list *list);
void rp_tasks_free(struct rp_task_list *list);
/* A frame that rp_task_frames gave a number. NULL: there is none. */
const struct ctr_frame *rp_suspended_frame(const struct rp_session *session, uint32_t number);

void rp_forget_references(struct rp_references *references);

/* Whether what a value is depends on the moment; else it says so itself. */
static inline bool rp_needs_moment(struct ctr_value value)
{
    return value.tag == CTR_V_OBJECT || value.tag == CTR_V_NODE;
}

/* Sweeps: who looks at once, and in how many blocks before the watch is asked. */
enum { RP_SWEEP_WORKERS = 2, RP_SWEEP_BLOCKS = 64 };

#define RP_BIT(event) (1u << (event))
enum {
    RP_LEAVES = RP_BIT(CTR_EVENT_RETURN) | RP_BIT(CTR_EVENT_YIELD) | RP_BIT(CTR_EVENT_UNWIND),
    RP_ENDS = RP_BIT(CTR_EVENT_RETURN) | RP_BIT(CTR_EVENT_UNWIND),
    RP_ENTERS = RP_BIT(CTR_EVENT_CALL) | RP_BIT(CTR_EVENT_RESUME) | RP_BIT(CTR_EVENT_THROW),
    RP_LINE = RP_BIT(CTR_EVENT_LINE),
};

/* Events of a call, and of a thread. */
static inline struct ctr_query rp_of_call(uint64_t call, uint32_t events)
{
    return (struct ctr_query){
        .kind = CTR_FIND_EVENTS, .call = call, .thread = CTR_ANY_THREAD, .events = events};
}

static inline struct ctr_query rp_of_thread(uint32_t thread, uint32_t events)
{
    return (struct ctr_query){
        .kind = CTR_FIND_EVENTS, .call = CTR_NO_CALL, .thread = thread, .events = events};
}

static inline bool rp_place_is_before(struct ctr_place a, struct ctr_place b)
{
    return a.block != b.block ? a.block < b.block : a.at < b.at;
}

static inline struct ctr_place rp_behind(struct ctr_place place)
{
    return (struct ctr_place){place.block, place.at + 1};
}

#endif
