// Arithmetic of the tree's rows: which call a row shows, without a list of all rows.

import type { ChildList } from "./child_list";

/** The first calls at the bottom of a thread; without its number, of the one that runs. */
export const ROOTS = { parent: null, start: 0, count: 100 };

/** An opened call: how many rows are below it, and which of its children are open. */
export interface Open {
  list: ChildList;
  open: Map<number, Open>; // by index among the children
}

export function rowsOf(children: number, open: Map<number, Open>): number {
  let rows = children;
  for (const inner of open.values()) rows += rowsOf(inner.list.total, inner.open);
  return rows;
}

export function rowsBefore(at: number, open: Map<number, Open>): number {
  let rows = at;
  for (const [index, inner] of open) if (index < at) rows += rowsOf(inner.list.total, inner.open);
  return rows;
}

/** Which child a row belongs to, and how far below that child's own row it is. */
export function descend(index: number, open: Map<number, Open>): { at: number; below: number } {
  let passed = 0;
  for (const [at, inner] of [...open].sort((a, b) => a[0] - b[0])) {
    if (index <= at + passed) return { at: index - passed, below: 0 };
    const rows = rowsOf(inner.list.total, inner.open);
    if (index <= at + passed + rows) return { at, below: index - at - passed };
    passed += rows;
  }
  return { at: index - passed, below: 0 };
}
