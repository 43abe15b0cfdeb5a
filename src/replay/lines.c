#include "replay/lines.h"

#include <stdlib.h>
#include <string.h>

#include "trace/facts.h"

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

static bool is_same_code(const struct ctr_plan *a, const struct ctr_plan *b)
{
    return a->first_line == b->first_line && ctr_text_same(a->qualname, b->qualname);
}

/* Of one code (and all plans it has), or of a whole file: `code` NULL. */
static int count_lines(struct rp_session *session, uint32_t path, const struct ctr_plan *code,
                       uint32_t first, uint32_t count, uint64_t step, uint64_t *visits,
                       struct ct_error *error)
{
    struct ctr_trace *trace = rp_session_trace(session);
    uint64_t *of_plan = calloc(count + 1ull, sizeof *of_plan);
    int status = CT_OK;
    memset(visits, 0, count * sizeof *visits);
    if (of_plan == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to count lines");
    }
    for (uint32_t i = 0; status == CT_OK && i < ctr_info(trace)->plan_count; i++) {
        const struct ctr_plan *plan = ctr_plan(trace, i);
        if (plan->path != path || (code != NULL && !is_same_code(plan, code))) {
            continue;
        }
        status = ctr_count_lines(trace, i, first, count, step, of_plan, error);
        for (uint32_t j = 0; j < count; j++) {
            visits[j] += of_plan[j];
        }
    }
    free(of_plan);
    return status;
}

int rp_line_counts(struct rp_session *session, uint32_t path, uint32_t first, uint32_t count,
                   uint64_t step, uint64_t *visits, struct ct_error *error)
{
    return count_lines(session, path, NULL, first, count, step, visits, error);
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

/* ---- the code that a line belongs to ---- */

static uint32_t later(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The last line that the facts of a code tell of. */
static uint32_t last_of_facts(const struct ctr_facts *facts, uint32_t last)
{
    for (uint32_t i = 0; i < facts->use_count; i++) {
        last = later(last, facts->uses[i].place.end_line);
    }
    for (uint32_t i = 0; i < facts->branch_count; i++) {
        const struct ctr_branch_fact *branch = &facts->branches[i];
        last = later(last, later(branch->next_line, branch->jump_line));
    }
    for (uint32_t i = 0; i < facts->loop_count; i++) {
        last = later(last, facts->loops[i].last_line);
    }
    return last;
}

/* How deep the lines of a source are indented, up to the one that is asked about or, where that is
 * blank, the next one with a word on it. */
struct indents {
    uint32_t count;
    uint32_t *of;    /* each line, from 1; UINT32_MAX: it is blank */
    uint32_t *least; /* from a line to the last one */
};

/* A bracket that ends the head of a function stands where the head begins: it counts as blank. */
static uint32_t indent_of(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at == end || strchr("\r)]}", *at) != NULL ? UINT32_MAX : (uint32_t)(at - start);
}

static int read_indents(struct ctr_text source, uint32_t line, struct indents *indents,
                        struct ct_error *error)
{
    size_t room = source.bytes != NULL ? rp_line_total(source) + 2ull : 2;
    *indents = (struct indents){0, calloc(room, sizeof(uint32_t)), calloc(room, sizeof(uint32_t))};
    if (indents->of == NULL || indents->least == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for the lines of a source");
    }
    const char *at = source.bytes, *end = at != NULL ? at + source.size : at;
    while (at < end && indents->count + 2 < room) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline != NULL ? newline : end;
        uint32_t indent = indent_of(at, line_end);
        indents->of[++indents->count] = indent;
        if (indents->count >= line && indent != UINT32_MAX) {
            break;
        }
        at = newline != NULL ? newline + 1 : end;
    }
    indents->least[indents->count + 1] = UINT32_MAX;
    for (uint32_t i = indents->count; i > 0; i--) {
        uint32_t behind = indents->least[i + 1];
        indents->least[i] = indents->of[i] < behind ? indents->of[i] : behind;
    }
    return CT_OK;
}

static void free_indents(struct indents *indents)
{
    free(indents->of);
    free(indents->least);
}

/* Whether code that begins on one line and of which another is the last that is known, goes on to
 * `line`: all between is indented deeper. Comments are, and what tells no fact. */
static bool goes_on(const struct indents *indents, uint32_t first, uint32_t last, uint32_t line)
{
    return last >= line ||
           (first > 0 && line <= indents->count && indents->least[last + 1] > indents->of[first]);
}

/* Where a code begins, and whose it is; NULL: it never ran. */
struct around {
    uint32_t first;
    const struct ctr_plan *code;
};

/* The one that begins last, of all around a line. */
static void choose(struct around *best, uint32_t first, const struct ctr_plan *code)
{
    if (first > best->first || (first == best->first && code != NULL)) {
        *best = (struct around){first, code};
    }
}

static int code_around(const struct ctr_trace *trace, uint32_t path, uint32_t line,
                       const struct ctr_plan **code, struct ct_error *error)
{
    struct around best = {0, NULL};
    struct indents indents;
    int status = read_indents(ctr_source(trace, path), line, &indents, error);
    for (uint32_t i = 0; status == CT_OK && i < ctr_info(trace)->plan_count; i++) {
        const struct ctr_plan *plan = ctr_plan(trace, i);
        struct ctr_facts facts;
        if (plan->path != path) {
            continue;
        }
        ctr_facts_read(trace, i, &facts, NULL);
        for (uint32_t j = 0; j < facts.code_count; j++) {
            uint32_t first = facts.codes[j].first_line;
            if (first <= line && goes_on(&indents, first, first, line)) {
                choose(&best, first, NULL);
            }
        }
        if (ctr_text_is(plan->name, "<module>")) {
            choose(&best, 0, plan);
        } else if (plan->first_line <= line) {
            uint32_t last = last_of_facts(&facts, plan->first_line);
            if (goes_on(&indents, plan->first_line, last, line)) {
                choose(&best, plan->first_line, plan);
            }
        }
        ctr_facts_clear(&facts);
    }
    free_indents(&indents);
    *code = best.code;
    return status;
}

/* ---- a line with steps ---- */

/* The first line with steps among `count` from `first` on, or the last. 0: none. */
static int look(struct rp_session *session, uint32_t path, const struct ctr_plan *code,
                uint32_t first, uint32_t count, bool last, uint32_t *found, struct ct_error *error)
{
    uint64_t visits[LINES_AT_ONCE];
    uint64_t steps = ctr_info(rp_session_trace(session))->steps;
    int status = count_lines(session, path, code, first, count, steps, visits, error);
    *found = 0;
    for (uint32_t i = 0; status == CT_OK && i < count && *found == 0; i++) {
        uint32_t at = last ? count - 1 - i : i;
        *found = visits[at] > 0 ? first + at : 0;
    }
    return status;
}

/* The next line of a code with steps, up to `end`, else the one before. */
static int look_around(struct rp_session *session, uint32_t path, const struct ctr_plan *code,
                       uint32_t line, uint32_t end, uint32_t *found, struct ct_error *error)
{
    int status = CT_OK;
    uint32_t at = line;
    while (status == CT_OK && *found == 0 && at <= end) {
        uint32_t count = end - at + 1 < LINES_AT_ONCE ? end - at + 1 : LINES_AT_ONCE;
        status = look(session, path, code, at, count, false, found, error);
        at += count;
    }
    at = line;
    while (status == CT_OK && *found == 0 && at > 0) {
        uint32_t count = at < LINES_AT_ONCE ? at : LINES_AT_ONCE;
        at -= count;
        status = look(session, path, code, at, count, true, found, error);
    }
    return status;
}

int rp_line_with_steps(struct rp_session *session, uint32_t path, uint32_t line, uint32_t *found,
                       struct ct_error *error)
{
    const struct ctr_trace *trace = rp_session_trace(session);
    if (ctr_path(trace, path) == NULL) {
        return ct_fail(error, CT_EUSAGE, "there is no path %u", path);
    }
    int status = look(session, path, NULL, line, 1, false, found, error);
    if (status != CT_OK || *found != 0) {
        return status;
    }
    struct ctr_text source = ctr_source(trace, path);
    uint32_t end = source.bytes != NULL ? rp_line_total(source) : RP_LINES_MAX;
    if (line > end) {
        return ct_fail(error, CT_ESTATE, "The file ends before this line");
    }
    const struct ctr_plan *code;
    status = code_around(trace, path, line, &code, error);
    if (status == CT_OK && code != NULL) {
        status = look_around(session, path, code, line, end, found, error);
    }
    return status != CT_OK || *found != 0
               ? status
               : ct_fail(error, CT_ESTATE, "The code around this line never ran");
}
