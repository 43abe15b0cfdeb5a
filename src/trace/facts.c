#include "trace/facts.h"

#include <stdlib.h>

#include "trace/trace_internal.h"

/* What is being read, and the place the next one is given from. */
struct facts_reader {
    struct ct_cursor cursor;
    const struct ctr_plan *plan;
    struct ctr_facts *facts;
    uint32_t line, column;
};

static bool fail(struct facts_reader *reader)
{
    reader->cursor.failed = true;
    return false;
}

static bool get_u32(struct facts_reader *reader, uint32_t *to)
{
    uint64_t value = ct_get_varint(&reader->cursor);
    *to = (uint32_t)value;
    return value <= UINT32_MAX && !reader->cursor.failed ? true : fail(reader);
}

/* `from` changed by a signed number. */
static bool get_change(struct facts_reader *reader, uint32_t from, uint32_t *to)
{
    int64_t change = ct_get_zigzag(&reader->cursor);
    if (reader->cursor.failed || change < -(int64_t)from || change > (int64_t)UINT32_MAX - from) {
        return fail(reader);
    }
    *to = (uint32_t)((int64_t)from + change);
    return true;
}

/* Room for as many things as follow, each of `least` bytes or more in the trace. */
static bool get_count(struct facts_reader *reader, unsigned least, size_t item_size, void *items,
                      uint32_t *count)
{
    if (!get_u32(reader, count) ||
        *count > (size_t)(reader->cursor.end - reader->cursor.at) / least) {
        *count = 0;
        return fail(reader);
    }
    void *memory = calloc((size_t)*count + 1, item_size);
    memcpy(items, &memory, sizeof memory);
    reader->line = reader->plan->first_line;
    reader->column = 0;
    return memory != NULL ? true : fail(reader);
}

/* ---- one thing of each kind
 * ---------------------------------------------------------------------- */

static bool get_place(struct facts_reader *reader, uint8_t head, struct ctr_place_in_source *place)
{
    if ((head & CTR_PLACE_LINE) != 0) {
        get_change(reader, reader->line, &reader->line);
        reader->column = 0;
    }
    uint32_t more = 0;
    if ((head & CTR_PLACE_LINES) != 0) {
        get_u32(reader, &more);
    }
    if (more > UINT32_MAX - reader->line) {
        return fail(reader);
    }
    *place = (struct ctr_place_in_source){.line = reader->line, .end_line = reader->line + more};
    if ((head & CTR_PLACE_NO_COLUMNS) == 0) {
        uint32_t end = 0;
        get_change(reader, reader->column, &reader->column);
        get_u32(reader, &end);
        uint32_t from = (head & CTR_PLACE_LINES) != 0 ? 0 : reader->column;
        if (end > UINT32_MAX - from) {
            return fail(reader);
        }
        place->has_columns = true;
        place->column = reader->column;
        place->end_column = from + end;
    }
    return !reader->cursor.failed;
}

enum { PLACE_FLAGS = CTR_PLACE_LINE | CTR_PLACE_LINES | CTR_PLACE_NO_COLUMNS };

static uint8_t get_head(struct facts_reader *reader, unsigned kinds)
{
    uint8_t head = ct_get_byte(&reader->cursor);
    if ((head & ~(CTR_PLACE_WHAT | PLACE_FLAGS)) != 0 || (head & CTR_PLACE_WHAT) >= kinds) {
        fail(reader);
        return 0;
    }
    return head;
}

static bool get_use_name(struct facts_reader *reader, struct ctr_use_fact *use)
{
    const struct ctr_facts *facts = reader->facts;
    if (use->use >= CTR_USE_READ_ITEM && use->use != CTR_USE_CODE) {
        return true;
    }
    if (!get_u32(reader, &use->index)) {
        return false;
    }
    if (use->use <= CTR_USE_DELETE) {
        if (use->index >= reader->plan->variable_count) {
            return fail(reader);
        }
        use->name = reader->plan->variables[use->index].name;
    } else if (use->use == CTR_USE_CODE) {
        if (use->index >= facts->code_count) {
            return fail(reader);
        }
        use->name = facts->codes[use->index].qualname;
    } else {
        if (use->index >= facts->name_count) {
            return fail(reader);
        }
        use->name = facts->names[use->index];
    }
    return true;
}

static bool get_use(struct facts_reader *reader, struct ctr_use_fact *use)
{
    uint8_t head = get_head(reader, CTR_USE_MAX);
    use->use = (enum ctr_use)(head & CTR_PLACE_WHAT);
    return get_use_name(reader, use) && get_place(reader, head, &use->place);
}

static bool get_branch(struct facts_reader *reader, struct ctr_branch_fact *branch)
{
    uint8_t head = get_head(reader, CTR_JUMPS_MAX);
    branch->sense = (enum ctr_branch_sense)(head & CTR_PLACE_WHAT);
    return get_place(reader, head, &branch->place) &&
           get_change(reader, branch->place.line, &branch->next_line) &&
           get_change(reader, branch->place.line, &branch->jump_line);
}

static bool get_loop(struct facts_reader *reader, struct ctr_loop_fact *loop)
{
    uint8_t kind = ct_get_byte(&reader->cursor);
    uint32_t more = 0;
    if (kind >= CTR_LOOP_MAX) {
        return fail(reader);
    }
    loop->kind = (enum ctr_loop_kind)kind;
    get_change(reader, reader->line, &reader->line);
    get_u32(reader, &more);
    if (more > UINT32_MAX - reader->line) {
        return fail(reader);
    }
    loop->first_line = reader->line;
    loop->last_line = reader->line + more;
    return !reader->cursor.failed;
}

/* ---- the sections
 * -------------------------------------------------------------------------------- */

static void read_names(struct facts_reader *reader)
{
    struct ctr_facts *facts = reader->facts;
    get_count(reader, 1, sizeof *facts->names, &facts->names, &facts->name_count);
    for (uint32_t i = 0; i < facts->name_count && !reader->cursor.failed; i++) {
        facts->names[i] = ctr_get_text(&reader->cursor);
    }
}

static void read_codes(struct facts_reader *reader)
{
    struct ctr_facts *facts = reader->facts;
    get_count(reader, 2, sizeof *facts->codes, &facts->codes, &facts->code_count);
    for (uint32_t i = 0; i < facts->code_count && !reader->cursor.failed; i++) {
        facts->codes[i].qualname = ctr_get_text(&reader->cursor);
        get_u32(reader, &facts->codes[i].first_line);
    }
}

static void read_loops(struct facts_reader *reader)
{
    struct ctr_facts *facts = reader->facts;
    get_count(reader, 3, sizeof *facts->loops, &facts->loops, &facts->loop_count);
    for (uint32_t i = 0; i < facts->loop_count && !reader->cursor.failed; i++) {
        get_loop(reader, &facts->loops[i]);
    }
}

static void read_branches(struct facts_reader *reader)
{
    struct ctr_facts *facts = reader->facts;
    get_count(reader, 3, sizeof *facts->branches, &facts->branches, &facts->branch_count);
    for (uint32_t i = 0; i < facts->branch_count && !reader->cursor.failed; i++) {
        get_branch(reader, &facts->branches[i]);
    }
}

static void read_uses(struct facts_reader *reader)
{
    struct ctr_facts *facts = reader->facts;
    get_count(reader, 1, sizeof *facts->uses, &facts->uses, &facts->use_count);
    for (uint32_t i = 0; i < facts->use_count && !reader->cursor.failed; i++) {
        get_use(reader, &facts->uses[i]);
    }
}

int ctr_facts_read(const struct ctr_trace *trace, uint32_t plan, struct ctr_facts *facts,
                   struct ct_error *error)
{
    *facts = (struct ctr_facts){0};
    const struct ctr_plan *about = ctr_plan(trace, plan);
    if (about == NULL || about->facts.bytes == NULL) {
        return ct_fail(error, CT_ESTATE, "the recording has no facts of code %u", plan);
    }
    const uint8_t *bytes = (const uint8_t *)about->facts.bytes;
    struct facts_reader reader = {
        .cursor = {bytes, bytes + about->facts.size, false}, .plan = about, .facts = facts};
    uint8_t flags = ct_get_byte(&reader.cursor);
    facts->is_cut = (flags & CTR_FACTS_CUT) != 0;
    static void (*const sections[])(struct facts_reader *) = {read_names, read_codes, read_loops,
                                                              read_branches, read_uses};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0] && !reader.cursor.failed; i++) {
        sections[i](&reader);
    }
    if (reader.cursor.failed || reader.cursor.at != reader.cursor.end ||
        (flags & ~CTR_FACTS_CUT) != 0) {
        ctr_facts_clear(facts);
        return ct_fail(error, CT_EFORMAT, "the facts of code %u are damaged", plan);
    }
    return CT_OK;
}

void ctr_facts_clear(struct ctr_facts *facts)
{
    free(facts->names);
    free(facts->codes);
    free(facts->loops);
    free(facts->branches);
    free(facts->uses);
    *facts = (struct ctr_facts){0};
}
