#include "server/origin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_BYTES = 128 };

static bool is_host(const char *host, const char *name, uint16_t port)
{
    char ours[HOST_BYTES];
    bool is_v6 = strchr(name, ':') != NULL;
    snprintf(ours, sizeof ours, "%s%s%s:%u", is_v6 ? "[" : "", name, is_v6 ? "]" : "", port);
    if (strcasecmp(host, ours) == 0) {
        return true;
    }
    /* The port of http: is not written. */
    return port == 80 && strncasecmp(host, ours, strlen(ours) - 3) == 0 &&
           host[strlen(ours) - 3] == '\0';
}

bool sv_host_is_ours(const char *host, const struct sv_place *place)
{
    const char *const names[] = {"127.0.0.1", "localhost", "::1", place->reached, place->bound};
    for (size_t i = 0; host != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (names[i] != NULL && is_host(host, names[i], place->port)) {
            return true;
        }
    }
    return false;
}

bool sv_origin_is_ours(const char *origin, const struct sv_place *place)
{
    static const char scheme[] = "http://";
    return origin == NULL || (strncmp(origin, scheme, sizeof scheme - 1) == 0 &&
                              sv_host_is_ours(origin + sizeof scheme - 1, place));
}
