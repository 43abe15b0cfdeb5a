/* What reads hostile bytes, one function each. With clang's libFuzzer (`make fuzz`) it is fed
 * inputs made up to reach new code; everywhere else replay.c feeds it the corpus. */
#ifndef CT_TESTS_FUZZ_H
#define CT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file of these bytes, without a place on the disk; the path is good until the next. Ends the
 * process when there is none. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* A new, empty directory, and its removal with the files in it. */
const char *fuzz_folder(void);
void fuzz_remove(const char *folder);

#endif
