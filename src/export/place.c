#include "export/place.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_in.h"

/* ---- What an export looks like ---- */

enum { TEXT_MAX = 1 << 20 };

static bool is_binary(int fd)
{
    char start[sizeof EXPORT_BINARY_MAGIC - 1];
    return pread(fd, start, sizeof start, 0) == sizeof start &&
           memcmp(start, EXPORT_BINARY_MAGIC, sizeof start) == 0;
}

/* `[{"Path":"..."},{"Function":{"path_id":0,"line":1,"name":"<toplevel>"` */
static bool begins_as_trace(struct ct_json_in *json)
{
    static const struct {
        enum ct_json_token token;
        const char *text; /* NULL: any */
    } beginning[] = {
        {CT_JSON_ARRAY, NULL},     {CT_JSON_OBJECT, NULL},       {CT_JSON_KEY, "Path"},
        {CT_JSON_TEXT, NULL},      {CT_JSON_OBJECT_END, NULL},   {CT_JSON_OBJECT, NULL},
        {CT_JSON_KEY, "Function"}, {CT_JSON_OBJECT, NULL},       {CT_JSON_KEY, "path_id"},
        {CT_JSON_NUMBER, "0"},     {CT_JSON_KEY, "line"},        {CT_JSON_NUMBER, "1"},
        {CT_JSON_KEY, "name"},     {CT_JSON_TEXT, "<toplevel>"},
    };
    bool fits = true;
    for (size_t i = 0; fits && i < sizeof beginning / sizeof beginning[0]; i++) {
        fits = ct_json_next(json) == beginning[i].token &&
               (beginning[i].text == NULL || ct_json_is(json, beginning[i].text));
    }
    return fits;
}

/* An object with the members CodeTracer asks for, whoever wrote it. */
static bool is_metadata(struct ct_json_in *json)
{
    static const char *const members[] = {"args", "program", "workdir"};
    enum { MEMBERS = sizeof members / sizeof members[0] };
    unsigned found = 0;
    bool is_whole = ct_json_next(json) == CT_JSON_OBJECT;
    while (is_whole && ct_json_next(json) == CT_JSON_KEY) {
        for (unsigned i = 0; i < MEMBERS; i++) {
            found |= (unsigned)ct_json_is(json, members[i]) << i;
        }
        is_whole = ct_json_skip(json, ct_json_next(json));
    }
    return is_whole && found == (1u << MEMBERS) - 1 && ct_json_next(json) == CT_JSON_END;
}

/* Absolute paths, at least one. */
static bool is_paths(struct ct_json_in *json)
{
    bool is_path = false;
    enum ct_json_token token = ct_json_next(json);
    if (token != CT_JSON_ARRAY) {
        return false;
    }
    while ((token = ct_json_next(json)) == CT_JSON_TEXT) {
        is_path = json->text.size > 0 && json->text.data[0] == '/';
        if (!is_path) {
            break;
        }
    }
    return is_path && token == CT_JSON_ARRAY_END && ct_json_next(json) == CT_JSON_END;
}

static bool is_export(int fd, enum export_content content)
{
    static bool (*const looks_right[])(struct ct_json_in * json) = {
        [EXPORT_TRACE] = begins_as_trace,
        [EXPORT_METADATA] = is_metadata,
        [EXPORT_PATHS] = is_paths,
    };
    struct ct_json_in json;
    if (content == EXPORT_TRACE && is_binary(fd)) {
        return true;
    }
    ct_json_in_file(&json, fd, TEXT_MAX);
    bool is_right = looks_right[content](&json);
    ct_json_in_clear(&json);
    return is_right;
}

/* ---- Where it goes ---- */

/* CT_ESTATE: it is there, and is something else. */
static int look(const char *path, enum export_content content, struct ct_error *error)
{
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        /* Replaced like any other it would be gone: think of /dev/null. */
        return ct_fail(error, CT_ESTATE, "cannot create '%s': it is no file", path);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return ct_fail_errno(error, "cannot read '%s', to see that it is an earlier export", path);
    }
    int status = CT_OK;
    if (!is_export(fd, content)) {
        status = ct_fail(error, CT_ESTATE, "'%s' is there already and is no export", path);
    }
    close(fd);
    return status;
}

bool export_is_there(const char *path, enum export_content content)
{
    struct stat about;
    return lstat(path, &about) == 0 && look(path, content, NULL) == CT_OK;
}

/* What the path leads to; NULL: errno says why nothing. The target of a link to a pipe has no name,
 * and is refused before it is asked for. */
static char *follow(const char *path)
{
    struct stat about;
    bool is_link = lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
    return is_link ? realpath(path, NULL) : strdup(path);
}

int export_place(const char *path, enum export_content content, char **place,
                 struct ct_error *error)
{
    struct stat about;
    bool is_there = stat(path, &about) == 0; /* what else is wrong shows when it is opened */
    int status = is_there ? look(path, content, error) : CT_OK;
    *place = status == CT_OK ? follow(path) : NULL;
    if (status == CT_OK && *place == NULL) {
        status = ct_fail_errno(error, "cannot follow the link '%s'", path);
    }
    return status;
}
