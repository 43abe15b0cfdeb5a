#include "cli/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "base/start_options.h"
#include "cli/child.h"
#include "cli/message.h"

#define FILTER_VARIABLE "CODETRACER_TRACE_FILTER"

/* The folder that the program's project is looked for from. */
static char *folder_of(const struct target *target)
{
    char *here = getcwd(NULL, 0);
    bool is_file = target->kind == CT_START_SCRIPT && strcmp(target->program, "-") != 0;
    char *path = here == NULL || !is_file    ? here
                 : target->program[0] == '/' ? strdup(target->program)
                                             : ct_path_join(here, target->program);
    if (path != here) {
        free(here);
    }
    char *slash = path != NULL && is_file ? strrchr(path, '/') : NULL;
    if (slash != NULL) {
        slash[slash == path] = '\0';
    }
    return path;
}

static bool has_project_filter(const char *folder)
{
    struct stat about;
    char *path = ct_path_join(folder, ".codetracer/trace-filter.toml");
    bool is_there = path != NULL && stat(path, &about) == 0 && S_ISREG(about.st_mode);
    free(path);
    return is_there;
}

bool rules_are_asked(const struct rules_asked *asked, const struct target *target)
{
    const char *variable = getenv(FILTER_VARIABLE);
    if (asked->filters.count + asked->only.count + asked->skip.count != 0 ||
        (variable != NULL && variable[0] != '\0')) {
        return true;
    }
    char *folder = folder_of(target);
    bool found = folder != NULL && has_project_filter(folder);
    while (folder != NULL && !found && strcmp(folder, "/") != 0) {
        char *slash = strrchr(folder, '/');
        slash[slash == folder] = '\0';
        found = has_project_filter(folder);
    }
    free(folder);
    return found;
}

/* Started with what would make it record itself taken away. */
static const char *const not_for_the_reader[] = {CT_START_VARIABLE, "CODETRACER_TRACE", NULL};

int rules_ask(const struct interpreter *interpreter, char *const *words, int count)
{
    static const char *const command[] = {"-m", "codetracer_python_recorder", "filter"};
    enum { OWN = sizeof command / sizeof command[0] };
    struct ct_error error = {.message = "out of memory"};
    int status = CT_ENOMEM, wait_status = 0;
    char **argv = calloc((size_t)count + OWN + 2, sizeof *argv);
    char **environment = ct_environment_copy(environ, not_for_the_reader, NULL);
    if (argv != NULL && environment != NULL) {
        argv[0] = interpreter->path;
        memcpy(argv + 1, command, sizeof command);
        memcpy(argv + 1 + OWN, words, (size_t)count * sizeof *argv);
        status = cli_child_run(argv, environment, &wait_status, &error);
    }
    free(argv);
    free(environment);
    if (status != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    return cli_child_exit_status(wait_status);
}

/* --name=value, each a text of its own. */
static bool add_words(char **words, int *count, const char *name, const struct cli_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (asprintf(&words[*count], "--%s=%s", name, texts->items[i]) < 0) {
            return false;
        }
        ++*count;
    }
    return true;
}

/* An empty file of our own. */
static char *temporary_file(void)
{
    const char *folder = getenv("TMPDIR");
    char *path =
        ct_path_join(folder != NULL && folder[0] == '/' ? folder : "/tmp", "ct-rules-XXXXXX");
    int fd = path != NULL ? mkostemp(path, O_CLOEXEC) : -1;
    if (fd < 0) {
        cli_error("cannot make a temporary file for the recording rules: %s", strerror(errno));
        free(path);
        return NULL;
    }
    close(fd);
    return path;
}

int rules_compile(const struct interpreter *interpreter, const struct rules_asked *asked,
                  const struct target *target, char **path)
{
    *path = temporary_file();
    if (*path == NULL) {
        return CLI_FAILED;
    }
    char *words[3 * CLI_MOST_TEXTS + 5];
    char *folder = folder_of(target);
    const struct cli_texts near = {.items = {folder}, .count = 1};
    const struct cli_texts out = {.items = {*path}, .count = 1};
    int count = 0, status = CLI_FAILED;
    words[count++] = strdup("compile");
    bool has_all = words[0] != NULL && folder != NULL && add_words(words, &count, "near", &near) &&
                   add_words(words, &count, "out", &out) &&
                   add_words(words, &count, "trace-filter", &asked->filters) &&
                   add_words(words, &count, "only", &asked->only) &&
                   add_words(words, &count, "skip", &asked->skip);
    if (has_all) {
        status = rules_ask(interpreter, words, count);
    } else {
        cli_error("out of memory");
    }
    for (int i = 0; i < count; i++) {
        free(words[i]);
    }
    free(folder);
    return status;
}
