/* Three passes: over the file's bytes, over every record, and over the events as they play. */
#include "trace/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace/facts.h"
#include "trace/player.h"
#include "trace/record.h"
#include "trace/sources.h"
#include "trace/summary.h"
#include "trace/trace_internal.h"

struct verification {
    struct ctr_trace *trace;
    struct ctr_verify_report *report;
    uint32_t *nodes; /* nodes in each EVENTS block checked so far */
    uint32_t block;  /* being checked */
    uint64_t at;     /* its offset in the file, or UINT64_MAX in the tail */
    uint64_t steps, calls;
    uint32_t thread; /* that runs */
    uint64_t counters[CTR_COUNTER_COUNT];
};

/* ---- findings ---- */

static void find(struct verification *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void find(struct verification *check, const char *format, ...)
{
    struct ctr_verify_report *report = check->report;
    if (report->findings++ >= CTR_FINDINGS_MAX) {
        return;
    }
    struct ctr_finding *finding = &report->list[report->findings - 1];
    finding->offset = check->at;
    va_list args;
    va_start(args, format);
    vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
}

void ctr_verify_clear(struct ctr_verify_report *report)
{
    free(report->list);
    *report = (struct ctr_verify_report){0};
}

/* ---- the file ---- */

/* What END's directories say must be what the file has, in its order. */
static void check_placed(struct verification *check, const struct ctr_block_info *info,
                         uint64_t offset)
{
    const struct ctr_trace *trace = check->trace;
    if (!trace->info.complete) {
        return;
    }
    if (info->kind == CTR_INDEX &&
        (info->number >= trace->segment_count || trace->segments[info->number].offset != offset)) {
        find(check, "index block %u is not where the end block says", info->number);
    }
    if (info->kind == CTR_DEFS &&
        (info->number >= trace->def_block_count || trace->def_blocks[info->number] != offset)) {
        find(check, "definition block %u is not where the end block says", info->number);
    }
    struct ctr_index_entry entry = {0};
    if (info->kind == CTR_EVENTS) {
        struct ct_error error;
        pthread_mutex_lock(&check->trace->cache.lock);
        int status = info->number < trace->info.blocks
                         ? ctr_entry(check->trace, info->number, &entry, &error)
                         : ct_fail(&error, CT_EFORMAT, "the end block does not count it");
        pthread_mutex_unlock(&check->trace->cache.lock);
        if (status != CT_OK) {
            find(check, "block %u: %s", info->number, error.message);
        } else if (entry.offset != offset || entry.raw_size != info->raw_size ||
                   entry.stored_size != info->stored_size) {
            find(check, "block %u is not what the index says", info->number);
        }
    }
}

static void check_total_blocks(struct verification *check, const struct ctr_walk *walk)
{
    const struct ctr_trace *trace = check->trace;
    check->at = walk->at;
    if (!trace->info.complete) {
        return;
    }
    if (walk->next[CTR_EVENTS] != trace->info.blocks) {
        find(check, "the end block counts %u event blocks, the file has %u", trace->info.blocks,
             walk->next[CTR_EVENTS]);
    }
    if (walk->next[CTR_INDEX] != trace->segment_count ||
        walk->next[CTR_DEFS] != trace->def_block_count) {
        find(check, "the end block counts other index or definition blocks than the file has");
    }
}

static void check_file(struct verification *check)
{
    struct ctr_walk walk = ctr_walk_start(check->trace->map, check->trace->size);
    struct ctr_block_info info;
    struct ct_error error = {0};
    uint64_t offset;
    int status;
    while ((status = ctr_walk_next(&walk, &info, &offset, &error)) == CT_OK) {
        check->at = offset;
        check->report->file_blocks++;
        check_placed(check, &info, offset);
    }
    check->at = walk.at;
    if (status == CT_EFORMAT) {
        if (check->trace->info.complete || walk.at != check->trace->good) {
            find(check, "%s", error.message); /* else it is why the trace is not complete */
        }
    } else {
        check_total_blocks(check, &walk);
    }
}

/* ---- definitions ---- */

static void check_facts(struct verification *check, uint32_t plan)
{
    struct ctr_facts facts;
    struct ct_error error;
    if (ctr_facts_read(check->trace, plan, &facts, &error) == CT_EFORMAT) {
        find(check, "%s", error.message);
    }
    ctr_facts_clear(&facts);
}

static void check_definitions(struct verification *check)
{
    const struct ctr_definitions *definitions = &check->trace->definitions;
    check->at = UINT64_MAX;
    for (size_t i = 0; i < definitions->plan_count; i++) {
        const struct ctr_plan *plan = &definitions->plans[i];
        for (uint32_t v = 0; v < plan->variable_count; v++) {
            const struct ctr_variable *variable = &plan->variables[v];
            if ((variable->kind & CTR_VAR_KIND) > CTR_VAR_NAMESPACE ||
                variable->kind > (CTR_VAR_KIND | CTR_VAR_ALSO_ARG) || variable->action > CTR_DROP) {
                find(check, "plan %zu: variable %u is of no known kind", i, v);
            }
        }
        check_facts(check, (uint32_t)i);
    }
    uint32_t path;
    if (ctr_sources_is_open(definitions->sources, &path)) {
        find(check, "the source of path %u is not whole", path);
    }
}

/* ---- records ---- */

static bool is_node_there(void *context, uint64_t blocks_back, uint64_t node)
{
    struct verification *check = context;
    if (blocks_back > check->block || node >= check->nodes[check->block - blocks_back]) {
        find(check, "block %u names value %llu of the %lluth block before it, which is not there",
             check->block, (unsigned long long)node, (unsigned long long)blocks_back);
    }
    return true;
}

static const struct {
    uint8_t record;
    enum ctr_counter counter;
} counted[] = {
    {CTR_LINE_FAR, CTR_C_lines},         {CTR_CALL, CTR_C_calls},
    {CTR_RETURN, CTR_C_returns},         {CTR_YIELD, CTR_C_yields},
    {CTR_RESUME, CTR_C_resumes},         {CTR_THROW, CTR_C_throws},
    {CTR_UNWIND, CTR_C_unwinds},         {CTR_RAISE, CTR_C_raises},
    {CTR_HANDLED, CTR_C_handled},        {CTR_OUTPUT, CTR_C_outputs},
    {CTR_THREAD, CTR_C_thread_switches}, {CTR_FORK, CTR_C_forks},
    {CTR_INPUT, CTR_C_inputs},
};

static void count_record(struct verification *check, uint8_t kind)
{
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        check->counters[counted[i].counter] += counted[i].record == kind;
    }
}

static bool is_right_stream(const struct ctr_rec *rec)
{
    uint64_t stream = rec->number & CTR_STREAM_MASK;
    bool is_written = stream == CTR_STDOUT || stream == CTR_STDERR;
    return rec->number <= CTR_STREAM_ALL &&
           (rec->kind == CTR_OUTPUT ? is_written : stream == CTR_STDIN);
}

static bool is_thread(const struct ctr_trace *trace, uint64_t number)
{
    for (size_t i = 0; i < trace->definitions.thread_count; i++) {
        if (trace->definitions.threads[i].number == number) {
            return true;
        }
    }
    return trace->definitions.thread_count == 0; /* a program of one thread may say nothing of it */
}

static void check_record(struct verification *check, const struct ctr_rec *rec)
{
    const struct ctr_trace *trace = check->trace;
    count_record(check, rec->kind);
    if ((rec->kind == CTR_CALL || rec->kind == CTR_FRAME) && rec->plan >= trace->info.plan_count) {
        find(check, "block %u: plan %u is not defined", check->block, rec->plan);
    }
    if ((rec->kind == CTR_THREAD || rec->kind == CTR_THREAD_END) &&
        !is_thread(trace, rec->number)) {
        find(check, "block %u: thread %llu is not defined", check->block,
             (unsigned long long)rec->number);
    }
    if (rec->kind == CTR_THREAD) {
        check->thread = (uint32_t)rec->number;
    }
    bool is_stream = rec->kind == CTR_OUTPUT || rec->kind == CTR_INPUT;
    if (is_stream && !is_right_stream(rec)) {
        find(check, "block %u: %s stream %llu", check->block,
             rec->kind == CTR_OUTPUT ? "output to" : "input from", (unsigned long long)rec->number);
    }
}

static void check_prelude(struct verification *check, const struct ctr_block *block)
{
    if (block->first_step != check->steps || block->first_call != check->calls) {
        find(check, "block %u starts at step %llu, call %llu; %llu and %llu come before it",
             block->number, (unsigned long long)block->first_step,
             (unsigned long long)block->first_call, (unsigned long long)check->steps,
             (unsigned long long)check->calls);
    }
    if (block->thread != check->thread) {
        find(check, "block %u starts on thread %u; thread %u runs", block->number, block->thread,
             check->thread);
        check->thread = block->thread;
    }
    if (!is_thread(check->trace, block->thread)) {
        find(check, "block %u: thread %u is not defined", block->number, block->thread);
    }
    check->steps = block->first_step + block->steps;
    check->calls = block->first_call + block->calls;
}

/* The cache has checked the records once; this goes through them for what it cannot know. */
static void check_records(struct verification *check, const struct ctr_block *block)
{
    struct ctr_collect collect = {.raw = block->raw, .on_far = is_node_there, .context = check};
    struct ctr_scan scan = ctr_scan_start(block->raw, block->size, NULL, &collect);
    struct ctr_rec rec;
    while (ctr_record_next(&scan, &rec)) {
        check->report->records++;
        check_record(check, &rec);
    }
    if (collect.max_type > check->trace->info.type_count) {
        find(check, "block %u: type %u is not defined", block->number, collect.max_type - 1);
    }
    ctr_collect_free(&collect);
}

static void check_block(struct verification *check, uint32_t number)
{
    const struct ctr_block *block;
    struct ctr_index_entry entry = {.offset = UINT64_MAX};
    struct ct_error error = {0};
    pthread_mutex_lock(&check->trace->cache.lock);
    if (number < check->trace->file_blocks) {
        ctr_entry(check->trace, number, &entry, NULL);
    }
    pthread_mutex_unlock(&check->trace->cache.lock);
    check->block = number;
    check->at = entry.offset;
    if (ctr_block_acquire(check->trace, number, &block, &error) != CT_OK) {
        find(check, "%s", error.message);
        return;
    }
    check_prelude(check, block);
    check->nodes[number] = block->node_count;
    check_records(check, block);
    ctr_block_release(check->trace, block);
}

/* ---- what the index says ---- */

/* Depths are left out: a recovery does not know those before it. */
static bool same_entry(const struct ctr_index_entry *a, const struct ctr_index_entry *b)
{
    return a->first_step == b->first_step && a->first_call == b->first_call && a->tick == b->tick &&
           a->thread == b->thread && a->outputs == b->outputs && a->inputs == b->inputs &&
           a->raises == b->raises && a->thread_count == b->thread_count &&
           memcmp(a->threads, b->threads, sizeof a->threads) == 0;
}

/* The stored segment is what its blocks give. */
static void compare_segment(struct verification *check, size_t index, const struct ct_bytes *raw)
{
    const struct ctr_segment *stored;
    struct ctr_segment made = {0};
    struct ct_error error = {0};
    struct ctr_trace *trace = check->trace;
    pthread_mutex_lock(&trace->cache.lock);
    int status = ctr_segment_get(trace, index, &stored, &error);
    if (status == CT_OK) {
        status = ctr_segment_decode(raw->data, raw->size, &made, &error);
    }
    bool same = status == CT_OK && stored->count == made.count &&
                stored->end - stored->tables == made.end - made.tables &&
                memcmp(stored->bytes + stored->tables, made.bytes + made.tables,
                       made.end - made.tables) == 0;
    for (unsigned i = 0; same && i < made.count; i++) {
        same = same_entry(&stored->entries[i], &made.entries[i]);
    }
    pthread_mutex_unlock(&trace->cache.lock);
    ctr_segment_clear(&made);
    if (!same) {
        find(check, "index block %zu does not say what is in its blocks%s%s", index,
             error.message[0] != '\0' ? ": " : "", error.message);
    }
}

static int check_segment(struct verification *check, size_t index, struct ctr_summary *summary,
                         struct ct_error *error)
{
    struct ctr_trace *trace = check->trace;
    uint32_t number = trace->segments[index].first_block;
    uint32_t after = index + 1 < trace->segment_count ? trace->segments[index + 1].first_block
                                                      : trace->info.blocks;
    bool readable = true;
    check->at = trace->segments[index].offset;
    for (; readable && number < after; number++) {
        const struct ctr_block *block;
        struct ctr_index_entry placed = {0};
        readable = ctr_block_acquire(trace, number, &block, NULL) == CT_OK;
        if (readable) {
            ctr_summary_add(summary, &placed, block->raw, block->size, block);
            ctr_block_release(trace, block);
        } /* else it was found already */
    }
    struct ct_bytes raw = {0};
    ctr_summary_encode(summary, &raw);
    ctr_summary_clear(summary);
    int status = raw.failed ? ct_fail(error, CT_ENOMEM, "no memory to verify the index") : CT_OK;
    if (status == CT_OK && readable) {
        compare_segment(check, index, &raw);
    }
    ct_bytes_free(&raw);
    return status;
}

static int check_index(struct verification *check, struct ct_error *error)
{
    struct ctr_summary *summary = ctr_summary_new();
    int status =
        summary == NULL ? ct_fail(error, CT_ENOMEM, "no memory to verify the index") : CT_OK;
    for (size_t i = 0; status == CT_OK && i < check->trace->segment_count; i++) {
        if (check->trace->segments[i].offset != 0) { /* else there is nothing stored */
            status = check_segment(check, i, summary, error);
        }
    }
    ctr_summary_free(summary);
    return status;
}

/* ---- playing ---- */

/* Play from `block`: to the end of the trace, or only to the end of the block. */
static int play(struct verification *check, struct ctr_player *player, uint32_t block,
                bool only_block, struct ct_error *error)
{
    struct ctr_event event;
    struct ct_error what = {0};
    check->at = UINT64_MAX;
    int status = ctr_player_start(player, block, &what);
    while (status == CT_OK) {
        status = ctr_player_next(player, &event, &what);
        if (status == CT_OK && only_block && event.block != block) {
            return CT_OK;
        }
    }
    if (status == CT_EFORMAT) {
        find(check, "%s%s", only_block ? "played by itself: " : "", what.message);
        return CT_OK;
    }
    return status == CT_ESTATE ? CT_OK : ct_fail(error, status, "%s", what.message);
}

static int check_play(struct verification *check, struct ct_error *error)
{
    struct ctr_player *player;
    int status = ctr_player_new(&player, check->trace, error);
    if (status != CT_OK) {
        return status;
    }
    uint32_t blocks = check->trace->info.blocks;
    if (blocks > 0) {
        status = play(check, player, 0, false, error);
    }
    for (uint32_t block = 1; status == CT_OK && block < blocks; block++) {
        status = play(check, player, block, true, error);
    }
    ctr_player_free(player);
    return status;
}

/* ---- totals ---- */

static const char *counter_name(enum ctr_counter counter)
{
    static const char *const names[] = {
#define X(name) #name,
        CTR_COUNTERS(X)
#undef X
    };
    return names[counter];
}

/* What was seen may be more than what is stored when the recording was cut short. */
static bool may_be_more(const struct ctr_info *info)
{
    return !info->complete ||
           (info->reason != CTR_ENDED_NORMALLY && info->reason != CTR_ENDED_BY_STOP);
}

static void check_totals(struct verification *check)
{
    const struct ctr_info *info = &check->trace->info;
    check->at = UINT64_MAX;
    if (info->steps != check->steps || info->calls != check->calls) {
        find(check, "the trace says %llu steps and %llu calls, its blocks hold %llu and %llu",
             (unsigned long long)info->steps, (unsigned long long)info->calls,
             (unsigned long long)check->steps, (unsigned long long)check->calls);
    }
    if (!info->complete && !check->trace->tail.found) {
        return; /* the counters were lost with the tail */
    }
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        enum ctr_counter counter = counted[i].counter;
        uint64_t seen = info->counters[counter], stored = check->counters[counter];
        if (seen != stored && !(may_be_more(info) && seen > stored)) {
            find(check, "%llu %s were seen, the blocks hold %llu", (unsigned long long)seen,
                 counter_name(counter), (unsigned long long)stored);
        }
    }
}

int ctr_verify(struct ctr_trace *trace, struct ctr_verify_report *report, struct ct_error *error)
{
    *report = (struct ctr_verify_report){0};
    struct verification check = {.trace = trace, .report = report, .at = UINT64_MAX};
    report->list = calloc(CTR_FINDINGS_MAX, sizeof *report->list);
    check.nodes = calloc((size_t)trace->info.blocks + 1, sizeof *check.nodes);
    if (report->list == NULL || check.nodes == NULL) {
        free(check.nodes);
        ctr_verify_clear(report);
        return ct_fail(error, CT_ENOMEM, "no memory to verify the trace");
    }
    if (!trace->info.complete && !trace->info.unfinished) {
        find(&check, "not complete: %s", trace->info.incomplete);
    }
    check_file(&check);
    check_definitions(&check);
    for (uint32_t block = 0; block < trace->info.blocks; block++) {
        check_block(&check, block);
    }
    check_totals(&check);
    report->steps = check.steps;
    report->calls = check.calls;
    int status = check_play(&check, error);
    if (status == CT_OK) {
        status = check_index(&check, error);
    }
    free(check.nodes);
    return status;
}
