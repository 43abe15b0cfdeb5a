// The tree of calls as rows, of which only those that are looked at are ever loaded.

import { type Atom, atom } from "../lib/atom";
import type { Call, Calls } from "../lib/protocol";
import { ChildList } from "./child_list";
import type { Link } from "./link";

const ROOTS = 100;

export type CallRow =
  | { kind: "call"; call: Call; depth: number; isOpen: boolean }
  | { kind: "thread"; thread: number }
  | { kind: "more"; thread: number }
  | { kind: "loading"; depth: number };

/** An opened call: how many rows are below it, and which of its children are open. */
interface Open {
  list: ChildList;
  open: Map<number, Open>; // by index among the children
}

interface Thread {
  id: number;
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
  private known = "";
  private round = 0;

  constructor(private readonly link: Link) {}

  clear() {
    this.round++;
    this.threads = [];
    this.lists.clear();
    this.known = "";
    this.current.set(null);
    this.changed();
  }

  /** Show the roots of these threads, once. */
  async showThreads(ids: readonly number[]): Promise<void> {
    const known = ids.join();
    if (known === this.known) return;
    this.known = known;
    const round = ++this.round;
    try {
      const have = new Map(this.threads.map((thread) => [thread.id, thread]));
      const threads = await Promise.all(ids.map((id) => have.get(id) ?? this.loadThread(id)));
      if (round !== this.round) return;
      this.threads = threads;
      this.error.set("");
      const only = threads[0]?.roots[0];
      if (only && threads[0]?.open.size === 0) this.toggleIn(threads[0].open, 0, only);
      this.changed();
    } catch (problem) {
      this.known = "";
      if (round === this.round) this.error.set(problem instanceof Error ? problem.message : String(problem));
    }
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
    const heads = this.threads.length > 1 ? this.threads.length : 0;
    return this.threads.reduce(
      (sum, thread) => sum + rowsOf(thread.roots.length, thread.open) + +thread.hasMore,
      heads,
    );
  }

  row(index: number): CallRow {
    for (const thread of this.threads) {
      if (this.threads.length > 1 && index-- === 0) return { kind: "thread", thread: thread.id };
      const rows = rowsOf(thread.roots.length, thread.open);
      if (index < rows) return this.find(index, 0, thread.open, (at) => thread.roots[at]);
      index -= rows;
      if (thread.hasMore && index-- === 0) return { kind: "more", thread: thread.id };
    }
    return { kind: "loading", depth: 0 };
  }

  toggle(index: number) {
    const place = this.placeOf(index);
    if (place) this.toggleIn(place.open, place.at, place.call);
    this.changed();
  }

  /** Open the way down to a call; the index of its row, or -1. */
  async reveal(key: number): Promise<number> {
    const path = await this.link.request<Calls>("ct/call-path", { call: key, count: 1000 });
    const way = [...path.calls].reverse();
    const root = way.shift();
    if (!root) return -1;
    const thread = this.threads.find((candidate) => candidate.roots.some((call) => call.key === root.key));
    if (!thread) return -1;
    let at = thread.roots.findIndex((call) => call.key === root.key);
    let row = this.firstRow(thread) + rowsBefore(at, thread.open);
    let open = thread.open;
    let parent = root;
    for (const call of way) {
      if (!open.has(at)) this.toggleIn(open, at, parent);
      const below = open.get(at);
      if (!below) return -1;
      at = await below.list.firstWhere((child) => child.key >= call.key);
      open = below.open;
      row += 1 + rowsBefore(at, open);
      parent = call;
    }
    this.changed();
    return row;
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

  search(value: string, from: Calls["next"], count: number): Promise<Calls> {
    return this.link.request<Calls>("ct/search-calltrace", { value, count, ...(from ? { from } : {}) });
  }

  private async loadThread(id: number): Promise<Thread> {
    const page = await this.roots(id, undefined);
    return { id, roots: [...page.calls], open: new Map(), hasMore: page.more };
  }

  private roots(threadId: number, behind: number | undefined): Promise<Calls> {
    const from = behind === undefined ? {} : { behind };
    return this.link.request<Calls>("ct/load-calltrace-section", {
      parent: null,
      threadId,
      start: 0,
      count: ROOTS,
      ...from,
    });
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
    let row = 0;
    for (const other of this.threads) {
      if (this.threads.length > 1) row++;
      if (other === thread) return row;
      row += rowsOf(other.roots.length, other.open) + +other.hasMore;
    }
    return row;
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

  private placeOf(index: number): Place | null {
    for (const thread of this.threads) {
      if (this.threads.length > 1 && index-- === 0) return null;
      const rows = rowsOf(thread.roots.length, thread.open);
      if (index < rows) return this.placeIn(index, thread.open, (at) => thread.roots[at]);
      index -= rows + +thread.hasMore;
    }
    return null;
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

/** Where a call is in the tree: the children among which it stands, and which of them it is. */
interface Place {
  open: Map<number, Open>;
  at: number;
  call: Call;
}

function rowsOf(children: number, open: Map<number, Open>): number {
  let rows = children;
  for (const inner of open.values()) rows += rowsOf(inner.list.total, inner.open);
  return rows;
}

function rowsBefore(at: number, open: Map<number, Open>): number {
  let rows = at;
  for (const [index, inner] of open) if (index < at) rows += rowsOf(inner.list.total, inner.open);
  return rows;
}

/** Which child a row belongs to, and how far below that child's own row it is. */
function descend(index: number, open: Map<number, Open>): { at: number; below: number } {
  let passed = 0;
  for (const [at, inner] of [...open].sort((a, b) => a[0] - b[0])) {
    if (index <= at + passed) return { at: index - passed, below: 0 };
    const rows = rowsOf(inner.list.total, inner.open);
    if (index <= at + passed + rows) return { at, below: index - at - passed };
    passed += rows;
  }
  return { at: index - passed, below: 0 };
}
