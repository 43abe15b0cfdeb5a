// What is shown in place of the window, or over it, while there is no session.

import { shellWords } from "../lib/format";
import type { Recording } from "../lib/protocol";
import type { LinkState } from "../model/link";
import { useAtom, useModel } from "./hooks";

/** A page that says what is wrong and what to do. */
export function ConnectionPage({ state }: { state: LinkState }) {
  if (state.kind === "forbidden") {
    return (
      <main class="notice-page">
        <h1>Open it with ct replay</h1>
        <p>
          This page shows a recording only to those who have the address that <code>ct replay</code> printed: it carries
          a key that links do not have.
        </p>
        <p>
          Run <code>ct replay</code> again, or open the address it printed in this browser; then this link works, too.
        </p>
      </main>
    );
  }
  if (state.kind === "refused") {
    return (
      <main class="notice-page">
        <h1>This recording cannot be opened</h1>
        <p>{state.why}</p>
        <AllRecordings />
      </main>
    );
  }
  if (state.kind === "empty") return <NothingRecorded recording={state.recording} />;
  return (
    <>
      <header class="bar">
        <div class="about">
          <span class="mark">ct</span>
        </div>
      </header>
      <main class="notice-page quiet" aria-busy="true">
        <h1>{state.kind === "lost" ? "No answer from the server" : "Opening the recording…"}</h1>
        {state.kind === "lost" && <p>{state.why}</p>}
      </main>
    </>
  );
}

function AllRecordings() {
  const model = useModel();
  return (
    <button type="button" class="button" onClick={() => model.enter({ recording: "", moment: null })}>
      All recordings
    </button>
  );
}

/** There is a recording without a line: what is known of the run, and what one can do. */
function NothingRecorded({ recording }: { recording: Recording }) {
  const { link } = useModel();
  const { program, args, directory, exitCode, isComplete, endReason, missing, outputs } = recording;
  const ended = exitCode === null ? endReason : `It ended with exit status ${exitCode}.`;
  const leftOut = missing.filter((item) => item.kind === "not recorded");
  return (
    <main class="notice-page">
      <h1>No line was recorded</h1>
      <p>
        <code>{shellWords([program, ...args])}</code> ran no line that is recorded. {ended}
      </p>
      {leftOut.map((item) => (
        <p key={item.text}>{item.text}</p>
      ))}
      {leftOut.length === 0 && (exitCode ?? 0) !== 0 && (
        <p>
          A program with a syntax error ends so, or a file that Python does not find: what Python said is where{" "}
          <code>ct record</code> was run.
        </p>
      )}
      {outputs > 0 && (
        <p>
          What it wrote is recorded: <code>ct print {shellWords([directory])}</code> shows it.
        </p>
      )}
      <p class="buttons">
        {!isComplete && (
          <button type="button" class="button" onClick={() => link.retry()}>
            Look again
          </button>
        )}
        <AllRecordings />
      </p>
    </main>
  );
}

/** Over a window whose server went away: what is shown stays readable. */
export function LostBanner() {
  const { link } = useModel();
  const state = useAtom(link.state);
  if (state.kind !== "lost") return null;
  return (
    <div class="lost" role="alert">
      <b>Disconnected.</b> {state.why} Start <code>ct replay</code> again; this page goes on where it is.
      <button type="button" class="button" onClick={() => link.retry()}>
        Try now
      </button>
    </div>
  );
}
