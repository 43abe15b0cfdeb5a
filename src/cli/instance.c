#include "cli/instance.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_find.h"
#include "base/json_out.h"
#include "registry/folder.h"

enum {
    MAX_BYTES = 16 << 10,
    PATIENCE_SECONDS = 2, /* for an answer on this machine */
};

/* ---- The file ---- */

/* $XDG_RUNTIME_DIR goes with the session of the user, and so do servers. */
static char *make_folder(void)
{
    static const struct {
        const char *variable, *below;
    } places[] = {
        {"XDG_RUNTIME_DIR", ""},
        {"XDG_STATE_HOME", ""},
        {"HOME", "/.local/state"},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *root = getenv(places[i].variable);
        char *folder;
        if (root == NULL || root[0] != '/' ||
            asprintf(&folder, "%s%s/codetracer-python-recorder/servers", root, places[i].below) <
                0) {
            continue;
        }
        if (ct_make_directories(folder, NULL, NULL) == CT_OK) {
            return folder;
        }
        free(folder);
    }
    return NULL;
}

/* By the recording, not by its path: another one may come to lie there. */
static char *file_of(const char *directory)
{
    char id[CT_UUID_TEXT_BYTES];
    char *folder = recording_existing_id(directory, id) ? make_folder() : NULL;
    char *path = folder == NULL ? NULL : ct_path_join(folder, id);
    free(folder);
    return path;
}

/* What the file says; false when it is not about this directory. */
struct said {
    char port[8];
    char token[64];
};

static bool read_file(const char *path, const char *directory, struct said *said)
{
    char *text;
    size_t size;
    struct stat about;
    if (stat(path, &about) != 0 || about.st_uid != geteuid() ||
        ct_file_read(path, MAX_BYTES, &text, &size, NULL) != CT_OK) {
        return false;
    }
    char where[MAX_BYTES];
    bool is_about = ct_json_find_text(text, "directory", where, sizeof where) &&
                    strcmp(where, directory) == 0 &&
                    ct_json_find_text(text, "port", said->port, sizeof said->port) &&
                    ct_json_find_text(text, "token", said->token, sizeof said->token);
    free(text);
    return is_about;
}

/* ---- Asking the server ---- */

static int connect_to(const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Send a request and read the whole reply, which ends with the connection. */
static bool exchange(const char *port, const char *request, char *reply, size_t capacity)
{
    int fd = connect_to(port);
    if (fd < 0) {
        return false;
    }
    size_t used = 0;
    ssize_t count = 1;
    if (ct_write_all(fd, request, strlen(request), "the server", NULL) == CT_OK) {
        while (count > 0 && used + 1 < capacity) {
            count = read(fd, reply + used, capacity - 1 - used);
            used += count > 0 ? (size_t)count : 0;
        }
    }
    reply[used] = '\0';
    close(fd);
    return count == 0;
}

/* A path that opens the window once: proof, too, that it is the server that wrote the file. */
static bool ask_for_path(const struct said *said, char path[128])
{
    char request[512], reply[4096];
    snprintf(request, sizeof request,
             "POST /api/open HTTP/1.0\r\nHost: 127.0.0.1:%s\r\nX-CT-Token: %s\r\n"
             "Content-Length: 0\r\n\r\n",
             said->port, said->token);
    return exchange(said->port, request, reply, sizeof reply) &&
           strncmp(reply, "HTTP/1.", 7) == 0 && strncmp(reply + 8, " 200", 4) == 0 &&
           ct_json_find_text(reply, "path", path, 128);
}

/* ---- The public functions ---- */

bool instance_find(const char *directory, struct instance *instance)
{
    char *file = file_of(directory);
    struct said said;
    char path[128];
    *instance = (struct instance){0};
    bool is_there = file != NULL && ct_file_is_locked(file) && read_file(file, directory, &said) &&
                    ask_for_path(&said, path);
    if (is_there &&
        (asprintf(&instance->url, "http://127.0.0.1:%s/#token=%s", said.port, said.token) < 0 ||
         asprintf(&instance->open_url, "http://127.0.0.1:%s%s", said.port, path) < 0)) {
        is_there = false;
    }
    free(file);
    return is_there;
}

void instance_clear(struct instance *instance)
{
    free(instance->url);
    free(instance->open_url);
}

static bool write_file(int fd, const char *directory, uint16_t port, const char *token)
{
    struct ct_json_out json;
    char number[8];
    snprintf(number, sizeof number, "%u", (unsigned)port);
    ct_json_init(&json, NULL);
    ct_json_begin_object(&json);
    ct_json_key(&json, "directory");
    ct_json_text(&json, directory);
    ct_json_key(&json, "port");
    ct_json_text(&json, number);
    ct_json_key(&json, "token");
    ct_json_text(&json, token);
    ct_json_end_object(&json);
    bool is_written = ct_json_finish(&json, NULL) == CT_OK && ftruncate(fd, 0) == 0 &&
                      ct_write_all(fd, json.bytes.data, json.bytes.size, "", NULL) == CT_OK;
    ct_json_clear(&json);
    return is_written;
}

void instance_publish(const char *directory, uint16_t port, const char *token, struct ct_lock *lock)
{
    char *file = file_of(directory);
    *lock = CT_LOCK_NONE;
    if (file != NULL && ct_lock_take(lock, file, NULL) == CT_OK &&
        !write_file(lock->fd, directory, port, token)) {
        ct_lock_release(lock);
    }
    free(file);
}
