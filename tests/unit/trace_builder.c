#include "trace_builder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/varint.h"

enum { NEVER = 0xffffffffu };

/* ---- small things ---- */

/* What a test cannot go on without, in every build. */
static void require(bool holds, const char *otherwise)
{
    if (!holds) {
        fprintf(stderr, "%s\n", otherwise);
        abort();
    }
}

uint64_t tb_next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned pick(struct tb *tb, unsigned below)
{
    return (unsigned)(tb_next_random(&tb->seed) >> 20) % below;
}

struct tb_value tb_int(int64_t number)
{
    return (struct tb_value){.kind = TB_INT, .number = number};
}

struct tb_value tb_text(const char *text)
{
    struct tb_value value = {.kind = TB_TEXT_VALUE};
    snprintf(value.text, sizeof value.text, "%s", text);
    return value;
}

char *tb_path(void)
{
    char directory[] = "/tmp/ct-test-XXXXXX";
    char *path = malloc(64);
    bool made = path != NULL && mkdtemp(directory) != NULL;
    require(made, "no directory for a test");
    snprintf(path, 64, "%s/trace.ctr", directory);
    return path;
}

void tb_remove(char *path)
{
    char tail[80];
    snprintf(tail, sizeof tail, "%s.tail", path);
    unlink(tail);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    free(path);
}

struct tb_bytes tb_read_file(const char *path)
{
    struct ct_error error = {0};
    char *data;
    size_t size;
    require(ct_file_read(path, SIZE_MAX, &data, &size, &error) == CT_OK, error.message);
    return (struct tb_bytes){(uint8_t *)data, size};
}

struct ctr_trace *tb_reopen(const char *path)
{
    struct ct_error error = {0};
    struct ctr_trace *trace;
    require(ctr_open(&trace, path, &error) == CT_OK, error.message);
    return trace;
}

/* ---- bytes ---- */

static void put(struct tb *tb, uint8_t byte)
{
    *tb->writer->at++ = byte;
}

static void put_varint(struct tb *tb, uint64_t value)
{
    tb->writer->at = ct_varint_put(tb->writer->at, value);
}

static void put_bytes(struct tb *tb, const void *bytes, size_t size)
{
    if (size > 0) {
        memcpy(tb->writer->at, bytes, size);
        tb->writer->at += size;
    }
}

static void remember_text(struct tb *tb, const char *text)
{
    struct tb_text *to = &tb->texts[tb->text_count++ % 16];
    snprintf(to->text, sizeof to->text, "%s", text);
    to->block = tb->writer->block;
    to->node = tb->writer->next_node++;
}

static bool put_known_text(struct tb *tb, const char *text)
{
    unsigned known = tb->text_count < 16 ? tb->text_count : 16;
    for (unsigned i = 0; i < known; i++) {
        const struct tb_text *before = &tb->texts[i];
        if (strcmp(before->text, text) != 0 || pick(tb, 4) == 0) {
            continue;
        }
        if (before->block == tb->writer->block) {
            put(tb, CTR_V_NODE);
        } else {
            put(tb, CTR_V_NODE_FAR);
            put_varint(tb, tb->writer->block - before->block);
        }
        put_varint(tb, before->node);
        return true;
    }
    return false;
}

static bool put_grown_text(struct tb *tb, const char *text)
{
    unsigned known = tb->text_count < 16 ? tb->text_count : 16;
    for (unsigned i = 0; i < known; i++) {
        const struct tb_text *before = &tb->texts[i];
        size_t size = strlen(before->text);
        if (before->block != tb->writer->block || strncmp(before->text, text, size) != 0 ||
            strlen(text) == size) {
            continue;
        }
        put(tb, CTR_V_GROW);
        put_varint(tb, before->node);
        put_varint(tb, strlen(text) - size);
        put_bytes(tb, text + size, strlen(text) - size);
        remember_text(tb, text);
        return true;
    }
    return false;
}

static void put_text(struct tb *tb, const char *text)
{
    size_t size = strlen(text);
    if (size <= CTR_SHORT_TEXT_MAX) {
        put(tb, (uint8_t)(CTR_V_SHORT_TEXT + size));
        put_bytes(tb, text, size);
    } else if (!put_known_text(tb, text) && !put_grown_text(tb, text)) {
        put(tb, CTR_V_TEXT);
        put_varint(tb, size);
        put_bytes(tb, text, size);
        remember_text(tb, text);
    }
}

static void put_int(struct tb *tb, int64_t number)
{
    if (number >= CTR_SMALL_INT_MIN && number <= CTR_SMALL_INT_MAX) {
        put(tb, (uint8_t)(CTR_V_SMALL_INT + number - CTR_SMALL_INT_MIN));
    } else {
        put(tb, CTR_V_INT);
        put_varint(tb, ct_zigzag(number));
    }
}

static void put_reference(struct tb *tb, uint32_t object)
{
    struct tb_object *about = &tb->objects[object];
    if (about->known_in == tb->writer->block) {
        put_varint(tb, about->local + 1);
        return;
    }
    put_varint(tb, 0);
    put_varint(tb, object);
    about->known_in = tb->writer->block;
    about->local = tb->writer->next_object++;
}

static void put_value(struct tb *tb, const struct tb_value *value)
{
    double number = (double)value->number / 4;
    switch (value->kind) {
    case TB_UNBOUND:
        put(tb, CTR_V_UNBOUND);
        break;
    case TB_NONE:
        put(tb, CTR_V_NONE);
        break;
    case TB_INT:
        put_int(tb, value->number);
        break;
    case TB_FLOAT:
        put(tb, CTR_V_FLOAT);
        put_bytes(tb, &number, sizeof number);
        break;
    case TB_TEXT_VALUE:
        put_text(tb, value->text);
        break;
    case TB_TUPLE:
        put(tb, CTR_V_TUPLE);
        tb->writer->next_node++;
        put_varint(tb, 2);
        put_int(tb, value->number);
        put_text(tb, value->text);
        break;
    case TB_OBJECT:
        put(tb, CTR_V_OBJECT);
        put_reference(tb, (uint32_t)value->number);
        break;
    }
}

/* ---- frames ---- */

struct tb_frame *tb_top(struct tb *tb)
{
    struct tb_thread *thread = &tb->threads[tb->thread];
    return thread->depth > 0 ? thread->frames[thread->depth - 1] : NULL;
}

static void introduce(struct tb *tb, struct tb_frame *frame, bool suspended)
{
    if (frame->known_in == tb->writer->block) {
        return;
    }
    unsigned count = 0;
    for (unsigned i = 0; i < TB_SLOTS; i++) {
        count += frame->slots[i].kind != TB_UNBOUND;
    }
    put(tb, CTR_FRAME);
    put(tb, suspended ? CTR_FRAME_SUSPENDED : 0);
    put_varint(tb, frame->call);
    put_varint(tb, frame->generator);
    put_varint(tb, tb->writer->block - frame->entry_block);
    put_varint(tb, frame->line);
    put_varint(tb, count);
    for (unsigned i = 0; i < TB_SLOTS; i++) {
        if (frame->slots[i].kind != TB_UNBOUND) {
            put_varint(tb, i);
            put_value(tb, &frame->slots[i]);
        }
    }
    frame->known_in = tb->writer->block;
    frame->number = tb->writer->next_frame++;
}

/* Who calls or resumes is known in the block. */
static void introduce_top(struct tb *tb)
{
    if (tb_top(tb) != NULL) {
        introduce(tb, tb_top(tb), false);
    }
}

static void span(struct tb *tb, const struct tb_frame *frame)
{
    if (frame->start_block != tb->writer->block) {
        put(tb, CTR_SPAN);
        put_varint(tb, tb->writer->steps - frame->start_step);
        put_varint(tb, frame->start_thread == tb->thread
                           ? tb->threads[tb->thread].calls - frame->start_calls
                           : 0);
    }
}

static void done(struct tb *tb)
{
    ctr_commit(tb->writer);
    if (tb->block_bytes != 0 && tb->writer->at > tb->writer->start + tb->block_bytes) {
        tb_next_block(tb);
    }
}

void tb_next_block(struct tb *tb)
{
    bool going_on = ctr_writer_next_block(tb->writer);
    require(going_on, ctr_writer_error(tb->writer));
}

/* Plan 0 is a function, plan 1 a generator. */
void tb_call(struct tb *tb, uint32_t plan, bool generator)
{
    struct tb_thread *thread = &tb->threads[tb->thread];
    struct tb_frame *frame = calloc(1, sizeof *frame);
    assert(frame != NULL && thread->depth < TB_STACK);
    introduce_top(tb);
    frame->call = tb->writer->calls++;
    frame->entry_block = frame->start_block = tb->writer->block;
    frame->start_step = tb->writer->steps;
    frame->start_calls = ++thread->calls;
    frame->start_thread = tb->thread;
    frame->known_in = tb->writer->block;
    frame->number = tb->writer->next_frame++;
    frame->generator = generator;
    thread->frames[thread->depth++] = frame;
    put(tb, CTR_CALL);
    put_varint(tb, plan);
    ctr_count(tb->writer, CTR_C_calls);
    frame->slots[0] = tb_int((int64_t)frame->call);
    put(tb, CTR_SET);
    put_value(tb, &frame->slots[0]);
    done(tb);
}

static void keep_state(struct tb *tb);

void tb_line(struct tb *tb, uint32_t line)
{
    struct tb_frame *frame = tb_top(tb);
    introduce(tb, frame, false);
    int64_t change = (int64_t)line - frame->line;
    if (change >= -CTR_LINE_BIAS && change < CTR_LINE_BIAS) {
        put(tb, (uint8_t)(change + CTR_LINE_BIAS));
    } else {
        put(tb, CTR_LINE_FAR);
        put_varint(tb, ct_zigzag(change));
    }
    frame->line = line;
    tb->writer->steps++;
    ctr_count(tb->writer, CTR_C_lines);
    if (tb->keep_states) {
        keep_state(tb);
    }
    done(tb);
}

void tb_set(struct tb *tb, uint32_t slot, struct tb_value value)
{
    struct tb_frame *frame = tb_top(tb);
    introduce(tb, frame, false);
    const struct tb_value *before = &frame->slots[slot];
    put(tb, (uint8_t)(CTR_SET + slot));
    int64_t change = (int64_t)((uint64_t)value.number - (uint64_t)before->number);
    if (value.kind == TB_INT && before->kind == TB_INT && change >= -16 && change < 16) {
        put(tb, (uint8_t)(0x30 + change));
    } else if (value.kind == TB_INT && before->kind == TB_INT) {
        put(tb, CTR_V_DELTA);
        put_varint(tb, ct_zigzag(change));
    } else {
        put_value(tb, &value);
    }
    frame->slots[slot] = value;
    ctr_commit(tb->writer);
}

static struct tb_frame *leave(struct tb *tb, uint8_t record, const struct tb_value *value)
{
    struct tb_frame *frame = tb_top(tb);
    introduce(tb, frame, false);
    if (record != CTR_YIELD) {
        span(tb, frame);
    }
    put(tb, record);
    put_value(tb, value);
    tb->threads[tb->thread].depth--;
    return frame;
}

void tb_return(struct tb *tb, struct tb_value value)
{
    free(leave(tb, CTR_RETURN, &value));
    ctr_count(tb->writer, CTR_C_returns);
    done(tb);
}

void tb_unwind(struct tb *tb, struct tb_value value)
{
    introduce(tb, tb_top(tb), false);
    put(tb, CTR_RAISE);
    put_value(tb, &value);
    ctr_count(tb->writer, CTR_C_raises);
    free(leave(tb, CTR_UNWIND, &value));
    ctr_count(tb->writer, CTR_C_unwinds);
    done(tb);
}

void tb_yield(struct tb *tb, struct tb_value value)
{
    assert(tb->suspended_count < 8);
    tb->suspended[tb->suspended_count++] = leave(tb, CTR_YIELD, &value);
    ctr_count(tb->writer, CTR_C_yields);
    done(tb);
}

void tb_resume(struct tb *tb, unsigned suspended)
{
    struct tb_frame *frame = tb->suspended[suspended];
    introduce_top(tb);
    tb->suspended[suspended] = tb->suspended[--tb->suspended_count];
    introduce(tb, frame, true);
    put(tb, CTR_RESUME);
    put_varint(tb, frame->number);
    frame->entry_block = tb->writer->block;
    struct tb_thread *thread = &tb->threads[tb->thread];
    assert(thread->depth < TB_STACK);
    thread->frames[thread->depth++] = frame;
    ctr_count(tb->writer, CTR_C_resumes);
    done(tb);
}

void tb_switch(struct tb *tb, uint32_t thread)
{
    tb->thread = tb->writer->thread = thread;
    put(tb, CTR_THREAD);
    put_varint(tb, thread);
    ctr_count(tb->writer, CTR_C_thread_switches);
    done(tb);
}

void tb_output(struct tb *tb, const char *text)
{
    put(tb, CTR_OUTPUT);
    put_varint(tb, CTR_STDOUT);
    put_text(tb, text);
    ctr_count(tb->writer, CTR_C_outputs);
    done(tb);
}

void tb_input(struct tb *tb, const char *text)
{
    put(tb, CTR_INPUT);
    put_varint(tb, CTR_STDIN | CTR_STREAM_MIRROR);
    put_text(tb, text);
    ctr_count(tb->writer, CTR_C_inputs);
    done(tb);
}

/* ---- objects ---- */

static void open_object(struct tb *tb, uint32_t number)
{
    struct tb_object *object = &tb->objects[number];
    uint32_t block = tb->writer->block;
    if (object->opened_in == block) {
        return;
    }
    bool with_base = object->opened_in == NEVER || pick(tb, 4) == 0;
    put(tb, CTR_OPEN);
    put_reference(tb, number);
    put_varint(tb, object->is_dict);
    put(tb, with_base ? CTR_OPEN_BASE : 0);
    if (!with_base) {
        put_varint(tb, block - object->opened_in);
    } else {
        put(tb, object->is_dict ? CTR_PAIRS : CTR_ITEMS);
        put_varint(tb, object->count);
        put_varint(tb, object->count);
        for (uint32_t i = 0; i < object->count; i++) {
            if (object->is_dict) {
                put_value(tb, &object->pairs[i].key);
                put_value(tb, &object->pairs[i].value);
            } else {
                put_value(tb, &object->items[i]);
            }
        }
    }
    object->opened_in = block;
    ctr_commit(tb->writer);
}

static struct tb_value random_value(struct tb *tb, bool objects)
{
    static const char *const texts[] = {
        "", "abc", "seven77", "eight888", "eight888 and more", "something rather longer"};
    struct tb_value value = {.kind = TB_NONE};
    switch (pick(tb, objects ? 7 : 6)) {
    case 0:
        return value;
    case 1:
        return tb_int((int64_t)pick(tb, 100) - 50);
    case 2:
        return tb_int((int64_t)tb_next_random(&tb->seed));
    case 3:
        value.kind = TB_FLOAT;
        value.number = pick(tb, 1000);
        return value;
    case 4:
        return tb_text(texts[pick(tb, 6)]);
    case 5:
        value = tb_text(texts[pick(tb, 6)]);
        value.kind = TB_TUPLE;
        value.number = pick(tb, 10);
        return value;
    default:
        value.kind = TB_OBJECT;
        value.number = pick(tb, TB_OBJECTS);
        return tb->objects[value.number].exists ? value : tb_int(7);
    }
}

static struct tb_value random_key(struct tb *tb)
{
    char text[TB_TEXT];
    unsigned number = pick(tb, TB_ITEMS);
    if (number % 3 == 0) {
        return tb_int(number);
    }
    snprintf(text, sizeof text, number % 3 == 1 ? "k%u" : "a rather long key %u", number);
    return tb_text(text);
}

static bool same_key(const struct tb_value *a, const struct tb_value *b)
{
    return a->kind == b->kind && a->number == b->number && strcmp(a->text, b->text) == 0;
}

static void change_dict(struct tb *tb, uint32_t number)
{
    struct tb_object *object = &tb->objects[number];
    struct tb_value key = random_key(tb);
    uint32_t at = 0;
    while (at < object->count && !same_key(&object->pairs[at].key, &key)) {
        at++;
    }
    if (at < object->count && pick(tb, 2) == 0) {
        put(tb, CTR_UNPAIR);
        put_reference(tb, number);
        put_value(tb, &key);
        object->count--;
        memmove(&object->pairs[at], &object->pairs[at + 1],
                (object->count - at) * sizeof object->pairs[0]);
    } else {
        struct tb_pair pair = {key, random_value(tb, true)};
        put(tb, CTR_PAIR);
        put_reference(tb, number);
        put_value(tb, &key);
        put_value(tb, &pair.value);
        object->pairs[at] = pair;
        object->count += at == object->count;
    }
}

static void splice_list(struct tb *tb, uint32_t number)
{
    struct tb_object *object = &tb->objects[number];
    uint32_t start = pick(tb, object->count + 1);
    uint32_t removed = pick(tb, object->count - start + 1);
    uint32_t added = pick(tb, 4);
    if (object->count - removed + added > TB_ITEMS) {
        added = 0;
    }
    put(tb, CTR_SPLICE);
    put_reference(tb, number);
    put_varint(tb, start);
    put_varint(tb, removed);
    put_varint(tb, added);
    memmove(&object->items[start + added], &object->items[start + removed],
            (object->count - start - removed) * sizeof object->items[0]);
    for (uint32_t i = 0; i < added; i++) {
        object->items[start + i] = random_value(tb, true);
        put_value(tb, &object->items[start + i]);
    }
    object->count += added - removed;
}

static void change_list(struct tb *tb, uint32_t number)
{
    struct tb_object *object = &tb->objects[number];
    unsigned what = pick(tb, 8);
    if (what < 3 && object->count < TB_ITEMS) {
        put(tb, CTR_APPEND);
        put_reference(tb, number);
        object->items[object->count] = random_value(tb, true);
        put_value(tb, &object->items[object->count++]);
    } else if (what < 6 && object->count > 0) {
        uint32_t index = pick(tb, object->count);
        put(tb, CTR_ITEM);
        put_reference(tb, number);
        put_varint(tb, index);
        object->items[index] = random_value(tb, true);
        put_value(tb, &object->items[index]);
    } else if (what == 6) {
        splice_list(tb, number);
    } else if (pick(tb, 10) == 0) {
        put(tb, CTR_CLEAR);
        put_reference(tb, number);
        object->count = 0;
    }
}

void tb_change_object(struct tb *tb, uint32_t number)
{
    struct tb_object *object = &tb->objects[number];
    object->exists = true;
    open_object(tb, number);
    if (object->is_dict) {
        change_dict(tb, number);
    } else {
        change_list(tb, number);
    }
    ctr_commit(tb->writer);
}

/* ---- a program that does everything ---- */

static void random_step(struct tb *tb)
{
    struct tb_thread *thread = &tb->threads[tb->thread];
    if (thread->depth == 0) {
        tb_call(tb, 0, false);
        return;
    }
    for (unsigned i = pick(tb, 3); i > 0; i--) {
        tb_set(tb, pick(tb, TB_SLOTS), random_value(tb, true));
    }
    for (unsigned i = pick(tb, 3); i > 0; i--) {
        tb_change_object(tb, pick(tb, TB_OBJECTS));
    }
    tb_line(tb, 10 + pick(tb, 200));
    unsigned what = pick(tb, 24);
    struct tb_frame *top = tb_top(tb);
    if (what < 4 && thread->depth < TB_STACK) {
        bool generator = pick(tb, 3) == 0;
        tb_call(tb, generator, generator);
    } else if (what < 7 && thread->depth > 1) {
        if (pick(tb, 4) == 0) {
            tb_unwind(tb, random_value(tb, true));
        } else {
            tb_return(tb, random_value(tb, true));
        }
    } else if (what < 9 && top->generator && thread->depth > 1 && tb->suspended_count < 8) {
        tb_yield(tb, random_value(tb, true));
    } else if (what < 12 && tb->suspended_count > 0 && thread->depth < TB_STACK) {
        tb_resume(tb, pick(tb, tb->suspended_count));
    } else if (what == 12) {
        tb_switch(tb, pick(tb, TB_THREADS));
    } else if (what == 13) {
        tb_output(tb, "written text");
        tb_input(tb, "text that was read");
    }
}

void tb_random(struct tb *tb, unsigned steps)
{
    uint64_t until = tb->writer->steps + steps;
    while (tb->writer->steps < until) {
        random_step(tb);
    }
}

/* ---- opening and closing ---- */

static void define(struct tb *tb, enum ctr_definition kind, struct ct_bytes *payload)
{
    bool defined = ctr_writer_define(tb->writer, kind, payload->data, payload->size);
    assert(defined);
    (void)defined;
    ct_bytes_free(payload);
}

static void add_text(struct ct_bytes *to, const char *text)
{
    ct_bytes_add_block(to, text, strlen(text));
}

static void define_plan(struct tb *tb, unsigned number)
{
    struct ct_bytes payload = {0};
    char name[16];
    snprintf(name, sizeof name, "f%u", number);
    ct_bytes_add_varint(&payload, 0);
    add_text(&payload, name);
    add_text(&payload, name);
    add_text(&payload, "__main__");
    const unsigned numbers[] = {10, 0, 0, 1, 0, 0, TB_SLOTS};
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ct_bytes_add_varint(&payload, numbers[i]);
    }
    for (unsigned i = 0; i < TB_SLOTS; i++) {
        snprintf(name, sizeof name, "v%u", i);
        add_text(&payload, name);
        ct_bytes_add_byte(&payload, i == 0 ? CTR_VAR_ARG : CTR_VAR_LOCAL);
        ct_bytes_add_byte(&payload, CTR_KEEP);
    }
    define(tb, CTR_DEF_PLAN, &payload);
}

static void define_type(struct tb *tb, enum ctr_family family, const char *name)
{
    struct ct_bytes payload = {0};
    ct_bytes_add_byte(&payload, (uint8_t)family);
    add_text(&payload, "builtins");
    add_text(&payload, name);
    ct_bytes_add_varint(&payload, 0);
    define(tb, CTR_DEF_TYPE, &payload);
}

static void define_all(struct tb *tb, unsigned plans)
{
    struct ct_bytes payload = {0};
    add_text(&payload, "program");
    add_text(&payload, "test.py");
    define(tb, CTR_DEF_RUN, &payload);
    ct_bytes_add_text(&payload, "\x07"
                                "test.py");
    define(tb, CTR_DEF_PATH, &payload);
    ct_bytes_add_byte(&payload, 0);
    ct_bytes_add_byte(&payload, 4);
    ct_bytes_add_text(&payload, "line 1\n");
    define(tb, CTR_DEF_SOURCE, &payload);
    ct_bytes_add_byte(&payload, 0);
    ct_bytes_add_byte(&payload, 0);
    ct_bytes_add_text(&payload, "line 2\n");
    define(tb, CTR_DEF_SOURCE, &payload);
    define_type(tb, CTR_F_LIST, "list");
    define_type(tb, CTR_F_DICT, "dict");
    for (unsigned i = 0; i < plans; i++) {
        define_plan(tb, i);
    }
    for (unsigned i = 0; i < TB_THREADS; i++) {
        ct_bytes_add_varint(&payload, i);
        ct_bytes_add_varint(&payload, 1000 + i);
        ct_bytes_add_varint(&payload, 2000 + i);
        add_text(&payload, i == 0 ? "MainThread" : "worker");
        define(tb, CTR_DEF_THREAD, &payload);
    }
}

void tb_open(struct tb *tb, const char *path, unsigned plans, uint64_t seed)
{
    *tb = (struct tb){.seed = seed * 2 + 88172645463325252ull, .plans = plans};
    struct ctr_writer_options options = {.path = path, .start_ns = 1};
    memcpy(options.id, "0123456789abcdef", 16);
    struct ct_error error = {0};
    if (ctr_writer_open(&tb->writer, &options, &error) != CT_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    for (unsigned i = 0; i < TB_OBJECTS; i++) {
        tb->objects[i].is_dict = i % 2;
        tb->objects[i].known_in = tb->objects[i].opened_in = NEVER;
    }
    define_all(tb, plans);
}

void tb_close(struct tb *tb, enum ctr_end_reason reason, int status)
{
    struct ct_error error = {0};
    if (ctr_writer_close(tb->writer, reason, status, &error) != CT_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    for (unsigned thread = 0; thread < TB_THREADS; thread++) {
        for (unsigned i = 0; i < tb->threads[thread].depth; i++) {
            free(tb->threads[thread].frames[i]);
        }
    }
    for (unsigned i = 0; i < tb->suspended_count; i++) {
        free(tb->suspended[i]);
    }
}

void tb_free_states(struct tb *tb)
{
    for (size_t i = 0; i < tb->state_count; i++) {
        free(tb->states[i]);
    }
    free(tb->states);
}

/* ---- the state as text ---- */

static void write_text(struct ct_bytes *to, const char *text)
{
    ct_bytes_add_byte(to, '\'');
    ct_bytes_add_text(to, text);
    ct_bytes_add_byte(to, '\'');
}

static void write_value(struct ct_bytes *to, const struct tb_value *value)
{
    switch (value->kind) {
    case TB_UNBOUND:
        ct_bytes_add_text(to, "?");
        break;
    case TB_NONE:
        ct_bytes_add_text(to, "None");
        break;
    case TB_INT:
        ct_bytes_add_format(to, "%lld", (long long)value->number);
        break;
    case TB_FLOAT:
        ct_bytes_add_format(to, "%.2f", (double)value->number / 4);
        break;
    case TB_TEXT_VALUE:
        write_text(to, value->text);
        break;
    case TB_TUPLE:
        ct_bytes_add_format(to, "(%lld ", (long long)value->number);
        write_text(to, value->text);
        ct_bytes_add_byte(to, ')');
        break;
    case TB_OBJECT:
        ct_bytes_add_format(to, "#%lld", (long long)value->number);
        break;
    }
}

static char *finish(struct ct_bytes *text)
{
    ct_bytes_add_byte(text, '\0');
    assert(!text->failed);
    return (char *)text->data;
}

static void write_frame(struct ct_bytes *to, uint32_t thread, const struct tb_frame *frame)
{
    ct_bytes_add_format(to, "thread %u call %llu plan %d line %u:", thread,
                        (unsigned long long)frame->call, frame->generator, frame->line);
    for (unsigned i = 0; i < TB_SLOTS; i++) {
        ct_bytes_add_byte(to, ' ');
        write_value(to, &frame->slots[i]);
    }
    ct_bytes_add_byte(to, '\n');
}

static void write_object(struct ct_bytes *to, unsigned number, const struct tb_object *object)
{
    ct_bytes_add_format(to, "#%u:", number);
    for (uint32_t i = 0; i < object->count; i++) {
        ct_bytes_add_byte(to, ' ');
        if (object->is_dict) {
            write_value(to, &object->pairs[i].key);
            ct_bytes_add_byte(to, '=');
            write_value(to, &object->pairs[i].value);
        } else {
            write_value(to, &object->items[i]);
        }
    }
    ct_bytes_add_byte(to, '\n');
}

static void keep_state(struct tb *tb)
{
    struct ct_bytes text = {0};
    for (unsigned thread = 0; thread < TB_THREADS; thread++) {
        for (unsigned i = tb->threads[thread].depth; i-- > 0;) {
            write_frame(&text, thread, tb->threads[thread].frames[i]);
        }
    }
    for (unsigned i = 0; i < TB_OBJECTS; i++) {
        if (tb->objects[i].exists) {
            write_object(&text, i, &tb->objects[i]);
        }
    }
    if (tb->state_count == tb->state_capacity) {
        tb->state_capacity = tb->state_capacity * 2 + 64;
        tb->states = realloc(tb->states, tb->state_capacity * sizeof *tb->states);
        assert(tb->states != NULL);
    }
    tb->states[tb->state_count++] = finish(&text);
}

static void write_recorded(struct ct_bytes *to, struct ctr_trace *trace, struct ctr_value value);

static void write_node(struct ct_bytes *to, struct ctr_trace *trace, struct ctr_value value)
{
    struct ctr_node node;
    struct ct_error error = {0};
    if (ctr_node_open(trace, value, &node, &error) != CT_OK) {
        ct_bytes_add_format(to, "<%s>", error.message);
        return;
    }
    if (node.tag == CTR_V_TEXT) {
        ct_bytes_add_byte(to, '\'');
        ct_bytes_add(to, node.bytes, node.size);
        ct_bytes_add_byte(to, '\'');
    } else {
        const struct ctr_value unbound = {0};
        ct_bytes_add_byte(to, '(');
        for (uint32_t i = 0; i < node.count; i++) {
            if (i > 0) {
                ct_bytes_add_byte(to, ' ');
            }
            write_recorded(to, trace, ctr_scan_value(&node.children, unbound));
        }
        ct_bytes_add_byte(to, ')');
    }
    ctr_node_close(trace, &node);
}

static void write_recorded(struct ct_bytes *to, struct ctr_trace *trace, struct ctr_value value)
{
    switch (value.tag) {
    case CTR_V_UNBOUND:
        ct_bytes_add_text(to, "?");
        break;
    case CTR_V_NONE:
        ct_bytes_add_text(to, "None");
        break;
    case CTR_V_INT:
        ct_bytes_add_format(to, "%lld", (long long)value.bits);
        break;
    case CTR_V_FLOAT:
        ct_bytes_add_format(to, "%.2f", ctr_value_float(value));
        break;
    case CTR_V_SHORT_TEXT:
        ct_bytes_add_byte(to, '\'');
        ct_bytes_add(to, &value.bits, value.bits >> 56);
        ct_bytes_add_byte(to, '\'');
        break;
    case CTR_V_OBJECT:
        ct_bytes_add_format(to, "#%llu", (unsigned long long)value.bits);
        break;
    case CTR_V_NODE:
        write_node(to, trace, value);
        break;
    default:
        ct_bytes_add_format(to, "<tag %u>", value.tag);
    }
}

char *tb_state_of_player(struct ctr_player *player, const struct ctr_event *event)
{
    struct ctr_trace *trace = ctr_player_trace(player);
    struct ct_bytes text = {0};
    struct ct_error error = {0};
    (void)event;
    for (uint32_t thread = 0; thread < TB_THREADS; thread++) {
        const struct ctr_frame *frame;
        for (uint32_t i = 0; (frame = ctr_player_frame(player, thread, i, &error)) != NULL; i++) {
            ct_bytes_add_format(&text, "thread %u call %llu plan %u line %u:", frame->thread,
                                (unsigned long long)frame->call, frame->plan, frame->line);
            for (uint32_t slot = 0; slot < frame->slot_count; slot++) {
                ct_bytes_add_byte(&text, ' ');
                write_recorded(&text, trace, frame->slots[slot]);
            }
            ct_bytes_add_byte(&text, '\n');
        }
    }
    for (uint64_t number = 0; number < TB_OBJECTS; number++) {
        const struct ctr_object *object = ctr_player_object(player, number, &error);
        if (object == NULL) {
            continue;
        }
        ct_bytes_add_format(&text, "#%llu:", (unsigned long long)number);
        for (uint32_t i = 0; i < object->item_count; i++) {
            ct_bytes_add_byte(&text, ' ');
            write_recorded(&text, trace, object->items[i]);
        }
        for (uint32_t i = 0; i < object->pair_count; i++) {
            ct_bytes_add_byte(&text, ' ');
            write_recorded(&text, trace, object->pairs[i].key);
            ct_bytes_add_byte(&text, '=');
            write_recorded(&text, trace, object->pairs[i].value);
        }
        ct_bytes_add_byte(&text, '\n');
    }
    if (error.code != CT_OK) {
        ct_bytes_add_format(&text, "error: %s\n", error.message);
    }
    return finish(&text);
}
