/* A trace, used in every way the library can. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "use_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ct_use use;
    char problem[200];
    if (!use_library(fuzz_file(data, size), &use, problem)) {
        fprintf(stderr, "%s\n", problem);
        abort();
    }
    return 0;
}
