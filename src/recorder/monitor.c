#include "recorder/monitor.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <structmember.h>

#include "recorder/events.h"
#include "recorder/failure.h"
#include "recorder/filter.h"
#include "recorder/gate.h"
#include "recorder/inject.h"
#include "recorder/plan.h"
#include "recorder/repair.h"
#include "recorder/scope.h"

/* ---- callbacks: objects that are their own vectorcall
 * -------------------------------------------- */

struct callback {
    PyObject_HEAD vectorcallfunc call;
    vectorcallfunc behind; /* of the gate */
    const struct monitored *event;
    struct session *session;
};

#define CALL(event)                                                                    \
    static PyObject *call_##event(PyObject *self, PyObject *const *args, size_t count, \
                                  PyObject *names)                                     \
    {                                                                                  \
        (void)count;                                                                   \
        (void)names;                                                                   \
        return event_##event(((struct callback *)self)->session, args);                \
    }

CALL(line)
CALL(jump)
CALL(start)
CALL(resume)
CALL(return )
CALL(yield)
CALL(throw)
CALL(unwind)
CALL(raise)
CALL(handled)
CALL(call)
CALL(called)

/* The test build, where a failure is ordered for a line. */
static PyObject *call_failing_line(PyObject *self, PyObject *const *args, size_t count,
                                   PyObject *names)
{
    const struct failure *failure = inject_take(INJECT_LINE);
    return failure != NULL ? failure_end(((struct callback *)self)->session, failure)
                           : call_line(self, args, count, names);
}

struct monitored {
    const char *name; /* in sys.monitoring.events */
    vectorcallfunc call;
    bool everywhere; /* cannot be turned on for single code objects, or decides about them */
    bool on_code;
    bool opens;     /* the gate, where the frame runs the activation path; */
    bool asks_once; /* of each code object, as long as it is closed */
    bool leaves;    /* a frame that recording may have begun with */
};

static const struct monitored monitored[] = {
    {"LINE", call_line, .on_code = true, .opens = true},
    {"JUMP", call_jump}, /* on code that has turns */
    {"CALL", call_call}, /* on code that has sites, and with it: */
    {"C_RETURN", call_called},
    {"C_RAISE", call_called},
    /* Also on code: else 3.13 reports no line of a one-line def. */
    {"PY_START", call_start, .everywhere = true, .on_code = true, .opens = true, .asks_once = true},
    /* Everywhere: a generator may have begun before we looked. */
    {"PY_RESUME", call_resume, .everywhere = true, .opens = true, .asks_once = true},
    {"PY_RETURN", call_return, .on_code = true, .leaves = true},
    {"PY_YIELD", call_yield, .on_code = true},
    {"PY_THROW", call_throw, .everywhere = true, .opens = true},
    {"PY_UNWIND", call_unwind, .everywhere = true, .leaves = true},
    {"RAISE", call_raise, .everywhere = true},
    {"EXCEPTION_HANDLED", call_handled, .everywhere = true},
};

enum { MONITORED = sizeof monitored / sizeof monitored[0] };

/* In front of every callback of a session with an activation path. */
static PyObject *call_gated(PyObject *self, PyObject *const *args, size_t count, PyObject *names)
{
    struct callback *callback = (struct callback *)self;
    struct session *session = callback->session;
    PyCodeObject *code = (PyCodeObject *)args[0];
    compat_frame *frame = compat_current_frame(PyThreadState_Get());
    if (!compat_frame_runs(frame, args[0])) {
        Py_RETURN_NONE;
    }
    const struct monitored *event = callback->event;
    if (gate_is_closed(session)) {
        if (!event->opens || !gate_lets_pass(session, code, frame)) {
            bool is_final = event->asks_once && !session->waiting_for_main;
            return Py_NewRef(is_final ? session->disable : Py_None);
        }
    } else if (callback->behind == call_start && frame == session->activator) {
        gate_close(session); /* a generator that was dropped: its place is another frame's now */
        Py_RETURN_NONE;      /* and this callback is gone */
    }
    bool is_end = event->leaves && gate_is_activator(session, frame, code);
    PyObject *result = callback->behind(self, args, count, names);
    if (is_end) {
        gate_close(session);
    }
    return result;
}

static PyMemberDef callback_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(struct callback, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static void callback_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot callback_slots[] = {
    {Py_tp_dealloc, callback_dealloc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, callback_members},
    {0, NULL},
};

static PyType_Spec callback_spec = {
    .name = "codetracer_python_recorder._recorder.Callback",
    .basicsize = sizeof(struct callback),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = callback_slots,
};

/* ---- sys.monitoring
 * --------------------------------------------------------------------------------- */

static PyObject *monitoring(void)
{
    PyObject *module = PySys_GetObject("monitoring");
    if (module == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "this interpreter has no sys.monitoring");
    }
    return module;
}

static long event_number(PyObject *module, const char *name)
{
    PyObject *events = PyObject_GetAttrString(module, "events");
    PyObject *number = events != NULL ? PyObject_GetAttrString(events, name) : NULL;
    long value = number != NULL ? PyLong_AsLong(number) : -1;
    Py_XDECREF(number);
    Py_XDECREF(events);
    return value;
}

static bool call_ok(PyObject *result)
{
    Py_XDECREF(result);
    return result != NULL;
}

static bool take_tool(struct session *session, PyObject *module)
{
    static const int preferred[] = {5, 4, 3, 2, 1, 0};
    for (size_t i = 0; i < sizeof preferred / sizeof preferred[0]; i++) {
        if (call_ok(PyObject_CallMethod(module, "use_tool_id", "is", preferred[i],
                                        "codetracer-python-recorder"))) {
            session->tool = preferred[i];
            return true;
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) {
            return false;
        }
        PyErr_Clear();
    }
    return false;
}

static bool register_callbacks(struct session *session, PyObject *module)
{
    PyObject *type = PyType_FromSpec(&callback_spec);
    bool all = type != NULL;
    session->events_everywhere = session->events_on_code = 0;
    for (size_t i = 0; all && i < MONITORED; i++) {
        long event = event_number(module, monitored[i].name);
        struct callback *callback = PyObject_New(struct callback, (PyTypeObject *)type);
        all = event > 0 && callback != NULL;
        if (all) {
            bool fails = monitored[i].call == call_line && inject_awaits(INJECT_LINE);
            callback->behind = fails ? call_failing_line : monitored[i].call;
            callback->call = session->waiting_for_file ? call_gated : callback->behind;
            callback->event = &monitored[i];
            callback->session = session;
            all = call_ok(PyObject_CallMethod(module, "register_callback", "ilO", session->tool,
                                              event, callback));
            session->events_everywhere |= monitored[i].everywhere ? (int)event : 0;
            session->events_on_code |= monitored[i].on_code ? (int)event : 0;
            int *number = monitored[i].call == call_jump     ? &session->event_jump
                          : monitored[i].call == call_call   ? &session->event_call
                          : monitored[i].call == call_return ? &session->event_return
                                                             : NULL;
            if (number != NULL) {
                *number = (int)event;
            }
        }
        Py_XDECREF(callback);
    }
    Py_XDECREF(type);
    return all;
}

static void watch_running_frames(struct session *session)
{
    PyThreadState *state = PyInterpreterState_ThreadHead(session->interpreter);
    for (; state != NULL; state = PyThreadState_Next(state)) {
        for (compat_frame *frame = compat_current_frame(state); frame != NULL;
             frame = frame->previous) {
            PyCodeObject *code = compat_frame_code(frame);
            if (code == NULL || !compat_frame_is_complete(frame) ||
                (session->waiting_for_file && !gate_is_file(session, code))) {
                continue;
            }
            struct plan *plan = plan_of(session, code, frame->f_globals, frame->f_locals);
            if (plan != NULL && !plan->skip) {
                monitor_watch_code(session, plan, code);
                repair_code(session, plan, code);
            }
        }
    }
}

/* What runs now on this thread launches the program, as a console script does. What it is of the
 * standard library the program uses as well: there the rules decide. */
static void leave_launcher_out(struct session *session)
{
    compat_frame *frame = compat_current_frame(PyThreadState_Get());
    for (; frame != NULL; frame = frame->previous) {
        PyCodeObject *code = compat_frame_code(frame);
        if (code != NULL && scope_of_code(session, code) != SCOPE_LIBRARY) {
            plan_leave_out(session, code);
        }
    }
}

/* Before anything it calls is met. */
static void heed_running_program(struct session *session)
{
    PyThreadState *state = PyInterpreterState_ThreadHead(session->interpreter);
    for (; state != NULL; state = PyThreadState_Next(state)) {
        compat_frame *frame = compat_outermost_frame(state);
        if (frame != NULL && compat_frame_is_complete(frame)) {
            plan_heed_program(session, compat_frame_code(frame), frame->f_globals);
        }
    }
}

static int python_failure(struct ct_error *error, const char *what)
{
    PyObject *raised = PyErr_GetRaisedException();
    PyObject *text = raised != NULL ? PyObject_Str(raised) : NULL;
    const char *why = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    int status =
        ct_fail(error, CT_ESTATE, "%s%s%s", what, why != NULL ? ": " : "", why != NULL ? why : "");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(raised);
    return status;
}

/* Also for code that has answered DISABLE. */
static bool turn_on(const struct session *session, PyObject *module)
{
    return call_ok(PyObject_CallMethod(module, "set_events", "ii", session->tool,
                                       session->events_everywhere)) &&
           call_ok(PyObject_CallMethod(module, "restart_events", NULL));
}

int monitor_start(struct session *session, struct ct_error *error)
{
    PyObject *module = monitoring();
    if (module == NULL) {
        return python_failure(error, "cannot record");
    }
    if (!take_tool(session, module)) {
        PyErr_Clear();
        return ct_fail(error, CT_ESTATE,
                       "no tool number of sys.monitoring is free: six other tools (coverage, "
                       "profilers, debuggers) use them all; stop one of them");
    }
    session->disable = PyObject_GetAttrString(module, "DISABLE");
    if (session->disable == NULL || !register_callbacks(session, module)) {
        monitor_stop(session);
        return python_failure(error, "cannot register with sys.monitoring");
    }
    if (session->is_launched) {
        leave_launcher_out(session);
    }
    if (!session->waiting_for_main) {
        heed_running_program(session);
        watch_running_frames(session);
    }
    if (!turn_on(session, module)) {
        monitor_stop(session);
        return python_failure(error, "cannot turn the events of sys.monitoring on");
    }
    return CT_OK;
}

static void set_code_events(struct session *session, PyCodeObject *code, int events)
{
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *module = monitoring();
    if (module == NULL || !call_ok(PyObject_CallMethod(module, "set_local_events", "iOi",
                                                       session->tool, code, events))) {
        PyErr_Clear();
    }
    PyErr_SetRaisedException(pending);
}

static int events_of(const struct session *session, const struct plan *plan)
{
    int jumps = plan->turn_count != 0 ? session->event_jump : 0;
    int calls = plan->site_count != 0 ? session->event_call : 0;
    return session->events_on_code | jumps | calls;
}

void monitor_watch_code(struct session *session, const struct plan *plan, PyCodeObject *code)
{
    set_code_events(session, code, events_of(session, plan));
}

void monitor_watch_calls(struct session *session, const struct plan *plan, PyCodeObject *code)
{
    int events = events_of(session, plan);
    set_code_events(session, code, events & ~session->event_call);
    set_code_events(session, code, events);
}

static void unwatch_code(struct session *session, PyCodeObject *code)
{
    set_code_events(session, code, 0);
}

void monitor_open(struct session *session, PyCodeObject *code, PyObject *globals)
{
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *module = monitoring();
    heed_running_program(session);
    watch_running_frames(session);
    if (filter_code(session, code, globals).skip) {
        set_code_events(session, code, session->event_return); /* nothing else tells of its end */
    }
    if (module != NULL) {
        turn_on(session, module);
    }
    PyErr_Clear();
    PyErr_SetRaisedException(pending);
}

void monitor_stop(struct session *session)
{
    if (session->tool < 0) {
        return;
    }
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *module = monitoring();
    repair_undo(session);
    if (module != NULL) {
        call_ok(PyObject_CallMethod(module, "set_events", "ii", session->tool, 0));
        PyErr_Clear();
        plans_each_code(session, unwatch_code);
        for (size_t i = 0; i < MONITORED; i++) {
            long event = event_number(module, monitored[i].name);
            call_ok(PyObject_CallMethod(module, "register_callback", "ilO", session->tool, event,
                                        Py_None));
            PyErr_Clear();
        }
        call_ok(PyObject_CallMethod(module, "free_tool_id", "i", session->tool));
    }
    PyErr_Clear();
    PyErr_SetRaisedException(pending);
    session->tool = -1;
}

PyObject *monitor_stopped(struct session *session)
{
    if (session->tool < 0) {
        Py_RETURN_NONE;
    }
    int saved = errno;
    monitor_stop(session);
    PyObject *result = session_is_active() ? failure_end_by_writer(session) : Py_NewRef(Py_None);
    errno = saved;
    return result;
}
