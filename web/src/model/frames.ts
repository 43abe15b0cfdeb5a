// The stack of a thread at the moment, and the frame whose variables are shown.

import { type Atom, atom } from "../lib/atom";
import type { StackFrame, Thread } from "../lib/dap";
import type { MoveState } from "../lib/protocol";
import type { Link } from "./link";

const LEVELS = 100;

export interface Frames {
  now: MoveState;
  threads: readonly Thread[];
  thread: number; // whose stack this is
  frames: readonly StackFrame[];
  total: number;
  selected: number; // index in frames
}

export class FramesModel {
  readonly state: Atom<Frames | null> = atom<Frames | null>(null);
  readonly error: Atom<string> = atom("");
  private round = 0;

  constructor(private readonly link: Link) {}

  async refresh(now: MoveState): Promise<void> {
    await this.load(now, now.threadId);
  }

  /** Look at another thread's stack, without moving. */
  async look(thread: number): Promise<void> {
    const state = this.state.get();
    if (state) await this.load(state.now, thread);
  }

  select(index: number) {
    const state = this.state.get();
    if (state?.frames[index]) this.state.set({ ...state, selected: index });
  }

  async more(): Promise<void> {
    const state = this.state.get();
    if (!state || state.frames.length >= state.total) return;
    const round = this.round;
    const page = await this.page(state.thread, state.frames.length);
    if (round !== this.round) return;
    this.state.set({
      ...state,
      frames: [...state.frames, ...page.stackFrames],
      total: page.totalFrames ?? state.total,
    });
  }

  private async load(now: MoveState, thread: number): Promise<void> {
    const round = ++this.round;
    try {
      const [{ threads }, page] = await Promise.all([
        this.link.request<{ threads: Thread[] }>("threads"),
        this.page(thread, 0),
      ]);
      if (round !== this.round) return;
      const frames = page.stackFrames;
      this.state.set({ now, threads, thread, frames, total: page.totalFrames ?? frames.length, selected: 0 });
      this.error.set("");
    } catch (problem) {
      if (round === this.round) this.error.set(problem instanceof Error ? problem.message : String(problem));
    }
  }

  private page(threadId: number, startFrame: number) {
    type Page = { stackFrames: StackFrame[]; totalFrames?: number };
    return this.link.request<Page>("stackTrace", { threadId, startFrame, levels: LEVELS });
  }
}

export function selectedFrame(state: Frames | null): StackFrame | undefined {
  return state?.frames[state.selected];
}

export function threadName(state: Frames | null, id: number): string {
  return state?.threads.find((thread) => thread.id === id)?.name ?? `thread ${id}`;
}
