#include "replay/flow.h"

#include <stdlib.h>
#include <string.h>

#include "replay/expression_internal.h"
#include "replay/parts.h"
#include "trace/calls.h"
#include "trace/shape.h"

enum {
    NAMES_MAX = 64,       /* of one line */
    PARTS_AT_ONCE = 1500, /* that are looked at for one page */
};

static const struct ctr_value unbound = {0};

void rp_flow_clear(struct rp_flow *page)
{
    free(page->visits);
    free(page->values);
    ct_bytes_free(&page->texts);
    *page = (struct rp_flow){0};
}

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "no memory for the flow of a call");
}

/* One page on its way. */
struct walk {
    struct rp_session *session;
    const struct ctr_text_options *options;
    struct rp_flow *page;
    struct ctr_facts facts;
    const struct ctr_plan *plan;
    const struct ctr_frame *frame;    /* of the scout, where it stands */
    size_t open;                      /* values of the latest visit, from here on */
    struct ctr_value held[NAMES_MAX]; /* what each of them was before the line */
    struct ctr_text names[NAMES_MAX]; /* and what they are called */
    int slots[NAMES_MAX];             /* -1: a name of the namespace or the module */
    struct rp_parts parts;
    uint32_t parts_seen;
    size_t first_part;                         /* behind the values of names: those of parts, and */
    uint32_t open_parts[RP_PARTS_MAX];         /* which of the line's they are */
    struct ctr_value held_parts[RP_PARTS_MAX]; /* what each was before the line */
};

/* ---- values ---- */

static struct ctr_value in_dict(struct walk *walk, uint64_t dict, struct ctr_text name)
{
    struct ctr_player *scout = walk->session->scout;
    const struct ctr_object *object = ctr_player_object(scout, dict, NULL);
    struct ctr_value value = unbound;
    struct ct_bytes text = {0};
    for (uint32_t i = 0; object != NULL && i < object->pair_count; i++) {
        text.size = 0;
        if (ctr_shape_add_text(scout, object->pairs[i].key, &text) && text.size == name.size &&
            memcmp(text.data, name.bytes, name.size) == 0) {
            value = object->pairs[i].value;
            break;
        }
    }
    ct_bytes_free(&text);
    return value;
}

static struct ctr_value value_of(struct walk *walk, int slot, struct ctr_text name)
{
    const struct ctr_frame *frame = walk->frame;
    if (slot >= 0) {
        return (uint32_t)slot < frame->slot_count ? frame->slots[slot] : unbound;
    }
    uint32_t last = frame->slot_count;
    struct ctr_value value = unbound;
    if (last > 0 && frame->slots[last - 1].tag == CTR_V_OBJECT &&
        (walk->plan->variables[last - 1].kind & CTR_VAR_KIND) == CTR_VAR_NAMESPACE) {
        value = in_dict(walk, frame->slots[last - 1].bits, name);
    }
    if (value.tag == CTR_V_UNBOUND && walk->plan->globals != 0) {
        value = in_dict(walk, walk->plan->globals - 1, name);
    }
    return value;
}

static void add_text(struct walk *walk, struct ctr_value value, size_t *at, size_t *size)
{
    struct ct_bytes *texts = &walk->page->texts;
    *at = texts->size;
    if (value.tag != CTR_V_UNBOUND) {
        ctr_text_of(walk->session->scout, value, walk->options, texts);
    }
    *size = texts->size - *at;
}

static struct rp_flow_value *new_value(struct walk *walk, struct ctr_text name)
{
    struct rp_flow *page = walk->page;
    if (page->value_count == page->value_capacity) {
        size_t capacity = page->value_capacity == 0 ? 64 : page->value_capacity * 2;
        struct rp_flow_value *values = realloc(page->values, capacity * sizeof *values);
        if (values == NULL) {
            page->texts.failed = true;
            return NULL;
        }
        page->values = values;
        page->value_capacity = capacity;
    }
    struct rp_flow_value *value = &page->values[page->value_count++];
    *value = (struct rp_flow_value){.name = page->texts.size, .name_size = name.size};
    ct_bytes_add(&page->texts, name.bytes, name.size);
    return value;
}

/* The value of the open visit that is called so; made when there is none. NULL: no room. */
static struct rp_flow_value *value_named(struct walk *walk, int slot, struct ctr_text name)
{
    size_t count = walk->page->value_count - walk->open;
    for (size_t i = 0; i < count; i++) {
        if (walk->slots[i] == slot && walk->names[i].size == name.size &&
            memcmp(walk->names[i].bytes, name.bytes, name.size) == 0) {
            return &walk->page->values[walk->open + i];
        }
    }
    struct rp_flow_value *value = count < NAMES_MAX ? new_value(walk, name) : NULL;
    if (value != NULL) {
        walk->slots[count] = slot;
        walk->names[count] = name;
        walk->held[count] = value_of(walk, slot, name);
        add_text(walk, walk->held[count], &value->before, &value->before_size);
    }
    return value;
}

/* ---- visits ---- */

/* What the code says of the line: the names it reads and writes. */
static void open_uses(struct walk *walk, uint32_t line)
{
    for (uint32_t i = 0; i < walk->facts.use_count; i++) {
        const struct ctr_use_fact *use = &walk->facts.uses[i];
        if (use->use > CTR_USE_DELETE_NAME || use->place.line != line) {
            continue;
        }
        bool is_slot = use->use <= CTR_USE_DELETE;
        struct rp_flow_value *value = value_named(walk, is_slot ? (int)use->index : -1, use->name);
        if (value != NULL) {
            bool reads = use->use == CTR_USE_READ || use->use == CTR_USE_READ_NAME;
            value->is_read |= reads;
            value->is_written |= !reads;
        }
    }
}

/* Append what a part of a value is; false: it has none here, or enough were looked at. */
static bool add_part(struct walk *walk, const struct rp_part *part, struct ctr_value *value,
                     size_t *at, size_t *size)
{
    struct ct_bytes *texts = &walk->page->texts;
    struct rp_answer answer;
    *at = texts->size;
    *size = 0;
    *value = unbound;
    if (walk->parts_seen++ >= PARTS_AT_ONCE ||
        !rp_evaluate_briefly(walk->session, walk->session->scout, walk->frame, part->expression,
                             walk->options, &answer)) {
        return false;
    }
    ct_bytes_add(texts, answer.text.data, answer.text.size);
    *size = texts->size - *at;
    *value = answer.is_recorded ? answer.value : unbound;
    ct_bytes_free(&answer.text);
    ct_bytes_free(&answer.type);
    return true;
}

/* Attributes and items that the line reads and writes; one that is not there when the line begins
 * may be there when it has run. */
static void open_parts(struct walk *walk, uint32_t line)
{
    const struct rp_line_parts *parts = rp_parts_of(&walk->parts, line);
    size_t room = NAMES_MAX - (walk->page->value_count - walk->open);
    walk->first_part = walk->page->value_count;
    for (uint32_t i = 0; parts != NULL && i < parts->count && i < room; i++) {
        const struct rp_part *part = &parts->parts[i];
        struct ctr_value held;
        size_t at, size;
        bool is_there = add_part(walk, part, &held, &at, &size);
        struct rp_flow_value *value =
            is_there || part->is_written ? new_value(walk, part->text) : NULL;
        if (value != NULL) {
            size_t number = walk->page->value_count - walk->first_part - 1;
            walk->open_parts[number] = i;
            walk->held_parts[number] = held;
            value->before = at;
            value->before_size = size;
            value->is_read = part->is_read;
            value->is_written = part->is_written;
        }
    }
}

static struct rp_visit *new_visit(struct rp_flow *page)
{
    if (page->count == page->visit_capacity) {
        size_t capacity = page->visit_capacity == 0 ? 32 : page->visit_capacity * 2;
        struct rp_visit *visits = realloc(page->visits, capacity * sizeof *visits);
        if (visits == NULL) {
            page->texts.failed = true;
            return NULL;
        }
        page->visits = visits;
        page->visit_capacity = capacity;
    }
    return &page->visits[page->count++];
}

static void open_visit(struct walk *walk, const struct ctr_hit *hit)
{
    struct rp_visit *visit = new_visit(walk->page);
    walk->open = walk->page->value_count;
    if (visit == NULL) {
        return;
    }
    *visit = (struct rp_visit){
        .step = hit->step, .line = hit->line, .is_turn = hit->is_turn, .first_value = walk->open};
    open_uses(walk, hit->line);
    open_parts(walk, hit->line);
}

/* How the condition of the line went, by where the call came next. Behind the last jump of a test
 * stands what it guards, and the jump leads past that, whatever its own sense (`not`, `is None`).
 * Where what is guarded is on the line itself (`if x: y = 1`), both ways may lead to one line. */
static enum rp_truth condition(const struct walk *walk, uint32_t line, uint32_t next)
{
    for (uint32_t i = walk->facts.branch_count; i > 0; i--) {
        const struct ctr_branch_fact *branch = &walk->facts.branches[i - 1];
        bool goes_on = next == branch->next_line, jumps = next == branch->jump_line;
        if (branch->place.line == line && branch->next_line != line && goes_on != jumps) {
            return goes_on ? RP_TRUE : RP_FALSE;
        }
    }
    return RP_UNKNOWN;
}

static bool differs(const struct walk *walk, const struct rp_flow_value *value, size_t at,
                    size_t size)
{
    const struct ct_bytes *texts = &walk->page->texts;
    return !texts->failed && (size != value->before_size ||
                              memcmp(texts->data + at, texts->data + value->before, size) != 0);
}

/* What a value is now, from `at` on, if that is to be told. */
static void close_value(struct walk *walk, struct rp_flow_value *value, size_t at, size_t size)
{
    if (value->is_changed || value->is_written) {
        value->after = at;
        value->after_size = size;
    } else {
        walk->page->texts.size = at;
    }
}

/* Of those that were written; and of those that hold the same object, which may have changed: what
 * others are made of may be something else by now. */
static void close_parts(struct walk *walk, uint32_t line)
{
    struct rp_flow *page = walk->page;
    const struct rp_line_parts *parts = rp_parts_of(&walk->parts, line);
    for (size_t i = walk->first_part; parts != NULL && i < page->value_count; i++) {
        struct rp_flow_value *value = &page->values[i];
        const struct rp_part *part = &parts->parts[walk->open_parts[i - walk->first_part]];
        struct ctr_value held = walk->held_parts[i - walk->first_part], now;
        size_t at, size;
        if ((value->is_written || held.tag == CTR_V_OBJECT) &&
            add_part(walk, part, &now, &at, &size)) {
            value->is_changed =
                (value->is_written || ctr_value_same(held, now)) && differs(walk, value, at, size);
            close_value(walk, value, at, size);
        }
    }
}

/* The latest visit is over: the scout stands where its line has run. Texts that differ, differ. */
static void close_visit(struct walk *walk, uint32_t next_line)
{
    struct rp_flow *page = walk->page;
    struct rp_visit *visit = &page->visits[page->count - 1];
    for (size_t i = walk->open; i < walk->first_part; i++) {
        size_t number = i - walk->open, at, size;
        struct ctr_value now = value_of(walk, walk->slots[number], walk->names[number]);
        struct rp_flow_value *value = &page->values[i];
        add_text(walk, now, &at, &size);
        value->is_changed = !ctr_value_equal(walk->session->trace, walk->held[number], now) ||
                            differs(walk, value, at, size);
        close_value(walk, value, at, size);
    }
    close_parts(walk, visit->line);
    visit->value_count = page->value_count - visit->first_value;
    visit->condition = next_line != 0 ? condition(walk, visit->line, next_line) : RP_UNKNOWN;
}

/* ---- the window ---- */

/* Put the scout on a line of the call, or on the record that ended it. */
static int stand(struct walk *walk, const struct ctr_hit *hit, struct ct_error *error)
{
    struct ctr_event event;
    int status = hit->event == CTR_EVENT_LINE
                     ? ctr_player_seek(walk->session->scout, hit->step, &event, error)
                     : ctr_player_seek_record(walk->session->scout, hit->place.block, hit->place.at,
                                              &event, error);
    if (status == CT_OK && (event.frame == NULL || event.frame->call != hit->call)) {
        status = ct_fail(error, CT_EFORMAT, "call %llu does not run where the index says",
                         (unsigned long long)hit->call);
    }
    walk->frame = status == CT_OK ? event.frame : NULL;
    return status;
}

static int go_through(struct walk *walk, const struct ctr_hit *hits, size_t count, uint32_t room,
                      struct ct_error *error)
{
    int status = CT_OK;
    for (size_t i = 0; status == CT_OK && i < count; i++) {
        bool is_line = hits[i].event == CTR_EVENT_LINE;
        status = stand(walk, &hits[i], error);
        if (status == CT_OK && walk->page->count > 0) {
            close_visit(walk, is_line ? hits[i].line : 0);
        }
        if (status == CT_OK && is_line && i < room) {
            open_visit(walk, &hits[i]);
        }
    }
    /* Where the call still ran at the recording's end: nobody knows what its last line did. */
    if (status == CT_OK && walk->page->count > 0 && count == walk->page->count) {
        struct rp_visit *visit = &walk->page->visits[walk->page->count - 1];
        visit->value_count = walk->page->value_count - visit->first_value;
    }
    return status == CT_OK && walk->page->texts.failed ? no_memory(error) : status;
}

int rp_flow(struct rp_session *session, const struct ctr_call *call, uint64_t from, uint32_t room,
            const struct ctr_text_options *options, struct rp_flow *page, struct ct_error *error)
{
    struct walk walk = {.session = session, .options = options, .page = page};
    struct ctr_query query = rp_of_call(call->number, RP_LINE | RP_ENDS);
    page->call = *call;
    page->count = page->value_count = 0;
    page->texts.size = 0;
    page->more = false;
    from = from > call->start ? from : call->start;
    if (from >= call->end) {
        return CT_OK;
    }
    struct ctr_place place = {0};
    int status = ctr_place_of_step(session->trace, from, &place, error);
    query.is_bounded = call->exit != CTR_EXIT_NONE; /* its end may be known to the index alone */
    query.bound = call->end_block;
    walk.plan = ctr_plan(session->trace, call->plan);
    struct ctr_hit *hits = malloc((room + 1ull) * sizeof *hits);
    struct ctr_page found = {.hits = hits, .next = place};
    if (hits == NULL) {
        return no_memory(error);
    }
    size_t count = 0;
    while (status == CT_OK && count < room + 1ull && !found.done) {
        found.hits = hits + count;
        found.capacity = room + 1ull - count;
        status = rp_find(session, &query, found.next, false, &found, error);
        count += status == CT_OK ? found.count : 0;
    }
    if (status == CT_OK) {
        ctr_facts_read(session->trace, call->plan, &walk.facts, NULL);
        walk.parts =
            (struct rp_parts){.trace = session->trace, .plan = walk.plan, .facts = &walk.facts};
        status = go_through(&walk, hits, count, room, error);
        rp_parts_clear(&walk.parts);
        ctr_facts_clear(&walk.facts);
        page->more = count > room && hits[room].event == CTR_EVENT_LINE;
    }
    free(hits);
    return status;
}

/* ---- loops ---- */

static bool is_inside_another(const struct ctr_facts *facts, uint32_t which)
{
    const struct ctr_loop_fact *inner = &facts->loops[which];
    bool is_inside = false;
    for (uint32_t i = 0; i < facts->loop_count; i++) {
        const struct ctr_loop_fact *outer = &facts->loops[i];
        is_inside |= i != which && outer->kind != CTR_LOOP_COMPREHENSION &&
                     outer->first_line <= inner->first_line && outer->last_line >= inner->last_line;
    }
    return is_inside;
}

/* What a call does after the last visit of a loop's line: a line, its end or, where turns are on
 * the line itself, an exception or a suspension. CT_ESTATE: nothing is recorded. */
static int find_behind(struct rp_session *session, const struct ctr_call *call,
                       const struct rp_loop *loop, bool is_on_line, struct ctr_hit *hit,
                       struct ct_error *error)
{
    uint32_t on_line = is_on_line ? RP_LEAVES | RP_BIT(CTR_EVENT_RAISE) : 0;
    struct ctr_query query = rp_of_call(call->number, RP_LINE | RP_ENDS | on_line);
    struct ctr_place place;
    uint64_t step, count;
    query.is_bounded = call->exit != CTR_EXIT_NONE;
    query.bound = call->end_block;
    int status = ctr_call_visit(session->trace, call->number, loop->about.first_line,
                                loop->visits - 1, &step, &count, error);
    if (status == CT_OK) {
        status = ctr_place_of_step(session->trace, step, &place, error);
    }
    return status != CT_OK ? status
                           : rp_find_one(session, &query, rp_behind(place), false, hit, error);
}

/* Of a loop that a call comes to once: each visit of its line is the start of a turn, but for the
 * last one where that finds no more. On one line a `while` looks at its condition where a turn
 * ends; and an exception there says nothing, as iterators may end by StopIteration. */
static int count_turns_once(struct rp_session *session, const struct ctr_call *call,
                            struct rp_loop *loop, struct ct_error *error)
{
    const struct ctr_loop_fact *about = &loop->about;
    bool is_on_line = about->first_line == about->last_line;
    struct ctr_hit hit;
    loop->turns = loop->visits;
    if (loop->visits == 0 || (is_on_line && about->kind == CTR_LOOP_WHILE)) {
        loop->knows_turns = loop->visits != 1; /* its condition may not have held */
        return CT_OK;
    }
    int status = find_behind(session, call, loop, is_on_line, &hit, error);
    if (status == CT_OK) {
        bool is_inside = hit.event == CTR_EVENT_LINE && about->first_line < hit.line &&
                         hit.line <= about->last_line;
        loop->knows_turns = hit.event != CTR_EVENT_RAISE;
        loop->turns -= !is_inside && hit.event != CTR_EVENT_YIELD;
    }
    return status == CT_ESTATE ? CT_OK : status;
}

static int count_turns(struct rp_session *session, const struct ctr_call *call,
                       const struct ctr_facts *facts, uint32_t which, struct rp_loop *loop,
                       struct ct_error *error)
{
    bool is_on_line = loop->about.first_line == loop->about.last_line;
    loop->knows_turns = false;
    loop->turns = 0;
    if (loop->about.kind == CTR_LOOP_COMPREHENSION) {
        return CT_OK; /* most of its turns are no steps */
    }
    if (is_inside_another(facts, which)) {
        loop->knows_turns = !is_on_line;
        loop->turns = is_on_line ? 0 : loop->visits;
        return CT_OK;
    }
    return count_turns_once(session, call, loop, error);
}

int rp_loops(struct rp_session *session, uint64_t call, uint32_t first, uint32_t room,
             struct rp_loop *loops, uint32_t *count, uint32_t *total, struct ct_error *error)
{
    struct ctr_call about;
    struct ctr_facts facts;
    uint64_t step;
    *count = *total = 0;
    int status = ctr_call_get(session->trace, call, &about, error);
    if (status != CT_OK) {
        return status;
    }
    ctr_facts_read(session->trace, about.plan, &facts, NULL);
    *total = facts.loop_count;
    for (uint32_t i = first; status == CT_OK && i < facts.loop_count && *count < room; i++) {
        struct rp_loop *loop = &loops[*count];
        loop->about = facts.loops[i];
        status = ctr_call_visit(session->trace, call, loop->about.first_line, UINT64_MAX, &step,
                                &loop->visits, error);
        status =
            status == CT_ESTATE ? count_turns(session, &about, &facts, i, loop, error) : status;
        *count += status == CT_OK;
    }
    ctr_facts_clear(&facts);
    return status;
}

int rp_latest_visit(struct rp_session *session, uint64_t call, uint32_t line,
                    struct rp_latest_visit *visit, struct ct_error *error)
{
    struct ctr_trace *trace = session->trace;
    uint64_t behind = session->now.moment.step + 1, count;
    *visit = (struct rp_latest_visit){0};
    int status = ctr_call_visits(trace, call, line, behind, &visit->so_far, error);
    if (status == CT_OK) {
        status = ctr_call_visits(trace, call, line, UINT64_MAX, &visit->count, error);
    }
    if (status == CT_OK && visit->so_far > 0) {
        status = ctr_call_visit(trace, call, line, visit->so_far - 1, &visit->step, &count, error);
    }
    return status;
}
