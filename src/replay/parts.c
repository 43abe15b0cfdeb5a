#include "replay/parts.h"

#include <stdlib.h>
#include <string.h>

#include "replay/expression.h"
#include "replay/lines.h"

enum { TEXT_MAX = 80 /* bytes of a part; longer ones say little behind a line */ };

void rp_parts_clear(struct rp_parts *parts)
{
    for (uint32_t i = 0; i < parts->count; i++) {
        for (uint32_t j = 0; j < parts->lines[i].count; j++) {
            rp_expression_free(parts->lines[i].parts[j].expression);
        }
    }
    free(parts->lines);
    parts->lines = NULL;
    parts->count = parts->capacity = 0;
}

/* ---- texts ---- */

static struct ctr_text source_line(const struct rp_parts *parts, uint32_t line)
{
    return rp_line_text(ctr_source(parts->trace, parts->plan->path), line);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80) != 0;
}

/* Whether `text` names `name`, and more than that. */
static bool is_within(struct ctr_text name, struct ctr_text text)
{
    for (size_t at = 0; name.size > 0 && name.size < text.size && at + name.size <= text.size;
         at++) {
        bool begins = at == 0 || (!is_name_byte(text.bytes[at - 1]) && text.bytes[at - 1] != '.');
        bool ends = at + name.size == text.size || !is_name_byte(text.bytes[at + name.size]);
        if (begins && ends && memcmp(text.bytes + at, name.bytes, name.size) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- uses ---- */

static bool is_part(const struct ctr_use_fact *use)
{
    return use->use >= CTR_USE_READ_ATTRIBUTE && use->use <= CTR_USE_DELETE_ITEM;
}

static bool is_reading(const struct ctr_use_fact *use)
{
    return use->use == CTR_USE_READ || use->use == CTR_USE_READ_NAME ||
           use->use == CTR_USE_READ_ATTRIBUTE || use->use == CTR_USE_READ_ITEM;
}

/* What stands in the source; empty: nobody knows, or it is too long. */
static struct ctr_text text_of(const struct ctr_use_fact *use, struct ctr_text line)
{
    const struct ctr_place_in_source *place = &use->place;
    if (use->use <= CTR_USE_DELETE_NAME) {
        return use->name;
    }
    bool is_there = is_part(use) && place->has_columns && place->line == place->end_line &&
                    place->column < place->end_column && place->end_column <= line.size &&
                    place->end_column - place->column <= TEXT_MAX;
    return is_there
               ? (struct ctr_text){line.bytes + place->column, place->end_column - place->column}
               : (struct ctr_text){NULL, 0};
}

/* Whether the line binds something anew that the part is made of, before it is read; of a part that
 * is written, anywhere: then it is another one when the line has run. */
static bool is_moved(const struct rp_parts *parts, uint32_t which, struct ctr_text line)
{
    const struct ctr_facts *facts = parts->facts;
    const struct ctr_use_fact *part = &facts->uses[which];
    struct ctr_text text = text_of(part, line);
    uint32_t end = is_reading(part) ? which : facts->use_count;
    for (uint32_t i = 0; i < end; i++) {
        const struct ctr_use_fact *use = &facts->uses[i];
        if (use->place.line == part->place.line && use->use < CTR_USE_CALL && !is_reading(use) &&
            is_within(text_of(use, line), text)) {
            return true;
        }
    }
    return false;
}

/* ---- a line ---- */

static struct rp_part *part_named(struct rp_line_parts *line, struct ctr_text text)
{
    for (uint32_t i = 0; i < line->count; i++) {
        struct rp_part *part = &line->parts[i];
        if (part->text.size == text.size && memcmp(part->text.bytes, text.bytes, text.size) == 0) {
            return part;
        }
    }
    size_t at;
    struct rp_part part = {.text = text};
    if (line->count == RP_PARTS_MAX ||
        rp_expression_new(&part.expression, text.bytes, text.size, &at, NULL) != CT_OK) {
        return NULL;
    }
    line->parts[line->count] = part;
    return &line->parts[line->count++];
}

static void find_parts(const struct rp_parts *parts, struct rp_line_parts *line)
{
    struct ctr_text source = source_line(parts, line->line);
    for (uint32_t i = 0; i < parts->facts->use_count; i++) {
        const struct ctr_use_fact *use = &parts->facts->uses[i];
        if (use->place.line != line->line || !is_part(use)) {
            continue;
        }
        struct ctr_text text = text_of(use, source);
        struct rp_part *part =
            text.size > 0 && !is_moved(parts, i, source) ? part_named(line, text) : NULL;
        if (part != NULL) {
            part->is_read |= is_reading(use);
            part->is_written |= !is_reading(use);
        }
    }
}

const struct rp_line_parts *rp_parts_of(struct rp_parts *parts, uint32_t line)
{
    for (uint32_t i = 0; i < parts->count; i++) {
        if (parts->lines[i].line == line) {
            return &parts->lines[i];
        }
    }
    if (parts->count == parts->capacity) {
        uint32_t capacity = parts->capacity == 0 ? 16 : parts->capacity * 2;
        struct rp_line_parts *lines = realloc(parts->lines, capacity * sizeof *lines);
        if (lines == NULL) {
            return NULL;
        }
        parts->lines = lines;
        parts->capacity = capacity;
    }
    struct rp_line_parts *found = &parts->lines[parts->count++];
    *found = (struct rp_line_parts){.line = line};
    find_parts(parts, found);
    return found;
}
