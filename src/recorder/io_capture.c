#include "recorder/io_capture.h"

#include <errno.h>
#include <unistd.h>

#include "recorder/io_object.h"
#include "recorder/io_pipe.h"
#include "recorder/io_record.h"

enum layer {
    LAYER_TEXT,       /* TextIOWrapper */
    LAYER_MEMORY,     /* StringIO, when it stands in a stream's place */
    LAYER_BUFFER,     /* BufferedReader, BufferedWriter, BufferedRandom */
    LAYER_FILE,       /* FileIO */
    LAYER_DESCRIPTOR, /* os */
    LAYER_INPUT,      /* input(), when it reads the terminal itself */
};

enum deed {
    DEED_PASS,      /* may pass on what was written before */
    DEED_ASK,       /* what the descriptor is, or move in its file */
    DEED_WRITE,     /* the argument, as far as it was accepted */
    DEED_READ,      /* the result */
    DEED_READ_INTO, /* the argument, as far as the result says */
};

/* A call of a method or function, in whatever convention. */
struct call {
    PyObject *self;
    PyTypeObject *type; /* METH_METHOD: the defining class */
    PyObject *const *args;
    Py_ssize_t count;
    PyObject *names;
};

struct hook {
    const char *module;
    const char *type; /* NULL: a function of the module */
    const char *name; /* NULL: iteration */
    int flags;
    uint8_t layer;
    uint8_t deed;
    void (*ours)(void);
    PyMethodDef *method; /* tables of methods belong to the process, and so do these */
    PyCFunction original;
};

/* A type's own `next`, which is in no table of methods: in its slot, and in the descriptor
 * `__next__` that classes derived from it take it from. */
struct next_hook {
    const char *type;
    uint8_t layer;
    iternextfunc ours;
    PyTypeObject *found; /* a reference, while it is ours */
    PyWrapperDescrObject *descriptor;
    iternextfunc original;
};

static struct session *recording;

static bool is_recorded(void)
{
    return recording != NULL && !recording->is_dead &&
           PyInterpreterState_Get() == recording->interpreter;
}

/* ---- what is under way on this thread
 * ------------------------------------------------------------------------- */

/* Whoever switches C stacks inside a call makes calls end in another order than they began. So what
 * a call finds at its end counts only when it left it there itself, and a text that may be followed
 * is set only where no code of the program's runs. */
struct under {
    uint64_t serial; /* of the call; 0: none */
    PyObject *inner; /* object that the call under way works through: what it does is told */
    PyObject *owner; /* that iterates: what it calls of its own is told as well */
    PyObject *text;  /* that the call was given and is not written down yet */
    uint8_t stream;  /* of `text` */
};

static _Thread_local struct under under __attribute__((tls_model("initial-exec")));
static _Thread_local struct {
    uint64_t outputs, inputs;
} noted __attribute__((tls_model("initial-exec"))); /* records made on this thread */

static struct under enter(struct under next)
{
    static _Thread_local uint64_t calls __attribute__((tls_model("initial-exec")));
    struct under before = under;
    under = next;
    under.serial = ++calls;
    return before;
}

static void leave(struct under before, uint64_t serial)
{
    under = under.serial == serial ? before : (struct under){0};
}

/* ---- records
 * ---------------------------------------------------------------------------------------- */

static void count_note(uint8_t stream)
{
    bool is_input = (stream & CTR_STREAM_MASK) == CTR_STDIN;
    noted.inputs += is_input;
    noted.outputs += !is_input;
}

static void note_text(uint8_t stream, PyObject *text)
{
    if (PyUnicode_Check(text) && PyUnicode_GET_LENGTH(text) > 0) {
        count_note(stream);
        io_record_text(recording, stream, text, false);
    }
}

static void note_bytes(void *context, const void *bytes, size_t size)
{
    const uint8_t *stream = context;
    if (size > 0) {
        count_note(*stream);
        io_record_bytes(recording, *stream, bytes, size);
    }
}

static void note_pending(void)
{
    PyObject *text = under.text;
    under.text = NULL;
    if (text != NULL && is_recorded()) {
        PyObject *failure = PyErr_GetRaisedException();
        int saved = errno;
        note_text(under.stream, text);
        errno = saved;
        PyErr_SetRaisedException(failure);
    }
}

/* ---- which stream
 * ----------------------------------------------------------------------------------- */

enum { NOT_STANDARD = 0xff };

static PyObject *stream_names[3]; /* immortal */

/* What stands as sys.stdin, sys.stdout or sys.stderr; borrowed. */
static PyObject *standing(int stream)
{
    PyObject *name = stream_names[stream];
    PyObject *sys = recording->interpreter->sysdict;
    return sys != NULL ? compat_dict_find(sys, name, ((PyASCIIObject *)name)->hash) : NULL;
}

static bool is_stream_for(int descriptor, uint8_t deed)
{
    bool reads = deed == DEED_READ || deed == DEED_READ_INTO;
    return reads ? descriptor == STDIN_FILENO
                 : descriptor == STDOUT_FILENO || descriptor == STDERR_FILENO;
}

/* Of what stands in the place of sys.stdin, sys.stdout or sys.stderr and works on another file. */
static uint8_t redirected_stream(PyObject *file, uint8_t deed)
{
    if (deed == DEED_READ) {
        return standing(CTR_STDIN) == file ? CTR_STDIN | CTR_STREAM_REDIRECTED : NOT_STANDARD;
    }
    for (int stream = CTR_STDOUT; deed == DEED_WRITE && stream <= CTR_STDERR; stream++) {
        if (standing(stream) == file) {
            return (uint8_t)(stream | CTR_STREAM_REDIRECTED);
        }
    }
    return NOT_STANDARD;
}

/* Whether it takes a stream in a descriptor's place. */
static bool takes_stream(const struct hook *hook)
{
    return strcmp(hook->name, "fsync") == 0 || strcmp(hook->name, "fdatasync") == 0;
}

static int descriptor_of(const struct hook *hook, const struct call *call)
{
    int64_t number;
    if (hook->layer != LAYER_DESCRIPTOR) {
        return hook->layer == LAYER_MEMORY ? -1
                                           : io_pipe_standard(io_object_descriptor(call->self));
    }
    if (call->count > 0 && io_object_is_plain(call->args[0]) && takes_stream(hook)) {
        return io_pipe_standard(io_object_descriptor(call->args[0]));
    }
    bool is_number = call->count > 0 && PyLong_CheckExact(call->args[0]) &&
                     compat_small_int(call->args[0], &number);
    return is_number && number >= 0 && number <= STDERR_FILENO ? (int)number : -1;
}

static uint8_t stream_of(const struct hook *hook, const struct call *call)
{
    int descriptor = descriptor_of(hook, call);
    if (is_stream_for(descriptor, hook->deed)) {
        return (uint8_t)(descriptor | (hook->layer == LAYER_TEXT ? 0 : CTR_STREAM_MIRROR));
    }
    bool is_text = hook->layer == LAYER_TEXT || hook->layer == LAYER_MEMORY;
    return is_text ? redirected_stream(call->self, hook->deed) : NOT_STANDARD;
}

/* ---- what a call did
 * -------------------------------------------------------------------------------- */

static PyObject *content_of(const struct hook *hook, const struct call *call)
{
    Py_ssize_t at = hook->layer == LAYER_DESCRIPTOR ? 1 : 0;
    return call->count > at ? call->args[at] : NULL;
}

/* Bytes that a failed write of a buffered object took all the same. */
static size_t taken_before(PyObject *failure)
{
    bool is_blocking =
        failure != NULL && PyObject_TypeCheck(failure, (PyTypeObject *)PyExc_BlockingIOError);
    Py_ssize_t written = is_blocking ? ((PyOSErrorObject *)failure)->written : -1;
    return written > 0 ? (size_t)written : 0;
}

static size_t size_of(PyObject *result)
{
    int64_t size;
    bool is_size = PyLong_CheckExact(result) && compat_small_int(result, &size) && size > 0;
    return is_size ? (size_t)size : 0;
}

static void note_result(uint8_t stream, PyObject *result)
{
    if (PyUnicode_Check(result)) {
        note_text(stream, result);
    } else if (PyBytes_Check(result)) {
        note_bytes(&stream, PyBytes_AS_STRING(result), (size_t)PyBytes_GET_SIZE(result));
    }
}

static void note_call(const struct hook *hook, const struct call *call, uint8_t stream,
                      PyObject *result)
{
    PyObject *failure = result == NULL ? PyErr_GetRaisedException() : NULL;
    PyObject *content = content_of(hook, call);
    bool is_text = hook->layer == LAYER_TEXT || hook->layer == LAYER_MEMORY;
    if (hook->deed == DEED_READ && result != NULL) {
        note_result(stream, result);
    } else if (hook->deed == DEED_WRITE && is_text) {
        if (result != NULL) {
            note_text(stream, content);
        }
    } else if (hook->deed != DEED_READ && content != NULL) {
        size_t size = result != NULL ? size_of(result) : taken_before(failure);
        io_object_bytes(content, size, note_bytes, &stream);
    }
    if (result == NULL) {
        PyErr_SetRaisedException(failure);
    }
}

/* ---- around a call
 * ---------------------------------------------------------------------------------- */

static PyObject *call_original(const struct hook *hook, const struct call *call)
{
    typedef PyObject *fast(PyObject *, PyObject *const *, Py_ssize_t);
    typedef PyObject *fast_names(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
    void (*function)(void) = (void (*)(void))hook->original;
    switch (hook->flags) {
    case METH_FASTCALL:
        return ((fast *)function)(call->self, call->args, call->count);
    case METH_FASTCALL | METH_KEYWORDS:
        return ((fast_names *)function)(call->self, call->args, call->count, call->names);
    case METH_METHOD | METH_FASTCALL | METH_KEYWORDS:
        return ((PyCMethod)function)(call->self, call->type, call->args, (size_t)call->count,
                                     call->names);
    default: /* METH_O, METH_NOARGS */
        return hook->original(call->self, call->count > 0 ? call->args[0] : NULL);
    }
}

/* ---- past the pipes
 * --------------------------------------------------------------------------------- */

static bool is_noting; /* so that a tick among them takes none in between */

static void note_foreign(void)
{
    int descriptor;
    char bytes[IO_PIPE_PIECE];
    size_t size;
    is_noting = true;
    while ((size = io_pipe_take(&descriptor, bytes)) > 0) {
        io_record_bytes(recording, (uint8_t)(descriptor | CTR_STREAM_FOREIGN),
                        (const uint8_t *)bytes, size);
    }
    is_noting = false;
}

/* What others wrote before comes first. */
static void let_others_pass(void)
{
    if (io_pipe_is_busy()) {
        Py_BEGIN_ALLOW_THREADS io_pipe_settle();
        Py_END_ALLOW_THREADS
    }
}

static PyObject *ask_original(const struct hook *hook, const struct call *call, int original)
{
    enum { MOST = 4 };
    PyObject *args[MOST] = {PyLong_FromLong(original)};
    struct call direct = *call;
    direct.args = args;
    direct.count = call->count > 0 ? call->count : 1;
    for (Py_ssize_t i = 1; i < call->count && i < MOST; i++) {
        args[i] = call->args[i];
    }
    PyObject *result = args[0] != NULL && direct.count <= MOST ? call_original(hook, &direct)
                                                               : call_original(hook, call);
    Py_XDECREF(args[0]);
    return result;
}

/* What Python writes goes where it is meant to go, not through a pipe: it fails as it would, and
 * is there at once. And what it asks is answered by where that is. */
static PyObject *call_directly(const struct hook *hook, const struct call *call)
{
    bool is_low = hook->layer == LAYER_FILE || hook->layer == LAYER_DESCRIPTOR;
    bool is_direct = is_low && (hook->deed == DEED_WRITE || hook->deed == DEED_ASK);
    bool is_terminal = is_direct && call->count == 0 && call->names == NULL &&
                       strcmp(hook->name, "get_terminal_size") == 0;
    int descriptor = !is_direct ? -1 : is_terminal ? STDOUT_FILENO : descriptor_of(hook, call);
    int original = is_direct ? io_pipe_original(descriptor) : -1;
    if (original < 0 || (hook->layer == LAYER_DESCRIPTOR && call->names != NULL)) {
        return call_original(hook, call);
    }
    /* A question waits only where the answer may be what they wrote: a file takes all they write,
     * whoever reads a pipe may be waiting for us. */
    if (hook->deed == DEED_WRITE || lseek(original, 0, SEEK_CUR) >= 0) {
        let_others_pass();
        if (io_pipe_original(descriptor) != original) {
            return call_original(hook, call); /* meanwhile another thread ended the recording */
        }
    }
    if (hook->layer == LAYER_DESCRIPTOR) {
        return ask_original(hook, call, original);
    }
    io_object_set_descriptor(call->self, original);
    PyObject *result = call_original(hook, call);
    if (io_object_descriptor(call->self) == original) {
        io_object_set_descriptor(call->self, descriptor);
    }
    return result;
}

static PyObject *run_method(const void *original, const struct call *call)
{
    return io_pipe_is_on() ? call_directly(original, call) : call_original(original, call);
}

typedef PyObject *run(const void *original, const struct call *call);

/* The call is the inside of another one that is, or will be, recorded. */
static bool is_told(const struct hook *hook, const struct call *call)
{
    return (under.inner != NULL && under.inner == call->self) || under.owner == call->self ||
           (hook->layer == LAYER_FILE && call->count > 0 && io_object_is_internal(call->args[0]));
}

/* Text on its way down counts from where it cannot be overtaken any more: in the buffered object,
 * which makes others wait, or as the file is written. */
static PyObject *run_inside(const struct hook *hook, const struct call *call, run *run_original,
                            const void *original)
{
    if (hook->layer == LAYER_FILE) {
        note_pending();
    }
    struct under next = under;
    next.inner = io_object_inner(call->self);
    struct under before = enter(next);
    uint64_t serial = under.serial;
    PyObject *result = run_original(original, call);
    if (under.serial == serial) {
        note_pending();
    }
    before.text = NULL;
    leave(before, serial);
    return result;
}

static PyObject *run_around(const struct hook *hook, const struct call *call, run *run_original,
                            const void *original)
{
    if (is_told(hook, call)) {
        return run_inside(hook, call, run_original, original);
    }
    uint8_t stream = stream_of(hook, call);
    if (stream == NOT_STANDARD && hook->deed != DEED_PASS) {
        return run_original(original, call);
    }
    if (io_pipe_is_on() && stream != NOT_STANDARD) {
        let_others_pass();
        note_foreign();
    }
    bool goes_down = hook->deed == DEED_WRITE && hook->layer == LAYER_TEXT &&
                     stream != NOT_STANDARD && io_object_is_plain(call->self);
    struct under before = enter((struct under){
        .inner = hook->layer <= LAYER_BUFFER ? io_object_inner(call->self) : NULL,
        .owner = hook->name == NULL ? call->self : NULL,
        .text = goes_down ? content_of(hook, call) : NULL,
        .stream = stream,
    });
    uint64_t serial = under.serial;
    PyObject *result = run_original(original, call);
    bool is_noted = goes_down && under.serial == serial && under.text == NULL;
    leave(before, serial);
    if (!is_noted && stream != NOT_STANDARD && is_recorded()) {
        int saved = errno;
        note_call(hook, call, stream, result);
        errno = saved;
    }
    return result;
}

static PyObject *around(const struct hook *hook, const struct call *call)
{
    if (!is_recorded()) {
        return call_original(hook, call);
    }
    return hook->deed == DEED_ASK ? run_method(hook, call)
                                  : run_around(hook, call, run_method, hook);
}

/* A terminal is read by the interpreter itself, through no object of the program's. Whether an
 * attempt that failed got to it shows in the prompt. */
static void note_terminal(const struct call *call, PyObject *result, bool has_written)
{
    PyObject *failure = result == NULL ? PyErr_GetRaisedException() : NULL;
    if (call->count > 0 && (result != NULL || !has_written)) {
        note_text(CTR_STDOUT, call->args[0]);
    }
    if (result != NULL && PyUnicode_Check(result)) {
        count_note(CTR_STDIN);
        io_record_text(recording, CTR_STDIN, result, true);
    }
    if (result == NULL) {
        PyErr_SetRaisedException(failure);
    }
}

static PyObject *around_input(const struct hook *hook, const struct call *call)
{
    uint64_t inputs = noted.inputs, outputs = noted.outputs;
    PyObject *result = call_original(hook, call);
    if (noted.inputs == inputs && is_recorded() &&
        io_object_descriptor(standing(CTR_STDIN)) == STDIN_FILENO) {
        int saved = errno;
        note_terminal(call, result, noted.outputs != outputs);
        errno = saved;
    }
    return result;
}

/* ---- the functions in the program's place
 * ----------------------------------------------------------- */

/* name, module, type, method, convention, layer, deed */
#define HOOKS(X)                                                                    \
    X(text_write, "_io", "TextIOWrapper", "write", O, TEXT, WRITE)                  \
    X(text_flush, "_io", "TextIOWrapper", "flush", NOARGS, TEXT, PASS)              \
    X(text_tell, "_io", "TextIOWrapper", "tell", NOARGS, TEXT, PASS)                \
    X(text_read, "_io", "TextIOWrapper", "read", FAST, TEXT, READ)                  \
    X(text_readline, "_io", "TextIOWrapper", "readline", FAST, TEXT, READ)          \
    X(memory_write, "_io", "StringIO", "write", O, MEMORY, WRITE)                   \
    X(memory_read, "_io", "StringIO", "read", FAST, MEMORY, READ)                   \
    X(memory_readline, "_io", "StringIO", "readline", FAST, MEMORY, READ)           \
    X(writer_write, "_io", "BufferedWriter", "write", O, BUFFER, WRITE)             \
    X(random_write, "_io", "BufferedRandom", "write", O, BUFFER, WRITE)             \
    X(reader_read, "_io", "BufferedReader", "read", FAST, BUFFER, READ)             \
    X(reader_read1, "_io", "BufferedReader", "read1", FAST, BUFFER, READ)           \
    X(reader_readline, "_io", "BufferedReader", "readline", FAST, BUFFER, READ)     \
    X(reader_readinto, "_io", "BufferedReader", "readinto", O, BUFFER, READ_INTO)   \
    X(reader_readinto1, "_io", "BufferedReader", "readinto1", O, BUFFER, READ_INTO) \
    X(random_read, "_io", "BufferedRandom", "read", FAST, BUFFER, READ)             \
    X(random_read1, "_io", "BufferedRandom", "read1", FAST, BUFFER, READ)           \
    X(random_readline, "_io", "BufferedRandom", "readline", FAST, BUFFER, READ)     \
    X(random_readinto, "_io", "BufferedRandom", "readinto", O, BUFFER, READ_INTO)   \
    X(random_readinto1, "_io", "BufferedRandom", "readinto1", O, BUFFER, READ_INTO) \
    X(file_write, "_io", "FileIO", "write", METHOD, FILE, WRITE)                    \
    X(file_read, "_io", "FileIO", "read", METHOD, FILE, READ)                       \
    X(file_readall, "_io", "FileIO", "readall", NOARGS, FILE, READ)                 \
    X(file_readinto, "_io", "FileIO", "readinto", METHOD, FILE, READ_INTO)          \
    X(file_isatty, "_io", "FileIO", "isatty", NOARGS, FILE, ASK)                    \
    X(file_seek, "_io", "FileIO", "seek", FAST, FILE, ASK)                          \
    X(file_tell, "_io", "FileIO", "tell", NOARGS, FILE, ASK)                        \
    X(file_truncate, "_io", "FileIO", "truncate", METHOD, FILE, ASK)                \
    X(os_isatty, "posix", NULL, "isatty", O, DESCRIPTOR, ASK)                       \
    X(os_lseek, "posix", NULL, "lseek", FAST, DESCRIPTOR, ASK)                      \
    X(os_fstat, "posix", NULL, "fstat", NAMES, DESCRIPTOR, ASK)                     \
    X(os_fsync, "posix", NULL, "fsync", NAMES, DESCRIPTOR, ASK)                     \
    X(os_fdatasync, "posix", NULL, "fdatasync", NAMES, DESCRIPTOR, ASK)             \
    X(os_ftruncate, "posix", NULL, "ftruncate", FAST, DESCRIPTOR, ASK)              \
    X(os_terminal, "posix", NULL, "get_terminal_size", FAST, DESCRIPTOR, ASK)       \
    X(os_write, "posix", NULL, "write", FAST, DESCRIPTOR, WRITE)                    \
    X(os_writev, "posix", NULL, "writev", FAST, DESCRIPTOR, WRITE)                  \
    X(os_read, "posix", NULL, "read", FAST, DESCRIPTOR, READ)                       \
    X(os_readv, "posix", NULL, "readv", FAST, DESCRIPTOR, READ_INTO)                \
    X(terminal_input, "builtins", NULL, "input", FAST, INPUT, READ)

#define FLAGS_O      METH_O
#define FLAGS_NOARGS METH_NOARGS
#define FLAGS_FAST   METH_FASTCALL
#define FLAGS_NAMES  (METH_FASTCALL | METH_KEYWORDS)
#define FLAGS_METHOD (METH_METHOD | METH_FASTCALL | METH_KEYWORDS)

enum hook_number {
#define X(id, ...) HOOK_##id,
    HOOKS(X)
#undef X
        HOOK_COUNT
};

static struct hook hooks[HOOK_COUNT];

/* fd=1 is 1. */
static void name_descriptor(struct call *call)
{
    bool is_named = call->count == 0 && call->names != NULL && PyTuple_GET_SIZE(call->names) == 1;
    if (is_named && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(call->names, 0), "fd") == 0) {
        call->count = 1;
        call->names = NULL;
    }
}

#define DEFINE_O(id)                                                                              \
    static PyObject *id(PyObject *self, PyObject *arg)                                            \
    {                                                                                             \
        return around(&hooks[HOOK_##id], &(struct call){.self = self, .args = &arg, .count = 1}); \
    }
#define DEFINE_NOARGS(id)                                               \
    static PyObject *id(PyObject *self, PyObject *unused)               \
    {                                                                   \
        (void)unused;                                                   \
        return around(&hooks[HOOK_##id], &(struct call){.self = self}); \
    }
#define DEFINE_FAST(id)                                                                  \
    static PyObject *id(PyObject *self, PyObject *const *args, Py_ssize_t count)         \
    {                                                                                    \
        struct call call = {.self = self, .args = args, .count = count};                 \
        return HOOK_##id == HOOK_terminal_input ? around_input(&hooks[HOOK_##id], &call) \
                                                : around(&hooks[HOOK_##id], &call);      \
    }
#define DEFINE_NAMES(id)                                                                          \
    static PyObject *id(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) \
    {                                                                                             \
        struct call call = {.self = self, .args = args, .count = count, .names = names};          \
        name_descriptor(&call);                                                                   \
        return around(&hooks[HOOK_##id], &call);                                                  \
    }
#define DEFINE_METHOD(id)                                                                        \
    static PyObject *id(PyObject *self, PyTypeObject *type, PyObject *const *args, size_t count, \
                        PyObject *names)                                                         \
    {                                                                                            \
        Py_ssize_t positional = PyVectorcall_NARGS(count);                                       \
        return around(&hooks[HOOK_##id], &(struct call){self, type, args, positional, names});   \
    }

#define X(id, module, type, method, convention, layer, deed) DEFINE_##convention(id)
HOOKS(X)
#undef X

static struct hook hooks[HOOK_COUNT] = {
#define X(id, module, type, method, convention, layer, deed) \
    [HOOK_##id] = {module,                                   \
                   type,                                     \
                   method,                                   \
                   FLAGS_##convention,                       \
                   LAYER_##layer,                            \
                   DEED_##deed,                              \
                   (void (*)(void))(id),                     \
                   NULL,                                     \
                   NULL},
    HOOKS(X)
#undef X
};

/* ---- iteration
 * -------------------------------------------------------------------------------------- */

static PyObject *next_text(PyObject *self);
static PyObject *next_memory(PyObject *self);
static PyObject *next_reader(PyObject *self);
static PyObject *next_random(PyObject *self);

enum { NEXT_TEXT, NEXT_MEMORY, NEXT_READER, NEXT_RANDOM, NEXT_HOOKS };

static struct next_hook next_hooks[NEXT_HOOKS] = {
    [NEXT_TEXT] = {"TextIOWrapper", LAYER_TEXT, next_text, NULL, NULL, NULL},
    [NEXT_MEMORY] = {"StringIO", LAYER_MEMORY, next_memory, NULL, NULL, NULL},
    [NEXT_READER] = {"BufferedReader", LAYER_BUFFER, next_reader, NULL, NULL, NULL},
    [NEXT_RANDOM] = {"BufferedRandom", LAYER_BUFFER, next_random, NULL, NULL, NULL},
};

static PyObject *run_next(const void *original, const struct call *call)
{
    return ((const struct next_hook *)original)->original(call->self);
}

/* That of a derived class calls its `readline`, which tells. */
static PyObject *around_next(const struct next_hook *next, PyObject *self)
{
    if (!is_recorded() || !Py_IS_TYPE(self, next->found)) {
        return next->original(self);
    }
    const struct hook hook = {.layer = next->layer, .deed = DEED_READ};
    return run_around(&hook, &(struct call){.self = self}, run_next, next);
}

static PyObject *next_text(PyObject *self)
{
    return around_next(&next_hooks[NEXT_TEXT], self);
}

static PyObject *next_memory(PyObject *self)
{
    return around_next(&next_hooks[NEXT_MEMORY], self);
}

static PyObject *next_reader(PyObject *self)
{
    return around_next(&next_hooks[NEXT_READER], self);
}

static PyObject *next_random(PyObject *self)
{
    return around_next(&next_hooks[NEXT_RANDOM], self);
}

/* ---- start and stop
 * --------------------------------------------------------------------------------- */

/* All are modules the interpreter has loaded when it starts. */
static PyObject *find_in_module(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *found = module != NULL && PyModule_Check(module)
                          ? compat_dict_get(PyModule_GetDict(module), name)
                          : NULL;
    Py_XDECREF(module); /* the module lives on, and with it what it holds */
    PyErr_Clear();
    return found;
}

static PyMethodDef *find_named(PyMethodDef *method, const struct hook *hook)
{
    for (; method != NULL && method->ml_name != NULL; method++) {
        if (strcmp(method->ml_name, hook->name) == 0 && method->ml_flags == hook->flags) {
            return method;
        }
    }
    return NULL;
}

static PyMethodDef *find_method(const struct hook *hook)
{
    if (hook->type == NULL) {
        PyObject *module = PyImport_ImportModule(hook->module);
        PyModuleDef *definition =
            module != NULL && PyModule_Check(module) ? PyModule_GetDef(module) : NULL;
        Py_XDECREF(module);
        PyErr_Clear();
        return definition != NULL ? find_named(definition->m_methods, hook) : NULL;
    }
    PyObject *type = find_in_module(hook->module, hook->type);
    bool is_type = type != NULL && PyType_Check(type);
    return is_type ? find_named(((PyTypeObject *)type)->tp_methods, hook) : NULL;
}

static void hook_method(struct hook *hook)
{
    PyMethodDef *method = hook->method != NULL ? hook->method : find_method(hook);
    if (method != NULL && method->ml_meth != (PyCFunction)hook->ours) {
        hook->method = method;
        hook->original = method->ml_meth;
        method->ml_meth = (PyCFunction)hook->ours;
    }
}

static void unhook_method(struct hook *hook)
{
    if (hook->method != NULL && hook->method->ml_meth == (PyCFunction)hook->ours) {
        hook->method->ml_meth = hook->original;
    }
}

static void hook_next(struct next_hook *next)
{
    PyObject *type = find_in_module("_io", next->type);
    if (type == NULL || !PyType_Check(type) || next->found != NULL) {
        return;
    }
    PyTypeObject *found = (PyTypeObject *)type;
    PyObject *descriptor = compat_dict_get(found->tp_dict, "__next__");
    if (descriptor == NULL || !Py_IS_TYPE(descriptor, &PyWrapperDescr_Type) ||
        ((PyWrapperDescrObject *)descriptor)->d_wrapped != (void *)found->tp_iternext) {
        return;
    }
    next->found = (PyTypeObject *)Py_NewRef(type);
    next->original = found->tp_iternext;
    next->descriptor = (PyWrapperDescrObject *)descriptor;
    next->descriptor->d_wrapped = (void *)next->ours;
    found->tp_iternext = next->ours;
}

/* Classes derived meanwhile keep ours, which goes on to the original. */
static void unhook_next(struct next_hook *next)
{
    if (next->found != NULL) {
        next->descriptor->d_wrapped = (void *)next->original;
        next->found->tp_iternext = next->original;
        Py_CLEAR(next->found);
    }
}

static bool learn_names(void)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    for (int i = 0; i < 3; i++) {
        if (stream_names[i] == NULL) {
            stream_names[i] = PyUnicode_InternFromString(names[i]);
        }
        if (stream_names[i] == NULL || PyObject_Hash(stream_names[i]) == -1) {
            PyErr_Clear();
            return false;
        }
    }
    return true;
}

void io_capture_start(struct session *session, enum ct_start_io mode)
{
    if (mode == CT_START_IO_OFF || !learn_names() || !io_object_learn()) {
        return;
    }
    recording = session;
    if (mode == CT_START_IO_DESCRIPTORS && !io_pipe_start(session->directory)) {
        PySys_FormatStderr("codetracer: no pipes for standard output and error: what children "
                           "write is not recorded\n");
    }
    for (int i = 0; i < HOOK_COUNT; i++) {
        hook_method(&hooks[i]);
    }
    for (int i = 0; i < NEXT_HOOKS; i++) {
        hook_next(&next_hooks[i]);
    }
}

void io_capture_after_fork_in_child(void)
{
    io_pipe_after_fork_in_child();
}

void io_capture_put_foreign(struct session *session)
{
    enum { PIECES = 2 };
    int descriptor;
    char bytes[IO_PIPE_PIECE];
    size_t size;
    for (int i = 0; i < PIECES && !is_noting && (size = io_pipe_take(&descriptor, bytes)) > 0;
         i++) {
        io_record_here(session, (uint8_t)(descriptor | CTR_STREAM_FOREIGN), bytes, size);
    }
}

void io_capture_stop(void)
{
    if (recording != NULL && io_pipe_is_on()) {
        Py_BEGIN_ALLOW_THREADS io_pipe_put_back();
        Py_END_ALLOW_THREADS note_foreign();
        recording->writer->counters[CTR_C_values_dropped] += io_pipe_lost();
        io_pipe_stop();
    }
    recording = NULL;
    for (int i = 0; i < HOOK_COUNT; i++) {
        unhook_method(&hooks[i]);
    }
    for (int i = 0; i < NEXT_HOOKS; i++) {
        unhook_next(&next_hooks[i]);
    }
}
