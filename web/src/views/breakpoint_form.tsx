// Condition, hits and log text of one breakpoint.

import { fileName } from "../lib/format";
import { useModel, useWindow } from "./hooks";
import { Overlay } from "./overlay";

export function BreakpointForm() {
  const { cursor } = useWindow();
  const model = useModel();
  const { path, line } = cursor.current;
  const point = model.breakpoints.at(path, line);
  const close = () => model.tabs.overlay.set("");
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(data.get(name) ?? "").trim();
    void model.breakpoints.put({
      path,
      line,
      isEnabled: data.get("isEnabled") !== null,
      condition: text("condition"),
      hitCondition: text("hitCondition"),
      logMessage: text("logMessage"),
    });
    close();
  };
  return (
    <Overlay label="Breakpoint">
      <form class="form" onSubmit={save}>
        <h2>
          Breakpoint on {fileName(path)}:{line}
        </h2>
        {point?.problem && <p class="bad">{point.problem}</p>}
        <label>
          Only if
          <input
            name="condition"
            value={point?.condition ?? ""}
            placeholder="total > 100 and 'x' in names"
            spellcheck={false}
            autofocus
          />
        </label>
        <label>
          Only these hits
          <input name="hitCondition" value={point?.hitCondition ?? ""} placeholder="5, >= 5, % 5" spellcheck={false} />
        </label>
        <label>
          Do not stop, log
          <input name="logMessage" value={point?.logMessage ?? ""} placeholder="total is {total}" spellcheck={false} />
        </label>
        <label class="check">
          <input type="checkbox" name="isEnabled" checked={point?.isEnabled ?? true} />
          on
        </label>
        <div class="buttons">
          {point && (
            <button
              type="button"
              class="button"
              onClick={() => {
                void model.breakpoints.remove(path, line);
                close();
              }}
            >
              Remove
            </button>
          )}
          <span class="grow" />
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button main">
            {point ? "Change" : "Set"}
          </button>
        </div>
      </form>
    </Overlay>
  );
}
