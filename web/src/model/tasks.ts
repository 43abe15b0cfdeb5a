// The tasks of the moment: of any number of them those pages that somebody looks at.

import { type Atom, atom } from "../lib/atom";
import type { MoveState, Task, Tasks } from "../lib/protocol";
import { type Link, refusal } from "./link";

const PAGE = 50;

export interface TasksState {
  moment: string; // whose they are
  name: string; // those with this in their name
  total: number;
  all: number; // without a name
  isTruncated: boolean;
}

export class TasksModel {
  readonly state: Atom<TasksState | null> = atom<TasksState | null>(null);
  readonly error: Atom<string> = atom("");
  /** Counts up when a page came. */
  readonly version: Atom<number> = atom(0);
  private pages = new Map<number, readonly Task[] | null>(); // null: asked for
  private round = 0;

  constructor(private readonly link: Link) {}

  clear() {
    this.round++;
    this.pages.clear();
    this.state.set(null);
    this.error.set("");
  }

  /** The tasks of this moment, unless they are known. */
  async refresh(now: MoveState, name = this.state.get()?.name ?? ""): Promise<void> {
    const moment = `${now.moment.step}.${now.moment.left}`;
    const state = this.state.get();
    if (state?.moment === moment && state.name === name) return;
    const round = ++this.round;
    try {
      const page = await this.ask(name, 0);
      if (round !== this.round) return;
      const { total, all, isTruncated } = page;
      this.pages = new Map([[0, page.tasks]]);
      this.state.set({ moment, name, total, all, isTruncated });
      this.error.set("");
    } catch (problem) {
      if (round === this.round) this.error.set(refusal(problem) ?? "");
    }
  }

  /** What is known of a row at once; else it is asked for. */
  row(index: number): Task | undefined {
    const number = Math.floor(index / PAGE);
    if (!this.pages.has(number)) void this.load(number);
    return this.pages.get(number)?.[index % PAGE];
  }

  private async load(number: number) {
    const { pages } = this;
    pages.set(number, null);
    try {
      pages.set(number, (await this.ask(this.state.get()?.name ?? "", number * PAGE)).tasks);
    } catch {
      pages.delete(number); // of a moment that was, or of a session that broke
    }
    if (pages === this.pages) this.version.set(this.version.get() + 1);
  }

  private ask(name: string, start: number) {
    return this.link.request<Tasks>("ct/tasks", { start, count: PAGE, ...(name && { name }) });
  }
}
