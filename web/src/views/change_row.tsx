// A row of a list of what happened: at which step, what, and where.

import type { ComponentChildren } from "preact";
import { count, fileName } from "../lib/format";
import type { Location } from "../lib/protocol";
import type { RowProps } from "./virtual_list";

interface Change {
  location: Location;
  isHere: boolean; // it is what the moment shows
  isLater: boolean; // it has not happened yet
  children: ComponentChildren;
}

export function changeRow({ location, isHere, isLater, children }: Change): RowProps {
  const { rrTicks, functionName, path, line } = location;
  return {
    selected: isHere,
    className: `change ${isHere ? "now" : ""} ${isLater ? "later" : ""}`,
    content: (
      <>
        <span class="step">{count(rrTicks)}</span>
        {children}
        <span class="where soft">{functionName}</span>
        <span class="where faint">
          {fileName(path)}:{line}
        </span>
      </>
    ),
  };
}
