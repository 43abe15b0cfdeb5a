#include "replay/state.h"

#include <stdlib.h>

#include "replay/session_internal.h"
#include "replay/tasks.h"
#include "trace/shape.h"

enum { COMPARED_MAX = 4096 }; /* children of an object that are looked at for a change */

static const struct ctr_value unbound = {0};

/* ---- threads and stacks ---- */

const struct ctr_frame *rp_frame_at(struct rp_session *session, uint32_t thread, uint32_t index)
{
    if (thread == RP_SUSPENDED) {
        return rp_suspended_frame(session, index);
    }
    bool has_left = session->now.moment.left > 0 && thread == session->now.thread;
    return index == UINT32_MAX ? NULL
                               : ctr_player_frame(session->player, thread, index + has_left, NULL);
}

static void describe_thread(struct rp_session *session, uint32_t index, struct rp_thread *thread)
{
    const struct ctr_thread *about = ctr_thread_at(session->trace, index);
    uint32_t number = about != NULL ? about->number : index;
    const struct ctr_frame *frame = rp_frame_at(session, number, 0);
    *thread = (struct rp_thread){
        .number = number,
        .about = about,
        .is_running = number == session->now.thread,
        .has_frames = frame != NULL,
    };
    if (frame != NULL) {
        thread->call = frame->call;
        thread->plan = frame->plan;
        thread->line = frame->line;
    }
}

int rp_threads(struct rp_session *session, uint32_t first, uint32_t room, struct rp_thread *threads,
               uint32_t *count, uint32_t *total, struct ct_error *error)
{
    (void)error;
    uint32_t known = ctr_info(session->trace)->thread_count;
    *total = known > 0 ? known : 1; /* a program of one thread may say nothing of it */
    *count = 0;
    for (uint32_t i = first; i < *total && *count < room; i++) {
        describe_thread(session, i, &threads[(*count)++]);
    }
    return CT_OK;
}

int rp_stack(struct rp_session *session, uint32_t thread, uint32_t first, uint32_t room,
             struct rp_frame *frames, uint32_t *count, bool *more, struct ct_error *error)
{
    (void)error;
    bool stands_on_step = thread == session->now.thread && session->now.moment.left == 0;
    const struct ctr_frame *frame;
    *count = 0;
    while (*count < room && (frame = rp_frame_at(session, thread, first + *count)) != NULL) {
        const struct ctr_frame *below = rp_frame_at(session, thread, first + *count + 1);
        frames[*count] = (struct rp_frame){
            .call = frame->call,
            .parent = below != NULL ? below->call : CTR_NO_CALL,
            .plan = frame->plan,
            .line = frame->line,
            .is_call_site = first + *count > 0 || !stands_on_step,
            .was_running = frame->adopted,
        };
        ++*count;
    }
    *more = rp_frame_at(session, thread, first + *count) != NULL;
    return CT_OK;
}

/* Frames below the one of this index. */
static bool count_below(struct ctr_player *player, uint32_t thread, uint32_t top, uint64_t *depth)
{
    uint32_t has = 0, lacks = 1; /* there are at least `has` frames, and fewer than `lacks` */
    while (lacks <= RP_DEPTH_MAX + 1 &&
           ctr_player_frame(player, thread, top + lacks - 1, NULL) != NULL) {
        has = lacks;
        lacks *= 2;
    }
    if (has == 0 || lacks > RP_DEPTH_MAX + 1) {
        return false;
    }
    while (lacks - has > 1) {
        uint32_t middle = has + (lacks - has) / 2;
        bool is_there = ctr_player_frame(player, thread, top + middle - 1, NULL) != NULL;
        has = is_there ? middle : has;
        lacks = is_there ? lacks : middle;
    }
    *depth = has - 1;
    return true;
}

bool rp_depth(struct rp_session *session, uint32_t thread, uint64_t *depth)
{
    bool has_left = session->now.moment.left > 0 && thread == session->now.thread;
    return count_below(session->player, thread, has_left, depth);
}

bool rp_depth_at(struct rp_session *session, uint64_t step, uint64_t *depth)
{
    struct ctr_event event;
    return ctr_player_seek(session->scout, step, &event, NULL) == CT_OK &&
           count_below(session->scout, event.thread, 0, depth);
}

/* ---- what changed ---- */

/* Put the past player on the call's latest step before the moment. NULL: there is none. */
static const struct ctr_frame *frame_before(struct rp_session *session, const struct ctr_frame *now)
{
    struct ctr_query lines = rp_of_call(now->call, RP_LINE);
    struct ctr_hit hit;
    struct ctr_event event;
    if (rp_find_one(session, &lines, session->now.place, true, &hit, NULL) != CT_OK) {
        return NULL;
    }
    if (session->past == NULL && ctr_player_new(&session->past, session->trace, NULL) != CT_OK) {
        return NULL;
    }
    bool found = ctr_player_seek(session->past, hit.step, &event, NULL) == CT_OK;
    return found && event.frame != NULL && event.frame->call == now->call &&
                   event.frame->plan == now->plan
               ? event.frame
               : NULL;
}

static bool same_pairs(const struct ctr_pair *a, const struct ctr_pair *b, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < COMPARED_MAX; i++) {
        if (!ctr_value_same(a[i].value, b[i].value)) {
            return false;
        }
    }
    return true;
}

/* Whether an object's own items, pairs and attributes are what they were. */
static bool same_object(struct rp_session *session, uint64_t number)
{
    const struct ctr_object *now = ctr_player_object(session->player, number, NULL);
    const struct ctr_object *before = ctr_player_object(session->past, number, NULL);
    if (now == NULL || before == NULL) {
        return true;
    }
    if (now->true_items != before->true_items || now->true_pairs != before->true_pairs ||
        now->true_attrs != before->true_attrs || now->item_count != before->item_count ||
        now->pair_count != before->pair_count || now->attr_count != before->attr_count) {
        return false;
    }
    for (uint32_t i = 0; i < now->item_count && i < COMPARED_MAX; i++) {
        if (!ctr_value_same(now->items[i], before->items[i])) {
            return false;
        }
    }
    return same_pairs(now->pairs, before->pairs, now->pair_count) &&
           same_pairs(now->attrs, before->attrs, now->attr_count);
}

bool rp_has_changed(struct rp_session *session, struct ctr_value before, struct ctr_value now)
{
    return !ctr_value_equal(session->trace, before, now) ||
           (now.tag == CTR_V_OBJECT && !same_object(session, now.bits));
}

static void note_change(struct rp_session *session, struct rp_child *child, struct ctr_value before)
{
    child->before = before;
    child->is_new = before.tag == CTR_V_UNBOUND && child->value.tag != CTR_V_UNBOUND;
    child->is_changed = rp_has_changed(session, before, child->value);
}

bool rp_look_back(struct rp_session *session, uint32_t thread, uint32_t frame)
{
    const struct ctr_frame *about = rp_frame_at(session, thread, frame);
    return about != NULL && frame_before(session, about) != NULL;
}

/* ---- variables ---- */

static bool is_namespace(const struct ctr_plan *plan)
{
    return plan->variable_count > 0 &&
           (plan->variables[plan->variable_count - 1].kind & CTR_VAR_KIND) == CTR_VAR_NAMESPACE;
}

static void add_slots(struct rp_session *session, const struct ctr_frame *frame,
                      const struct ctr_frame *before, uint64_t first, uint64_t count,
                      struct rp_list *list)
{
    const struct ctr_plan *plan = ctr_plan(session->trace, frame->plan);
    uint64_t at = 0;
    for (uint32_t i = 0; i < frame->slot_count && i < plan->variable_count; i++) {
        struct ctr_value old = before != NULL ? before->slots[i] : unbound;
        if (frame->slots[i].tag == CTR_V_UNBOUND || plan->variables[i].kind == CTR_VAR_NAMESPACE) {
            continue;
        }
        uint64_t index = at++;
        struct rp_child *child = index >= first && index - first < count ? rp_list_add(list) : NULL;
        if (child != NULL) {
            struct ctr_text name = plan->variables[i].name;
            child->value = frame->slots[i];
            child->kind = plan->variables[i].kind & CTR_VAR_KIND;
            ct_bytes_add(&list->names, name.bytes, name.size);
            rp_list_name(list);
            if (before != NULL) {
                note_change(session, child, old);
            }
        }
    }
    list->total = at;
}

/* The value a key has in a dict of the past, near the place where it is now. */
static struct ctr_value look_up(struct rp_session *session, uint64_t number, struct ctr_value key,
                                uint32_t place)
{
    const struct ctr_object *object = ctr_player_object(session->past, number, NULL);
    uint32_t count = object == NULL ? 0 : object->pair_count;
    for (uint32_t i = 0; i < count && i < COMPARED_MAX; i++) {
        uint32_t at = (place + i) % count;
        if (ctr_value_equal(session->trace, object->pairs[at].key, key)) {
            return object->pairs[at].value;
        }
    }
    return unbound;
}

/* The names of a namespace: the pairs of its dict. Those of a class body are its own, those of a
 * module are its globals. */
static void add_pairs(struct rp_session *session, const struct ctr_plan *plan,
                      struct ctr_value dict, bool has_before, uint64_t first, uint64_t count,
                      struct rp_list *list)
{
    bool is_module = plan->globals != 0 && dict.bits == plan->globals - 1;
    const struct ctr_object *object =
        dict.tag == CTR_V_OBJECT ? ctr_player_object(session->player, dict.bits, NULL) : NULL;
    list->total = object != NULL ? object->pair_count : 0;
    for (uint64_t i = first; i < list->total && i - first < count; i++) {
        object = ctr_player_object(session->player, dict.bits, NULL); /* others may push it out */
        struct rp_child *child =
            object != NULL && i < object->pair_count ? rp_list_add(list) : NULL;
        if (child == NULL) {
            return;
        }
        struct ctr_pair pair = object->pairs[i];
        child->value = pair.value;
        child->kind = is_module ? CTR_VAR_NAMESPACE : CTR_VAR_LOCAL;
        rp_name_pair(session->player, pair.key, true, &list->names);
        rp_list_name(list);
        if (has_before) {
            note_change(session, child, look_up(session, dict.bits, pair.key, (uint32_t)i));
        }
    }
}

int rp_variables(struct rp_session *session, uint32_t thread, uint32_t frame, uint64_t first,
                 uint64_t count, struct rp_list *list, struct ct_error *error)
{
    const struct ctr_frame *about = rp_frame_at(session, thread, frame);
    const struct ctr_plan *plan = about != NULL ? ctr_plan(session->trace, about->plan) : NULL;
    list->count = 0;
    list->names.size = 0;
    if (plan == NULL) {
        return ct_fail(error, CT_EUSAGE, "there is no frame %u of thread %u", frame, thread);
    }
    const struct ctr_frame *before = frame_before(session, about);
    if (is_namespace(plan)) {
        add_pairs(session, plan, about->slots[plan->variable_count - 1], before != NULL, first,
                  count, list);
    } else {
        add_slots(session, about, before, first, count, list);
    }
    return rp_list_end(list, error);
}

int rp_globals(struct rp_session *session, uint32_t thread, uint32_t frame, struct ctr_value *value,
               struct ct_error *error)
{
    const struct ctr_frame *about = rp_frame_at(session, thread, frame);
    const struct ctr_plan *plan = about != NULL ? ctr_plan(session->trace, about->plan) : NULL;
    if (plan == NULL) {
        return ct_fail(error, CT_EUSAGE, "there is no frame %u of thread %u", frame, thread);
    }
    *value = (struct ctr_value){.tag = CTR_V_OBJECT, .bits = plan->globals - 1};
    return plan->globals != 0 ? CT_OK : ct_fail(error, CT_ESTATE, "the globals were not recorded");
}
