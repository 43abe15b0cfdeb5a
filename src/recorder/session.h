/* One recording in this process: the state every part of the recorder works on.
 *
 * All of it is touched only by threads that hold the interpreter's lock. No reference to a
 * program's object is kept: addresses in here are compared, and followed only while the callback
 * that learned them runs. */
#ifndef CT_RECORDER_SESSION_H
#define CT_RECORDER_SESSION_H

#include "recorder/compat.h"

#include "base/bytes.h"
#include "base/start_options.h"
#include "base/varint.h"
#include "trace/writer.h"

/* ---- shadows: what the trace last said of a place
 * ------------------------------------------------- */

/* `word` is the kind (low 8 bits, an enum ctr_tag: UNBOUND ... NOT_IMPLEMENTED, INT, FLOAT,
 * SHORT_TEXT, NODE, OBJECT, REDACTED, DROPPED) and, for a NODE, its block (high 24 bits).
 * `bits`: the number, the float's bits, the packed text, a node's content hash, an object's number.
 * `index`: the node's number in its block; the object's entry in the object table. */
struct shadow {
    uint64_t bits;
    uint32_t word;
    uint32_t index;
};

static inline uint8_t shadow_kind(const struct shadow *shadow)
{
    return (uint8_t)shadow->word;
}

/* ---- limits
 * ------------------------------------------------------------------------------------------ */

enum {
    DEFAULT_MAX_TEXT = 4096,      /* characters of one text, bytes of one bytes object: enough for a
                                     page, small enough to hash at every change */
    DEFAULT_MAX_ITEMS = 4096,     /* children of one container */
    DEFAULT_MAX_ATTRIBUTES = 256, /* of one instance */
    DEFAULT_MAX_DEPTH = 8,        /* containers inside containers, at first sight */
    EVENT_MARGIN_BYTES = 4096,    /* room every event has for its fixed parts */
    MAX_TUPLE_DEPTH = 12,         /* tuples in tuples written as one node */
    MAX_OBJECTS = 128 * 1024,     /* objects remembered at once */
    MAX_SNAPSHOT_BYTES = 16 << 20, /* their remembered contents */
};

#define DEFAULT_MIN_FREE_SPACE (1ull << 30)
#define DEFAULT_EXPORT_LIMIT   (256ull << 20)

struct limits { /* 0 = none */
    uint64_t max_text;
    uint64_t max_items;
    uint64_t max_attributes;
    uint64_t max_depth;
    uint64_t max_size;
    uint64_t min_free_space;
    uint64_t export_limit;
    bool exact;
    bool no_sources;
    bool keep_shapes; /* of secrets, in values */
};

/* ---- policy
 * ------------------------------------------------------------------------------------------ */

struct policy {
    bool abort;   /* a failure of the recorder is raised into the program */
    bool discard; /* ... and leaves no files behind */
    bool requires_trace;
    bool module_name_from_globals;
};

/* ---- plans
 * --------------------------------------------------------------------------------------------- */

enum { PLAN_MASK_SLOTS = 64 };

enum line_flags {
    LINE_ESCAPES = 1,    /* runs code we do not see: any object may have changed */
    LINE_STORES = 2,     /* stores into objects it reaches by the names it reads, and no others */
    LINE_SPECIAL = 16,   /* has slots to look at that are no plain ones */
    LINE_AGAIN = 64,     /* the header of a loop: it does less each time but the first */
    LINE_MANY = 4,       /* may write slots beyond PLAN_MASK_SLOTS */
    LINE_VAGUE = 8,      /* its effects are not all listed: see reach.h */
    LINE_EXACT = 32,     /* everything is looked at, whatever it does: see exact.h */
    LINE_GLOBALS = 128,  /* uses globals, of which some are restless: plans_heed_globals */
    LINE_BEFORE = 256,   /* what runs before the first line of code that has an opening */
    LINE_LEAVES = 512,   /* only returns or yields a variable or a constant */
    LINE_MOVABLE = 1024, /* has paths that other code can lead elsewhere, and */
    LINE_CROSSED = 2048, /* may call some while it works out what to do there */
    LINE_WIDE = 4096,    /* leads some of its paths elsewhere itself, or stores into what nothing
                            names, as in `find(key).count = 1` */
    LINE_WATCHED = 8192, /* makes calls that are told when they are made: plan->sites */
};

/* Something a line does to an object it reaches by name. */
enum action {
    ACTION_NONE,       /* another effect of the line looks there */
    ACTION_STORE,      /* sets a slice, deletes, works in place: look at all of it */
    ACTION_STORE_ATTR, /* receiver.name = ... */
    ACTION_STORE_ITEM, /* receiver[key] = ... */
    ACTION_METHOD,     /* receiver.name(...) */
    ACTION_CALL,       /* receiver(...) */
    ACTION_ITERATE,    /* for ... in receiver, await receiver */
    ACTION_ARGUMENT,   /* what a function like heappush does to what it is given first */
    ACTION_REBIND,     /* gives the name or cell another value: only while a line is learned */
    ACTION_MENTION,    /* names it, for others to work on */
    ACTION_INSIDE,     /* works on something in it that cannot be told */
    ACTION_WATCHED,    /* a call that turned out to be better asked about when it is made */
};

/* How a line reaches what it works on: a variable or global name, then a few steps. */
enum base { BASE_SLOT, BASE_GLOBAL };

enum step_kind {
    STEP_NONE,
    STEP_ATTR,  /* .name */
    STEP_SLOT,  /* [variable `slot`] */
    STEP_INDEX, /* [`index`], an int constant: `name` */
    STEP_KEY,   /* [constant `name`] */
    STEP_TERMS, /* [what `count` of plan->terms from `index` on say] */
};

enum { PATH_STEPS = 4 };

struct path_step {
    uint8_t kind;
    uint8_t slot;
    uint8_t count;
    bool is_given : 1;   /* by `get` or `setdefault`, and not by [] */
    uint8_t nesting : 7; /* of terms: how many stand inside one another */
    int32_t index;
    PyObject *name; /* borrowed from the code object */
};

struct object_path {
    uint8_t base;
    uint8_t slot;
    uint8_t count;  /* of the steps */
    uint32_t place; /* where the global was found last */
    PyObject *name; /* of a global */
    const struct path_step *steps;
};

enum term_kind {
    TERM_INT,
    TERM_PATH,
    TERM_OPERATOR, /* of the two values before it */
};

/* A part of how an item is found, as of `(x + dx) % width`: an operator stands behind what it is
 * of. */
struct term {
    uint8_t kind;
    uint8_t operation; /* as BINARY_OP has it */
    int32_t number;
    struct object_path path;
};

enum { TERMS_MAX = 8 /* of one item */, TERMS_NESTING = 4 /* as in `x[y[i + 1] + 1]`, 2 */ };

enum verdict {
    VERDICT_UNKNOWN, /* shows when the call is made */
    VERDICT_PURE,
    VERDICT_RECORDED,
    VERDICT_CHANGES,
    VERDICT_CHANGES_ENDS,
    VERDICT_CHANGES_ONE, /* of the attributes */
    VERDICT_ESCAPES,
};

/* What changes a list or deque at one end alone, and the like. */
enum end {
    END_NONE,
    END_APPEND,
    END_POP,
    END_APPEND_LEFT,
    END_POP_LEFT,
    END_HEAP, /* and what it moves on one way through the heap: ACTION_ARGUMENT */
    END_NEXT, /* of an iterator: what it runs */
    END_ATTRIBUTE,
};

enum { ANY_POPS = UINT8_MAX };

/* Code has many: what few of them have is kept beside them. */
struct effect {
    uint8_t action;
    uint8_t verdict;       /* what a call or store did when `version` was last seen */
    bool has_keywords : 1; /* of a call */
    bool back : 1;         /* stores what was taken from there and worked on in place */
    bool movable : 1;      /* other code can lead its path elsewhere, and */
    bool crossed : 1;      /* may do so while the line works out what to do there */
    bool led : 1;          /* the line itself leads its path elsewhere */
    bool on_argument : 1;  /* a call beside which there is an ACTION_ARGUMENT */
    bool watchable : 1;    /* sys.monitoring tells of the call */
    uint32_t version;      /* of the receiver's type */
    uint32_t unit;         /* code unit of the instruction */
    union {
        struct {               /* of a call: */
            uint8_t arguments; /* how many; 255: or more, or nobody knows */
            uint8_t end;       /* enum end, of what its method is called like */
            uint8_t pops;      /* of all calls of the line: END_POP, or ANY_POPS, and */
            uint8_t ends;      /* any end; 255: or more */
        };
        uint32_t hint; /* of a store: where the attribute was found last */
    };
    union {
        PyObject *name;     /* of the method or attribute */
        const void *judged; /* ACTION_CALL: address of what `verdict` is of; NULL: ask again */
    };
    struct object_path path; /* ACTION_STORE_ITEM: behind its steps, the one to the item stored */
};

_Static_assert(sizeof(struct effect) == 48, "see above");

static inline const struct path_step *effect_key(const struct effect *effect)
{
    return &effect->path.steps[effect->path.count];
}

struct line_repair;

/* A jump back within one line, of a loop written on it: another turn, and a step. */
struct turn {
    int offset; /* of the jump, in bytes of the code */
    int line;
};

/* A call that is asked about when it is made: site.h. */
struct site {
    uint32_t unit;     /* code unit of the instruction */
    int line;          /* NO_LINE: it was found while the code ran */
    uint8_t arguments; /* how many; 255: or more */
    bool has_keywords;
};

/* Two events told together: joint.h. */
struct joint {
    uint32_t from; /* code unit of the first event: of an exit, its line */
    uint32_t to;   /* of the second, which is the line of an opening */
    bool is_told;  /* the second by the first: its own event was seen, and turned off */
};

struct exit {
    struct joint joint; /* of a line that only returns or yields, and that event */
    int32_t slot;       /* what it gives: this variable, or */
    uint32_t constant;  /* this constant of the code; slot < 0 */
};

struct line_info {
    uint64_t writes;  /* slots (below 64) its instructions can rebind, the plain ones */
    uint64_t special; /* the same of cells and redacted ones, and all cells others may rebind */
    uint64_t into;    /* those of both that it works on in place */
    uint64_t reads;   /* slots (below 64) it loads */
    uint16_t flags;
    uint16_t uses;         /* what it does with what it reads: a set of enum use, unseen.h */
    uint32_t first_global; /* in plan->globals_read */
    uint16_t global_count;
    uint16_t effect_count;
    uint16_t mention_count; /* those behind the effects: for a line that may change anything */
    uint8_t loops;          /* how many, and */
    uint8_t vagues;         /* instructions that make it LINE_VAGUE; 255: or more */
    uint32_t first_effect;  /* in plan->effects */
    uint32_t vague_at; /* code unit behind the last one that makes it LINE_VAGUE; UINT32_MAX: the
                          whole line is */
    uint32_t loop_at;  /* code unit of its FOR_ITER, when it has one */
    uint32_t again;    /* LINE_AGAIN: of plan->lines, what the line does when its loop comes round;
                          LINE_LEAVES: of plan->exits */
};

_Static_assert(sizeof(struct line_info) == 64, "told from its place in an array by a shift");

struct plan {
    uint32_t id; /* in the trace */
    bool skip;
    bool generator;        /* generator, coroutine, async generator: frames outlive their visits */
    uint8_t return_action; /* enum ctr_variable_action, of what it returns */
    uint8_t yield_action;
    uint8_t unwind_action; /* of exceptions raised in it, handled, leaving */
    bool is_init;          /* an `__init__`: its first argument is an object that begins */
    bool has_namespace;    /* the last slot is the frame's dict of names */
    uint32_t slot_count;   /* localsplus, and the namespace */
    uint32_t real_slots;   /* localsplus */
    uint32_t policy;       /* how its names are decided: filter.h */
    uint64_t entry_mask;   /* slots bound when the frame starts: arguments, cells, free variables */
    uint64_t special;      /* slots whose value is not simply the slot's: cells, redacted ones */
    uint8_t *actions;      /* enum ctr_variable_action per slot */
    uint8_t *kinds;        /* enum ctr_variable_kind per slot */
    int first_line;
    int line_count;
    struct line_info *lines; /* of first_line ..., one for any other, one for before the first,
                                those of LINE_AGAIN */
    struct effect *effects;
    struct path_step *steps; /* of all effects and terms */
    struct term *terms;
    struct site *sites; /* in the order of the code */
    uint32_t site_count;
    PyObject *
        *globals_read;  /* names (borrowed from the code object: it lives while its frames do) */
    PyObject *globals;  /* address of the module's dict, never followed after the callback */
    PyObject *code;     /* address */
    struct turn *turns; /* in the order of the code */
    uint32_t turn_count;
    struct joint opening; /* of the start and the first line, and */
    int opening_line;     /* the line; 0: there is none */
    struct exit *exits;
    uint32_t exit_count;
    struct line_repair *repair; /* its line events give made-up lines: repair.h. Mostly NULL */
    bool owns_repair;
    struct plan *next;    /* the same code under other globals */
    struct plan *all;     /* every plan of the session */
    struct plan **before; /* what points at this one among all; NULL when the session ends */
    uint32_t frames;      /* shadow frames that name it: it outlives its code for them */
};

/* ---- frames and threads
 * ---------------------------------------------------------------------------- */

struct shadow_frame {
    compat_frame *frame; /* identity while it is on a stack or suspended */
    struct plan *plan;
    struct shadow_frame *below;
    const struct line_info *line_info; /* of the line that runs */
    const PyObject *advancing; /* iterator of the loop that came round last, when all it runs is
                                  seen; an address. NULL: ask again */
    uint64_t object_slots;     /* slots (below 64) that hold an object */
    uint64_t restless;         /* those of them that hold one that is restless */
    uint64_t epoch;            /* session epoch when its objects were last compared */
    uint64_t crossing; /* where the paths of a LINE_MOVABLE led to when it called: a hash; 0:
                          it has not; see reach.c */
    uint64_t call;
    uint64_t start_step;
    uint64_t start_calls; /* calls of the thread when it started */
    uint32_t line;
    uint32_t block;       /* last block that introduced it */
    uint32_t number;      /* its number in that block */
    uint32_t entry_block; /* of its start or latest resume */
    uint32_t start_block;
    uint32_t start_thread; /* number of the thread it started on */
    bool on_heap;          /* a generator's: freed one by one */
    bool suspended;
    bool opened;           /* its first line was told with its start */
    bool unseen;           /* a LINE_WATCHED called what may have changed anything */
    uint8_t changing;      /* enum verdict of a call it makes just now, which changes an object */
    struct shadow slots[]; /* plan->slot_count */
};

struct arena_chunk;

struct thread {
    PyThreadState *state;
    uint64_t generation; /* session it belongs to */
    uint32_t number;     /* in the trace, from 0; while not new */
    struct shadow_frame *top;
    uint64_t calls;
    struct arena_chunk *arena; /* kept from session to session */
    struct arena_chunk *spare;
    bool is_new;           /* not announced in the trace yet */
    bool has_looked_below; /* for frames that ran before the recording met it */
    struct thread *next_ended;
};

struct session;

/* ---- objects (object.c)
 * ------------------------------------------------------------------------------ */

struct type_info;

struct object_entry {
    PyObject *address; /* NULL: free entry */
    uint64_t number;   /* in the trace */
    struct type_info *type;
    uint64_t epoch;          /* session epoch of the last comparison */
    uint64_t children_epoch; /* and of the last look at every object inside */
    uint64_t whole_epoch;    /* of the last comparison of all of it, and */
    uint64_t whole_step;     /* the step it was made at */
    uint32_t block;          /* last block that opened it; NO_BLOCK before the first */
    uint32_t local; /* its number in that block, valid when named_block is the current block */
    uint32_t named_block;
    uint32_t holders;     /* recorded places that refer to it */
    uint32_t since_base;  /* bytes of operations since the last base */
    uint32_t base_bytes;  /* size of the last base */
    uint16_t chain;       /* blocks opened without base since */
    uint8_t flags;        /* enum entry_flags */
    bool is_cut : 1;      /* a dict of which only a part is recorded */
    bool is_instance : 1; /* a dict that held an instance's attributes when it was looked at */
    bool is_known : 1;    /* the trace has described it before, perhaps long ago */
    bool is_back : 1;     /* in limbo, and held again meanwhile: it stays for one more event */
    bool is_loose : 1;    /* a place let go of it since it was compared, others hold it */
    bool is_restless : 1; /* what is done with it may run code that is not recorded: unseen.h */
    bool is_counted : 1;  /* a dict whose pairs are among the holders of what they hold */
    bool is_listed : 1;   /* among the objects that are being looked at: object_check_inside */
    uint32_t rotation;    /* where the next partial look begins */
    uint32_t count;       /* items remembered (list, set, tuple-like) */
    uint32_t capacity;
    struct shadow *items;
    uint32_t attr_count;
    uint32_t attr_capacity;
    uint32_t policy;      /* of a dict of names: how they are decided (filter.h), and */
    uint8_t keys;         /* what they are: enum dict_keys */
    struct shadow *attrs; /* by shared-key index, or dict order */
    uint64_t true_length;
    uint64_t seen;  /* fingerprint of content or a generator; of an OrderedDict its changes so far;
                       of an instance, object__seal */
    uint64_t names; /* hash of the attribute names, in order */
    const void *shape;         /* the shared keys of an instance without dict */
    struct set_places *places; /* of a set: where its items stand. NULL: none are known */
    const void *first;         /* node of an OrderedDict when it was looked at. NULL: not known */
};

enum dict_keys { KEYS_ARE_DATA, KEYS_ARE_GLOBALS, KEYS_ARE_LOCALS };

enum entry_flags {
    ENTRY_PINNED = 1,  /* a module's globals: never forgotten */
    ENTRY_WATCHED = 2, /* a dict whose changes are reported */
    ENTRY_OPENED = 4,  /* its state is in the trace */
    ENTRY_LIMBO = 8,   /* nobody refers to it; ends unless somebody does soon */
    ENTRY_RECENT = 16, /* used since the clock hand passed */
    ENTRY_QUEUED = 32, /* waits to be opened in this event */
    ENTRY_BUSY = 128,  /* being compared or written: must not end now */
    ENTRY_STALE = 64,  /* a dict whose last change could not be written down as such */
};

enum { NO_BLOCK = UINT32_MAX, NO_ENTRY = UINT32_MAX };

struct queued {
    uint32_t entry;
    uint32_t depth;
};

struct object_table {
    struct object_entry *entries; /* MAX_OBJECTS, reserved at once, touched as used */
    uint32_t used;                /* entries ever used */
    uint32_t free_head;           /* chained through `local`; NO_ENTRY none */
    uint32_t live;
    uint32_t hand;   /* of the clock that forgets */
    uint32_t *slots; /* address -> entry + 1, open addressing */
    size_t snapshot_bytes;
    uint32_t forgets;     /* entries forgotten while their objects lived */
    struct queued *queue; /* entries to open in this event */
    uint32_t queue_size, queue_capacity;
    uint32_t depth;  /* of what is being opened */
    bool late;       /* a change of what is being compared may be older than its last event */
    bool pressure;   /* too many: forget some at the end of this event */
    bool unsettled;  /* there is something in the queue or in limbo, or pressure */
    uint32_t *limbo; /* entries without holder; the first limbo_ready since before this event */
    uint32_t limbo_size, limbo_ready, limbo_capacity;
    uint64_t next_number;
};

/* ---- nodes remembered by content (value.c)
 * --------------------------------------------------------- */

struct node_cache_entry {
    uint64_t hash; /* 0: empty */
    uint32_t block;
    uint32_t index;
};

/* ---- the session
 * ----------------------------------------------------------------------------------- */

struct gather_scratch;
struct exact;

struct raised { /* by the latest RAISE */
    const PyObject *exception;
    const struct shadow_frame *frame;
    const uint8_t *end; /* of its record, in */
    uint32_t block;
    struct shadow shadow; /* of the exception */
};

struct session {
    struct ctr_writer *writer;
    uint64_t epoch;      /* rises whenever unseen code may have changed any object */
    uint64_t generation; /* of this session in the process, from 1 */
    PyObject *disable;   /* sys.monitoring.DISABLE, immortal */
    struct node_cache_entry *nodes;
    uint64_t hash_seed;
    struct object_table objects;
    struct limits limits;
    struct plan *plans;
    uint32_t plan_count;
    uint32_t hash_budget; /* children a value being told apart may still visit */
    uint32_t hash_nesting;
    uint64_t hash_round; /* counts the values told apart */
    size_t promised;     /* bytes of the block that containers being written still need */
    struct types *types;
    struct paths *paths;
    struct suspended *suspended;
    struct gather_scratch *scratch;
    struct exact *exact; /* NULL unless limits.exact */
    struct raised raised;
    uint64_t risen_at;        /* `epoch` rose last: as many steps were told then */
    bool is_behind;           /* a line is not over yet, or its frame left: the next step may begin
                                 with more changes */
    const PyObject *leaving;  /* the generator whose frame yields or ends with this event, and */
    bool leaves_for_good;     /* it ends */
    const PyObject *reported; /* the dict that reported a change last: an address, */
    const PyObject *reported_key; /* of what it holds under this key, and */
    uint64_t reported_at;         /* the step */
    uint64_t passed; /* number of the object that was returned, yielded or raised last */
    uint32_t thread_count;
    struct thread *running;    /* the thread the block speaks of; never NULL */
    struct shadow_frame *here; /* whose line was the last event: the block knows it, and its lines
                                  are what they say. Never NULL: see session_leave */
    Py_ssize_t code_extra;     /* index of our per-code storage */
    int tool;                  /* sys.monitoring tool id, -1 none */
    int events_everywhere;     /* sets of sys.monitoring.events */
    int events_on_code;
    int event_return;
    int event_jump; /* for code with loops written on one line only, */
    int event_call; /* and with calls that are watched */
    int dict_watcher;
    bool waiting_for_main;    /* armed by the environment: recording begins with __main__'s code */
    bool waiting_for_file;    /* for code of `activation`: see gate.h */
    bool knows_program;       /* the code of `program_file` was met */
    bool is_launched;         /* from outside of the program, by code that is none of it */
    bool restless_globals;    /* a module's global is, or was, an object that is restless */
    bool repairs;             /* watches for other tools that follow lines, or found some */
    bool failed;              /* the recorder itself: nothing more is written */
    bool has_told_limit;      /* that the recording ended at one */
    bool is_dead;             /* a forked child: everything belongs to the parent */
    const char *program_file; /* "<string>" for -c, "<stdin>" for -; else NULL. Constant text */
    char *program_text;       /* of -c, or NULL */
    bool exports;             /* files beside the trace are ours to write */
    char *stdlib;             /* folder of the standard library */
    char *own_folder;         /* where the recorder's own Python code is, ends in a slash */
    char *activation;         /* absolute path, or NULL */
    char *start_folder;       /* the working directory when the session began; with an activation */
    const compat_frame *activator; /* the frame that recording began with; NULL: none, or left */
    const PyCodeObject *activator_code; /* addresses: never followed */
    char *directory;
    char *format;        /* "ctr", "json", "binary" */
    int32_t exit_status; /* INT32_MIN: unknown */
    struct policy policy;
    PyInterpreterState *interpreter;
    struct filter *filter;    /* the user's rules; NULL: the built-in ones alone */
    struct self_check *check; /* of the self-check build, else NULL */
    struct ct_error error;
};

/* What a recording is asked for. Borrowed texts; NULL or 0 = not given. */
struct session_order {
    const char *directory;  /* exists */
    const char *id;         /* UUID text, NULL: a new one */
    const char *format;     /* exported at stop: "json", "binary", or NULL for none */
    const char *activation; /* absolute, resolved */
    bool wait_for_main;
    bool is_launched;         /* the frames of this thread are no part of the program */
    enum ct_start_io io;      /* what is recorded of input and output */
    const char *program_file; /* the synthetic file that is the program, or NULL */
    const char *program_text; /* of -c, when it is to be kept */
    bool exports;             /* write side files and `format` at stop; else `ct` does */
    struct limits limits;
    struct filter *filter; /* is taken, also when the session does not start; or NULL */
    struct policy policy;
    const struct ct_bytes
        *run; /* encoded pairs for CTR_DEF_RUN: blocks key, value, key, value ... */
};

/* The process has one session at most. All of these need the interpreter's lock. Starts, stops and
 * flushes of several threads wait for each other, without that lock.
 *
 * CT_ESTATE: there is a session, or nothing to start one with. */
int session_start(struct session_order *order, struct ct_error *error);
bool session_is_active(void);
/* End the recording and export what was asked for; without a session nothing happens. CT_EUSAGE:
 * the policy requires a trace, and nothing was recorded. */
int session_stop(int32_t exit_status, struct ct_error *error);
/* CT_EUSAGE when the recording would fail so if it stopped now. */
int session_check(struct ct_error *error);
/* Identifier of the recording that runs, or else of the last one; NULL before the first. */
const char *session_identifier(void);
/* Export what there is so far. */
int session_flush(struct ct_error *error);
bool session_aborts(void); /* does a failure stop the program? */
/* Has the command line promised to fail if nothing is recorded? */
bool session_is_required(void);
void session_set_exit_status(int32_t status);
struct limits session_default_limits(void);
struct policy session_default_policy(void);
/* For the recording that runs. What is captured was settled at its start. */
void session_set_policy(const struct policy *policy);

/* Whether a child was forked that was not asked for yet, and the process id of the next. */
bool session_has_forks(void);
int session_next_fork(void);

/* Whether `size` bytes more fit, and leave the room an event and open containers need. */
static inline bool session_has_room(const struct session *session, const uint8_t *at, size_t size)
{
    return session->writer->limit - at >=
           (ptrdiff_t)(size + session->promised + EVENT_MARGIN_BYTES);
}

extern struct shadow_frame session_nowhere; /* no program's frame */

/* No frame is `here`. */
static inline void session_leave(struct session *session)
{
    session->here = &session_nowhere;
}

/* Start a new block, or find out that recording has ended (false: do nothing more). */
bool session_next_block(struct session *session);

/* Code ran that is not recorded: any object may have changed. */
static inline void session_heed_unseen(struct session *session)
{
    session->epoch++;
    session->risen_at = session->writer->steps;
}

/* The last step whose beginning is as things are now. */
static inline uint64_t session_step(const struct session *session)
{
    uint64_t steps = session->writer->steps;
    return steps - (session->is_behind && steps != 0);
}

#endif
