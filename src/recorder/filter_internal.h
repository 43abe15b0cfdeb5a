/* The rules in memory: filter_read.c makes them of a table, filter.c judges by them. */
#ifndef CT_RECORDER_FILTER_INTERNAL_H
#define CT_RECORDER_FILTER_INTERNAL_H

#include "recorder/filter.h"

enum { FILTER_VERDICT_BITS = 12, FILTER_UNSET = -1 };

struct selector {
    uint8_t kind;
    uint8_t how;
    PyObject *what; /* a text; for FILTER_SEARCH the pattern's bound method */
};

struct pattern {
    struct selector selector;
    uint8_t action;
};

struct rule {
    struct selector selector;
    int8_t exec;
    int8_t value;
    int filter;
    struct pattern *patterns;
    int pattern_count;
};

struct verdict_cache { /* of a name under a policy */
    uint64_t key;
    uint8_t action;
};

struct filter {
    bool skips; /* by default */
    uint8_t action;
    int action_filter; /* the file that set it */
    struct rule *rules;
    int rule_count;
    char **roots; /* without a slash at the end */
    int root_count;
    bool uses_files; /* some rule looks at the file */
    int streams;     /* as in the table */
    struct verdict_cache names[1 << FILTER_VERDICT_BITS];
};

#endif
