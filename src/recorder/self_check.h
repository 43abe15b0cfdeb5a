/* The self-check build (meson -Dself_check=true): at every event, what the recorder remembers of
 * the running frame is compared with the frame itself. A report is left beside the trace when the
 * recording stops. In any other build all of this is nothing. */
#ifndef CT_RECORDER_SELF_CHECK_H
#define CT_RECORDER_SELF_CHECK_H

#include "recorder/session.h"

#ifdef CT_SELF_CHECK

int self_check_init(struct session *session);
void self_check_free(struct session *session);

/* Does the check look at a value right now? Then nothing may be remembered of it. */
bool self_check_looks(const struct session *session);
/* It met an object, as part of a value. */
void self_check_met(struct session *session);

/* Call when what led to an event has been written: slots, globals and the objects they hold must
 * be remembered as they are. */
void self_check_frame(struct session *session, const struct shadow_frame *frame,
                      compat_frame *real);

/* A dict's pairs are written and forgotten: the check does with them what a reader does. */
void self_check_clear(struct session *session, const struct object_entry *entry);
void self_check_pair(struct session *session, const struct object_entry *entry,
                     const struct shadow *key, const struct shadow *value);
void self_check_unpair(struct session *session, const struct object_entry *entry,
                       const struct shadow *key);

/* Write `self_check.txt` into the recording's directory. */
void self_check_report(struct session *session);

#else

static inline int self_check_init(struct session *session)
{
    (void)session;
    return 0;
}

static inline void self_check_free(struct session *session)
{
    (void)session;
}

static inline bool self_check_looks(const struct session *session)
{
    (void)session;
    return false;
}

static inline void self_check_met(struct session *session)
{
    (void)session;
}

static inline void self_check_frame(struct session *session, const struct shadow_frame *frame,
                                    compat_frame *real)
{
    (void)session;
    (void)frame;
    (void)real;
}

static inline void self_check_clear(struct session *session, const struct object_entry *entry)
{
    (void)session;
    (void)entry;
}

static inline void self_check_pair(struct session *session, const struct object_entry *entry,
                                   const struct shadow *key, const struct shadow *value)
{
    (void)session;
    (void)entry;
    (void)key;
    (void)value;
}

static inline void self_check_unpair(struct session *session, const struct object_entry *entry,
                                     const struct shadow *key)
{
    (void)session;
    (void)entry;
    (void)key;
}

static inline void self_check_report(struct session *session)
{
    (void)session;
}

#endif

#endif
