#include "recorder/scope.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "recorder/wtf8.h"

/* ---- which code
 * ------------------------------------------------------------------------------------- */

enum { SITE_COUNT = 2 };

static const char *const site_folders[SITE_COUNT] = {"/site-packages/", "/dist-packages/"};

/* The folder this extension was loaded from: what runs there is the recorder, not the program. */
static char *own_folder(void)
{
    static const char here;
    Dl_info about;
    if (dladdr(&here, &about) == 0 || about.dli_fname == NULL) {
        return NULL;
    }
    char *path = realpath(about.dli_fname, NULL);
    char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash != NULL) {
        slash[1] = 0;
    }
    return path;
}

void scope_free(struct session *session)
{
    free(session->stdlib);
    free(session->own_folder);
    session->stdlib = session->own_folder = NULL;
}

int scope_init(struct session *session)
{
    session->own_folder = own_folder();
    PyObject *folder = PySys_GetObject("_stdlib_dir"); /* borrowed */
    if (folder != NULL && PyUnicode_Check(folder)) {
        session->stdlib = text_copy(folder);
    }
    return CT_OK;
}

static bool in_stdlib(const struct session *session, const char *file)
{
    size_t length = session->stdlib != NULL ? strlen(session->stdlib) : 0;
    if (length == 0 || strncmp(file, session->stdlib, length) != 0 || file[length] != '/') {
        return false;
    }
    for (int i = 0; i < SITE_COUNT; i++) {
        if (strstr(file + length, site_folders[i]) != NULL) {
            return false;
        }
    }
    return true;
}

static bool ends_with(const char *file, const char *end)
{
    size_t size = strlen(file), tail = strlen(end);
    return size > tail && strcmp(file + size - tail, end) == 0;
}

static bool is_own(const struct session *session, const char *file)
{
    return (session->own_folder != NULL &&
            strncmp(file, session->own_folder, strlen(session->own_folder)) == 0) ||
           ends_with(file, "/_codetracer_start.py");
}

static bool is_helper(const char *file)
{
    return ends_with(file, "/_virtualenv.py") || strstr(file, "/_distutils_hack/") != NULL;
}

enum scope_reason scope_of_file(const struct session *session, const char *file)
{
    return file[0] == '<'             ? SCOPE_SYNTHETIC
           : is_own(session, file)    ? SCOPE_RECORDER
           : in_stdlib(session, file) ? SCOPE_LIBRARY
           : is_helper(file)          ? SCOPE_HELPER
                                      : SCOPE_PROGRAM;
}

/* `python -c` runs "<string>", `python -` "<stdin>", and so is called what any code compiles from a
 * text. The program's own has a plan; where the program has come and gone, all of it counts. */
static bool is_program_text(const struct session *session, PyCodeObject *code, const char *file)
{
    return session->program_file != NULL && strcmp(file, session->program_file) == 0 &&
           (!session->knows_program || compat_code_extra(code, session->code_extra) != NULL);
}

enum scope_reason scope_of_code(const struct session *session, PyCodeObject *code)
{
    char *file = text_copy(code->co_filename);
    enum scope_reason reason = file == NULL ? SCOPE_SYNTHETIC
                               : is_program_text(session, code, file)
                                   ? SCOPE_PROGRAM
                                   : scope_of_file(session, file);
    free(file);
    return reason;
}

/* ---- which names
 * ------------------------------------------------------------------------------------- */

/* Whole words, in lower case and between spaces; two stand for one word after another. Words that
 * mostly name something else are left out, or take a second one: a session, a card, a pass. */
static const char *const secret_words[] = {
    " access key ",   " api key ",    " api keys ",    " apikey ",        " apikeys ",
    " access keys ",  " auth ",       " auth key ",    " authorization ", " bearer ",
    " card number ",  " cookie ",     " cookies ",     " credential ",    " credentials ",
    " credit card ",  " creds ",      " cvc ",         " cvv ",           " db pass ",
    " iban ",         " jwt ",        " pan ",         " pass word ",     " passphrase ",
    " passwd ",       " password ",   " passwords ",   " pin code ",      " private key ",
    " private keys ", " privatekey ", " pwd ",         " secret ",        " secret key ",
    " secrets ",      " session id ", " session key ", " sessionid ",     " ssh key ",
    " ssn ",          " token ",      " tokens ",      " user pass ",
};

enum { SHORTEST_SECRET = 3, NAME_MAX_BYTES = 96, VERDICTS = 1024 };

/* snake_case and camelCase to words separated by one space: "dbPassword2" -> "db password". */
static void split_words(const uint8_t *name, size_t size, char *words)
{
    char *to = words;
    *to++ = ' ';
    for (size_t i = 0; i < size; i++) {
        uint8_t c = name[i];
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        bool before_lower = i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z';
        bool before_upper = i > 0 && name[i - 1] >= 'A' && name[i - 1] <= 'Z';
        bool next_lower = i + 1 < size && name[i + 1] >= 'a' && name[i + 1] <= 'z';
        if (upper && (before_lower || (before_upper && next_lower)) && to[-1] != ' ') {
            *to++ = ' ';
        }
        if (upper || lower) {
            *to++ = (char)(upper ? c + 32 : c);
        } else if (to[-1] != ' ') {
            *to++ = ' ';
        }
    }
    if (to[-1] != ' ') {
        *to++ = ' ';
    }
    *to = 0;
}

static bool has_secret_word(const uint8_t *name, size_t size)
{
    char words[2 * NAME_MAX_BYTES + 4];
    split_words(name, size, words);
    for (size_t i = 0; i < sizeof secret_words / sizeof secret_words[0]; i++) {
        if (strstr(words, secret_words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

PyObject *scope_words(void)
{
    size_t count = sizeof secret_words / sizeof secret_words[0];
    PyObject *words = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; words != NULL && i < count; i++) {
        const char *word = secret_words[i] + 1;
        PyObject *text = PyUnicode_FromStringAndSize(word, (Py_ssize_t)strlen(word) - 1);
        if (text == NULL) {
            Py_CLEAR(words);
        } else {
            PyTuple_SET_ITEM(words, (Py_ssize_t)i, text);
        }
    }
    return words;
}

bool scope_is_secret_text(const char *name)
{
    size_t size = strlen(name);
    return size >= SHORTEST_SECRET && size <= NAME_MAX_BYTES &&
           has_secret_word((const uint8_t *)name, size);
}

/* Long names are looked at in overlapping windows: one word is never split by all of them. */
static bool long_name_is_secret(const char *name, size_t size)
{
    enum { STEP = NAME_MAX_BYTES / 2 };
    for (size_t at = 0; at < size; at += STEP) {
        size_t rest = size - at;
        if (has_secret_word((const uint8_t *)name + at,
                            rest < NAME_MAX_BYTES ? rest : NAME_MAX_BYTES)) {
            return true;
        }
    }
    return false;
}

static bool other_name_is_secret(PyObject *name)
{
    char *text = text_copy(name);
    bool secret = text != NULL && long_name_is_secret(text, strlen(text));
    free(text);
    return secret;
}

bool scope_is_secret(PyObject *name)
{
    /* Names come again and again: verdicts are remembered by the text's own hash. */
    static struct {
        Py_hash_t hash;
        bool secret;
    } verdicts[VERDICTS];
    if (!PyUnicode_Check(name) || PyUnicode_GET_LENGTH(name) < SHORTEST_SECRET) {
        return false;
    }
    Py_hash_t hash = ((PyASCIIObject *)name)->hash;
    size_t at = (size_t)hash % VERDICTS;
    if (hash != -1 && verdicts[at].hash == hash) {
        return verdicts[at].secret;
    }
    Py_ssize_t size = PyUnicode_GET_LENGTH(name);
    bool secret = PyUnicode_IS_ASCII(name) && size <= NAME_MAX_BYTES
                      ? has_secret_word(PyUnicode_DATA(name), (size_t)size)
                      : other_name_is_secret(name);
    if (hash != -1) {
        verdicts[at].hash = hash;
        verdicts[at].secret = secret;
    }
    return secret;
}
