// The tasks of the moment, below the stack: a click shows the frames of one, where it waits.

import { useEffect, useState } from "preact/hooks";
import { count, fileName } from "../lib/format";
import type { Task } from "../lib/protocol";
import { useAtom, useFocusTarget, useModel } from "./hooks";
import { Failure } from "./panel";
import { VirtualList } from "./virtual_list";

const MANY = 8; // from here on they are looked for by name

export function Tasks() {
  const { tasks, player, frames } = useModel();
  const state = useAtom(tasks.state);
  const error = useAtom(tasks.error);
  const stack = useAtom(frames.state);
  const rested = useAtom(player.rested);
  const [name, setName] = useState("");
  const field = useFocusTarget<HTMLInputElement>("find-task");
  useAtom(tasks.version);
  useEffect(() => {
    if (rested) void tasks.refresh(rested, name);
  }, [tasks, rested, name]);
  if (error) return <Failure text={error} />;
  if (!state || (state.all === 0 && state.name === "")) return null;
  const found = state.name === "" ? count(state.all) : `${count(state.total)} of ${count(state.all)}`;
  const go = (task: Task | undefined) => {
    const step = task?.location.rrTicks;
    if (step !== undefined) player.to({ step, left: 0 });
  };
  return (
    <section class="tasks" aria-label="Tasks">
      <h3 class="sub">
        Tasks <span class="faint">{found}</span>
        {state.isTruncated && <span class="bad"> and others: too many to follow</span>}
      </h3>
      {(state.all > MANY || name !== "") && (
        <div class="field">
          <input
            ref={field}
            type="search"
            placeholder="Find tasks by name"
            aria-label="Find tasks by name"
            spellcheck={false}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </div>
      )}
      <VirtualList
        name="tasks"
        label="Tasks"
        role="listbox"
        count={state.total}
        rowHeight={24}
        onOpen={(index) => {
          const task = tasks.row(index);
          if (task) void frames.lookAtTask(task);
        }}
        onKey={(key, index) => {
          if (key === "g") go(tasks.row(index));
          return key === "g";
        }}
        row={(index) => {
          const task = tasks.row(index);
          if (!task) return { content: <span class="faint">…</span> };
          return {
            selected: stack?.task?.key === task.key,
            className: `change ${task.state === "running" ? "now" : ""}`,
            content: <Row task={task} go={() => go(task)} />,
          };
        }}
      />
    </section>
  );
}

function Row({ task, go }: { task: Task; go: () => void }) {
  const { functionName, path, line, rrTicks } = task.location;
  const isRunning = task.state === "running";
  const place = `${fileName(path)}:${line}`;
  const waits = functionName === task.name ? place : `${functionName} ${place}`;
  return (
    <>
      <span class="text" title={`${task.name}, ${task.state} in ${functionName}\n${path}:${line}`}>
        <span class="name">{task.name}</span> <span class="faint">#{count(task.key)}</span>
      </span>
      <span class="where soft">{isRunning ? "running" : waits}</span>
      <button
        type="button"
        tabIndex={-1}
        class="link step"
        title={`${isRunning ? "Its latest step" : "The step after which it was suspended"}: go there (g)`}
        onClick={(event) => {
          event.stopPropagation();
          go();
        }}
      >
        {count(rrTicks)}
      </button>
    </>
  );
}
