/* The test build (meson -Dinject_failures=true): failures of the recorder itself, ordered by the
 * variable CODETRACER_TEST_INJECT_FAILURE when a recording starts. In any other build all of this
 * is nothing. */
#ifndef CT_RECORDER_INJECT_H
#define CT_RECORDER_INJECT_H

#include "recorder/failure.h"

enum inject_stage { INJECT_START, INJECT_LINE, INJECT_FINISH };

#ifdef CT_INJECT_FAILURES

enum { INJECT_IS_BUILT = 1 };

/* Read the order, for the recording that starts. */
void inject_start(void);

/* Is one ordered for this stage? */
bool inject_awaits(enum inject_stage stage);

/* The failure ordered for this stage, once; NULL: none. */
const struct failure *inject_take(enum inject_stage stage);

/* Is the recording to believe that nothing happened? */
bool inject_hides_events(void);

#else

enum { INJECT_IS_BUILT = 0 };

static inline void inject_start(void)
{
}

static inline bool inject_awaits(enum inject_stage stage)
{
    (void)stage;
    return false;
}

static inline const struct failure *inject_take(enum inject_stage stage)
{
    (void)stage;
    return NULL;
}

static inline bool inject_hides_events(void)
{
    return false;
}

#endif

#endif
