/* Moving: DAP's requests, and `ct/move`, which has every move there is. */
#include <string.h>

#include "dap/dap_internal.h"
#include "replay/breakpoints.h"
#include "replay/history.h"

/* ---- how a move ends ---- */

static void note_stop(struct dap_session *session, enum rp_end end, enum dap_reason reason)
{
    bool is_step = reason == DAP_STEP;
    session->end = end;
    session->reason = end == RP_MOVED || is_step ? reason : DAP_PAUSE;
    session->hit_count = 0;
    if (end == RP_MOVED) {
        dap_forget_moment(session);
    }
}

static int put_stop(struct dap_request *request, int status)
{
    if (status != CT_OK) {
        return status;
    }
    ct_json_begin_object(&request->body);
    dap_put_state(request->session, &request->body);
    ct_json_end_object(&request->body);
    dap_event_stopped(request->session);
    dap_tell_failures(request->session);
    return CT_OK;
}

int dap_moved(struct dap_request *request, int status, enum rp_end end, enum dap_reason reason)
{
    if (status == CT_OK) {
        note_stop(request->session, end, reason);
    }
    return put_stop(request, status);
}

/* ---- continue ---- */

static enum dap_reason reason_of(const struct dap_session *session, const struct rp_stop *stop)
{
    enum dap_reason reason = stop->is_exception ? DAP_EXCEPTION : DAP_PAUSE;
    if (stop->end == RP_MOVED && stop->hit_count > 0) {
        reason = DAP_FUNCTION_BREAKPOINT;
        for (uint32_t i = 0; i < stop->hit_count; i++) {
            reason = dap_is_function_breakpoint(session, stop->hits[i]) ? reason : DAP_BREAKPOINT;
        }
    }
    return reason;
}

/* Stand where the engine stopped; `from` is where it set out. */
static void take_stop(struct dap_session *session, bool backwards, struct ctr_place from,
                      const struct rp_stop *stop)
{
    struct ctr_place nowhere = backwards ? (struct ctr_place){0, 0} : ctr_place_end(session->trace);
    note_stop(session, stop->end, reason_of(session, stop));
    session->hit_count = stop->hit_count;
    _Static_assert(sizeof session->hits == sizeof stop->hits, "as many hits");
    memcpy(session->hits, stop->hits, sizeof session->hits);
    dap_tell_logs(session, from, stop->end == RP_MOVED ? rp_now(session->replay)->place : nowhere);
}

int dap_go_on(struct dap_session *session, bool backwards, struct ct_error *error)
{
    struct rp_stop stop;
    struct ctr_place from = rp_now(session->replay)->place;
    int status = rp_continue(session->replay, backwards, &stop, error);
    if (status == CT_OK) {
        take_stop(session, backwards, from, &stop);
    }
    return status;
}

/* Where that fails, the start is as good. */
static void go_to_first_hit(struct dap_session *session)
{
    struct rp_stop stop;
    if (rp_start(session->replay, &stop, NULL) == CT_OK) {
        take_stop(session, false, (struct ctr_place){0, 0}, &stop);
    }
}

static int go_on(struct dap_request *request, bool backwards)
{
    dap_thread(request, request->arguments, "threadId", 0);
    if (request->status != CT_OK) {
        return request->status;
    }
    return put_stop(request, dap_go_on(request->session, backwards, &request->error));
}

int dap_continue(struct dap_request *request)
{
    return go_on(request, false);
}

int dap_reverse_continue(struct dap_request *request)
{
    return go_on(request, true);
}

void dap_first_stop(struct dap_session *session)
{
    if (session->replay == NULL || !session->is_configured || session->has_stopped) {
        return;
    }
    session->has_stopped = true;
    if (!session->stops_on_entry) {
        go_to_first_hit(session);
    }
    if (session->end != RP_MOVED) {
        note_stop(session, RP_MOVED, DAP_ENTRY);
    }
    dap_event_stopped(session);
    dap_tell_failures(session);
}

/* ---- DAP's steps ---- */

/* A statement is a step of the engine; a line takes the turns of a loop on it together. */
static int step(struct dap_request *request, enum rp_move move, bool backwards)
{
    const json_t *from = request->arguments;
    enum rp_end end = RP_MOVED;
    uint32_t thread = dap_thread(request, from, "threadId", RP_THIS_THREAD);
    const char *granularity = dap_text(request, from, "granularity", "statement");
    if (strcmp(granularity, "line") == 0 && move == RP_OVER) {
        move = RP_OVER_LINE;
    } else if (strcmp(granularity, "line") != 0 && strcmp(granularity, "statement") != 0 &&
               strcmp(granularity, "instruction") != 0) {
        dap_refuse(request, "granularity is none of statement, line, instruction");
    }
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = rp_step(request->session->replay, move, thread, backwards, &end, &request->error);
    return dap_moved(request, status, end, DAP_STEP);
}

int dap_next(struct dap_request *request)
{
    return step(request, RP_OVER, false);
}

int dap_step_in(struct dap_request *request)
{
    return step(request, RP_INTO, false);
}

int dap_step_out(struct dap_request *request)
{
    return step(request, RP_OUT, false);
}

int dap_step_back(struct dap_request *request)
{
    return step(request, RP_OVER, true);
}

int dap_reverse_step_in(struct dap_request *request)
{
    return step(request, RP_INTO, true);
}

int dap_reverse_step_out(struct dap_request *request)
{
    return step(request, RP_OUT, true);
}

/* ---- ct/move ---- */

struct course { /* what `ct/move` asks for */
    struct rp_session *replay;
    uint32_t thread;
    bool backwards;
    enum rp_end end;
};

static struct rp_moment read_moment(struct dap_request *request, const json_t *from)
{
    const json_t *moment = dap_object(request, from, "moment");
    dap_need(request, from, "moment");
    if (request->status == CT_OK) {
        dap_need(request, moment, "step");
    }
    return (struct rp_moment){
        dap_uint(request, moment, "step", 0),
        (uint32_t)dap_uint_up_to(request, moment, "left", 0, UINT32_MAX),
    };
}

static int move_step(struct dap_request *request, struct course *course, enum rp_move move)
{
    return rp_step(course->replay, move, course->thread, course->backwards, &course->end,
                   &request->error);
}

static int move_into(struct dap_request *request, struct course *course)
{
    return move_step(request, course, RP_INTO);
}

static int move_over(struct dap_request *request, struct course *course)
{
    return move_step(request, course, RP_OVER);
}

static int move_over_line(struct dap_request *request, struct course *course)
{
    return move_step(request, course, RP_OVER_LINE);
}

static int move_out(struct dap_request *request, struct course *course)
{
    return move_step(request, course, RP_OUT);
}

static int move_start(struct dap_request *request, struct course *course)
{
    return rp_go_start(course->replay, &request->error);
}

static int move_end(struct dap_request *request, struct course *course)
{
    return rp_go_end(course->replay, &request->error);
}

/* `call`, or the one that runs. */
static uint64_t read_call(struct dap_request *request, struct course *course)
{
    return dap_uint(request, request->arguments, "call", rp_now(course->replay)->call);
}

static int move_call_start(struct dap_request *request, struct course *course)
{
    uint64_t call = read_call(request, course);
    return request->status != CT_OK
               ? request->status
               : rp_go_call_start(course->replay, call, &course->end, &request->error);
}

static int move_call_end(struct dap_request *request, struct course *course)
{
    uint64_t call = read_call(request, course);
    return request->status != CT_OK
               ? request->status
               : rp_go_call_end(course->replay, call, &course->end, &request->error);
}

static int move_line(struct dap_request *request, struct course *course)
{
    const json_t *from = request->arguments;
    dap_need(request, from, "line");
    struct rp_line line = {
        .path = dap_path_named(request, from, "path"),
        .line = dap_line(request, from, "line", 0),
        .call = dap_uint(request, from, "call", CTR_NO_CALL),
    };
    return request->status != CT_OK ? request->status
                                    : rp_go_line(course->replay, &line, course->backwards,
                                                 &course->end, &request->error);
}

static int move_visit(struct dap_request *request, struct course *course)
{
    const json_t *from = request->arguments;
    uint64_t call = read_call(request, course), count;
    dap_need(request, from, "line");
    dap_need(request, from, "index");
    uint32_t line = dap_line(request, from, "line", 0);
    uint64_t index = dap_uint(request, from, "index", 0);
    return request->status != CT_OK ? request->status
                                    : rp_go_visit(course->replay, call, line, index, &count,
                                                  &course->end, &request->error);
}

static int move_exception(struct dap_request *request, struct course *course)
{
    return rp_go_event(course->replay, RP_EXCEPTION, course->backwards, &course->end,
                       &request->error);
}

static int move_output(struct dap_request *request, struct course *course)
{
    return rp_go_event(course->replay, RP_OUTPUT, course->backwards, &course->end, &request->error);
}

static int move_moment(struct dap_request *request, struct course *course)
{
    struct rp_moment moment = read_moment(request, request->arguments);
    return request->status != CT_OK ? request->status
                                    : rp_go(course->replay, moment, &request->error);
}

static int move_place(struct dap_request *request, struct course *course)
{
    dap_need(request, request->arguments, "place");
    struct ctr_place place =
        dap_place(request, request->arguments, "place", (struct ctr_place){0, 0});
    uint32_t thread =
        course->thread != RP_THIS_THREAD ? course->thread : rp_now(course->replay)->thread;
    return request->status != CT_OK
               ? request->status
               : rp_go_place(course->replay, thread, place, &course->end, &request->error);
}

static const struct {
    const char *name;
    int (*go)(struct dap_request *request, struct course *course);
    enum dap_reason reason;
} moves[] = {
    {"into", move_into, DAP_STEP},
    {"over", move_over, DAP_STEP},
    {"overLine", move_over_line, DAP_STEP},
    {"out", move_out, DAP_STEP},
    {"start", move_start, DAP_GOTO},
    {"end", move_end, DAP_GOTO},
    {"callStart", move_call_start, DAP_GOTO},
    {"callEnd", move_call_end, DAP_GOTO},
    {"line", move_line, DAP_GOTO},
    {"visit", move_visit, DAP_GOTO},
    {"exception", move_exception, DAP_EXCEPTION},
    {"output", move_output, DAP_GOTO},
    {"moment", move_moment, DAP_GOTO},
    {"place", move_place, DAP_GOTO},
};

int dap_move(struct dap_request *request)
{
    const json_t *from = request->arguments;
    dap_need(request, from, "move");
    const char *name = dap_text(request, from, "move", "");
    struct course course = {
        .replay = request->session->replay,
        .thread = dap_thread(request, from, "threadId", RP_THIS_THREAD),
        .backwards = dap_bool(request, from, "backwards", false),
    };
    if (request->status != CT_OK) {
        return request->status;
    }
    if (strcmp(name, "continue") == 0) {
        return go_on(request, course.backwards);
    }
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        if (strcmp(moves[i].name, name) == 0) {
            int status = moves[i].go(request, &course);
            return dap_moved(request, status, course.end, moves[i].reason);
        }
    }
    return dap_refuse(request, "there is no move %.100s", name);
}
