#include "replay/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "replay/suspended.h"

enum {
    STACK_MAX = 1024,   /* frames of a running stack in which its task is looked for */
    FRAMES_MAX = 4096,  /* of what a task awaits */
    HELD_MAX = 1 << 16, /* suspended frames held for one moment */
    THREADS_AT_ONCE = 256,
};

struct root {
    uint64_t call;
    uint32_t plan, thread;
    uint32_t frames; /* of a running one; 0: it is suspended */
};

struct rp_task_list { /* of one moment */
    struct rp_follower *follower;
    bool is_current;
    struct root *roots; /* by call */
    size_t count, capacity;
    struct ctr_frame **held; /* suspended frames that were asked for, by their numbers */
    size_t held_count, held_capacity;
};

static int no_memory(struct ct_error *error)
{
    ct_fail(error, CT_ENOMEM, "no memory for tasks");
    return CT_ENOMEM;
}

bool rp_has_tasks(const struct ctr_trace *trace)
{
    uint32_t count = ctr_info(trace)->plan_count, i = 0;
    while (i < count && !rp_is_coroutine(ctr_plan(trace, i))) {
        i++;
    }
    return i < count;
}

/* ---- the list ---- */

static bool add_root(struct rp_task_list *list, struct root root)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        struct root *roots = realloc(list->roots, capacity * sizeof *roots);
        if (roots == NULL) {
            return false;
        }
        list->roots = roots;
        list->capacity = capacity;
    }
    list->roots[list->count++] = root;
    return true;
}

/* The tasks on a thread's stack: coroutines on code that is none. Event loops inside of one another
 * are rare: the nearest is it. */
static bool add_running(struct rp_session *session, struct rp_task_list *list, uint32_t thread)
{
    const struct ctr_frame *frame = rp_frame_at(session, thread, 0);
    for (uint32_t i = 0; frame != NULL && i < STACK_MAX; i++) {
        struct root root = {frame->call, frame->plan, thread, i + 1};
        const struct ctr_frame *below = rp_frame_at(session, thread, i + 1);
        bool is_coroutine = rp_is_coroutine(ctr_plan(session->trace, root.plan));
        if (is_coroutine &&
            (below == NULL || !rp_suspends(ctr_plan(session->trace, below->plan)))) {
            return add_root(list, root);
        }
        frame = below;
    }
    return true;
}

static int add_all_running(struct rp_session *session, struct rp_task_list *list,
                           struct ct_error *error)
{
    struct rp_thread threads[THREADS_AT_ONCE];
    uint32_t first = 0, count, total;
    do {
        int status = rp_threads(session, first, THREADS_AT_ONCE, threads, &count, &total, error);
        for (uint32_t i = 0; status == CT_OK && i < count; i++) {
            if (threads[i].has_frames && !add_running(session, list, threads[i].number)) {
                return no_memory(error);
            }
        }
        if (status != CT_OK) {
            return status;
        }
        first += count;
    } while (count > 0 && first < total);
    return CT_OK;
}

/* Between two frames that leave, the upper one has been suspended and the one that awaits it has
 * not yet. */
static uint64_t half_suspended(struct rp_session *session, const struct rp_task_list *list)
{
    bool is_between = session->now.moment.left > 0 && session->now.left_by == CTR_EVENT_YIELD &&
                      rp_suspends(ctr_plan(session->trace, session->now.plan));
    return is_between ? rp_follower_just_left(list->follower, session->now.thread) : CTR_NO_CALL;
}

static int compare_roots(const void *left, const void *right)
{
    const struct root *a = left, *b = right;
    return a->call < b->call ? -1 : a->call > b->call;
}

static int fill(struct rp_session *session, struct rp_task_list *list, struct ct_error *error)
{
    size_t count;
    const struct rp_suspended *all = rp_follower_all(list->follower, &count);
    uint64_t half = half_suspended(session, list);
    list->count = 0;
    if (all == NULL) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        struct root root = {all[i].call, all[i].plan, all[i].thread, 0};
        bool is_task = !all[i].is_awaited && all[i].call != half &&
                       rp_is_coroutine(ctr_plan(session->trace, all[i].plan));
        if (is_task && !add_root(list, root)) {
            return no_memory(error);
        }
    }
    int status = add_all_running(session, list, error);
    if (status == CT_OK && list->count > 0) {
        qsort(list->roots, list->count, sizeof *list->roots, compare_roots);
    }
    return status;
}

static void drop_held(struct rp_task_list *list)
{
    while (list->held_count > 0) {
        free(list->held[--list->held_count]);
    }
}

void rp_forget_tasks(struct rp_task_list *list)
{
    if (list != NULL) {
        list->is_current = false;
        drop_held(list);
    }
}

void rp_tasks_free(struct rp_task_list *list)
{
    if (list != NULL) {
        drop_held(list);
        free(list->held);
        free(list->roots);
        rp_follower_free(list->follower);
        free(list);
    }
}

static struct rp_task_list *list_of(struct rp_session *session)
{
    if (session->tasks == NULL) {
        session->tasks = calloc(1, sizeof *session->tasks);
    }
    return session->tasks;
}

static int need_follower(struct rp_session *session, struct rp_task_list *list,
                         struct ct_error *error)
{
    return list->follower != NULL ? CT_OK : rp_follower_new(&list->follower, session, error);
}

int rp_follower_at(struct rp_session *session, struct ctr_place place,
                   struct rp_follower **follower, struct ct_error *error)
{
    struct rp_task_list *list = list_of(session);
    if (list == NULL) {
        return no_memory(error);
    }
    int status = need_follower(session, list, error);
    if (status == CT_OK) {
        list->is_current = false; /* that of the moment is to be found anew */
        *follower = list->follower;
        status = rp_follow_to(list->follower, place, error);
    }
    return status;
}

/* The list of the session's moment. Without any coroutine in the recording it is empty. */
static int bring_up(struct rp_session *session, struct rp_task_list **list, struct ct_error *error)
{
    *list = list_of(session);
    if (*list == NULL) {
        return no_memory(error);
    }
    if ((*list)->is_current || !rp_has_tasks(session->trace)) {
        return CT_OK;
    }
    int status = need_follower(session, *list, error);
    status = status == CT_OK ? rp_follow_to((*list)->follower, session->now.place, error) : status;
    if (status == CT_OK) {
        status = fill(session, *list, error);
    }
    (*list)->is_current = status == CT_OK;
    return status;
}

/* ---- one task ---- */

/* The innermost of what a suspended call awaits, and how many there are, itself counted. */
static const struct rp_suspended *innermost(const struct rp_follower *follower, uint64_t call,
                                            uint32_t *frames)
{
    const struct rp_suspended *at = rp_follower_find(follower, call), *next = at;
    for (*frames = 0; next != NULL && *frames < FRAMES_MAX; ++*frames) {
        at = next;
        next = rp_follower_find(follower, at->awaits);
    }
    return at;
}

/* The latest step of a call before a place. */
static int step_before(struct rp_session *session, uint64_t call, struct ctr_place place,
                       uint64_t *step, struct ct_error *error)
{
    struct ctr_query lines = rp_of_call(call, RP_LINE);
    struct ctr_hit hit;
    int status = rp_find_one(session, &lines, place, true, &hit, error);
    *step = status == CT_OK ? hit.step : UINT64_MAX;
    return status == CT_ESTATE ? CT_OK : status;
}

static int describe_running(struct rp_session *session, struct rp_task *task,
                            struct ct_error *error)
{
    const struct ctr_frame *top = rp_frame_at(session, task->thread, 0);
    task->inner_call = top->call;
    task->inner_plan = top->plan;
    task->inner_line = top->line;
    return step_before(session, top->call, rp_behind(session->now.place), &task->step, error);
}

static int describe(struct rp_session *session, const struct rp_task_list *list,
                    const struct root *root, struct rp_task *task, struct ct_error *error)
{
    *task = (struct rp_task){.call = root->call,
                             .plan = root->plan,
                             .thread = root->thread,
                             .is_running = root->frames > 0,
                             .frames = root->frames};
    if (task->is_running) {
        return describe_running(session, task, error);
    }
    const struct rp_suspended *inner = innermost(list->follower, root->call, &task->frames);
    task->inner_call = inner->call;
    task->inner_plan = inner->plan;
    task->inner_line = inner->line;
    task->step = inner->step;
    return task->step != UINT64_MAX
               ? CT_OK
               : step_before(session, inner->call, inner->place, &task->step, error);
}

static bool has_name(const struct ctr_plan *plan, const char *name)
{
    return name == NULL || *name == '\0' ||
           (plan != NULL &&
            memmem(plan->qualname.bytes, plan->qualname.size, name, strlen(name)) != NULL);
}

int rp_tasks(struct rp_session *session, const char *name, uint64_t first, uint32_t room,
             struct rp_task *tasks, struct rp_tasks *about, struct ct_error *error)
{
    struct rp_task_list *list = NULL;
    *about = (struct rp_tasks){0};
    int status = bring_up(session, &list, error);
    if (status != CT_OK) {
        return status;
    }
    about->all = list->count;
    about->is_truncated = list->follower != NULL && rp_follower_is_truncated(list->follower);
    for (size_t i = 0; status == CT_OK && i < list->count; i++) {
        const struct root *root = &list->roots[i];
        if (!has_name(ctr_plan(session->trace, root->plan), name)) {
            continue;
        }
        if (about->total++ >= first && about->count < room) {
            status = describe(session, list, root, &tasks[about->count++], error);
        }
    }
    return status;
}

/* ---- frames of a suspended task ---- */

const struct ctr_frame *rp_suspended_frame(const struct rp_session *session, uint32_t number)
{
    const struct rp_task_list *list = session->tasks;
    return list != NULL && number < list->held_count ? list->held[number] : NULL;
}

/* A copy with its variables, in one piece. */
static struct ctr_frame *copy_frame(const struct ctr_frame *frame)
{
    size_t slots = frame->slot_count * sizeof *frame->slots;
    struct ctr_frame *copy = malloc(sizeof *copy + slots);
    if (copy != NULL) {
        *copy = *frame;
        copy->slots = (struct ctr_value *)(void *)(copy + 1);
        if (slots > 0) {
            memcpy(copy->slots, frame->slots, slots);
        }
    }
    return copy;
}

static bool make_room(struct rp_task_list *list)
{
    if (list->held_count < list->held_capacity) {
        return true;
    }
    size_t capacity = list->held_capacity == 0 ? 16 : list->held_capacity * 2;
    struct ctr_frame **held =
        capacity <= HELD_MAX ? realloc(list->held, capacity * sizeof(struct ctr_frame *)) : NULL;
    if (held == NULL) {
        return false;
    }
    list->held = held;
    list->held_capacity = capacity;
    return true;
}

/* The number under which a suspended frame can be asked for. */
static int hold(struct rp_session *session, const struct rp_suspended *one, uint32_t *number,
                struct ct_error *error)
{
    struct rp_task_list *list = session->tasks;
    struct ctr_event event;
    for (*number = 0; *number < list->held_count; ++*number) {
        if (list->held[*number]->call == one->call) {
            return CT_OK;
        }
    }
    int status =
        ctr_player_seek_record(session->scout, one->place.block, one->place.at, &event, error);
    if (status != CT_OK) {
        return status;
    }
    if (event.frame == NULL || event.frame->call != one->call) {
        return ct_fail(error, CT_EFORMAT, "call %llu is not suspended where it should be",
                       (unsigned long long)one->call);
    }
    if (!make_room(list)) {
        return ct_fail(error, CT_ELIMIT, "too many suspended frames of one moment");
    }
    struct ctr_frame *copy = copy_frame(event.frame);
    if (copy == NULL) {
        return no_memory(error);
    }
    list->held[list->held_count++] = copy;
    return CT_OK;
}

/* What a suspended call awaits, from it inwards; the caller frees. */
static int awaited_of(struct rp_task_list *list, uint64_t call, const struct rp_suspended ***chain,
                      uint32_t *count, struct ct_error *error)
{
    const struct rp_suspended *at = rp_follower_find(list->follower, call);
    *chain = malloc(FRAMES_MAX * sizeof(const struct rp_suspended *));
    *count = 0;
    if (*chain == NULL) {
        return no_memory(error);
    }
    for (; at != NULL && *count < FRAMES_MAX; at = rp_follower_find(list->follower, at->awaits)) {
        (*chain)[(*count)++] = at;
    }
    return *count > 0 ? CT_OK
                      : ct_fail(error, CT_EUSAGE, "call %llu is not suspended at this moment",
                                (unsigned long long)call);
}

int rp_task_frames(struct rp_session *session, uint64_t call, uint32_t first, uint32_t room,
                   struct rp_frame *frames, uint32_t *numbers, uint32_t *count, bool *more,
                   struct ct_error *error)
{
    struct rp_task_list *list = NULL;
    const struct rp_suspended **chain = NULL;
    uint32_t total = 0;
    *count = 0;
    *more = false;
    int status = bring_up(session, &list, error);
    if (status == CT_OK && list->follower == NULL) {
        status = ct_fail(error, CT_EUSAGE, "no coroutine was recorded");
    }
    if (status == CT_OK) {
        status = awaited_of(list, call, &chain, &total, error);
    }
    for (uint32_t i = first; status == CT_OK && i < total && *count < room; i++) {
        const struct rp_suspended *one = chain[total - 1 - i];
        frames[*count] =
            (struct rp_frame){.call = one->call,
                              .parent = i + 1 < total ? chain[total - 2 - i]->call : CTR_NO_CALL,
                              .plan = one->plan,
                              .line = one->line,
                              .is_call_site = true};
        status = hold(session, one, &numbers[*count], error);
        *count += status == CT_OK;
    }
    *more = status == CT_OK && first + *count < total;
    free(chain);
    return status;
}
