/* `ct print --summary`: what a recording is, how it ended, and everything that was counted. */
#include <time.h>

#include "base/json_out.h"
#include "base/uuid.h"
#include "cli/command.h"
#include "cli/print.h"
#include "trace/ending.h"

static const char *const counter_names[] = {
#define X(name) #name,
    CTR_COUNTERS(X)
#undef X
};

static void format_start(const struct ctr_info *info, char text[40])
{
    time_t seconds = (time_t)(info->start_ns / 1000000000);
    struct tm date;
    if (gmtime_r(&seconds, &date) == NULL || strftime(text, 40, "%Y-%m-%dT%H:%M:%SZ", &date) == 0) {
        text[0] = '\0';
    }
}

enum {
    GAP = 2,          /* between the longest name and its value */
    RUN_KEY_MAX = 63, /* bytes of a key shown */
};

static size_t key_size(struct ctr_text key)
{
    return key.size < RUN_KEY_MAX ? key.size : RUN_KEY_MAX;
}

static int name_columns(const struct print *print)
{
    size_t longest = 0; /* a counter's or a key's: the others are shorter */
    for (size_t i = 0; i < CTR_COUNTER_COUNT; i++) {
        size_t length = strlen(counter_names[i]);
        longest = length > longest ? length : longest;
    }
    for (uint32_t i = 0; i < print->info->run_count; i++) {
        size_t length = key_size(ctr_run_at(print->trace, i)->key);
        longest = length > longest ? length : longest;
    }
    return (int)longest + GAP;
}

/* One fact, in either form. */
struct summary {
    struct ct_json_out *json; /* NULL: text */
    int columns;              /* of a name */
};

static void put_text(const struct summary *summary, const char *name, struct ctr_text text)
{
    if (summary->json != NULL) {
        ct_json_key(summary->json, name);
        ct_json_text_n(summary->json, text.bytes, text.size);
        return;
    }
    struct ct_bytes line = {0};
    print_safe((struct ctr_text){name, strlen(name)}, &line);
    while (!line.failed && line.size < (size_t)summary->columns) {
        ct_bytes_add_byte(&line, ' ');
    }
    print_safe(text, &line);
    printf("%.*s\n", (int)line.size, line.size > 0 ? (const char *)line.data : "");
    ct_bytes_free(&line);
}

static void put_string(const struct summary *summary, const char *name, const char *text)
{
    put_text(summary, name, (struct ctr_text){text, strlen(text)});
}

static void put_number(const struct summary *summary, const char *name, uint64_t number)
{
    if (summary->json != NULL) {
        ct_json_key(summary->json, name);
        ct_json_uint(summary->json, number);
    } else {
        printf("%-*s%llu\n", summary->columns, name, (unsigned long long)number);
    }
}

static void put_group(const struct summary *summary, const char *name)
{
    if (summary->json != NULL) {
        ct_json_key(summary->json, name);
        ct_json_begin_object(summary->json);
    } else {
        printf("\n%s\n", name);
    }
}

static void end_group(const struct summary *summary)
{
    if (summary->json != NULL) {
        ct_json_end_object(summary->json);
    }
}

static void put_identity(const struct summary *summary, const struct print *print)
{
    char id[CT_UUID_TEXT_BYTES];
    char start[40], ending[CTR_ENDING_BYTES], gap[CTR_ENDING_BYTES];
    ct_uuid_format(print->info->id, id);
    format_start(print->info, start);
    put_string(summary, "id", id);
    put_string(summary, "start", start);
    put_number(summary, "milliseconds", print->info->milliseconds);
    put_number(summary, "process", print->info->pid);
    ctr_ending_gap(print->info, gap);
    char complete[sizeof gap + sizeof "no: "];
    snprintf(complete, sizeof complete, "%s%s", gap[0] != '\0' ? "no: " : "yes", gap);
    put_string(summary, "complete", complete);
    ctr_ending_text(print->info, ending);
    put_string(summary, "ended", ending);
    if (print->info->exit_status == INT32_MIN) {
        put_string(summary, "exit_status", "unknown");
    } else if (summary->json != NULL) {
        ct_json_key(summary->json, "exit_status");
        ct_json_int(summary->json, print->info->exit_status);
    } else {
        printf("%-*s%d\n", summary->columns, "exit_status", print->info->exit_status);
    }
}

/* Those whose source in the trace may not be that of the code that ran. */
static uint64_t files_that_may_differ(const struct print *print)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < print->info->path_count; i++) {
        count += (ctr_path(print->trace, i)->source_flags & CTR_SOURCE_MAY_DIFFER) != 0;
    }
    return count;
}

static void put_sizes(const struct summary *summary, const struct print *print)
{
    const struct ctr_info *info = print->info;
    uint64_t events = ctr_event_count(info);
    put_number(summary, "steps", info->steps);
    put_number(summary, "calls", info->calls);
    put_number(summary, "events", events);
    put_number(summary, "threads", info->thread_count);
    put_number(summary, "files", info->path_count);
    put_number(summary, "files_may_differ", files_that_may_differ(print));
    put_number(summary, "functions", info->plan_count);
    put_number(summary, "types", info->type_count);
    put_number(summary, "blocks", info->blocks);
    put_number(summary, "bytes", info->size);
    char ratio[32];
    snprintf(ratio, sizeof ratio, "%.3f", events == 0 ? 0 : (double)info->size / (double)events);
    if (summary->json != NULL) {
        ct_json_key(summary->json, "bytes_per_event");
        ct_json_raw(summary->json, ratio, strlen(ratio));
    } else {
        printf("%-*s%s\n", summary->columns, "bytes_per_event", ratio);
    }
}

static void put_run(const struct summary *summary, const struct print *print)
{
    put_group(summary, "run");
    for (uint32_t i = 0; i < print->info->run_count; i++) {
        const struct ctr_run_entry *entry = ctr_run_at(print->trace, i);
        char name[RUN_KEY_MAX + 1] = "";
        memcpy(name, entry->key.bytes, key_size(entry->key));
        put_text(summary, name, entry->value);
    }
    end_group(summary);
}

static void put_counters(const struct summary *summary, const struct print *print)
{
    put_group(summary, "counters");
    for (int i = 0; i < CTR_COUNTER_COUNT; i++) {
        put_number(summary, counter_names[i], print->info->counters[i]);
    }
    end_group(summary);
}

static void put_all(const struct summary *summary, const struct print *print)
{
    put_identity(summary, print);
    put_sizes(summary, print);
    put_run(summary, print);
    put_counters(summary, print);
}

int print_summary(struct print *print)
{
    struct summary summary = {.columns = name_columns(print)};
    if (print->options->format == NULL || strcmp(print->options->format, "json") != 0) {
        put_all(&summary, print);
        return CLI_OK;
    }
    struct ct_json_out json;
    ct_json_init(&json, stdout);
    summary.json = &json;
    ct_json_begin_object(&json);
    put_all(&summary, print);
    ct_json_end_object(&json);
    ct_bytes_add_byte(&json.bytes, '\n');
    int status = ct_json_finish(&json, NULL); /* what stdout did not take, main() reports */
    ct_json_clear(&json);
    return status == CT_OK ? CLI_OK : CLI_FAILED;
}
