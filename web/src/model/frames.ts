// The stack of a thread at the moment, and the frame whose variables are shown.

import { type Atom, atom } from "../lib/atom";
import type { StackFrame, Thread } from "../lib/dap";
import type { MoveState } from "../lib/protocol";
import { type Link, refusal } from "./link";

const LEVELS = 100;

export interface Frames {
  now: MoveState;
  threads: readonly Thread[];
  thread: number; // whose stack this is
  frames: readonly StackFrame[];
  hasMore: boolean;
  depth: number | null; // of the whole stack, where it is known
  selected: number; // index in frames
}

export class FramesModel {
  readonly state: Atom<Frames | null> = atom<Frames | null>(null);
  readonly error: Atom<string> = atom("");
  private round = 0;
  private isLoading = false;

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
    if (!state?.hasMore || this.isLoading) return;
    this.isLoading = true;
    const round = this.round;
    const page = await this.page(state.thread, state.frames.length).catch(() => null);
    this.isLoading = false;
    const now = this.state.get();
    if (!page || !now || round !== this.round) return;
    const frames = [...state.frames, ...page.stackFrames];
    this.state.set({ ...now, frames, hasMore: page.stackFrames.length === LEVELS });
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
      const hasMore = frames.length === LEVELS;
      const { callstackDepth } = now.location;
      const isKnown = thread === now.threadId && callstackDepth !== undefined;
      const depth = isKnown ? callstackDepth + 1 : hasMore ? null : frames.length;
      this.state.set({ now, threads, thread, frames, hasMore, depth, selected: 0 });
      this.error.set("");
    } catch (problem) {
      if (round === this.round) this.error.set(refusal(problem) ?? "");
    }
  }

  private page(threadId: number, startFrame: number) {
    type Page = { stackFrames: StackFrame[] };
    return this.link.request<Page>("stackTrace", { threadId, startFrame, levels: LEVELS });
  }
}

export function selectedFrame(state: Frames | null): StackFrame | undefined {
  return state?.frames[state.selected];
}

export function threadName(state: Frames | null, id: number): string {
  return state?.threads.find((thread) => thread.id === id)?.name ?? `thread ${id}`;
}
