// The terminal as the program wrote it. What is not written yet at this moment is pale.

import { useMemo } from "preact/hooks";
import type { Style } from "../lib/ansi";
import { hasHappened } from "../lib/moment";
import type { MoveState, ProgramEvent } from "../lib/protocol";
import { type TerminalLine, terminalLines } from "../lib/terminal";
import { useAtom, useModel } from "./hooks";
import { Empty, Failure, Loading } from "./panel";
import { VirtualList } from "./virtual_list";

export function Output() {
  const model = useModel();
  const { output, player, recording } = model;
  const state = useAtom(output.state);
  const now = useAtom(player.settled);
  const known = useAtom(recording);
  const lines = useMemo(() => terminalLines(state.items), [state.items]);
  const next = lines.findIndex((line) => !isPast(line.pieces[0]?.event, now));
  if (state.error) return <Failure text={state.error} retry={() => void output.start()} />;
  if (state.items.length === 0) {
    const isEmpty = known !== null && state.isAtEnd && state.isAtStart;
    return isEmpty ? (
      <Empty title="No output" text="The program wrote nothing to its standard streams." />
    ) : (
      <Loading label="Loading output" />
    );
  }
  const go = (event: ProgramEvent | undefined) =>
    event && model.goTo({ move: "place", place: event.place, threadId: event.threadId });
  return (
    <VirtualList
      name="output"
      label="Output"
      role="listbox"
      count={lines.length}
      rowHeight={19}
      reveal={next < 0 ? lines.length - 1 : Math.max(0, next - 1)}
      revealed={now}
      onOpen={(index) => go(lines[index]?.pieces[0]?.event)}
      onRange={(first, last) => {
        if (last >= lines.length - 5) void output.more(false);
        else if (first <= 5) void output.more(true);
      }}
      row={(index) => ({
        className: `line ${index === next && index > 0 ? "next" : ""}`,
        content: <Line line={lines[index]} now={now} go={go} />,
      })}
    />
  );
}

interface LineProps {
  line: TerminalLine | undefined;
  now: MoveState | null;
  go: (event: ProgramEvent) => void;
}

function Line({ line, now, go }: LineProps) {
  return (
    <>
      {line?.pieces.map((piece, index) => (
        <span
          key={index}
          class={`${isPast(piece.event, now) ? "past" : "future"} ${piece.event.stream === "stderr" ? "stderr" : ""} ${classOf(piece.style)}`}
          style={styleOf(piece.style)}
          onClick={(event) => {
            event.stopPropagation();
            go(piece.event);
          }}
        >
          {piece.text}
        </span>
      ))}
    </>
  );
}

function isPast(event: ProgramEvent | undefined, now: MoveState | null): boolean {
  return !event || now === null || hasHappened(event.location.rrTicks, now.moment);
}

function classOf({ bold, dim, italic, underline, inverse, fg, bg }: Style): string {
  const named = (colour: string | undefined, prefix: string) =>
    colour && !colour.startsWith("#") ? `${prefix}-${colour}` : "";
  const flags = { "a-bold": bold, "a-dim": dim, "a-italic": italic, "a-underline": underline, "a-inverse": inverse };
  const set = Object.entries(flags).flatMap(([name, on]) => (on ? [name] : []));
  return [...set, named(fg, "fg"), named(bg, "bg")].join(" ");
}

function styleOf({ fg, bg }: Style): Record<string, string> {
  return { ...(fg?.startsWith("#") ? { color: fg } : {}), ...(bg?.startsWith("#") ? { background: bg } : {}) };
}
