// Where one is, what is going on, and what the recording is missing: always.

import { useLayoutEffect, useState } from "preact/hooks";
import { count, duration, fileName, plural } from "../lib/format";
import { momentLabel } from "../lib/moment";
import type { Missing, Recording } from "../lib/protocol";
import { threadName } from "../model/frames";
import { useAtom, useModel } from "./hooks";

const LATE = 400; // milliseconds

export function Footer() {
  return (
    <footer>
      <Where />
      <span class="grow" />
      <Busy />
      <Health />
    </footer>
  );
}

function Where() {
  const { player, frames } = useModel();
  const now = useAtom(player.now);
  const state = useAtom(frames.state);
  if (!now) return null;
  const { location, moment, threadId, tick, leftBy, result } = now;
  const left = { return: "returned", yield: "yielded", unwind: "raised" };
  return (
    <>
      <span class="where" title={`${location.path}:${location.line}`}>
        {fileName(location.path)}:{location.line}
      </span>
      <span class="where" title={threadName(state, threadId)}>
        {threadName(state, threadId)}
      </span>
      <span class="moment" title="The moment: how many lines ran before">
        step {momentLabel(moment)}
      </span>
      <span class="moment faint">{duration(tick)}</span>
      {leftBy && (
        <span class={leftBy === "unwind" ? "bad" : "soft"}>
          {left[leftBy]} {result?.text}
        </span>
      )}
      {now.reason === "exception" && moment.left === 0 && <span class="bad">an exception is raised here</span>}
    </>
  );
}

/** Work that takes long enough to be noticed. */
function Busy() {
  const { progress } = useModel();
  const work = useAtom(progress.work);
  return (
    <span class="busy" role="status">
      {work.map((item) => (
        <span key={item.id}>
          {item.title}
          {item.percentage !== null && ` ${Math.round(item.percentage)} %`}{" "}
          {item.requestId !== null && (
            <button type="button" class="link" onClick={() => progress.cancel(item)}>
              cancel
            </button>
          )}
        </span>
      ))}
      <Going />
    </span>
  );
}

/** Moves that take their time. Of others nothing is drawn, not even hidden: that would be a frame. */
function Going() {
  const { player } = useModel();
  const waiting = useAtom(player.waiting);
  const isGoing = waiting > 0;
  const [isLate, setLate] = useState(false);
  useLayoutEffect(() => {
    if (!isGoing) return;
    const timer = setTimeout(() => setLate(true), LATE);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [isGoing]);
  if (!isGoing || !isLate) return null;
  return (
    <span>
      going… {waiting > 1 && plural(waiting, "move")}{" "}
      <button type="button" class="link" onClick={() => player.cancel()}>
        cancel
      </button>
    </span>
  );
}

function Health() {
  const model = useModel();
  const recording = useAtom(model.recording);
  if (!recording) return null;
  return (
    <button
      type="button"
      class="health"
      title="What the recording is missing (Alt M)"
      onClick={() => model.tabs.overlay.set("missing")}
    >
      {healthOf(recording).map(({ text, isBad }) => (
        <span key={text} class={isBad ? "bad" : ""}>
          {text}
        </span>
      ))}
    </button>
  );
}

interface Remark {
  text: string;
  isBad: boolean;
}

const WORDS: Record<Missing["kind"], string> = {
  truncated: "cut",
  redacted: "redacted",
  dropped: "dropped",
  opaque: "opaque",
  lagging: "seen late",
  ended: "",
  "not recorded": "left out",
};

export function healthOf({ isComplete, missing, endReason }: Recording): Remark[] {
  const counted = missing.filter(({ kind, count: number }) => number > 0 && kind !== "ended");
  const remarks = counted.map(({ kind, count: number }) => ({
    text: `${count(number)} ${WORDS[kind]}`,
    isBad: kind === "dropped",
  }));
  if (!isComplete) remarks.unshift({ text: `cut off: ${endReason.replace(/\.$/, "")}`, isBad: true });
  else remarks.unshift({ text: counted.length === 0 ? "recorded in full" : "recorded to the end", isBad: false });
  return remarks;
}
