// A value as a table: of the panel all but the cells.

import { count, plural } from "../lib/format";
import type { TableSize } from "../lib/protocol";
import { useAtom, useModel } from "./hooks";
import { Icon } from "./icons";
import { Empty, Loading } from "./panel";
import { TableGrid } from "./table_grid";

export function TablePanel() {
  const { table } = useModel();
  const subject = useAtom(table.subject);
  const state = useAtom(table.state);
  const problem = useAtom(table.problem);
  if (!subject) {
    const text = (
      <>
        Press <kbd>T</kbd> on a list of rows, an array, or a long list among the variables.
      </>
    );
    return <Empty title="No value chosen" text={text} />;
  }
  if (problem) return <Empty title={`${subject.expression} is not here`} text={problem} />;
  if (!state) return <Loading label="Loading the table" />;
  return <TableGrid key={subject.expression} label={`Table of ${subject.expression}`} size={state.size} />;
}

export function TableEnd() {
  const { table, tabs } = useModel();
  const state = useAtom(table.state);
  if (!useAtom(table.subject)) return null;
  return (
    <>
      {state && <span>{sizeText(state.size)}</span>}
      <button
        type="button"
        class="tool small"
        title="Close the table (T on its variable)"
        aria-label="Close the table"
        onClick={() => {
          table.clear();
          tabs.showBelow("history");
        }}
      >
        <Icon name="close" />
      </button>
    </>
  );
}

function sizeText({ rows, allRows, columns, dtype, shape }: TableSize): string {
  const type = shape ? `${dtype ?? ""} ${shape.map(count).join(" × ")}` : "";
  const size = columns === 1 ? plural(allRows, "row") : `${plural(allRows, "row")} of ${plural(columns, "column")}`;
  const kept = rows < allRows ? `, ${count(rows)} recorded` : "";
  return `${type || size}${kept}`;
}
