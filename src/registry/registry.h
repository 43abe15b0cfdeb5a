/* The list of recordings: an SQLite database in the user's data directory.
 *
 * The list is a convenience. A recording is whole without it, and every recording can be read by
 * its path: so recording never fails because of the list, and reading never creates it, but for
 * recordings that were made without ct and wait to be put there (new.c).
 *
 *     $XDG_DATA_HOME/codetracer-python-recorder/recordings.db     (~/.local/share without it)
 *
 * Paths are bytes; arguments are JSON; times are UTC. Several processes may use it at once: each
 * call waits for the others, a few seconds at most. A handle is for one thread at a time. */
#ifndef CT_REGISTRY_REGISTRY_H
#define CT_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/uuid.h"
#include "registry/folder.h"

struct registry;

/* One recording of the list. The texts are the entry's own. */
struct registry_entry {
    uint64_t number; /* short name, never given twice; 0: not in the list */
    char id[CT_UUID_TEXT_BYTES];
    char *program;
    char *arguments; /* a JSON array of texts */
    char *workdir;
    char *directory;      /* absolute; where it was found when `state` is moved */
    char recorded_at[32]; /* when the run began: 2026-11-22T10:00:00.123Z */
    uint64_t duration;    /* milliseconds */
    int32_t exit_status;  /* INT32_MIN: not known */
    uint64_t steps, calls;
    uint64_t bytes; /* of all its files, when it was registered */
    char *python;   /* "3.13.0" */
    enum recording_state state;
};

struct registry_entries {
    struct registry_entry *items;
    size_t count;
    bool has_more; /* than `limit` */
};

/* Release what they hold, not the struct. */
void registry_entry_clear(struct registry_entry *entry);
void registry_entries_clear(struct registry_entries *entries);

/* Where the list is, or would be; the caller frees. NULL: no memory, or nobody's home is known. */
char *registry_path(void);

/* To look at the list. Where there is none yet this succeeds, and nothing will be found.
 * CT_EFORMAT: damaged; CT_EVERSION: a newer ct made it. */
int registry_open(struct registry **registry, struct ct_error *error);
/* To change it: made where there is none. */
int registry_open_to_write(struct registry **registry, struct ct_error *error);
void registry_close(struct registry *registry); /* NULL is nothing */

/* ---- Looking ---- */

/* What to look for: all that is given must hold. All zeros: every recording. */
struct registry_query {
    uint64_t number;
    const char *id_prefix;   /* in either case, with or without dashes */
    const char *program_end; /* the program ends with this */
    const char *program_part;
    bool found_only; /* those whose files are known to be there */
    size_t limit;    /* 0: all */
};

/* Newest first, with the state of each. */
int registry_find(struct registry *registry, const struct registry_query *query,
                  struct registry_entries *entries, struct ct_error *error);

/* The newest recording that is still there. `entries` gets one or none. */
int registry_find_recent(struct registry *registry, struct registry_entries *entries,
                         struct ct_error *error);

enum {
    REGISTRY_ID_DIGITS = 4,  /* the least of an identifier that names a recording */
    REGISTRY_MOST_NAMED = 5, /* recordings an ambiguous name lists */
};

/* By short number, or by identifier or its beginning: several entries mean that the name is
 * ambiguous, none that there is no such recording. CT_EUSAGE: it is no name. */
int registry_find_named(struct registry *registry, const char *name,
                        struct registry_entries *entries, struct ct_error *error);

/* The newest recording that is still there and whose program ends with `pattern`; if there is none,
 * has it anywhere. `entries` gets one or none. */
int registry_find_program(struct registry *registry, const char *pattern,
                          struct registry_entries *entries, struct ct_error *error);

/* The recording in a directory (or at a trace file), registered or not: the list, which may be
 * NULL, tells its number only. Nothing is written. */
int registry_describe(struct registry *registry, const char *path, struct registry_entry *entry,
                      struct ct_error *error);

/* ---- Changing ---- */

/* Add a recording, or bring the one of this id up to date; sets `entry->number`. */
int registry_add(struct registry *registry, struct registry_entry *entry, struct ct_error *error);

/* It lies elsewhere now. */
int registry_move(struct registry *registry, const char *id, const char *directory,
                  struct ct_error *error);

/* Take it off the list; its files stay. */
int registry_remove(struct registry *registry, const char *id, struct ct_error *error);

/* An entry as one JSON object: number, id, program, args, workdir, directory, recordedAt,
 * duration, exitCode, steps, calls, bytes, python, state. */
struct ct_json_out;
void registry_entry_json(const struct registry_entry *entry, struct ct_json_out *json);

/* "ok", "unfinished", "moved", "missing", "deleted". */
const char *recording_state_name(enum recording_state state);

#endif
