/* `ct doctor`: whether recording and looking will work here, one line for each thing they need. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json_out.h"
#include "cli/browser.h"
#include "cli/command.h"
#include "cli/interpreter.h"
#include "registry/registry.h"
#include "trace/text.h"

struct fields {
    bool json;
};

enum verdict { PASS, FAIL, SKIP };

struct check {
    const char *name;
    enum verdict verdict;
    char text[CT_ERROR_MESSAGE_BYTES + 64];
};

enum { MOST_CHECKS = 8 };

struct examination {
    struct check checks[MOST_CHECKS];
    size_t count;
};

static void add(struct examination *examination, const char *name, enum verdict verdict,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

static void add(struct examination *examination, const char *name, enum verdict verdict,
                const char *format, ...)
{
    struct check *check = &examination->checks[examination->count++];
    check->name = name;
    check->verdict = verdict;
    va_list args;
    va_start(args, format);
    vsnprintf(check->text, sizeof check->text, format, args);
    va_end(args);
}

/* ---- The checks ---- */

static void check_recorder(struct examination *examination, const struct interpreter_answer *answer)
{
    if (strcmp(answer->recorder, CT_VERSION) == 0) {
        add(examination, "recorder", PASS, "version=%s, as ct", answer->recorder);
    } else {
        add(examination, "recorder", FAIL,
            "version=%s, but this ct has %s: install both from one package", answer->recorder,
            CT_VERSION);
    }
    if (answer->has_start_hook) {
        add(examination, "start", PASS, "programs start as plain `python PROGRAM`");
    } else {
        add(examination, "start", SKIP,
            "the package's .pth file is not read by this Python: programs start by "
            "`python -m codetracer_python_recorder`");
    }
}

/* What is wrong is told on standard error as `ct record` tells it. */
static void check_python(struct examination *examination)
{
    struct interpreter interpreter;
    struct interpreter_answer answer;
    if (!interpreter_choose(&interpreter)) {
        add(examination, "python", FAIL, "no interpreter to record with");
    } else if (!interpreter_ask(&interpreter, &answer)) {
        add(examination, "python", FAIL, "binary=%s version=%s cannot record", interpreter.path,
            answer.python);
    } else {
        add(examination, "python", PASS, "binary=%s version=%s", interpreter.path, answer.python);
        check_recorder(examination, &answer);
    }
    interpreter_clear(&interpreter);
}

/* The last events of a run are in a shared mapping, so that they outlive the process. */
static int try_mapping(int fd)
{
    enum { BYTES = 4096 };
    int reason = posix_fallocate(fd, 0, BYTES);
    if (reason != 0) {
        return reason;
    }
    void *map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return errno;
    }
    *(volatile char *)map = 1;
    munmap(map, BYTES);
    return 0;
}

static void check_directory(struct examination *examination)
{
    char name[] = "./.ct-doctor-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) {
        add(examination, "directory", FAIL,
            "nothing can be written into the working directory: %s; record elsewhere with -o DIR",
            strerror(errno));
        return;
    }
    unlink(name);
    int reason = try_mapping(fd);
    close(fd);
    if (reason != 0) {
        add(examination, "directory", FAIL,
            "the working directory's file system has no shared mappings: %s; record elsewhere "
            "with -o DIR",
            strerror(reason));
    } else {
        add(examination, "directory", PASS, "the working directory takes recordings");
    }
}

static void check_list(struct examination *examination)
{
    struct ct_error error;
    struct registry *registry;
    struct registry_query newest = {.limit = 1};
    struct registry_entries entries = {0};
    int status = registry_open_to_write(&registry, &error);
    if (status == CT_OK) {
        status = registry_find(registry, &newest, &entries, &error);
        registry_close(registry);
    }
    registry_entries_clear(&entries);
    char *path = registry_path();
    if (status == CT_OK && path != NULL) {
        add(examination, "list", PASS, "%s", path);
    } else {
        add(examination, "list", FAIL, "%s", error.message);
    }
    free(path);
}

/* Not needed for anything: `ct replay` prints the address to open. */
static void check_window(struct examination *examination)
{
    const char *display = browser_display();
    char *opener = browser_program();
    if (display == NULL) {
        add(examination, "window", SKIP,
            "there is no display: `ct replay` prints the address to open in a browser");
    } else if (opener == NULL) {
        add(examination, "window", SKIP,
            "there is no browser to start, neither xdg-open nor one that $BROWSER names: "
            "`ct replay` prints the address to open");
    } else {
        add(examination, "window", PASS, "display=%s opened by %s", display, opener);
    }
    free(opener);
}

/* ---- The answer ---- */

static const char *const verdict_names[] = {[PASS] = "PASS", [FAIL] = "FAIL", [SKIP] = "SKIP"};

static void print_text(const struct examination *examination, bool is_ready)
{
    puts("ct doctor: recorder readiness check");
    for (size_t i = 0; i < examination->count; i++) {
        const struct check *check = &examination->checks[i];
        struct ct_bytes line = {0};
        ctr_text_line((const uint8_t *)check->text, strlen(check->text), &line);
        printf("  %s  %-9s  %.*s\n", verdict_names[check->verdict], check->name, (int)line.size,
               line.size > 0 ? (const char *)line.data : "");
        ct_bytes_free(&line);
    }
    printf("Result: %s\n", is_ready ? "PASS" : "FAIL");
}

static void print_json(const struct examination *examination, bool is_ready)
{
    struct ct_json_out json;
    ct_json_init(&json, stdout);
    ct_json_begin_object(&json);
    ct_json_put_text(&json, "result", is_ready ? "PASS" : "FAIL");
    ct_json_put_text(&json, "version", CT_VERSION);
    ct_json_key(&json, "checks");
    ct_json_begin_array(&json);
    for (size_t i = 0; i < examination->count; i++) {
        ct_json_begin_object(&json);
        ct_json_put_text(&json, "name", examination->checks[i].name);
        ct_json_put_text(&json, "verdict", verdict_names[examination->checks[i].verdict]);
        ct_json_put_text(&json, "text", examination->checks[i].text);
        ct_json_end_object(&json);
    }
    ct_json_end_array(&json);
    ct_json_end_object(&json);
    ct_json_finish(&json, NULL);
    ct_json_clear(&json);
    putchar('\n');
}

static int run_doctor(const void *given, const struct cli_operands *operands)
{
    const struct fields *fields = given;
    if (operands->count > 1 ||
        (operands->count == 1 && strcmp(operands->items[0], "python") != 0)) {
        return cli_usage_error(&cli_command_doctor, "examines python alone, not '%s'",
                               operands->items[operands->count - 1]);
    }
    struct examination examination = {0};
    check_python(&examination);
    check_directory(&examination);
    check_list(&examination);
    check_window(&examination);
    bool is_ready = true;
    for (size_t i = 0; i < examination.count; i++) {
        is_ready = is_ready && examination.checks[i].verdict != FAIL;
    }
    if (fields->json) {
        print_json(&examination, is_ready);
    } else {
        print_text(&examination, is_ready);
    }
    return is_ready ? CLI_OK : CLI_FAILED;
}

static const struct cli_option doctor_options[] = {
    {0, "json", CLI_FLAG, offsetof(struct fields, json), NULL, "print one JSON object"},
    {0},
};

const struct cli_command cli_command_doctor = {
    .name = "doctor",
    .summary = "Check whether recording will work here",
    .usage = "[--json] [python]",
    .details =
        "Asks the interpreter that `ct record` would take, and looks at the working directory,\n"
        "the list of recordings and the way to a browser. PASS is well; SKIP says what is\n"
        "done without; FAIL needs something done, and makes the exit status 1.",
    .options = doctor_options,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct fields),
    .run = run_doctor,
};
