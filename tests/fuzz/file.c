/* Bytes as a file, for what reads files. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static void need(int succeeded, const char *what)
{
    if (!succeeded) {
        perror(what);
        _exit(2);
    }
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[40];
    if (file < 0) {
        file = memfd_create("fuzz", MFD_CLOEXEC);
        need(file >= 0, "memfd_create");
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    need(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size, "pwrite");
    return path;
}

const char *fuzz_folder(void)
{
    static char path[40];
    snprintf(path, sizeof path, "/dev/shm/ct-fuzz-XXXXXX");
    need(mkdtemp(path) != NULL, "mkdtemp");
    return path;
}

void fuzz_remove(const char *folder)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    while (open != NULL && (entry = readdir(open)) != NULL) {
        unlinkat(dirfd(open), entry->d_name, 0);
    }
    if (open != NULL) {
        closedir(open);
    }
    rmdir(folder);
}
