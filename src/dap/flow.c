/* The flow of a call: the visits of its lines, its loops. */
#include <stdlib.h>

#include "dap/dap_internal.h"
#include "replay/flow.h"

enum { VISITS_MAX = 2000, LOOPS_MAX = 1000 };

static const struct ctr_text_options inline_text = {.depth = 3, .items = 20, .characters = 120};

/* ---- ct/load-flow ---- */

static struct ctr_text text_at(const struct rp_flow *page, size_t at, size_t size)
{
    return (struct ctr_text){(const char *)page->texts.data + at, size};
}

static void put_value(struct ct_json_out *json, const struct rp_flow *page,
                      const struct rp_flow_value *value)
{
    ct_json_begin_object(json);
    dap_put_text(json, "name", text_at(page, value->name, value->name_size));
    if (value->before_size > 0) {
        dap_put_text(json, "before", text_at(page, value->before, value->before_size));
    }
    if (value->after_size > 0) {
        dap_put_text(json, "after", text_at(page, value->after, value->after_size));
    }
    ct_json_put_bool(json, "isRead", value->is_read);
    ct_json_put_bool(json, "isWritten", value->is_written);
    ct_json_put_bool(json, "isChanged", value->is_changed);
    ct_json_end_object(json);
}

static void put_visit(const struct dap_session *session, struct ct_json_out *json,
                      const struct rp_flow *page, const struct rp_visit *visit)
{
    static const char *const conditions[] = {
        [RP_UNKNOWN] = "unknown", [RP_FALSE] = "false", [RP_TRUE] = "true"};
    ct_json_begin_object(json);
    dap_put_line(session, json, "line", visit->line);
    ct_json_put_uint(json, "rrTicks", visit->step);
    ct_json_put_bool(json, "isTurn", visit->is_turn);
    ct_json_put_text(json, "condition", conditions[visit->condition]);
    dap_put_array(json, "values");
    for (size_t i = 0; i < visit->value_count; i++) {
        put_value(json, page, &page->values[visit->first_value + i]);
    }
    ct_json_end_array(json);
    ct_json_end_object(json);
}

/* They are those of the whole call: kept, as one asks for window after window. */
static int find_lines_run(struct dap_session *session, uint64_t call, struct ct_error *error)
{
    uint32_t *lines, count;
    if (session->lines_run != NULL && session->lines_call == call) {
        return CT_OK;
    }
    int status = ctr_call_lines(session->trace, call, &lines, &count, error);
    if (status == CT_OK) {
        free(session->lines_run);
        session->lines_run = lines;
        session->lines_count = count;
        session->lines_call = call;
    }
    return status;
}

static int put_lines_run(struct dap_request *request, uint64_t call)
{
    struct dap_session *session = request->session;
    int status = find_lines_run(session, call, &request->error);
    for (uint32_t i = 0; status == CT_OK && i < session->lines_count; i++) {
        ct_json_uint(&request->body, dap_client_line(session, session->lines_run[i]));
    }
    return status;
}

/* Where the call begins, or went on when the recording began. */
static void put_start(struct dap_request *request, const struct rp_flow *page)
{
    const struct ctr_call *call = &page->call;
    const struct ctr_plan *plan = ctr_plan(request->session->trace, call->plan);
    uint32_t line = page->count > 0 ? page->visits[0].line : plan != NULL ? plan->first_line : 0;
    struct dap_where where = {
        .plan = call->plan, .line = line, .step = call->start, .call = call->number};
    dap_put_location(request->session, &request->body, "location", where);
}

static int put_flow(struct dap_request *request, const struct rp_flow *page, bool has_visits)
{
    struct dap_session *session = request->session;
    ct_json_begin_object(&request->body);
    ct_json_put_uint(&request->body, "call", page->call.number);
    put_start(request, page);
    dap_put_array(&request->body, "steps");
    for (size_t i = 0; i < page->count; i++) {
        put_visit(session, &request->body, page, &page->visits[i]);
    }
    ct_json_end_array(&request->body);
    ct_json_put_bool(&request->body, "more", page->more);
    dap_put_array(&request->body, "linesRun");
    int status = has_visits ? put_lines_run(request, page->call.number) : CT_OK;
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    return status;
}

/* Nothing of the call `unless`, whose flow the client has, nor of one of more steps than `within`.
 */
int dap_load_flow(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct dap_session *session = request->session;
    struct rp_flow page = {.more = true};
    struct ctr_call call = {.number =
                                dap_uint(request, from, "call", rp_now(session->replay)->call)};
    uint64_t step = dap_uint(request, from, "from", 0);
    uint64_t unless = dap_uint(request, from, "unless", CTR_NO_CALL);
    uint64_t within = dap_uint(request, from, "within", UINT64_MAX);
    uint32_t count = dap_count(request, from, "count");
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = ctr_call_get(session->trace, call.number, &call, &request->error);
    if (status != CT_OK) {
        return status;
    }
    page.call = call;
    bool is_wanted = call.number != unless && call.end - call.start <= within;
    if (is_wanted) {
        count = count < VISITS_MAX ? count : VISITS_MAX;
        status = rp_flow(session->replay, &call, step, count, &inline_text, &page, &request->error);
    }
    if (status == CT_OK) {
        status = put_flow(request, &page, is_wanted);
    }
    rp_flow_clear(&page);
    return status;
}

/* ---- ct/visit ---- */

int dap_visit(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct dap_session *session = request->session;
    struct rp_latest_visit visit;
    uint64_t call = dap_uint(request, from, "call", rp_now(session->replay)->call);
    uint32_t line = dap_line(request, from, "line", rp_now(session->replay)->line);
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = rp_latest_visit(session->replay, call, line, &visit, &request->error);
    ct_json_begin_object(&request->body);
    ct_json_put_int(&request->body, "index", (int64_t)visit.so_far - 1);
    ct_json_put_uint(&request->body, "count", visit.count);
    ct_json_put_int(&request->body, "step", visit.so_far > 0 ? (int64_t)visit.step : -1);
    ct_json_end_object(&request->body);
    return status;
}

/* ---- ct/load-loops ---- */

/* The smallest loop around it; -1: none. */
static int64_t loop_around(const struct rp_loop *loops, uint32_t count, uint32_t which)
{
    const struct ctr_loop_fact *inner = &loops[which].about;
    int64_t found = -1;
    for (uint32_t i = 0; i < count; i++) {
        const struct ctr_loop_fact *outer = &loops[i].about;
        bool is_around = i != which && outer->first_line <= inner->first_line &&
                         outer->last_line >= inner->last_line &&
                         (outer->first_line < inner->first_line ||
                          outer->last_line > inner->last_line || i < which);
        if (is_around &&
            (found < 0 || outer->last_line - outer->first_line <
                              loops[found].about.last_line - loops[found].about.first_line)) {
            found = i;
        }
    }
    return found;
}

static int put_loop(struct dap_request *request, uint64_t call, const struct rp_loop *loops,
                    uint32_t count, uint32_t which)
{
    struct dap_session *session = request->session;
    struct ct_json_out *json = &request->body;
    const struct ctr_loop_fact *about = &loops[which].about;
    uint64_t so_far = 0, now = rp_now(session->replay)->moment.step;
    int status =
        ctr_call_visits(session->trace, call, about->first_line, now + 1, &so_far, &request->error);
    ct_json_begin_object(json);
    dap_put_line(session, json, "first", about->first_line);
    dap_put_line(session, json, "last", about->last_line);
    dap_put_line(session, json, "registeredLine", about->first_line);
    ct_json_put_int(json, "base", loop_around(loops, count, which));
    ct_json_key(json, "iterations");
    if (loops[which].knows_turns) {
        ct_json_uint(json, loops[which].turns);
    } else {
        ct_json_null(json);
    }
    ct_json_put_int(json, "iteration", (int64_t)so_far - 1);
    ct_json_end_object(json);
    return status;
}

int dap_load_loops(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct dap_session *session = request->session;
    uint64_t call = dap_uint(request, from, "call", rp_now(session->replay)->call);
    uint64_t start = dap_uint(request, from, "start", 0);
    uint32_t count = dap_count(request, from, "count"), known = 0, total = 0;
    struct rp_loop *loops = request->status == CT_OK ? malloc(LOOPS_MAX * sizeof *loops) : NULL;
    if (loops == NULL) {
        return request->status != CT_OK ? request->status
                                        : ct_fail(&request->error, CT_ENOMEM, "no memory");
    }
    int status =
        rp_loops(session->replay, call, 0, LOOPS_MAX, loops, &known, &total, &request->error);
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "loops");
    for (uint64_t i = start; status == CT_OK && i < known && i - start < count; i++) {
        status = put_loop(request, call, loops, known, (uint32_t)i);
    }
    ct_json_end_array(&request->body);
    ct_json_put_uint(&request->body, "total", total);
    ct_json_end_object(&request->body);
    free(loops);
    return status;
}
