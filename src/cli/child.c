#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Passed on to the child when a process sends them to `ct`. Real-time signals are too; faults,
 * SIGABRT and SIGPIPE are `ct`'s own; SIGKILL and SIGSTOP cannot be seen. */
static const int passed_on[] = {
    SIGINT,  SIGQUIT, SIGTERM, SIGHUP,  SIGUSR1,   SIGUSR2, SIGALRM,  SIGCONT, SIGTSTP,
    SIGTTIN, SIGTTOU, SIGURG,  SIGXCPU, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO,   SIGPWR,
};

enum { EXIT_SIGNAL_BASE = 128 };

struct child {
    pid_t pid;
    bool is_stopped;
    bool is_over;
    int wait_status;
    sigset_t watched;
};

static void fill_watched(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++) {
        sigaddset(set, passed_on[i]);
    }
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
        sigaddset(set, number);
    }
}

/* ---- Start ---- */

/* In the child: become the program, or tell the parent why not through `report`. */
static void exec_program(char *const *argv, char *const *environment, const sigset_t *mask,
                         const struct sigaction *child_action, int report)
{
    sigaction(SIGCHLD, child_action, NULL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execve(argv[0], argv, environment);
    int reason = errno;
    if (write(report, &reason, sizeof reason) != sizeof reason) {
        _exit(EXIT_SIGNAL_BASE - 2);
    }
    _exit(EXIT_SIGNAL_BASE - 1);
}

/* The errno of a failed exec, or 0 when the pipe was closed by a successful one. */
static int read_exec_result(int report)
{
    int reason = 0;
    ssize_t got;
    do {
        got = read(report, &reason, sizeof reason);
    } while (got < 0 && errno == EINTR);
    return got == sizeof reason ? reason : 0;
}

static int start(struct child *child, char *const *argv, char *const *environment,
                 const sigset_t *mask, const struct sigaction *child_action, struct ct_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return ct_fail_errno(error, "cannot create a pipe");
    }
    fflush(NULL);
    child->pid = fork();
    if (child->pid == 0) {
        exec_program(argv, environment, mask, child_action, ends[1]);
    }
    int reason = child->pid < 0 ? errno : 0;
    close(ends[1]);
    if (reason == 0) {
        reason = read_exec_result(ends[0]);
        if (reason != 0) {
            waitpid(child->pid, NULL, 0);
        }
    }
    close(ends[0]);
    if (reason != 0) {
        errno = reason;
        return ct_fail_errno(error, "cannot start '%s'", argv[0]);
    }
    return CT_OK;
}

/* ---- Wait ---- */

/* Stop as the child was stopped, so that a shell sees its job stop. Returns when continued. */
static void stop_like_child(int signal_number)
{
    if (signal_number == SIGSTOP) {
        raise(SIGSTOP);
        return;
    }
    struct sigaction original;
    struct sigaction stop = {.sa_handler = SIG_DFL};
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal_number);
    sigaction(signal_number, &stop, &original);
    raise(signal_number); /* pending until the next line */
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    sigprocmask(SIG_BLOCK, &only, NULL);
    sigaction(signal_number, &original, NULL);
}

/* Take note of everything that happened to the child so far; returns the signal that stopped it
 * since the last look, or 0. */
static int look_at_child(struct child *child)
{
    int stopped_by = 0;
    int status;
    while (waitpid(child->pid, &status, WNOHANG | WUNTRACED | WCONTINUED) > 0) {
        if (WIFSTOPPED(status)) {
            child->is_stopped = true;
            stopped_by = WSTOPSIG(status);
        } else if (WIFCONTINUED(status)) {
            child->is_stopped = false;
            stopped_by = 0;
        } else {
            child->is_over = true;
            child->wait_status = status;
            return 0;
        }
    }
    return stopped_by;
}

static void pass_on(struct child *child, const siginfo_t *info)
{
    /* A terminal signals the whole process group, the child included; and a program that signals
     * its own group has signalled itself. */
    bool is_from_process = info->si_code <= 0;
    if (!is_from_process || info->si_pid == child->pid) {
        return;
    }
    bool was_stopped = child->is_stopped;
    if (info->si_signo == SIGCONT) {
        look_at_child(child);
        /* Sent to the group, as a shell's `fg` does it: the child is running again already. */
        if (child->is_over || (was_stopped && !child->is_stopped)) {
            return;
        }
    }
    kill(child->pid, info->si_signo);
}

static void wait_for_end(struct child *child)
{
    while (!child->is_over) {
        siginfo_t info;
        if (sigwaitinfo(&child->watched, &info) < 0) {
            continue;
        }
        if (info.si_signo != SIGCHLD) {
            pass_on(child, &info);
        }
        int stopped_by = child->is_over ? 0 : look_at_child(child);
        if (stopped_by != 0) {
            stop_like_child(stopped_by);
        }
    }
}

/* Forget signals that were meant for the child and came when it had just ended. */
static void drop_pending(const sigset_t *watched)
{
    const struct timespec at_once = {0};
    while (sigtimedwait(watched, NULL, &at_once) > 0) {
    }
}

int cli_child_run(char *const *argv, char *const *environment, int *wait_status,
                  struct ct_error *error)
{
    struct child child = {0};
    struct sigaction plain = {.sa_handler = SIG_DFL};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction child_action;
    sigset_t mask;
    fill_watched(&child.watched);
    sigprocmask(SIG_BLOCK, &child.watched, &mask);
    /* Whoever ignores SIGCHLD gets no exit status; the child still inherits the original. */
    sigaction(SIGCHLD, &plain, &child_action);
    int status = start(&child, argv, environment, &mask, &child_action, error);
    if (status == CT_OK) {
        wait_for_end(&child);
        *wait_status = child.wait_status;
        drop_pending(&child.watched);
        /* What is said after the run must not change how `ct` ends. */
        sigaction(SIGPIPE, &ignore, NULL);
    }
    sigaction(SIGCHLD, &child_action, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return status;
}

/* ---- End ---- */

static void die_by(int signal_number)
{
    /* The child has dumped core if it wanted to; a second core of `ct` would hide it. */
    struct rlimit none = {0};
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t only;
    fflush(NULL);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    sigaction(signal_number, &plain, NULL);
    sigemptyset(&only);
    sigaddset(&only, signal_number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(signal_number);
}

int cli_child_exit_status(int wait_status)
{
    if (WIFEXITED(wait_status)) {
        return WEXITSTATUS(wait_status);
    }
    die_by(WTERMSIG(wait_status));
    return EXIT_SIGNAL_BASE + WTERMSIG(wait_status);
}
