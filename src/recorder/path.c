#include "recorder/path.h"

#include "recorder/wtf8.h"

enum { TEXT_PART = 0, RAW_PART = 1 }; /* in type->parts: `_str`, `_raw_paths` */

bool path_learn(struct type_info *type)
{
    static const char *const names[] = {[TEXT_PART] = "_str", [RAW_PART] = "_raw_paths"};
    type->part_count = 0;
    for (int part = 0; part < 2; part++) {
        for (unsigned i = 0; i < type->slot_count; i++) {
            if (strcmp(type->slots[i].text, names[part]) == 0) {
                type->parts[part] = type->slots[i].offset;
                type->part_count++;
            }
        }
    }
    return type->part_count == 2;
}

static PyObject *part(PyObject *path, const struct type_info *type, int index)
{
    return *(PyObject **)((char *)path + type->parts[index]);
}

static size_t put_text(PyObject *text, char *to, size_t room)
{
    Py_ssize_t characters = PyUnicode_GET_LENGTH(text);
    size_t size = text_size(text, characters);
    if (size > room) {
        return 0;
    }
    text_put((uint8_t *)to, text, characters);
    return size;
}

/* As os.path.join: an absolute part starts over. */
static size_t join(PyObject *parts, char *to)
{
    size_t size = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(parts); i++) {
        PyObject *text = PyList_GET_ITEM(parts, i);
        if (!PyUnicode_Check(text) || PyUnicode_GET_LENGTH(text) == 0) {
            continue;
        }
        if (PyUnicode_READ_CHAR(text, 0) == '/') {
            size = 0;
        } else if (size > 0 && to[size - 1] != '/' && size < PATH_TEXT_MAX - 1) {
            to[size++] = '/';
        }
        size += put_text(text, to + size, PATH_TEXT_MAX - 1 - size);
    }
    return size;
}

/* Empty and "." parts go; exactly two slashes at the start stay, as POSIX asks. */
static size_t normalise(char *text, size_t size)
{
    size_t slashes = 0, done, at;
    while (slashes < size && text[slashes] == '/') {
        slashes++;
    }
    done = slashes == 2 ? 2 : slashes > 0;
    for (at = slashes; at < size;) {
        size_t end = at;
        while (end < size && text[end] != '/') {
            end++;
        }
        size_t length = end - at;
        if (length > 0 && !(length == 1 && text[at] == '.')) {
            if (done > 0 && text[done - 1] != '/') {
                text[done++] = '/';
            }
            memmove(text + done, text + at, length);
            done += length;
        }
        at = end + 1;
    }
    if (done == 0) {
        text[done++] = '.';
    }
    return done;
}

size_t path_text(PyObject *path, const struct type_info *type, char to[PATH_TEXT_MAX])
{
    PyObject *text = part(path, type, TEXT_PART);
    if (text != NULL && PyUnicode_Check(text)) {
        return put_text(text, to, PATH_TEXT_MAX);
    }
    PyObject *raw = part(path, type, RAW_PART);
    return raw != NULL && PyList_Check(raw) ? normalise(to, join(raw, to)) : 0;
}
