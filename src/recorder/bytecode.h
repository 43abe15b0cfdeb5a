/* A code object's instructions, read from its bytecode as the compiler made it: where each stands
 * in the source, and where control goes from it. */
#ifndef CT_RECORDER_BYTECODE_H
#define CT_RECORDER_BYTECODE_H

#include "recorder/compat.h"

enum { NO_LINE = -1, NO_COLUMN = -1, NO_INSTRUCTION = -1 };

struct position { /* as code.co_positions() has it; columns count bytes of UTF-8 from 0 */
    int line, end_line;
    int column, end_column;
};

/* Reads a location table, an entry at a time. */
struct positions {
    const uint8_t *at, *end;
    int line;
    struct position position; /* of the entry read last */
    int units;                /* code units it is about */
};

struct positions positions_of(PyCodeObject *code);
bool positions_next(struct positions *positions);

/* The line of each code unit, NO_LINE where there is none. */
void bytecode_lines(PyCodeObject *code, int *lines, Py_ssize_t units);

struct instruction {
    struct position position;
    uint32_t unit;
    uint32_t start; /* unit of its first EXTENDED_ARG; else its own */
    uint32_t argument;
    int32_t target;  /* instruction it may jump to */
    int32_t handler; /* instruction an exception in it leads to */
    uint8_t opcode;
    bool falls; /* may go on with the next one */
    bool jumps_back;
};

/* All instructions; EXTENDED_ARG and caches belong to theirs. */
struct bytecode {
    struct instruction *at;
    int count;
    int32_t *of_unit; /* the instruction each code unit belongs to */
    Py_ssize_t units;
};

/* False when memory is out. `bytes` is what PyCode_GetCode gives. */
bool bytecode_read(struct bytecode *bytecode, PyCodeObject *code, PyObject *bytes);
void bytecode_free(struct bytecode *bytecode);

#endif
