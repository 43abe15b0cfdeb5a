// Which cells of a table are chosen: from one cell to another.

export interface Range {
  first: number;
  last: number;
}

export interface Area {
  rows: Range;
  columns: Range;
}

export interface Choice {
  row: number; // the active cell
  column: number;
  fromRow: number; // the cell the area starts from
  fromColumn: number;
}

interface Key {
  isControl: boolean;
  isExtended: boolean; // Shift
  page: number; // rows
  size: { rows: number; columns: number };
}

/** The choice after a key; null: the key means nothing here. */
export function moved(choice: Choice, key: string, { isControl, isExtended, page, size }: Key): Choice | null {
  const { rows, columns } = size;
  if (isControl && key === "a") return { row: rows - 1, column: columns - 1, fromRow: 0, fromColumn: 0 };
  const by: Record<string, [number, number]> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    PageUp: [-page, 0],
    PageDown: [page, 0],
    Home: [isControl ? -rows : 0, -columns],
    End: [isControl ? rows : 0, columns],
  };
  const step = by[key];
  if (!step || (isControl && key !== "Home" && key !== "End")) return null;
  const row = Math.max(0, Math.min(rows - 1, choice.row + step[0]));
  const column = Math.max(0, Math.min(columns - 1, choice.column + step[1]));
  return isExtended ? { ...choice, row, column } : { row, column, fromRow: row, fromColumn: column };
}

export function areaOf({ row, column, fromRow, fromColumn }: Choice): Area {
  return {
    rows: { first: Math.min(row, fromRow), last: Math.max(row, fromRow) },
    columns: { first: Math.min(column, fromColumn), last: Math.max(column, fromColumn) },
  };
}
