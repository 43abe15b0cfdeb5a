/* Which Python records: the one the user named, else the one that is active in the shell; and
 * whether it can. It is asked once, in one short process, and the very same one then records. */
#ifndef CT_CLI_INTERPRETER_H
#define CT_CLI_INTERPRETER_H

#include <stdbool.h>

/* What the search looks at, so that it can be tested without touching the environment. */
struct interpreter_places {
    const char *path;                    /* PATH */
    const char *home;                    /* HOME */
    char *(*variable)(const char *name); /* getenv() */
};

/* Where it was found. */
struct interpreter {
    char *path;           /* as found: symbolic links are not followed, a venv stays a venv */
    const char *variable; /* the variable that named it, or NULL: it is the first on PATH */
};

enum interpreter_search {
    INTERPRETER_FOUND,
    INTERPRETER_BAD_VARIABLE, /* `variable` is set to something that is no program */
    INTERPRETER_NOT_ON_PATH,
};

/* The first of CODETRACER_PYTHON_INTERPRETER, PYTHON_EXECUTABLE, PYTHONEXECUTABLE and PYTHON that
 * is set decides alone; else the first of python3, python and py on PATH. */
enum interpreter_search interpreter_find(const struct interpreter_places *places,
                                         struct interpreter *interpreter);

void interpreter_clear(struct interpreter *interpreter);

/* Find the interpreter of this environment, or say why there is none. */
bool interpreter_choose(struct interpreter *interpreter);

/* What it says of itself. */
struct interpreter_answer {
    bool has_start_hook; /* a plain start of it looks for the recorder's order */
    char python[64];     /* "cpython 3.13.0" */
    char recorder[64];   /* version of the package */
};

/* Ask it whether it can record, or say why not; `answer` has what it said in either case. */
bool interpreter_ask(const struct interpreter *interpreter, struct interpreter_answer *answer);

#endif
