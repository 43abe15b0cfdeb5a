/* Asks a trace one question and prints, as one line of JSON, how long the answer took and what it
 * was. One process a question: nothing is in the reader's caches but what the question needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trace/calls.h"
#include "trace/player.h"
#include "trace/query.h"
#include "trace/sweep.h"

enum { PAGE = 100, STACK = 50, FEW = 16 };

struct probe {
    struct ctr_trace *trace;
    struct ctr_player *player;
    char **arguments;
    struct ct_error error;
};

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void check(struct probe *probe, int status)
{
    if (status != CT_OK) {
        fprintf(stderr, "reader_probe: %s\n", probe->error.message);
        exit(1);
    }
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 0);
}

static bool is_text(struct ctr_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.bytes, wanted, text.size) == 0;
}

static uint32_t find_plan(struct probe *probe, const char *name)
{
    for (uint32_t i = 0; i < ctr_info(probe->trace)->plan_count; i++) {
        if (is_text(ctr_plan(probe->trace, i)->qualname, name)) {
            return i;
        }
    }
    fprintf(stderr, "reader_probe: the trace has no function %s\n", name);
    exit(1);
}

static uint32_t find_slot(struct probe *probe, uint32_t plan, const char *name)
{
    const struct ctr_plan *about = ctr_plan(probe->trace, plan);
    for (uint32_t i = 0; i < about->variable_count; i++) {
        if (is_text(about->variables[i].name, name)) {
            return i;
        }
    }
    fprintf(stderr, "reader_probe: the function has no variable %s\n", name);
    exit(1);
}

/* The variable's number at a step, to check an answer by. */
static long long variable_at(struct probe *probe, uint64_t step, const char *name)
{
    struct ctr_event event;
    check(probe, ctr_player_seek(probe->player, step, &event, &probe->error));
    uint32_t slot = find_slot(probe, event.frame->plan, name);
    return (long long)event.frame->slots[slot].bits;
}

static struct ctr_query of_line(struct probe *probe, const char *function, const char *line)
{
    return (struct ctr_query){.kind = CTR_FIND_LINE,
                              .plan = find_plan(probe, function),
                              .line = (uint32_t)number(line),
                              .call = CTR_NO_CALL};
}

static struct ctr_hit first_hit(struct probe *probe, const struct ctr_query *query,
                                struct ctr_place from, bool backwards)
{
    struct ctr_hit hit = {0};
    struct ctr_page page = {.hits = &hit, .capacity = 1};
    check(probe, ctr_find(probe->trace, query, from, backwards, 0, &page, &probe->error));
    if (page.count == 0) {
        fprintf(stderr, "reader_probe: nothing found\n");
        exit(1);
    }
    return hit;
}

/* ---- questions ---- */

/* steps and blocks of the trace */
static void about(struct probe *probe)
{
    const struct ctr_info *info = ctr_info(probe->trace);
    printf("{\"steps\": %llu, \"calls\": %llu, \"blocks\": %u, \"bytes\": %llu}\n",
           (unsigned long long)info->steps, (unsigned long long)info->calls, info->blocks,
           (unsigned long long)info->size);
}

/* the state at step 0; main() adds the time of opening */
static void first_step(struct probe *probe)
{
    struct ctr_event event;
    check(probe, ctr_player_seek(probe->player, 0, &event, &probe->error));
}

static int compare_times(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* The whole state a debugger shows first: the stack, and one level into the top frame's objects. */
static unsigned look_at_state(struct probe *probe, struct ctr_player *player, uint64_t step)
{
    struct ctr_event event;
    unsigned looked = 0;
    check(probe, ctr_player_seek(player, step, &event, &probe->error));
    for (uint32_t i = 0; i < STACK; i++, looked++) {
        if (ctr_player_frame(player, event.thread, i, &probe->error) == NULL) {
            break;
        }
    }
    for (uint32_t i = 0; i < event.frame->slot_count; i++) {
        if (event.frame->slots[i].tag == CTR_V_OBJECT) {
            looked += ctr_player_object(player, event.frame->slots[i].bits, &probe->error) != NULL;
        }
    }
    return looked;
}

/* seek COUNT: states at random steps */
static void seek(struct probe *probe)
{
    size_t count = number(probe->arguments[0]);
    double *times = calloc(count + 1, sizeof *times);
    uint64_t seed = 1, steps = ctr_info(probe->trace)->steps, looked = 0;
    for (size_t i = 0; times != NULL && i < count; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        struct ctr_player *player;
        double start = milliseconds();
        check(probe, ctr_player_new(&player, probe->trace, &probe->error));
        looked += look_at_state(probe, player, (seed >> 20) % steps);
        times[i] = milliseconds() - start;
        ctr_player_free(player);
    }
    qsort(times, count, sizeof *times, compare_times);
    printf("{\"median\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"most\": %.3f, \"looked\": %llu}\n",
           times[count / 2], times[count * 9 / 10], times[count * 99 / 100], times[count - 1],
           (unsigned long long)looked);
    free(times);
}

/* next FUNCTION LINE STEP: the first visit at or after a step */
static void next_visit(struct probe *probe)
{
    struct ctr_query query = of_line(probe, probe->arguments[0], probe->arguments[1]);
    double start = milliseconds();
    struct ctr_place from;
    check(probe,
          ctr_place_of_step(probe->trace, number(probe->arguments[2]), &from, &probe->error));
    struct ctr_hit hit = first_hit(probe, &query, from, false);
    printf("{\"ms\": %.3f, \"step\": %llu}\n", milliseconds() - start,
           (unsigned long long)hit.step);
}

/* previous FUNCTION LINE: the last visit in the whole trace */
static void previous_visit(struct probe *probe)
{
    struct ctr_query query = of_line(probe, probe->arguments[0], probe->arguments[1]);
    double start = milliseconds();
    struct ctr_hit hit = first_hit(probe, &query, ctr_place_end(probe->trace), true);
    printf("{\"ms\": %.3f, \"step\": %llu}\n", milliseconds() - start,
           (unsigned long long)hit.step);
}

/* count FUNCTION LINE LINES STEP: visits of each line before a step */
static void count(struct probe *probe)
{
    uint32_t plan = find_plan(probe, probe->arguments[0]);
    uint32_t lines = (uint32_t)number(probe->arguments[2]);
    uint64_t *visits = calloc(lines + 1, sizeof *visits);
    double start = milliseconds();
    check(probe, ctr_count_lines(probe->trace, plan, (uint32_t)number(probe->arguments[1]), lines,
                                 number(probe->arguments[3]), visits, &probe->error));
    printf("{\"ms\": %.3f, \"visits\": [", milliseconds() - start);
    for (uint32_t i = 0; i < lines; i++) {
        printf(i > 0 ? ", %llu" : "%llu", (unsigned long long)visits[i]);
    }
    printf("]}\n");
    free(visits);
}

static void print_page(double ms, const struct ctr_page *page)
{
    const struct ctr_hit *first = &page->hits[0], *last = &page->hits[page->count - 1];
    printf("{\"ms\": %.3f, \"count\": %zu", ms, page->count);
    if (page->count > 0) {
        printf(", \"first\": [%llu, %lld], \"last\": [%llu, %lld]", (unsigned long long)first->step,
               (long long)first->value.bits, (unsigned long long)last->step,
               (long long)last->value.bits);
        printf(", \"blocks\": %d", abs((int)last->place.block - (int)first->place.block) + 1);
    }
    printf(", \"done\": %s}\n", page->done ? "true" : "false");
}

/* `how` is forwards, backwards, or first: what the first FEW blocks to look into hold. */
static void find_page(struct probe *probe, const struct ctr_query *query, const char *how)
{
    bool backwards = strcmp(how, "backwards") == 0;
    uint32_t most_blocks = strcmp(how, "first") == 0 ? FEW : 0;
    double start = milliseconds();
    struct ctr_hit hits[PAGE] = {0};
    struct ctr_page page = {.hits = hits, .capacity = PAGE};
    struct ctr_place from = {0, 0};
    if (backwards) {
        from = ctr_place_end(probe->trace);
    }
    check(probe, ctr_find(probe->trace, query, from, backwards, most_blocks, &page, &probe->error));
    print_page(milliseconds() - start, &page);
}

/* writes FUNCTION VARIABLE forwards|backwards|first: the first page of its history */
static void writes(struct probe *probe)
{
    uint32_t plan = find_plan(probe, probe->arguments[0]);
    struct ctr_query query = {.kind = CTR_FIND_WRITE,
                              .plan = plan,
                              .slot = find_slot(probe, plan, probe->arguments[1]),
                              .call = CTR_NO_CALL};
    find_page(probe, &query, probe->arguments[2]);
}

/* changes FUNCTION VARIABLE ATTRIBUTE forwards|backwards|first: the first page of the history of an
 * attribute of the object the variable holds at the function's first step */
static void changes(struct probe *probe)
{
    uint32_t plan = find_plan(probe, probe->arguments[0]);
    struct ctr_query line = {.kind = CTR_FIND_WRITE,
                             .plan = plan,
                             .slot = find_slot(probe, plan, probe->arguments[1]),
                             .call = CTR_NO_CALL};
    struct ctr_hit hit = first_hit(probe, &line, ctr_place_end(probe->trace), true);
    struct ctr_event event;
    check(probe, ctr_player_seek(probe->player, hit.step, &event, &probe->error));
    const struct ctr_object *object =
        ctr_player_object(probe->player, hit.value.bits, &probe->error);
    struct ctr_query query = {.kind = CTR_FIND_CHANGE,
                              .object = hit.value.bits,
                              .part = CTR_PART_ATTR,
                              .call = CTR_NO_CALL};
    struct ctr_node node;
    for (uint32_t i = 0; object != NULL && i < object->attr_count; i++) {
        struct ctr_value key = object->attrs[i].key;
        char text[8] = {0};
        memcpy(text, &key.bits, 7);
        bool same = key.tag == CTR_V_SHORT_TEXT && strcmp(text, probe->arguments[2]) == 0;
        if (key.tag == CTR_V_NODE && ctr_node_open(probe->trace, key, &node, NULL) == CT_OK) {
            same = is_text((struct ctr_text){(const char *)node.bytes, node.size},
                           probe->arguments[2]);
            ctr_node_close(probe->trace, &node);
        }
        query.key = same ? key : query.key;
    }
    find_page(probe, &query, probe->arguments[3]);
}

/* The number of the only call of a function, by its first line that ran. */
static uint64_t call_of(struct probe *probe, const char *function, const char *line)
{
    struct ctr_query query = of_line(probe, function, line);
    return first_hit(probe, &query, (struct ctr_place){0, 0}, false).call;
}

/* call FUNCTION LINE: the record of the call that came to the line first */
static void call(struct probe *probe)
{
    uint64_t which = call_of(probe, probe->arguments[0], probe->arguments[1]);
    struct ctr_call record;
    double start = milliseconds();
    check(probe, ctr_call_get(probe->trace, which, &record, &probe->error));
    printf("{\"ms\": %.3f, \"start\": %llu, \"end\": %llu, \"calls\": %llu, \"blocks\": %u}\n",
           milliseconds() - start, (unsigned long long)record.start, (unsigned long long)record.end,
           (unsigned long long)record.calls, record.end_block - record.start_block + 1);
}

/* child FUNCTION LINE INDEX VARIABLE: a call it made; the variable at that call's first step */
static void child(struct probe *probe)
{
    uint64_t parent = call_of(probe, probe->arguments[0], probe->arguments[1]);
    uint64_t which, passed;
    struct ctr_call record;
    double start = milliseconds();
    check(probe, ctr_call_child(probe->trace, parent, number(probe->arguments[2]), &which, &passed,
                                &probe->error));
    check(probe, ctr_call_get(probe->trace, which, &record, &probe->error));
    double ms = milliseconds() - start;
    printf("{\"ms\": %.3f, \"call\": %llu, \"step\": %llu, \"value\": %lld}\n", ms,
           (unsigned long long)which, (unsigned long long)record.start,
           variable_at(probe, record.start, probe->arguments[3]));
}

/* visit FUNCTION LINE INDEX VARIABLE: an iteration of a loop; the variable there */
static void visit(struct probe *probe)
{
    uint64_t which = call_of(probe, probe->arguments[0], probe->arguments[1]);
    uint64_t step, passed;
    double start = milliseconds();
    check(probe, ctr_call_visit(probe->trace, which, (uint32_t)number(probe->arguments[1]),
                                number(probe->arguments[2]), &step, &passed, &probe->error));
    double ms = milliseconds() - start;
    printf("{\"ms\": %.3f, \"step\": %llu, \"value\": %lld}\n", ms, (unsigned long long)step,
           variable_at(probe, step, probe->arguments[3]));
}

/* back FUNCTION LINE: step back, over what it called, from the last visit of a line */
static void back(struct probe *probe)
{
    struct ctr_query query = of_line(probe, probe->arguments[0], probe->arguments[1]);
    struct ctr_hit now = first_hit(probe, &query, ctr_place_end(probe->trace), true);
    struct ctr_query own = {.kind = CTR_FIND_STEP, .call = now.call};
    double start = milliseconds();
    struct ctr_hit before = first_hit(probe, &own, now.place, true);
    printf("{\"ms\": %.3f, \"from\": %llu, \"to\": %llu, \"line\": %u, \"blocks\": %u}\n",
           milliseconds() - start, (unsigned long long)now.step, (unsigned long long)before.step,
           before.line, now.place.block - before.place.block);
}

struct predicate {
    uint64_t wanted;
    uint64_t visits[CTR_SWEEP_WORKERS][8], hits[CTR_SWEEP_WORKERS][8]; /* a cache line each */
};

static bool holds(void *context, const struct ctr_sweep_visit *visit)
{
    struct predicate *predicate = context;
    const struct ctr_value *value = visit->values;
    predicate->visits[visit->worker][0]++;
    predicate->hits[visit->worker][0] +=
        value->tag == CTR_V_INT && value->bits == predicate->wanted;
    return true;
}

/* sweep FUNCTION LINE VARIABLE NUMBER WORKERS: visits of the line at which the variable is the
 * number */
static void sweep(struct probe *probe)
{
    struct ctr_query line = of_line(probe, probe->arguments[0], probe->arguments[1]);
    uint32_t slot = find_slot(probe, line.plan, probe->arguments[2]);
    uint64_t key = ctr_key(line.plan, line.line);
    struct predicate predicate = {.wanted = number(probe->arguments[3])};
    struct ctr_sweep_plan plan = {line.plan, &slot, 1};
    struct ctr_sweep all = {.keys = &key,
                            .key_count = 1,
                            .plans = &plan,
                            .plan_count = 1,
                            .workers = (unsigned)number(probe->arguments[4]),
                            .visit = holds,
                            .context = &predicate};
    struct ctr_sweep_range range = {.end = UINT32_MAX};
    double start = milliseconds();
    check(probe, ctr_sweep(probe->trace, &all, &range, &probe->error));
    double ms = milliseconds() - start;
    uint64_t visits = 0, hits = 0;
    for (unsigned i = 0; i < CTR_SWEEP_WORKERS; i++) {
        visits += predicate.visits[i][0];
        hits += predicate.hits[i][0];
    }
    printf("{\"ms\": %.3f, \"visits\": %llu, \"hits\": %llu}\n", ms, (unsigned long long)visits,
           (unsigned long long)hits);
}

/* ---- */

static const struct {
    const char *name;
    int arguments;
    void (*ask)(struct probe *);
} questions[] = {
    {"about", 0, about},
    {"open", 0, first_step},
    {"seek", 1, seek},
    {"next", 3, next_visit},
    {"previous", 2, previous_visit},
    {"count", 4, count},
    {"writes", 3, writes},
    {"changes", 4, changes},
    {"call", 2, call},
    {"child", 4, child},
    {"visit", 4, visit},
    {"back", 2, back},
    {"sweep", 5, sweep},
};

int main(int count_of_words, char **words)
{
    for (size_t i = 0; count_of_words > 2 && i < sizeof questions / sizeof questions[0]; i++) {
        if (strcmp(words[2], questions[i].name) != 0 ||
            count_of_words != 3 + questions[i].arguments) {
            continue;
        }
        struct probe probe = {.arguments = words + 3};
        double start = milliseconds();
        check(&probe, ctr_open(&probe.trace, words[1], &probe.error));
        check(&probe, ctr_player_new(&probe.player, probe.trace, &probe.error));
        questions[i].ask(&probe);
        if (questions[i].ask == first_step) {
            printf("{\"ms\": %.3f}\n", milliseconds() - start);
        }
        ctr_player_free(probe.player);
        ctr_close(probe.trace);
        return 0;
    }
    fprintf(stderr, "Usage: reader_probe TRACE QUESTION [ARGUMENT]...; bench/reader.py asks all\n");
    return 2;
}
