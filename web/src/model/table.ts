// A value as a table: named by an expression, looked up anew at each moment; of its cells those pages
// that somebody looks at.

import { type Atom, atom } from "../lib/atom";
import type { Evaluated, StackFrame } from "../lib/dap";
import type { Table, TableCell, TableRow, TableSize } from "../lib/protocol";
import type { Area, Range } from "../lib/table_choice";
import { type Frames, sameFrame } from "./frames";
import type { Link } from "./link";

const ROWS = 64; // of a page
const COLUMNS = 32;
const COPIED = 100_000; // cells at once
const NARROW = 4; // characters of a column
const WIDE = 36;
const CORNER: Area = { rows: { first: 0, last: ROWS - 1 }, columns: { first: 0, last: COLUMNS - 1 } };

export interface TableSubject {
  expression: string;
  frame: StackFrame; // in which it was asked for
}

/** What is known of the table at one moment. */
export interface TableState {
  size: TableSize;
  reference: number;
  frameId: number;
  pages: ReadonlyMap<string, Table>;
}

export class TableModel {
  readonly subject: Atom<TableSubject | null> = atom<TableSubject | null>(null);
  readonly state: Atom<TableState | null> = atom<TableState | null>(null);
  /** Why there is no table at this moment. */
  readonly problem: Atom<string> = atom("");
  /** Characters of the columns: of one with names of each, else of all alike; they only grow. */
  private widths: number[] = [];
  nameWidth = NARROW; // of the rows' names
  private area: Area = CORNER;
  private isLoading = false;
  private round = 0;

  constructor(
    private readonly link: Link,
    private readonly frames: () => Frames | null,
  ) {}

  /** It is looked up when it is followed. */
  choose(subject: TableSubject) {
    this.clear();
    this.subject.set(subject);
  }

  clear() {
    this.round++;
    this.widths = [];
    this.nameWidth = NARROW;
    this.area = CORNER;
    this.subject.set(null);
    this.state.set(null);
    this.problem.set("");
  }

  /** The same value at the moment one is at now: what is looked at comes with it, so that nothing
   *  flickers. */
  async follow(): Promise<void> {
    const subject = this.subject.get();
    if (!subject) return;
    const round = ++this.round;
    try {
      const state = await this.lookUp(subject);
      const pages = await this.load(state, missing(state, this.area));
      if (round !== this.round) return;
      this.state.set({ ...state, pages });
      this.problem.set("");
    } catch (problem) {
      if (round !== this.round) return;
      this.state.set(null);
      this.problem.set(problem instanceof Error ? problem.message : String(problem));
    }
  }

  /** What is looked at: pages that are not here yet are asked for; those one has scrolled past are not. */
  want(area: Area) {
    this.area = area;
    if (!this.isLoading) void this.loadWanted();
  }

  row(index: number): TableRow | undefined {
    const column = Math.floor(this.area.columns.first / COLUMNS);
    return pageOf(this.state.get(), Math.floor(index / ROWS), column)?.window[index % ROWS];
  }

  cell(row: number, column: number): TableCell | null | undefined {
    const page = pageOf(this.state.get(), Math.floor(row / ROWS), Math.floor(column / COLUMNS));
    return page?.window[row % ROWS]?.cells[column % COLUMNS];
  }

  columnName(column: number): string {
    const state = this.state.get();
    const part = Math.floor(column / COLUMNS);
    const page = [...(state?.pages.entries() ?? [])].find(([key]) => key.endsWith(`,${part}`))?.[1];
    return page?.names?.[column % COLUMNS] ?? String(column);
  }

  /** Characters of a column: those of tables without names are alike. */
  width(column: number): number {
    return this.widths[column] ?? this.widths[0] ?? NARROW;
  }

  get hasNames(): boolean {
    return [...(this.state.get()?.pages.values() ?? [])][0]?.names !== undefined;
  }

  /** Cells as text, columns apart by tabs; `left`: rows that were too many. */
  async copy(area: Area): Promise<{ text: string; left: number }> {
    const state = this.state.get();
    if (!state) return { text: "", left: 0 };
    const columns = area.columns.last - area.columns.first + 1;
    const most = Math.max(1, Math.floor(COPIED / columns));
    const rows = { first: area.rows.first, last: Math.min(area.rows.last, area.rows.first + most - 1) };
    const pages = await this.load(state, missing(state, { rows, columns: area.columns }));
    const whole = { ...state, pages };
    const lines: string[] = [];
    if (this.hasNames && rows.last > rows.first)
      lines.push(
        range(area.columns)
          .map((c) => this.columnName(c))
          .join("\t"),
      );
    for (const row of range(rows)) {
      const other = pageOf(whole, Math.floor(row / ROWS), 0)?.window[row % ROWS]?.whole;
      const texts = range(area.columns).map((column) => cellOf(whole, row, column)?.text ?? "");
      lines.push(other ? other.text : texts.join("\t"));
    }
    return { text: lines.join("\n"), left: area.rows.last - rows.last };
  }

  private async loadWanted() {
    const state = this.state.get();
    const keys = state ? missing(state, this.area) : [];
    if (!state || keys.length === 0) return;
    this.isLoading = true;
    const pages = await this.load(state, keys).catch(() => null);
    this.isLoading = false;
    if (this.state.get() === state && pages) this.state.set({ ...state, pages });
    if (pages) void this.loadWanted();
  }

  private async lookUp({ expression, frame }: TableSubject): Promise<TableState> {
    const frameId = sameFrame(this.frames(), frame)?.id;
    if (frameId === undefined) throw new Error(`${frame.name} does not run at this moment.`);
    const value = await this.link.request<Evaluated>("evaluate", { expression, frameId, context: "watch" });
    if (!value.ct?.table) throw new Error(`${expression} is no table at this moment: ${value.result}`);
    return { size: value.ct.table, reference: value.variablesReference, frameId, pages: new Map() };
  }

  private async load(state: TableState, keys: readonly string[]): Promise<ReadonlyMap<string, Table>> {
    const found = await Promise.all(keys.map((key) => this.page(state, key)));
    return new Map([...state.pages, ...found]);
  }

  private async page({ reference, frameId }: TableState, key: string): Promise<[string, Table]> {
    const [row = 0, column = 0] = key.split(",").map(Number);
    const rows = { start: row * ROWS, count: ROWS };
    const columns = { firstColumn: column * COLUMNS, columnCount: COLUMNS };
    const asked = { variablesReference: reference, frameId, ...rows, ...columns };
    const table = await this.link.request<Table>("ct/load-table", asked);
    this.measure(table, column * COLUMNS);
    return [key, table];
  }

  private measure(table: Table, from: number) {
    for (const row of table.window) {
      this.nameWidth = Math.min(WIDE, Math.max(this.nameWidth, row.name.length));
      for (const [index, cell] of row.cells.entries()) this.grow(table, from + index, cell?.text.length ?? 0);
    }
    const last = from + (table.window[0]?.cells.length ?? 0);
    for (let column = from; column < last; column++) {
      this.grow(table, column, (table.names?.[column - from] ?? String(column)).length);
    }
  }

  private grow({ names }: Table, column: number, characters: number) {
    const at = names ? column : 0;
    const width = Math.min(WIDE, Math.max(NARROW, characters));
    this.widths[at] = Math.max(this.widths[at] ?? NARROW, width);
  }
}

function range({ first, last }: Range): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

function pageOf(state: TableState | null, row: number, column: number): Table | undefined {
  return state?.pages.get(`${row},${column}`);
}

function cellOf(state: TableState, row: number, column: number): TableCell | null | undefined {
  const page = pageOf(state, Math.floor(row / ROWS), Math.floor(column / COLUMNS));
  return page?.window[row % ROWS]?.cells[column % COLUMNS];
}

/** Pages of an area that are not here. */
function missing({ size, pages }: TableState, { rows, columns }: Area): string[] {
  const keys: string[] = [];
  const lastRow = Math.min(rows.last, size.rows - 1);
  const lastColumn = Math.min(columns.last, size.columns - 1);
  for (let row = Math.floor(rows.first / ROWS); row * ROWS <= lastRow; row++) {
    for (let column = Math.floor(columns.first / COLUMNS); column * COLUMNS <= lastColumn; column++) {
      const key = `${row},${column}`;
      if (!pages.has(key)) keys.push(key);
    }
  }
  return keys;
}
