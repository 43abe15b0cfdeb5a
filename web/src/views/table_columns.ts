// Which columns of a table are in view, and how wide they are.

import { useLayoutEffect, useState } from "preact/hooks";
import type { TableSize } from "../lib/protocol";
import { useModel } from "./hooks";

const EXTRA = 2; // columns drawn left and right of those in view

export interface Columns {
  first: number;
  last: number;
  shown: readonly number[];
  head: number; // pixels of the rows' names,
  before: number; // of the columns left of those shown,
  whole: number; // and of all
  width: (column: number) => number;
  onScroll: (left: number) => void;
  show: (column: number) => void;
}

/** Which columns are in view. */
export function useColumns(box: { current: HTMLElement | null }, size: TableSize): Columns {
  const { table } = useModel();
  const [left, setLeft] = useState(0);
  const [seen, setSeen] = useState(600);
  const [letter, setLetter] = useState(7.6);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSeen(element.clientWidth));
    observer.observe(element);
    setLetter(letterWidth(element));
    return () => observer.disconnect();
  }, [box]);

  const width = (column: number) => Math.ceil(table.width(column) * letter) + 16;
  const head = Math.ceil(table.nameWidth * letter) + 20;
  const start = (column: number) => {
    if (!table.hasNames) return column * width(0);
    let sum = 0;
    for (let at = 0; at < column; at++) sum += width(at);
    return sum;
  };
  const at = (pixels: number) => {
    if (!table.hasNames) return Math.floor(pixels / width(0));
    let column = 0;
    for (let sum = 0; column < size.columns; column++) {
      sum += width(column);
      if (sum > pixels) break;
    }
    return column;
  };
  const first = Math.max(0, Math.min(size.columns - 1, at(left) - EXTRA));
  const last = Math.min(size.columns - 1, at(left + seen - head) + EXTRA);
  const show = (column: number) => {
    const element = box.current;
    if (!element) return;
    const from = start(column);
    const room = element.clientWidth - head;
    if (from < element.scrollLeft) element.scrollLeft = from;
    else if (from + width(column) > element.scrollLeft + room) element.scrollLeft = from + width(column) - room;
  };
  const shown = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return {
    first,
    last,
    shown,
    head,
    before: start(first),
    whole: head + start(size.columns),
    width,
    onScroll: setLeft,
    show,
  };
}

/** All letters of the font are alike. */
function letterWidth(element: HTMLElement): number {
  const span = document.createElement("span");
  span.className = "grid-cell";
  span.style.cssText = "position: absolute; width: auto; padding: 0; visibility: hidden";
  span.textContent = "0".repeat(20);
  element.append(span);
  const width = span.getBoundingClientRect().width / 20;
  span.remove();
  return width;
}
