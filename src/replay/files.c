#include "replay/files.h"

#include <stdlib.h>
#include <string.h>

#include "replay/lines.h"
#include "trace/facts.h"

enum { LINES_AT_ONCE = 4096 };

/* ---- the lines of one code object ---- */

typedef void see_line(void *context, uint32_t line);

static void see_facts(const struct ctr_facts *facts, see_line *see, void *context)
{
    for (uint32_t i = 0; i < facts->code_count; i++) {
        see(context, facts->codes[i].first_line);
    }
    for (uint32_t i = 0; i < facts->loop_count; i++) {
        see(context, facts->loops[i].first_line);
    }
    for (uint32_t i = 0; i < facts->branch_count; i++) {
        see(context, facts->branches[i].place.line);
        see(context, facts->branches[i].next_line);
        see(context, facts->branches[i].jump_line);
    }
    for (uint32_t i = 0; i < facts->use_count; i++) {
        see(context, facts->uses[i].place.line);
    }
}

/* Every line that the facts of the file's code name. Facts that are not there name none. */
static void see_lines(const struct ctr_trace *trace, uint32_t path, see_line *see, void *context)
{
    for (uint32_t plan = 0; plan < ctr_info(trace)->plan_count; plan++) {
        struct ctr_facts facts;
        if (ctr_plan(trace, plan)->path == path) {
            ctr_facts_read(trace, plan, &facts, NULL);
            see_facts(&facts, see, context);
            ctr_facts_clear(&facts);
        }
    }
}

/* ---- a window of them ---- */

struct window {
    uint32_t first, count;
    bool *has_code;
};

static void mark(void *context, uint32_t line)
{
    const struct window *window = context;
    if (line >= window->first && line - window->first < window->count) {
        window->has_code[line - window->first] = true;
    }
}

void rp_lines_with_code(const struct ctr_trace *trace, uint32_t path, uint32_t first,
                        uint32_t count, const uint64_t *visits, bool *has_code)
{
    struct window window = {first, count, has_code};
    for (uint32_t i = 0; i < count; i++) {
        has_code[i] = visits[i] > 0;
    }
    see_lines(trace, path, mark, &window);
}

/* ---- all of them ---- */

static void find_last(void *context, uint32_t line)
{
    uint32_t *last = context;
    *last = line > *last ? line : *last;
}

/* No line behind it has code. */
static uint32_t last_line(const struct ctr_trace *trace, uint32_t path)
{
    struct ctr_text source = ctr_source(trace, path);
    uint32_t last = 1;
    if (source.bytes != NULL) {
        return rp_line_total(source);
    }
    see_lines(trace, path, find_last, &last);
    return last < RP_LINES_MAX ? last : RP_LINES_MAX;
}

static void count_window(struct rp_file *file, const uint64_t *visits, const bool *has_code,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        file->lines += has_code[i] || visits[i] > 0;
        file->lines_run += visits[i] > 0;
        file->steps += visits[i];
    }
}

int rp_file(struct rp_session *session, uint32_t path, struct rp_file *file, struct ct_error *error)
{
    struct ctr_trace *trace = rp_session_trace(session);
    *file = (struct rp_file){0};
    if (ctr_path(trace, path) == NULL) {
        return ct_fail(error, CT_EUSAGE, "there is no path %u", path);
    }
    uint32_t last = last_line(trace, path);
    uint64_t *visits = malloc(LINES_AT_ONCE * sizeof *visits);
    bool *has_code = calloc(last + 1ull, sizeof *has_code);
    struct window all = {0, last + 1, has_code};
    if (visits == NULL || has_code == NULL) {
        free(visits);
        free(has_code);
        return ct_fail(error, CT_ENOMEM, "no memory to count lines");
    }
    int status = CT_OK;
    see_lines(trace, path, mark, &all);
    for (uint32_t first = 0; status == CT_OK && first <= last; first += LINES_AT_ONCE) {
        uint32_t count = last + 1 - first < LINES_AT_ONCE ? last + 1 - first : LINES_AT_ONCE;
        status = rp_line_counts(session, path, first, count, ctr_info(trace)->steps, visits, error);
        if (status == CT_OK) {
            count_window(file, visits, has_code + first, count);
        }
    }
    free(visits);
    free(has_code);
    return status;
}
