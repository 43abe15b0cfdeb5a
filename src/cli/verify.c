/* `ct verify`: every checksum, every record, every invariant and counter of a recording. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "cli/command.h"
#include "cli/incomplete.h"
#include "cli/recording_choose.h"
#include "trace/verify.h"

struct verify_options {
    bool json;
};

static const struct cli_option verify_table[] = {
    {.name = "json",
     .kind = CLI_FLAG,
     .offset = offsetof(struct verify_options, json),
     .help = "print one JSON object"},
    {0},
};

static uint64_t listed(const struct ctr_verify_report *report)
{
    return report->findings < CTR_FINDINGS_MAX ? report->findings : CTR_FINDINGS_MAX;
}

static void write_text(const struct ctr_info *info, const struct ctr_verify_report *report)
{
    for (uint64_t i = 0; i < listed(report); i++) {
        const struct ctr_finding *finding = &report->list[i];
        if (finding->offset != UINT64_MAX) {
            printf("byte %llu: ", (unsigned long long)finding->offset);
        }
        printf("%s\n", finding->text);
    }
    if (report->findings > listed(report)) {
        printf("and %llu more\n", (unsigned long long)(report->findings - listed(report)));
    }
    printf("%s: %llu bytes, %u blocks, %llu records, %llu steps, %llu calls\n",
           report->findings == 0 ? "ok" : "not ok", (unsigned long long)info->size,
           report->file_blocks, (unsigned long long)report->records,
           (unsigned long long)report->steps, (unsigned long long)report->calls);
}

static void write_numbers(struct ct_json_out *json, const struct ctr_info *info,
                          const struct ctr_verify_report *report)
{
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"bytes", info->size},    {"blocks", report->file_blocks}, {"records", report->records},
        {"steps", report->steps}, {"calls", report->calls},        {"findings", report->findings},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ct_json_key(json, numbers[i].name);
        ct_json_uint(json, numbers[i].value);
    }
}

static int write_json(const struct ctr_info *info, const struct ctr_verify_report *report,
                      struct ct_error *error)
{
    struct ct_json_out json;
    ct_json_init(&json, stdout);
    ct_json_begin_object(&json);
    ct_json_key(&json, "ok");
    ct_json_bool(&json, report->findings == 0);
    ct_json_key(&json, "complete");
    ct_json_bool(&json, info->complete);
    write_numbers(&json, info, report);
    ct_json_key(&json, "list");
    ct_json_begin_array(&json);
    for (uint64_t i = 0; i < listed(report); i++) {
        ct_json_begin_object(&json);
        ct_json_key(&json, "byte");
        if (report->list[i].offset != UINT64_MAX) {
            ct_json_uint(&json, report->list[i].offset);
        } else {
            ct_json_null(&json);
        }
        ct_json_key(&json, "text");
        ct_json_text(&json, report->list[i].text);
        ct_json_end_object(&json);
    }
    ct_json_end_array(&json);
    ct_json_end_object(&json);
    int status = ct_json_finish(&json, error);
    ct_json_clear(&json);
    putchar('\n');
    return status;
}

static int verify(const char *path, bool as_json, uint64_t *findings, struct ct_error *error)
{
    struct ctr_trace *trace;
    int status = ctr_open(&trace, path, error);
    if (status != CT_OK) {
        return status;
    }
    struct ctr_verify_report report;
    status = ctr_verify(trace, &report, error);
    if (status == CT_OK) {
        *findings = report.findings;
        if (report.findings > 0) {
            cli_error("%s is damaged: %s", path, report.list[0].text);
        } else if (!ctr_info(trace)->complete) {
            cli_note_incomplete(path, ctr_info(trace));
        }
        if (as_json) {
            status = write_json(ctr_info(trace), &report, error);
        } else {
            write_text(ctr_info(trace), &report);
        }
    }
    ctr_verify_clear(&report);
    ctr_close(trace);
    return status;
}

static int run_verify(const void *fields, const struct cli_operands *operands)
{
    const struct verify_options *options = fields;
    if (operands->count != 1) {
        return cli_usage_error(&cli_command_verify, "takes one recording, not %d", operands->count);
    }
    struct ct_error error = {0};
    uint64_t findings = 0;
    char *path = recording_resolve(operands->items[0]);
    if (path == NULL) {
        return CLI_FAILED;
    }
    int status = verify(path, options->json, &findings, &error);
    free(path);
    if (status == CT_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        status = ct_fail_errno(&error, "cannot write to standard output");
    }
    if (status != CT_OK) {
        cli_error("%s", error.message);
    }
    return status == CT_OK && findings == 0 ? CLI_OK : CLI_FAILED;
}

const struct cli_command cli_command_verify = {
    .name = "verify",
    .summary = "Check every byte of a recording",
    .usage = "[OPTION]... RECORDING",
    .details = "RECORDING is a directory that holds a trace.ctr, or such a file, or the number or\n"
               "identifier of one that `ct list` shows.\n"
               "Checks every checksum, record, invariant and counter. Prints what is wrong, one\n"
               "line each with its place in the file, then one line of totals. When something is\n"
               "wrong, a line on standard error says so and the exit status is 1; else it is 0.\n"
               "A recording whose program died, or still runs, is not wrong: a note says that it\n"
               "is not complete.",
    .options = verify_table,
    .fields_size = sizeof(struct verify_options),
    .run = run_verify,
};
