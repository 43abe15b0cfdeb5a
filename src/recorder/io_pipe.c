#include "recorder/io_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STREAMS = 2,           /* descriptors 1 and 2 */
    OWN_DESCRIPTORS = 200, /* ours are from here on, out of the program's way */
    WAIT_NS = 100000,      /* between two looks at the relay */
    LAST_WAITS = 2500,     /* at the end: a quarter of a second */
};

/* What the program's process and the relay both see. */
struct shared {
    atomic_int busy;          /* the relay holds bytes it has not passed on */
    _Atomic(uint64_t) copied; /* bytes of the file that are whole entries */
    _Atomic(uint64_t) lost;   /* pieces it had no room for */
};

struct entry { /* in the file, before its bytes */
    int32_t descriptor;
    int32_t size;
};

static struct stream {
    int original; /* where 1 or 2 led; -1: no pipe there */
    int reads;
    ino_t pipe; /* to tell whether it is still there */
} streams[STREAMS] = {{-1, -1, 0}, {-1, -1, 0}};

static struct shared *shared; /* stays: somebody may just be looking */
static bool is_left;          /* by the stop before, as long as children of then write */
static int copy = -1;         /* the file */
static uint64_t taken;
static pid_t relay;

/* ---- the relay: a copy of the process, in which nothing but the kernel is asked
 * ----------------------------- */

static void pass_on(int to, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(to, bytes, size);
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd ready = {.fd = to, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return; /* nobody takes it: the writer had been told so */
        }
    }
}

static void keep_copy(int descriptor, const char *bytes, size_t size)
{
    struct entry entry = {descriptor, (int32_t)size};
    uint64_t at = atomic_load(&shared->copied);
    if (pwrite(copy, &entry, sizeof entry, (off_t)at) == (ssize_t)sizeof entry &&
        pwrite(copy, bytes, size, (off_t)(at + sizeof entry)) == (ssize_t)size) {
        atomic_store(&shared->copied, at + sizeof entry + size);
    } else {
        atomic_fetch_add(&shared->lost, 1);
    }
}

/* False: nobody has the other end any more. */
static bool relay_some(int descriptor, const struct stream *stream)
{
    static char bytes[IO_PIPE_PIECE];
    atomic_store(&shared->busy, 1);
    ssize_t size = read(stream->reads, bytes, sizeof bytes);
    if (size > 0) {
        pass_on(stream->original, bytes, (size_t)size);
        keep_copy(descriptor, bytes, (size_t)size);
    }
    atomic_store(&shared->busy, 0);
    return size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN));
}

static void run_relay(void)
{
    struct pollfd ready[STREAMS];
    int open_pipes = 0;
    for (int i = 0; i < STREAMS; i++) {
        ready[i] = (struct pollfd){.fd = streams[i].reads, .events = POLLIN};
        open_pipes += streams[i].reads >= 0;
    }
    while (open_pipes > 0) {
        if (poll(ready, STREAMS, -1) < 0 && errno != EINTR) {
            break;
        }
        for (int i = 0; i < STREAMS; i++) {
            if (ready[i].fd >= 0 && ready[i].revents != 0 && !relay_some(i + 1, &streams[i])) {
                ready[i].fd = -1;
                open_pipes--;
            }
        }
    }
    _exit(0);
}

/* Nothing of the program's stays open because of the relay: what it needs comes first, all else
 * goes. Ours are numbered too high to be in the way. */
static void keep_ours_only(void)
{
    enum { LAST_TRIED = 1 << 16 };
    int next = 0;
    int *const needed[] = {&streams[0].original, &streams[0].reads, &streams[1].original,
                           &streams[1].reads, &copy};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (*needed[i] >= 0) {
            *needed[i] = dup2(*needed[i], next++);
        }
    }
    if (syscall(SYS_close_range, next, ~0u, 0) != 0) {
        for (int fd = next; fd < LAST_TRIED; fd++) {
            close(fd);
        }
    }
}

/* Without a signal when it ends, and waited for by nobody who does not ask for such. */
static bool start_relay(void)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    relay = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (relay == 0) {
        prctl(PR_SET_NAME, "ct-relay");
        keep_ours_only();
        run_relay();
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return relay > 0;
}

/* ---- start
 * ------------------------------------------------------------------------------------------ */

static int move_up(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
    if (high >= 0) {
        close(fd);
    }
    return high;
}

static bool is_same_file(int a, int b)
{
    struct stat one, other;
    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* The pipe itself, for a descriptor that is open; the writing end is returned. */
static int open_pipe(int descriptor, struct stream *stream)
{
    int ends[2];
    stream->original = fcntl(descriptor, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
    if (stream->original < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    struct stat about = {0};
    fstat(ends[1], &about);
    stream->pipe = about.st_ino;
    stream->reads = move_up(ends[0]);
    return move_up(ends[1]);
}

static int open_copy(const char *directory)
{
    int file = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return file < 0 ? -1 : move_up(file);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void close_ours(void)
{
    for (int i = 0; i < STREAMS; i++) {
        close_fd(&streams[i].original);
        close_fd(&streams[i].reads);
    }
    close_fd(&copy);
    relay = 0;
}

static bool make_shared(void)
{
    if (shared == NULL || is_left) {
        void *page =
            mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        shared = page == MAP_FAILED ? NULL : page;
    }
    if (shared != NULL) {
        atomic_store(&shared->busy, 0);
        atomic_store(&shared->copied, 0);
        atomic_store(&shared->lost, 0);
    }
    is_left = false;
    taken = 0;
    return shared != NULL;
}

/* Where both lead to one file, they do to one pipe: the order in which they write is kept. */
static void open_pipes(int writes[STREAMS])
{
    for (int i = 0; i < STREAMS; i++) {
        writes[i] = -1;
        if (fcntl(i + 1, F_GETFD) < 0) {
            continue;
        }
        if (i > 0 && writes[0] >= 0 && is_same_file(1, 2)) {
            streams[i].original = fcntl(i + 1, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
            streams[i].pipe = streams[0].pipe;
            writes[i] = fcntl(writes[0], F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
        } else {
            writes[i] = open_pipe(i + 1, &streams[i]);
        }
    }
}

bool io_pipe_start(const char *directory)
{
    int writes[STREAMS];
    if (io_pipe_is_on()) {
        return true;
    }
    copy = open_copy(directory);
    open_pipes(writes);
    bool is_ready =
        copy >= 0 && (writes[0] >= 0 || writes[1] >= 0) && make_shared() && start_relay();
    for (int i = 0; i < STREAMS; i++) {
        if (is_ready && writes[i] >= 0) {
            dup2(writes[i], i + 1);
        }
        close_fd(&writes[i]);
        close_fd(&streams[i].reads); /* the relay has it */
    }
    if (!is_ready) {
        close_ours();
    }
    return is_ready;
}

bool io_pipe_is_on(void)
{
    return relay > 0;
}

/* What the child writes goes through the pipe, as any child's does. The descriptors stay: a FileIO
 * may have been at work on one of them in another thread. */
void io_pipe_after_fork_in_child(void)
{
    for (int i = 0; i < STREAMS; i++) {
        streams[i] = (struct stream){-1, -1, 0};
    }
    copy = -1;
    is_left = true;
    relay = 0;
}

/* ---- which descriptor
 * ------------------------------------------------------------------------------- */

static bool is_piped(int descriptor)
{
    struct stat about;
    return fstat(descriptor, &about) == 0 && S_ISFIFO(about.st_mode) &&
           about.st_ino == streams[descriptor - 1].pipe;
}

int io_pipe_original(int descriptor)
{
    bool is_stream = io_pipe_is_on() && descriptor >= 1 && descriptor <= STREAMS;
    return is_stream && streams[descriptor - 1].original >= 0 && is_piped(descriptor)
               ? streams[descriptor - 1].original
               : -1;
}

int io_pipe_standard(int descriptor)
{
    for (int i = 0; i < STREAMS && descriptor >= OWN_DESCRIPTORS; i++) {
        if (descriptor == streams[i].original) {
            return i + 1;
        }
    }
    return descriptor;
}

/* ---- what is on its way
 * ----------------------------------------------------------------------------- */

static bool is_filled(int descriptor)
{
    int size = 0;
    return streams[descriptor - 1].original >= 0 && is_piped(descriptor) &&
           ioctl(descriptor, FIONREAD, &size) == 0 && size > 0;
}

/* The relay says that it is busy before it empties a pipe, so the pipes are asked first. */
bool io_pipe_is_busy(void)
{
    return io_pipe_is_on() && (is_filled(1) || is_filled(2) || atomic_load(&shared->busy) != 0);
}

static bool has_relay_ended(void)
{
    return waitpid(relay, NULL, WNOHANG | __WCLONE) != 0;
}

static void wait_a_little(void)
{
    struct timespec time = {0, WAIT_NS};
    nanosleep(&time, NULL);
}

void io_pipe_settle(void)
{
    int saved = errno;
    while (io_pipe_is_busy() && !has_relay_ended()) {
        wait_a_little();
    }
    errno = saved;
}

size_t io_pipe_take(int *descriptor, char bytes[IO_PIPE_PIECE])
{
    struct entry entry;
    if (!io_pipe_is_on() || taken >= atomic_load(&shared->copied) ||
        pread(copy, &entry, sizeof entry, (off_t)taken) != (ssize_t)sizeof entry ||
        entry.size <= 0 || entry.size > IO_PIPE_PIECE ||
        pread(copy, bytes, (size_t)entry.size, (off_t)(taken + sizeof entry)) != entry.size) {
        return 0;
    }
    fallocate(copy, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)taken);
    taken += sizeof entry + (size_t)entry.size;
    *descriptor = entry.descriptor;
    return (size_t)entry.size;
}

uint64_t io_pipe_lost(void)
{
    return io_pipe_is_on() ? atomic_load(&shared->lost) : 0;
}

/* ---- stop
 * ------------------------------------------------------------------------------------------- */

/* The pipes' other ends are the children's alone now; with none of them the relay ends. */
static void wait_for_the_rest(void)
{
    is_left = !has_relay_ended();
    for (int i = 0; i < LAST_WAITS && is_left; i++) {
        wait_a_little();
        is_left = !has_relay_ended();
    }
}

void io_pipe_put_back(void)
{
    for (int i = 0; io_pipe_is_on() && i < STREAMS; i++) {
        int original = io_pipe_original(i + 1);
        if (original >= 0) {
            dup2(original, i + 1);
        }
    }
    if (io_pipe_is_on()) {
        wait_for_the_rest();
    }
}

void io_pipe_stop(void)
{
    if (io_pipe_is_on()) {
        close_ours();
    }
}
