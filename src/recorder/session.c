#include "recorder/session.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/uuid.h"
#include "export/recording.h"
#include "recorder/events.h"
#include "recorder/exact.h"
#include "recorder/failure.h"
#include "recorder/filter.h"
#include "recorder/frame.h"
#include "recorder/gate.h"
#include "recorder/gather.h"
#include "recorder/io_capture.h"
#include "recorder/inject.h"
#include "recorder/log.h"
#include "recorder/monitor.h"
#include "recorder/object.h"
#include "recorder/plan.h"
#include "recorder/scope.h"
#include "recorder/secret.h"
#include "recorder/self_check.h"
#include "recorder/types.h"
#include "recorder/value.h"

/* Callbacks that are still on their way when a session ends find one that writes nothing: `soft` is
 * NULL, so each of them stops at its first check. */
static struct ctr_writer no_writer;

static struct session session = {.writer = &no_writer, .tool = -1, .dict_watcher = -1};

struct limits session_default_limits(void)
{
    return (struct limits){
        .max_text = DEFAULT_MAX_TEXT,
        .max_items = DEFAULT_MAX_ITEMS,
        .max_attributes = DEFAULT_MAX_ATTRIBUTES,
        .max_depth = DEFAULT_MAX_DEPTH,
        .min_free_space = DEFAULT_MIN_FREE_SPACE,
        .export_limit = DEFAULT_EXPORT_LIMIT,
    };
}

struct policy session_default_policy(void)
{
    return (struct policy){.module_name_from_globals = true};
}

static char recording_id[CT_UUID_TEXT_BYTES];

const char *session_identifier(void)
{
    return recording_id[0] != 0 ? recording_id : NULL;
}

bool session_is_active(void)
{
    return session.writer != &no_writer && !session.is_dead;
}

void session_set_policy(const struct policy *policy)
{
    if (session_is_active()) {
        session.policy = *policy;
    }
}

bool session_aborts(void)
{
    return session_is_active() && session.policy.abort;
}

bool session_is_required(void)
{
    return session_is_active() && session.is_launched && session.policy.requires_trace;
}

void session_set_exit_status(int32_t status)
{
    if (session_is_active()) {
        session.exit_status = status;
    }
}

/* ---- turns
 * ----------------------------------------------------------------------------------------- */

/* Starts, stops and exports come one after another: an export reads the recording and writes beside
 * it without the interpreter's lock, and Python code can run in the middle of a start or stop. Who
 * waits does so without that lock. */
static pthread_mutex_t turn = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

/* False: it is this thread's already, and the code that asks runs inside a start or stop. */
static bool take_turn(void)
{
    int status = pthread_mutex_trylock(&turn);
    if (status == EBUSY) {
        Py_BEGIN_ALLOW_THREADS;
        status = pthread_mutex_lock(&turn);
        Py_END_ALLOW_THREADS;
    }
    return status == 0;
}

static void end_turn(void)
{
    pthread_mutex_unlock(&turn);
}

/* It may have been another thread's, which a forked child does not have. */
static void renew_turn(void)
{
    turn = (pthread_mutex_t)PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
}

/* ---- fork
 * ------------------------------------------------------------------------------------------ */

/* Pages shared with forked children, where a child leaves its process id for us. */
enum { FORKED_MAX = 64 };

static struct {
    atomic_int count;
    atomic_int pids[FORKED_MAX];
} * forked;

static int forked_seen;

static void before_fork(void)
{
    if (session_is_active()) {
        ctr_writer_before_fork(session.writer);
    }
}

static void after_fork_in_parent(void)
{
    if (session_is_active()) {
        ctr_writer_after_fork_in_parent(session.writer);
    }
}

static void after_fork_in_child(void)
{
    renew_turn();
    if (session_is_active()) {
        session.is_dead = true;
        io_capture_after_fork_in_child();
        ctr_writer_after_fork_in_child(session.writer);
        if (forked != NULL) {
            int index = atomic_fetch_add(&forked->count, 1);
            atomic_store(&forked->pids[index % FORKED_MAX], (int)getpid());
        }
    }
}

static void watch_forks(void)
{
    static bool registered; /* handlers stay for the life of the process */
    if (!registered) {
        forked =
            mmap(NULL, sizeof *forked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        forked = forked == MAP_FAILED ? NULL : forked;
        pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
        registered = true;
    }
    forked_seen = forked != NULL ? atomic_load(&forked->count) : 0;
}

bool session_has_forks(void)
{
    return forked != NULL &&
           forked_seen < atomic_load_explicit(&forked->count, memory_order_relaxed);
}

int session_next_fork(void)
{
    return atomic_load(&forked->pids[forked_seen++ % FORKED_MAX]);
}

/* ---- the directory
 * ------------------------------------------------------------------------------------ */

/* An earlier recording in this place is replaced, one that is being written is not. */
static int clear_place(const char *trace, const char *tail, struct ct_error *error)
{
    int fd = open(trace, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        int busy = flock(fd, LOCK_EX | LOCK_NB);
        close(fd);
        if (busy != 0) {
            return ct_fail(error, CT_ESTATE, "%s is being written by another recording", trace);
        }
        if (unlink(trace) != 0) {
            return ct_fail_errno(error, "cannot replace %s", trace);
        }
    }
    unlink(tail);
    return CT_OK;
}

static int open_writer(const struct session_order *order, struct ct_error *error)
{
    struct ctr_writer_options options = {.max_size = order->limits.max_size,
                                         .min_free_space = order->limits.min_free_space};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    options.start_ns = (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
    if (order->id == NULL || !ct_uuid_parse(order->id, options.id)) {
        int status = ct_uuid7_make(options.id, error);
        if (status != CT_OK) {
            return status;
        }
    }
    char *trace = ct_path_join(order->directory, "trace.ctr");
    char *tail = ct_path_join(order->directory, "trace.ctr.tail");
    int status = trace == NULL || tail == NULL ? ct_fail(error, CT_ENOMEM, "no memory for a path")
                                               : clear_place(trace, tail, error);
    if (status == CT_OK) {
        struct ctr_writer *writer;
        options.path = trace;
        status = ctr_writer_open(&writer, &options, error);
        session.writer = status == CT_OK ? writer : &no_writer;
        ct_uuid_format(options.id, recording_id);
    }
    free(trace);
    free(tail);
    return status;
}

/* ---- start and stop
 * -------------------------------------------------------------------------------------- */

/* Of an argument that looks like a secret only that is told. */
static void define_hidden(const uint8_t *key, size_t size)
{
    struct ct_bytes entry = {0};
    static const char hidden[] = "<redacted>";
    ct_bytes_add(&entry, key, size);
    ct_bytes_add_block(&entry, hidden, sizeof hidden - 1);
    if (!entry.failed) {
        ctr_writer_define(session.writer, CTR_DEF_RUN, entry.data, entry.size);
    }
    ct_bytes_free(&entry);
}

static void define_run(const struct ct_bytes *run)
{
    struct ct_cursor cursor = {run->data, run->data + run->size, false};
    while (!cursor.failed && cursor.at < cursor.end) {
        const uint8_t *from = cursor.at;
        ct_get_bytes(&cursor, ct_get_varint(&cursor));
        const uint8_t *behind_key = cursor.at;
        size_t size = ct_get_varint(&cursor);
        const uint8_t *value = ct_get_bytes(&cursor, size);
        if (cursor.failed) {
            break;
        }
        if (!session.limits.keep_shapes && secret_in_bytes(value, size)) {
            define_hidden(from, (size_t)(behind_key - from));
        } else {
            ctr_writer_define(session.writer, CTR_DEF_RUN, from, (size_t)(cursor.at - from));
        }
    }
}

static void free_parts(bool unwatch)
{
    self_check_free(&session);
    objects_free(&session, unwatch);
    frames_free(&session);
    plans_free(&session);
    types_free(&session);
    values_free(&session);
    gather_free(&session);
    exact_free(&session);
    gate_free(&session);
    free(session.directory);
    free(session.format);
    free(session.program_text);
    scope_free(&session);
    filter_free(session.filter);
    session.filter = NULL;
    session.directory = session.format = session.program_text = NULL;
    Py_CLEAR(session.disable);
}

static struct thread nobody; /* runs before any thread is known */
struct shadow_frame session_nowhere;

/* The program may leave the folder that it started in. */
static char *absolute(const char *directory)
{
    char *path = realpath(directory, NULL);
    return path != NULL ? path : strdup(directory);
}

/* It is an argument of the command line: of one that looks like a secret nothing is kept. */
static char *program_text(const struct session_order *order)
{
    const char *text = order->program_text;
    bool is_hidden = text == NULL || (!order->limits.keep_shapes &&
                                      secret_in_bytes((const uint8_t *)text, strlen(text)));
    return is_hidden ? NULL : strdup(text);
}

static int make_parts(const struct session_order *order, struct ct_error *error)
{
    session = (struct session){
        .writer = session.writer,
        .generation = session.generation + 1,
        .tool = -1,
        .running = &nobody,
        .here = &session_nowhere,
        .limits = order->limits,
        .policy = order->policy,
        .waiting_for_main = order->wait_for_main,
        .is_launched = order->is_launched,
        .waiting_for_file = order->activation != NULL,
        .program_file = order->program_file,
        .program_text = program_text(order),
        .exports = order->exports,
        .filter = order->filter,
        .exit_status = INT32_MIN,
        .interpreter = PyInterpreterState_Get(),
        .activation = order->activation != NULL ? strdup(order->activation) : NULL,
        .directory = absolute(order->directory),
        .format = order->format != NULL ? strdup(order->format) : NULL,
    };
    if (getrandom(&session.hash_seed, sizeof session.hash_seed, 0) < 0) {
        session.hash_seed = session.generation;
    }
    static int (*const parts[])(struct session *) = {
        gather_init, values_init, types_init, frames_init,     objects_init,
        plans_init,  gate_init,   scope_init, self_check_init, exact_init,
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int status = parts[i](&session);
        if (status != CT_OK) {
            return ct_fail(error, status, "%s",
                           session.error.message[0] ? session.error.message
                                                    : "no memory for the recorder's tables");
        }
    }
    return CT_OK;
}

static void remove_file(const char *directory, const char *name)
{
    char *path = ct_path_join(directory, name);
    if (path != NULL) {
        unlink(path);
    }
    free(path);
}

/* All that a recording consists of; the directory stays. */
static void remove_recording(const char *directory)
{
    static const char *const names[] = {"trace.ctr",        "trace.ctr.tail", "trace_metadata.json",
                                        "trace_paths.json", "trace.json",     "trace.bin"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        remove_file(directory, names[i]);
    }
}

static int start(const struct session_order *order, struct ct_error *error)
{
    if (session.is_dead) {
        session.writer = &no_writer; /* a forked child begins a recording of its own */
        session.is_dead = false;
    }
    int status = open_writer(order, error);
    if (status != CT_OK) {
        return status;
    }
    status = make_parts(order, error);
    if (status == CT_OK) {
        frame_free_ended(&session);
        define_run(order->run);
        watch_forks();
        inject_start();
        status = monitor_start(&session, error);
    }
    if (status != CT_OK) {
        struct ctr_writer *writer = session.writer;
        session.writer = &no_writer;
        session.filter = NULL; /* the caller's again */
        ctr_writer_close(writer, CTR_ENDED_BY_ERROR, INT32_MIN, NULL);
        remove_file(order->directory, "trace.ctr");
        free_parts(true);
        return status;
    }
    io_capture_start(&session, order->io);
    log_message(LOG_INFO, "recording starts", session.directory);
    return CT_OK;
}

static int refuse_start(struct ct_error *error)
{
    return ct_fail(error, CT_ESTATE, "tracing already active");
}

int session_start(struct session_order *order, struct ct_error *error)
{
    int status;
    if (take_turn()) {
        status = session_is_active() ? refuse_start(error) : start(order, error);
        end_turn();
    } else {
        status = refuse_start(error);
    }
    if (order->filter != NULL && order->filter != session.filter) {
        filter_free(order->filter);
    }
    order->filter = NULL;
    return status;
}

static enum export_format format_wanted(void)
{
    if (session.format == NULL) {
        return EXPORT_NONE;
    }
    return strcmp(session.format, "json") == 0     ? EXPORT_JSON
           : strcmp(session.format, "binary") == 0 ? EXPORT_BINARY
                                                   : EXPORT_NONE;
}

/* Lines are counted by any session that records; what a program writes may be all there is. While
 * the program runs it is not known yet whether a limit leaves anything of it in the trace. */
static bool has_events(void)
{
    const uint64_t *counters = ctr_writer_counters(session.writer);
    return !inject_hides_events() && (counters[CTR_C_lines] | counters[CTR_C_calls] |
                                      counters[CTR_C_outputs] | counters[CTR_C_inputs]) != 0;
}

int session_check(struct ct_error *error)
{
    bool has_told = session.failed && session.policy.abort;
    if (!session_is_active() || !session.policy.requires_trace || has_told || has_events()) {
        return CT_OK;
    }
    return ct_fail(error, CT_EUSAGE,
                   "recorder policy requires a trace but no events were recorded");
}

/* What a recording leaves to do once the session is free for the next one. */
struct remains {
    char *directory;
    enum export_format format;
    uint64_t limit;
    bool is_exported;
    bool is_removed;
};

static struct remains remains_now(void)
{
    bool is_removed = session.failed && session.policy.discard;
    return (struct remains){
        .directory = strdup(session.directory),
        .format = format_wanted(),
        .limit = session.limits.export_limit,
        .is_exported = session.exports && !is_removed,
        .is_removed = is_removed,
    };
}

/* Ends the turn too: while the process ends, the interpreter's lock may never come back. */
static int settle(struct remains *remains, struct ct_error *error)
{
    int status = CT_OK;
    Py_BEGIN_ALLOW_THREADS;
    if (remains->directory == NULL) {
        status = ct_fail(error, CT_ENOMEM, "no memory for a path");
    } else if (remains->is_removed) {
        remove_recording(remains->directory);
    } else if (remains->is_exported) {
        status = export_recording(remains->directory, remains->format, remains->limit, error);
    }
    end_turn();
    Py_END_ALLOW_THREADS;
    free(remains->directory);
    return status;
}

/* Close the trace, of which `remains` says what else there is to do. */
static int finish(enum ctr_end_reason reason, int32_t exit_status, struct remains *remains,
                  struct ct_error *error)
{
    /* A limit may be reached only now, with the first block of a short program. */
    ctr_writer_drain(session.writer);
    failure_tell_limit(&session);
    int missing = session_check(error);
    struct ctr_writer *writer = session.writer;
    session.writer = &no_writer;
    int status = ctr_writer_close(writer, session.failed ? CTR_ENDED_BY_ERROR : reason, exit_status,
                                  missing == CT_OK ? error : NULL);
    *remains = remains_now();
    if (remains->is_removed) {
        return CT_OK; /* it has been told when it happened */
    }
    status = missing != CT_OK ? missing : status;
    remains->is_exported = remains->is_exported && status == CT_OK;
    return status;
}

/* Another thread that stops the same session returns when its files are there. */
int session_stop(int32_t exit_status, struct ct_error *error)
{
    if (!take_turn()) {
        return CT_OK;
    }
    if (!session_is_active()) {
        end_turn();
        return CT_OK;
    }
    bool goes_on = exit_status == INT32_MIN && !compat_is_ending();
    if (exit_status == INT32_MIN) {
        exit_status = session.exit_status;
    }
    io_capture_stop();
    self_check_report(&session);
    event_last(&session);
    monitor_stop(&session);
    if (session.waiting_for_file && !goes_on) { /* else the program may come to it later */
        log_message(LOG_WARN, "nothing was recorded, for the activation path never ran",
                    session.activation);
    }
    struct remains remains;
    int status =
        finish(goes_on ? CTR_ENDED_BY_STOP : CTR_ENDED_NORMALLY, exit_status, &remains, error);
    log_message(LOG_INFO, "recording ended", session.directory);
    free_parts(true);
    int settled = settle(&remains, status == CT_OK ? error : NULL);
    return status != CT_OK ? status : settled;
}

int session_flush(struct ct_error *error)
{
    if (!take_turn()) {
        return CT_OK;
    }
    if (!session_is_active()) {
        end_turn();
        return CT_OK;
    }
    struct remains remains = remains_now();
    remains.is_removed = false; /* that is for its end */
    return settle(&remains, error);
}
