#include "use_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "replay/breakpoints.h"
#include "replay/call_tree.h"
#include "replay/exceptions.h"
#include "replay/expression.h"
#include "replay/flow.h"
#include "replay/history.h"
#include "replay/move.h"
#include "replay/state.h"
#include "replay/tasks.h"
#include "trace/calls.h"
#include "trace/player.h"
#include "trace/query.h"
#include "trace/sweep.h"
#include "trace/text.h"
#include "trace/verify.h"

/* A corrupt number may claim anything; what is looked at stays small. */
enum { MOST_PLANS = 6, MOST_LINES = 24, MOST_SLOTS = 6, MOST_OBJECTS = 8, MOST_CALLS = 24 };
enum { MOST_PAGES = 40, HITS = 16, PLACES = 12 };

struct user {
    struct ctr_trace *trace;
    const struct ctr_info *info;
    char *problem;
};

/* Every failure is one of those a caller can act on, and has words. */
static bool is_fair(struct user *user, const char *what, int status, const struct ct_error *error)
{
    bool has_words = error->message[0] != '\0';
    bool fair = status == CT_OK || status == CT_ESTATE ||
                ((status == CT_EFORMAT || status == CT_EUSAGE || status == CT_ELIMIT) && has_words);
    if (!fair && user->problem[0] == '\0') {
        snprintf(user->problem, 200, "%s: status %s, '%.100s'", what, ct_status_name(status),
                 error->message);
    }
    return status == CT_OK;
}

static bool check(struct user *user, bool holds, const char *what)
{
    if (!holds && user->problem[0] == '\0') {
        snprintf(user->problem, 200, "%.199s", what);
    }
    return holds;
}

/* Up to `limit` numbers below `count`, spread over all of them. */
static uint64_t spread(uint64_t index, uint64_t limit, uint64_t count)
{
    return count <= limit ? index : index * (count / limit);
}

static uint64_t at_most(uint64_t count, uint64_t limit)
{
    return count < limit ? count : limit;
}

/* ---- playing ---- */

static void look_at_values(struct user *user, struct ctr_player *player,
                           const struct ctr_event *event)
{
    struct ctr_text_options options = {.depth = 3, .items = 20, .characters = 200};
    struct ct_error error = {0};
    const struct ctr_frame *frame;
    for (uint32_t i = 0; (frame = ctr_player_frame(player, event->thread, i, &error)) != NULL;
         i++) {
        struct ct_bytes text = {0};
        if (frame->slot_count > 0) {
            ctr_text_of(player, frame->slots[i % frame->slot_count], &options, &text);
        }
        ct_bytes_free(&text);
        if (i > 200) {
            break;
        }
    }
    is_fair(user, "frame", error.code, &error);
    for (uint64_t number = 0; number < MOST_OBJECTS; number++) {
        ctr_player_object(player, number, &error);
    }
    is_fair(user, "object", error.code, &error);
}

static uint64_t play(struct user *user)
{
    struct ctr_player *player;
    struct ctr_event event;
    struct ct_error error = {0};
    uint64_t lines = 0;
    if (!is_fair(user, "player", ctr_player_new(&player, user->trace, &error), &error)) {
        return 0;
    }
    int status;
    while ((status = ctr_player_next(player, &event, &error)) == CT_OK) {
        lines += event.kind == CTR_EVENT_LINE;
        if (event.kind == CTR_EVENT_LINE && event.step % 16 == 5) {
            look_at_values(user, player, &event);
        }
    }
    is_fair(user, "next", status, &error);
    uint64_t steps = user->info->steps;
    for (uint64_t i = 0; i < at_most(steps, PLACES); i++) {
        uint64_t step = spread(i, PLACES, steps);
        status = ctr_player_seek(player, step, &event, &error);
        if (is_fair(user, "seek", status, &error)) {
            check(user, event.kind == CTR_EVENT_LINE && event.step == step, "seek: another step");
            look_at_values(user, player, &event);
        }
    }
    ctr_player_free(player);
    return lines;
}

/* ---- queries ---- */

static void find(struct user *user, const struct ctr_query *query)
{
    for (int backwards = 0; backwards < 2; backwards++) {
        struct ctr_hit hits[HITS];
        struct ctr_page page = {.hits = hits, .capacity = HITS};
        struct ct_error error = {0};
        page.next = backwards ? ctr_place_end(user->trace) : (struct ctr_place){0, 0};
        for (int i = 0; i < MOST_PAGES && !page.done; i++) {
            int status = ctr_find(user->trace, query, page.next, backwards, 5, &page, &error);
            if (!is_fair(user, "find", status, &error)) {
                break;
            }
            check(user, page.count <= HITS, "find: more hits than there is room for");
        }
    }
}

static void find_in_plan(struct user *user, uint32_t id)
{
    const struct ctr_plan *plan = ctr_plan(user->trace, id);
    struct ct_error error = {0};
    uint64_t visits[MOST_LINES];
    struct ctr_query query = {.plan = id, .call = CTR_NO_CALL};
    for (uint32_t i = 0; i < MOST_LINES; i += 3) {
        query.kind = CTR_FIND_LINE;
        query.line = plan->first_line + i;
        find(user, &query);
    }
    for (query.slot = 0; query.slot < at_most(plan->variable_count, MOST_SLOTS); query.slot++) {
        query.kind = CTR_FIND_WRITE;
        find(user, &query);
    }
    is_fair(user, "count lines",
            ctr_count_lines(user->trace, id, plan->first_line, MOST_LINES, user->info->steps,
                            visits, &error),
            &error);
}

static void find_changes(struct user *user, uint64_t object)
{
    uint64_t objects[] = {object, object + 1};
    struct ctr_query query = {
        .kind = CTR_FIND_CHANGES, .objects = objects, .object_count = 2, .call = CTR_NO_CALL};
    find(user, &query);
    query.kind = CTR_FIND_CHANGE;
    query.object = object;
    query.part = CTR_PART_ITEM;
    query.index = object % 3;
    find(user, &query);
    query.key = (struct ctr_value){.tag = CTR_V_INT, .bits = 1};
    query.part = CTR_PART_PAIR;
    find(user, &query);
    query.key = (struct ctr_value){.tag = CTR_V_NODE, .block = 0, .bits = object};
    query.part = CTR_PART_ATTR;
    find(user, &query);
}

static void ask_about_call(struct user *user, uint64_t number)
{
    struct ctr_call call;
    struct ct_error error = {0};
    uint64_t child, step, count;
    int status = ctr_call_get(user->trace, number, &call, &error);
    if (is_fair(user, "call", status, &error)) {
        check(user, call.number == number, "call: another one");
    }
    status = ctr_call_child(user->trace, number, 2, &child, &count, &error);
    is_fair(user, "child", status, &error);
    status = ctr_call_visit(user->trace, number, 5, 3, &step, &count, &error);
    is_fair(user, "visit", status, &error);
    find(user, &(struct ctr_query){.kind = CTR_FIND_STEP, .call = number});
}

static void ask(struct user *user)
{
    const struct ctr_info *info = user->info;
    for (uint32_t i = 0; i < at_most(info->plan_count, MOST_PLANS); i++) {
        find_in_plan(user, (uint32_t)spread(i, MOST_PLANS, info->plan_count));
    }
    for (uint64_t object = 0; object < MOST_OBJECTS; object++) {
        find_changes(user, object);
    }
    find(user, &(struct ctr_query){.kind = CTR_FIND_RAISE, .call = CTR_NO_CALL});
    find(user, &(struct ctr_query){.kind = CTR_FIND_OUTPUT, .call = CTR_NO_CALL});
    find(user, &(struct ctr_query){.kind = CTR_FIND_INPUT, .call = CTR_NO_CALL});
    for (uint64_t i = 0; i < at_most(info->calls, MOST_CALLS); i++) {
        ask_about_call(user, spread(i, MOST_CALLS, info->calls));
    }
    for (uint64_t i = 0; i < at_most(info->steps, PLACES); i++) {
        struct ctr_place place;
        struct ct_error error = {0};
        uint64_t step = spread(i, PLACES, info->steps);
        is_fair(user, "place", ctr_place_of_step(user->trace, step, &place, &error), &error);
        uint32_t block = ctr_block_of_step(user->trace, step), found;
        check(user, block < info->blocks, "block of step: no such block");
        ctr_block_of_object(user->trace, i, block, &found);
        ctr_block_of_call(user->trace, i);
    }
}

/* ---- sweeps ---- */

static bool look_at_visit(void *context, const struct ctr_sweep_visit *visit)
{
    struct user *user = context;
    for (uint32_t i = 0; i < MOST_SLOTS; i++) {
        ctr_value_hash(user->trace, visit->values[i]);
    }
    return visit->step % 100 != 0;
}

/* The first lines of a plan. */
static void sweep(struct user *user)
{
    uint32_t slots[MOST_SLOTS];
    for (uint32_t i = 0; i < MOST_SLOTS; i++) {
        slots[i] = i;
    }
    for (uint32_t i = 0; i < at_most(user->info->plan_count, MOST_PLANS); i++) {
        struct ct_error error = {0};
        uint64_t keys[MOST_LINES];
        struct ctr_sweep_plan plan = {(uint32_t)spread(i, MOST_PLANS, user->info->plan_count),
                                      slots, MOST_SLOTS};
        for (uint32_t line = 0; line < MOST_LINES; line++) {
            keys[line] = ctr_key(plan.plan, line);
        }
        struct ctr_sweep sweep = {.keys = keys,
                                  .key_count = MOST_LINES,
                                  .plans = &plan,
                                  .plan_count = 1,
                                  .workers = 1 + i % 2,
                                  .visit = look_at_visit,
                                  .context = user};
        struct ctr_sweep_range range = {.end = UINT32_MAX, .backwards = i % 3 == 0};
        while (is_fair(user, "sweep", ctr_sweep(user->trace, &sweep, &range, &error), &error) &&
               range.first < range.end) {
        }
    }
}

/* ---- the replay engine ---- */

static void move(struct user *user, struct rp_session *session, unsigned number)
{
    enum rp_end end;
    struct ct_error error = {0};
    struct rp_moment moment = {spread(number, PLACES, user->info->steps), number % 3};
    is_fair(user, "go", rp_go(session, moment, &error), &error);
    for (unsigned i = 0; i < 2 * RP_MOVES; i++) {
        uint32_t thread = i == number ? 1 : RP_THIS_THREAD;
        is_fair(user, "step", rp_step(session, i / 2, thread, i % 2, &end, &error), &error);
    }
    uint64_t call = rp_now(session)->call, count;
    struct rp_line line = {.path = 0, .line = rp_now(session)->line + 1, .call = CTR_NO_CALL};
    is_fair(user, "line", rp_go_line(session, &line, number % 2, &end, &error), &error);
    is_fair(user, "call start", rp_go_call_start(session, call, &end, &error), &error);
    is_fair(user, "call end", rp_go_call_end(session, call, &end, &error), &error);
    is_fair(user, "visit", rp_go_visit(session, call, 5, 2, &count, &end, &error), &error);
    is_fair(user, "event", rp_go_event(session, RP_OUTPUT, number % 2, &end, &error), &error);
    is_fair(user, "event", rp_go_event(session, RP_EXCEPTION, number % 2, &end, &error), &error);
}

static void look_at_list(struct user *user, struct rp_session *session, const struct rp_list *list)
{
    static const struct ctr_text_options options = {.depth = 4, .items = 10, .characters = 100};
    struct rp_list inner = {0};
    struct ct_bytes text = {0};
    struct ct_error error = {0};
    for (size_t i = 0; i < at_most(list->count, MOST_SLOTS); i++) {
        struct rp_value_info info;
        struct ctr_value value = list->children[i].value;
        rp_value_info(session, RP_NOW, value, &info);
        rp_value_text(session, RP_BEFORE, list->children[i].before, &options, &text);
        for (unsigned section = 0; section < 2; section++) {
            int status = rp_children(session, RP_NOW, value, section, section, 5, &inner, &error);
            is_fair(user, "children", status, &error);
        }
    }
    ct_bytes_free(&text);
    rp_list_clear(&inner);
}

static void look_around(struct user *user, struct rp_session *session)
{
    struct rp_thread threads[4];
    struct rp_frame frames[4];
    struct rp_list list = {0};
    struct ctr_value globals;
    uint32_t count, total;
    bool more;
    struct ct_error error = {0};
    uint32_t thread = rp_now(session)->thread;
    int status = rp_threads(session, 0, 4, threads, &count, &total, &error);
    is_fair(user, "threads", status, &error);
    status = rp_stack(session, thread, 0, 4, frames, &count, &more, &error);
    is_fair(user, "stack", status, &error);
    for (uint32_t i = 0; i <= count; i++) {
        status = rp_variables(session, thread, i, 0, 20, &list, &error);
        is_fair(user, "variables", status, &error);
        look_at_list(user, session, &list);
        is_fair(user, "globals", rp_globals(session, thread, i, &globals, &error), &error);
    }
    rp_list_clear(&list);
}

static void evaluate(struct user *user, struct rp_session *session)
{
    static const char *const texts[] = {"v0 + v1 == v2", "v0[1:] in v3", "len(str(v4)) < v5[0]"};
    static const struct ctr_text_options options = {.depth = 4, .characters = 100};
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct rp_expression *expression;
        struct rp_answer answer;
        size_t at;
        struct ct_error error = {0};
        int status = rp_expression_new(&expression, texts[i], strlen(texts[i]), &at, &error);
        if (check(user, status == CT_OK, error.message)) {
            status = rp_evaluate(session, expression, rp_now(session)->thread, 0, &options, &answer,
                                 &at, &error);
            is_fair(user, "evaluate", status, &error);
            ct_bytes_free(&answer.text);
            ct_bytes_free(&answer.type);
            rp_expression_free(expression);
        }
    }
}

static void go_on(struct user *user, struct rp_session *session, unsigned number)
{
    struct rp_break wanted = {.path = 0,
                              .line = rp_now(session)->line,
                              .condition = number % 2 ? "v0 != v1" : NULL,
                              .hit_condition = number % 3 ? ">= 2" : NULL};
    struct rp_stop stop;
    uint32_t made;
    size_t at;
    struct ct_error error = {0};
    int status = rp_break_add(session, &wanted, &made, &at, &error);
    check(user, status == CT_OK, "break");
    wanted = (struct rp_break){.function = "f1"};
    status = rp_break_add(session, &wanted, &made, &at, &error);
    check(user, status == CT_OK, "break");
    struct rp_exception_rule rule = {.at_least = (enum rp_fate)(number % 3 + 1),
                                     .types = number % 2 == 0 ? "OSError, !KeyError" : NULL};
    bool has_any;
    size_t position;
    rp_exceptions_clear(session);
    if (number % 4 == 0) {
        rp_exceptions_add(session, &rule, &has_any, &position, NULL);
    }
    is_fair(user, "continue", rp_continue(session, number % 2, &stop, &error), &error);
    is_fair(user, "continue", rp_continue(session, false, &stop, &error), &error);
    rp_break_remove(session, made);
    rp_break_remove(session, made - 1);
}

static void look_at_tasks(struct user *user, struct rp_session *session)
{
    struct rp_task tasks[4];
    struct rp_tasks about;
    struct rp_frame frames[4];
    uint32_t numbers[4], count;
    bool more;
    struct ct_error error = {0};
    is_fair(user, "tasks", rp_tasks(session, NULL, 0, 4, tasks, &about, &error), &error);
    for (uint32_t i = 0; i < about.count && !tasks[i].is_running; i++) {
        int status =
            rp_task_frames(session, tasks[i].call, 0, 4, frames, numbers, &count, &more, &error);
        is_fair(user, "frames of a task", status, &error);
    }
}

static void look_at_calls(struct user *user, struct rp_session *session)
{
    static const struct ctr_text_options options = {.depth = 2, .items = 5, .characters = 60};
    struct rp_calls calls = {0};
    struct rp_flow flow = {0};
    struct rp_entries entries = {0};
    struct rp_history history;
    struct rp_bucket buckets[8];
    struct rp_loop loops[4];
    uint32_t count, total;
    struct ct_error error = {0};
    uint64_t call = rp_now(session)->call, step = rp_now(session)->moment.step;
    uint32_t thread = rp_now(session)->thread;
    struct ctr_place end = ctr_place_end(user->trace);
    int status = rp_call_children(session, call, 0, 5, &options, &calls, &error);
    is_fair(user, "children", status, &error);
    status = rp_call_roots(session, thread, CTR_NO_CALL, 5, &options, &calls, &error);
    is_fair(user, "roots", status, &error);
    status = rp_call_path(session, call, 5, &options, &calls, &error);
    is_fair(user, "path", status, &error);
    status = rp_calls_named(session, "f", end, true, 5, &options, &calls, &error);
    is_fair(user, "named", status, &error);
    struct ctr_call about;
    status = ctr_call_get(user->trace, call, &about, &error);
    if (is_fair(user, "call", status, &error)) {
        status = rp_flow(session, &about, step, 6, &options, &flow, &error);
        is_fair(user, "flow", status, &error);
    }
    status = rp_loops(session, call, 0, 4, loops, &count, &total, &error);
    is_fair(user, "loops", status, &error);
    status = rp_history_of_variable(session, thread, 0, "v2", 2, false, &history, &error);
    if (is_fair(user, "history", status, &error)) {
        status = rp_history_page(session, &history, end, true, 5, &options, &entries, &error);
        is_fair(user, "history page", status, &error);
        is_fair(user, "draw", rp_history_draw(session, &history, buckets, 8, &error), &error);
    }
    for (unsigned event = 0; event < 2; event++) {
        status = rp_event_page(session, event, end, true, 5, &options, &entries, &error);
        is_fair(user, "events", status, &error);
    }
    rp_calls_clear(&calls);
    rp_flow_clear(&flow);
    rp_entries_clear(&entries);
}

static void replay(struct user *user)
{
    struct rp_session *session;
    struct ct_error error = {0};
    if (!is_fair(user, "session", rp_session_new(&session, user->trace, &error), &error)) {
        return;
    }
    for (unsigned i = 0; i < at_most(user->info->steps, PLACES); i++) {
        move(user, session, i);
        look_around(user, session);
        evaluate(user, session);
        look_at_calls(user, session);
        look_at_tasks(user, session);
        go_on(user, session, i);
    }
    rp_session_free(session);
}

/* ---- all of it ---- */

static bool verify(struct user *user)
{
    struct ctr_verify_report report;
    struct ct_error error = {0};
    int status = ctr_verify(user->trace, &report, &error);
    is_fair(user, "verify", status, &error);
    bool sound = status == CT_OK && report.findings == 0;
    ctr_verify_clear(&report);
    return sound;
}

bool use_library(const char *path, struct ct_use *use, char problem[200])
{
    struct user user = {.problem = problem};
    struct ct_error error = {0};
    *use = (struct ct_use){0};
    problem[0] = '\0';
    int status = ctr_open(&user.trace, path, &error);
    if (status != CT_OK) {
        check(&user, status == CT_EVERSION || status == CT_EFORMAT, error.message);
        check(&user, strstr(error.message, path) != NULL, "the refusal does not name the file");
        return problem[0] == '\0';
    }
    user.info = ctr_info(user.trace);
    use->opened = true;
    use->complete = user.info->complete;
    use->steps = user.info->steps;
    check(&user, use->complete == (user.info->incomplete[0] == '\0'),
          "no word why it is incomplete");
    use->sound = verify(&user);
    uint64_t lines = play(&user);
    check(&user, !use->sound || lines == use->steps, "verified, but steps are missing");
    ask(&user);
    sweep(&user);
    replay(&user);
    ctr_close(user.trace);
    return problem[0] == '\0';
}

/* ---- commands ---- */

static const char *const commands[][6] = {
    {"print"},
    {"print", "--format", "json", "--globals"},
    {"print", "--format", "csv", "--salvage"},
    {"print", "--salvage", "--depth", "9", "--length", "0"},
    {"print", "--calls", "--salvage"},
    {"print", "--output", "--salvage"},
    {"print", "--summary"},
    {"print", "--summary", "--format", "json"},
    {"print", "--from", "20", "--steps", "--salvage"},
    {"verify"},
    {"verify", "--json"},
    {"export", "--format", "json", "--limit", "8M"},
    {"export", "--format", "binary", "--limit", "8M"},
};

unsigned use_command_count(void)
{
    return sizeof commands / sizeof commands[0];
}

const char *use_command_name(unsigned number)
{
    return commands[number][0];
}

int use_command(const char *path, unsigned number)
{
    char *words[10];
    char output[200];
    int count = 0;
    const struct cli_command *command = cli_command_find(commands[number][0]);
    for (unsigned i = 1; i < 6 && commands[number][i] != NULL; i++) {
        words[count++] = (char *)commands[number][i];
    }
    bool is_export = strcmp(command->name, "export") == 0;
    if (is_export) {
        snprintf(output, sizeof output, "%s.export", path);
        words[count++] = "-o";
        words[count++] = output;
    }
    words[count++] = (char *)path;
    words[count] = NULL;
    int status = cli_command_perform(command, count, words);
    if (is_export) {
        unlink(output);
    }
    return status;
}
