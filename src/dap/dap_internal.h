/* What the files of the debug adapter share: the session, a request on its way, reading arguments,
 * writing bodies. */
#ifndef CT_DAP_DAP_INTERNAL_H
#define CT_DAP_DAP_INTERNAL_H

#include <jansson.h>
#include <pthread.h>

#include "base/json_out.h"
#include "dap/dap.h"
#include "replay/breakpoints.h"
#include "replay/move.h"
#include "replay/session.h"
#include "replay/values.h"

enum {
    DAP_MESSAGE_BYTES = 4 * 1024 * 1024, /* of a request; a longer one is not read */
    DAP_LIST_MAX = 10000,                /* items of one answer */
    DAP_CANCELS = 64,                    /* remembered until their requests come */
};

#define DAP_INTEGER_MAX ((1ull << 53) - 1) /* JavaScript's numbers are exact up to here */

/* ---- the session ---- */

struct dap_frame { /* what a frame's id stands for */
    uint32_t thread, index;
};

struct dap_name { /* what to type for a value, by its number */
    uint64_t reference;
    size_t at, size;
};

struct dap_break;

enum dap_reason {
    DAP_ENTRY,
    DAP_STEP,
    DAP_PAUSE, /* it went on, and stays: nothing was hit */
    DAP_BREAKPOINT,
    DAP_FUNCTION_BREAKPOINT,
    DAP_EXCEPTION,
    DAP_GOTO,
};

struct dap_target { /* of `goto` */
    uint32_t path, line;
    bool backwards;
};

struct dap_session {
    struct dap_options options;
    char *directory;
    struct ctr_trace *trace; /* NULL: none is open yet */
    bool owns_trace;
    struct rp_session *replay; /* NULL: none is open, or it has no step */
    struct ct_error no_replay; /* why */
    bool is_initialized, is_launched, is_configured, has_stopped, has_terminated, has_ended;
    bool stops_on_entry;

    /* what the client told of itself */
    bool lines_from_0, columns_from_0, wants_uris, shows_progress;

    /* numbers that are good until the session moves */
    struct dap_frame *frames; /* of ids `first_frame` + 1 and on */
    size_t frame_count, frame_capacity;
    uint64_t first_frame;
    uint32_t highest_frame; /* the largest index among them: a larger one is new */
    struct dap_name *names;
    size_t name_count, name_capacity;
    struct ct_bytes name_texts;

    struct dap_break *breakpoints;
    struct dap_target *targets; /* of ids `first_target` + 1 and on */
    size_t target_count;
    uint64_t first_target;
    uint8_t *sources; /* by path, enum dap_source_state; NULL: not asked for yet */

    /* of the call whose flow was asked for last */
    uint64_t lines_call;
    uint32_t *lines_run; /* NULL: of none yet */
    uint32_t lines_count;

    /* the latest stop */
    enum dap_reason reason;
    enum rp_end end;
    uint32_t hits[RP_STOP_HITS];
    unsigned hit_count;

    struct ct_bytes waiting; /* events that follow the response: u32 size, text */
    int64_t last_seq;        /* of what was sent */
    int64_t running;         /* seq of the request on its way */
    int64_t batch;           /* seq of the batch it is in; -1: none */
    const char *running_command;
    bool tells_progress; /* of it */
    int64_t told_at;     /* milliseconds of a steady clock: when it began, or was told of */
    int64_t patience;    /* milliseconds before a progress is shown */

    pthread_mutex_t lock; /* guards what follows: others may cancel */
    int64_t cancelled[DAP_CANCELS];
    unsigned cancel_count; /* ever; the latest are kept */
};

/* ---- a request ---- */

struct dap_request {
    struct dap_session *session;
    const char *command;
    json_t *arguments; /* an object, or NULL */
    int64_t seq;
    int status; /* of reading the arguments: the first failure sticks */
    struct ct_error error;
    struct ct_json_out body; /* empty: none */
};

typedef int dap_answer(struct dap_request *request);

enum dap_need {
    DAP_NOTHING,   /* answered at any time */
    DAP_CLIENT,    /* after `initialize` */
    DAP_RECORDING, /* and there is a recording */
    DAP_MOMENT,    /* and it has a step */
};

struct dap_handler {
    const char *command;
    dap_answer *answer;
    enum dap_need need;
    const char *capability; /* that says so, or NULL */
};

extern const struct dap_handler dap_handlers[];
extern const size_t dap_handler_count;

/* ---- reading arguments (arguments.c) ----
 *
 * Of `from`: the request's arguments or an object in them; NULL is an object without members. What
 * is absent, or null, is `otherwise`; what is of another type, or out of range, fails the request:
 * look at `status` before doing anything. */

bool dap_has(const json_t *from, const char *name);
/* Fail when it is absent. */
void dap_need(struct dap_request *request, const json_t *from, const char *name);
uint64_t dap_uint(struct dap_request *request, const json_t *from, const char *name,
                  uint64_t otherwise);
uint64_t dap_uint_up_to(struct dap_request *request, const json_t *from, const char *name,
                        uint64_t otherwise, uint64_t most);
bool dap_bool(struct dap_request *request, const json_t *from, const char *name, bool otherwise);
/* Without NUL inside. */
const char *dap_text(struct dap_request *request, const json_t *from, const char *name,
                     const char *otherwise);
json_t *dap_object(struct dap_request *request, const json_t *from, const char *name);
json_t *dap_array(struct dap_request *request, const json_t *from, const char *name);
/* A line as the trace counts them, from 1. */
uint32_t dap_line(struct dap_request *request, const json_t *from, const char *name,
                  uint32_t otherwise);
/* How many items of a list are wanted: DAP's 0 and absent mean all, of which a limit is given. */
uint32_t dap_count(struct dap_request *request, const json_t *from, const char *name);
/* A thread by the client's number. */
uint32_t dap_thread(struct dap_request *request, const json_t *from, const char *name,
                    uint32_t otherwise);
/* `frameId`; without it, the frame that runs. */
struct dap_frame dap_frame_of(struct dap_request *request, const json_t *from);
struct ctr_place dap_place(struct dap_request *request, const json_t *from, const char *name,
                           struct ctr_place otherwise);
/* Fail the request while its arguments are read. */
int dap_refuse(struct dap_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- writing bodies (bodies.c) ---- */

void dap_put_text(struct ct_json_out *json, const char *key, struct ctr_text text);
void dap_put_bytes(struct ct_json_out *json, const char *key, const struct ct_bytes *text);
/* UINT64_MAX: null. */
void dap_put_number_or_null(struct ct_json_out *json, const char *key, uint64_t number);
void dap_put_object(struct ct_json_out *json, const char *key); /* ct_json_end_object ends it */
void dap_put_array(struct ct_json_out *json, const char *key);
void dap_put_place(struct ct_json_out *json, const char *key, struct ctr_place place);
/* Lines, threads and paths as the client counts and writes them. */
uint32_t dap_client_line(const struct dap_session *session, uint32_t line);
void dap_put_line(const struct dap_session *session, struct ct_json_out *json, const char *key,
                  uint32_t line);
void dap_put_thread(struct ct_json_out *json, const char *key, uint32_t thread);
void dap_put_path(const struct dap_session *session, struct ct_json_out *json, const char *key,
                  struct ctr_text path);

/* ---- events (events.c) ---- */

/* Write the body of an event in between. It is sent at once, or behind the response. */
void dap_event_begin(struct ct_json_out *json, const char *event);
void dap_event_send(struct dap_session *session, struct ct_json_out *json);
void dap_event_queue(struct dap_session *session, struct ct_json_out *json);
/* An event without a body, behind the response. */
void dap_event_plain(struct dap_session *session, const char *event);
void dap_events_flush(struct dap_session *session);
/* `stopped` and `ct/complete-move`, of where the session stands. */
void dap_event_stopped(struct dap_session *session);
void dap_put_hits(const struct dap_session *session, struct ct_json_out *json, const char *key);
/* Hand a JSON text without its closing brace to the client, numbered. */
void dap_post(struct dap_session *session, struct ct_json_out *json);

/* ---- places (location.c) ---- */

struct dap_where {
    uint32_t plan, line;
    uint64_t step, call;
    bool has_depth;
    uint64_t depth;
};

void dap_put_location(const struct dap_session *session, struct ct_json_out *json, const char *key,
                      struct dap_where where);
/* MoveState: an object's members of where the session stands. */
void dap_put_state(struct dap_session *session, struct ct_json_out *json);
const char *dap_reason_name(enum dap_reason reason);

/* ---- frames (frames.c) ---- */

/* The id of a frame, until the session moves. CT_ELIMIT: there are too many. */
int dap_frame_id(struct dap_session *session, struct dap_frame frame, uint64_t *id,
                 struct ct_error *error);
/* A StackFrame; `sites` finds the call it waits in, NULL: it waits in none. */
struct rp_frame;
struct rp_sites;
int dap_put_frame(struct dap_session *session, struct ct_json_out *json,
                  const struct rp_frame *frame, struct dap_frame which, struct rp_sites *sites,
                  struct ct_error *error);
bool dap_frame_find(const struct dap_session *session, uint64_t id, struct dap_frame *frame);
void dap_put_thread_name(const struct dap_session *session, struct ct_json_out *json,
                         const char *key, uint32_t thread);
bool dap_has_thread(const struct dap_session *session, uint32_t thread);
/* Numbers of the moment that was are no longer good. */
void dap_forget_moment(struct dap_session *session);

/* ---- values (variables.c) ---- */

/* What a number of the client's stands for. */
enum dap_holder { DAP_LOCALS, DAP_GLOBALS, DAP_RESULT, DAP_VALUE, DAP_HOLDERS };

uint64_t dap_reference(enum dap_holder holder, uint64_t number);
/* The value that a number stands for; how a request with another number fails. */
bool dap_referred(const struct dap_session *session, uint64_t reference, struct ctr_value *value);
int dap_refuse_reference(struct dap_request *request, uint64_t reference);

struct dap_shown { /* how a value is shown */
    struct ctr_value value;
    const char *key; /* of its text: "value" in a Variable, "result" of `evaluate` */
    const struct ctr_text_options *options;
    const struct rp_child *child; /* what changed; NULL: not told */
    const char *variable_kind;    /* NULL: not told */
    const struct ct_bytes *name;  /* what one types for it; NULL, or empty: nobody knows */
};

/* The members that tell of it: text and type, how many children it has and by which number they are
 * known, and `ct`. */
int dap_put_value(struct dap_session *session, struct ct_json_out *json,
                  const struct dap_shown *shown, struct ct_error *error);

/* An array of the first variables that a number stands for. */
int dap_put_first_variables(struct dap_request *request, const char *key, uint64_t reference,
                            uint32_t count);

extern const struct ctr_text_options dap_brief; /* of a value among others */

/* The member `table` of a value that reads as one (table.c). */
int dap_put_table(struct dap_session *session, struct ct_json_out *json, struct ctr_value value,
                  struct ct_error *error);

/* ---- sources (source.c) ---- */

/* The file a Source of the client's names; UINT32_MAX: none that was recorded. */
uint32_t dap_path_of(struct dap_request *request, const json_t *source);
/* The same of arguments that name a path; fails when there is none. */
uint32_t dap_path_named(struct dap_request *request, const json_t *from, const char *name);
void dap_put_source(struct dap_session *session, struct ct_json_out *json, const char *key,
                    uint32_t path);

/* ---- moves (moves.c) ---- */

/* How a move ends: the body of the response, and the events. */
int dap_moved(struct dap_request *request, int status, enum rp_end end, enum dap_reason reason);
/* On to the next hit. */
int dap_go_on(struct dap_session *session, bool backwards, struct ct_error *error);
/* Stop for the first time, as soon as there is a recording and the client is ready. */
void dap_first_stop(struct dap_session *session);

/* ---- breakpoints (breakpoints.c, exceptions.c) ---- */

void dap_put_exception_filters(struct ct_json_out *json);

void dap_breakpoints_free(struct dap_session *session);
bool dap_is_function_breakpoint(const struct dap_session *session, uint32_t number);
/* Tell, by `output` events, what log points say between two places (rp_break_log). */
void dap_tell_logs(struct dap_session *session, struct ctr_place from, struct ctr_place to);
/* Tell of conditions that failed since it was told last, by events. */
void dap_tell_failures(struct dap_session *session);

/* ---- cancelling (session.c) ---- */

/* The request, or the batch it is in. */
bool dap_is_cancelled(struct dap_session *session, int64_t seq);
void dap_forget_cancel(struct dap_session *session, int64_t seq);
void dap_open_replay(struct dap_session *session);
/* ---- long work (progress.c) ---- */

void dap_progress_begin(struct dap_request *request, const char *command);
void dap_progress_end(struct dap_request *request);
/* The engine's watch: `context` is the session. */
bool dap_go_on_searching(void *context, uint64_t done, uint64_t total);
/* The request a progress belongs to. */
bool dap_progress_request(const char *progress, int64_t *seq);

/* To the error of reading or evaluating `text`: where in it, as a column. */
void dap_error_at(struct ct_error *error, const char *text, size_t at);

/* ---- the answers, by file ---- */

/* request.c */
dap_answer dap_batch;
/* lifecycle.c */
dap_answer dap_initialize, dap_launch, dap_configuration_done, dap_restart, dap_terminate,
    dap_disconnect, dap_cancel;
/* frames.c */
dap_answer dap_threads, dap_stack_trace, dap_scopes;
/* variables.c */
dap_answer dap_variables, dap_load_locals;
/* table.c */
dap_answer dap_load_table;
/* evaluate.c */
dap_answer dap_evaluate, dap_completions, dap_exception_info;
/* source.c */
dap_answer dap_source, dap_loaded_sources;
/* moves.c */
dap_answer dap_next, dap_step_in, dap_step_out, dap_step_back, dap_reverse_step_in,
    dap_reverse_step_out, dap_continue, dap_reverse_continue, dap_move;
/* jumps.c: of all of CodeTracer's */
dap_answer dap_jump;
/* goto.c */
dap_answer dap_goto_targets, dap_goto;
/* breakpoints.c */
dap_answer dap_set_breakpoints, dap_set_function_breakpoints, dap_breakpoint_locations;
/* exceptions.c */
dap_answer dap_set_exception_breakpoints;
/* recording.c */
dap_answer dap_recording, dap_files, dap_line_counts;
/* flow.c */
dap_answer dap_load_flow, dap_visit, dap_load_loops;
/* calls.c */
dap_answer dap_load_calls, dap_search_calls, dap_call_path;
/* history.c */
dap_answer dap_load_history, dap_draw_history, dap_event_load, dap_load_terminal;
/* timeline.c */
dap_answer dap_load_timeline, dap_at;
/* tasks.c */
dap_answer dap_tasks, dap_task_frames;

#endif
