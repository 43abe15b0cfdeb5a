// Rows of a tree of values.

import type { Variable } from "../lib/dap";
import { count, plural } from "../lib/format";
import { selectedFrame } from "../model/frames";
import type { Model } from "../model/model";
import type { TreeRow, ValueTree } from "../model/value_tree";
import { useAtom, useModel } from "./hooks";
import { Icon } from "./icons";

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
      {actions && <RowActions variable={variable} parent={row.parent} isTop={row.depth === 0} />}
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

function RowActions({ variable, parent, isTop }: { variable: Variable; parent: number; isTop: boolean }) {
  const model = useModel();
  const name = variable.evaluateName ?? variable.name;
  const act = (run: () => void) => (event: Event) => {
    event.stopPropagation();
    run();
  };
  return (
    <span class="actions" role="presentation">
      <button
        type="button"
        tabIndex={-1}
        title="History (H)"
        aria-label={`History of ${name}`}
        onClick={act(() => showHistory(model, variable, isTop ? 0 : parent))}
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

/** `parent`: the container whose part it is; 0: a variable of the frame. */
export function showHistory(model: Model, variable: Variable, parent: number) {
  const frameId = selectedFrame(model.frames.state.get())?.id;
  const label = variable.evaluateName ?? variable.name;
  const of = parent === 0 ? (frameId === undefined ? {} : { frameId }) : { variablesReference: parent };
  model.history.show({ label, expression: variable.name, ...of }, () => model.player.now.get()?.place);
  model.tabs.below.set("history");
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
