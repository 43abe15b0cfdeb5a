#include "cli/interpreter.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_find.h"
#include "base/process.h"
#include "base/start_options.h"
#include "cli/message.h"

enum {
    PROBE_OUTPUT_BYTES = 64 * 1024,
    PROBE_TIMEOUT_MS = 30 * 1000, /* a cold start from a network disk takes seconds */
    PROBE_EXIT_OK = 0,
    PROBE_EXIT_MISSING = 3,
    PROBE_EXIT_BROKEN = 4,
};

#define PACKAGE            "codetracer_python_recorder"
#define PROBE_MARK         "CODETRACER_PYTHON_RECORDER_CHECK::"
#define SUPPORTED_VERSIONS "CPython 3.12 or 3.13"

static const char *const variables[] = {
    "CODETRACER_PYTHON_INTERPRETER",
    "PYTHON_EXECUTABLE",
    "PYTHONEXECUTABLE",
    "PYTHON",
};

static const char *const names_on_path[] = {"python3", "python", "py"};

/* ---- Search ---- */

/* The value without surrounding white space and one pair of quotes. */
static char *copy_unquoted(const char *value)
{
    static const char space[] = " \t\r\n";
    value += strspn(value, space);
    size_t length = strlen(value);
    while (length != 0 && strchr(space, value[length - 1]) != NULL) {
        length--;
    }
    bool is_quoted =
        length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0];
    return is_quoted ? strndup(value + 1, length - 2) : strndup(value, length);
}

/* One candidate to the path of a program, or NULL. */
static char *resolve_word(const char *word, const struct interpreter_places *places)
{
    char *path = NULL;
    if (strchr(word, '/') == NULL) {
        return word[0] == '\0' ? NULL : ct_find_program(word, places->path);
    }
    bool is_in_home = word[0] == '~' && word[1] == '/' && places->home != NULL;
    path = is_in_home ? ct_path_join(places->home, word + 2) : strdup(word);
    if (path != NULL && !ct_is_executable(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

/* A value that is a program as a whole may hold spaces; else its first word counts, so that
 * "python3 -X dev" works as it does in other tools. */
static char *resolve_value(const char *value, const struct interpreter_places *places)
{
    char *text = copy_unquoted(value);
    if (text == NULL) {
        return NULL;
    }
    char *path = resolve_word(text, places);
    if (path == NULL) {
        text[strcspn(text, " \t")] = '\0';
        path = resolve_word(text, places);
    }
    free(text);
    return path;
}

static bool is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

enum interpreter_search interpreter_find(const struct interpreter_places *places,
                                         struct interpreter *interpreter)
{
    *interpreter = (struct interpreter){0};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = places->variable(variables[i]);
        if (is_set(value)) {
            interpreter->variable = variables[i];
            interpreter->path = resolve_value(value, places);
            return interpreter->path != NULL ? INTERPRETER_FOUND : INTERPRETER_BAD_VARIABLE;
        }
    }
    for (size_t i = 0; i < sizeof names_on_path / sizeof names_on_path[0]; i++) {
        interpreter->path = ct_find_program(names_on_path[i], places->path);
        if (interpreter->path != NULL) {
            return INTERPRETER_FOUND;
        }
    }
    return INTERPRETER_NOT_ON_PATH;
}

void interpreter_clear(struct interpreter *interpreter)
{
    free(interpreter->path);
    *interpreter = (struct interpreter){0};
}

/* ---- Advice ---- */

/* The interpreter in the directory of this very `ct`: a wheel installs the two side by side. */
static char *neighbour(void)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        return NULL;
    }
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    slash[1] = '\0';
    char *path = ct_path_join(self, "python3");
    if (path != NULL && !ct_is_executable(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

static bool is_same_place(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void help_with_variable(const char *tried)
{
    char *beside = neighbour();
    bool is_news = beside != NULL && !is_same_place(beside, tried);
    cli_help("Or name the interpreter to use: CODETRACER_PYTHON_INTERPRETER=%s%s",
             is_news ? beside : "/path/to/python", is_news ? " (the one beside this ct)" : "");
    free(beside);
}

bool interpreter_choose(struct interpreter *interpreter)
{
    struct interpreter_places places = {
        .path = getenv("PATH"), .home = getenv("HOME"), .variable = getenv};
    switch (interpreter_find(&places, interpreter)) {
    case INTERPRETER_FOUND:
        return true;
    case INTERPRETER_BAD_VARIABLE:
        cli_error("%s is set to '%s' but it does not resolve to a Python interpreter",
                  interpreter->variable, getenv(interpreter->variable));
        cli_help("Update the variable, or unset it to take the interpreter found on PATH");
        return false;
    case INTERPRETER_NOT_ON_PATH:
        break;
    }
    cli_error("there is no Python interpreter (python3, python, py) on PATH");
    cli_help("Activate the environment in which your program runs");
    help_with_variable(NULL);
    return false;
}

/* ---- Probe ---- */

/* Runs under any Python, 2.7 included, to be able to say that it is the wrong one. The entry for
 * the working directory goes first: a json.py of the user must not be imported here. */
static const char probe_script[] =
    "import sys\n"
    "if sys.path[:1] == ['']: del sys.path[0]\n"
    "import json, os\n"
    "site = sys.modules.get('site')\n"
    "places = list(site.getsitepackages()) if hasattr(site, 'getsitepackages') else []\n"
    "if getattr(site, 'ENABLE_USER_SITE', False): places.append(site.getusersitepackages())\n"
    "hooked = any(os.path.isfile(os.path.join(p, '" PACKAGE ".pth')) for p in places)\n"
    "found = {'status': 'ok', 'version': None, 'error': None, 'traceback': None,\n"
    "    'python': '%s %d.%d.%d' % ((getattr(getattr(sys, 'implementation', None), 'name', "
    "'cpython'),) + tuple(sys.version_info[:3])),\n"
    "    'start_hook': 'yes' if hooked else 'no'}\n"
    "status = 0\n"
    "try:\n"
    "    import " PACKAGE " as recorder\n"
    "    found['version'] = str(getattr(recorder, '__version__', ''))\n"
    "except BaseException as error:\n"
    "    import traceback\n"
    "    gone = isinstance(error, ImportError) and getattr(error, 'name', '" PACKAGE "') == "
    "'" PACKAGE "'\n"
    "    status = 3 if gone else 4\n"
    "    found['status'] = 'missing' if gone else 'error'\n"
    "    found['error'] = '%s: %s' % (type(error).__name__, error)\n"
    "    found['traceback'] = traceback.format_exc()\n"
    "sys.stdout.write('\\n" PROBE_MARK "' + json.dumps(found) + '\\n')\n"
    "sys.stdout.flush()\n"
    "os._exit(status)\n";

/* Started with what would make it record itself taken away. */
static const char *const not_for_the_probe[] = {CT_START_VARIABLE, "CODETRACER_TRACE", NULL};

static bool run_probe(const struct interpreter *interpreter, struct ct_capture *capture)
{
    char option[] = "-c";
    char *script = strdup(probe_script);
    char **environment = ct_environment_copy(environ, not_for_the_probe, NULL);
    struct ct_error error = {.message = "out of memory"};
    int status = CT_ENOMEM;
    if (script != NULL && environment != NULL) {
        char *argv[] = {interpreter->path, option, script, NULL};
        status = ct_process_capture(argv, environment, PROBE_OUTPUT_BYTES, PROBE_TIMEOUT_MS,
                                    capture, &error);
    }
    free(environment);
    free(script);
    if (status != CT_OK) {
        cli_error("%s", error.message);
        help_with_variable(interpreter->path);
    }
    return status == CT_OK;
}

/* The last line that says anything, for a message. */
static const char *last_line(char *text)
{
    size_t length = strlen(text);
    while (length != 0 && strchr(" \t\r\n", text[length - 1]) != NULL) {
        text[--length] = '\0';
    }
    char *newline = strrchr(text, '\n');
    return newline == NULL ? text : newline + 1;
}

static void complain_no_answer(const char *path, struct ct_capture *capture)
{
    if (capture->is_timed_out) {
        cli_error("'%s' gave no answer within %d seconds", path, PROBE_TIMEOUT_MS / 1000);
    } else if (WIFSIGNALED(capture->wait_status)) {
        int number = WTERMSIG(capture->wait_status);
        cli_error("'%s' ended by signal %d (%s) when asked for its version", path, number,
                  strsignal(number));
    } else {
        const char *said = last_line(capture->text);
        cli_error("'%s' does not answer like a Python interpreter (exit status %d)%s%s", path,
                  WEXITSTATUS(capture->wait_status), said[0] ? ": " : "", said);
    }
    help_with_variable(path);
}

static bool is_supported(const char *python)
{
    return strncmp(python, "cpython 3.12.", 13) == 0 || strncmp(python, "cpython 3.13.", 13) == 0;
}

static void complain_missing(const char *path, const char *python)
{
    cli_error("Python module `" PACKAGE "` is not installed for interpreter: %s", path);
    if (is_supported(python)) {
        cli_help("Install it there: `%s -m pip install codetracer-python-recorder`", path);
    } else {
        cli_help("That one is %s; the recorder needs " SUPPORTED_VERSIONS, python);
    }
    help_with_variable(path);
}

static void complain_broken(const char *path, const char *python, const char *why)
{
    cli_error("Failed to import `" PACKAGE "` with interpreter %s: %s", path, why);
    if (strstr(why, "ERR_INVALID_POLICY_VALUE") != NULL) {
        cli_help("Correct that variable of the environment, or unset it");
        return;
    }
    if (is_supported(python)) {
        cli_help("Reinstall it there: `%s -m pip install --force-reinstall "
                 "codetracer-python-recorder`",
                 path);
    } else {
        cli_help("That one is %s; the recorder needs " SUPPORTED_VERSIONS, python);
    }
    help_with_variable(path);
}

/* Judge the answer. */
static bool accept_answer(const char *path, struct ct_capture *capture,
                          struct interpreter_answer *about)
{
    const char *answer = strstr(capture->text, PROBE_MARK);
    int status = WIFEXITED(capture->wait_status) ? WEXITSTATUS(capture->wait_status) : -1;
    bool is_answer =
        answer != NULL && !capture->is_timed_out &&
        (status == PROBE_EXIT_OK || status == PROBE_EXIT_MISSING || status == PROBE_EXIT_BROKEN);
    if (!is_answer) {
        complain_no_answer(path, capture);
        return false;
    }
    char hook[8] = "no";
    ct_json_find_text(answer, "python", about->python, sizeof about->python);
    ct_json_find_text(answer, "version", about->recorder, sizeof about->recorder);
    ct_json_find_text(answer, "start_hook", hook, sizeof hook);
    about->has_start_hook = strcmp(hook, "yes") == 0;
    if (status == PROBE_EXIT_MISSING) {
        complain_missing(path, about->python);
    } else if (status == PROBE_EXIT_BROKEN) {
        char why[512] = "no reason given";
        ct_json_find_text(answer, "error", why, sizeof why);
        complain_broken(path, about->python, why);
    }
    return status == PROBE_EXIT_OK;
}

bool interpreter_ask(const struct interpreter *interpreter, struct interpreter_answer *answer)
{
    struct ct_capture capture = {0};
    *answer = (struct interpreter_answer){.python = "an unknown version"};
    if (!run_probe(interpreter, &capture)) {
        return false;
    }
    bool is_ready = accept_answer(interpreter->path, &capture, answer);
    ct_capture_clear(&capture);
    return is_ready;
}
