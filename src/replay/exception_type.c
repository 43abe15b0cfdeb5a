#include "replay/exception_type.h"

#include <string.h>

/* Python's own exceptions. */
static const struct {
    const char *name, *base;
} bases[] = {
    {"ArithmeticError", "Exception"},
    {"AssertionError", "Exception"},
    {"AttributeError", "Exception"},
    {"BaseExceptionGroup", "BaseException"},
    {"BlockingIOError", "OSError"},
    {"BrokenPipeError", "ConnectionError"},
    {"BufferError", "Exception"},
    {"BytesWarning", "Warning"},
    {"ChildProcessError", "OSError"},
    {"ConnectionAbortedError", "ConnectionError"},
    {"ConnectionError", "OSError"},
    {"ConnectionRefusedError", "ConnectionError"},
    {"ConnectionResetError", "ConnectionError"},
    {"DeprecationWarning", "Warning"},
    {"EOFError", "Exception"},
    {"EncodingWarning", "Warning"},
    {"Exception", "BaseException"},
    {"ExceptionGroup", "BaseExceptionGroup"},
    {"FileExistsError", "OSError"},
    {"FileNotFoundError", "OSError"},
    {"FloatingPointError", "ArithmeticError"},
    {"FutureWarning", "Warning"},
    {"GeneratorExit", "BaseException"},
    {"ImportError", "Exception"},
    {"ImportWarning", "Warning"},
    {"IndentationError", "SyntaxError"},
    {"IndexError", "LookupError"},
    {"InterruptedError", "OSError"},
    {"IsADirectoryError", "OSError"},
    {"KeyError", "LookupError"},
    {"KeyboardInterrupt", "BaseException"},
    {"LookupError", "Exception"},
    {"MemoryError", "Exception"},
    {"ModuleNotFoundError", "ImportError"},
    {"NameError", "Exception"},
    {"NotADirectoryError", "OSError"},
    {"NotImplementedError", "RuntimeError"},
    {"OSError", "Exception"},
    {"OverflowError", "ArithmeticError"},
    {"PendingDeprecationWarning", "Warning"},
    {"PermissionError", "OSError"},
    {"ProcessLookupError", "OSError"},
    {"PythonFinalizationError", "RuntimeError"},
    {"RecursionError", "RuntimeError"},
    {"ReferenceError", "Exception"},
    {"ResourceWarning", "Warning"},
    {"RuntimeError", "Exception"},
    {"RuntimeWarning", "Warning"},
    {"StopAsyncIteration", "Exception"},
    {"StopIteration", "Exception"},
    {"SyntaxError", "Exception"},
    {"SyntaxWarning", "Warning"},
    {"SystemError", "Exception"},
    {"SystemExit", "BaseException"},
    {"TabError", "IndentationError"},
    {"TimeoutError", "OSError"},
    {"TypeError", "Exception"},
    {"UnboundLocalError", "NameError"},
    {"UnicodeDecodeError", "UnicodeError"},
    {"UnicodeEncodeError", "UnicodeError"},
    {"UnicodeError", "ValueError"},
    {"UnicodeTranslateError", "UnicodeError"},
    {"UnicodeWarning", "Warning"},
    {"UserWarning", "Warning"},
    {"ValueError", "Exception"},
    {"Warning", "Exception"},
    {"ZeroDivisionError", "ArithmeticError"},
    {"_IncompleteInputError", "SyntaxError"},
};

static bool is_text(struct ctr_text text, const char *other, size_t size)
{
    return text.size == size && memcmp(text.bytes, other, size) == 0;
}

bool rp_is_python_s(const struct ctr_type *type)
{
    return ctr_text_is(type->module, "builtins");
}

/* The base of one of Python's own; NULL: it is BaseException. Of classes of the program and of
 * libraries the trace does not say what they are derived from: Exception, as they should be. */
static const char *base_of(const struct ctr_type *type, struct ctr_text name)
{
    for (size_t i = 0; rp_is_python_s(type) && i < sizeof bases / sizeof bases[0]; i++) {
        if (ctr_text_is(name, bases[i].name)) {
            return bases[i].base;
        }
    }
    bool is_cancelled = ctr_text_is(type->module, "asyncio.exceptions") &&
                        ctr_text_is(type->name, "CancelledError");
    return ctr_text_is(name, "BaseException") ? NULL : is_cancelled ? "BaseException" : "Exception";
}

/* "Error", "Outer.Error", "app.Outer.Error". */
static bool is_called(const struct ctr_type *type, const char *name, size_t size)
{
    size_t module = type->module.size;
    const char *last = memrchr(type->name.bytes, '.', type->name.size);
    struct ctr_text simple = type->name;
    if (last != NULL) {
        simple.bytes = last + 1;
        simple.size = type->name.size - (size_t)(last + 1 - type->name.bytes);
    }
    bool has_module =
        size > module && name[module] == '.' && memcmp(name, type->module.bytes, module) == 0;
    return is_text(type->name, name, size) || is_text(simple, name, size) ||
           (has_module && is_text(type->name, name + module + 1, size - module - 1));
}

bool rp_exception_is_a(const struct ctr_type *type, const char *name, size_t size)
{
    if (is_called(type, name, size)) {
        return true;
    }
    static const char python[] = "builtins.";
    if (size >= sizeof python - 1 && memcmp(name, python, sizeof python - 1) == 0) {
        name += sizeof python - 1;
        size -= sizeof python - 1;
    }
    struct ctr_text base = type->name;
    struct ctr_text wanted = {name, size};
    if (rp_is_python_s(type) && ctr_text_is(base, "ExceptionGroup") &&
        ctr_text_is(wanted, "Exception")) { /* its second base */
        return true;
    }
    for (const char *next = base_of(type, base); next != NULL;) {
        base = (struct ctr_text){next, strlen(next)};
        if (is_text(base, name, size)) {
            return true;
        }
        static const struct ctr_type built_in = {.module = {"builtins", 8}};
        next = base_of(&built_in, base);
    }
    return false;
}

bool rp_is_exception_of_python(struct ctr_text name)
{
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        if (ctr_text_is(name, bases[i].name)) {
            return true;
        }
    }
    return ctr_text_is(name, "BaseException");
}
