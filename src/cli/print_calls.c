/* `ct print --calls`: who called whom, with what, and what came back; one line for a call without
 * recorded calls in it, two for others. Times are in milliseconds.
 *
 *        ms  call
 *            add_all(numbers=[1, 2]) {
 *         0    add(a=1, b=2) = 3
 *        12  } = 3                                                                              */
#include <stdlib.h>

#include "cli/print.h"

enum {
    CALLS_REMEMBERED = 65536, /* start times of calls; a power of two */
    INDENT_MAX = 60,
    TIME_WIDTH = 8,
};

struct started {
    uint64_t call;
    uint64_t tick;
};

struct calls {
    struct ct_bytes pending; /* a call whose next event decides how its line ends */
    bool has_pending;
    uint64_t pending_call;
    struct ct_bytes line;
    struct started started[CALLS_REMEMBERED]; /* call: number + 1 */
};

static void *calls_open(struct print *print)
{
    (void)print;
    printf("%*s  call\n", TIME_WIDTH, "ms");
    return calloc(1, sizeof(struct calls));
}

static void put_line(struct ct_bytes *line)
{
    ct_bytes_add_byte(line, '\n');
    fwrite(line->data, 1, line->size, stdout);
    line->size = 0;
}

/* The time column, empty without a time, and the indentation. */
static void start_line(struct ct_bytes *line, const struct print *print, const uint64_t *duration)
{
    line->size = 0;
    uint32_t depth = print->frame.depth < INDENT_MAX ? print->frame.depth : INDENT_MAX;
    if (duration != NULL) {
        ct_bytes_add_format(line, "%*llu", TIME_WIDTH, (unsigned long long)*duration);
    } else {
        ct_bytes_add_format(line, "%*s", TIME_WIDTH, "");
    }
    ct_bytes_add_format(line, "  %*s", 2 * (int)depth, "");
}

static void flush_pending(struct calls *calls)
{
    if (calls->has_pending) {
        ct_bytes_add_text(&calls->pending, " {");
        put_line(&calls->pending);
        calls->has_pending = false;
    }
}

static void add_call(struct calls *calls, struct print *print)
{
    flush_pending(calls);
    uint64_t call = print->frame.call;
    calls->started[call & (CALLS_REMEMBERED - 1)] = (struct started){call + 1, print->event.tick};
    start_line(&calls->pending, print, NULL);
    const struct ctr_plan *plan = print_plan(print);
    if (plan != NULL) {
        print_safe(plan->qualname, &calls->pending);
    }
    ct_bytes_add_byte(&calls->pending, '(');
    print_arguments(print, &calls->pending);
    ct_bytes_add_byte(&calls->pending, ')');
    calls->has_pending = true;
    calls->pending_call = call;
}

static void add_name(struct ct_bytes *line, struct print *print)
{
    const struct ctr_plan *plan = print_plan(print);
    if (plan != NULL) {
        ct_bytes_add_text(line, " of ");
        print_safe(plan->qualname, line);
    }
}

static const uint64_t *duration_of(const struct calls *calls, const struct print *print,
                                   uint64_t *duration)
{
    const struct started *started = &calls->started[print->frame.call & (CALLS_REMEMBERED - 1)];
    if (started->call != print->frame.call + 1) {
        return NULL;
    }
    *duration = print->event.tick - started->tick;
    return duration;
}

/* A call is over: on its own line when nothing came in between. */
static void add_end(struct calls *calls, struct print *print, const char *word)
{
    uint64_t space;
    const uint64_t *duration = duration_of(calls, print, &space);
    start_line(&calls->line, print, duration);
    if (calls->has_pending && calls->pending_call == print->frame.call) {
        size_t skipped = calls->line.size;
        ct_bytes_add(&calls->line, calls->pending.data + skipped, calls->pending.size - skipped);
        calls->has_pending = false;
    } else {
        flush_pending(calls);
        ct_bytes_add_byte(&calls->line, '}');
        if (duration == NULL) { /* its start is far above, or was not recorded */
            add_name(&calls->line, print);
        }
    }
    ct_bytes_add_text(&calls->line, word);
    print_value(print, print->event.value, &calls->line);
    put_line(&calls->line);
}

/* What happens between start and end: the name says whose it is. */
static void add_visit(struct calls *calls, struct print *print, const char *word, bool has_value)
{
    flush_pending(calls);
    start_line(&calls->line, print, NULL);
    const struct ctr_plan *plan = print_plan(print);
    if (plan != NULL) {
        print_safe(plan->qualname, &calls->line);
    }
    ct_bytes_add_text(&calls->line, word);
    if (has_value) {
        print_value(print, print->event.value, &calls->line);
    }
    put_line(&calls->line);
}

static void add_thread(struct calls *calls, struct print *print)
{
    flush_pending(calls);
    printf("%*s  == thread %u\n", TIME_WIDTH, "", print->event.thread);
}

static void calls_event(struct print *print, void *state)
{
    struct calls *calls = state;
    switch (print->event.kind) {
    case CTR_EVENT_CALL:
        add_call(calls, print);
        break;
    case CTR_EVENT_RETURN:
        add_end(calls, print, " = ");
        break;
    case CTR_EVENT_UNWIND:
        add_end(calls, print, " ! ");
        break;
    case CTR_EVENT_YIELD:
        add_visit(calls, print, " yields ", true);
        break;
    case CTR_EVENT_RESUME:
        add_visit(calls, print, " resumes", false);
        break;
    case CTR_EVENT_THROW:
        add_visit(calls, print, " resumes with ", true);
        break;
    case CTR_EVENT_THREAD:
        add_thread(calls, print);
        break;
    default:
        break;
    }
}

static void calls_close(struct print *print, void *state)
{
    (void)print;
    struct calls *calls = state;
    flush_pending(calls);
    ct_bytes_free(&calls->pending);
    ct_bytes_free(&calls->line);
    free(calls);
}

const struct print_view print_view_calls = {calls_open, calls_event, calls_close};
