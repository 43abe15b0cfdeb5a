/* The window's files: embedded in `ct`, or from a folder while somebody works on them. Nothing else
 * of the machine is reachable by a path. */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "server/assets.h"
#include "server/server_internal.h"

enum { MAX_FILE = 32 << 20 };

static const char index_path[] = "/index.html";

/* ---- What a file is ---- */

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(dot, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    return "application/octet-stream";
}

/* The names there change with the content. */
static bool is_immutable(const char *path)
{
    return strncmp(path, "/assets/", strlen("/assets/")) == 0;
}

static bool is_head(struct evhttp_request *request)
{
    return evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
}

/* ---- Replies ---- */

/* libevent leaves the length out where it sends no body. */
static void send_file(struct evhttp_request *request, struct evbuffer *body)
{
    char length[32];
    snprintf(length, sizeof length, "%zu", evbuffer_get_length(body));
    sv_put_header(request, "Content-Length", length);
    evhttp_send_reply(request, 200, NULL, is_head(request) ? NULL : body);
}

/* The page itself may run our scripts, apply our style sheet and those with the nonce, and ask this
 * server; nothing else from anywhere. */
static void put_page_headers(struct evhttp_request *request, const char *nonce)
{
    char policy[400];
    snprintf(policy, sizeof policy,
             "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-%s'; "
             "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
             "form-action 'none'; frame-ancestors 'none'",
             nonce);
    sv_put_headers(request, type_of(index_path));
    sv_put_header(request, "Content-Security-Policy", policy);
    sv_put_header(request, "Cache-Control", "no-cache");
}

/* index.html with the nonce in the place it has for it. */
static void send_page(struct evhttp_request *request, const char *text, size_t size)
{
    static const char place[] = "name=\"csp-nonce\" content=\"";
    char nonce[SV_TOKEN_TEXT_BYTES];
    struct ct_error error;
    struct evbuffer *body = evbuffer_new();
    if (body == NULL || sv_token_make(nonce, &error) != CT_OK) {
        sv_reply_error(request, 500, "out of memory");
    } else {
        const char *found = memmem(text, size, place, sizeof place - 1);
        size_t before = found == NULL ? 0 : (size_t)(found - text) + sizeof place - 1;
        evbuffer_add(body, text, before);
        evbuffer_add(body, nonce, found == NULL ? 0 : strlen(nonce));
        evbuffer_add(body, text + before, size - before);
        put_page_headers(request, nonce);
        send_file(request, body);
    }
    if (body != NULL) {
        evbuffer_free(body);
    }
}

void sv_reply_page(struct evhttp_request *request, int code, const char *title, const char *text)
{
    struct evbuffer *body = evbuffer_new();
    if (body == NULL ||
        evbuffer_add_printf(body,
                            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                            "<title>%s</title><h1>%s</h1><p>%s</p></html>",
                            title, title, text) < 0) {
        sv_reply_error(request, 500, "out of memory");
    } else {
        sv_put_headers(request, type_of(index_path));
        evhttp_send_reply(request, code, NULL, is_head(request) ? NULL : body);
    }
    if (body != NULL) {
        evbuffer_free(body);
    }
}

/* ---- Embedded ---- */

static bool accepts_gzip(struct evhttp_request *request)
{
    const char *accepted =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Accept-Encoding");
    return accepted != NULL && strstr(accepted, "gzip") != NULL;
}

static bool has_already(struct evhttp_request *request, const char *etag)
{
    const char *known =
        evhttp_find_header(evhttp_request_get_input_headers(request), "If-None-Match");
    return known != NULL && strstr(known, etag) != NULL;
}

static void send_asset(struct evhttp_request *request, const struct sv_asset *asset)
{
    bool is_packed = asset->gzip != NULL && accepts_gzip(request);
    struct evbuffer *body = evbuffer_new();
    int failure = body == NULL ? -1
                  : is_packed
                      ? evbuffer_add_reference(body, asset->gzip, asset->gzip_size, NULL, NULL)
                      : evbuffer_add_reference(body, asset->raw, asset->raw_size, NULL, NULL);
    sv_put_headers(request, type_of(asset->path));
    sv_put_header(request, "ETag", asset->etag);
    sv_put_header(request, "Vary", "Accept-Encoding");
    sv_put_header(request, "Cache-Control",
                  is_immutable(asset->path) ? "max-age=31536000, immutable" : "no-cache");
    if (failure != 0) {
        sv_reply_error(request, 500, "out of memory");
    } else if (has_already(request, asset->etag)) {
        evhttp_send_reply(request, 304, NULL, NULL);
    } else {
        if (is_packed) {
            sv_put_header(request, "Content-Encoding", "gzip");
        }
        send_file(request, body);
    }
    if (body != NULL) {
        evbuffer_free(body);
    }
}

static void handle_embedded(struct evhttp_request *request, const char *path)
{
    bool is_page = strcmp(path, index_path) == 0;
    for (size_t i = 0; i < sv_asset_count; i++) {
        const struct sv_asset *asset = &sv_assets[i];
        if (strcmp(asset->path, path) != 0) {
            continue;
        }
        if (is_page) {
            send_page(request, (const char *)asset->raw, asset->raw_size);
        } else {
            send_asset(request, asset);
        }
        return;
    }
    if (is_page) {
        sv_reply_page(request, 200, "This ct was built without the window",
                      "The server runs, and editors can use it. To get the window, build ct from "
                      "a checkout with node installed: <code>make build</code>, or "
                      "<code>make web</code> before <code>pip install .</code>");
    } else {
        sv_reply_error(request, 404, "there is nothing here");
    }
}

/* ---- From a folder ---- */

/* Names of letters, digits, '-', '_' and '.', none of which begins with '.': nothing leads out. */
static bool is_plain(const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        bool is_name = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                       (*at >= '0' && *at <= '9') || *at == '-' || *at == '_';
        bool is_inside = *at == '.' && at > path && at[-1] != '/';
        bool is_slash = *at == '/' && at[1] != '/' && at[1] != '\0';
        if (!is_name && !is_inside && !is_slash) {
            return false;
        }
    }
    return true;
}

static void handle_folder(struct evhttp_request *request, const char *folder, const char *path)
{
    struct ct_error error;
    char *name = is_plain(path) ? ct_path_join(folder, path + 1) : NULL;
    char *data = NULL;
    size_t size;
    struct evbuffer *body = evbuffer_new();
    if (name == NULL || ct_file_read(name, MAX_FILE, &data, &size, &error) != CT_OK) {
        sv_reply_error(request, 404, "there is nothing here");
    } else if (strcmp(path, index_path) == 0) {
        send_page(request, data, size);
    } else if (body == NULL || evbuffer_add(body, data, size) != 0) {
        sv_reply_error(request, 500, "out of memory");
    } else {
        sv_put_headers(request, type_of(path));
        send_file(request, body);
    }
    if (body != NULL) {
        evbuffer_free(body);
    }
    free(data);
    free(name);
}

void sv_handle_file(struct sv_server *server, struct evhttp_request *request, const char *path)
{
    if (evhttp_request_get_command(request) != EVHTTP_REQ_GET && !is_head(request)) {
        sv_reply_not_allowed(request, "GET, HEAD");
        return;
    }
    path = strcmp(path, "/") == 0 ? index_path : path;
    if (server->options.web != NULL) {
        handle_folder(request, server->options.web, path);
    } else {
        handle_embedded(request, path);
    }
}

bool sv_server_has_window(const struct sv_server *server)
{
    return sv_asset_count > 0 || server->options.web != NULL;
}
