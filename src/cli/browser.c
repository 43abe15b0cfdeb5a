#include "cli/browser.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"

enum { MAX_WORDS = 16 };

static const char *value_of(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *browser_display(void)
{
    const char *wayland = value_of("WAYLAND_DISPLAY");
    return wayland != NULL ? wayland : value_of("DISPLAY");
}

/* Programs with their arguments, separated by ':'. */
static const char *programs(void)
{
    const char *named = value_of("BROWSER");
    return named != NULL ? named : "xdg-open";
}

/* The file of a program, the caller's to free, or NULL: there is none that can be run. */
static char *find_program(const char *name)
{
    char *path = strchr(name, '/') != NULL ? strdup(name) : ct_find_program(name, getenv("PATH"));
    if (path != NULL && !ct_is_executable(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

char *browser_program(void)
{
    char *all = strdup(programs());
    char *found = NULL;
    char *rest;
    for (char *words = all == NULL ? NULL : strtok_r(all, ":", &rest);
         words != NULL && found == NULL; words = strtok_r(NULL, ":", &rest)) {
        char *more;
        const char *name = strtok_r(words, " \t", &more);
        found = name == NULL ? NULL : find_program(name);
    }
    free(all);
    return found;
}

/* Away from our terminal: ^C there is for us, and a browser has much to say on its stderr. */
static bool spawn_apart(const char *path, char *const *argv)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    pid_t pid;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGCHLD);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF);
    signal(SIGCHLD, SIG_IGN); /* nobody waits for it */
    bool is_started = posix_spawn(&pid, path, &files, &attributes, argv, environ) == 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return is_started;
}

/* `words` is a program with its arguments, split by blanks; %s stands for the page. */
static bool run_browser(char *words, char *url)
{
    char *argv[MAX_WORDS + 2];
    size_t count = 0;
    bool has_place = false;
    char *rest;
    for (char *word = strtok_r(words, " \t", &rest); word != NULL && count < MAX_WORDS;
         word = strtok_r(NULL, " \t", &rest)) {
        bool is_place = strcmp(word, "%s") == 0;
        has_place = has_place || is_place;
        argv[count++] = is_place ? url : word;
    }
    if (count == 0) {
        return false;
    }
    if (!has_place) {
        argv[count++] = url;
    }
    argv[count] = NULL;
    char *path = find_program(argv[0]);
    bool is_started = path != NULL && spawn_apart(path, argv);
    free(path);
    return is_started;
}

bool browser_open(const char *url)
{
    if (browser_display() == NULL) {
        return false;
    }
    char *all = strdup(programs());
    char *page = strdup(url);
    bool is_open = false;
    char *rest;
    for (char *words = all == NULL || page == NULL ? NULL : strtok_r(all, ":", &rest);
         words != NULL && !is_open; words = strtok_r(NULL, ":", &rest)) {
        is_open = run_browser(words, page);
    }
    free(all);
    free(page);
    return is_open;
}
