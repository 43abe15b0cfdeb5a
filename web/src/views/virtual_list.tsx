// A list of any length, of which only the rows in view are in the page. One of its rows is active:
// the arrow keys move it, Enter acts on it.

import type { ComponentChildren, TargetedKeyboardEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useFocusTarget } from "./hooks";
import { useRowWindow } from "./row_window";

export interface RowProps {
  level?: number; // of a tree
  expanded?: boolean;
  selected?: boolean;
  className?: string;
  content: ComponentChildren;
}

export interface VirtualListProps {
  name: string; // for focus, and for the rows' ids
  label: string;
  role: "tree" | "listbox";
  count: number;
  rowHeight: number;
  indented?: number; // levels of a tree: deeper ones stand below each other
  row: (index: number) => RowProps;
  /** Enter or a click. */
  onOpen: (index: number) => void;
  /** Other keys; true: it was for the list. */
  onKey?: (key: string, index: number, event: KeyboardEvent) => boolean;
  /** Bring this row into view whenever `revealed` changes. */
  reveal?: number;
  revealed?: unknown;
  onRange?: (first: number, last: number) => void;
}

export function VirtualList(props: VirtualListProps) {
  const { name, label, role, count, rowHeight, row, onOpen, onKey, reveal, revealed, onRange } = props;
  const box = useFocusTarget<HTMLDivElement>(name);
  const [active, setActive] = useState(0);
  const moved = useRef(false);
  const { first, last, height, space, shift, onScroll, show } = useRowWindow(box, { count, rowHeight });
  const at = Math.min(active, Math.max(0, count - 1));

  useEffect(() => {
    if (reveal === undefined || reveal < 0) return;
    setActive(reveal);
    show(reveal, true);
  }, [reveal, revealed]);

  useEffect(() => {
    if (moved.current) show(at, false);
    moved.current = false;
  }, [at]);

  useEffect(() => onRange?.(first, last), [first, last, count]);

  const key = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    if (event.ctrlKey || event.altKey || event.metaKey) {
      if (onKey?.(event.key, at, event)) event.preventDefault();
      return;
    }
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowUp: -1,
      ArrowDown: 1,
      PageUp: -page,
      PageDown: page,
      Home: -count,
      End: count,
    };
    const by = steps[event.key];
    if (by !== undefined) {
      moved.current = true;
      setActive(Math.max(0, Math.min(count - 1, at + by)));
    } else if (event.key === "Enter" && count > 0) onOpen(at);
    else if (!onKey?.(event.key, at, event)) return;
    event.preventDefault();
  };

  const rows = [];
  for (let index = first; index <= last; index++) rows.push(index);
  const rowRole = role === "tree" ? "treeitem" : "option";
  return (
    <div
      ref={box}
      class="list"
      role={role}
      aria-label={label}
      tabIndex={0}
      {...(count > 0 && at >= first && at <= last ? { "aria-activedescendant": `${name}-${at}` } : {})}
      onScroll={(event) => onScroll(event.currentTarget.scrollTop)}
      onKeyDown={key}
    >
      <div class="list-space" role="presentation" style={{ height: `${space}px` }}>
        <div role="presentation" style={{ transform: `translateY(${shift}px)` }}>
          {rows.map((index) => {
            const { level, expanded, selected, className, content } = row(index);
            return (
              <div
                key={index}
                id={`${name}-${index}`}
                role={rowRole}
                class={`row ${index === at ? "active" : ""} ${className ?? ""}`}
                style={{
                  height: `${rowHeight}px`,
                  ...(level ? { paddingLeft: `${10 + Math.min(level - 1, props.indented ?? level) * 14}px` } : {}),
                }}
                aria-selected={selected ?? false}
                aria-setsize={count}
                aria-posinset={index + 1}
                {...(role === "tree" ? { "aria-level": level ?? 1 } : {})}
                {...(expanded === undefined ? {} : { "aria-expanded": expanded })}
                onClick={() => {
                  setActive(index);
                  onOpen(index);
                }}
              >
                {content}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
