// Every exception that was raised, where it came from.

import { hasHappened } from "../lib/moment";
import { changeRow } from "./change_row";
import { useAtom, useModel } from "./hooks";
import { Empty, Failure, Loading } from "./panel";
import { VirtualList } from "./virtual_list";

export function Exceptions() {
  const model = useModel();
  const { exceptions, player } = model;
  const { items, isAtEnd, isAtStart, error } = useAtom(exceptions.state);
  const now = useAtom(player.settled);
  if (error) return <Failure text={error} retry={() => void exceptions.start()} />;
  if (items.length === 0) {
    const isEmpty = isAtEnd && isAtStart;
    return isEmpty ? (
      <Empty title="No exceptions" text="Nothing was raised in recorded code." />
    ) : (
      <Loading label="Loading exceptions" />
    );
  }
  return (
    <VirtualList
      name="exceptions"
      label="Exceptions"
      role="listbox"
      count={items.length}
      rowHeight={24}
      onOpen={(index) => {
        const event = items[index];
        if (event) model.goTo({ move: "place", place: event.place, threadId: event.threadId });
      }}
      onRange={(_, last) => last >= items.length - 5 && void exceptions.more(false)}
      row={(index) => {
        const event = items[index];
        if (!event) return { content: null };
        const { rrTicks } = event.location;
        const isHere = rrTicks === now?.moment.step;
        const isLater = now !== null && !isHere && !hasHappened(rrTicks, now.moment);
        const what = (
          <span class="text bad" title={event.content}>
            {event.content}
          </span>
        );
        return changeRow({ location: event.location, isHere, isLater, children: what });
      }}
    />
  );
}
