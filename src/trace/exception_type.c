#include "trace/exception_type.h"

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

/* NULL: it is BaseException, or none of Python's own. */
static const char *base_of(struct ctr_text name)
{
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        if (ctr_text_is(name, bases[i].name)) {
            return bases[i].base;
        }
    }
    return NULL;
}

bool ctr_is_python_exception(struct ctr_text name)
{
    return base_of(name) != NULL || ctr_text_is(name, "BaseException");
}

bool ctr_python_exception_is_a(struct ctr_text name, struct ctr_text base)
{
    bool has_second = ctr_text_is(name, "ExceptionGroup") && ctr_text_is(base, "Exception");
    const char *next = base_of(name);
    while (!ctr_text_same(name, base) && next != NULL) {
        name = (struct ctr_text){next, strlen(next)};
        next = base_of(name);
    }
    return has_second || ctr_text_same(name, base);
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

bool ctr_exception_is_a(const struct ctr_type *type, const char *name, size_t size)
{
    static const char python[] = "builtins.";
    static const struct ctr_text any = {"BaseException", 13}, usual = {"Exception", 9};
    if (is_called(type, name, size)) {
        return true;
    }
    bool has_module = size >= sizeof python - 1 && memcmp(name, python, sizeof python - 1) == 0;
    size_t skipped = has_module ? sizeof python - 1 : 0;
    bool is_cancelled = ctr_text_is(type->module, "asyncio.exceptions") &&
                        ctr_text_is(type->name, "CancelledError");
    struct ctr_text own = ctr_type_is_builtin(type) ? type->name : is_cancelled ? any : usual;
    return ctr_python_exception_is_a(own, (struct ctr_text){name + skipped, size - skipped});
}
