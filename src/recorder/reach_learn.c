#include <stdlib.h>

#include "recorder/effects.h"
#include "recorder/reach.h"
#include "recorder/reach_internal.h"

static bool rebinds(const struct line_info *line, int32_t slot)
{
    return (line->writes >> slot & 1) != 0;
}

static bool rebinds_step(const struct line_info *line, const struct path_step *step)
{
    bool has_slot = step->kind == STEP_SLOT || step->kind == STEP_SUM;
    return has_slot &&
           (rebinds(line, step->slot) || (step->sign != 0 && rebinds(line, step->other)));
}

/* A variable the line rebinds is not the object it worked on, nor is a rebound index the place. */
static void settle_line(struct line_info *line, struct finding *found)
{
    const struct route *route = &found->route;
    bool is_rebound = route->base == BASE_SLOT && rebinds(line, route->slot);
    if (is_rebound && !(found->effect.action == ACTION_STORE && route->count == 0)) {
        reach__give_up(line);
        found->effect.led = found->effect.led || line->loops != 0; /* worked on many */
    }
    for (unsigned i = 0; i < route->count; i++) {
        if (rebinds_step(line, &route->steps[i])) {
            reach__give_up(line);
        }
    }
    if (rebinds_step(line, &found->key)) {
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

/* The effect with its path, whose steps begin here. */
static struct effect effect_of(const struct finding *found, struct path_step *steps)
{
    const struct route *route = &found->route;
    memcpy(steps, route->steps, route->count * sizeof *steps);
    if (found->effect.action == ACTION_STORE_ITEM) {
        steps[route->count] = found->key;
    }
    struct effect effect = found->effect;
    effect.path = (struct object_path){.base = route->base,
                                       .slot = route->slot,
                                       .count = route->count,
                                       .name = route->name,
                                       .steps = steps};
    return effect;
}

static bool make_room(struct plan *plan, const struct findings *findings, uint32_t **taken)
{
    size_t steps = lay_out(plan, findings);
    plan->effects = calloc(findings->count + 1, sizeof *plan->effects);
    plan->steps = calloc(steps + 1, sizeof *plan->steps);
    *taken = calloc((size_t)plan->line_count + 1, sizeof **taken);
    return plan->effects != NULL && plan->steps != NULL && *taken != NULL;
}

static enum end end_of(const struct effect *effect)
{
    static const struct {
        const char *name;
        uint8_t arguments, end;
    } ends[] = {
        {"append", 1, END_APPEND},
        {"pop", 0, END_POP},
        {"appendleft", 1, END_APPEND_LEFT},
        {"popleft", 0, END_POP_LEFT},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (effect->arguments == ends[i].arguments &&
            PyUnicode_CompareWithASCIIString(effect->name, ends[i].name) == 0) {
            return (enum end)ends[i].end;
        }
    }
    return END_NONE;
}

static uint8_t one_more(uint8_t count)
{
    return count < UINT8_MAX ? count + 1 : count;
}

/* Each call of a line knows of the others that may change the ends of what it is a method of. */
static void count_ends(struct plan *plan, const struct line_info *line)
{
    struct effect *effects = plan->effects + line->first_effect;
    uint8_t pops = 0, ends = 0;
    for (unsigned i = 0; i < line->effect_count; i++) {
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
        }
    }
}

static bool collect(struct plan *plan, struct findings *findings)
{
    uint32_t *taken; /* effects each line has by now */
    drop_nothings(findings);
    if (!make_room(plan, findings, &taken)) {
        free(taken);
        return false;
    }
    struct path_step *steps = plan->steps;
    for (int mentions = 0; mentions <= 1; mentions++) {
        for (size_t i = 0; i < findings->count; i++) {
            struct finding *found = &findings->items[i];
            struct line_info *line = effects_line(plan, found->line);
            if (is_mention(found) != (mentions != 0)) {
                continue;
            }
            if (!mentions) {
                settle_line(line, found);
            }
            uint32_t place = line->first_effect + taken[line - plan->lines]++;
            plan->effects[place] = effect_of(found, steps);
            line->flags |= (found->effect.movable ? LINE_MOVABLE : 0) |
                           (found->effect.crossed ? LINE_CROSSED : 0) |
                           (found->effect.led ? LINE_LED : 0);
            steps += step_count(found);
        }
    }
    free(taken);
    for (int i = 0; i < plan->line_count; i++) {
        count_ends(plan, &plan->lines[i]);
        if (plan->lines[i].effect_count != 0) { /* an iteration is no call, but has an effect */
            plan->lines[i].flags |= LINE_ESCAPES;
        } else if (!(plan->lines[i].flags & LINE_VAGUE)) {
            plan->lines[i].flags &= (uint16_t) ~(LINE_ESCAPES | LINE_STORES);
        }
    }
    return true;
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
    if (again.effect_count == 0) {
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
    bool done = reach__walk(plan, code, bytes, units, lines, &findings) &&
                reach__heed_order(plan, &findings) && collect(plan, &findings);
    free(findings.items);
    return done;
}
