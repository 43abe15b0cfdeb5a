#include <stdlib.h>

#include "recorder/builtin.h"
#include "recorder/effects.h"
#include "recorder/reach.h"
#include "recorder/reach_internal.h"

static bool rebinds(const struct line_info *line, int32_t slot)
{
    return (line->writes >> slot & 1) != 0;
}

static bool is_rebound(const struct findings *all, const struct route *route, const void *line)
{
    (void)all;
    bool any = route->base == BASE_SLOT && rebinds(line, route->slot);
    for (unsigned i = 0; !any && i < route->count; i++) {
        any = route->steps[i].kind == STEP_SLOT && rebinds(line, route->steps[i].slot);
    }
    return any;
}

static bool rebinds_step(const struct findings *all, const struct line_info *line,
                         const struct path_step *step)
{
    return (step->kind == STEP_SLOT && rebinds(line, step->slot)) ||
           reach__any_in_step(all, step, is_rebound, line);
}

/* A variable the line rebinds is not the object it worked on, nor is a rebound index the place. */
static void settle_line(const struct findings *all, struct line_info *line, struct finding *found)
{
    const struct route *route = &found->route;
    bool is_bound = route->base == BASE_SLOT && rebinds(line, route->slot);
    if (is_bound && !(found->effect.action == ACTION_STORE && route->count == 0)) {
        reach__give_up(line);
        found->effect.led = found->effect.led || line->loops != 0; /* worked on many */
    }
    for (unsigned i = 0; i < route->count; i++) {
        if (rebinds_step(all, line, &route->steps[i])) {
            reach__give_up(line);
        }
    }
    if (rebinds_step(all, line, &found->key)) {
        found->key.kind = STEP_NONE;
    }
}

static void drop_nothings(struct findings *findings)
{
    size_t kept = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].effect.action != ACTION_NONE) {
            findings->items[kept++] = findings->items[i];
        }
    }
    findings->count = kept;
}

static bool is_mention(const struct finding *found)
{
    return found->effect.action == ACTION_MENTION || found->effect.action == ACTION_INSIDE;
}

static unsigned step_count(const struct finding *found)
{
    return found->route.count + (found->effect.action == ACTION_STORE_ITEM);
}

/* What the plan takes of what was found: its terms have numbers there, from 1; 0: it needs it not.
 */
struct taking {
    const struct findings *all;
    uint32_t *numbers;
    struct path_step *steps; /* the next free one */
};

static void need_terms(struct taking *taking, const struct path_step *step)
{
    for (unsigned i = 0; step->kind == STEP_TERMS && i < step->count; i++) {
        const struct route *route = &taking->all->terms[(unsigned)step->index + i].route;
        if (taking->numbers[(unsigned)step->index + i]++ != 0) {
            return; /* and so are all of them */
        }
        for (unsigned j = 0; j < route->count; j++) {
            need_terms(taking, &route->steps[j]);
        }
    }
}

static void need_all_terms(struct taking *taking)
{
    for (size_t i = 0; i < taking->all->count; i++) {
        const struct finding *found = &taking->all->items[i];
        for (unsigned j = 0; j < found->route.count; j++) {
            need_terms(taking, &found->route.steps[j]);
        }
        need_terms(taking, &found->key);
    }
}

/* How many terms are needed, which get their numbers; `*steps` grows by what they have. */
static size_t number_terms(struct taking *taking, size_t *steps)
{
    uint32_t count = 0;
    need_all_terms(taking);
    for (size_t i = 0; i < taking->all->term_count; i++) {
        if (taking->numbers[i] != 0) {
            taking->numbers[i] = ++count;
            *steps += taking->all->terms[i].route.count;
        }
    }
    return count;
}

/* How many effects and mentions each line has, and where they will be: first those, then these.
 * How many steps they all have. */
static size_t lay_out(struct plan *plan, const struct findings *findings)
{
    size_t steps = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *found = &findings->items[i];
        struct line_info *line = effects_line(plan, found->line);
        line->effect_count += !is_mention(found);
        line->mention_count += is_mention(found);
        steps += step_count(found);
    }
    uint32_t first = 0;
    for (int i = 0; i <= plan->line_count; i++) {
        plan->lines[i].first_effect = first;
        first += plan->lines[i].effect_count + plan->lines[i].mention_count;
    }
    return steps;
}

static void take_step(struct taking *taking, const struct path_step *step)
{
    *taking->steps = *step;
    if (step->kind == STEP_TERMS) {
        taking->steps->index = (int32_t)taking->numbers[step->index] - 1;
    }
    taking->steps++;
}

static struct object_path take_path(struct taking *taking, const struct route *route)
{
    struct object_path path = {.base = route->base,
                               .slot = route->slot,
                               .count = route->count,
                               .name = route->name,
                               .steps = taking->steps};
    for (unsigned i = 0; i < route->count; i++) {
        take_step(taking, &route->steps[i]);
    }
    return path;
}

static void take_terms(struct taking *taking, struct term *terms)
{
    for (size_t i = 0; i < taking->all->term_count; i++) {
        if (taking->numbers[i] != 0) {
            struct term *term = &terms[taking->numbers[i] - 1];
            *term = taking->all->terms[i].term;
            term->path = take_path(taking, &taking->all->terms[i].route);
        }
    }
}

static struct effect take_effect(struct taking *taking, const struct finding *found)
{
    struct effect effect = found->effect;
    effect.path = take_path(taking, &found->route);
    if (found->effect.action == ACTION_STORE_ITEM) {
        take_step(taking, &found->key);
    }
    return effect;
}

static bool make_room(struct plan *plan, struct taking *taking, uint32_t **taken)
{
    size_t steps = lay_out(plan, taking->all);
    *taken = calloc((size_t)plan->line_count + 1, sizeof **taken);
    taking->numbers = calloc(taking->all->term_count + 1, sizeof *taking->numbers);
    if (*taken == NULL || taking->numbers == NULL) {
        return false;
    }
    size_t terms = number_terms(taking, &steps);
    plan->effects = calloc(taking->all->count + 1, sizeof *plan->effects);
    plan->steps = calloc(steps + 1, sizeof *plan->steps);
    plan->terms = terms != 0 ? calloc(terms, sizeof *plan->terms) : NULL;
    taking->steps = plan->steps;
    return plan->effects != NULL && plan->steps != NULL && (plan->terms != NULL || terms == 0);
}

static enum end end_of(const struct effect *effect)
{
    PyObject *name = effect->name;
    return PyUnicode_IS_ASCII(name) ? builtin_end(PyUnicode_DATA(name), effect->arguments)
                                    : END_NONE;
}

static uint8_t one_more(uint8_t count)
{
    return count < UINT8_MAX ? count + 1 : count;
}

/* Each call of a line knows of the others that may change the ends of what it is a method of. */
static void count_ends(struct plan *plan, const struct line_info *line)
{
    struct effect *effects = plan->effects + line->first_effect;
    uint8_t pops = 0, ends = 0, arguments = 0;
    for (unsigned i = 0; i < line->effect_count; i++) {
        arguments = effects[i].action == ACTION_ARGUMENT ? one_more(arguments) : arguments;
        if (effects[i].action == ACTION_METHOD) {
            effects[i].end = (uint8_t)end_of(&effects[i]);
            pops = effects[i].end == END_POP ? one_more(pops) : pops;
            ends = effects[i].end != END_NONE ? one_more(ends) : ends;
        }
    }
    bool is_repeated = line->loops != 0 && ends > 1; /* nobody knows how often */
    for (unsigned i = 0; i < line->effect_count; i++) {
        if (effects[i].action == ACTION_METHOD) {
            effects[i].pops = is_repeated ? ANY_POPS : pops;
            effects[i].ends = ends;
        } else if (effects[i].end == END_HEAP && effects[i].action == ACTION_ARGUMENT &&
                   (line->loops != 0 || arguments > 1)) {
            effects[i].end = END_NONE; /* one way through a heap is not all that moved */
        }
    }
}

static void take_all(struct plan *plan, struct taking *taking, struct findings *findings,
                     uint32_t *taken)
{
    for (int mentions = 0; mentions <= 1; mentions++) {
        for (size_t i = 0; i < findings->count; i++) {
            struct finding *found = &findings->items[i];
            struct line_info *line = effects_line(plan, found->line);
            if (is_mention(found) != (mentions != 0)) {
                continue;
            }
            if (!mentions) {
                settle_line(findings, line, found);
            }
            uint32_t place = line->first_effect + taken[line - plan->lines]++;
            plan->effects[place] = take_effect(taking, found);
            line->flags |= (found->effect.movable ? LINE_MOVABLE : 0) |
                           (found->effect.crossed ? LINE_CROSSED : 0) |
                           (found->effect.led ? LINE_WIDE : 0);
        }
    }
    take_terms(taking, plan->terms);
}

static bool collect(struct plan *plan, struct findings *findings)
{
    uint32_t *taken = NULL; /* effects each line has by now */
    drop_nothings(findings);
    struct taking taking = {.all = findings};
    bool done = make_room(plan, &taking, &taken);
    if (done) {
        take_all(plan, &taking, findings, taken);
    }
    free(taken);
    free(taking.numbers);
    for (int i = 0; done && i < plan->line_count; i++) {
        count_ends(plan, &plan->lines[i]);
        bool has_effects = /* an iteration is no call, but has one */
            plan->lines[i].effect_count != 0 || (plan->lines[i].flags & LINE_WATCHED) != 0;
        if (has_effects) {
            plan->lines[i].flags |= LINE_ESCAPES;
        } else if (!(plan->lines[i].flags & LINE_VAGUE)) {
            plan->lines[i].flags &= (uint16_t) ~(LINE_ESCAPES | LINE_STORES);
        }
    }
    return done;
}

/* Is a call of the line watched that stands behind FOR_ITER? */
static bool has_site_behind(const struct plan *plan, const struct line_info *line)
{
    bool has = false;
    for (uint32_t i = 0; i < plan->site_count && !has; i++) {
        const struct site *site = &plan->sites[i];
        has = site->unit > line->loop_at && effects_line((struct plan *)plan, site->line) == line;
    }
    return has;
}

/* What is left of a loop's header when the loop comes round: what stands before FOR_ITER ran once.
 */
static struct line_info header_again(const struct plan *plan, const struct line_info *line)
{
    struct line_info again = *line;
    while (again.effect_count != 0 && plan->effects[again.first_effect].unit < line->loop_at) {
        again.first_effect++;
        again.effect_count--;
    }
    again.flags &= (uint16_t)~LINE_VAGUE;
    again.flags &= (uint16_t)(has_site_behind(plan, line) ? ~0 : ~LINE_WATCHED);
    if (again.effect_count == 0 && (again.flags & LINE_WATCHED) == 0) {
        again.flags &= (uint16_t) ~(LINE_ESCAPES | LINE_STORES);
    }
    return again;
}

static bool is_header(const struct line_info *line)
{
    return line->loops == 1 && (!(line->flags & LINE_VAGUE) || line->vague_at <= line->loop_at);
}

bool reach_learn_loops(struct plan *plan)
{
    uint32_t count = (uint32_t)plan->line_count + 2, more = 0;
    for (int i = 0; i < plan->line_count; i++) {
        more += is_header(&plan->lines[i]);
    }
    struct line_info *lines = realloc(plan->lines, (count + more) * sizeof *lines);
    if (lines == NULL) {
        return false;
    }
    plan->lines = lines;
    for (int i = 0; i < plan->line_count; i++) {
        if (is_header(&lines[i])) {
            lines[count] = header_again(plan, &lines[i]);
            lines[i].again = count++;
            lines[i].flags |= LINE_AGAIN;
        }
    }
    return true;
}

bool reach_learn(struct plan *plan, PyCodeObject *code, const uint8_t *bytes, Py_ssize_t units,
                 const int *lines)
{
    struct findings findings = {0};
    bool done = reach__walk(plan, code, bytes, units, lines, &findings);
    plan->sites = findings.sites;
    plan->site_count = (uint32_t)findings.site_count;
    done = done && reach__heed_order(plan, &findings) && collect(plan, &findings);
    free(findings.items);
    free(findings.terms);
    return done;
}
