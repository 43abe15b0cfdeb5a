/* Tasks, which DAP has no word for: those of the moment, and the frames of a suspended one. */
#include <stdlib.h>

#include "dap/dap_internal.h"
#include "replay/tasks.h"

enum { TASKS_MAX = 1000, FRAMES_MAX = 1000 };

static void put_task(const struct dap_session *session, struct ct_json_out *json,
                     const struct rp_task *task)
{
    const struct ctr_plan *plan = ctr_plan(session->trace, task->plan);
    struct dap_where where = {
        task->inner_plan, task->inner_line, task->step, task->inner_call, false, 0};
    ct_json_begin_object(json);
    ct_json_put_uint(json, "key", task->call);
    dap_put_text(json, "name", plan != NULL ? plan->qualname : (struct ctr_text){"?", 1});
    dap_put_text(json, "module", plan != NULL ? plan->module : (struct ctr_text){"", 0});
    ct_json_put_text(json, "state", task->is_running ? "running" : "suspended");
    dap_put_thread(json, "threadId", task->thread);
    ct_json_put_uint(json, "frames", task->frames);
    dap_put_location(session, json, "location", where);
    ct_json_end_object(json);
}

int dap_tasks(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct dap_session *session = request->session;
    uint64_t start = dap_uint(request, from, "start", 0);
    uint32_t count = dap_count(request, from, "count");
    const char *name = dap_text(request, from, "name", NULL);
    struct rp_tasks about = {0};
    if (request->status != CT_OK) {
        return request->status;
    }
    count = count < TASKS_MAX ? count : TASKS_MAX;
    struct rp_task *tasks = malloc(count * sizeof *tasks);
    if (tasks == NULL) {
        return ct_fail(&request->error, CT_ENOMEM, "no memory for tasks");
    }
    int status = rp_tasks(session->replay, name, start, count, tasks, &about, &request->error);
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "tasks");
    for (uint32_t i = 0; status == CT_OK && i < about.count; i++) {
        put_task(session, &request->body, &tasks[i]);
    }
    ct_json_end_array(&request->body);
    ct_json_put_uint(&request->body, "total", about.total);
    ct_json_put_uint(&request->body, "all", about.all);
    ct_json_put_bool(&request->body, "isTruncated", about.is_truncated);
    ct_json_end_object(&request->body);
    free(tasks);
    return status;
}

static int put_task_frames(struct dap_request *request, uint64_t call, uint32_t first,
                           uint32_t room, struct rp_frame *frames, uint32_t *numbers)
{
    uint32_t count = 0;
    bool more = false;
    int status = rp_task_frames(request->session->replay, call, first, room, frames, numbers,
                                &count, &more, &request->error);
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "stackFrames");
    for (uint32_t i = 0; status == CT_OK && i < count; i++) {
        struct dap_frame which = {RP_SUSPENDED, numbers[i]};
        status = dap_put_frame(request->session, &request->body, &frames[i], which, NULL,
                               &request->error);
    }
    ct_json_end_array(&request->body);
    if (!more && (count > 0 || first == 0)) {
        ct_json_put_uint(&request->body, "totalFrames", first + count);
    }
    ct_json_end_object(&request->body);
    return status;
}

int dap_task_frames(struct dap_request *request)
{
    const json_t *from = request->arguments;
    dap_need(request, from, "key");
    uint64_t call = dap_uint(request, from, "key", 0);
    uint32_t first = (uint32_t)dap_uint_up_to(request, from, "start", 0, INT32_MAX);
    uint32_t room = dap_count(request, from, "count");
    if (request->status != CT_OK) {
        return request->status;
    }
    room = room < FRAMES_MAX ? room : FRAMES_MAX;
    struct rp_frame *frames = malloc(room * sizeof *frames);
    uint32_t *numbers = malloc(room * sizeof *numbers);
    int status = frames == NULL || numbers == NULL
                     ? ct_fail(&request->error, CT_ENOMEM, "no memory for a stack")
                     : put_task_frames(request, call, first, room, frames, numbers);
    free(frames);
    free(numbers);
    return status;
}
