#include "cli/report_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "cli/print.h"
#include "trace/ending.h"
#include "trace/shape.h"

enum {
    BLOCKS_SEARCHED = 4, /* from the end, for the exception that ended the program */
    VALUE_LENGTH = 200,
};

static void report_events(const struct ctr_info *info)
{
    cli_note("  events    %llu: %llu steps, %llu calls, %llu ms",
             (unsigned long long)ctr_event_count(info), (unsigned long long)info->steps,
             (unsigned long long)info->calls, (unsigned long long)info->milliseconds);
}

/* What a limit or a rule kept out of the recording. */
static void report_losses(const struct ctr_info *info)
{
    static const struct {
        enum ctr_counter counter;
        const char *words;
    } losses[] = {
        {CTR_C_values_cut, "cut by a limit"}, {CTR_C_values_redacted, "redacted"},
        {CTR_C_values_dropped, "dropped"},    {CTR_C_values_opaque, "opaque"},
        {CTR_C_lagging, "lagging"},
    };
    char text[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        uint64_t count = info->counters[losses[i].counter];
        if (count > 0 && used < sizeof text) {
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "%s%llu %s", used > 0 ? ", " : "",
                                 (unsigned long long)count, losses[i].words);
        }
    }
    if (used > 0) {
        cli_note("  values    %s", text);
    }
}

static void report_gaps(const struct ctr_info *info)
{
    char gap[CTR_ENDING_BYTES];
    ctr_ending_gap(info, gap);
    if (gap[0] != '\0') {
        cli_note("  complete  no: %s", gap);
    }
}

/* ---- The exception that ended the program ---- */

struct crash {
    bool is_found;
    uint64_t step;
    struct ct_bytes text; /* place and exception */
};

/* The first event of an exception's way out: where it came up. */
static void note_origin(struct crash *crash, struct ctr_player *player, struct ctr_event *event)
{
    struct ctr_trace *trace = ctr_player_trace(player);
    const struct ctr_plan *plan = ctr_plan(trace, event->frame->plan);
    const struct ctr_path *path = plan == NULL ? NULL : ctr_path(trace, plan->path);
    uint32_t line = event->frame->line;
    static const struct ctr_text_options options = {.depth = 3, .characters = VALUE_LENGTH};
    crash->is_found = true;
    crash->step = event->step;
    crash->text.size = 0;
    ctr_text_of(player, event->value, &options, &crash->text);
    if (path != NULL) {
        ct_bytes_add_text(&crash->text, " at ");
        print_safe(path->path, &crash->text);
        ct_bytes_add_format(&crash->text, ":%u in ", line);
        print_safe(plan->qualname, &crash->text);
    }
}

static bool is_exit(struct ctr_player *player, struct ctr_value value)
{
    struct ct_bytes name = {0};
    ctr_text_of_type(player, value, &name);
    bool is_same = name.size == 10 && memcmp(name.data, "SystemExit", 10) == 0;
    ct_bytes_free(&name);
    return is_same;
}

/* Follow the main thread's exceptions to the end: the one that nobody handled is left. */
static void find_crash(struct crash *crash, struct ctr_player *player)
{
    struct ctr_event event;
    while (ctr_player_next(player, &event, NULL) == CT_OK) {
        bool is_up = event.kind == CTR_EVENT_RAISE || event.kind == CTR_EVENT_UNWIND;
        if (event.thread != 0 || event.frame == NULL) {
            continue;
        }
        if (is_up && !crash->is_found && !is_exit(player, event.value)) {
            note_origin(crash, player, &event);
        } else if (event.kind == CTR_EVENT_HANDLED || event.kind == CTR_EVENT_LINE) {
            crash->is_found = false; /* code goes on: it was handled */
        }
    }
}

static void report_crash(struct ctr_trace *trace, const char *dir)
{
    struct ctr_player *player;
    if (ctr_player_new(&player, trace, NULL) != CT_OK) {
        return;
    }
    uint32_t blocks = ctr_info(trace)->blocks;
    uint32_t first = blocks > BLOCKS_SEARCHED ? blocks - BLOCKS_SEARCHED : 0;
    struct crash crash = {0};
    if (blocks > 0 && ctr_player_start(player, first, NULL) == CT_OK) {
        find_crash(&crash, player);
    }
    if (crash.is_found && !crash.text.failed) {
        cli_note("  exception %.*s", (int)crash.text.size, (const char *)crash.text.data);
        cli_note("  see it    ct print --from %llu %s", (unsigned long long)crash.step, dir);
    }
    ct_bytes_free(&crash.text);
    ctr_player_free(player);
}

void record_report_trace(const char *dir, bool is_crash)
{
    struct ctr_trace *trace;
    struct ct_error error;
    if (ctr_open(&trace, dir, &error) != CT_OK) {
        cli_error("%s", error.message);
        return;
    }
    report_events(ctr_info(trace));
    report_losses(ctr_info(trace));
    report_gaps(ctr_info(trace));
    if (is_crash) {
        report_crash(trace, dir);
    }
    ctr_close(trace);
}
