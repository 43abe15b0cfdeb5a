// Left of the code: breakpoints, line numbers, and how often each line ran.

import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { type EditorView, GutterMarker, gutter } from "@codemirror/view";
import { brief, plural } from "../../lib/format";
import type { Point } from "../../model/breakpoints";

export interface Margins {
  counts: readonly (number | undefined)[];
  points: readonly Point[]; // of this file
  now: number; // the current line
}

export const setMargins = StateEffect.define<Margins>();

const margins = StateField.define<Margins>({
  create: () => ({ counts: [], points: [], now: 0 }),
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setMargins)) return effect.value;
    return value;
  },
});

class TextMarker extends GutterMarker {
  constructor(
    private readonly text: string,
    private readonly title: string,
    override readonly elementClass: string,
  ) {
    super();
  }

  override eq(other: TextMarker): boolean {
    return other.text === this.text && other.title === this.title && other.elementClass === this.elementClass;
  }

  override toDOM(): Node {
    const span = document.createElement("span");
    span.textContent = this.text;
    if (this.title) span.title = this.title;
    return span;
  }
}

export interface GutterActions {
  toggle(line: number): void;
  edit(line: number): void;
}

export function gutters(actions: GutterActions): Extension {
  const line = (view: EditorView, from: number) => view.state.doc.lineAt(from).number;
  const handlers = {
    mousedown(view: EditorView, block: { from: number }, event: Event) {
      if ((event as MouseEvent).button !== 0) return false;
      actions.toggle(line(view, block.from));
      return true;
    },
    contextmenu(view: EditorView, block: { from: number }, event: Event) {
      event.preventDefault();
      actions.edit(line(view, block.from));
      return true;
    },
  };
  const changed = (update: { transactions: readonly { effects: readonly StateEffect<unknown>[] }[] }) =>
    update.transactions.some((transaction) => transaction.effects.some((effect) => effect.is(setMargins)));
  return [
    margins,
    gutter({
      class: "g-points",
      lineMarker: (view, block) => pointMarker(view.state.field(margins), line(view, block.from)),
      lineMarkerChange: changed,
      initialSpacer: () => new TextMarker("", "", "point"),
      domEventHandlers: handlers,
    }),
    gutter({
      class: "g-numbers",
      lineMarker: (view, block) => {
        const number = line(view, block.from);
        return new TextMarker(String(number), "", number === view.state.field(margins).now ? "current" : "number");
      },
      lineMarkerChange: changed,
      domEventHandlers: handlers,
    }),
    gutter({
      class: "g-counts",
      lineMarker: (view, block) => countMarker(view.state.field(margins), line(view, block.from)),
      lineMarkerChange: changed,
      initialSpacer: () => new TextMarker("9999", "", "count"),
    }),
  ];
}

function pointMarker({ points }: Margins, line: number): GutterMarker | null {
  const point = points.find((candidate) => candidate.line === line);
  if (!point) return null;
  const state = point.problem ? "problem" : point.isEnabled ? "" : "disabled";
  const kind = point.logMessage ? "log" : point.condition || point.hitCondition ? "conditional" : "";
  const title = [point.problem || "Breakpoint", point.condition, point.hitCondition, point.logMessage]
    .filter((text) => text !== "")
    .join("\n");
  return new TextMarker("", title, `point set ${state} ${kind}`);
}

function countMarker({ counts }: Margins, line: number): GutterMarker | null {
  const count = counts[line];
  if (count === undefined) return null;
  const title = count === 0 ? "This line never ran." : `Ran ${plural(count, "time")} in the whole recording.`;
  return new TextMarker(brief(count), title, count === 0 ? "count never" : "count");
}
