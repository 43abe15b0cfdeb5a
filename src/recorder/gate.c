#include "recorder/gate.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "recorder/log.h"
#include "recorder/monitor.h"
#include "recorder/wtf8.h"

int gate_init(struct session *session)
{
    session->start_folder = session->waiting_for_file ? getcwd(NULL, 0) : NULL;
    return CT_OK;
}

void gate_free(struct session *session)
{
    free(session->activation);
    free(session->start_folder);
    session->activation = session->start_folder = NULL;
}

/* ---- which file
 * ------------------------------------------------------------------------------------- */

static bool is_same(const char *name, const char *wanted)
{
    char *real = realpath(name, NULL);
    char *real_wanted = realpath(wanted, NULL);
    bool same = real != NULL && real_wanted != NULL ? strcmp(real, real_wanted) == 0
                                                    : strcmp(name, wanted) == 0;
    free(real);
    free(real_wanted);
    return same;
}

/* A relative name was meant for the folder of its time, which may be that of the start. */
static bool is_same_from(const char *folder, const char *name, const char *wanted)
{
    char *path = folder != NULL && name[0] != '/' ? ct_path_join(folder, name) : NULL;
    bool same = path != NULL && is_same(path, wanted);
    free(path);
    return same;
}

bool gate_is_file(const struct session *session, PyCodeObject *code)
{
    char *name = text_copy(code->co_filename);
    bool is = name != NULL && name[0] != '<' &&
              (is_same(name, session->activation) ||
               is_same_from(session->start_folder, name, session->activation));
    free(name);
    return is;
}

/* ---- beginning and end
 * ------------------------------------------------------------------------------ */

static bool is_main_module(PyCodeObject *code, compat_frame *frame)
{
    if (PyUnicode_CompareWithASCIIString(code->co_name, "<module>") != 0) {
        return false;
    }
    PyObject *name = PyDict_GetItemString(frame->f_globals, "__name__");
    return name != NULL && PyUnicode_Check(name) &&
           PyUnicode_CompareWithASCIIString(name, "__main__") == 0;
}

bool gate_lets_pass(struct session *session, PyCodeObject *code, compat_frame *frame)
{
    if (session->waiting_for_main) {
        if (!is_main_module(code, frame)) {
            return false;
        }
        session->waiting_for_main = false;
    }
    if (session->waiting_for_file) {
        if (!gate_is_file(session, code)) {
            return false;
        }
        session->waiting_for_file = false;
        session->activator = frame;
        session->activator_code = code;
        monitor_open(session, code, frame->f_globals);
    }
    return true;
}

void gate_close(struct session *session)
{
    session->activator = NULL;
    session->writer->soft = NULL; /* nothing more is written */
    monitor_stop(session);
    log_message(LOG_INFO, "the activation has ended", session->activation);
}
