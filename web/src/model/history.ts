// The history of one value: its changes as a list around the moment, and drawn over the whole run.

import { type Atom, atom } from "../lib/atom";
import type { Evaluated, StackFrame } from "../lib/dap";
import type { History, HistoryDrawing, HistoryEntry, Place } from "../lib/protocol";
import { type Frames, sameFrame } from "./frames";
import { type Link, StaleError } from "./link";
import { PlaceList } from "./place_list";

const PAGE = 100;
export const PARTS = 400; // points of the chart

/** What a history is of. Frames and values have numbers that are good at one moment only: so it is
 *  named by its function, and looked up at each moment. */
export interface Subject {
  label: string; // what it is called
  name: string; // of the variable, or of the part in its holder
  holder?: string; // the expression for the value whose part it is
  frame: StackFrame; // in which it was asked for
}

export class HistoryModel {
  readonly subject: Atom<Subject | null> = atom<Subject | null>(null);
  readonly onlyThisCall: Atom<boolean> = atom(false);
  readonly list: PlaceList<HistoryEntry>;
  readonly drawing: Atom<HistoryDrawing | null> = atom<HistoryDrawing | null>(null);
  readonly isDrawing: Atom<boolean> = atom(false);
  private place: () => Place | undefined = () => undefined;
  private running: number | null = null;
  private drawn = 0;

  constructor(
    private readonly link: Link,
    private readonly frames: () => Frames | null,
  ) {
    this.list = new PlaceList<HistoryEntry>(async (from, backwards) => {
      const page = await link.request<History>("ct/load-history", {
        ...(await this.query()),
        count: PAGE,
        backwards,
        ...(from ? { from } : {}),
      });
      return { items: page.results, next: page.next, finish: page.finish };
    });
    this.onlyThisCall.watch(() => this.start());
  }

  /** `place` tells where one is: the list begins there. */
  show(subject: Subject, place: () => Place | undefined) {
    this.place = place;
    this.subject.set(subject);
    this.start();
  }

  clear() {
    this.stop();
    this.subject.set(null);
    this.drawing.set(null);
    this.list.clear();
  }

  stop() {
    this.drawn++;
    if (this.running !== null) this.link.cancel(this.running);
    this.running = null;
    this.isDrawing.set(false);
  }

  private start() {
    if (!this.subject.get()) return;
    this.stop();
    this.drawing.set(null);
    void this.list.start(this.place());
    void this.draw();
  }

  private async draw() {
    const round = ++this.drawn;
    this.isDrawing.set(true);
    const drawing = await this.query()
      .then((query) => {
        const { seq, promise } = this.link.start<HistoryDrawing>("ct/draw-history", { ...query, count: PARTS });
        this.running = seq;
        return promise;
      })
      .catch(() => null);
    if (round !== this.drawn) return;
    this.running = null;
    this.isDrawing.set(false);
    this.drawing.set(drawing);
  }

  /** The subject in numbers that are good now. */
  private async query(): Promise<object> {
    const subject = this.subject.get();
    const frameId = subject && sameFrame(this.frames(), subject.frame)?.id;
    if (!subject || frameId === undefined) throw new StaleError("Its function does not run at this moment.");
    const only = this.onlyThisCall.get() ? { onlyThisCall: true } : {};
    const base = { expression: subject.name, frameId, ...only };
    if (subject.holder === undefined) return base;
    const holder = { expression: subject.holder, frameId, context: "watch" };
    const { variablesReference } = await this.link.request<Evaluated>("evaluate", holder);
    return { ...base, variablesReference };
  }
}
