// The source files that are open, as recorded, and how often their lines ran.

import { type Atom, atom } from "../lib/atom";
import type { LineCounts } from "../lib/protocol";
import type { Link } from "./link";

const LINES = 500; // counts are asked for in pieces

export interface Document {
  path: string;
  text: string | null; // null: being loaded
  error: string; // why there is no text
}

export interface Shown {
  path: string;
  line: number;
  /** Counts up: the same line is to be shown again. */
  request: number;
}

export class DocumentsModel {
  readonly open: Atom<readonly string[]> = atom<readonly string[]>([]);
  readonly shown: Atom<Shown | null> = atom<Shown | null>(null);
  readonly document: Atom<Document | null> = atom<Document | null>(null);
  /** Visits of each line of the document in the whole run, from line 1; undefined: not known yet. */
  readonly counts: Atom<readonly (number | undefined)[]> = atom<readonly (number | undefined)[]>([]);
  private readonly texts = new Map<string, Document>();
  private readonly countsOf = new Map<string, (number | undefined)[]>();
  private readonly asked = new Set<string>();
  private requests = 0;

  constructor(private readonly link: Link) {}

  clear() {
    this.texts.clear();
    this.countsOf.clear();
    this.asked.clear();
    this.open.set([]);
    this.shown.set(null);
    this.document.set(null);
  }

  /** What came without being asked for. */
  know(path: string, text: string) {
    this.texts.set(path, { path, text, error: "" });
  }

  show(path: string, line: number) {
    if (!this.open.get().includes(path)) this.open.set([...this.open.get(), path]);
    const before = this.shown.get();
    this.shown.set({ path, line, request: ++this.requests });
    if (before?.path !== path || this.document.get()?.path !== path) void this.load(path);
  }

  close(path: string) {
    const open = this.open.get();
    const left = open.filter((other) => other !== path);
    this.open.set(left);
    const next = left[Math.min(open.indexOf(path), left.length - 1)];
    if (this.shown.get()?.path !== path) return;
    if (next) this.show(next, 0);
    else {
      this.shown.set(null);
      this.document.set(null);
    }
  }

  /** Learn the counts of lines that come into view. */
  wantCounts(first: number, last: number) {
    const path = this.document.get()?.path;
    if (path === undefined) return;
    for (let from = Math.floor((first - 1) / LINES) * LINES + 1; from <= last; from += LINES) {
      const key = `${from} ${path}`;
      if (this.asked.has(key)) continue;
      this.asked.add(key);
      this.loadCounts(path, from).catch(() => this.asked.delete(key));
    }
  }

  private async loadCounts(path: string, first: number) {
    const args = { path, first, count: LINES };
    const { total, hasCode } = await this.link.request<LineCounts>("ct/line-counts", args);
    const counts = [...(this.countsOf.get(path) ?? [])];
    for (const [index, value] of total.entries()) counts[first + index] = hasCode[index] ? value : undefined;
    this.countsOf.set(path, counts);
    if (this.document.get()?.path === path) this.counts.set(counts);
  }

  private async load(path: string) {
    const known = this.texts.get(path);
    this.document.set(known ?? { path, text: null, error: "" });
    this.counts.set(this.countsOf.get(path) ?? []);
    if (known) return;
    let document: Document;
    try {
      const { content } = await this.link.request<{ content: string }>("source", {
        source: { path },
        sourceReference: 0,
      });
      document = { path, text: content, error: "" };
      this.texts.set(path, document);
    } catch (problem) {
      document = { path, text: null, error: problem instanceof Error ? problem.message : String(problem) };
    }
    if (this.shown.get()?.path === path) this.document.set(document);
  }
}
