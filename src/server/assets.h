/* The window's files, embedded when `ct` was built: tools/embed.py makes the table. Without a built
 * window it is empty (no_assets.c). */
#ifndef CT_SERVER_ASSETS_H
#define CT_SERVER_ASSETS_H

#include <stddef.h>

struct sv_asset {
    const char *path; /* "/index.html" */
    const char *etag; /* with its quotes; of the content, so that it changes with it */
    const unsigned char *raw;
    size_t raw_size;
    const unsigned char *gzip; /* NULL: it would not be smaller */
    size_t gzip_size;
};

extern const struct sv_asset sv_assets[];
extern const size_t sv_asset_count;

#endif
