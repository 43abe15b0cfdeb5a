#include "replay/lines.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_AT_ONCE = 256 };

/* ---- which code ---- */

int rp_compare_keys(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

bool rp_has_key(const uint64_t *keys, uint32_t count, uint64_t key)
{
    return count > 0 && bsearch(&key, keys, count, sizeof key, rp_compare_keys) != NULL;
}

int rp_line_keys(const struct ctr_trace *trace, uint32_t path, uint32_t line, uint64_t **keys,
                 uint32_t *count, struct ct_error *error)
{
    uint32_t plans = ctr_info(trace)->plan_count;
    *keys = malloc((plans + 1ull) * sizeof **keys);
    *count = 0;
    if (*keys == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to search the trace");
    }
    for (uint32_t plan = 0; plan < plans; plan++) {
        if (ctr_plan(trace, plan)->path == path) {
            (*keys)[(*count)++] = ctr_key(plan, line);
        }
    }
    return CT_OK;
}

/* Whether a path ends in these whole parts. */
static bool ends_in(struct ctr_text path, const char *end, size_t size)
{
    return path.size >= size && memcmp(path.bytes + path.size - size, end, size) == 0 &&
           (path.size == size || path.bytes[path.size - size - 1] == '/');
}

uint32_t rp_path_number(const struct ctr_trace *trace, const char *path)
{
    size_t size = strlen(path);
    uint32_t found = UINT32_MAX, count = 0;
    for (uint32_t i = 0; i < ctr_info(trace)->path_count; i++) {
        struct ctr_text recorded = ctr_path(trace, i)->path;
        if (recorded.size == size && memcmp(recorded.bytes, path, size) == 0) {
            return i;
        }
        if (size > 0 && ends_in(recorded, path, size)) {
            found = i;
            count++;
        }
    }
    return count == 1 ? found : UINT32_MAX;
}

/* ---- how often ---- */

int rp_line_counts(struct rp_session *session, uint32_t path, uint32_t first, uint32_t count,
                   uint64_t step, uint64_t *visits, struct ct_error *error)
{
    struct ctr_trace *trace = rp_session_trace(session);
    uint64_t *of_plan = calloc(count + 1ull, sizeof *of_plan);
    int status = CT_OK;
    memset(visits, 0, count * sizeof *visits);
    if (of_plan == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to count lines");
    }
    for (uint32_t plan = 0; status == CT_OK && plan < ctr_info(trace)->plan_count; plan++) {
        if (ctr_plan(trace, plan)->path != path) {
            continue;
        }
        status = ctr_count_lines(trace, plan, first, count, step, of_plan, error);
        for (uint32_t i = 0; i < count; i++) {
            visits[i] += of_plan[i];
        }
    }
    free(of_plan);
    return status;
}

uint32_t rp_line_total(struct ctr_text source)
{
    uint32_t count = 1;
    const char *end = source.bytes + source.size;
    for (const char *at = source.bytes; at < end && count < RP_LINES_MAX; count++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (newline == NULL) {
            break;
        }
        at = newline + 1;
    }
    return count;
}

struct ctr_text rp_line_text(struct ctr_text source, uint32_t line)
{
    for (uint32_t at = 1; source.size > 0; at++) {
        const char *end = memchr(source.bytes, '\n', source.size);
        size_t size = end != NULL ? (size_t)(end - source.bytes) : source.size;
        if (at == line) {
            return (struct ctr_text){source.bytes, size};
        }
        size += end != NULL;
        source.bytes += size;
        source.size -= size;
    }
    return (struct ctr_text){NULL, 0};
}

/* The first line with steps among `count` from `first` on, or the last. 0: none. */
static int look(struct rp_session *session, uint32_t path, uint32_t first, uint32_t count,
                bool last, uint32_t *found, struct ct_error *error)
{
    uint64_t visits[LINES_AT_ONCE];
    uint64_t steps = ctr_info(rp_session_trace(session))->steps;
    int status = rp_line_counts(session, path, first, count, steps, visits, error);
    *found = 0;
    for (uint32_t i = 0; status == CT_OK && i < count && *found == 0; i++) {
        uint32_t at = last ? count - 1 - i : i;
        *found = visits[at] > 0 ? first + at : 0;
    }
    return status;
}

int rp_line_with_steps(struct rp_session *session, uint32_t path, uint32_t line, uint32_t *found,
                       struct ct_error *error)
{
    const struct ctr_path *about = ctr_path(rp_session_trace(session), path);
    if (about == NULL) {
        return ct_fail(error, CT_EUSAGE, "there is no path %u", path);
    }
    uint32_t end = about->source.bytes != NULL ? rp_line_total(about->source) : 0;
    end = end > line ? end : line;
    *found = 0;
    for (uint32_t at = line; *found == 0 && at <= end; at += LINES_AT_ONCE) {
        uint32_t count = end - at + 1 < LINES_AT_ONCE ? end - at + 1 : LINES_AT_ONCE;
        int status = look(session, path, at, count, false, found, error);
        if (status != CT_OK) {
            return status;
        }
        if (end - at < LINES_AT_ONCE) {
            break;
        }
    }
    for (uint32_t at = line; *found == 0 && at > 0;) {
        uint32_t count = at < LINES_AT_ONCE ? at : LINES_AT_ONCE;
        at -= count;
        int status = look(session, path, at, count, true, found, error);
        if (status != CT_OK) {
            return status;
        }
    }
    return *found != 0 ? CT_OK : ct_fail(error, CT_ESTATE, "no line of the file ran");
}
