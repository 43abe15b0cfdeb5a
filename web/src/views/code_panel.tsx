// The panel of the source: open files, which visit of the line this is, and the code.

import { plural } from "../lib/format";
import { FileTabs } from "./file_tabs";
import { useAtom, useModel } from "./hooks";
import { later } from "./later";
import { Failure, Loading } from "./panel";
import { PlainCode } from "./plain_code";

const Code = later(() => import("./code/editor").then((module) => module.Code), PlainCode);

export function CodePanel() {
  const { documents } = useModel();
  const document = useAtom(documents.document);
  return (
    <section class="panel editor" aria-label="Code">
      <div class="head">
        <FileTabs />
        <div class="end">
          <VisitLabel />
        </div>
      </div>
      <div class="body">
        {!document && <Loading label="Loading the source" />}
        {document?.error && <Failure text={`${document.path}: ${document.error}`} />}
        <Code isHidden={!document || document.text === null} />
      </div>
    </section>
  );
}

function VisitLabel() {
  const state = useAtom(useModel().flow.state);
  if (!state) return null;
  const { call, visit } = state;
  const part = visit && visit.count > 1 ? ` · visit ${visit.index + 1} of ${visit.count} in this call` : "";
  return (
    <span title={`This call runs ${plural(call.steps, "step")} of its own.`}>
      {call.rawName}
      {part}
    </span>
  );
}
