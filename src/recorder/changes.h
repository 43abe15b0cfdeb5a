/* What the line that ran changed: found out and written down before the event that ends it. */
#ifndef CT_RECORDER_CHANGES_H
#define CT_RECORDER_CHANGES_H

#include "recorder/object.h"
#include "recorder/plan.h"
#include "recorder/reach.h"
#include "recorder/self_check.h"
#include "recorder/slot.h"

/* Compare the objects that slots of a mask hold with what is remembered of them. `named`: the line
 * could reach them by name, look at what is inside too. */
void changes_check_slots(struct session *session, struct shadow_frame *frame, compat_frame *real,
                         uint64_t mask, bool named);

/* ---- the parts of changes_apply that few lines take
 * ---------------------------------------------- */

__attribute__((noinline)) bool changes__uses_restless(struct session *session,
                                                      const struct shadow_frame *frame,
                                                      compat_frame *real);

/* The line may have changed any object. */
__attribute__((noinline)) void changes__vague(struct session *session, struct shadow_frame *frame,
                                              compat_frame *real, const struct line_info *line);

/* Unseen code ran since the frame's objects were last looked at. */
__attribute__((noinline)) void changes__catch_up(struct session *session,
                                                 struct shadow_frame *frame, compat_frame *real,
                                                 const struct line_info *line);

/* Lines of --exact, with slots that are no plain ones, of functions with many slots. */
__attribute__((noinline)) void changes__deeds(struct session *session, struct shadow_frame *frame,
                                              compat_frame *real, const struct line_info *line,
                                              bool is_restless);

/* ---- all of it
 * ----------------------------------------------------------------------------------- */

/* Does the line that runs do anything with an object that runs code that is not recorded? */
static inline bool changes_line_is_restless(struct session *session,
                                            const struct shadow_frame *frame, compat_frame *real)
{
    const struct line_info *line = frame->line_info;
    return ((line->reads & frame->restless) != 0 || (line->flags & LINE_GLOBALS)) &&
           changes__uses_restless(session, frame, real);
}

static inline bool changes__was_unseen(struct shadow_frame *frame)
{
    bool unseen = frame->unseen;
    frame->unseen = false;
    frame->changing = VERDICT_UNKNOWN;
    return unseen;
}

/* What a line did to objects. */
static inline void changes__effects(struct session *session, struct shadow_frame *frame,
                                    compat_frame *real, const struct line_info *line,
                                    bool is_restless)
{
    bool reaches = (line->flags & (LINE_ESCAPES | LINE_STORES)) != 0;
    bool is_vague = changes__was_unseen(frame) || (line->flags & LINE_VAGUE) != 0;
    if (frame->crossing != 0) {
        is_vague = reach_was_crossed(frame, real, line) || is_vague;
    }
    if (is_restless || (reaches && (is_vague || reach_apply(session, frame, real, line)))) {
        changes__vague(session, frame, real, line);
    } else if (frame->epoch != session->epoch) {
        changes__catch_up(session, frame, real, line);
    }
}

/* In the code of whoever calls it: two do, and one of them is the hot path. */
__attribute__((always_inline)) static inline void
changes_apply(struct session *session, struct shadow_frame *frame, compat_frame *real)
{
    const struct line_info *line = frame->line_info;
    bool is_restless =
        changes_line_is_restless(session, frame, real); /* before it takes another object */
    slots_apply(session, frame, real, line->writes, line->into);
    if (line->flags & (LINE_EXACT | LINE_SPECIAL | LINE_MANY)) {
        changes__deeds(session, frame, real, line, is_restless);
    } else {
        changes__effects(session, frame, real, line, is_restless);
    }
    if (session->objects.queue_size != 0) {
        objects_open_queued(session);
    }
    self_check_frame(session, frame, real);
}

#endif
