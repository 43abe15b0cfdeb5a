// What everything is now: variables of the selected frame, and watches.

import { selectedFrame } from "../model/frames";
import { useAtom, useFocusTarget, useModel } from "./hooks";
import { Empty, Failure, Loading } from "./panel";
import { ValueList } from "./value_list";

export function Variables() {
  const { variables, frames } = useModel();
  const error = useAtom(variables.error);
  const state = useAtom(frames.state);
  const rows = useAtom(variables.tree.rows);
  if (error) return <Failure text={error} />;
  if (!state) return <Loading label="Loading variables" />;
  if (!selectedFrame(state)) return <Empty title="No frame" text="This thread runs no recorded code now." />;
  return (
    <div class="stacked">
      {rows.length === 0 ? <Loading label="Loading variables" /> : <Tree />}
      <Watches />
    </div>
  );
}

function Tree() {
  return <ValueList name="variables" label="Variables" tree={useModel().variables.tree} />;
}

function Watches() {
  const { variables } = useModel();
  const watches = useAtom(variables.watches);
  const field = useFocusTarget<HTMLInputElement>("watch");
  const add = (event: SubmitEvent) => {
    event.preventDefault();
    if (!field.current) return;
    variables.addWatch(field.current.value);
    field.current.value = "";
  };
  return (
    <div class="watches" style={{ height: `${64 + Math.min(6, watches.length) * 24}px` }}>
      <div class="sub">Watches</div>
      {watches.length > 0 && (
        <ValueList
          name="watches"
          label="Watches"
          tree={variables.watchTree}
          onRemove={(name) => variables.removeWatch(name)}
        />
      )}
      <form class="field" onSubmit={add}>
        <input
          ref={field}
          type="text"
          placeholder="Add an expression"
          aria-label="Expression to watch"
          spellcheck={false}
        />
      </form>
    </div>
  );
}
