#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Field 22 of /proc/self/stat: ticks from the system's start to the process's. */
static unsigned long long start_ticks(void)
{
    enum { FIELDS = 20 }; /* from the command's end to the start time */
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[size > 0 ? size : 0] = 0;
    const char *at = strrchr(text, ')'); /* the command may hold anything */
    for (int i = 0; i < FIELDS && at != NULL; i++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL ? strtoull(at + 1, NULL, 10) : 0;
}

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t ct_process_start(void)
{
    unsigned long long ticks = start_ticks();
    uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t age = nanoseconds(CLOCK_BOOTTIME) - (ticks + 1) * tick;
    return ticks != 0 ? nanoseconds(CLOCK_REALTIME) - age : 0;
}

bool ct_is_executable(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

char *ct_find_program(const char *name, const char *path)
{
    while (path != NULL) {
        size_t length = strcspn(path, ":");
        char *candidate = NULL;
        /* An empty entry means the current directory. */
        const char *directory = length == 0 ? "." : path;
        int directory_length = length == 0 ? 1 : (int)length;
        if (asprintf(&candidate, "%.*s/%s", directory_length, directory, name) < 0) {
            return NULL;
        }
        if (ct_is_executable(candidate)) {
            return candidate;
        }
        free(candidate);
        path = path[length] == ':' ? path + length + 1 : NULL;
    }
    return NULL;
}

static bool is_named(const char *variable, const char *const *names)
{
    for (; *names != NULL; names++) {
        size_t length = strlen(*names);
        if (strncmp(variable, *names, length) == 0 && variable[length] == '=') {
            return true;
        }
    }
    return false;
}

char **ct_environment_copy(char *const *environment, const char *const *without, char *with)
{
    size_t count = 0;
    while (environment[count] != NULL) {
        count++;
    }
    char **copy = calloc(count + 2, sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    char **to = copy;
    for (size_t i = 0; i < count; i++) {
        if (!is_named(environment[i], without)) {
            *to++ = environment[i];
        }
    }
    *to++ = with;
    return copy;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int spawn_with_pipe(char *const *argv, char *const *environment, int output, pid_t *pid,
                           struct ct_error *error)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    int failure = posix_spawn(pid, argv[0], &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) {
        errno = failure;
        return ct_fail_errno(error, "cannot run '%s'", argv[0]);
    }
    return CT_OK;
}

/* Read until the end of the pipe or the deadline; keeps the first `limit` bytes. */
static void read_output(int fd, size_t limit, int64_t deadline, struct ct_capture *capture)
{
    for (;;) {
        int64_t left = deadline - now_ms();
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&waiting, 1, (int)left) : 0;
        if (ready == 0) {
            capture->is_timed_out = true;
            return;
        }
        if (ready < 0) {
            continue;
        }
        char spare[4096];
        bool has_room = capture->size < limit;
        ssize_t got = has_room ? read(fd, capture->text + capture->size, limit - capture->size)
                               : read(fd, spare, sizeof spare);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return;
        }
        if (has_room && got > 0) {
            capture->size += (size_t)got;
        }
    }
}

static void wait_for(pid_t pid, struct ct_capture *capture)
{
    if (capture->is_timed_out) {
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, &capture->wait_status, 0) < 0 && errno == EINTR) {
    }
}

int ct_process_capture(char *const *argv, char *const *environment, size_t limit, int timeout_ms,
                       struct ct_capture *capture, struct ct_error *error)
{
    *capture = (struct ct_capture){.text = malloc(limit + 1)};
    int ends[2];
    if (capture->text == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        int status = ct_fail_errno(error, "cannot create a pipe");
        ct_capture_clear(capture);
        return status;
    }
    pid_t pid = -1;
    int status = spawn_with_pipe(argv, environment, ends[1], &pid, error);
    close(ends[1]);
    if (status == CT_OK) {
        read_output(ends[0], limit, now_ms() + timeout_ms, capture);
        wait_for(pid, capture);
        capture->text[capture->size] = '\0';
    } else {
        ct_capture_clear(capture);
    }
    close(ends[0]);
    return status;
}

void ct_capture_clear(struct ct_capture *capture)
{
    free(capture->text);
    *capture = (struct ct_capture){0};
}
