// A tree of values with the keyboard: arrows open and close, H shows a value's history, T a table of it.

import type { TreeRow, ValueTree } from "../model/value_tree";
import { useAtom, useModel } from "./hooks";
import { copyValue, openRow, rowClass, showHistoryOf, toggleTable, ValueRow, type ValueRowData } from "./value_rows";
import { VirtualList } from "./virtual_list";

interface ValueListProps {
  name: string;
  label: string;
  tree: ValueTree;
  onRemove?: (name: string) => void;
}

export function ValueList({ name, label, tree, onRemove }: ValueListProps) {
  const model = useModel();
  const rows = useAtom(tree.rows);
  const flow = useAtom(model.flow.state);
  const step = useAtom(model.player.settled)?.moment.step;
  const visit = flow?.stories.get(flow.line)?.visit;
  const next = new Map(
    visit && visit.rrTicks === step
      ? visit.values.flatMap((v) => (v.isChanged && v.after ? [[v.name, v.after]] : []))
      : [],
  ) as Map<string, string>;

  const key = (pressed: string, index: number, event: KeyboardEvent) => {
    const row = rows[index];
    if (!row || event.altKey) return false;
    if (event.ctrlKey || event.metaKey) return pressed === "c" && copy(row);
    if (pressed !== "ArrowRight" && pressed !== "ArrowLeft") return row.kind === "value" && act(pressed, row);
    if ("isOpen" in row && row.isOpen === (pressed === "ArrowLeft")) openRow(tree, row);
    return true;
  };

  const copy = (row: TreeRow): boolean => {
    if (row.kind === "value") void copyValue(model, row.variable);
    return row.kind === "value";
  };

  const act = (pressed: string, row: ValueRowData): boolean => {
    const { variable, depth } = row;
    if (pressed === "h") showHistoryOf(model, row);
    else if (pressed === "t") toggleTable(model, row);
    else if (pressed === "w") model.variables.addWatch(variable.evaluateName ?? variable.name);
    else if (pressed === "Delete" && onRemove && depth === 0) onRemove(variable.name);
    else return false;
    return true;
  };

  return (
    <VirtualList
      name={name}
      label={label}
      role="tree"
      count={rows.length}
      rowHeight={24}
      onOpen={(index) => rows[index] && openRow(tree, rows[index])}
      onKey={key}
      row={(index) => {
        const row = rows[index];
        if (!row) return { content: null };
        const depth = "depth" in row ? row.depth : 0;
        const canOpen = row.kind === "section" || (row.kind === "value" && row.variable.variablesReference !== 0);
        const becomes = row.kind === "value" && depth === 0 ? next.get(row.variable.name) : undefined;
        return {
          level: depth + 1,
          className: rowClass(row),
          ...(canOpen && "isOpen" in row ? { expanded: row.isOpen } : {}),
          content: <ValueRow row={row} actions next={becomes} />,
        };
      }}
    />
  );
}
