// Where one is, and how one moves. Moves wait in line, so that no key press is lost; while they
// come faster than they can be shown, only some of the moments between are shown in full.

import { type Atom, atom } from "../lib/atom";
import type { End, Moment, MoveArguments, MoveState } from "../lib/protocol";
import { type Glance, glance } from "./glance";
import { type Link, RequestError } from "./link";
import type { Opened } from "./opening";

interface Waiting {
  args: MoveArguments;
  /** Where that leads nowhere, the same the other way. */
  isEither: boolean;
  /** A later move of the same name takes its place while it waits: the steps of a drag. */
  replaces: string;
}

interface Look {
  seen: Promise<Glance> | null; // of where the move leads
  isDragged: boolean; // on the way to elsewhere
}

/** How a move came about: the address bar's history keeps jumps, and few of the steps. */
export type Arrival = "first" | "step" | "jump";

const STEPS = new Set(["into", "over", "overLine", "out"]);
const SHOW_EVERY = 200; // milliseconds between full views while moves keep coming
const DRAG_SHOWS_EVERY = 500; // while something is dragged: a full view costs more than a frame
const DRAG_APART = 100; // milliseconds: moves of a drag closer than that are on the way to elsewhere

export class Player {
  /** Where one is. Changes with each move. */
  readonly now: Atom<MoveState | null> = atom<MoveState | null>(null);
  /** The same, but not for each of many moves in a row: what panels follow. */
  readonly settled: Atom<MoveState | null> = atom<MoveState | null>(null);
  /** Where one has come to rest: what costs more follows this. */
  readonly rested: Atom<MoveState | null> = atom<MoveState | null>(null);
  readonly waiting: Atom<number> = atom(0);
  /** What is to be seen at the settled moment; null: it was not asked for with the move. */
  glance: Promise<Glance> | null = null;
  arrived: (state: MoveState, arrival: Arrival) => void = () => {};
  /** Told why a move did not go anywhere. */
  stayed: (text: string) => void = () => {};
  private queue: Waiting[] = [];
  private running: { seq: number } | null = null;
  private lastShown = 0;
  private lastDragged = 0;
  private rest: ReturnType<typeof setTimeout> | undefined; // until a drag counts as over

  /** `loadedCall`: the call whose flow is there already, or null. */
  constructor(
    private readonly link: Link,
    private readonly loadedCall: () => number | null,
  ) {}

  go(args: MoveArguments, replaces = "") {
    const last = this.queue.at(-1);
    if (replaces !== "" && last?.replaces === replaces) last.args = args;
    else this.enqueue({ args, replaces, isEither: false });
  }

  /** Forwards, or else backwards. */
  goEither(args: MoveArguments) {
    this.enqueue({ args, replaces: "", isEither: true });
  }

  to(moment: Moment, replaces = "") {
    this.go({ move: "moment", moment }, replaces);
  }

  /** Forget what waits, and end what runs. */
  cancel() {
    this.queue = [];
    if (this.running) this.link.cancel(this.running.seq);
  }

  /** The session is new: this is where it begins. */
  enter({ state, seen, problem }: Opened) {
    this.queue = [];
    clearTimeout(this.rest);
    if (problem !== "") this.stayed(problem);
    this.show(state, { seen, isDragged: false });
    this.rested.set(state);
    this.arrived(state, "first");
  }

  private enqueue(move: Waiting) {
    this.queue.push(move);
    this.waiting.set(this.queue.length + (this.running ? 1 : 0));
    if (!this.running) void this.run();
  }

  private async run() {
    clearTimeout(this.rest);
    let isDragged = false;
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      const { seq, promise } = this.link.start<MoveState>("ct/move", next.args);
      isDragged = this.isDragged(next);
      const seen = this.queue.length === 0 && !isDragged ? this.look() : null;
      this.running = { seq };
      this.waiting.set(this.queue.length + 1);
      try {
        this.take(await promise, next, { seen, isDragged });
      } catch (problem) {
        if (!(problem instanceof RequestError)) this.queue = [];
        else if (!/cancel/i.test(problem.message)) this.stayed(problem.message);
      }
    }
    this.running = null;
    this.waiting.set(0);
    if (isDragged) this.rest = setTimeout(() => this.settle(), DRAG_APART);
    else this.settle();
  }

  private settle() {
    if (this.settled.get() !== this.now.get()) this.glance = null; // it is of an earlier moment
    this.settled.set(this.now.get());
    this.rested.set(this.now.get());
  }

  /** Whether a move is one of many: the first of a drag is not, it may be the only one. */
  private isDragged({ replaces }: Waiting): boolean {
    if (replaces === "") return false;
    const before = this.lastDragged;
    this.lastDragged = Date.now();
    return this.lastDragged - before < DRAG_APART;
  }

  private look(): Promise<Glance> {
    const seen = glance(this.link, this.loadedCall());
    this.link.flush(); // with the move
    seen.catch(() => {}); // it may not be wanted
    return seen;
  }

  private take(state: MoveState, { args, isEither }: Waiting, { seen, isDragged }: Look) {
    if (state.end !== "moved" && isEither) {
      this.queue.unshift({ args: { ...args, backwards: true }, replaces: "", isEither: false });
      return;
    }
    if (state.end !== "moved") this.stayed(whyItStayed(state.end, args, state.atEnd));
    this.show(state, { seen: this.queue.length === 0 ? seen : null, isDragged });
    this.arrived(state, STEPS.has(args.move) || isDragged ? "step" : "jump");
  }

  private show(state: MoveState, { seen, isDragged }: Look) {
    this.now.set(state);
    const time = Date.now();
    const isLast = this.queue.length === 0 && !isDragged;
    if (isLast || time - this.lastShown > (isDragged ? DRAG_SHOWS_EVERY : SHOW_EVERY)) {
      this.lastShown = time;
      this.glance = seen;
      this.settled.set(state);
    }
  }
}

/** What to tell about a move that stayed where it was. */
export function whyItStayed(end: End, args: MoveArguments, atEnd: boolean): string {
  if (end === "start") return "Nothing of this thread is before this moment.";
  if (end === "end") return "Nothing of this thread comes after this moment.";
  if (end === "root") {
    const rest = atEnd && !args.backwards ? "The recording ends here." : "Step into goes on where the thread does.";
    return `No recorded code called this one. ${rest}`;
  }
  const where = args.backwards ? "before" : "after";
  if (args.move === "continue") return `No breakpoint is hit ${where} this moment.`;
  if (args.move === "exception") return `No exception is raised ${where} this moment.`;
  if (args.move === "output") return `Nothing is written ${where} this moment.`;
  if (args.move === "line") return `This line does not run ${where} this moment.`;
  if (args.move === "callStart" || args.move === "callEnd") return "This call has no recorded lines.";
  return "There is no such moment.";
}
