/* The trace file `trace.ctr`: what every byte means. docs/reference/trace-format.md says the same
 * to people who write readers; a change here changes that page, and the version, in one commit.
 *
 * THE IDEA. The recorder's hot thread writes final records into a block; a background thread
 * compresses the block, appends it to the file and indexes it. A record says only what changed.
 * A block can be decoded from its own start: whatever a block mentions first, it introduces.
 *
 *     file    = header, blocks ..., trailer
 *     block   = block header, stored bytes (raw or zstd)
 *     EVENTS  = prelude, records ...          one global order of everything that happened
 *     DEFS    = definitions ...               paths, sources, types, plans, threads, the run itself
 *     INDEX   = what a reader could not afford to find out for the last EVENTS blocks
 *     END     = counters, why the recording ended, where the INDEX blocks are
 *
 * While a recording runs, the blocks being filled live in a second file, `trace.ctr.tail`, mapped
 * shared: what was written there survives the death of the process. A clean end removes it. A
 * reader that finds it beside a trace without trailer takes the slots whose block is not yet in
 * the trace.
 *
 * All numbers are little-endian; "varint" is LEB128, "zigzag" a varint of the zigzag of a signed
 * number; text is UTF-8 in which a lone surrogate is written as its three bytes (WTF-8). */
#ifndef CT_TRACE_FORMAT_H
#define CT_TRACE_FORMAT_H

#include <stdint.h>

#define CTR_MAGIC         "\213CTRACE\n"
#define CTR_BLOCK_MAGIC   0x4b425443u /* "CTBK" */
#define CTR_TRAILER_MAGIC 0x5254435aull
#define CTR_TAIL_MAGIC    "\213CTTAIL\n"

/* Version 0 is the draft: readable only by the program that wrote it. */
enum { CTR_VERSION = 0 };

enum {
    CTR_HEADER_BYTES = 64,
    CTR_BLOCK_HEADER_BYTES = 40,
    CTR_PRELUDE_BYTES = 40,
    CTR_TRAILER_BYTES = 32,
    CTR_BLOCK_SOFT_BYTES = 128 * 1024, /* a block is handed over at the first event past this:
                                          a jump decodes two or three, each in half a ms */
    CTR_BLOCK_MAX_BYTES = 1024 * 1024, /* no block is larger; one event never needs more */
    CTR_SEGMENT_BLOCKS = 64,           /* EVENTS blocks summarised by one INDEX block */
};

/* File header: offset, size
 *    0  8  CTR_MAGIC
 *    8  4  version
 *   12  4  process id
 *   16 16  recording id (UUIDv7)
 *   32  8  start, nanoseconds since 1970 UTC
 *   40 16  zero
 *   56  8  XXH64 of bytes 0..55
 *
 * Block header:
 *    0  4  CTR_BLOCK_MAGIC
 *    4  1  kind (enum ctr_block_kind)
 *    5  1  codec (0 stored, 1 zstd)
 *    6  2  zero
 *    8  4  number: counts the blocks of this kind from 0
 *   12  4  raw size
 *   16  4  stored size
 *   20  4  zero
 *   24  8  XXH64 of the stored bytes
 *   32  8  XXH64 of header bytes 0..31
 *
 * Trailer: offset of the END block (8), zero (8), CTR_TRAILER_MAGIC (8), XXH64 of bytes 0..23 (8).
 */
enum ctr_block_kind { CTR_EVENTS = 1, CTR_DEFS = 2, CTR_INDEX = 3, CTR_END = 4 };
enum ctr_codec { CTR_STORED = 0, CTR_ZSTD = 1 };

/* Prelude of an EVENTS block: first step (8), first call (8), tick in milliseconds since the start
 * (8), thread number that runs when the block starts (4), zero (12). */

/* ---- Records of an EVENTS block ----------------------------------------------------------------
 *
 * The current thread has a stack of frames; records speak of its top frame. A block knows nothing
 * of the frames below it until a FRAME record introduces one; CALL introduces its own. Each
 * introduced frame gets the next frame number of the block, from 0. A frame that calls or resumes
 * another is introduced before that: a CALL, RESUME or THROW that finds no frame known is at the
 * bottom of its thread's stack. A FRAME of a call further down the known stack means that those
 * above it ended without a record.
 *
 * Steps and calls are numbered by counting LINE and CALL records. What a line changed stands before
 * the record of the next line, so the state at a step is the state before its line runs. */
enum ctr_record {
    /* 0x00..0x7f LINE: the frame's line, 0 before its first, changes by (byte - 64) */
    CTR_LINE_BIAS = 64,
    /* 0x80..0xbf SET: variable slot (byte - 128) takes a value */
    CTR_SET = 0x80,
    CTR_LINE_FAR = 0xc0,   /* zigzag line change; 0: another turn of a loop on the line */
    CTR_SET_FAR = 0xc1,    /* varint slot, value */
    CTR_CALL = 0xc2,       /* varint plan: a frame starts; its arguments follow as SET */
    CTR_RETURN = 0xc3,     /* value */
    CTR_YIELD = 0xc4,      /* value: the frame leaves the stack and can be resumed */
    CTR_RESUME = 0xc5,     /* varint frame number */
    CTR_THROW = 0xc6,      /* varint frame number, value: resumed by an exception */
    CTR_UNWIND = 0xc7,     /* value: the frame ends by an exception */
    CTR_RAISE = 0xc8,      /* value: an exception is raised in, or reaches, the top frame */
    CTR_HANDLED = 0xc9,    /* value: the top frame caught it */
    CTR_FRAME = 0xca,      /* flags, varint call, plan, entry block distance, line, count, then
                              count x (varint slot, value): the top frame, known from before */
    CTR_SPAN = 0xcb,       /* varint steps ago it started, varint calls in it: precedes the
                              RETURN or UNWIND of a call that began in an earlier block */
    CTR_TICK = 0xcc,       /* varint milliseconds since the last tick */
    CTR_THREAD = 0xcd,     /* varint thread: what follows happened there */
    CTR_THREAD_END = 0xce, /* varint thread */
    CTR_OUTPUT = 0xcf,     /* varint stream and flags (enum ctr_stream), value: text or bytes */
    CTR_FORK = 0xd0,       /* varint process id of a child that is not recorded here */
    CTR_OPEN = 0xd1,       /* object reference, varint type, flags, [varint blocks back], [base] */
    CTR_ITEM = 0xd2,       /* object, varint index, value: items[index] = value */
    CTR_APPEND = 0xd3,     /* object, value: one item more at the end */
    CTR_SPLICE = 0xd4,     /* object, varint start, removed, count, values */
    CTR_PAIR = 0xd5,       /* object, key, value: the key keeps its place or comes last */
    CTR_UNPAIR = 0xd6,     /* object, key */
    CTR_CLEAR = 0xd7,      /* object: no items, no pairs (attributes stay) */
    CTR_ATTR = 0xd8,       /* object, varint position, value */
    CTR_ATTR_ADD = 0xd9,   /* object, name, value */
    CTR_ATTR_DEL = 0xda,   /* object, varint position */
    CTR_TOTAL = 0xdb,      /* object, varint true length: only a part is recorded */
    CTR_CHECKED = 0xdc,    /* object, zigzag step against the block's first: when it was last
                              compared; what this event says of it changed since */
    CTR_NOTE = 0xdd,       /* varint kind, value: marker, span, policy note */
    CTR_INPUT = 0xde,      /* varint stream and flags, value: text or bytes that were read */
    CTR_RECORD_MAX = 0xde,
};

/* Of OUTPUT and INPUT: the two low bits are the stream, the others say more. */
enum ctr_stream {
    CTR_STDIN = 0,
    CTR_STDOUT = 1,
    CTR_STDERR = 2,
    CTR_STREAM_MASK = 3,
    CTR_STREAM_MIRROR = 4,     /* bytes that went through no text stream of the program's */
    CTR_STREAM_REDIRECTED = 8, /* of the object in the stream's place: not the process's own */
    CTR_STREAM_FOREIGN = 16, /* met at the descriptor: no step or thread of this program wrote it */
    CTR_STREAM_ALL = 31,
};

enum ctr_frame_flags {
    CTR_FRAME_SUSPENDED = 1, /* not on the stack: a RESUME or THROW follows */
    CTR_FRAME_ADOPTED = 2,   /* was already running when the recording began: takes a call number */
};

/* An object reference in a record or value is a varint: 0 and then the varint object number, which
 * gives the object the next object number of the block; or k + 1 for the block's object k. */
enum ctr_open_flags {
    CTR_OPEN_BASE = 1, /* a base follows; without it the state continues from an earlier block */
    CTR_OPEN_NEW = 2,  /* the first description of this object */
};

/* Base: section flags; for each section present, varint true length, varint count, then `count`
 * values (items), key and value (pairs), name and value (attributes). */
enum ctr_section { CTR_ITEMS = 1, CTR_PAIRS = 2, CTR_ATTRS = 4 };

/* ---- Values
 * --------------------------------------------------------------------------------------
 *
 * [node] marks those that become the block's next node, numbered from 0 in the order of their first
 * byte, and can be named again as NODE or, from a later block, NODE_FAR. Equal nodes have equal
 * content; equal content may be two nodes. */
enum ctr_tag {
    CTR_V_UNBOUND = 0x00,
    CTR_V_NONE = 0x01,
    CTR_V_TRUE = 0x02,
    CTR_V_FALSE = 0x03,
    CTR_V_ELLIPSIS = 0x04,
    CTR_V_NOT_IMPLEMENTED = 0x05,
    CTR_V_INT = 0x06,       /* zigzag */
    CTR_V_FLOAT = 0x07,     /* 8 bytes IEEE 754 */
    CTR_V_COMPLEX = 0x08,   /* 16 bytes: real, imaginary [node] */
    CTR_V_BIG = 0x09,       /* varint (bytes << 1 | negative), magnitude [node] */
    CTR_V_TEXT = 0x0a,      /* varint bytes, text [node] */
    CTR_V_BYTES = 0x0b,     /* varint bytes [node] */
    CTR_V_TUPLE = 0x0c,     /* varint count, values [node] */
    CTR_V_FROZENSET = 0x0d, /* varint count, values [node] */
    CTR_V_NODE = 0x0e,      /* varint node of this block */
    CTR_V_NODE_FAR = 0x0f,  /* varint blocks back, varint node there */
    CTR_V_OBJECT = 0x10,    /* object reference */
    CTR_V_AS = 0x11,        /* varint type, value: a built-in value of another type [node] */
    CTR_V_THING = 0x12, /* varint type, varint address, value: function, class, module ... [node] */
    CTR_V_OPAQUE = 0x13, /* varint type, varint address: nothing inside was read [node] */
    CTR_V_CUT = 0x14,    /* varint true length, value: a limit cut this [node] */
    CTR_V_REDACTED = 0x15,
    CTR_V_DROPPED = 0x16,
    CTR_V_GROW =
        0x17, /* varint node of this block, varint bytes, text: that text and more [node] */
    CTR_V_SLICE = 0x18, /* three values [node] */
    CTR_V_RANGE = 0x19, /* three values [node] */
    CTR_V_DELTA = 0x1a, /* zigzag: the slot's last number plus this; in SET only */
    CTR_V_MAX = 0x1a,
    CTR_V_SMALL_DELTA = 0x20, /* 0x20..0x3f: the slot's last number plus (byte - 0x30); SET only */
    CTR_V_SHORT_TEXT = 0x80,  /* 0x80..0x87: 0 to 7 bytes of text follow */
    CTR_V_SMALL_INT = 0xa0,   /* 0xa0..0xff: -32 to 63 */
    CTR_SMALL_INT_MIN = -32,
    CTR_SMALL_INT_MAX = 63,
    CTR_SHORT_TEXT_MAX = 7,
    CTR_VALUE_DEPTH_MAX = 64, /* a value nested deeper is not a valid value */
};

/* ---- Definitions
 * --------------------------------------------------------------------------------- Each is: byte
 * kind, varint payload bytes, payload. Ids count from 0 within a kind. */
enum ctr_definition {
    CTR_DEF_RUN = 1,    /* text key, text value */
    CTR_DEF_PATH = 2,   /* text path as the program knew it */
    CTR_DEF_SOURCE = 3, /* varint path, byte flags (enum ctr_source_flags), rest: source bytes */
    CTR_DEF_TYPE = 4,   /* byte family (enum ctr_family), text module, text qualified name,
                           varint count, texts: field names of a named tuple */
    CTR_DEF_PLAN = 5,   /* see struct ctr_plan in reader.h: varint path, text name, text qualname,
                           text module, varint first line, varint code flags, varint positional-only,
                           arguments, keyword-only counts, varint globals object + 1 or 0, varint
                           slots, then per slot text name, byte kind, byte action */
    CTR_DEF_THREAD = 6, /* varint thread number, native id, Python's identifier, text name */
    CTR_DEF_FACTS = 7,  /* varint plan, its static facts: see the format's page */
};

/* What a line does to a name, in FACTS. The first six say it of a variable slot or a name, three
 * more of an attribute; of these an index follows. */
enum ctr_use {
    CTR_USE_READ = 0, /* variable slot of the plan */
    CTR_USE_WRITE,
    CTR_USE_DELETE,
    CTR_USE_READ_NAME, /* global, builtin, or name of a namespace */
    CTR_USE_WRITE_NAME,
    CTR_USE_DELETE_NAME,
    CTR_USE_READ_ATTRIBUTE,
    CTR_USE_WRITE_ATTRIBUTE,
    CTR_USE_DELETE_ATTRIBUTE,
    CTR_USE_READ_ITEM,
    CTR_USE_WRITE_ITEM,
    CTR_USE_DELETE_ITEM,
    CTR_USE_CALL,
    CTR_USE_CODE, /* nested code object */
    CTR_USE_MAX,
};

/* Head byte of a use or branch: what it is in the low four bits, and how its place is given. */
enum ctr_place_flags {
    CTR_PLACE_WHAT = 0x0f,
    CTR_PLACE_LINE = 0x10,       /* another line than the one before: the change follows */
    CTR_PLACE_LINES = 0x20,      /* spans lines: how many more follows */
    CTR_PLACE_NO_COLUMNS = 0x40, /* they are not known, and do not follow */
};

enum ctr_loop_kind {
    CTR_LOOP_FOR = 0,
    CTR_LOOP_WHILE,
    CTR_LOOP_ASYNC_FOR,
    CTR_LOOP_COMPREHENSION,
    CTR_LOOP_MAX,
};

enum ctr_branch_sense {
    CTR_JUMPS_IF_FALSE = 0,
    CTR_JUMPS_IF_TRUE,
    CTR_JUMPS_IF_NONE,
    CTR_JUMPS_IF_NOT_NONE,
    CTR_JUMPS_MAX,
};

enum { CTR_FACTS_CUT = 1 }; /* a limit was reached: there is more in the code */

enum ctr_source_flags {
    CTR_SOURCE_MAY_DIFFER = 1, /* from what ran */
    CTR_SOURCE_MISSING = 2,    /* the file could not be read */
    CTR_SOURCE_GOES_ON = 4,    /* in the next SOURCE, of the same path */
};

enum ctr_variable_kind {
    CTR_VAR_LOCAL = 0,
    CTR_VAR_ARG = 1,
    CTR_VAR_CELL = 2,
    CTR_VAR_FREE = 3,
    CTR_VAR_HIDDEN = 4,    /* the loop variable of an inlined comprehension */
    CTR_VAR_NAMESPACE = 5, /* the dict that holds the names of module, class and exec code;
                              always the last variable, its name is empty */
    CTR_VAR_KIND = 0x0f,
    CTR_VAR_ALSO_ARG = 0x10, /* a cell that is an argument too */
};
enum ctr_variable_action { CTR_KEEP = 0, CTR_REDACT = 1, CTR_DROP = 2 };

/* How values and objects of a type read. */
enum ctr_family {
    CTR_F_OBJECT = 0,
    CTR_F_INT,
    CTR_F_FLOAT,
    CTR_F_COMPLEX,
    CTR_F_TEXT,
    CTR_F_BYTES,
    CTR_F_BYTEARRAY,
    CTR_F_LIST,
    CTR_F_TUPLE,
    CTR_F_NAMEDTUPLE,
    CTR_F_SET,
    CTR_F_FROZENSET,
    CTR_F_DICT,
    CTR_F_DEQUE,
    CTR_F_EXCEPTION,
    CTR_F_FUNCTION,
    CTR_F_METHOD,
    CTR_F_CLASS,
    CTR_F_MODULE,
    CTR_F_ENUM,
    CTR_F_DATACLASS,
    CTR_F_GENERATOR,
    CTR_F_BUFFER,
    CTR_F_DATE,
    CTR_F_DATETIME,
    CTR_F_TIME,
    CTR_F_TIMEDELTA,
    CTR_F_DECIMAL,
    CTR_F_FRACTION,
    CTR_F_PATH,
    CTR_F_UUID,
    CTR_F_PATTERN,
    CTR_F_MATCH,
    CTR_F_MAPPINGPROXY,
    CTR_F_CELL,
    CTR_F_NAMESPACE,
    CTR_F_TRACEBACK,
    CTR_F_STREAM,
    CTR_F_MAX,
};

/* ---- END
 * ------------------------------------------------------------------------------------------ varint
 * reason, zigzag exit status or INT32_MIN, varint steps, calls, event blocks, tick; varint count of
 * counters, each varint; varint count of INDEX blocks, each varint offset, varint first EVENTS
 * block, its first step, first call and tick; varint count of DEFS blocks, each varint offset; with
 * CTR_ENDED_BY_ERROR perhaps a text, which error it was. What an INDEX block holds: index.h. */
enum ctr_end_reason {
    CTR_ENDED_NORMALLY = 0,
    CTR_ENDED_BY_STOP,
    CTR_ENDED_BY_SIZE,
    CTR_ENDED_BY_SPACE,
    CTR_ENDED_BY_ERROR,
    CTR_ENDED_BY_EXEC,
    CTR_ENDED_BY_SIGNAL,
    CTR_ENDED_UNKNOWN,
};

/* Counters, in the order they are stored. Seen and stored are equal unless something was lost. The
 * last twelve say of values_redacted and values_dropped what the values were. */
/* clang-format off */
#define CTR_COUNTERS(X) \
    X(lines) X(calls) X(returns) X(yields) X(resumes) X(throws) X(unwinds) X(raises) \
    X(handled) X(outputs) X(thread_switches) X(values_cut) X(values_redacted) \
    X(values_dropped) X(values_opaque) X(objects) X(objects_forgotten) X(lagging) X(waits) \
    X(skipped_code) X(forks) X(inputs) \
    X(redacted_arguments) X(redacted_attributes) X(redacted_globals) X(redacted_locals) \
    X(redacted_returns) X(redacted_shapes) \
    X(dropped_arguments) X(dropped_attributes) X(dropped_globals) X(dropped_locals) \
    X(dropped_returns) X(dropped_shapes)
/* clang-format on */

enum ctr_counter {
#define X(name) CTR_C_##name,
    CTR_COUNTERS(X)
#undef X
        CTR_COUNTER_COUNT
};

/* ---- Tail file
 *    0  8  CTR_TAIL_MAGIC
 *    8 16  recording id
 *   24  4  slots
 *   28  4  slot capacity in bytes
 *   32 32  zero
 *   64 ..  counters, 8 bytes each
 * at page 1 (4096) one header of 64 bytes per slot: kind (4), number (4), committed bytes (8),
 * state (4: 0 free, 1 filling, 2 handed over); from page 2 on the slots. */
enum {
    CTR_TAIL_PAGE = 4096,
    CTR_TAIL_SLOT_HEADER_BYTES = 64,
    CTR_TAIL_SLOTS_MAX = 64,
    CTR_TAIL_COUNTERS = 64,
};

#endif
