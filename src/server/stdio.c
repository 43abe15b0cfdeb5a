/* One thread reads, one runs the requests and writes, so that a `cancel` is seen while the request
 * it is about runs. */
#include "server/stdio.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "dap/dap.h"
#include "server/framing.h"
#include "server/message.h"

enum {
    READ_BYTES = 64 << 10,
    MAX_WAITING = 1000, /* messages; while so many wait, nothing more is read */
};

struct message {
    struct message *next;
    bool has_seq;
    int64_t seq;
    size_t size;
    char json[];
};

struct stdio {
    int in, out;
    int wake; /* eventfd: the reader shall end */
    struct dap_session *session;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* What follows is guarded by `lock`. */
    struct message *first, **last;
    size_t waiting;
    bool is_read;   /* no more messages will come */
    bool is_broken; /* nobody reads the answers */
    bool is_over;   /* nobody takes messages */
    bool is_running, has_running_seq;
    int64_t running_seq;

    int status; /* the reader's; for the other thread once it is joined */
    struct ct_error error;
};

/* ---- The reading thread ---- */

/* Nobody will see the answers: what runs ends, what waits is not begun. */
static void give_up(struct stdio *stdio)
{
    pthread_mutex_lock(&stdio->lock);
    stdio->is_broken = true;
    bool is_running = stdio->is_running && stdio->has_running_seq;
    int64_t seq = stdio->running_seq;
    pthread_mutex_unlock(&stdio->lock);
    if (is_running) {
        dap_session_cancel(stdio->session, seq);
    }
}

/* Hand a message over; waits while too many wait. False: nobody takes it. */
static bool put_message(struct stdio *stdio, const char *json, size_t size)
{
    struct message *message = malloc(sizeof *message + size + 1);
    if (message == NULL) {
        stdio->status = ct_fail(&stdio->error, CT_ENOMEM, "out of memory");
        return false;
    }
    message->next = NULL;
    message->size = size;
    memcpy(message->json, json, size);
    message->json[size] = '\0';
    message->has_seq = sv_message_seq(json, size, &message->seq);
    int64_t cancelled;
    if (dap_is_cancel(json, size, &cancelled)) {
        dap_session_cancel(stdio->session, cancelled);
    }
    pthread_mutex_lock(&stdio->lock);
    while (stdio->waiting >= MAX_WAITING && !stdio->is_over) {
        pthread_cond_wait(&stdio->changed, &stdio->lock);
    }
    bool is_taken = !stdio->is_over;
    if (is_taken) {
        *stdio->last = message;
        stdio->last = &message->next;
        stdio->waiting++;
        pthread_cond_broadcast(&stdio->changed);
    }
    pthread_mutex_unlock(&stdio->lock);
    if (!is_taken) {
        free(message);
    }
    return is_taken;
}

/* Take over what arrived. False: reading ends. */
static bool put_messages(struct stdio *stdio, struct sv_framing *framing)
{
    for (;;) {
        const char *json;
        size_t size;
        stdio->status = sv_framing_next(framing, &json, &size, &stdio->error);
        if (stdio->status != CT_OK) {
            return false;
        }
        if (json == NULL) {
            return true;
        }
        if (!put_message(stdio, json, size)) {
            return false;
        }
    }
}

/* Wait for bytes, or for the end of the work. False: the latter. A client that is gone for good
 * (it closed the end it reads from, too) ends the work itself. */
static bool wait_for_input(struct stdio *stdio, bool is_reading)
{
    struct pollfd ready[] = {
        {.fd = stdio->wake, .events = POLLIN},
        {.fd = stdio->out}, /* errors alone */
        {.fd = is_reading ? stdio->in : -1, .events = POLLIN},
    };
    while (poll(ready, 3, -1) < 0 && errno == EINTR) {
    }
    if (ready[0].revents != 0) {
        return false;
    }
    if (ready[1].revents & (POLLERR | POLLHUP | POLLNVAL)) { /* a socket hangs up */
        give_up(stdio);
        return false;
    }
    return true;
}

static void read_all(struct stdio *stdio)
{
    struct sv_framing framing = {0};
    char *buffer = malloc(READ_BYTES);
    ssize_t count = 0;
    bool goes_on = buffer != NULL;
    if (buffer == NULL) {
        stdio->status = ct_fail(&stdio->error, CT_ENOMEM, "out of memory");
    }
    while (goes_on && wait_for_input(stdio, true)) {
        do {
            count = read(stdio->in, buffer, READ_BYTES);
        } while (count < 0 && errno == EINTR);
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        sv_framing_add(&framing, buffer, (size_t)count);
        goes_on = put_messages(stdio, &framing);
    }
    if (count == 0 && goes_on && sv_framing_is_partial(&framing) && stdio->status == CT_OK) {
        stdio->status = ct_fail(&stdio->error, CT_EFORMAT, "the last message is not whole");
    }
    sv_framing_clear(&framing);
    free(buffer);
}

static void *reader_main(void *context)
{
    struct stdio *stdio = context;
    read_all(stdio);
    pthread_mutex_lock(&stdio->lock);
    stdio->is_read = true;
    pthread_cond_broadcast(&stdio->changed);
    pthread_mutex_unlock(&stdio->lock);
    while (wait_for_input(stdio, false)) {
    }
    return NULL;
}

/* ---- The working thread ---- */

static void send_message(void *context, const char *json, size_t size)
{
    struct stdio *stdio = context;
    char header[64];
    int length = snprintf(header, sizeof header, "Content-Length: %zu\r\n\r\n", size);
    if (ct_write_all(stdio->out, header, (size_t)length, "standard output", NULL) != CT_OK ||
        ct_write_all(stdio->out, json, size, "standard output", NULL) != CT_OK) {
        give_up(stdio);
    }
}

/* The next message to run, or NULL at the end. */
static struct message *take_message(struct stdio *stdio)
{
    pthread_mutex_lock(&stdio->lock);
    stdio->is_running = false;
    while (stdio->first == NULL && !stdio->is_read && !stdio->is_broken) {
        pthread_cond_wait(&stdio->changed, &stdio->lock);
    }
    struct message *message = stdio->is_broken ? NULL : stdio->first;
    if (message != NULL) {
        stdio->first = message->next;
        stdio->last = stdio->first == NULL ? &stdio->first : stdio->last;
        stdio->waiting--;
        stdio->is_running = true;
        stdio->has_running_seq = message->has_seq;
        stdio->running_seq = message->seq;
        pthread_cond_broadcast(&stdio->changed);
    }
    pthread_mutex_unlock(&stdio->lock);
    return message;
}

static void take_all(struct stdio *stdio)
{
    bool goes_on = true;
    while (goes_on) {
        struct message *message = take_message(stdio);
        goes_on = message != NULL && dap_session_take(stdio->session, message->json, message->size);
        free(message);
    }
    pthread_mutex_lock(&stdio->lock);
    stdio->is_over = true;
    pthread_cond_broadcast(&stdio->changed);
    pthread_mutex_unlock(&stdio->lock);
}

static void drop_messages(struct stdio *stdio)
{
    while (stdio->first != NULL) {
        struct message *message = stdio->first;
        stdio->first = message->next;
        free(message);
    }
}

static int run_threads(struct stdio *stdio, struct ct_error *error)
{
    pthread_t reader;
    int failure = pthread_create(&reader, NULL, reader_main, stdio);
    if (failure != 0) {
        return ct_fail(error, CT_EIO, "cannot start a thread: %s", strerror(failure));
    }
    take_all(stdio);
    eventfd_write(stdio->wake, 1);
    pthread_join(reader, NULL);
    if (stdio->status != CT_OK) {
        return ct_fail(error, stdio->status, "%s", stdio->error.message);
    }
    return CT_OK;
}

int sv_stdio_run(const struct sv_stdio_options *options, struct ct_error *error)
{
    struct stdio stdio = {.in = options->in, .out = options->out};
    stdio.last = &stdio.first;
    struct dap_options dap = {
        .trace = options->trace,
        .directory = options->directory,
        .send = send_message,
        .context = &stdio,
    };
    int status = dap_session_new(&stdio.session, &dap, error);
    if (status != CT_OK) {
        return status;
    }
    pthread_mutex_init(&stdio.lock, NULL);
    pthread_cond_init(&stdio.changed, NULL);
    stdio.wake = eventfd(0, EFD_CLOEXEC);
    status = stdio.wake < 0 ? ct_fail_errno(error, "cannot make an eventfd")
                            : run_threads(&stdio, error);
    if (stdio.wake >= 0) {
        close(stdio.wake);
    }
    drop_messages(&stdio);
    dap_session_free(stdio.session);
    pthread_cond_destroy(&stdio.changed);
    pthread_mutex_destroy(&stdio.lock);
    return status;
}
