#include "cli/enlist.h"

#include "cli/message.h"
#include "registry/registry.h"

static int enlist(struct registry *registry, const char *dir, const char *moved_to,
                  uint64_t *number, struct ct_error *error)
{
    char earlier[CT_UUID_TEXT_BYTES];
    int status = CT_OK;
    if (moved_to != NULL && recording_existing_id(moved_to, earlier)) {
        status = registry_move(registry, earlier, moved_to, error);
    }
    struct registry_entry entry;
    if (status == CT_OK && registry_describe(NULL, dir, &entry, NULL) == CT_OK) {
        status = registry_add(registry, &entry, error);
        *number = entry.number;
        registry_entry_clear(&entry);
    }
    return status;
}

uint64_t enlist_recording(const char *dir, const char *moved_to)
{
    uint64_t number = 0;
    struct ct_error error;
    struct registry *registry;
    int status = registry_open_to_write(&registry, &error);
    if (status == CT_OK) {
        status = enlist(registry, dir, moved_to, &number, &error);
        registry_close(registry);
    }
    if (status != CT_OK) {
        cli_note("`ct list` will not show this recording: %s", error.message);
    }
    return number;
}
