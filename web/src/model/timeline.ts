// The part of the run that the strip on top shows, cut in as many parts as it has room for.

import { type Atom, atom } from "../lib/atom";
import type { At, Timeline } from "../lib/protocol";
import type { Link } from "./link";

export interface Range {
  from: number;
  to: number; // exclusive
}

export interface TimelineState {
  range: Range; // that is drawn
  timeline: Timeline;
}

const LEAST = 20; // steps that the closest look shows

export class TimelineModel {
  readonly range: Atom<Range> = atom<Range>({ from: 0, to: 1 });
  readonly state: Atom<TimelineState | null> = atom<TimelineState | null>(null);
  readonly at: Atom<At | null> = atom<At | null>(null); // what the pointer rests on
  /** The thread whose stack is shown. */
  readonly looked: Atom<number> = atom(0);
  /** The names of all threads that were seen. */
  readonly threads: Atom<ReadonlyMap<number, string>> = atom<ReadonlyMap<number, string>>(new Map());
  private steps = 1;
  private parts = 0;
  private running = false;
  private wanted = false;
  private atWanted: number | null = null;
  private atRunning = false;

  constructor(private readonly link: Link) {}

  begin(steps: number) {
    this.steps = Math.max(1, steps);
    this.state.set(null);
    this.threads.set(new Map());
    this.range.set({ from: 0, to: this.steps });
    this.reload();
  }

  resize(parts: number) {
    if (parts === this.parts) return;
    this.parts = parts;
    this.reload();
  }

  /** Show this range, or the nearest there can be. */
  look(range: Range) {
    const size = Math.min(this.steps, Math.max(LEAST, Math.round(range.to - range.from)));
    const from = Math.max(0, Math.min(Math.round(range.from), this.steps - size));
    const before = this.range.get();
    if (before.from === from && before.to === from + size) return;
    this.range.set({ from, to: from + size });
    this.reload();
  }

  zoom(factor: number, around: number) {
    const { from, to } = this.range.get();
    this.look({ from: around - (around - from) * factor, to: around + (to - around) * factor });
  }

  pan(steps: number) {
    const { from, to } = this.range.get();
    this.look({ from: from + steps, to: to + steps });
  }

  whole() {
    this.look({ from: 0, to: this.steps });
  }

  /** Keep the moment in view. */
  follow(step: number) {
    const { from, to } = this.range.get();
    if (step >= from && step < to) return;
    this.look({ from: step - (to - from) / 2, to: step + (to - from) / 2 });
  }

  /** Ask what is at a step; only the latest question is answered. */
  async ask(step: number | null): Promise<void> {
    this.atWanted = step;
    if (step === null) this.at.set(null);
    if (this.atRunning || step === null) return;
    this.atRunning = true;
    while (this.atWanted !== null) {
      const asked: number = this.atWanted;
      const at = await this.link.request<At>("ct/at", { step: asked }).catch(() => null);
      if (this.atWanted !== asked) continue;
      this.atWanted = null;
      this.at.set(at);
    }
    this.atRunning = false;
  }

  /** Load what is to be seen now. While that is on its way, only the latest wish is kept. */
  reload() {
    this.wanted = true;
    if (!this.running && this.parts > 0) void this.run();
  }

  private async run() {
    this.running = true;
    while (this.wanted) {
      this.wanted = false;
      const range = this.range.get();
      const args = { ...range, count: Math.min(this.parts, range.to - range.from) };
      const timeline = await this.link.request<Timeline>("ct/load-timeline", args).catch(() => null);
      if (timeline) this.take({ range, timeline });
    }
    this.running = false;
  }

  private take(state: TimelineState) {
    this.state.set(state);
    const known = this.threads.get();
    const fresh = state.timeline.threads.filter(({ threadId }) => !known.has(threadId));
    if (fresh.length > 0) {
      this.threads.set(new Map([...known, ...fresh.map(({ threadId, name }) => [threadId, name] as const)]));
    }
  }
}
