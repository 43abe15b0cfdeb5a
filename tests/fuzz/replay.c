/* Feeds a target its corpus, all files of a folder: one test case, told as TAP. An input that does
 * harm ends the process, by a signal or a sanitizer. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fuzz.h"

enum { INPUT_MAX = 16 << 20 };

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool feed(const char *folder, const char *name)
{
    char *path = ct_path_join(folder, name), *data = NULL;
    size_t size = 0;
    struct ct_error error;
    bool is_read = path != NULL && ct_file_read(path, INPUT_MAX, &data, &size, &error) == CT_OK;
    if (is_read) {
        LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    } else {
        printf("# %s cannot be read\n", name);
    }
    free(data);
    free(path);
    return is_read;
}

int main(int count, char **words)
{
    struct dirent **entries = NULL;
    int found = count == 2 ? scandir(words[1], &entries, is_input, alphasort) : -1;
    if (found < 0) {
        fprintf(stderr, "usage: %s FOLDER\n", words[0]);
        return 2;
    }
    bool are_read = found > 0;
    for (int i = 0; i < found; i++) {
        are_read &= feed(words[1], entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    printf("1..1\n%s 1 - %d inputs\n", are_read ? "ok" : "not ok", found);
    return 0;
}
