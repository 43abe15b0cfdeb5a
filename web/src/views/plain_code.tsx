// The source without what the editor makes of it: shown until that has come, which takes as long as
// all the rest of the window. One can step, set breakpoints, choose a line.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useAtom, useFocusTarget, useWindow } from "./hooks";

const HEIGHT = 22; // pixels of a line, as in the style sheet
const TOP = 6;

export function PlainCode({ isHidden }: { isHidden: boolean }) {
  const { model, cursor } = useWindow();
  const { documents, player, breakpoints } = model;
  const text = useAtom(documents.document)?.text ?? "";
  const shown = useAtom(documents.shown);
  const now = useAtom(player.now)?.location;
  const points = useAtom(breakpoints.points);
  const [chosen, setChosen] = useState(0);
  const code = useFocusTarget<HTMLDivElement>("editor");
  const scrolled = useRef<HTMLDivElement>(null);
  const { path = "", line = 0 } = shown ?? {};

  useLayoutEffect(() => {
    const element = scrolled.current;
    if (!element || text === "") return;
    cursor.current = { path, line };
    element.scrollTop = placeOf(line, element.clientHeight);
  }, [shown, text]);

  const choose = (number: number, isPoint: boolean) => {
    cursor.current = { path, line: number };
    setChosen(number);
    if (isPoint) void breakpoints.toggle(path, number);
  };
  const lines = text.split("\n");
  const room = Math.ceil(innerHeight / HEIGHT); // no more is seen either way
  const first = Math.max(1, line - room);
  const isRunning = now?.path === path && now.line === line;
  const isSet = (number: number) => points.some((point) => point.path === path && point.line === number);
  return (
    <div ref={code} class="code plain" role="region" aria-label="Source" tabIndex={-1} hidden={isHidden}>
      <div ref={scrolled} class="plain-scroller">
        <div style={{ height: `${lines.length * HEIGHT}px`, paddingTop: `${(first - 1) * HEIGHT}px` }}>
          {lines.slice(first - 1, line + room).map((content, index) => {
            const number = first + index;
            const mark = number !== line ? "" : isRunning ? "now" : "site";
            return (
              <div key={number} class="plain-row">
                <span class="plain-gutter" aria-hidden="true" onClick={() => choose(number, true)}>
                  <span class={isSet(number) ? "point set" : "point"} />
                  <span class={number === line ? "current" : ""}>{number}</span>
                </span>
                <span
                  class={`plain-line ${mark} ${number === chosen ? "chosen" : ""}`}
                  {...(mark ? { "aria-current": true } : {})}
                  onClick={() => choose(number, false)}
                >
                  {content}
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** Where the editor scrolls to for a line. */
function placeOf(line: number, height: number): number {
  const top = TOP + (line - 1) * HEIGHT;
  return top + HEIGHT < height - 2 * HEIGHT ? 0 : top - (height - HEIGHT) / 2;
}
