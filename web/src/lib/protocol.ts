// The messages between the window and `ct`: the Debug Adapter Protocol's, and `ct/*` requests for
// what it has no words for. Steps, calls, counts are exact integers below 2^53.

export interface Moment {
  step: number; // a line about to run, numbered from 0 over all threads
  left: number; // 0: that; n: n frames of its thread's stack have been left since
}
export type End = "moved" | "start" | "end" | "root" | "not found";

/** Where code is. CodeTracer's names: rrTicks is the step. */
export interface Location {
  path: string;
  line: number;
  functionName: string; // qualified
  functionFirst: number; // first line of its code
  rrTicks: number;
  key: number | null; // the call; null: not known (of some outputs)
  callstackDepth?: number; // of MoveState: 0: bottom of its stack; absent: beyond 4096
}

/** Body of the event `ct/complete-move`, and of the response to every request that moves. */
export interface MoveState {
  moment: Moment;
  end: End; // "moved", or why it stays
  // "pause": it stays, nothing of what was looked for is in this direction
  reason: "entry" | "step" | "pause" | "breakpoint" | "function breakpoint" | "exception" | "goto";
  breakpoints: number[]; // ids that were hit
  threadId: number; // as DAP's: counted from 1
  tick: number; // milliseconds since the start of the run
  location: Location;
  isTurn: boolean; // another turn of a loop on its line
  leftBy?: "return" | "yield" | "unwind"; // moment.left > 0: how the frame above left,
  result?: ValueText; // and with what
  atStart: boolean; // of the recording
  atEnd: boolean;
  place: Place; // of the record that makes the moment: lists that go on from "now" start there, either way
}

export interface ValueText {
  text: string;
  type: string;
}

/** `ct/move`: every move there is. */
export interface MoveArguments {
  move:
    | "into"
    | "over"
    | "overLine"
    | "out"
    | "continue"
    | "start"
    | "end" // of the recording
    | "callStart"
    | "callEnd" // `call`
    | "line" // next or previous visit of `path`:`line`, in any call or in `call`
    | "visit" // visit number `index` of `line` by `call`
    | "exception"
    | "output"
    | "moment" // `moment`
    | "place"; // `place` of an entry, on `threadId`
  backwards?: boolean;
  threadId?: number;
  call?: number;
  path?: string;
  line?: number;
  index?: number;
  moment?: Moment;
  place?: Place;
}
export interface Place {
  block: number;
  at: number;
}

/** `ct/recording`: what was recorded, and what is missing from it. */
export interface Recording {
  recordingId: string; // "" when it has none
  directory: string;
  program: string;
  args: string[];
  workdir: string;
  python: string; // "3.13.0"
  started: string; // ISO 8601, UTC
  duration: number; // milliseconds
  steps: number;
  calls: number;
  events: number;
  bytes: number; // of the trace file
  threads: number;
  exceptions: number;
  outputs: number;
  hasTasks: boolean; // coroutines were recorded
  exitCode: number | null; // null: not known
  isComplete: boolean; // false: the recording was cut off, or is still being written
  endReason: string;
  endSignal: number; // that ended the program; 0: none
  missing: Missing[];
}
export interface Missing {
  kind: "truncated" | "redacted" | "dropped" | "opaque" | "lagging" | "ended" | "not recorded";
  count: number;
  text: string; // a sentence: what, why, what one can do
}

/** `ct/files`: window of the recorded files, in order of their paths. */
export interface FilesArguments {
  start: number;
  count: number;
}
export interface Files {
  files: RecordedFile[];
  total: number;
}
export interface RecordedFile {
  path: string;
  hasSource: boolean; // its text is in the recording (`source` request)
  mayDiffer: boolean; // the text may not be what ran
  lines: number; // that have code
  linesRun: number;
  steps: number; // how often any line of it ran
}

/** `ct/line-counts`: of lines `first` to `first + count - 1` of a file. */
export interface LineCountsArguments {
  path: string;
  first: number;
  count: number;
}
export interface LineCounts {
  total: number[]; // visits in the whole recording; 0: none
  soFar: number[]; // before the moment
  hasCode: boolean[];
}

/** `ct/load-flow`: the call's lines in the order they ran, from step `from` on; of the call that runs. */
export interface FlowArguments {
  call?: number;
  from?: number;
  count: number; // of visits
  unless?: number; // this call: then there is nothing in the answer but which call it is
  within?: number; // steps of the call: the same for one of more
}
export interface Flow {
  call: number;
  location: Location; // of the call's first step
  steps: FlowStep[];
  more: boolean; // there are visits behind
  linesRun: number[]; // lines the call came to anywhere, ascending (not only in this window)
}
export interface FlowStep {
  line: number;
  rrTicks: number;
  isTurn: boolean;
  condition: "unknown" | "false" | "true"; // of a line with one condition: how it went
  values: FlowValue[];
}
/** Of names the line uses, then of attributes and items as they stand in the source: up to 12 of a line,
 *  and 1,500 looked at for a window. */
export interface FlowValue {
  name: string; // "total", "self.total", "xs[i]"
  before?: string;
  after?: string; // where the line wrote or changed it
  isRead: boolean;
  isWritten: boolean;
  isChanged: boolean;
}

/** `ct/visit`: visit of a line by a call nearest to the moment, with its neighbours. */
export interface VisitArguments {
  call: number;
  line: number;
}
export interface Visit {
  index: number; // of the latest visit at or before the moment; -1: none yet
  count: number; // of visits of the line by the call
  step: number; // of that visit; -1: none
}

/** `ct/load-loops`: the loops of a call. */
export interface LoopsArguments {
  call: number;
  start: number;
  count: number;
}
export interface Loops {
  loops: Loop[];
  total: number;
}
export interface Loop {
  first: number; // lines of the loop, header included
  last: number;
  registeredLine: number; // where each turn begins
  base: number; // the loop around it, -1: none
  iterations: number | null; // its turns in the call; inside of another loop: visits of registeredLine; null: not known
  iteration: number; // the visit of registeredLine at the moment; -1: not begun
}

/** `ct/load-calltrace-section`: calls that `parent` made; null: those at the bottom of a thread. */
export interface CallsArguments {
  parent: number | null;
  threadId?: number; // with null
  start: number; // with a parent: index of the first child
  behind?: number; // with null: go on behind that call
  count: number;
}
export interface Calls {
  calls: Call[];
  total: number | null; // children of the parent; null: not counted
  more: boolean;
  next?: Place; // ct/search-calltrace: where to go on
}
export interface Call {
  key: number;
  parent: number | null;
  threadId: number;
  depth: number | null; // calls above it; null: more than 1000
  rawName: string; // qualified
  module: string;
  path: string;
  line: number; // of the definition
  args: string; // "n=1, key='k'"
  returnValue: string; // "" when none
  exit: "return" | "unwind" | "running"; // unwind: returnValue is the exception
  children: number;
  size: number; // calls in its subtree, itself included
  firstStep: number | null;
  steps: number;
}
/** `ct/search-calltrace`: calls of functions whose qualified name has this text, from a place on. */
export interface SearchCallsArguments {
  value: string;
  from?: Place;
  backwards?: boolean;
  count: number;
}
/** `ct/call-path`: the call, then who called it, and so on. Body: Calls. */
export interface CallPathArguments {
  call: number;
  count: number;
}

/** `ct/tasks`: of the moment, in the order in which they began; `name`: those with it in theirs. */
export interface TasksArguments {
  start: number;
  count: number;
  name?: string;
}
export interface Tasks {
  tasks: Task[];
  total: number; // of that name
  all: number;
  isTruncated: boolean; // more was suspended than is followed: there may be others
}
export interface Task {
  key: number; // the call of its coroutine
  name: string; // of that: qualified
  module: string;
  state: "running" | "suspended";
  threadId: number; // on which it ran last
  frames: number; // that await one another; of a running one up to the top of the stack
  location: Location; // where the innermost of them is; rrTicks: its latest step
}
/** `ct/task-frames`: of a suspended task, the innermost first. Body: as of `stackTrace`. */
export interface TaskFramesArguments {
  key: number;
  start: number;
  count: number;
}

/** `ct/load-history`: changes of a variable, or of a child of a value, from a place on: what it is bound to, and what
 *  that object holds. */
export interface HistoryArguments {
  expression: string; // a variable's name, in frame `frameId`
  frameId?: number;
  variablesReference?: number; // or: child `expression` (its name) of this container or scope
  onlyThisCall?: boolean;
  from?: Place;
  backwards?: boolean;
  count: number;
}
export interface History {
  results: HistoryEntry[];
  next: Place;
  finish: boolean; // nothing more in this direction
}
export interface HistoryEntry {
  place: Place;
  location: Location;
  threadId: number;
  value: string;
}
/** `ct/draw-history`: the recording's steps cut in `count` equal parts. Cancellable, with progress. */
export interface DrawHistoryArguments extends Omit<HistoryArguments, "from" | "backwards"> {}
export interface HistoryDrawing {
  changes: number[]; // per part
  numbers: number[]; // of them with a number, and
  first: (number | null)[];
  last: (number | null)[];
  least: (number | null)[];
  most: (number | null)[];
}

/** `ct/event-load`: what was written, or raised, in pages from a place on. */
export interface EventsArguments {
  kind: "output" | "exception";
  from?: Place; // absent: from the start (or end, backwards)
  backwards?: boolean;
  count: number;
}
export interface Events {
  events: ProgramEvent[];
  next: Place;
  finish: boolean;
}
export interface ProgramEvent {
  place: Place;
  threadId: number;
  location: Location; // rrTicks: the latest step before it
  content: string; // output: the text as written; exception: "ValueError('bad')"
  stream: "stdout" | "stderr" | "stdin" | ""; // "" of exceptions
  base64Encoded: boolean; // output that is not UTF-8
}

/** `ct/load-timeline`: steps `from` to `to`, cut in `count` parts. */
export interface TimelineArguments {
  from: number;
  to: number;
  count: number;
}
export interface Timeline {
  threads: TimelineThread[];
  outputs: number[]; // per part: how many
  exceptions: number[];
  hits: number[]; // of breakpoints
  tick: number[]; // milliseconds at the start of each part
  isExact: boolean; // false: a long range, of which only each block of some 100 KiB is known
}
export interface TimelineThread {
  threadId: number;
  name: string;
  least: number[]; // depth of its stack per part; -1: it did not run there
  most: number[];
}
/** `ct/at`: what one would see at a step, without going there. */
export interface AtArguments {
  step: number;
}
export interface At {
  location: Location;
  threadId: number;
  tick: number;
}

/** Added to DAP's Variable (`variables`, `evaluate`) under the key `ct`. */
export interface VariableExtra {
  kind: string; // "int", "list", "redacted", …
  isChanged?: boolean; // since the frame's previous step
  isNew?: boolean;
  before?: string;
  isCut?: boolean; // a limit of the recording cut it
  length?: number; // len(), where it has one
  object?: number; // identity
  verified?: number; // it may have changed since this step
  variableKind?: "argument" | "local" | "cell" | "global";
  table?: TableSize; // it reads as a table
}

/** What reads as a table: lists of rows of one shape, buffers, and long lists, which are one column. */
export interface TableSize {
  rows: number; // recorded
  allRows: number; // there were in the program
  columns: number;
  dtype?: string; // of a buffer: of its elements,
  shape?: number[]; // and its dimensions; the last one is a row's
}
/** `ct/load-table`: rows `start` and on, and of each the columns from `firstColumn` on. Up to 1,000
 *  columns and 10,000 cells; what changed is since the previous step of the frame. */
export interface TableArguments {
  variablesReference: number;
  frameId?: number;
  start: number;
  count: number;
  firstColumn?: number;
  columnCount?: number;
}
export interface Table extends TableSize {
  names?: string[]; // of these columns, where they have some
  window: TableRow[];
}
export interface TableRow {
  name: string; // "0", "'key'", "0, 3"
  cells: (TableCell | null)[]; // null: not recorded
  whole?: TableCell; // a row of another shape: all of it
}
export interface TableCell {
  text: string;
  kind: string;
  isChanged?: boolean;
}
