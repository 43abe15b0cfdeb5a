/* `goto`: the next and the previous visit of a line. */
#include <stdio.h>
#include <stdlib.h>

#include "dap/dap_internal.h"
#include "replay/lines.h"

enum { TARGETS = 2 };

/* How often the line ran before the moment, and how often it does behind it. */
static int count_visits(struct dap_session *session, uint32_t path, uint32_t line, uint64_t *before,
                        uint64_t *behind, struct ct_error *error)
{
    const struct rp_position *now = rp_now(session->replay);
    const struct ctr_plan *plan = ctr_plan(session->trace, now->plan);
    uint64_t steps = ctr_info(session->trace)->steps, total;
    bool is_here = plan != NULL && plan->path == path && now->line == line && now->moment.left == 0;
    uint64_t until = now->moment.step + (now->moment.left > 0);
    int status = rp_line_counts(session->replay, path, line, 1, until, before, error);
    if (status == CT_OK) {
        status = rp_line_counts(session->replay, path, line, 1, steps, &total, error);
    }
    *behind = status == CT_OK ? total - *before - is_here : 0;
    return status;
}

static void offer(struct dap_session *session, struct ct_json_out *json, struct dap_target target)
{
    char label[64];
    snprintf(label, sizeof label, "%s visit of line %u", target.backwards ? "Previous" : "Next",
             dap_client_line(session, target.line));
    session->targets[session->target_count++] = target;
    ct_json_begin_object(json);
    ct_json_put_uint(json, "id", session->first_target + session->target_count);
    ct_json_put_text(json, "label", label);
    dap_put_line(session, json, "line", target.line);
    ct_json_end_object(json);
}

int dap_goto_targets(struct dap_request *request)
{
    struct dap_session *session = request->session;
    const json_t *from = request->arguments;
    dap_need(request, from, "line");
    uint32_t path = dap_path_of(request, dap_object(request, from, "source"));
    uint32_t line = dap_line(request, from, "line", 0), found = line;
    uint64_t before = 0, behind = 0;
    if (request->status == CT_OK && path == UINT32_MAX) {
        dap_refuse(request, "there is no such file in the recording");
    }
    if (session->targets == NULL) {
        session->targets = calloc(TARGETS, sizeof *session->targets);
    }
    if (request->status != CT_OK || session->targets == NULL) {
        return request->status != CT_OK ? request->status
                                        : ct_fail(&request->error, CT_ENOMEM, "no memory");
    }
    int status = rp_line_with_steps(session->replay, path, line, &found, &request->error);
    if (status == CT_OK) {
        status = count_visits(session, path, found, &before, &behind, &request->error);
    }
    session->first_target += session->target_count;
    session->target_count = 0;
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "targets");
    if (behind > 0) {
        offer(session, &request->body, (struct dap_target){path, found, false});
    }
    if (before > 0) {
        offer(session, &request->body, (struct dap_target){path, found, true});
    }
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    return status == CT_ESTATE ? CT_OK : status;
}

int dap_goto(struct dap_request *request)
{
    struct dap_session *session = request->session;
    const json_t *from = request->arguments;
    enum rp_end end = RP_MOVED;
    dap_need(request, from, "targetId");
    uint64_t id = dap_uint(request, from, "targetId", 0);
    if (request->status != CT_OK) {
        return request->status;
    }
    if (id <= session->first_target || id - session->first_target > session->target_count) {
        return dap_refuse(request, "there is no target number %llu any more",
                          (unsigned long long)id);
    }
    struct dap_target target = session->targets[id - session->first_target - 1];
    struct rp_line line = {.path = target.path, .line = target.line, .call = CTR_NO_CALL};
    int status = rp_go_line(session->replay, &line, target.backwards, &end, &request->error);
    return dap_moved(request, status, end, DAP_GOTO);
}
