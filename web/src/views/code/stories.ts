// What stands on and behind the lines: where one is, what ran, what each line did.

import {
  type EditorState,
  type Extension,
  type Line,
  type Range,
  RangeSet,
  StateEffect,
  StateField,
} from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import { type Pill, pillsOf } from "../../lib/flow_view";
import type { ProgramEvent } from "../../lib/protocol";
import type { FlowState } from "../../model/flow";

export interface Stories {
  /** The line about to run, or that goes on (`isSite`) in the middle. */
  line: number;
  isSite: boolean;
  isNow: boolean; // else it is a selected frame's
  /** The call in which it goes on, where that is known: as DAP counts lines and columns. */
  call: CallPlace | null;
  flow: FlowState | null; // of code in this document
  raised: readonly ProgramEvent[]; // by the call
  left: { text: string; isBad: boolean } | null; // what the call that was left on the line came to
}

export interface CallPlace {
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

export interface Actions {
  history(name: string): void;
  goInto(call: number): void;
  loopBar(dom: HTMLElement, line: number): () => void;
}

export const setStories = StateEffect.define<Stories>();

const PILLS = 6; // behind one line

export function storiesExtension(actions: Actions): Extension {
  const field = StateField.define<DecorationSet>({
    create: () => Decoration.none,
    update(decorations, transaction) {
      for (const effect of transaction.effects) {
        if (effect.is(setStories)) return build(transaction.state, effect.value, actions);
      }
      return transaction.docChanged ? Decoration.none : decorations;
    },
    provide: (provided) => EditorView.decorations.from(provided),
  });
  return field;
}

const nowLine = Decoration.line({ class: "now", attributes: { "aria-current": "true" } });
const siteLine = Decoration.line({ class: "site", attributes: { "aria-current": "true" } });
const siteCall = Decoration.mark({ class: "site-call", attributes: { title: "This call runs now." } });
const dimLine = Decoration.line({ class: "off" });

function build(state: EditorState, stories: Stories, actions: Actions): DecorationSet {
  const { flow, line } = stories;
  const found: Range<Decoration>[] = [];
  if (line >= 1 && line <= state.doc.lines) {
    const mark = stories.isNow && !stories.isSite ? nowLine : siteLine;
    found.push(mark.range(state.doc.line(line).from));
    found.push(...callDecoration(state, stories.call));
  }
  if (flow) {
    const [first, last] = bodyOf(state, flow);
    for (let number = first; number <= last; number++) {
      found.push(...lineDecorations(state.doc.line(number), flow, { stories, actions }));
    }
  }
  return RangeSet.of(found, true);
}

function callDecoration({ doc }: EditorState, call: CallPlace | null): Range<Decoration>[] {
  if (!call || call.endLine > doc.lines) return [];
  const from = doc.line(call.line).from + call.column - 1;
  const to = doc.line(call.endLine).from + call.endColumn - 1;
  return from < to && to <= doc.length ? [siteCall.range(from, to)] : [];
}

interface Context {
  stories: Stories;
  actions: Actions;
}

function lineDecorations(line: Line, flow: FlowState, { stories, actions }: Context): Range<Decoration>[] {
  const found: Range<Decoration>[] = [];
  const { number } = line;
  if (number !== stories.line && isOff(flow, number)) found.push(dimLine.range(line.from));
  const pills = pillsOfLine(flow, number, stories);
  if (pills.length > 0) found.push(Decoration.widget({ widget: new Pills(pills, actions), side: 1 }).range(line.to));
  const loop = flow.loops.find((candidate) => candidate.registeredLine === number && (candidate.iterations ?? 0) > 1);
  if (loop) {
    const widget = new LoopBarWidget(flow.call.key, number, actions);
    found.push(Decoration.widget({ widget, side: 2, block: true }).range(line.to));
  }
  return found;
}

/** Lines of the call's code: from its first to the last that ran, and what stands indented below. */
function bodyOf(state: EditorState, flow: FlowState): [number, number] {
  const lines = state.doc.lines;
  const first = Math.min(Math.max(1, flow.call.line), lines);
  const indent = indentOf(state.doc.line(first).text);
  let last = Math.max(first, ...[...flow.linesRun].filter((line) => line <= lines));
  while (last < lines && last > first) {
    const { text } = state.doc.line(last + 1);
    if (text.trim() !== "" && indentOf(text) <= indent) break;
    last++;
  }
  return [first, last];
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}

function isOff(flow: FlowState, line: number): boolean {
  return line !== flow.call.line && !flow.stories.has(line);
}

function pillsOfLine(flow: FlowState, line: number, stories: Stories): ShownPill[] {
  const story = flow.stories.get(line);
  const values = story ? pillsOf(story.visit).map((pill) => pillShown(pill, story.isFuture)) : [];
  if (values.length > PILLS) values.splice(PILLS, values.length, { kind: "value", text: "…", name: "" });
  return [
    ...argumentPills(flow, line),
    ...(story ? raisedPills(stories.raised, line) : []),
    ...(line === stories.line ? leftPills(stories) : []),
    ...values,
    ...(line === stories.line ? callPills(flow) : []),
    ...(line === flow.lastLine ? resultPills(flow, story?.isFuture ?? false) : []),
  ];
}

function argumentPills({ call }: FlowState, line: number): ShownPill[] {
  const has = line === call.line && call.args !== "" && call.rawName !== "<module>";
  return has ? [{ kind: "value", text: clip(call.args), name: "" }] : [];
}

function leftPills({ left }: Stories): ShownPill[] {
  return left ? [{ kind: left.isBad ? "error" : "changed", text: clip(left.text), name: "" }] : [];
}

function callPills(flow: FlowState): ShownPill[] {
  const shown = flow.callsHere.slice(0, 3);
  return shown.map(({ rawName, args, key }) => ({
    kind: "call",
    text: `↳ ${rawName}`,
    name: `${rawName}(${args})`,
    call: key,
  }));
}

function raisedPills(raised: readonly ProgramEvent[], line: number): ShownPill[] {
  const here = raised.filter((event) => event.location.line === line).slice(0, 2);
  return here.map((event) => ({ kind: "error", text: clip(event.content), name: "" }));
}

function resultPills({ call }: FlowState, isFuture: boolean): ShownPill[] {
  const has = call.exit === "return" && call.returnValue !== "" && call.returnValue !== "None";
  return has ? [{ kind: isFuture ? "future" : "value", text: `→ ${clip(call.returnValue)}`, name: "" }] : [];
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

interface ShownPill {
  kind: "value" | "changed" | "future" | "error" | "call";
  text: string;
  name: string;
  call?: number;
}

function pillShown(pill: Pill, isFuture: boolean): ShownPill {
  return { kind: isFuture ? "future" : pill.isChanged ? "changed" : "value", text: pill.text, name: pill.name };
}

class Pills extends WidgetType {
  constructor(
    private readonly pills: readonly ShownPill[],
    private readonly actions: Actions,
  ) {
    super();
  }

  override eq(other: Pills): boolean {
    return JSON.stringify(other.pills) === JSON.stringify(this.pills);
  }

  override toDOM(): HTMLElement {
    const box = document.createElement("span");
    box.className = "pills";
    for (const pill of this.pills) {
      const element = document.createElement("span");
      element.className = `pill ${pill.kind}`;
      element.textContent = pill.text;
      if (pill.kind === "call") element.title = `Go into ${pill.name}`;
      else if (pill.name !== "") element.title = `${pill.text}\nShow the history of ${pill.name}`;
      element.onclick = () => {
        if (pill.call !== undefined) this.actions.goInto(pill.call);
        else if (pill.name !== "") this.actions.history(pill.name);
      };
      box.append(element);
    }
    return box;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

/** The bar of a loop stays while its values change: it follows the model by itself. */
class LoopBarWidget extends WidgetType {
  private end: () => void = () => {};

  constructor(
    private readonly call: number,
    private readonly line: number,
    private readonly actions: Actions,
  ) {
    super();
  }

  override eq(other: LoopBarWidget): boolean {
    return other.call === this.call && other.line === this.line;
  }

  override toDOM(): HTMLElement {
    const box = document.createElement("div");
    box.className = "loop-box";
    this.end = this.actions.loopBar(box, this.line);
    return box;
  }

  override get estimatedHeight(): number {
    return 30;
  }

  override destroy() {
    this.end();
  }

  override ignoreEvent(): boolean {
    return true;
  }
}
