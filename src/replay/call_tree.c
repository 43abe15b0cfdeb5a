#include "replay/call_tree.h"

#include <stdlib.h>
#include <string.h>

#include "replay/session_internal.h"
#include "trace/shape.h"

enum {
    AT_ONCE = 64,
    CODE_VARARGS = 4, /* of co_flags */
    CODE_VARKEYWORDS = 8,
    CODE_SUSPENDS = 0x20 | 0x80 | 0x200, /* generators, coroutines, both */
};

void rp_calls_clear(struct rp_calls *page)
{
    free(page->calls);
    ct_bytes_free(&page->texts);
    *page = (struct rp_calls){0};
}

static void start_page(struct rp_calls *page)
{
    page->count = 0;
    page->total = 0;
    page->more = false;
    page->texts.size = 0;
}

/* ---- one call ---- */

static uint32_t parameter_count(const struct ctr_plan *plan)
{
    uint64_t count = (uint64_t)plan->arguments + plan->keyword_only +
                     (plan->flags & CODE_VARARGS ? 1 : 0) +
                     (plan->flags & CODE_VARKEYWORDS ? 1 : 0);
    return count < plan->variable_count ? (uint32_t)count : plan->variable_count;
}

/* The arguments, as they are in the frame at the call's first step. */
static void add_arguments(struct rp_session *session, struct rp_call *call,
                          const struct ctr_frame *frame, const struct ctr_text_options *options,
                          struct ct_bytes *to)
{
    const struct ctr_plan *plan = ctr_plan(session->trace, call->about.plan);
    call->arguments = to->size;
    for (uint32_t i = 0; plan != NULL && i < parameter_count(plan) && i < frame->slot_count; i++) {
        struct ctr_text name = plan->variables[i].name;
        ct_bytes_add_text(to, i > 0 ? ", " : "");
        ct_bytes_add(to, name.bytes, name.size);
        ct_bytes_add_text(to, "=");
        ctr_text_of(session->scout, frame->slots[i], options, to);
    }
    call->arguments_size = to->size - call->arguments;
}

static int add_result(struct rp_session *session, struct rp_call *call,
                      const struct ctr_text_options *options, struct ct_bytes *to,
                      struct ct_error *error)
{
    struct ctr_query ends = rp_of_call(call->about.number, RP_ENDS);
    struct ctr_hit hit = {.place = {call->about.end_block, call->about.end_at}};
    struct ctr_event event;
    int status = CT_OK;
    bool is_short = ctr_call_is_short(&call->about);
    call->result = to->size;
    if (call->about.exit == CTR_EXIT_NONE) {
        return CT_OK;
    }
    if (!is_short) {
        status = rp_find_one(session, &ends, hit.place, false, &hit, error);
    }
    if (status == CT_OK && (is_short || rp_needs_moment(hit.value))) {
        status =
            ctr_player_seek_record(session->scout, hit.place.block, hit.place.at, &event, error);
        hit.value = status == CT_OK ? event.value : hit.value;
    }
    if (status == CT_OK) {
        ctr_text_of(session->scout, hit.value, options, to);
        call->result_size = to->size - call->result;
    }
    return status == CT_ESTATE ? CT_OK : status;
}

/* Stand on the call's first step and give its frame there; NULL: it has none. Mostly it is the one
 * behind its start, unless another thread or call comes first. */
static int find_first_step(struct rp_session *session, struct rp_call *call,
                           const struct ctr_frame **frame, struct ct_error *error)
{
    struct ctr_event event = {0};
    struct ctr_hit line;
    struct ctr_query lines = rp_of_call(call->about.number, RP_LINE);
    struct ctr_place from = {call->about.start_block, 0};
    int status = CT_ESTATE;
    call->first_step = call->about.start;
    if (call->about.start < ctr_info(session->trace)->steps) {
        status = ctr_player_seek(session->scout, call->about.start, &event, error);
    }
    if (status == CT_OK && (event.frame == NULL || event.frame->call != call->about.number)) {
        status = rp_find_one(session, &lines, from, false, &line, error);
        if (status == CT_OK) {
            call->first_step = line.step;
            status = ctr_player_seek(session->scout, line.step, &event, error);
        }
    }
    call->has_steps = status == CT_OK && event.frame != NULL;
    *frame = call->has_steps ? event.frame : NULL;
    return status == CT_ESTATE ? CT_OK : status;
}

/* What is counted of a call is on the thread it began on; one that is suspended may go on on
 * another.
 */
static bool may_have_children(const struct rp_session *session, const struct ctr_call *call)
{
    const struct ctr_plan *plan = ctr_plan(session->trace, call->plan);
    return call->calls > 0 || call->exit == CTR_EXIT_NONE || plan == NULL ||
           (plan->flags & CODE_SUSPENDS);
}

static int count_children(struct rp_session *session, struct rp_call *call, struct ct_error *error)
{
    if (!may_have_children(session, &call->about)) {
        return CT_OK;
    }
    return ctr_call_children(session->trace, &call->about, &call->children, error);
}

static int describe(struct rp_session *session, const struct ctr_text_options *options,
                    struct rp_call *call, struct ct_bytes *texts, struct ct_error *error)
{
    const struct ctr_frame *frame;
    int status = find_first_step(session, call, &frame, error);
    if (status == CT_OK && options != NULL && frame != NULL) {
        add_arguments(session, call, frame, options, texts);
    }
    if (status == CT_OK && options != NULL) {
        status = add_result(session, call, options, texts, error);
    }
    return status == CT_OK ? count_children(session, call, error) : status;
}

/* ---- long calls, which are asked about again and again ---- */

enum { KEPT = 32, KEPT_TEXT_BYTES = 4096, KEPT_CHILDREN = 64 };

struct kept {
    struct rp_call call; /* its texts start at 0 */
    bool has_texts;
    struct ctr_text_options options;
    char *texts;
    uint64_t *children; /* all of them; NULL: they are many, or nobody asked */
};

struct rp_kept_calls {
    struct kept items[KEPT];
    unsigned count, next; /* the oldest goes first */
};

void rp_kept_calls_free(struct rp_kept_calls *kept)
{
    for (unsigned i = 0; kept != NULL && i < kept->count; i++) {
        free(kept->items[i].texts);
        free(kept->items[i].children);
    }
    free(kept);
}

static bool same_options(const struct ctr_text_options *a, const struct ctr_text_options *b)
{
    return a->depth == b->depth && a->items == b->items && a->characters == b->characters;
}

/* A call that is kept, with texts of these options; NULL options: with any, or none. */
static struct kept *find_kept(const struct rp_session *session, uint64_t number,
                              const struct ctr_text_options *options)
{
    struct rp_kept_calls *kept = session->kept_calls;
    for (unsigned i = 0; kept != NULL && i < kept->count; i++) {
        struct kept *item = &kept->items[i];
        bool has_texts =
            options == NULL || (item->has_texts && same_options(&item->options, options));
        if (item->call.about.number == number && has_texts) {
            return item;
        }
    }
    return NULL;
}

static void keep(struct rp_session *session, const struct rp_call *call,
                 const struct ctr_text_options *options, const struct ct_bytes *texts)
{
    size_t size = call->arguments_size + call->result_size;
    if (ctr_call_is_short(&call->about) || size > KEPT_TEXT_BYTES || texts->failed) {
        return;
    }
    if (session->kept_calls == NULL) {
        session->kept_calls = calloc(1, sizeof *session->kept_calls);
    }
    struct rp_kept_calls *kept = session->kept_calls;
    char *copy = kept != NULL ? malloc(size + 1) : NULL;
    if (copy == NULL) {
        return; /* it will be found again */
    }
    struct kept *item = &kept->items[kept->next];
    free(item->texts);
    free(item->children);
    if (size > 0) {
        memcpy(copy, texts->data + call->arguments, call->arguments_size);
        memcpy(copy + call->arguments_size, texts->data + call->result, call->result_size);
    }
    *item = (struct kept){.call = *call, .has_texts = options != NULL, .texts = copy};
    if (options != NULL) {
        item->options = *options;
    }
    kept->next = (kept->next + 1) % KEPT;
    kept->count += kept->count < KEPT;
}

/* A page has all children of a call, in their order. */
static void keep_children(struct rp_session *session, uint64_t parent, const struct rp_calls *page)
{
    struct kept *kept = find_kept(session, parent, NULL);
    if (kept == NULL || kept->children != NULL || page->count != page->total ||
        page->total > KEPT_CHILDREN) {
        return;
    }
    kept->children = malloc((page->count + 1) * sizeof *kept->children);
    for (size_t i = 0; kept->children != NULL && i < page->count; i++) {
        kept->children[i] = page->calls[i].about.number;
    }
}

/* Describe a call as it was before. */
static bool recall(struct rp_session *session, struct rp_call *call,
                   const struct ctr_text_options *options, struct ct_bytes *texts)
{
    const struct kept *kept = find_kept(session, call->about.number, options);
    if (kept == NULL) {
        return false;
    }
    *call = kept->call;
    call->arguments = texts->size;
    call->result = texts->size + call->arguments_size;
    ct_bytes_add(texts, kept->texts, call->arguments_size + call->result_size);
    return true;
}

/* ---- a page ---- */

static int no_memory(struct ct_error *error)
{
    ct_fail(error, CT_ENOMEM, "no memory for calls");
    return CT_ENOMEM;
}

/* Only its number; describe_from() finds out the rest. */
static int add_number(uint64_t number, struct rp_calls *page, struct ct_error *error)
{
    if (page->count == page->capacity) {
        size_t capacity = page->capacity == 0 ? 16 : page->capacity * 2;
        struct rp_call *calls = realloc(page->calls, capacity * sizeof *calls);
        if (calls == NULL) {
            return no_memory(error);
        }
        page->calls = calls;
        page->capacity = capacity;
    }
    page->calls[page->count++] = (struct rp_call){.about.number = number};
    return CT_OK;
}

/* Describe the calls of the page from one on, which ascend or descend: in the order of their
 * starts, so that whoever plays goes forwards. */
static int describe_from(struct rp_session *session, size_t first,
                         const struct ctr_text_options *options, struct rp_calls *page,
                         struct ct_error *error)
{
    size_t count = page->count - first, unknown = 0;
    struct rp_call *calls = page->calls + first;
    bool descend = count > 1 && calls[0].about.number > calls[1].about.number;
    struct ctr_call *found = malloc((count + 1) * sizeof *found);
    struct rp_call **wanted = malloc((count + 1) * sizeof(struct rp_call *));
    int status = found == NULL || wanted == NULL ? no_memory(error) : CT_OK;
    for (size_t i = 0; status == CT_OK && i < count; i++) {
        struct rp_call *call = &calls[descend ? count - 1 - i : i];
        if (!recall(session, call, options, &page->texts)) {
            wanted[unknown] = call;
            found[unknown++].number = call->about.number;
        }
    }
    status = status == CT_OK ? ctr_calls_get(session->trace, found, unknown, error) : status;
    for (size_t i = 0; status == CT_OK && i < unknown; i++) {
        wanted[i]->about = found[i];
        status = describe(session, options, wanted[i], &page->texts, error);
        if (status == CT_OK) {
            keep(session, wanted[i], options, &page->texts);
        }
    }
    free(found);
    free(wanted);
    return status == CT_OK && page->texts.failed ? no_memory(error) : status;
}

static int add_call(struct rp_session *session, uint64_t number,
                    const struct ctr_text_options *options, struct rp_calls *page,
                    struct ct_error *error)
{
    int status = add_number(number, page, error);
    return status == CT_OK ? describe_from(session, page->count - 1, options, page, error) : status;
}

/* ---- windows ---- */

static int count_calls(struct rp_session *session, uint64_t number, uint64_t *count,
                       struct ct_error *error)
{
    struct rp_call call = {.about.number = number};
    struct ct_bytes none = {0};
    const struct kept *kept = find_kept(session, number, NULL);
    if (kept != NULL) {
        *count = kept->call.children;
        return CT_OK;
    }
    int status = ctr_call_get(session->trace, number, &call.about, error);
    if (status == CT_OK) {
        status = describe(session, NULL, &call, &none, error);
    }
    if (status == CT_OK) {
        keep(session, &call, NULL, &none);
    }
    *count = call.children;
    return status;
}

/* The place from which on the call's children `first` and on are. */
static int place_of_child(struct rp_session *session, uint64_t parent, uint64_t first,
                          struct ctr_place *place, struct ct_error *error)
{
    uint64_t child, count;
    int status = ctr_call_child(session->trace, parent, first, &child, &count, error);
    if (status != CT_OK) {
        return status;
    }
    struct ctr_query calls = rp_of_call(child, RP_BIT(CTR_EVENT_CALL));
    struct ctr_hit hit;
    struct ctr_place from = {ctr_block_of_call(session->trace, child), 0};
    status = rp_find_one(session, &calls, from, false, &hit, error);
    *place = hit.place;
    return status;
}

static int add_children(struct rp_session *session, uint64_t parent, struct ctr_place from,
                        uint32_t room, const struct ctr_text_options *options,
                        struct rp_calls *page, struct ct_error *error)
{
    struct ctr_hit hits[AT_ONCE];
    struct ctr_page found = {.hits = hits, .next = from};
    struct ctr_query calls = rp_of_call(CTR_NO_CALL, RP_BIT(CTR_EVENT_CALL));
    int status = CT_OK;
    calls.of_parent = true;
    calls.parent = parent;
    while (status == CT_OK && page->count < room && !found.done) {
        found.capacity = room - page->count < AT_ONCE ? room - page->count : AT_ONCE;
        status = rp_find(session, &calls, found.next, false, &found, error);
        for (size_t i = 0; status == CT_OK && i < found.count; i++) {
            status = add_number(hits[i].call, page, error);
        }
    }
    return status == CT_OK ? describe_from(session, 0, options, page, error) : status;
}

int rp_call_children(struct rp_session *session, uint64_t parent, uint64_t first, uint32_t room,
                     const struct ctr_text_options *options, struct rp_calls *page,
                     struct ct_error *error)
{
    struct ctr_place from;
    start_page(page);
    int status = count_calls(session, parent, &page->total, error);
    if (status != CT_OK || first >= page->total || room == 0) {
        return status;
    }
    uint64_t left = page->total - first;
    room = left < room ? (uint32_t)left : room;
    const struct kept *kept = find_kept(session, parent, NULL);
    if (kept != NULL && kept->children != NULL) {
        for (uint32_t i = 0; status == CT_OK && i < room; i++) {
            status = add_number(kept->children[first + i], page, error);
        }
        return status == CT_OK ? describe_from(session, 0, options, page, error) : status;
    }
    status = place_of_child(session, parent, first, &from, error);
    if (status == CT_OK) {
        status = add_children(session, parent, from, room, options, page, error);
    }
    if (status == CT_OK) {
        keep_children(session, parent, page);
    }
    return status;
}

/* The first call that is at the bottom of the thread's stack, from a place on. */
static int find_root(struct rp_session *session, uint32_t thread, struct ctr_place from,
                     struct ctr_hit *hit, struct ct_error *error)
{
    struct ctr_query calls = rp_of_thread(thread, RP_BIT(CTR_EVENT_CALL));
    calls.of_parent = true;
    calls.parent = CTR_NO_CALL;
    return rp_find_one(session, &calls, from, false, hit, error);
}

int rp_call_roots(struct rp_session *session, uint32_t thread, uint64_t behind, uint32_t room,
                  const struct ctr_text_options *options, struct rp_calls *page,
                  struct ct_error *error)
{
    struct ctr_place from = {0, 0};
    struct ctr_call before = {.exit = CTR_EXIT_RETURN};
    struct ctr_hit hit;
    int status = CT_OK;
    start_page(page);
    if (behind != CTR_NO_CALL) {
        status = ctr_call_get(session->trace, behind, &before, error);
        from = (struct ctr_place){before.end_block, 0};
    }
    while (status == CT_OK && before.exit != CTR_EXIT_NONE) {
        status = find_root(session, thread, from, &hit, error);
        if (status == CT_OK && hit.call == before.number && behind != CTR_NO_CALL) {
            from = rp_behind(hit.place);
            continue;
        }
        page->more = status == CT_OK && page->count == room;
        if (status != CT_OK || page->more) {
            break;
        }
        status = add_call(session, hit.call, options, page, error);
        before = page->count > 0 ? page->calls[page->count - 1].about : before;
        bool is_later = before.end_block > hit.place.block;
        from = is_later ? (struct ctr_place){before.end_block, 0} : rp_behind(hit.place);
    }
    return status == CT_ESTATE ? CT_OK : status;
}

int rp_call_path(struct rp_session *session, uint64_t call, uint32_t room,
                 const struct ctr_text_options *options, struct rp_calls *page,
                 struct ct_error *error)
{
    int status = CT_OK;
    start_page(page);
    while (status == CT_OK && call != CTR_NO_CALL && page->count < room) {
        status = add_call(session, call, options, page, error);
        uint64_t parent = status == CT_OK ? page->calls[page->count - 1].about.parent : CTR_NO_CALL;
        call = parent < call ? parent : CTR_NO_CALL; /* whatever the bytes say, it ends */
    }
    page->more = status == CT_OK && call != CTR_NO_CALL;
    return status;
}

int rp_calls_named(struct rp_session *session, const char *text, struct ctr_place from,
                   bool backwards, uint32_t room, const struct ctr_text_options *options,
                   struct rp_calls *page, struct ct_error *error)
{
    uint32_t plans = ctr_info(session->trace)->plan_count, count = 0;
    uint64_t *keys = malloc((plans + 1ull) * sizeof *keys);
    struct ctr_hit *hits = malloc((room + 1ull) * sizeof *hits);
    int status = CT_OK;
    start_page(page);
    if (keys == NULL || hits == NULL) {
        free(keys);
        free(hits);
        return ct_fail(error, CT_ENOMEM, "no memory for calls");
    }
    for (uint32_t plan = 0; status == CT_OK && plan < plans; plan++) {
        struct ctr_text name = ctr_plan(session->trace, plan)->qualname;
        if (memmem(name.bytes, name.size, text, strlen(text)) != NULL) {
            keys[count++] = ctr_key(plan, 0);
        }
    }
    struct ctr_query calls = {
        .kind = CTR_FIND_STARTS, .call = CTR_NO_CALL, .keys = keys, .key_count = count};
    struct ctr_page found = {.hits = hits, .next = from, .done = count == 0};
    page->next = from;
    while (status == CT_OK && page->count < room && !found.done) {
        found.capacity = room - page->count;
        status = rp_find(session, &calls, found.next, backwards, &found, error);
        for (size_t i = 0; status == CT_OK && i < found.count; i++) {
            status = add_number(hits[i].call, page, error);
        }
    }
    status = status == CT_OK ? describe_from(session, 0, options, page, error) : status;
    page->next = found.next;
    page->more = status == CT_OK && !found.done;
    free(keys);
    free(hits);
    return status;
}
