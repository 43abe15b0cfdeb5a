/* Where the source texts of a trace stand in its file: they are most of its definitions, and are
 * read when somebody asks for one (ctr_source, reader.h). */
#ifndef CT_TRACE_SOURCES_H
#define CT_TRACE_SOURCES_H

#include "trace/reader.h"

struct ctr_sources;

/* NULL: no memory. */
struct ctr_sources *ctr_sources_new(void);
void ctr_sources_free(struct ctr_sources *sources);

/* What is added next stands in the DEFS block at `offset` of the file. One that is not in the file
 * has the offset 0 and is `raw` (malloc'ed): taken over, also on failure. CT_OK or CT_ENOMEM. */
int ctr_sources_enter(struct ctr_sources *sources, uint64_t offset, uint8_t *raw);

/* A piece of the source of `path`: `size` bytes at byte `at` of that block; `flags` are enum
 * ctr_source_flags. CT_EFORMAT where the source of another path goes on; CT_ENOMEM. */
int ctr_sources_add(struct ctr_sources *sources, uint32_t path, uint8_t flags, size_t at,
                    size_t size);

/* Does the last of them, of `*path`, end in the middle? `sources` may be NULL. */
bool ctr_sources_is_open(const struct ctr_sources *sources, uint32_t *path);

#endif
