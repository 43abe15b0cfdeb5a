/* What lies in the directory of a recording, and whether the recording is still there. */
#ifndef CT_REGISTRY_FOLDER_H
#define CT_REGISTRY_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/uuid.h"

#define RECORDING_TRACE_FILE    "trace.ctr"
#define RECORDING_METADATA_FILE "trace_metadata.json"
#define RECORDING_LOCK_FILE     ".trace.ctr.lock"

/* Everything that belongs to a recording. The metadata, which names it, comes last: a move that was
 * interrupted is then completed into the same directory by the next one. */
extern const char *const recording_files[];
extern const size_t recording_file_count;

/* Whether a trace is there, of whichever recording. */
bool recording_has_trace(const char *dir);

/* The identifier of the recording in `dir`, from its metadata or its trace. False: none found. */
bool recording_existing_id(const char *dir, char id[CT_UUID_TEXT_BYTES]);

enum recording_state {
    RECORDING_OK,
    RECORDING_UNFINISHED, /* its trace has no end: it is being recorded, or was cut off */
    RECORDING_MOVED,      /* not where it was, but found close by */
    RECORDING_MISSING,    /* not where it was, and the search close by was given up */
    RECORDING_DELETED,    /* not where it was, nor close by */
};

/* Whether its files are known to be there. */
static inline bool recording_is_found(enum recording_state state)
{
    return state < RECORDING_MISSING;
}

/* Look for the trace of recording `id` in `dir`; then where `ct record` moves it when it records
 * there again, and in the directories beside `dir`, at most `*budget` of them, which is counted
 * down: with none left, the search is given up. Moved: `*found` is where it is, the caller's to
 * free. */
enum recording_state recording_find(const char *dir, const char *id, unsigned *budget,
                                    char **found);

/* The sizes of its files added up. */
uint64_t recording_bytes(const char *dir);

/* Delete the recording `id` in `dir`: its files, then the directory if nothing else is in it and
 * nobody works there. Links are removed, never followed. CT_ESTATE: it is another recording's by
 * now, or is being recorded. */
int recording_delete(const char *dir, const char *id, struct ct_error *error);

#endif
