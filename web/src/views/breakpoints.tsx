// All breakpoints, and whether exceptions stop.

import { fileName } from "../lib/format";
import { EXCEPTION_FILTERS, type ExceptionFilter, type ExceptionStops, type Point } from "../model/breakpoints";
import { useAtom, useFocusTarget, useModel, useWindow } from "./hooks";
import { Empty } from "./panel";
import { VirtualList } from "./virtual_list";

export function Breakpoints() {
  return (
    <div class="stacked">
      <Exceptions />
      <Points />
    </div>
  );
}

function Points() {
  const { model, cursor } = useWindow();
  const { breakpoints, tabs } = model;
  const points = useAtom(breakpoints.points);
  if (points.length === 0) {
    return (
      <Empty
        title="No breakpoints"
        text={
          <>
            Click left of a line, or press <kbd>F9</kbd>. <kbd>F8</kbd> goes on to the next hit, <kbd>Shift F8</kbd>{" "}
            back to the last.
          </>
        }
      />
    );
  }
  return (
    <VirtualList
      name="breakpoints"
      label="Breakpoints"
      role="listbox"
      count={points.length}
      rowHeight={24}
      onOpen={(index) => points[index] && model.showSource(points[index].path, points[index].line)}
      onKey={(key, index) => {
        const point = points[index];
        if (!point) return false;
        if (key === "Delete") void breakpoints.remove(point.path, point.line);
        else if (key === " ") void breakpoints.put({ ...point, isEnabled: !point.isEnabled });
        else if (key === "e") edit(point);
        else return false;
        return true;
      }}
      row={(index) => {
        const point = points[index];
        return point ? { className: "change", content: <Row point={point} edit={edit} /> } : { content: null };
      }}
    />
  );

  function edit(point: Point) {
    cursor.current = { path: point.path, line: point.line };
    tabs.overlay.set("breakpoint");
  }
}

function Exceptions() {
  const { breakpoints } = useModel();
  const stops = useAtom(breakpoints.exceptions);
  const problem = useAtom(breakpoints.exceptionProblem);
  const field = useFocusTarget<HTMLInputElement>("exception-types");
  const change = (part: Partial<ExceptionStops>) => breakpoints.exceptions.set({ ...stops, isOn: true, ...part });
  return (
    <div class="exception-stops">
      <label class="check">
        <input
          type="checkbox"
          checked={stops.isOn}
          onChange={(event) => change({ isOn: event.currentTarget.checked })}
        />
        stop at exceptions
      </label>
      <select
        aria-label="Which exceptions"
        value={stops.filter}
        onChange={(event) => change({ filter: event.currentTarget.value as ExceptionFilter })}
      >
        {Object.entries(EXCEPTION_FILTERS).map(([filter, title]) => (
          <option key={filter} value={filter}>
            {title}
          </option>
        ))}
      </select>
      <input
        ref={field}
        type="text"
        placeholder="of any type"
        title="Types: ValueError, app.Error, !KeyError"
        aria-label="Types of exceptions"
        spellcheck={false}
        value={stops.types}
        onChange={(event) => change({ types: event.currentTarget.value })}
      />
      <span class="bad text" role="status" title={problem}>
        {problem}
      </span>
    </div>
  );
}

function Row({ point, edit }: { point: Point; edit: (point: Point) => void }) {
  const { breakpoints } = useModel();
  const toggle = () => void breakpoints.put({ ...point, isEnabled: !point.isEnabled });
  const details = [
    point.condition && `if ${point.condition}`,
    point.hitCondition && `hits ${point.hitCondition}`,
    point.logMessage && `log ${point.logMessage}`,
  ].filter(Boolean);
  return (
    <>
      <input
        type="checkbox"
        tabIndex={-1}
        checked={point.isEnabled}
        aria-label={`Breakpoint on line ${point.line} is on`}
        onClick={(event) => event.stopPropagation()}
        onChange={toggle}
      />
      <span class="step" title={point.path}>
        {fileName(point.path)}:{point.line}
      </span>
      <span class="text">{details.join(" · ")}</span>
      {point.problem && <span class="bad">{point.problem}</span>}
      <span class="actions" role="presentation">
        <button
          type="button"
          tabIndex={-1}
          class="link"
          onClick={(event) => {
            event.stopPropagation();
            edit(point);
          }}
        >
          edit
        </button>
        <button
          type="button"
          tabIndex={-1}
          class="link"
          onClick={(event) => {
            event.stopPropagation();
            void breakpoints.remove(point.path, point.line);
          }}
        >
          remove
        </button>
      </span>
    </>
  );
}
