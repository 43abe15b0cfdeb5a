// The stack of a thread at the moment, and the frame whose variables are shown.

import { type Atom, atom } from "../lib/atom";
import type { StackFrame, Thread } from "../lib/dap";
import { visible } from "../lib/format";
import type { MoveState, Task } from "../lib/protocol";
import { type Glance, glance, LEVELS } from "./glance";
import { type Link, refusal } from "./link";

export interface Frames {
  now: MoveState;
  threads: readonly Thread[];
  thread: number; // whose stack this is
  task: Task | null; // or a suspended task's, which ran on that thread last
  frames: readonly StackFrame[];
  hasMore: boolean;
  depth: number | null; // of the whole stack, where it is known
  selected: number; // index in frames
  /** Of the frame that runs, if that is the first of these. */
  seen: Glance | null;
}

export class FramesModel {
  readonly state: Atom<Frames | null> = atom<Frames | null>(null);
  readonly error: Atom<string> = atom("");
  private round = 0;
  private isLoading = false;

  constructor(private readonly link: Link) {}

  async refresh(now: MoveState, asked: Promise<Glance> | null): Promise<void> {
    await this.load(now, now.threadId, async () => asked ?? glance(this.link, null));
  }

  /** Look at another thread's stack, without moving. */
  async look(thread: number): Promise<void> {
    const state = this.state.get();
    if (!state || (thread === state.thread && !state.task)) return;
    await this.load(state.now, thread, async () => {
      const { stackFrames } = await this.page(thread, 0);
      return { threads: state.threads, frames: stackFrames };
    });
  }

  /** Look at the frames of a task, without moving. */
  async lookAtTask(task: Task): Promise<void> {
    const state = this.state.get();
    if (!state) return;
    if (task.state === "running") return this.look(task.threadId);
    const ask = async () => {
      const { stackFrames } = await this.page(task.threadId, 0, task);
      return { threads: state.threads, frames: stackFrames };
    };
    await this.load(state.now, task.threadId, ask, task);
  }

  select(index: number) {
    const state = this.state.get();
    if (state?.frames[index]) this.state.set({ ...state, selected: index });
  }

  async more(): Promise<void> {
    const state = this.state.get();
    if (!state?.hasMore || this.isLoading) return;
    this.isLoading = true;
    const round = this.round;
    const page = await this.page(state.thread, state.frames.length, state.task).catch(() => null);
    this.isLoading = false;
    const now = this.state.get();
    if (!page || !now || round !== this.round) return;
    const frames = [...state.frames, ...page.stackFrames];
    this.state.set({ ...now, frames, hasMore: page.stackFrames.length === LEVELS });
  }

  private async load(
    now: MoveState,
    thread: number,
    ask: () => Promise<Stack>,
    task: Task | null = null,
  ): Promise<void> {
    const round = ++this.round;
    try {
      const found = await ask();
      if (round !== this.round) return;
      const { threads, frames } = found;
      const seen = "flow" in found ? found : null;
      const hasMore = frames.length === LEVELS;
      const { callstackDepth } = now.location;
      const isKnown = thread === now.threadId && callstackDepth !== undefined;
      const depth = task ? task.frames : isKnown ? callstackDepth + 1 : hasMore ? null : frames.length;
      this.state.set({ now, threads, thread, task, frames, hasMore, depth, selected: 0, seen });
      this.error.set("");
    } catch (problem) {
      if (round === this.round) this.error.set(refusal(problem) ?? "");
    }
  }

  private page(threadId: number, startFrame: number, task: Task | null = null) {
    type Page = { stackFrames: StackFrame[] };
    if (task) {
      return this.link.request<Page>("ct/task-frames", { key: task.key, start: startFrame, count: LEVELS });
    }
    return this.link.request<Page>("stackTrace", { threadId, startFrame, levels: LEVELS });
  }
}

type Stack = Glance | Pick<Glance, "threads" | "frames">;

/** What was seen of the selected frame, when it is the one that runs. */
export function seenOf(state: Frames | null): Glance | null {
  return state?.selected === 0 ? state.seen : null;
}

export function selectedFrame(state: Frames | null): StackFrame | undefined {
  return state?.frames[state.selected];
}

/** The frame at this moment that stands for one of another moment: of the same call, or else of the same
 *  function. */
export function sameFrame(state: Frames | null, frame: StackFrame): StackFrame | undefined {
  const { name, source, ct } = frame;
  const same = (state?.frames ?? []).filter((other) => other.name === name && other.source?.path === source?.path);
  return same.find((other) => other.ct?.key === ct?.key) ?? same[0];
}

export function threadName(state: Frames | null, id: number): string {
  return visible(state?.threads.find((thread) => thread.id === id)?.name ?? `thread ${id}`);
}
