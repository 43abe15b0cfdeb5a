// Who called whom, on the thread that runs or on another one.

import { count, fileName } from "../lib/format";
import type { Task } from "../lib/protocol";
import { useAtom, useModel } from "./hooks";
import { Empty, Failure, Loading } from "./panel";
import { Tasks } from "./tasks";
import { VirtualList } from "./virtual_list";

export function Stack() {
  const { frames, recording } = useModel();
  const state = useAtom(frames.state);
  const hasTasks = useAtom(recording)?.hasTasks;
  const error = useAtom(frames.error);
  if (error) return <Failure text={error} />;
  if (!state) return <Loading label="Loading the stack" />;
  const { hasMore } = state;
  const rows = state.frames.length + (hasMore ? 1 : 0);
  return (
    <div class="stacked">
      {state.task ? <TaskTitle task={state.task} /> : state.threads.length > 1 && <Threads />}
      {rows === 0 && <Empty title="No frames" text="This thread runs no recorded code at this moment." />}
      {rows > 0 && (
        <VirtualList
          name="stack"
          label="Stack"
          role="listbox"
          count={rows}
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
      {hasTasks && <Tasks />}
    </div>
  );
}

function TaskTitle({ task }: { task: Task }) {
  const { frames, player } = useModel();
  return (
    <div class="field threads">
      <span class="text">
        Suspended: <span class="name">{task.name}</span> #{count(task.key)}
      </span>
      <button
        type="button"
        class="link"
        onClick={() => void frames.look(player.settled.get()?.threadId ?? task.threadId)}
      >
        back to now
      </button>
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
