// The whole run in one strip: how deep each thread's stack was, what was written, raised and hit. Drag
// to go there, turn the wheel to zoom, with Shift to pan.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, duration, fileName, plural, visible } from "../lib/format";
import { momentLabel } from "../lib/moment";
import type { TimelineThread } from "../lib/protocol";
import type { TimelineModel } from "../model/timeline";
import { useAtom, useFocusTarget, useIsSmall, useModel } from "./hooks";
import { drawTimeline, laneHeight, lanesOf, TOP } from "./timeline_canvas";

const MOST_LANES = 4;
const NONE: readonly TimelineThread[] = [];

export function TimelineStrip() {
  const model = useModel();
  const { timeline, player } = model;
  const state = useAtom(timeline.state);
  const range = useAtom(timeline.range);
  const now = useAtom(player.now);
  const theme = useAtom(model.settings.theme);
  const [width, setWidth] = useState(0);
  const [pointer, setPointer] = useState<number | null>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const strip = useFocusTarget<HTMLDivElement>("timeline");
  const looked = useAtom(timeline.looked);
  const most = useIsSmall() ? 1 : MOST_LANES;
  const threads = state?.timeline.threads ?? NONE;
  const wanted = threads.length > most ? looked : 0; // else all have a lane
  const lanes = useMemo(() => lanesOf(threads, wanted, most), [threads, wanted, most]);
  const height = TOP + Math.max(Math.min(2, most), lanes.length) * laneHeight(lanes.length) + 4;

  useEffect(() => {
    const element = strip.current;
    if (!element) return;
    const measure = () => {
      setWidth(element.clientWidth);
      timeline.resize(Math.max(1, Math.floor(element.clientWidth)));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [timeline, strip]);

  useEffect(() => {
    const element = canvas.current;
    if (!element || !state || width === 0) return;
    const frame = requestAnimationFrame(() => drawTimeline(element, state, { range, width, height, lanes }));
    return () => cancelAnimationFrame(frame);
  }, [state, range, width, height, lanes, theme]);

  const xOf = (step: number) => ((step - range.from) / (range.to - range.from)) * width;
  const stepAt = (x: number) => {
    const step = range.from + (x / Math.max(1, width)) * (range.to - range.from);
    return Math.max(range.from, Math.min(range.to - 1, Math.floor(step)));
  };
  useGestures(strip, timeline, {
    stepAt,
    seek(step) {
      setDragged(step);
      player.to({ step, left: 0 }, "seek");
    },
    hover(x) {
      setPointer(x);
      void timeline.ask(x === null ? null : stepAt(x));
    },
  });

  // Where the pointer leads, at once: the answer comes later, and of some steps on the way none.
  useEffect(() => {
    const look = () => player.waiting.get() === 0 && setDragged(null);
    return player.waiting.watch(look);
  }, [player]);
  const step = now?.moment.step ?? 0;
  const marked = dragged ?? step;
  const steps = model.recording.get()?.steps ?? 1;
  return (
    <section class="timeline" aria-label="Timeline" style={{ height: `${height}px` }}>
      <LaneNames lanes={lanes} threads={threads.length} />
      <div
        ref={strip}
        class="strip"
        role="slider"
        tabIndex={0}
        aria-label="Moment in the run"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, steps - 1)}
        aria-valuenow={step}
        aria-valuetext={
          now ? `step ${momentLabel(now.moment)} of ${count(steps)}, ${now.location.functionName}` : "loading"
        }
        onKeyDown={(event) => {
          if (event.ctrlKey || event.altKey || event.metaKey) return;
          if (!zoomed(timeline, event.key, step)) {
            const target = seekTarget(event.key, { step, steps, size: range.to - range.from });
            if (target === null) return;
            player.to({ step: target, left: 0 }, "seek");
          }
          event.preventDefault();
        }}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {now && marked >= range.from && marked < range.to && (
          <NowFlag x={xOf(marked)} width={width} label={dragged === null ? momentLabel(now.moment) : count(dragged)} />
        )}
        {pointer !== null && <Hover x={pointer} width={width} />}
      </div>
      {(range.from > 0 || range.to < steps) && (
        <button type="button" class="whole link" onClick={() => timeline.whole()}>
          show all
        </button>
      )}
    </section>
  );
}

/** Where a key of the strip leads; null: it is none. */
function seekTarget(key: string, { step, steps, size }: { step: number; steps: number; size: number }): number | null {
  if (key === "Home") return 0;
  if (key === "End") return steps - 1;
  const near = Math.ceil(size / 200);
  const far = Math.ceil(size / 10);
  const by = { ArrowLeft: -near, ArrowRight: near, PageDown: -far, PageUp: far }[key];
  return by === undefined ? null : Math.max(0, Math.min(steps - 1, step + by));
}

function zoomed(timeline: TimelineModel, key: string, step: number): boolean {
  if (key === "+" || key === "=") timeline.zoom(0.5, step);
  else if (key === "-") timeline.zoom(2, step);
  else if (key === "0") timeline.whole();
  else return false;
  return true;
}

function LaneNames({ lanes, threads }: { lanes: readonly TimelineThread[]; threads: number }) {
  return (
    <div class="lanes">
      {lanes.map((lane, index) => (
        <div key={lane.threadId} class="lane" style={{ top: `${TOP + index * laneHeight(lanes.length)}px` }}>
          <span class="lane-name" title={lane.name}>
            {visible(lane.name)}
          </span>
          {index === lanes.length - 1 && threads > lanes.length && <OtherThreads number={threads - lanes.length} />}
        </div>
      ))}
    </div>
  );
}

/** Those without a lane: the tree of calls has them all, and where one goes there is a lane. */
function OtherThreads({ number }: { number: number }) {
  const { tabs } = useModel();
  const show = () => {
    tabs.showLeft("calls");
    tabs.focusOn("calls");
  };
  const label = `${plural(number, "more thread")}: see the calls`;
  return (
    <button type="button" class="link" title={label} aria-label={label} onClick={show}>
      +{count(number)}
    </button>
  );
}

function NowFlag({ x, width, label }: { x: number; width: number; label: string }) {
  const shift = Math.min(0, width - x - 50) - Math.min(0, x - 50);
  return (
    <div class="now-line" style={{ transform: `translateX(${x}px)` }}>
      <span class="flag" style={{ transform: `translateX(calc(-50% + ${shift}px))` }}>
        step {label}
      </span>
    </div>
  );
}

function Hover({ x, width }: { x: number; width: number }) {
  const at = useAtom(useModel().timeline.at);
  return (
    <>
      <div class="pointer-line" style={{ transform: `translateX(${x}px)` }} />
      {at && (
        <div class="tip" style={x < width / 2 ? { left: `${x + 8}px` } : { right: `${width - x + 8}px` }}>
          <b>{at.location.functionName}</b> {fileName(at.location.path)}:{at.location.line}
          <span class="soft">
            {" "}
            step {count(at.location.rrTicks)} · {duration(at.tick)}
          </span>
        </div>
      )}
    </>
  );
}

interface Gestures {
  stepAt: (x: number) => number;
  seek: (step: number) => void;
  hover: (x: number | null) => void;
}

/** Pointer and wheel, listened to once: the latest gestures are called. */
function useGestures(strip: { current: HTMLDivElement | null }, timeline: TimelineModel, gestures: Gestures) {
  const latest = useRef(gestures);
  latest.current = gestures;
  useEffect(() => {
    const element = strip.current;
    if (!element) return;
    const xOf = (event: MouseEvent) => event.clientX - element.getBoundingClientRect().left;
    const end = new AbortController();
    const on = <K extends keyof HTMLElementEventMap>(name: K, run: (event: HTMLElementEventMap[K]) => void) =>
      element.addEventListener(name, run, { signal: end.signal, passive: false });
    on("pointerdown", (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      element.focus();
      latest.current.seek(latest.current.stepAt(xOf(event)));
      event.preventDefault();
    });
    on("pointermove", (event) => {
      latest.current.hover(xOf(event));
      if (element.hasPointerCapture(event.pointerId)) latest.current.seek(latest.current.stepAt(xOf(event)));
    });
    on("pointerleave", () => latest.current.hover(null));
    on("wheel", (event) => {
      event.preventDefault();
      const { from, to } = timeline.range.get();
      const isPan = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      const by = event.deltaX || event.deltaY;
      if (isPan) timeline.pan((by / element.clientWidth) * (to - from));
      else timeline.zoom(1.0015 ** event.deltaY, latest.current.stepAt(xOf(event)));
    });
    return () => end.abort();
  }, [strip, timeline]);
}
