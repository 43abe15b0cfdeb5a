// The recordings there are.

import type { RecordingEntry } from "../api/client";
import { bytes, duration, shellWords, visible, when } from "../lib/format";
import { routeHash, SERVED } from "../lib/moment";
import { useAtom, useModel } from "./hooks";
import { Failure, Loading } from "./panel";

const STATES: Record<RecordingEntry["state"], string> = {
  ok: "",
  moved: "moved",
  missing: "missing",
  deleted: "deleted",
  unfinished: "not finished",
};

export function Welcome() {
  const { recordings } = useModel();
  const { isLoading, recordings: all, error } = useAtom(recordings.state);
  return (
    <main class="welcome">
      <div class="page">
        <h1>
          <span class="mark">ct</span> Recordings
        </h1>
        {error && <Failure text={error} retry={() => void recordings.load()} />}
        {!error && isLoading && all.length === 0 && <Loading label="Loading recordings" />}
        {!error && !isLoading && all.length === 0 && <NoRecordings />}
        {all.length > 0 && <Table entries={all} />}
      </div>
    </main>
  );
}

function NoRecordings() {
  return (
    <div class="empty">
      <p>No recordings yet</p>
      <p class="soft">
        Record a program with <code>ct record script.py</code>, then reload this page.
      </p>
    </div>
  );
}

function Table({ entries }: { entries: readonly RecordingEntry[] }) {
  const { recordings } = useModel();
  const { current } = useAtom(recordings.state);
  return (
    <table>
      <thead>
        <tr>
          <th class="number">#</th>
          <th>Program</th>
          <th>Recorded</th>
          <th class="number">Ran</th>
          <th>Ended</th>
          <th class="number">Size</th>
          <th>Folder</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <Row key={`${entry.id} ${entry.directory}`} entry={entry} isCurrent={entry.id === current} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ entry, isCurrent }: { entry: RecordingEntry; isCurrent: boolean }) {
  const { program, args, exitCode, state } = entry;
  const name = shellWords([program, ...args]);
  const isThere = state !== "missing" && state !== "deleted";
  const failed = exitCode !== null && exitCode !== 0;
  return (
    <tr class={`${isCurrent ? "current" : ""} ${isThere ? "" : "gone"}`}>
      <td class="number faint">{entry.number || ""}</td>
      <td class="code" title={name}>
        {isThere ? <a href={routeHash({ recording: entry.id || SERVED, moment: null })}>{name}</a> : name}
      </td>
      <td>{when(entry.recordedAt)}</td>
      <td class="number">{entry.duration === null ? "" : duration(entry.duration)}</td>
      <td class={failed ? "bad" : "soft"}>
        {STATES[state] || (exitCode === null ? "" : failed ? `exit ${exitCode}` : "exit 0")}
      </td>
      <td class="number">{isThere ? bytes(entry.bytes) : ""}</td>
      <td class="folder faint" title={entry.directory}>
        <bdi>{visible(entry.directory)}</bdi>
      </td>
    </tr>
  );
}
