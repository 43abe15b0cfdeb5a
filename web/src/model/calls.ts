// The tree of calls as rows, of which only those that are looked at are ever loaded.

import { type Atom, atom } from "../lib/atom";
import type { Call, Calls } from "../lib/protocol";
import { descend, type Open, ROOTS, rowsBefore, rowsOf } from "./call_rows";
import { ChildList } from "./child_list";
import { type Link, refusal } from "./link";

const MOST_CALLERS = 20_000; // remembered calls

export type CallRow =
  | { kind: "call"; call: Call; depth: number; isOpen: boolean }
  | { kind: "thread"; thread: number; isOpen: boolean }
  | { kind: "more"; thread: number }
  | { kind: "loading"; depth: number };

interface Thread {
  id: number;
  isOpen: boolean;
  isLoaded: boolean;
  roots: Call[];
  open: Map<number, Open>;
  hasMore: boolean;
}

export class CallsModel {
  /** Counts up when rows change. */
  readonly version: Atom<number> = atom(0);
  readonly current: Atom<number | null> = atom<number | null>(null);
  readonly error: Atom<string> = atom("");
  private threads: Thread[] = [];
  private readonly lists = new Map<number, ChildList>();
  private readonly callers = new Map<number, Call>();
  private known: Calls | null = null;
  private round = 0;
  private reveals = 0;

  constructor(private readonly link: Link) {}

  clear() {
    this.round++;
    this.known = null;
    this.threads = [];
    this.lists.clear();
    this.callers.clear();
    this.reveals++;
    this.current.set(null);
    this.changed();
  }

  /** The bottom of a thread, which came without being asked for. */
  know(roots: Calls) {
    this.known = roots;
  }

  /** The threads there are. What is at the bottom of their stacks is loaded when they are opened. */
  showThreads(ids: readonly number[]) {
    const known = new Set(this.threads.map((thread) => thread.id));
    const fresh = ids.filter((id) => !known.has(id));
    if (fresh.length === 0) return;
    const isFirst = this.threads.length === 0;
    for (const id of fresh) {
      this.threads.push({ id, isOpen: false, isLoaded: false, roots: [], open: new Map(), hasMore: false });
    }
    this.threads.sort((a, b) => a.id - b.id);
    if (isFirst) void this.openFirst();
    this.changed();
  }

  private async openFirst(): Promise<void> {
    const [thread] = this.threads;
    if (!thread) return;
    await this.openThread(thread);
    const [root] = thread.roots;
    if (root && thread.open.size === 0) this.toggleIn(thread.open, 0, root);
    this.changed();
  }

  private async openThread(thread: Thread): Promise<void> {
    thread.isOpen = true;
    if (thread.isLoaded) return;
    thread.isLoaded = true;
    const round = this.round;
    try {
      const known = this.known?.calls[0]?.threadId === thread.id ? this.known : null;
      const page = known ?? (await this.roots(thread.id, undefined));
      if (round !== this.round) return;
      thread.roots = [...page.calls];
      thread.hasMore = page.more;
      this.error.set("");
    } catch (problem) {
      thread.isLoaded = false;
      if (round === this.round) this.error.set(refusal(problem) ?? "");
    }
    this.changed();
  }

  async moreRoots(id: number): Promise<void> {
    const thread = this.threads.find((candidate) => candidate.id === id);
    if (!thread) return;
    const behind = thread.roots.at(-1)?.key;
    const page = await this.roots(id, behind);
    thread.roots.push(...page.calls);
    thread.hasMore = page.more;
    this.changed();
  }

  rowCount(): number {
    return this.threads.reduce((sum, thread) => sum + this.rowsOfThread(thread), 0);
  }

  row(index: number): CallRow {
    const found = this.threadOf(index);
    if (!found) return { kind: "loading", depth: 0 };
    const { thread, at } = found;
    if (at < 0) return { kind: "thread", thread: thread.id, isOpen: thread.isOpen };
    if (at >= rowsOf(thread.roots.length, thread.open)) return { kind: "more", thread: thread.id };
    return this.find(at, 0, thread.open, (root) => thread.roots[root]);
  }

  toggle(index: number) {
    const found = this.threadOf(index);
    if (!found) return;
    const { thread, at } = found;
    if (at < 0 && thread.isOpen) thread.isOpen = false;
    else if (at < 0) void this.openThread(thread);
    else {
      const place = this.placeIn(at, thread.open, (root) => thread.roots[root]);
      if (place) this.toggleIn(place.open, place.at, place.call);
    }
    this.changed();
  }

  /** Whose row this is, and which below the thread's own (-1). */
  private threadOf(index: number): { thread: Thread; at: number } | null {
    for (const thread of this.threads) {
      const rows = this.rowsOfThread(thread);
      if (index < rows) return { thread, at: index - this.heads() };
      index -= rows;
    }
    return null;
  }

  /** A lone thread needs no row of its own. */
  private heads(): number {
    return this.threads.length > 1 ? 1 : 0;
  }

  private rowsOfThread(thread: Thread): number {
    const below = thread.isOpen ? rowsOf(thread.roots.length, thread.open) + +thread.hasMore : 0;
    return this.heads() + below;
  }

  /** Open the way down to a call; the index of its row, or -1. A later reveal ends this one. */
  async reveal(key: number): Promise<number> {
    const reveal = ++this.reveals;
    const way = await this.wayTo(key, reveal);
    const [root] = way;
    const thread = this.threads.find((candidate) => candidate.id === root?.threadId);
    if (!root || !thread) return -1;
    await this.openThread(thread);
    let siblings: Siblings = { open: thread.open, find: async (call) => thread.roots.findIndex(sameAs(call)) };
    let row = this.firstRow(thread) - 1;
    for (const [depth, call] of way.entries()) {
      const at = await siblings.find(call);
      if (at < 0 || reveal !== this.reveals) return -1; // not among those that are loaded
      row += 1 + rowsBefore(at, siblings.open);
      if (depth === way.length - 1) break;
      if (!siblings.open.has(at)) this.toggleIn(siblings.open, at, call);
      const below = siblings.open.get(at);
      if (!below) return -1;
      siblings = { open: below.open, find: (child) => below.list.indexOf(child) };
    }
    this.changed();
    return row;
  }

  /** From the bottom of the stack to a call. Who called whom is asked for once, in small pieces. */
  private async wayTo(key: number, reveal: number): Promise<Call[]> {
    const way: Call[] = [];
    for (let next: number | null = key; next !== null; ) {
      const known: Call | undefined = this.callers.get(next);
      if (!known) {
        const count = Math.min(512, 4 + way.length);
        const { calls } = await this.link.request<Calls>("ct/call-path", { call: next, count });
        if (calls.length === 0 || reveal !== this.reveals) return [];
        for (const call of calls) this.callers.set(call.key, call);
        continue;
      }
      way.push(known);
      next = known.parent;
    }
    if (this.callers.size > MOST_CALLERS) this.callers.clear();
    return way.reverse();
  }

  /** The calls that one makes between two of its steps; few of them, from the first on. */
  async callsBetween(call: Call, from: number, to: number, most = 9): Promise<Call[]> {
    const list = this.listOf(call);
    const first = await list.firstWhere((child) => (child.firstStep ?? Number.MAX_SAFE_INTEGER) > from);
    const found: Call[] = [];
    for (let at = first; at < list.total && found.length < most; at++) {
      const child = await list.at(at);
      if (!child || (child.firstStep ?? 0) >= to) break;
      found.push(child);
    }
    return found;
  }

  search(
    value: string,
    from: Calls["next"],
    { count, signal }: { count: number; signal: AbortSignal },
  ): Promise<Calls> {
    const args = { value, count, ...(from ? { from } : {}) };
    const { seq, promise } = this.link.start<Calls>("ct/search-calltrace", args);
    const cancel = () => this.link.cancel(seq);
    signal.addEventListener("abort", cancel);
    return promise.finally(() => signal.removeEventListener("abort", cancel));
  }

  private roots(threadId: number, behind: number | undefined): Promise<Calls> {
    const from = behind === undefined ? {} : { behind };
    return this.link.request<Calls>("ct/load-calltrace-section", { ...ROOTS, threadId, ...from });
  }

  private listOf(call: Call): ChildList {
    const list = this.lists.get(call.key) ?? new ChildList(this.link, call.key, call.children);
    this.lists.set(call.key, list);
    return list;
  }

  private toggleIn(open: Map<number, Open>, at: number, call: Call) {
    if (open.has(at)) open.delete(at);
    else if (call.children > 0) open.set(at, { list: this.listOf(call), open: new Map() });
  }

  private firstRow(thread: Thread): number {
    const before = this.threads.slice(0, this.threads.indexOf(thread));
    return before.reduce((sum, other) => sum + this.rowsOfThread(other), 0) + this.heads();
  }

  private readonly changed = () => this.version.set(this.version.get() + 1);

  private find(index: number, depth: number, open: Map<number, Open>, peek: (at: number) => Call | undefined): CallRow {
    const { at, below } = descend(index, open);
    const inner = open.get(at);
    if (inner && below > 0) {
      return this.find(below - 1, depth + 1, inner.open, (child) => inner.list.peek(child, this.changed));
    }
    const call = peek(at);
    return call ? { kind: "call", call, depth, isOpen: inner !== undefined } : { kind: "loading", depth };
  }

  private placeIn(index: number, open: Map<number, Open>, peek: (at: number) => Call | undefined): Place | null {
    const { at, below } = descend(index, open);
    const inner = open.get(at);
    if (inner && below > 0) {
      return this.placeIn(below - 1, inner.open, (child) => inner.list.peek(child, this.changed));
    }
    const call = peek(at);
    return call ? { open, at, call } : null;
  }
}

/** Calls next to each other: which of them are open, and how to find one among them. */
interface Siblings {
  open: Map<number, Open>;
  find: (call: Call) => Promise<number>;
}

function sameAs(call: Call): (other: Call) => boolean {
  return (other) => other.key === call.key;
}

/** Where a call is in the tree: the children among which it stands, and which of them it is. */
interface Place {
  open: Map<number, Open>;
  at: number;
  call: Call;
}
