#include "recorder/bytecode.h"

#include <opcode.h>
#include <stdlib.h>

/* ---- the location table
 * -------------------------------------------------------------------------- */

static int read_varint(struct positions *positions)
{
    unsigned value = 0;
    for (int shift = 0; positions->at < positions->end && shift < 30; shift += 6) {
        uint8_t byte = *positions->at++;
        value |= (unsigned)(byte & 63) << shift;
        if (!(byte & 64)) {
            break;
        }
    }
    return (int)value;
}

static int read_signed(struct positions *positions)
{
    unsigned value = (unsigned)read_varint(positions);
    return value & 1 ? -(int)(value >> 1) : (int)(value >> 1);
}

static int read_byte(struct positions *positions)
{
    return positions->at < positions->end ? *positions->at++ : 0;
}

/* A table may be made up: lines wrap like unsigned numbers. */
static void move_line(struct positions *positions, int change)
{
    positions->line = (int)((unsigned)positions->line + (unsigned)change);
}

struct positions positions_of(PyCodeObject *code)
{
    const uint8_t *table = (const uint8_t *)PyBytes_AS_STRING(code->co_linetable);
    return (struct positions){.at = table,
                              .end = table + PyBytes_GET_SIZE(code->co_linetable),
                              .line = code->co_firstlineno};
}

/* Entries of one byte (form, length) and operands; see CPython's Objects/locations.md. */
bool positions_next(struct positions *positions)
{
    enum { SHORT_MAX = 9, ONE_LINE = 10, ONE_LINE_MAX = 12, NO_COLUMNS = 13, LONG = 14 };
    if (positions->at >= positions->end) {
        return false;
    }
    int first = read_byte(positions), form = first >> 3 & 15;
    struct position *position = &positions->position;
    *position = (struct position){NO_LINE, NO_LINE, NO_COLUMN, NO_COLUMN};
    positions->units = (first & 7) + 1;
    if (form <= SHORT_MAX) {
        int columns = read_byte(positions);
        position->column = form << 3 | columns >> 4;
        position->end_column = position->column + (columns & 15);
    } else if (form <= ONE_LINE_MAX) {
        move_line(positions, form - ONE_LINE);
        position->column = read_byte(positions);
        position->end_column = read_byte(positions);
    } else if (form == NO_COLUMNS) {
        move_line(positions, read_signed(positions));
    } else if (form == LONG) {
        move_line(positions, read_signed(positions));
        position->end_line = (int)((unsigned)positions->line + (unsigned)read_varint(positions));
        position->column = read_varint(positions) - 1;
        position->end_column = read_varint(positions) - 1;
    } else {
        return true;
    }
    position->line = positions->line;
    position->end_line = form == LONG ? position->end_line : positions->line;
    return true;
}

void bytecode_lines(PyCodeObject *code, int *lines, Py_ssize_t units)
{
    struct positions positions = positions_of(code);
    Py_ssize_t unit = 0;
    while (unit < units && positions_next(&positions)) {
        for (int i = 0; i < positions.units && unit < units; i++) {
            lines[unit++] = positions.position.line;
        }
    }
    while (unit < units) {
        lines[unit++] = NO_LINE;
    }
}

/* ---- instructions
 * -------------------------------------------------------------------------------- */

static bool ends_flow(int opcode)
{
    return opcode == JUMP_FORWARD || opcode == JUMP_BACKWARD || opcode == RETURN_VALUE ||
           opcode == RETURN_CONST || opcode == RAISE_VARARGS || opcode == RERAISE ||
           opcode == JUMP_BACKWARD_NO_INTERRUPT;
}

/* The code unit a jump leads to from the unit behind it; negative: it is no jump. */
static Py_ssize_t jump_target(int opcode, unsigned argument, Py_ssize_t next)
{
    switch (opcode) {
    case JUMP_FORWARD:
    case POP_JUMP_IF_TRUE:
    case POP_JUMP_IF_FALSE:
    case POP_JUMP_IF_NONE:
    case POP_JUMP_IF_NOT_NONE:
    case FOR_ITER:
    case SEND:
        return next + (Py_ssize_t)argument;
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
        return next - (Py_ssize_t)argument;
    default:
        return -1;
    }
}

/* Instructions in order; `target` is a code unit until all are known. */
static void read_instructions(struct bytecode *bytecode, const uint8_t *bytes)
{
    unsigned extended = 0;
    Py_ssize_t start = 0;
    for (Py_ssize_t i = 0; i < bytecode->units; i++) {
        int opcode = bytes[2 * i];
        unsigned argument = extended << 8 | bytes[2 * i + 1];
        extended = opcode == EXTENDED_ARG ? argument : 0;
        bytecode->of_unit[i] = bytecode->count;
        if (opcode == EXTENDED_ARG) {
            continue;
        }
        struct instruction *instruction = &bytecode->at[bytecode->count++];
        Py_ssize_t unit = i;
        while (i + 1 < bytecode->units && bytes[2 * (i + 1)] == CACHE) {
            bytecode->of_unit[++i] = bytecode->count - 1;
        }
        *instruction = (struct instruction){
            .unit = (uint32_t)unit,
            .start = (uint32_t)start,
            .argument = argument,
            .target = (int32_t)jump_target(opcode, argument, i + 1),
            .handler = NO_INSTRUCTION,
            .opcode = (uint8_t)opcode,
            .falls = !ends_flow(opcode),
            .jumps_back = opcode == JUMP_BACKWARD || opcode == JUMP_BACKWARD_NO_INTERRUPT,
        };
        start = i + 1;
    }
}

static int32_t instruction_at(const struct bytecode *bytecode, Py_ssize_t unit)
{
    int32_t found = unit >= 0 && unit < bytecode->units ? bytecode->of_unit[unit] : NO_INSTRUCTION;
    return found < bytecode->count ? found : NO_INSTRUCTION;
}

static void place_instructions(struct bytecode *bytecode, PyCodeObject *code)
{
    struct positions positions = positions_of(code);
    positions.position = (struct position){NO_LINE, NO_LINE, NO_COLUMN, NO_COLUMN};
    Py_ssize_t covered = 0;
    for (int i = 0; i < bytecode->count; i++) {
        struct instruction *instruction = &bytecode->at[i];
        while (covered <= (Py_ssize_t)instruction->unit && positions_next(&positions)) {
            covered += positions.units;
        }
        if (covered > (Py_ssize_t)instruction->unit) {
            instruction->position = positions.position;
        } else {
            instruction->position = (struct position){NO_LINE, NO_LINE, NO_COLUMN, NO_COLUMN};
        }
        instruction->target = instruction_at(bytecode, instruction->target);
    }
}

/* Numbers of the exception table: six bits a byte, the highest first. */
static int read_exception_number(const uint8_t **at, const uint8_t *end)
{
    unsigned value = 0;
    for (int i = 0; *at < end && i < 5; i++) {
        uint8_t byte = *(*at)++;
        value = value << 6 | (byte & 63);
        if (!(byte & 64)) {
            break;
        }
    }
    return (int)(value & INT_MAX);
}

static void find_handlers(struct bytecode *bytecode, PyCodeObject *code)
{
    const uint8_t *at = (const uint8_t *)PyBytes_AS_STRING(code->co_exceptiontable);
    const uint8_t *end = at + PyBytes_GET_SIZE(code->co_exceptiontable);
    while (at < end) {
        int start = read_exception_number(&at, end), size = read_exception_number(&at, end);
        int32_t handler = instruction_at(bytecode, read_exception_number(&at, end));
        read_exception_number(&at, end);
        int32_t from = instruction_at(bytecode, start);
        for (int i = from; i >= 0 && i < bytecode->count &&
                           (Py_ssize_t)bytecode->at[i].unit < (Py_ssize_t)start + size;
             i++) {
            bytecode->at[i].handler = handler;
        }
    }
}

bool bytecode_read(struct bytecode *bytecode, PyCodeObject *code, PyObject *bytes)
{
    Py_ssize_t units = PyBytes_GET_SIZE(bytes) / 2;
    *bytecode = (struct bytecode){.units = units};
    bytecode->at = calloc((size_t)units + 1, sizeof *bytecode->at);
    bytecode->of_unit = calloc((size_t)units + 1, sizeof *bytecode->of_unit);
    if (bytecode->at == NULL || bytecode->of_unit == NULL) {
        bytecode_free(bytecode);
        return false;
    }
    read_instructions(bytecode, (const uint8_t *)PyBytes_AS_STRING(bytes));
    place_instructions(bytecode, code);
    find_handlers(bytecode, code);
    return true;
}

void bytecode_free(struct bytecode *bytecode)
{
    free(bytecode->at);
    free(bytecode->of_unit);
    *bytecode = (struct bytecode){0};
}
