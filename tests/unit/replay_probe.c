/* Asks the engine what the lines of its input say, one question each, and answers with a line of
 * JSON: `replay_probe TRACE`. Moves go on from where the last one ended. For tests/python. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "replay/breakpoints.h"
#include "replay/call_tree.h"
#include "replay/exceptions.h"
#include "replay/expression.h"
#include "replay/flow.h"
#include "replay/history.h"
#include "replay/lines.h"
#include "replay/move.h"
#include "replay/session.h"
#include "replay/state.h"
#include "replay/tasks.h"

enum { WORDS_MAX = 12 };

struct probe {
    struct rp_session *session;
    struct ct_json_out json;
    struct ct_error error;
    char *words[WORDS_MAX]; /* behind the command; missing ones are "" */
    const char *rest;       /* the same as one text */
};

static uint64_t number(const struct probe *probe, unsigned word)
{
    return strtoull(probe->words[word], NULL, 10);
}

static bool is_back(const struct probe *probe, unsigned word)
{
    return strcmp(probe->words[word], "back") == 0;
}

static void put_uint(struct probe *probe, const char *key, uint64_t value)
{
    ct_json_key(&probe->json, key);
    ct_json_uint(&probe->json, value);
}

static void put_position(struct probe *probe)
{
    const struct rp_position *now = rp_now(probe->session);
    const struct ctr_plan *plan = ctr_plan(rp_session_trace(probe->session), now->plan);
    put_uint(probe, "step", now->moment.step);
    put_uint(probe, "left", now->moment.left);
    put_uint(probe, "thread", now->thread);
    put_uint(probe, "call", now->call);
    put_uint(probe, "line", now->line);
    ct_json_key(&probe->json, "function");
    ct_json_text_n(&probe->json, plan->qualname.bytes, plan->qualname.size);
    if (now->moment.left > 0) {
        ct_json_key(&probe->json, "left_by");
        ct_json_text(&probe->json, ctr_event_name(now->left_by));
    }
}

static int end_move(struct probe *probe, int status, enum rp_end end)
{
    if (status == CT_OK) {
        ct_json_key(&probe->json, "end");
        ct_json_text(&probe->json, rp_end_name(end));
        put_position(probe);
    }
    return status;
}

/* ---- moving ---- */

/* step MOVE [back] [THREAD] */
static int ask_step(struct probe *probe)
{
    enum rp_end end = RP_MOVED;
    unsigned move = 0;
    while (move < RP_MOVES && strcmp(rp_move_name(move), probe->words[0]) != 0) {
        move++;
    }
    move = strcmp(probe->words[0], "over-line") == 0 ? RP_OVER_LINE : move;
    uint32_t thread = *probe->words[2] == '\0' ? RP_THIS_THREAD : (uint32_t)number(probe, 2);
    int status = rp_step(probe->session, move, thread, is_back(probe, 1), &end, &probe->error);
    return end_move(probe, status, end);
}

/* go STEP [LEFT] */
static int ask_go(struct probe *probe)
{
    struct rp_moment moment = {number(probe, 0), (uint32_t)number(probe, 1)};
    return end_move(probe, rp_go(probe->session, moment, &probe->error), RP_MOVED);
}

static int ask_start(struct probe *probe)
{
    return end_move(probe, rp_go_start(probe->session, &probe->error), RP_MOVED);
}

static int ask_end(struct probe *probe)
{
    return end_move(probe, rp_go_end(probe->session, &probe->error), RP_MOVED);
}

/* call-start CALL */
static int ask_call_start(struct probe *probe)
{
    enum rp_end end = RP_MOVED;
    int status = rp_go_call_start(probe->session, number(probe, 0), &end, &probe->error);
    return end_move(probe, status, end);
}

/* call-end CALL */
static int ask_call_end(struct probe *probe)
{
    enum rp_end end = RP_MOVED;
    int status = rp_go_call_end(probe->session, number(probe, 0), &end, &probe->error);
    return end_move(probe, status, end);
}

/* line PATH LINE forth|back [CALL] */
static int ask_line(struct probe *probe)
{
    enum rp_end end = RP_MOVED;
    struct rp_line line = {
        .path = rp_path_number(rp_session_trace(probe->session), probe->words[0]),
        .line = (uint32_t)number(probe, 1),
        .call = *probe->words[3] == '\0' ? CTR_NO_CALL : number(probe, 3),
    };
    int status = rp_go_line(probe->session, &line, is_back(probe, 2), &end, &probe->error);
    return end_move(probe, status, end);
}

/* visit CALL LINE INDEX */
static int ask_visit(struct probe *probe)
{
    enum rp_end end = RP_MOVED;
    uint64_t count = 0;
    int status = rp_go_visit(probe->session, number(probe, 0), (uint32_t)number(probe, 1),
                             number(probe, 2), &count, &end, &probe->error);
    put_uint(probe, "count", count);
    return end_move(probe, status, end);
}

/* event exception|output [back] */
static int ask_event(struct probe *probe)
{
    enum rp_end end = RP_MOVED;
    enum rp_event event = strcmp(probe->words[0], "output") == 0 ? RP_OUTPUT : RP_EXCEPTION;
    int status = rp_go_event(probe->session, event, is_back(probe, 1), &end, &probe->error);
    return end_move(probe, status, end);
}

/* ---- lines ---- */

/* counts PATH FIRST COUNT STEP */
static int ask_counts(struct probe *probe)
{
    uint64_t visits[1000];
    uint32_t count = (uint32_t)number(probe, 2);
    if (count > sizeof visits / sizeof visits[0]) {
        return ct_fail(&probe->error, CT_ELIMIT, "too many lines");
    }
    uint32_t path = rp_path_number(rp_session_trace(probe->session), probe->words[0]);
    int status = rp_line_counts(probe->session, path, (uint32_t)number(probe, 1), count,
                                number(probe, 3), visits, &probe->error);
    ct_json_key(&probe->json, "visits");
    ct_json_begin_array(&probe->json);
    for (uint32_t i = 0; status == CT_OK && i < count; i++) {
        ct_json_uint(&probe->json, visits[i]);
    }
    ct_json_end_array(&probe->json);
    return status;
}

/* place PATH LINE: where a breakpoint goes */
static int ask_place(struct probe *probe)
{
    uint32_t found;
    uint32_t path = rp_path_number(rp_session_trace(probe->session), probe->words[0]);
    int status =
        rp_line_with_steps(probe->session, path, (uint32_t)number(probe, 1), &found, &probe->error);
    if (status == CT_OK) {
        put_uint(probe, "line", found);
    }
    return status;
}

/* ---- state ---- */

enum { ROOM = 1000 };

static void put_text(struct probe *probe, const char *key, struct ctr_text text)
{
    ct_json_key(&probe->json, key);
    ct_json_text_n(&probe->json, text.bytes, text.size);
}

static void put_bytes(struct probe *probe, const char *key, struct ct_bytes *text)
{
    put_text(probe, key, (struct ctr_text){(const char *)text->data, text->size});
    ct_bytes_free(text);
}

static void put_value(struct probe *probe, enum rp_when when, struct ctr_value value)
{
    static const struct ctr_text_options options = {.depth = 6, .characters = 400};
    struct rp_value_info info;
    struct ct_bytes text = {0}, type = {0};
    uint64_t reference = 0;
    rp_value_info(probe->session, when, value, &info);
    rp_value_text(probe->session, when, value, &options, &text);
    rp_value_type(probe->session, when, value, &type);
    rp_refer(probe->session, value, &reference, NULL);
    put_bytes(probe, "text", &text);
    put_bytes(probe, "type", &type);
    ct_json_key(&probe->json, "kind");
    ct_json_text(&probe->json, info.kind);
    put_uint(probe, "named", info.named);
    put_uint(probe, "indexed", info.indexed);
    if (info.has_length) {
        put_uint(probe, "length", info.length);
    }
    put_uint(probe, "reference", reference);
}

static void put_list(struct probe *probe, enum rp_when when, struct rp_list *list)
{
    put_uint(probe, "total", list->total);
    ct_json_key(&probe->json, "children");
    ct_json_begin_array(&probe->json);
    for (size_t i = 0; i < list->count; i++) {
        const struct rp_child *child = &list->children[i];
        ct_json_begin_object(&probe->json);
        put_text(probe, "name", rp_name(list, child));
        put_value(probe, when, child->value);
        if (child->is_changed) {
            static const struct ctr_text_options options = {.depth = 6, .characters = 400};
            struct ct_bytes text = {0};
            rp_value_text(probe->session, RP_BEFORE, child->before, &options, &text);
            put_bytes(probe, child->is_new ? "new" : "was", &text);
        }
        ct_json_end_object(&probe->json);
    }
    ct_json_end_array(&probe->json);
    rp_list_clear(list);
}

/* threads FIRST COUNT */
static int ask_threads(struct probe *probe)
{
    struct rp_thread threads[ROOM];
    uint32_t count = 0, total = 0, room = (uint32_t)number(probe, 1);
    int status = rp_threads(probe->session, (uint32_t)number(probe, 0), room < ROOM ? room : ROOM,
                            threads, &count, &total, &probe->error);
    put_uint(probe, "total", total);
    ct_json_key(&probe->json, "threads");
    ct_json_begin_array(&probe->json);
    for (uint32_t i = 0; i < count; i++) {
        ct_json_begin_object(&probe->json);
        put_uint(probe, "number", threads[i].number);
        put_uint(probe, "line", threads[i].line);
        ct_json_key(&probe->json, "runs");
        ct_json_bool(&probe->json, threads[i].is_running);
        ct_json_key(&probe->json, "has_frames");
        ct_json_bool(&probe->json, threads[i].has_frames);
        ct_json_end_object(&probe->json);
    }
    ct_json_end_array(&probe->json);
    return status;
}

static void put_frames(struct probe *probe, const struct rp_frame *frames, uint32_t count)
{
    ct_json_key(&probe->json, "frames");
    ct_json_begin_array(&probe->json);
    for (uint32_t i = 0; i < count; i++) {
        const struct ctr_plan *plan = ctr_plan(rp_session_trace(probe->session), frames[i].plan);
        ct_json_begin_object(&probe->json);
        put_text(probe, "function", plan->qualname);
        put_uint(probe, "line", frames[i].line);
        put_uint(probe, "call", frames[i].call);
        ct_json_key(&probe->json, "site");
        ct_json_bool(&probe->json, frames[i].is_call_site);
        ct_json_end_object(&probe->json);
    }
    ct_json_end_array(&probe->json);
}

/* stack THREAD FIRST COUNT */
static int ask_stack(struct probe *probe)
{
    static struct rp_frame frames[ROOM];
    uint32_t count = 0, room = (uint32_t)number(probe, 2);
    bool more = false;
    int status = rp_stack(probe->session, (uint32_t)number(probe, 0), (uint32_t)number(probe, 1),
                          room < ROOM ? room : ROOM, frames, &count, &more, &probe->error);
    ct_json_key(&probe->json, "more");
    ct_json_bool(&probe->json, more);
    put_frames(probe, frames, count);
    return status;
}

/* tasks FIRST COUNT [NAME] */
static int ask_tasks(struct probe *probe)
{
    static struct rp_task tasks[ROOM];
    struct rp_tasks about;
    uint32_t room = (uint32_t)number(probe, 1);
    int status = rp_tasks(probe->session, probe->words[2], number(probe, 0),
                          room < ROOM ? room : ROOM, tasks, &about, &probe->error);
    put_uint(probe, "total", about.total);
    put_uint(probe, "all", about.all);
    ct_json_key(&probe->json, "tasks");
    ct_json_begin_array(&probe->json);
    for (uint32_t i = 0; status == CT_OK && i < about.count; i++) {
        const struct rp_task *task = &tasks[i];
        struct ctr_trace *trace = rp_session_trace(probe->session);
        ct_json_begin_object(&probe->json);
        put_uint(probe, "call", task->call);
        put_text(probe, "function", ctr_plan(trace, task->plan)->qualname);
        put_text(probe, "inner", ctr_plan(trace, task->inner_plan)->qualname);
        put_uint(probe, "line", task->inner_line);
        put_uint(probe, "thread", task->thread);
        put_uint(probe, "frames", task->frames);
        put_uint(probe, "step", task->step);
        ct_json_key(&probe->json, "running");
        ct_json_bool(&probe->json, task->is_running);
        ct_json_end_object(&probe->json);
    }
    ct_json_end_array(&probe->json);
    return status;
}

/* task-frames CALL FIRST COUNT: of a suspended one; variables of "thread" 4294967294 */
static int ask_task_frames(struct probe *probe)
{
    static struct rp_frame frames[ROOM];
    static uint32_t numbers[ROOM];
    uint32_t count = 0, room = (uint32_t)number(probe, 2);
    bool more = false;
    int status =
        rp_task_frames(probe->session, number(probe, 0), (uint32_t)number(probe, 1),
                       room < ROOM ? room : ROOM, frames, numbers, &count, &more, &probe->error);
    ct_json_key(&probe->json, "more");
    ct_json_bool(&probe->json, more);
    put_frames(probe, frames, count);
    ct_json_key(&probe->json, "numbers");
    ct_json_begin_array(&probe->json);
    for (uint32_t i = 0; i < count; i++) {
        ct_json_uint(&probe->json, numbers[i]);
    }
    ct_json_end_array(&probe->json);
    return status;
}

/* variables THREAD FRAME FIRST COUNT */
static int ask_variables(struct probe *probe)
{
    struct rp_list list = {0};
    int status =
        rp_variables(probe->session, (uint32_t)number(probe, 0), (uint32_t)number(probe, 1),
                     number(probe, 2), number(probe, 3), &list, &probe->error);
    put_list(probe, RP_NOW, &list);
    return status;
}

/* globals THREAD FRAME */
static int ask_globals(struct probe *probe)
{
    struct ctr_value value;
    int status = rp_globals(probe->session, (uint32_t)number(probe, 0), (uint32_t)number(probe, 1),
                            &value, &probe->error);
    if (status == CT_OK) {
        put_value(probe, RP_NOW, value);
    }
    return status;
}

/* children REFERENCE named|indexed FIRST COUNT */
static int ask_children(struct probe *probe)
{
    struct ctr_value value;
    struct rp_list list = {0};
    enum rp_section section = strcmp(probe->words[1], "named") == 0 ? RP_NAMED : RP_INDEXED;
    int status = rp_referred(probe->session, number(probe, 0), &value, &probe->error);
    if (status == CT_OK) {
        status = rp_children(probe->session, RP_NOW, value, section, number(probe, 2),
                             number(probe, 3), &list, &probe->error);
    }
    put_list(probe, RP_NOW, &list);
    return status;
}

/* ---- expressions ---- */

/* evaluate THREAD FRAME EXPRESSION */
static int ask_evaluate(struct probe *probe)
{
    static const struct ctr_text_options options = {.depth = 20};
    struct rp_expression *expression;
    struct rp_answer answer = {0};
    size_t at;
    const char *text = probe->rest;
    for (int words = 2; words > 0 && *text != '\0'; text++) {
        words -= *text == ' ';
    }
    int status = rp_expression_new(&expression, text, strlen(text), &at, &probe->error);
    if (status == CT_OK) {
        status = rp_evaluate(probe->session, expression, (uint32_t)number(probe, 0),
                             (uint32_t)number(probe, 1), &options, &answer, &at, &probe->error);
        rp_expression_free(expression);
    }
    if (status == CT_OK) {
        put_bytes(probe, "text", &answer.text);
        put_bytes(probe, "type", &answer.type);
        ct_json_key(&probe->json, "true");
        ct_json_bool(&probe->json, answer.is_true);
    } else {
        put_uint(probe, "at", at);
    }
    return status;
}

/* ---- breakpoints ---- */

/* break PATH LINE|- FUNCTION|- HITS|- [CONDITION] */
static int ask_break(struct probe *probe)
{
    uint32_t number_made;
    size_t at;
    const char *condition = probe->rest;
    for (int words = 4; words > 0 && *condition != '\0'; condition++) {
        words -= *condition == ' ';
    }
    for (char *c = probe->words[3]; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    struct rp_break wanted = {
        .path = rp_path_number(rp_session_trace(probe->session), probe->words[0]),
        .line = (uint32_t)number(probe, 1),
        .function = strcmp(probe->words[2], "-") == 0 ? NULL : probe->words[2],
        .hit_condition = strcmp(probe->words[3], "-") == 0 ? NULL : probe->words[3],
        .condition = condition,
    };
    int status = rp_break_add(probe->session, &wanted, &number_made, &at, &probe->error);
    put_uint(probe, "at", at);
    if (status == CT_OK) {
        put_uint(probe, "number", number_made);
    }
    return status;
}

/* unbreak NUMBER [off|on] */
static int ask_unbreak(struct probe *probe)
{
    uint32_t which = (uint32_t)number(probe, 0);
    bool is_on = strcmp(probe->words[1], "on") == 0;
    bool found = *probe->words[1] == '\0' ? rp_break_remove(probe->session, which)
                                          : rp_break_enable(probe->session, which, is_on);
    return found ? CT_OK : ct_fail(&probe->error, CT_EUSAGE, "no such breakpoint");
}

/* exceptions off | on | FATE stop|never [|TYPES]: adds to those there are, unless "off" */
static int ask_exceptions(struct probe *probe)
{
    const char *types = strchr(probe->rest, '|');
    struct rp_exception_rule rule = {(enum rp_fate)number(probe, 0),
                                     strcmp(probe->words[1], "never") == 0,
                                     types != NULL ? types + 1 : NULL};
    bool has_any = false;
    size_t at = 0;
    if (strcmp(probe->words[0], "off") == 0) {
        rp_exceptions_clear(probe->session);
        return CT_OK;
    }
    int status = rp_exceptions_add(probe->session, &rule, &has_any, &at, &probe->error);
    ct_json_key(&probe->json, "any");
    ct_json_bool(&probe->json, has_any);
    if (status != CT_OK) {
        put_uint(probe, "at", at);
    }
    return status;
}

/* failures NUMBER */
static int ask_failures(struct probe *probe)
{
    const char *why;
    put_uint(probe, "count", rp_break_failures(probe->session, (uint32_t)number(probe, 0), &why));
    ct_json_key(&probe->json, "why");
    ct_json_text(&probe->json, why);
    return CT_OK;
}

static bool ask_again(void *context, uint64_t done, uint64_t total)
{
    int64_t *left = context;
    return done <= total && (*left)-- > 0;
}

/* continue [back|forth [ASKED]]: ended when the watch was asked so often */
static int ask_continue(struct probe *probe)
{
    struct rp_stop stop = {0};
    int64_t left = *probe->words[1] == '\0' ? INT64_MAX : (int64_t)number(probe, 1);
    rp_session_watch(probe->session, (struct rp_watch){ask_again, &left});
    int status = rp_continue(probe->session, is_back(probe, 0), &stop, &probe->error);
    rp_session_watch(probe->session, (struct rp_watch){NULL, NULL});
    put_uint(probe, "breakpoint", stop.hit_count > 0 ? stop.hits[0] : 0);
    ct_json_key(&probe->json, "exception");
    ct_json_bool(&probe->json, stop.is_exception);
    return end_move(probe, status, stop.end);
}

/* ---- calls ---- */

static int put_calls(struct probe *probe, struct rp_calls *page, int status)
{
    static const char *const exits[] = {"none", "return", "unwind"};
    put_uint(probe, "total", page->total);
    ct_json_key(&probe->json, "more");
    ct_json_bool(&probe->json, page->more);
    put_uint(probe, "block", page->next.block);
    put_uint(probe, "byte", page->next.at);
    ct_json_key(&probe->json, "calls");
    ct_json_begin_array(&probe->json);
    for (size_t i = 0; i < page->count; i++) {
        const struct rp_call *call = &page->calls[i];
        const struct ctr_plan *plan = ctr_plan(rp_session_trace(probe->session), call->about.plan);
        ct_json_begin_object(&probe->json);
        put_uint(probe, "call", call->about.number);
        put_text(probe, "function", plan->qualname);
        put_uint(probe, "calls", call->about.calls);
        put_uint(probe, "children", call->children);
        put_uint(probe, "first_step", call->first_step);
        put_text(probe, "arguments", rp_call_text(page, call->arguments, call->arguments_size));
        put_text(probe, "result", rp_call_text(page, call->result, call->result_size));
        ct_json_key(&probe->json, "exit");
        ct_json_text(&probe->json, exits[call->about.exit]);
        ct_json_end_object(&probe->json);
    }
    ct_json_end_array(&probe->json);
    rp_calls_clear(page);
    return status;
}

static const struct ctr_text_options brief = {.depth = 3, .characters = 80};

/* calls PARENT FIRST ROOM */
static int ask_calls(struct probe *probe)
{
    struct rp_calls page = {0};
    int status = rp_call_children(probe->session, number(probe, 0), number(probe, 1),
                                  (uint32_t)number(probe, 2), &brief, &page, &probe->error);
    return put_calls(probe, &page, status);
}

/* roots THREAD ROOM [BEHIND] */
static int ask_roots(struct probe *probe)
{
    struct rp_calls page = {0};
    uint64_t behind = *probe->words[2] == '\0' ? CTR_NO_CALL : number(probe, 2);
    int status = rp_call_roots(probe->session, (uint32_t)number(probe, 0), behind,
                               (uint32_t)number(probe, 1), &brief, &page, &probe->error);
    return put_calls(probe, &page, status);
}

/* path CALL ROOM */
static int ask_path(struct probe *probe)
{
    struct rp_calls page = {0};
    int status = rp_call_path(probe->session, number(probe, 0), (uint32_t)number(probe, 1), &brief,
                              &page, &probe->error);
    return put_calls(probe, &page, status);
}

/* named TEXT ROOM forth|back [BLOCK BYTE] */
static int ask_named(struct probe *probe)
{
    struct rp_calls page = {0};
    struct ctr_place from = {(uint32_t)number(probe, 3), (uint32_t)number(probe, 4)};
    if (is_back(probe, 2) && *probe->words[3] == '\0') {
        from = ctr_place_end(rp_session_trace(probe->session));
    }
    int status = rp_calls_named(probe->session, probe->words[0], from, is_back(probe, 2),
                                (uint32_t)number(probe, 1), &brief, &page, &probe->error);
    return put_calls(probe, &page, status);
}

/* ---- histories ---- */

static int put_entries(struct probe *probe, struct rp_entries *page, int status)
{
    ct_json_key(&probe->json, "done");
    ct_json_bool(&probe->json, page->done);
    put_uint(probe, "block", page->next.block);
    put_uint(probe, "byte", page->next.at);
    ct_json_key(&probe->json, "entries");
    ct_json_begin_array(&probe->json);
    for (size_t i = 0; i < page->count; i++) {
        const struct rp_entry *entry = &page->entries[i];
        const char *text = (const char *)page->texts.data + entry->text;
        ct_json_begin_object(&probe->json);
        put_uint(probe, "step", entry->step);
        put_uint(probe, "line", entry->line);
        put_uint(probe, "thread", entry->thread);
        put_uint(probe, "stream", entry->stream);
        put_uint(probe, "block", entry->place.block);
        put_uint(probe, "byte", entry->place.at);
        put_text(probe, "text", (struct ctr_text){text, entry->text_size});
        ct_json_end_object(&probe->json);
    }
    ct_json_end_array(&probe->json);
    rp_entries_clear(page);
    return status;
}

static int find_history(struct probe *probe, struct rp_history *history)
{
    return rp_history_of_variable(
        probe->session, rp_now(probe->session)->thread, (uint32_t)number(probe, 1), probe->words[0],
        strlen(probe->words[0]), strcmp(probe->words[2], "call") == 0, history, &probe->error);
}

/* history NAME FRAME call|all ROOM forth|back [BLOCK BYTE] */
static int ask_history(struct probe *probe)
{
    struct rp_history history;
    struct rp_entries page = {0};
    struct ctr_place from = {(uint32_t)number(probe, 5), (uint32_t)number(probe, 6)};
    if (is_back(probe, 4) && *probe->words[5] == '\0') {
        from = ctr_place_end(rp_session_trace(probe->session));
    }
    int status = find_history(probe, &history);
    if (status == CT_OK) {
        status = rp_history_page(probe->session, &history, from, is_back(probe, 4),
                                 (uint32_t)number(probe, 3), &brief, &page, &probe->error);
    }
    return put_entries(probe, &page, status);
}

/* draw NAME FRAME call|all COUNT */
static int ask_draw(struct probe *probe)
{
    struct rp_history history;
    struct rp_bucket buckets[100];
    uint32_t count = (uint32_t)number(probe, 3) % 101;
    int status = find_history(probe, &history);
    if (status == CT_OK) {
        status = rp_history_draw(probe->session, &history, buckets, count, &probe->error);
    }
    ct_json_key(&probe->json, "buckets");
    ct_json_begin_array(&probe->json);
    for (uint32_t i = 0; status == CT_OK && i < count; i++) {
        ct_json_begin_array(&probe->json);
        ct_json_uint(&probe->json, buckets[i].changes);
        ct_json_int(&probe->json, (int64_t)buckets[i].first);
        ct_json_int(&probe->json, (int64_t)buckets[i].last);
        ct_json_int(&probe->json, (int64_t)buckets[i].least);
        ct_json_int(&probe->json, (int64_t)buckets[i].most);
        ct_json_end_array(&probe->json);
    }
    ct_json_end_array(&probe->json);
    return status;
}

/* part REFERENCE item|attr|pair INDEX ROOM: the history of a child */
static int ask_part(struct probe *probe)
{
    struct ctr_value value = {0};
    struct rp_history history;
    struct rp_list list = {0};
    struct rp_entries page = {0};
    bool is_attr = strcmp(probe->words[1], "attr") == 0;
    bool is_item = strcmp(probe->words[1], "item") == 0;
    int status = rp_referred(probe->session, number(probe, 0), &value, &probe->error);
    if (status == CT_OK) {
        status = rp_children(probe->session, RP_NOW, value, is_attr ? RP_NAMED : RP_INDEXED,
                             number(probe, 2), 1, &list, &probe->error);
    }
    struct ctr_value key = list.count > 0 ? list.children[0].key : (struct ctr_value){0};
    if (status == CT_OK) {
        status = rp_history_of_part(probe->session, value,
                                    is_attr   ? CTR_PART_ATTR
                                    : is_item ? CTR_PART_ITEM
                                              : CTR_PART_PAIR,
                                    number(probe, 2), key, &history, &probe->error);
    }
    if (status == CT_OK) {
        status = rp_history_page(probe->session, &history, (struct ctr_place){0, 0}, false,
                                 (uint32_t)number(probe, 3), &brief, &page, &probe->error);
    }
    rp_list_clear(&list);
    return put_entries(probe, &page, status);
}

/* events output|exception ROOM forth|back [BLOCK BYTE] */
static int ask_events(struct probe *probe)
{
    struct rp_entries page = {0};
    struct ctr_place from = {(uint32_t)number(probe, 3), (uint32_t)number(probe, 4)};
    if (is_back(probe, 2) && *probe->words[3] == '\0') {
        from = ctr_place_end(rp_session_trace(probe->session));
    }
    enum rp_event event = strcmp(probe->words[0], "output") == 0 ? RP_OUTPUT : RP_EXCEPTION;
    int status = rp_event_page(probe->session, event, from, is_back(probe, 2),
                               (uint32_t)number(probe, 1), &brief, &page, &probe->error);
    return put_entries(probe, &page, status);
}

/* go-place THREAD BLOCK BYTE */
static int ask_go_place(struct probe *probe)
{
    enum rp_end end = RP_MOVED;
    struct ctr_place place = {(uint32_t)number(probe, 1), (uint32_t)number(probe, 2)};
    int status =
        rp_go_place(probe->session, (uint32_t)number(probe, 0), place, &end, &probe->error);
    return end_move(probe, status, end);
}

/* ---- flow ---- */

/* flow CALL FROM ROOM */
static int ask_flow(struct probe *probe)
{
    static const char *const truths[] = {"unknown", "false", "true"};
    struct rp_flow page = {0};
    struct ctr_call call;
    int status =
        ctr_call_get(rp_session_trace(probe->session), number(probe, 0), &call, &probe->error);
    if (status == CT_OK) {
        status = rp_flow(probe->session, &call, number(probe, 1), (uint32_t)number(probe, 2),
                         &brief, &page, &probe->error);
    }
    const char *texts = (const char *)page.texts.data;
    ct_json_key(&probe->json, "more");
    ct_json_bool(&probe->json, page.more);
    ct_json_key(&probe->json, "visits");
    ct_json_begin_array(&probe->json);
    for (size_t i = 0; status == CT_OK && i < page.count; i++) {
        const struct rp_visit *visit = &page.visits[i];
        ct_json_begin_object(&probe->json);
        put_uint(probe, "step", visit->step);
        put_uint(probe, "line", visit->line);
        ct_json_key(&probe->json, "condition");
        ct_json_text(&probe->json, truths[visit->condition]);
        ct_json_key(&probe->json, "values");
        ct_json_begin_array(&probe->json);
        for (size_t j = 0; j < visit->value_count; j++) {
            const struct rp_flow_value *value = &page.values[visit->first_value + j];
            ct_json_begin_object(&probe->json);
            put_text(probe, "name", (struct ctr_text){texts + value->name, value->name_size});
            put_text(probe, "before", (struct ctr_text){texts + value->before, value->before_size});
            put_text(probe, "after", (struct ctr_text){texts + value->after, value->after_size});
            put_uint(probe, "flags",
                     value->is_read + 2u * value->is_written + 4u * value->is_changed);
            ct_json_end_object(&probe->json);
        }
        ct_json_end_array(&probe->json);
        ct_json_end_object(&probe->json);
    }
    ct_json_end_array(&probe->json);
    rp_flow_clear(&page);
    return status;
}

/* loops CALL */
static int ask_loops(struct probe *probe)
{
    struct rp_loop loops[20];
    uint32_t count = 0, total = 0;
    int status =
        rp_loops(probe->session, number(probe, 0), 0, 20, loops, &count, &total, &probe->error);
    put_uint(probe, "total", total);
    ct_json_key(&probe->json, "loops");
    ct_json_begin_array(&probe->json);
    for (uint32_t i = 0; i < count; i++) {
        ct_json_begin_array(&probe->json);
        ct_json_uint(&probe->json, loops[i].about.first_line);
        ct_json_uint(&probe->json, loops[i].about.last_line);
        ct_json_uint(&probe->json, loops[i].visits);
        ct_json_end_array(&probe->json);
    }
    ct_json_end_array(&probe->json);
    return status;
}

/* ---- all questions ---- */

static const struct {
    const char *name;
    int (*ask)(struct probe *probe);
} questions[] = {
    {"step", ask_step},
    {"go", ask_go},
    {"start", ask_start},
    {"end", ask_end},
    {"call-start", ask_call_start},
    {"call-end", ask_call_end},
    {"line", ask_line},
    {"visit", ask_visit},
    {"event", ask_event},
    {"counts", ask_counts},
    {"place", ask_place},
    {"threads", ask_threads},
    {"stack", ask_stack},
    {"tasks", ask_tasks},
    {"task-frames", ask_task_frames},
    {"variables", ask_variables},
    {"globals", ask_globals},
    {"children", ask_children},
    {"evaluate", ask_evaluate},
    {"break", ask_break},
    {"unbreak", ask_unbreak},
    {"exceptions", ask_exceptions},
    {"failures", ask_failures},
    {"continue", ask_continue},
    {"calls", ask_calls},
    {"roots", ask_roots},
    {"path", ask_path},
    {"named", ask_named},
    {"history", ask_history},
    {"draw", ask_draw},
    {"part", ask_part},
    {"events", ask_events},
    {"go-place", ask_go_place},
    {"flow", ask_flow},
    {"loops", ask_loops},
};

static int ask(struct probe *probe, const char *name)
{
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        if (strcmp(questions[i].name, name) == 0) {
            return questions[i].ask(probe);
        }
    }
    return ct_fail(&probe->error, CT_EUSAGE, "no such question: %s", name);
}

/* Split in place; `rest` keeps the whole. */
static const char *split(struct probe *probe, char *line, char *rest)
{
    static char nothing[] = "";
    char *at = line, *name = strsep(&at, " ");
    size_t behind = at == NULL ? strlen(rest) : (size_t)(at - line);
    probe->rest = rest + behind;
    for (unsigned i = 0; i < WORDS_MAX; i++) {
        char *word = at == NULL ? NULL : strsep(&at, " ");
        probe->words[i] = word == NULL ? nothing : word;
    }
    return name;
}

static void answer(struct probe *probe, char *line)
{
    char *rest = strdup(line);
    const char *name = split(probe, line, rest);
    ct_json_init(&probe->json, NULL);
    ct_json_begin_object(&probe->json);
    probe->error = (struct ct_error){0};
    if (ask(probe, name) != CT_OK) {
        ct_json_key(&probe->json, "error");
        ct_json_text(&probe->json, probe->error.message);
        ct_json_key(&probe->json, "status");
        ct_json_text(&probe->json, ct_status_name(probe->error.code));
    }
    ct_json_end_object(&probe->json);
    fwrite(probe->json.bytes.data, 1, probe->json.bytes.size, stdout);
    putchar('\n');
    fflush(stdout);
    ct_json_clear(&probe->json);
    free(rest);
}

int main(int count, char **words)
{
    struct ctr_trace *trace;
    struct probe probe = {0};
    if (count != 2) {
        fputs("Usage: replay_probe TRACE\n", stderr);
        return 2;
    }
    int status = ctr_open(&trace, words[1], &probe.error);
    if (status == CT_OK) {
        status = rp_session_new(&probe.session, trace, &probe.error);
    }
    if (status != CT_OK) {
        fprintf(stderr, "replay_probe: %s\n", probe.error.message);
        return 1;
    }
    char *line = NULL;
    size_t room = 0;
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0;) {
        line[size - (line[size - 1] == '\n')] = '\0';
        answer(&probe, line);
    }
    free(line);
    rp_session_free(probe.session);
    ctr_close(trace);
    return 0;
}
