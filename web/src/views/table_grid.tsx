// The cells of a table: rows and columns of any number, of which those in view are in the page. One
// cell is active: arrows move it, with Shift they choose an area, which is copied as lines and tabs.

import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { plural } from "../lib/format";
import type { TableCell, TableSize } from "../lib/protocol";
import { type Area, areaOf, type Choice, moved } from "../lib/table_choice";
import { useFocusTarget, useModel } from "./hooks";
import { useRowWindow } from "./row_window";
import { type Columns, useColumns } from "./table_columns";

const ROW = 22; // pixels

export function TableGrid({ label, size }: { label: string; size: TableSize }) {
  const model = useModel();
  const { table } = model;
  const box = useFocusTarget<HTMLDivElement>("table");
  const [choice, setChoice] = useState<Choice>({ row: 0, column: 0, fromRow: 0, fromColumn: 0 });
  const hasMoved = useRef(false);
  const rows = useRowWindow(box, { count: size.rows, rowHeight: ROW, head: ROW });
  const columns = useColumns(box, size);
  const area = areaOf(choice);
  const lastRow = Math.min(rows.last, size.rows - 1);

  useEffect(() => {
    table.want({ rows: { first: rows.first, last: lastRow }, columns: { first: columns.first, last: columns.last } });
  }, [rows.first, lastRow, columns.first, columns.last, table]);

  useEffect(() => {
    if (hasMoved.current) {
      rows.show(choice.row, false);
      columns.show(choice.column);
    }
    hasMoved.current = false;
  }, [choice]);

  const copy = async (wanted: Area) => {
    const { text, left } = await table.copy(wanted).catch(() => ({ text: "", left: 0 }));
    try {
      await navigator.clipboard.writeText(text);
      model.notices.say(left > 0 ? `Copied, but for the last ${plural(left, "row")}: too many.` : "Copied.");
    } catch {
      model.notices.say("The browser did not allow copying.");
    }
  };

  const key = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const isControl = event.ctrlKey || event.metaKey;
    if (event.altKey) return;
    const page = Math.max(1, Math.floor(rows.height / ROW) - 1);
    const next = moved(choice, event.key, { isControl, isExtended: event.shiftKey, page, size });
    if (next) {
      hasMoved.current = true;
      setChoice(next);
    } else if (isControl && event.key === "c") void copy(area);
    else if (event.key === "Escape") model.tabs.focusOn("variables");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const shown = [];
  for (let row = rows.first; row <= lastRow; row++) shown.push(row);
  const isDrawn = choice.row >= rows.first && choice.row <= lastRow;
  const active = isDrawn && choice.column >= columns.first && choice.column <= columns.last;
  const choose = (row: number, column: number, event: MouseEvent) =>
    setChoice(event.shiftKey ? { ...choice, row, column } : { row, column, fromRow: row, fromColumn: column });
  return (
    <div
      ref={box}
      class="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={size.rows + 1}
      aria-colcount={size.columns + 1}
      aria-multiselectable="true"
      tabIndex={0}
      {...(active ? { "aria-activedescendant": `cell-${choice.row}-${choice.column}` } : {})}
      onScroll={(event) => {
        rows.onScroll(event.currentTarget.scrollTop);
        columns.onScroll(event.currentTarget.scrollLeft);
      }}
      onKeyDown={key}
    >
      <div class="grid-row grid-head" role="row" aria-rowindex={1} style={{ width: `${columns.whole}px` }}>
        <span class="grid-name" role="columnheader" aria-colindex={1} style={{ width: `${columns.head}px` }}>
          <span class="unseen">row</span>
        </span>
        <span role="presentation" style={{ flex: "none", width: `${columns.before}px` }} />
        {columns.shown.map((column) => (
          <span
            key={column}
            class={`grid-cell ${isNumber(table.cell(rows.first, column)) ? "number" : ""}`}
            role="columnheader"
            aria-colindex={column + 2}
            style={{ width: `${columns.width(column)}px` }}
          >
            {table.columnName(column)}
          </span>
        ))}
      </div>
      <div role="presentation" style={{ height: `${rows.space}px`, width: `${columns.whole}px` }}>
        <div role="presentation" style={{ transform: `translateY(${rows.shift}px)` }}>
          {shown.map((row) => (
            <GridRow key={row} row={row} columns={columns} choice={choice} area={area} choose={choose} size={size} />
          ))}
        </div>
      </div>
    </div>
  );
}

interface GridRowProps {
  row: number;
  columns: Columns;
  choice: Choice;
  area: Area;
  size: TableSize;
  choose: (row: number, column: number, event: MouseEvent) => void;
}

function GridRow({ row, columns, choice, area, choose, size }: GridRowProps) {
  const { table } = useModel();
  const known = table.row(row);
  const isChosen = row >= area.rows.first && row <= area.rows.last;
  return (
    <div class="grid-row" role="row" aria-rowindex={row + 2} style={{ width: `${columns.whole}px` }}>
      <span class="grid-name" role="rowheader" aria-colindex={1} style={{ width: `${columns.head}px` }}>
        {known?.name ?? ""}
      </span>
      <span role="presentation" style={{ flex: "none", width: `${columns.before}px` }} />
      {known?.whole ? (
        <span
          id={`cell-${row}-${choice.column}`}
          class={`grid-cell other ${known.whole.isChanged ? "changed" : ""} ${isChosen ? "chosen" : ""}`}
          role="gridcell"
          aria-colindex={columns.first + 2}
          aria-colspan={columns.shown.length}
          aria-selected={isChosen}
          title={`This row has another shape: ${known.whole.text}`}
          onClick={(event) => choose(row, columns.first, event)}
        >
          {known.whole.text}
        </span>
      ) : (
        columns.shown.map((column) => {
          const cell = table.cell(row, column);
          const isIn = isChosen && column >= area.columns.first && column <= area.columns.last;
          const isActive = row === choice.row && column === choice.column;
          return (
            <span
              key={column}
              id={`cell-${row}-${column}`}
              class={`grid-cell ${cellClass(cell)} ${isIn ? "chosen" : ""} ${isActive ? "active" : ""}`}
              role="gridcell"
              aria-colindex={column + 2}
              aria-selected={isIn}
              style={{ width: `${columns.width(column)}px` }}
              title={titleOf(cell, size)}
              onClick={(event) => choose(row, column, event)}
            >
              {cell ? cell.text : cell === null ? "·" : ""}
            </span>
          );
        })
      )}
    </div>
  );
}

const NUMBERS = new Set(["int", "float", "complex", "decimal", "fraction", "bool"]);

function isNumber(cell: TableCell | null | undefined): boolean {
  return cell ? NUMBERS.has(cell.kind) : false;
}

function cellClass(cell: TableCell | null | undefined): string {
  if (!cell) return "faint";
  return `${isNumber(cell) ? "number" : ""} ${cell.isChanged ? "changed" : ""}`;
}

function titleOf(cell: TableCell | null | undefined, { shape }: TableSize): string | undefined {
  if (cell === null) return shape ? "This element was not recorded." : "This row has no such value.";
  return cell?.isChanged ? `${cell.text}\nchanged by the step before` : cell?.text;
}
