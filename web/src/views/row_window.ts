// Which rows of a list of any length are in view, and where they are drawn.

import { useLayoutEffect, useState } from "preact/hooks";

const TALLEST = 8_000_000; // pixels: browsers draw nothing right in much taller ones
const EXTRA = 4; // rows drawn above and below those in view

export interface RowWindow {
  first: number;
  last: number;
  height: number; // of what is seen
  space: number; // of all rows, as far as a browser can
  shift: number; // where the first row is drawn
  onScroll: (top: number) => void;
  show: (index: number, isCentred: boolean) => void;
}

/** `head`: pixels above the rows that stay while they scroll. */
export function useRowWindow(
  box: { current: HTMLElement | null },
  { count, rowHeight, head = 0 }: { count: number; rowHeight: number; head?: number },
): RowWindow {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  const full = count * rowHeight;
  const scale = full > TALLEST ? (full - height) / (TALLEST - height) : 1;
  const first = Math.max(0, Math.floor((top * scale) / rowHeight) - EXTRA);
  const last = Math.min(count - 1, Math.ceil((top * scale + height) / rowHeight) + EXTRA);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight - head));
    observer.observe(element);
    return () => observer.disconnect();
  }, [box, head]);

  const show = (index: number, isCentred: boolean) => {
    const element = box.current;
    if (!element || index < 0) return;
    const from = (element.scrollTop * scale) / rowHeight;
    const room = (element.clientHeight - head) / rowHeight;
    if (index >= from && index + 1 <= from + room) return;
    const wanted = isCentred ? Math.round(index - room / 2) : index < from ? index : index + 1 - room;
    element.scrollTop = Math.max(0, wanted * rowHeight) / scale;
  };

  const space = Math.min(full, TALLEST);
  return { first, last, height, space, shift: top + first * rowHeight - top * scale, onScroll: setTop, show };
}
