// Drawing the timeline. What is loaded may be of another range than what is looked at: then it is
// stretched, until the right parts have come.

import type { Timeline, TimelineThread } from "../lib/protocol";
import type { Range, TimelineState } from "../model/timeline";

export const TOP = 14; // room for the flag of the moment

/** How tall a lane is: two get more room than many. */
export function laneHeight(lanes: number): number {
  return lanes <= 2 ? 28 : 20;
}

interface View {
  range: Range;
  width: number;
  height: number;
  lanes: readonly TimelineThread[];
}

/** The threads that are drawn: the one that is looked at and those that are there most, in their own order. */
export function lanesOf(threads: readonly TimelineThread[], looked: number, most: number): readonly TimelineThread[] {
  const busy = (thread: TimelineThread) => thread.most.reduce((parts, depth) => parts + (depth >= 0 ? 1 : 0), 0);
  const rank = (thread: TimelineThread) => (thread.threadId === looked ? Number.MAX_VALUE : busy(thread));
  const chosen = new Set([...threads].sort((a, b) => rank(b) - rank(a)).slice(0, most));
  return threads.filter((thread) => chosen.has(thread));
}

export function drawTimeline(canvas: HTMLCanvasElement, state: TimelineState, view: View) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(view.width * ratio);
  canvas.height = Math.round(view.height * ratio);
  canvas.style.width = `${view.width}px`;
  canvas.style.height = `${view.height}px`;
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const { timeline, range } = state;
  const parts = timeline.outputs.length;
  const perPart = (range.to - range.from) / Math.max(1, parts);
  const scale = view.width / (view.range.to - view.range.from);
  const x = (part: number) => (range.from + part * perPart - view.range.from) * scale;
  const { lanes } = view;
  const lane = laneHeight(lanes.length);
  for (const [index, thread] of lanes.entries()) {
    context.fillStyle = colour(index === 0 ? "--skyline" : "--skyline-other");
    drawLane(context, thread, { top: TOP + index * lane, height: lane - 6, x });
  }
  drawMarks(context, timeline, x, {
    output: colour("--green"),
    exception: colour("--red"),
    bottom: TOP + lane - 6,
  });
}

interface LanePlace {
  top: number;
  height: number;
  x: (part: number) => number;
}

/** A skyline. Deep recursion would flatten all else: beyond some depth it grows slowly. */
function drawLane(context: CanvasRenderingContext2D, lane: TimelineThread, { top, height, x }: LanePlace) {
  const deepest = Math.max(4, ...lane.most);
  const grow =
    deepest <= 24 ? (depth: number) => depth / deepest : (depth: number) => Math.log1p(depth) / Math.log1p(deepest);
  for (const [part, most] of lane.most.entries()) {
    if (most < 0) continue;
    const from = Math.round(x(part));
    const tall = 3 + Math.round(grow(most) * (height - 3));
    context.fillRect(from, top + height - tall, Math.max(1, Math.round(x(part + 1)) - from), tall);
  }
}

interface Colours {
  output: string;
  exception: string;
  bottom: number; // of the first lane
}

function drawMarks(
  context: CanvasRenderingContext2D,
  timeline: Timeline,
  x: (part: number) => number,
  colours: Colours,
) {
  const { bottom } = colours;
  context.fillStyle = colours.output;
  for (const [part, outputs] of timeline.outputs.entries()) {
    if (outputs > 0) context.fillRect(Math.round(x(part)), bottom + 1, Math.max(2, Math.round(x(1) - x(0))), 4);
  }
  context.fillStyle = colours.exception;
  for (const [part, exceptions] of timeline.exceptions.entries()) {
    if (exceptions > 0) context.fillRect(Math.round(x(part)), 6, 2, bottom - 6);
  }
  for (const [part, hits] of timeline.hits.entries()) {
    if (hits === 0) continue;
    context.beginPath();
    context.arc(Math.round(x(part)) + 1, 8, 3, 0, 7);
    context.fill();
  }
}
