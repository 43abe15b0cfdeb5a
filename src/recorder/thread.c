#include "recorder/thread.h"

#include <pthread.h>
#include <stdatomic.h>

#include "recorder/frame.h"
#include "recorder/gather.h"
#include "recorder/wtf8.h"

/* ---- the end
 * ------------------------------------------------------------------------------------------------
 */

/* A thread that ends holds no interpreter lock and runs no code of anybody's: it only leaves its
 * record here. The next thread to look takes it. */
static _Atomic(struct thread *) ended;

static struct thread *taken; /* of `ended`, by who holds the interpreter's lock */

static void leave(void *record)
{
    struct thread *thread = record;
    frame_current_thread = NULL; /* whoever still calls Python on this thread is met anew */
    thread->next_ended = atomic_load(&ended);
    while (!atomic_compare_exchange_weak(&ended, &thread->next_ended, thread)) {
    }
}

void thread_watch(struct thread *thread)
{
    static pthread_key_t key; /* for the life of the process */
    static bool has_key;
    if (!has_key) {
        has_key = pthread_key_create(&key, leave) == 0;
    }
    if (has_key) {
        pthread_setspecific(key, thread);
    }
}

bool thread_has_ended(void)
{
    return taken != NULL || atomic_load_explicit(&ended, memory_order_relaxed) != NULL;
}

struct thread *thread_take_ended(void)
{
    if (taken == NULL) { /* the last comes first there */
        struct thread *next;
        for (struct thread *at = atomic_exchange(&ended, NULL); at != NULL; at = next) {
            next = at->next_ended;
            at->next_ended = taken;
            taken = at;
        }
    }
    struct thread *thread = taken;
    if (thread != NULL) {
        taken = thread->next_ended;
    }
    return thread;
}

/* ---- who it is
 * ------------------------------------------------------------------------------------------------
 */

/* What `threading` calls the running thread, looked up in its tables as they lie in memory: none of
 * its code runs. NULL when it does not know it. Borrowed. */
static PyObject *name_of(const PyThreadState *state)
{
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *threading =
        modules != NULL && PyDict_Check(modules) ? compat_dict_get(modules, "threading") : NULL;
    PyObject *active = threading != NULL && PyModule_Check(threading)
                           ? compat_dict_get(PyModule_GetDict(threading), "_active")
                           : NULL;
    PyObject *ident = PyLong_FromUnsignedLong(state->thread_id);
    PyObject *thread = NULL;
    if (active != NULL && PyDict_Check(active) && ident != NULL) {
        thread = compat_dict_find(active, ident, compat_simple_hash(ident));
    }
    Py_XDECREF(ident);
    PyObject *name = thread != NULL ? gather_attribute(thread, "_name") : NULL;
    return name != NULL && PyUnicode_Check(name) ? name : NULL;
}

static void add_name(struct ct_bytes *to, PyObject *name)
{
    enum { MAX_NAME = 256 }; /* characters; a name is for people */
    Py_ssize_t characters = name != NULL ? PyUnicode_GET_LENGTH(name) : 0;
    characters = characters < MAX_NAME ? characters : MAX_NAME;
    size_t size = characters > 0 ? text_size(name, characters) : 0;
    ct_bytes_add_varint(to, size);
    uint8_t *at = ct_bytes_reserve(to, size);
    if (size > 0 && at != NULL) {
        text_put(at, name, characters);
        to->size += size;
    }
}

void thread_announce(struct session *session, struct thread *thread)
{
    struct ct_bytes payload = {0};
    const PyThreadState *state = thread->state;
    PyObject *pending = PyErr_GetRaisedException();
    thread->number = session->thread_count++;
    thread->is_new = false;
    ct_bytes_add_varint(&payload, thread->number);
    ct_bytes_add_varint(&payload, state->native_thread_id);
    ct_bytes_add_varint(&payload, state->thread_id);
    add_name(&payload, name_of(state));
    if (!payload.failed) {
        ctr_writer_define(session->writer, CTR_DEF_THREAD, payload.data, payload.size);
    }
    ct_bytes_free(&payload);
    PyErr_Clear(); /* no memory for a key: the name is not known */
    PyErr_SetRaisedException(pending);
}

/* ---- who follows it
 * ------------------------------------------------------------------------------------------------
 */

void thread_heed_followers(struct session *session, struct thread *thread)
{
    static struct thread nobody;
    bool followed = compat_is_followed(thread->state);
    if (followed || session->running == &nobody) {
        session_heed_unseen(session);
    }
    session->running = followed ? &nobody : thread;
}
