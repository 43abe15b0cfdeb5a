// The files that are open.

import { fileLabels } from "../lib/format";
import { useAtom, useModel } from "./hooks";
import { Icon } from "./icons";

export function FileTabs() {
  const { documents } = useModel();
  const open = useAtom(documents.open);
  const shown = useAtom(documents.shown);
  const labels = fileLabels(open);
  return (
    <div class="tabs">
      {open.map((path, index) => (
        <span key={path} class={`tab file ${path === shown?.path ? "on" : ""}`} title={path}>
          <button
            type="button"
            aria-current={path === shown?.path}
            onClick={() => documents.show(path, 0)}
            onAuxClick={() => documents.close(path)}
          >
            {labels[index]}
          </button>
          {open.length > 1 && (
            <button
              type="button"
              class="close"
              aria-label={`Close ${labels[index]}`}
              onClick={() => documents.close(path)}
            >
              <Icon name="close" />
            </button>
          )}
        </span>
      ))}
    </div>
  );
}
