/* CodeTracer's own names for jumps: each is a move that `ct/move` has, with CodeTracer's fields. */
#include <string.h>

#include "dap/dap_internal.h"
#include "replay/call_tree.h"
#include "replay/history.h"
#include "replay/lines.h"

enum { CALLS_AT_ONCE = 16, CALLS_LOOKED_AT = 1024 };

/* ---- to a step ---- */

static int go_to_step(struct dap_request *request, const char *name, enum rp_end *end)
{
    (void)end;
    uint64_t step = dap_uint(request, request->arguments, name, 0);
    return request->status != CT_OK
               ? request->status
               : rp_go(request->session->replay, (struct rp_moment){step, 0}, &request->error);
}

static int jump_to_ticks(struct dap_request *request, enum rp_end *end)
{
    const char *name = dap_has(request->arguments, "rrTicks") ? "rrTicks" : "ticks";
    dap_need(request, request->arguments, name);
    return go_to_step(request, name, end);
}

static int jump_to_entry(struct dap_request *request, enum rp_end *end)
{
    (void)end;
    return rp_go_start(request->session->replay, &request->error);
}

/* A Location: of a call it has the key, of anything else the step. */
static int jump_to_location(struct dap_request *request, enum rp_end *end)
{
    if (dap_has(request->arguments, "rrTicks")) {
        return go_to_step(request, "rrTicks", end);
    }
    dap_need(request, request->arguments, "key");
    uint64_t call = dap_uint(request, request->arguments, "key", 0);
    return request->status != CT_OK
               ? request->status
               : rp_go_call_start(request->session->replay, call, end, &request->error);
}

/* A ProgramEvent: CodeTracer's has the step, ours the place. */
static int jump_to_event(struct dap_request *request, enum rp_end *end)
{
    const json_t *from = request->arguments;
    struct rp_session *replay = request->session->replay;
    if (!dap_has(from, "place")) {
        dap_need(request, from, "directLocationRRTicks");
        return go_to_step(request, "directLocationRRTicks", end);
    }
    struct ctr_place place = dap_place(request, from, "place", (struct ctr_place){0, 0});
    uint32_t thread = dap_thread(request, from, "threadId", rp_now(replay)->thread);
    return request->status != CT_OK ? request->status
                                    : rp_go_place(replay, thread, place, end, &request->error);
}

/* ---- to a line ---- */

/* Its next visit; where there is none any more, the latest before. */
static int go_to_line(struct dap_request *request, struct rp_line *line, enum rp_end *end)
{
    struct rp_session *replay = request->session->replay;
    int status = rp_line_with_steps(replay, line->path, line->line, &line->line, &request->error);
    if (status == CT_OK) {
        status = rp_go_line(replay, line, false, end, &request->error);
    }
    if (status == CT_OK && *end == RP_NOT_FOUND) {
        status = rp_go_line(replay, line, true, end, &request->error);
    }
    return status;
}

static struct rp_line read_line(struct dap_request *request)
{
    dap_need(request, request->arguments, "line");
    return (struct rp_line){
        .path = dap_path_named(request, request->arguments, "path"),
        .line = dap_line(request, request->arguments, "line", 0),
        .call = CTR_NO_CALL,
    };
}

static int jump_to_line(struct dap_request *request, enum rp_end *end)
{
    struct rp_line line = read_line(request);
    return request->status != CT_OK ? request->status : go_to_line(request, &line, end);
}

/* "f" of "f", "Class.f", "outer.<locals>.f". */
static bool is_named(const struct ctr_plan *plan, const char *token)
{
    size_t size = strlen(token);
    return plan != NULL && plan->name.size == size && memcmp(plan->name.bytes, token, size) == 0;
}

/* The next call of this name that the running call makes. */
static int go_into_call(struct dap_request *request, const char *token, enum rp_end *end)
{
    struct rp_session *replay = request->session->replay;
    const struct rp_position *now = rp_now(replay);
    struct rp_calls page = {.next = now->place, .more = true};
    uint64_t call = CTR_NO_CALL, caller = now->call;
    int status = CT_OK;
    for (unsigned seen = 0;
         status == CT_OK && page.more && call == CTR_NO_CALL && seen < CALLS_LOOKED_AT;
         seen += CALLS_AT_ONCE) {
        status = rp_calls_named(replay, token, page.next, false, CALLS_AT_ONCE, NULL, &page,
                                &request->error);
        for (size_t i = 0; status == CT_OK && i < page.count && call == CTR_NO_CALL; i++) {
            const struct ctr_call *about = &page.calls[i].about;
            bool is_it = about->parent == caller &&
                         is_named(ctr_plan(request->session->trace, about->plan), token);
            call = is_it ? about->number : call;
        }
    }
    rp_calls_clear(&page);
    *end = RP_NOT_FOUND;
    return status != CT_OK || call == CTR_NO_CALL
               ? status
               : rp_go_call_start(replay, call, end, &request->error);
}

static int jump_to_call(struct dap_request *request, enum rp_end *end)
{
    struct rp_session *replay = request->session->replay;
    struct rp_moment from = rp_now(replay)->moment;
    struct rp_line line = read_line(request);
    dap_need(request, request->arguments, "token");
    const char *token = dap_text(request, request->arguments, "token", "");
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = go_to_line(request, &line, end);
    if (status == CT_OK && *end == RP_MOVED) {
        status = go_into_call(request, token, end);
    }
    if (status != CT_OK || *end != RP_MOVED) { /* stay where it stood */
        int back = rp_go(replay, from, NULL);
        return status != CT_OK ? status : back;
    }
    return CT_OK;
}

/* An iteration of a loop of the running call. */
static int jump_to_iteration(struct dap_request *request, enum rp_end *end)
{
    const json_t *from = request->arguments;
    struct rp_session *replay = request->session->replay;
    uint64_t count;
    if (!dap_has(from, "targetIteration")) {
        return jump_to_ticks(request, end);
    }
    const char *name = dap_has(from, "firstLoopLine") ? "firstLoopLine" : "line";
    dap_need(request, from, name);
    uint32_t line = dap_line(request, from, name, 0);
    uint64_t index = dap_uint(request, from, "targetIteration", 0);
    return request->status != CT_OK ? request->status
                                    : rp_go_visit(replay, rp_now(replay)->call, line, index, &count,
                                                  end, &request->error);
}

/* ---- all of them ---- */

static const struct {
    const char *command;
    int (*go)(struct dap_request *request, enum rp_end *end);
    enum dap_reason reason;
} jumps[] = {
    {"ct/goto-ticks", jump_to_ticks, DAP_GOTO},
    {"ct/timeline-seek", jump_to_ticks, DAP_GOTO},
    {"ct/run-to-entry", jump_to_entry, DAP_ENTRY},
    {"ct/source-line-jump", jump_to_line, DAP_GOTO},
    {"ct/source-call-jump", jump_to_call, DAP_GOTO},
    {"ct/calltrace-jump", jump_to_location, DAP_GOTO},
    {"ct/history-jump", jump_to_location, DAP_GOTO},
    {"ct/event-jump", jump_to_event, DAP_GOTO},
    {"ct/trace-jump", jump_to_event, DAP_GOTO},
    {"ct/local-step-jump", jump_to_iteration, DAP_GOTO},
};

int dap_jump(struct dap_request *request)
{
    enum rp_end end = RP_MOVED;
    size_t i = 0;
    while (strcmp(jumps[i].command, request->command) != 0) { /* the handlers' table has no other */
        i++;
    }
    int status = jumps[i].go(request, &end);
    return dap_moved(request, status, end, jumps[i].reason);
}
