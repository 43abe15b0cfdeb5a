// A panel: tabs on top, one of them in front; and what a panel shows when it has nothing to show.

import type { ComponentChildren } from "preact";
import type { Atom } from "../lib/atom";
import { useAtom } from "./hooks";

export interface Tab<T extends string> {
  id: T;
  title: string;
}

interface TabbedProps<T extends string> {
  label: string;
  tabs: readonly Tab<T>[];
  selected: Atom<T>;
  end?: ComponentChildren; // on the right of the tabs
  children: ComponentChildren; // of the selected tab
}

export function TabbedPanel<T extends string>({ label, tabs, selected, end, children }: TabbedProps<T>) {
  const current = useAtom(selected);
  const move = (event: KeyboardEvent, index: number) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const next = by === undefined ? undefined : tabs[(index + by + tabs.length) % tabs.length];
    if (!next) return;
    event.preventDefault();
    selected.set(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <section class="panel" aria-label={label}>
      <div class="head">
        <div class="tabs" role="tablist" aria-label={label}>
          {tabs.map(({ id, title }, index) => (
            <button
              key={id}
              type="button"
              id={`tab-${id}`}
              class="tab"
              role="tab"
              aria-selected={id === current}
              aria-controls={`panel-${tabs[0]?.id}`}
              tabIndex={id === current ? 0 : -1}
              onClick={() => selected.set(id)}
              onKeyDown={(event) => move(event, index)}
            >
              {title}
            </button>
          ))}
        </div>
        <div class="end">{end}</div>
      </div>
      <div class="body" id={`panel-${tabs[0]?.id}`} role="tabpanel" aria-labelledby={`tab-${current}`}>
        {children}
      </div>
    </section>
  );
}

export function Empty({ title, text }: { title: string; text?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>{title}</p>
      {text && <p class="soft">{text}</p>}
    </div>
  );
}

export function Failure({ text, retry }: { text: string; retry?: () => void }) {
  return (
    <div class="empty" role="alert">
      <p class="bad">{text}</p>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Grey bars where rows will be. They come late: most loading is done before anyone sees it. */
export function Loading({ label }: { label: string }) {
  return (
    <div class="loading" role="status" aria-label={label}>
      {[70, 45, 60, 35].map((width) => (
        <span key={width} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
