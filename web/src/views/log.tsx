// What log points told.

import { count, fileName } from "../lib/format";
import { useAtom, useModel } from "./hooks";
import { Empty } from "./panel";
import { VirtualList } from "./virtual_list";

export function Log() {
  const { log, player } = useModel();
  const entries = useAtom(log.entries);
  if (entries.length === 0) {
    return <Empty title="Nothing logged" text="A breakpoint with a text to log tells it here as one goes on." />;
  }
  return (
    <VirtualList
      name="log"
      label="Log"
      role="listbox"
      count={entries.length}
      rowHeight={24}
      reveal={entries.length - 1}
      onOpen={(index) => {
        const step = entries[index]?.step;
        if (step !== null && step !== undefined) player.to({ step, left: 0 });
      }}
      row={(index) => {
        const entry = entries[index];
        if (!entry) return { content: null };
        return {
          className: "change",
          content: (
            <>
              <span class="step">{entry.step === null ? "" : count(entry.step)}</span>
              <span class="text">{entry.text}</span>
              <span class="where faint">{entry.path && `${fileName(entry.path)}:${entry.line}`}</span>
            </>
          ),
        };
      }}
    />
  );
}
