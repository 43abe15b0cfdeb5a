#include "trace/sources.h"

#include <pthread.h>
#include <stdlib.h>

#include "trace/source_text.h"
#include "trace/trace_internal.h"

struct holder { /* a DEFS block with sources in it */
    uint64_t offset;
    uint8_t *raw; /* NULL: not asked for yet */
    size_t size;
};

struct part {
    uint32_t holder;
    size_t at, size;
};

struct source {          /* of a path */
    size_t first, count; /* parts; 0: it was not recorded */
    bool is_read;
    struct ctr_text file; /* the bytes of the file */
    struct ctr_text text; /* the same as text */
    uint8_t *joined;      /* NULL, or memory of `file` */
    uint8_t *converted;   /* of `text` */
};

struct ctr_sources {
    pthread_mutex_t lock; /* guards what is read after the trace was opened */
    struct holder *holders;
    size_t holder_count, holder_capacity;
    struct part *parts;
    size_t part_count, part_capacity;
    struct source *all; /* by path */
    size_t count, capacity;
    uint32_t open_path; /* whose source goes on */
    bool is_open;
};

struct ctr_sources *ctr_sources_new(void)
{
    struct ctr_sources *sources = calloc(1, sizeof *sources);
    if (sources != NULL) {
        pthread_mutex_init(&sources->lock, NULL);
    }
    return sources;
}

void ctr_sources_free(struct ctr_sources *sources)
{
    if (sources == NULL) {
        return;
    }
    for (size_t i = 0; i < sources->holder_count; i++) {
        free(sources->holders[i].raw);
    }
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->all[i].joined);
        free(sources->all[i].converted);
    }
    pthread_mutex_destroy(&sources->lock);
    free(sources->holders);
    free(sources->parts);
    free(sources->all);
    free(sources);
}

/* ---- where they stand ---- */

int ctr_sources_enter(struct ctr_sources *sources, uint64_t offset, uint8_t *raw)
{
    if (!ct_grow(&sources->holders, &sources->holder_capacity, sources->holder_count,
                 sizeof *sources->holders)) {
        free(raw);
        return CT_ENOMEM;
    }
    sources->holders[sources->holder_count++] = (struct holder){.offset = offset, .raw = raw};
    return CT_OK;
}

static int add_part(struct ctr_sources *sources, size_t at, size_t size)
{
    if (!ct_grow(&sources->parts, &sources->part_capacity, sources->part_count,
                 sizeof *sources->parts)) {
        return CT_ENOMEM;
    }
    uint32_t holder = (uint32_t)sources->holder_count - 1;
    sources->parts[sources->part_count++] = (struct part){holder, at, size};
    return CT_OK;
}

static int make_room(struct ctr_sources *sources, uint32_t path)
{
    while (sources->count <= path) {
        if (!ct_grow(&sources->all, &sources->capacity, sources->count, sizeof *sources->all)) {
            return CT_ENOMEM;
        }
        sources->all[sources->count++] = (struct source){0};
    }
    return CT_OK;
}

int ctr_sources_add(struct ctr_sources *sources, uint32_t path, uint8_t flags, size_t at,
                    size_t size)
{
    if (sources->is_open && sources->open_path != path) {
        return CT_EFORMAT;
    }
    int status = make_room(sources, path);
    if (status != CT_OK) {
        return status;
    }
    struct source *source = &sources->all[path];
    if (!sources->is_open) {
        source->first = sources->part_count;
        source->count = 0;
    }
    if (flags & CTR_SOURCE_MISSING) {
        return CT_OK;
    }
    status = add_part(sources, at, size);
    sources->is_open = (flags & CTR_SOURCE_GOES_ON) != 0;
    sources->open_path = path;
    if (!sources->is_open) {
        source->count = sources->part_count - source->first;
    }
    return status;
}

bool ctr_sources_is_open(const struct ctr_sources *sources, uint32_t *path)
{
    if (sources == NULL || !sources->is_open) {
        return false;
    }
    *path = sources->open_path;
    return true;
}

/* ---- reading them ---- */

/* The bytes of a part, borrowed from the block it stands in; NULL where that cannot be read. */
static const uint8_t *part_bytes(const struct ctr_trace *trace, const struct part *part)
{
    struct holder *holder = &trace->definitions.sources->holders[part->holder];
    if (holder->raw == NULL) {
        struct ctr_block_info info;
        if (ctr_load_block(trace->map, trace->size, holder->offset, CTR_DEFS, &info, &holder->raw,
                           NULL) != CT_OK) {
            return NULL;
        }
        holder->size = info.raw_size;
    }
    bool is_inside =
        holder->offset == 0 || (part->at <= holder->size && part->size <= holder->size - part->at);
    return is_inside ? holder->raw + part->at : NULL;
}

static void join(const struct ctr_trace *trace, struct source *source)
{
    struct ct_bytes joined = {0};
    for (size_t i = 0; i < source->count && !joined.failed; i++) {
        const struct part *part = &trace->definitions.sources->parts[source->first + i];
        const uint8_t *bytes = part_bytes(trace, part);
        if (bytes == NULL) {
            joined.failed = true;
        } else {
            ct_bytes_add(&joined, bytes, part->size);
        }
    }
    if (joined.failed || joined.size == 0) {
        ct_bytes_free(&joined);
        return;
    }
    source->joined = joined.data;
    source->file = (struct ctr_text){(const char *)joined.data, joined.size};
}

static void read_source(const struct ctr_trace *trace, struct source *source)
{
    const struct part *first = &trace->definitions.sources->parts[source->first];
    source->is_read = true;
    if (source->count == 1) {
        source->file = (struct ctr_text){(const char *)part_bytes(trace, first), first->size};
    } else if (source->count > 1) {
        join(trace, source);
    }
    if (source->file.bytes == NULL ||
        ctr_source_text(source->file, &source->text, &source->converted) != CT_OK) {
        source->file = source->text = (struct ctr_text){NULL, 0};
    }
}

static const struct source *source_of(const struct ctr_trace *trace, uint32_t path)
{
    static const struct source none;
    struct ctr_sources *sources = trace->definitions.sources;
    if (sources == NULL || path >= sources->count) {
        return &none;
    }
    struct source *source = &sources->all[path];
    pthread_mutex_lock(&sources->lock);
    if (!source->is_read) {
        read_source(trace, source);
    }
    pthread_mutex_unlock(&sources->lock);
    return source;
}

bool ctr_has_source(const struct ctr_trace *trace, uint32_t path)
{
    const struct ctr_sources *sources = trace->definitions.sources;
    return sources != NULL && path < sources->count && sources->all[path].count != 0;
}

struct ctr_text ctr_source(const struct ctr_trace *trace, uint32_t path)
{
    return source_of(trace, path)->text;
}

struct ctr_text ctr_source_file(const struct ctr_trace *trace, uint32_t path)
{
    return source_of(trace, path)->file;
}
