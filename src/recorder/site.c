#include "recorder/site.h"

#include <stdlib.h>
#include <string.h>

#include "recorder/bytecode.h"
#include "recorder/frame.h"
#include "recorder/monitor.h"
#include "recorder/object.h"
#include "recorder/verdict.h"

static int compare_places(const void *offset, const void *site)
{
    uint32_t unit = (uint32_t) * (const int64_t *)offset / sizeof(_Py_CODEUNIT);
    uint32_t at = ((const struct site *)site)->unit;
    return (unit > at) - (unit < at);
}

const struct site *site_at(const struct plan *plan, PyObject *offset)
{
    int64_t number;
    bool may_be = plan != NULL && plan->site_count != 0 && compat_small_int(offset, &number);
    return may_be ? bsearch(&number, plan->sites, plan->site_count, sizeof *plan->sites,
                            compare_places)
                  : NULL;
}

/* A bytearray has views; a dict that nobody reports of may be the attributes of an instance: what
 * changes the one changes the other. */
static bool has_other_side(struct session *session, PyObject *callable, PyObject *receiver)
{
    if (PyDict_CheckExact(receiver)) {
        return !compat_dict_reports(receiver, session->dict_watcher) &&
               !verdict_reads_dict(callable);
    }
    if (PyByteArray_CheckExact(receiver)) {
        return ((PyByteArrayObject *)receiver)->ob_exports != 0;
    }
    const struct object_entry *entry = object_known(session, receiver);
    return entry != NULL && entry->type->capture == CAPTURE_BUFFER;
}

enum verdict site_verdict(struct session *session, const struct site *site, PyObject *callable,
                          PyObject *first)
{
    struct effect call = {
        .action = ACTION_CALL, .has_keywords = site->has_keywords, .arguments = site->arguments};
    PyObject *receiver = verdict_receiver(callable, first);
    if (receiver == NULL) {
        enum verdict verdict = verdict_of_callable(session, callable, &call);
        return verdict == VERDICT_UNKNOWN ? VERDICT_ESCAPES : verdict;
    }
    enum verdict verdict = verdict_of_bound(callable, receiver, site->arguments);
    return verdict != VERDICT_ESCAPES && has_other_side(session, callable, receiver)
               ? VERDICT_ESCAPES
               : verdict;
}

void site_look(struct session *session, const struct site *site, enum verdict verdict,
               PyObject *callable, PyObject *receiver)
{
    struct shadow shadow;
    bool done = false;
    if (verdict == VERDICT_CHANGES_ENDS && object_expect_grown(session, receiver, &shadow)) {
        enum end end = verdict_end(callable, site->arguments);
        struct effect effect = {.end = (uint8_t)end, .pops = end == END_POP, .ends = 1};
        done = object_check_ends(session, receiver, &shadow, &effect);
    }
    if (!done) {
        object_check_known(session, receiver, true, true);
    }
}

/* ---- sites found while the code runs
 * -------------------------------------------------------------------------------- */

static bool add(struct plan *plan, const struct site *site)
{
    uint32_t at = 0;
    while (at < plan->site_count && plan->sites[at].unit < site->unit) {
        at++;
    }
    if (at < plan->site_count && plan->sites[at].unit == site->unit) {
        return true;
    }
    struct site *sites = realloc(plan->sites, (plan->site_count + 1) * sizeof *sites);
    if (sites == NULL) {
        return false;
    }
    memmove(sites + at + 1, sites + at, (plan->site_count - at) * sizeof *sites);
    sites[at] = *site;
    plan->sites = sites;
    plan->site_count++;
    return true;
}

void sites_take_over(struct plan *plan, const struct plan *other)
{
    for (uint32_t i = 0; i < other->site_count; i++) {
        add(plan, &other->sites[i]);
    }
}

static void mark_line(struct plan *plan, struct line_info *line, const struct effect *effect)
{
    uint32_t place = (uint32_t)(effect - plan->effects);
    if (place >= line->first_effect && place < line->first_effect + line->effect_count) {
        line->flags |= LINE_WATCHED;
    }
}

/* The line it is of, and what that is when its loop comes round. */
static void mark_lines(struct plan *plan, const struct effect *effect)
{
    for (int i = 0; i <= plan->line_count; i++) {
        mark_line(plan, &plan->lines[i], effect);
        if (plan->lines[i].flags & LINE_AGAIN) {
            mark_line(plan, &plan->lines[plan->lines[i].again], effect);
        }
    }
}

/* Frames below the running one that are making the call now were not asked. */
static void mark_frames(const struct plan *plan)
{
    for (struct shadow_frame *frame = frame_current_thread->top->below; frame != NULL;
         frame = frame->below) {
        if (frame->plan->code == plan->code) {
            frame->unseen = true;
        }
    }
}

void site_begin(struct session *session, struct plan *plan, struct effect *effect)
{
    struct site site = {.unit = effect->unit,
                        .line = NO_LINE,
                        .arguments = effect->arguments,
                        .has_keywords = effect->has_keywords};
    PyCodeObject *code = (PyCodeObject *)plan->code;
    bool done = effect->watchable && code != NULL;
    struct plan *first = done ? compat_code_extra(code, session->code_extra) : NULL;
    for (struct plan *each = first; each != NULL && done; each = each->next) {
        done = add(each, &site);
    }
    if (first == NULL || !done) {
        return;
    }
    effect->action = ACTION_WATCHED;
    effect->verdict = VERDICT_PURE;
    mark_lines(plan, effect);
    mark_frames(plan);
    monitor_watch_calls(session, plan, code);
}
