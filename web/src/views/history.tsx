// The changes of one value: a list around the moment, and the whole run as a chart.

import { count } from "../lib/format";
import type { HistoryEntry, MoveState } from "../lib/protocol";
import { changeRow } from "./change_row";
import { useAtom, useModel } from "./hooks";
import { later } from "./later";
import { Empty, Failure, Loading } from "./panel";
import { VirtualList } from "./virtual_list";

const HistoryChart = later(() => import("./history_chart").then((module) => module.HistoryChart));

export function HistoryPanel() {
  const { history } = useModel();
  const subject = useAtom(history.subject);
  const list = useAtom(history.list.state);
  if (!subject) {
    return (
      <Empty
        title="No value chosen"
        text={
          <>
            Click a value behind a line, or press <kbd>H</kbd> on a variable, to see all it ever was.
          </>
        }
      />
    );
  }
  if (list.error) return <Failure text={list.error} />;
  if (list.items.length === 0) {
    return list.isAtEnd ? (
      <Empty title="No changes" text={`${subject.label} never changed in the recording.`} />
    ) : (
      <Loading label="Loading history" />
    );
  }
  return (
    <div class="history">
      <Changes />
      <HistoryChart />
    </div>
  );
}

export function HistoryEnd() {
  const { history } = useModel();
  const subject = useAtom(history.subject);
  const drawing = useAtom(history.drawing);
  const isDrawing = useAtom(history.isDrawing);
  const onlyThisCall = useAtom(history.onlyThisCall);
  if (!subject) return null;
  const total = drawing?.changes.reduce((sum, changes) => sum + changes, 0);
  return (
    <>
      {isDrawing && (
        <button type="button" class="link" onClick={() => history.stop()}>
          counting… stop
        </button>
      )}
      {total !== undefined && <span>{count(total)} changes</span>}
      {subject.holder === undefined && (
        <label class="check">
          <input
            type="checkbox"
            checked={onlyThisCall}
            onChange={(event) => history.onlyThisCall.set(event.currentTarget.checked)}
          />
          this call only
        </label>
      )}
    </>
  );
}

function Changes() {
  const model = useModel();
  const { history, player } = model;
  const list = useAtom(history.list.state);
  const subject = useAtom(history.subject);
  const now = useAtom(player.settled);
  const { items } = list;
  const current = lastBefore(items, now);
  return (
    <VirtualList
      name="history"
      label={`Changes of ${subject?.label ?? "a value"}`}
      role="listbox"
      count={items.length}
      rowHeight={24}
      reveal={current}
      revealed={`${now?.moment.step} ${list.isLoading} ${items.length}`}
      onOpen={(index) => {
        const entry = items[index];
        if (entry) model.goTo({ move: "place", place: entry.place, threadId: entry.threadId });
      }}
      onRange={(first, last) => {
        if (last >= items.length - 5) void history.list.more(false);
        else if (first <= 5) void history.list.more(true);
      }}
      row={(index) => {
        const entry = items[index];
        if (!entry) return { content: null };
        const what = (
          <span class="text" title={entry.value}>
            <span class="val">{entry.value}</span>
          </span>
        );
        const { location } = entry;
        return changeRow({ location, isHere: index === current, isLater: index > current, children: what });
      }}
    />
  );
}

/** The latest change that the moment shows; entries are in order. */
function lastBefore(items: readonly HistoryEntry[], now: MoveState | null): number {
  if (!now) return -1;
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.location.rrTicks ?? 0) <= now.moment.step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
