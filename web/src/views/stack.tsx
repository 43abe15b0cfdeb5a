// Who called whom, on the thread that runs or on another one.

import { fileName } from "../lib/format";
import { useAtom, useModel } from "./hooks";
import { Empty, Failure, Loading } from "./panel";
import { VirtualList } from "./virtual_list";

export function Stack() {
  const { frames } = useModel();
  const state = useAtom(frames.state);
  const error = useAtom(frames.error);
  if (error) return <Failure text={error} />;
  if (!state) return <Loading label="Loading the stack" />;
  const { hasMore } = state;
  const count = state.frames.length + (hasMore ? 1 : 0);
  return (
    <div class="stacked">
      {state.threads.length > 1 && <Threads />}
      {count === 0 && <Empty title="No frames" text="This thread runs no recorded code at this moment." />}
      {count > 0 && (
        <VirtualList
          name="stack"
          label="Stack"
          role="listbox"
          count={count}
          rowHeight={24}
          onOpen={(index) => (index < state.frames.length ? frames.select(index) : void frames.more())}
          onRange={(_, last) => hasMore && last >= state.frames.length && void frames.more()}
          row={(index) => {
            const frame = state.frames[index];
            if (!frame) return { content: <span class="link">more frames</span> };
            const path = frame.source?.path ?? "";
            return {
              selected: index === state.selected,
              content: (
                <>
                  <span class="text" title={`${frame.name}\n${path}:${frame.line}`}>
                    <span class="name">{frame.name}</span>
                  </span>
                  <span class="type">
                    {fileName(path)}:{frame.line}
                  </span>
                </>
              ),
            };
          }}
        />
      )}
    </div>
  );
}

function Threads() {
  const { frames } = useModel();
  const state = useAtom(frames.state);
  if (!state) return null;
  return (
    <label class="field threads">
      <span>Thread</span>
      <select value={state.thread} onChange={(event) => void frames.look(Number(event.currentTarget.value))}>
        {state.threads.map((thread) => (
          <option key={thread.id} value={thread.id}>
            {thread.name}
            {thread.id === state.now.threadId ? " (now)" : ""}
          </option>
        ))}
      </select>
    </label>
  );
}
