// Rows of a tree of values.

import type { Variable } from "../lib/dap";
import { isName } from "../lib/expression_at";
import { count, plural } from "../lib/format";
import { selectedFrame } from "../model/frames";
import type { Model } from "../model/model";
import type { TreeRow, ValueTree } from "../model/value_tree";
import { useAtom, useModel } from "./hooks";
import { Icon } from "./icons";

export type ValueRowData = Extract<TreeRow, { kind: "value" }>;

/** All rows of a small tree: a hover's. */
export function ValueRows({ tree }: { tree: ValueTree }) {
  const rows = useAtom(tree.rows);
  return (
    <div class="value-rows">
      {rows.map((row) => (
        <button
          key={row.path}
          type="button"
          class={`row ${rowClass(row)}`}
          style={{ paddingLeft: `${10 + 14 * ("depth" in row ? row.depth : 0)}px` }}
          onClick={() => openRow(tree, row)}
        >
          <ValueRow row={row} />
        </button>
      ))}
    </div>
  );
}

export function openRow(tree: ValueTree, row: TreeRow) {
  if (row.kind === "more") void tree.showMore(row.path);
  else if (row.kind === "section" || (row.kind === "value" && row.variable.variablesReference !== 0)) {
    void tree.toggle(row.path);
  }
}

export function rowClass(row: TreeRow): string {
  if (row.kind !== "value") return row.kind;
  return row.variable.ct?.isChanged ? "value changed" : "value";
}

export function ValueRow({ row, actions, next }: { row: TreeRow; actions?: boolean; next?: string | undefined }) {
  if (row.kind === "section") {
    return (
      <>
        <Twisty isOpen={row.isOpen} />
        <span class="title">{row.title}</span>
      </>
    );
  }
  if (row.kind === "more") return <span class="link">{plural(row.left, "more", "more")}</span>;
  if (row.kind === "note") return <span class="faint">{row.text}</span>;
  const { variable } = row;
  const kind = variable.ct?.kind ?? "";
  const isWord = ["redacted", "dropped", "unbound", "unreadable", "error"].includes(kind);
  return (
    <>
      {variable.variablesReference !== 0 ? <Twisty isOpen={row.isOpen} /> : <span class="twisty" />}
      <span class="text" title={titleOf(variable)}>
        <span class="name">{variable.name}</span>
        <span class="soft"> = </span>
        <span class={isWord ? `val ${kind === "error" ? "bad" : "faint"}` : "val"}>{variable.value}</span>
      </span>
      <span class="type">
        {typeText(variable)}
        {next !== undefined && <span class="next"> · will be {next}</span>}
      </span>
      {actions && <RowActions row={row} />}
    </>
  );
}

function Twisty({ isOpen }: { isOpen: boolean }) {
  return (
    <span class="twisty" aria-hidden="true">
      {isOpen ? "▾" : "▸"}
    </span>
  );
}

function typeText({ type, ct }: Variable): string {
  const length = ct?.length === undefined ? "" : ` ${count(ct.length)}`;
  return `${type ?? ""}${length}`;
}

function titleOf({ name, value, type, ct }: Variable): string {
  const lines = [`${name}: ${type ?? ""}`, value];
  if (ct?.before !== undefined) lines.push(`before this step: ${ct.before}`);
  if (ct?.isCut) lines.push("A limit of the recording cut this value.");
  if (ct?.verified !== undefined) lines.push(`Seen to be so at step ${count(ct.verified)}; it may have changed since.`);
  return lines.join("\n");
}

function RowActions({ row }: { row: ValueRowData }) {
  const { variable } = row;
  const model = useModel();
  const tabled = useAtom(model.table.subject);
  const name = variable.evaluateName ?? variable.name;
  const act = (run: () => void) => (event: Event) => {
    event.stopPropagation();
    run();
  };
  return (
    <span class="actions" role="presentation">
      {isTable(variable) && (
        <button
          type="button"
          tabIndex={-1}
          title="Table (T)"
          aria-label={`Table of ${name}`}
          aria-pressed={tabled?.expression === variable.evaluateName}
          onClick={act(() => toggleTable(model, row))}
        >
          <Icon name="table" />
        </button>
      )}
      <button
        type="button"
        tabIndex={-1}
        title="History (H)"
        aria-label={`History of ${name}`}
        onClick={act(() => showHistoryOf(model, row))}
      >
        <Icon name="history" />
      </button>
      <button
        type="button"
        tabIndex={-1}
        title="Watch (W)"
        aria-label={`Watch ${name}`}
        onClick={act(() => model.variables.addWatch(name))}
      >
        <Icon name="watch" />
      </button>
      <button
        type="button"
        tabIndex={-1}
        title="Copy (Ctrl C)"
        aria-label={`Copy ${name}`}
        onClick={act(() => void copyValue(model, variable))}
      >
        <Icon name="copy" />
      </button>
    </span>
  );
}

/** `holder`: the expression for the value whose part it is; absent: it is a variable of the frame. */
export function showHistory(model: Model, name: string, holder?: string, label = name) {
  const frame = selectedFrame(model.frames.state.get());
  if (!frame) return;
  const subject = { label, name, frame, ...(holder === undefined ? {} : { holder }) };
  model.history.show(subject, () => model.player.now.get()?.place);
  model.tabs.showBelow("history");
}

export function showHistoryOf(model: Model, { variable, holder }: ValueRowData) {
  if (holder === "" || (holder === undefined && !isName(variable.name))) {
    model.notices.say("Variables and parts of values have a history; this is neither.");
  } else showHistory(model, variable.name, holder, variable.evaluateName);
}

function isTable({ evaluateName, ct }: Variable): boolean {
  return evaluateName !== undefined && ct?.table !== undefined;
}

/** Show a value as a table; the same value once more: no longer. */
export function toggleTable(model: Model, { variable }: ValueRowData) {
  const { table, tabs, notices } = model;
  const frame = selectedFrame(model.frames.state.get());
  if (variable.evaluateName !== undefined && table.subject.get()?.expression === variable.evaluateName) {
    table.clear();
    tabs.showBelow("history");
  } else if (frame && isTable(variable) && variable.evaluateName !== undefined) {
    table.choose({ expression: variable.evaluateName, frame });
    if (tabs.below.get() === "table") void table.follow();
    else tabs.showBelow("table");
  } else notices.say("Lists of rows, arrays and long lists are tables; this is none.");
}

/** The whole value, where the server can give it: what is shown may be cut. */
export async function copyValue(model: Model, variable: Variable) {
  const whole = variable.evaluateName
    ? await model.variables.evaluate(variable.evaluateName, "clipboard").catch(() => null)
    : null;
  try {
    await navigator.clipboard.writeText(whole?.result ?? variable.value);
    model.notices.say("Copied.");
  } catch {
    model.notices.say("The browser did not allow copying.");
  }
}
