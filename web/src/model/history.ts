// The history of one value: its changes as a list around the moment, and drawn over the whole run.

import { type Atom, atom } from "../lib/atom";
import type { History, HistoryDrawing, HistoryEntry, Place } from "../lib/protocol";
import type { Link } from "./link";
import { PlaceList } from "./place_list";

const PAGE = 100;
export const PARTS = 400; // points of the chart

export interface Subject {
  label: string; // what it is called
  expression: string;
  frameId?: number;
  variablesReference?: number;
}

export class HistoryModel {
  readonly subject: Atom<Subject | null> = atom<Subject | null>(null);
  readonly onlyThisCall: Atom<boolean> = atom(false);
  readonly list: PlaceList<HistoryEntry>;
  readonly drawing: Atom<HistoryDrawing | null> = atom<HistoryDrawing | null>(null);
  readonly isDrawing: Atom<boolean> = atom(false);
  private place: () => Place | undefined = () => undefined;
  private running: number | null = null;

  constructor(private readonly link: Link) {
    this.list = new PlaceList<HistoryEntry>(async (from, backwards) => {
      const page = await link.request<History>("ct/load-history", {
        ...this.query(),
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
    const { seq, promise } = this.link.start<HistoryDrawing>("ct/draw-history", { ...this.query(), count: PARTS });
    this.running = seq;
    this.isDrawing.set(true);
    const drawing = await promise.catch(() => null);
    if (this.running !== seq) return;
    this.running = null;
    this.isDrawing.set(false);
    this.drawing.set(drawing);
  }

  private query() {
    const { expression = "", frameId, variablesReference } = this.subject.get() ?? {};
    return {
      expression,
      ...(frameId === undefined ? {} : { frameId }),
      ...(variablesReference ? { variablesReference } : {}),
      ...(this.onlyThisCall.get() ? { onlyThisCall: true } : {}),
    };
  }
}
