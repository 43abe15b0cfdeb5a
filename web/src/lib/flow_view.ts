// What each line of a call did, as seen from a moment: the visit that one means when one looks at
// the line, and how long the loops around it have been going.

import type { FlowStep, FlowValue, Loop } from "./protocol";

export interface LineStory {
  visit: FlowStep;
  isFuture: boolean; // it has not happened yet
}

/** The visit of each line that belongs to the moment. Lines of a loop one is in show the current turn
 *  only; other lines the latest visit, or the first that is to come. */
export function storiesOf(steps: readonly FlowStep[], loops: readonly Loop[], now: number): Map<number, LineStory> {
  const current = latestLine(steps, now);
  const windows = loops
    .filter((loop) => current !== null && loop.first <= current && current <= loop.last)
    .map((loop) => ({ loop, ...turnOf(steps, loop, now) }));
  const stories = new Map<number, LineStory>();
  for (const visit of steps) {
    const isOutside = windows.some(
      ({ loop, start, end }) =>
        loop.first <= visit.line && visit.line <= loop.last && (visit.rrTicks < start || visit.rrTicks >= end),
    );
    if (isOutside) continue;
    const isFuture = visit.rrTicks > now;
    if (isFuture && stories.has(visit.line)) continue;
    stories.set(visit.line, { visit, isFuture });
  }
  return stories;
}

function latestLine(steps: readonly FlowStep[], now: number): number | null {
  let line: number | null = null;
  for (const step of steps) {
    if (step.rrTicks > now) break;
    line = step.line;
  }
  return line;
}

/** Steps between which the turn of a loop runs in which one is. */
function turnOf(steps: readonly FlowStep[], loop: Loop, now: number): { start: number; end: number } {
  let start = -1;
  for (const step of steps) {
    if (step.line !== loop.registeredLine) continue;
    if (step.rrTicks > now) return { start, end: step.rrTicks };
    start = step.rrTicks;
  }
  return { start, end: Number.MAX_SAFE_INTEGER };
}

export interface Pill {
  text: string;
  isChanged: boolean;
  name: string; // of a variable or an attribute; "" of what has no history
}

const LONG = 36; // characters of a value that changed
const SHORT = 24; // and of one that was only read
const NOISE = /^<(function|class|module|built-in|bound method|method)\b/;

/** The values of a visit, as they stand behind the line: changed ones first. Where a part of a value is
 *  shown, the value itself is not, unless it was set or more of it changed. */
export function pillsOf({ values }: FlowStep): Pill[] {
  const isShown = (value: FlowValue) => value.before !== undefined || value.after !== undefined;
  const parts = values.filter((value) => isShown(value) && !NOISE.test(value.after ?? value.before ?? ""));
  const isHolder = ({ name, isChanged, isWritten }: FlowValue) =>
    !isWritten && parts.some((part) => isPartOf(part.name, name) && (part.isChanged || !isChanged));
  const pills = values
    .filter((value) => !isHolder(value))
    .flatMap((value) => pillOf(value, value.isChanged ? LONG : SHORT));
  return [...pills.filter((pill) => pill.isChanged), ...pills.filter((pill) => !pill.isChanged)];
}

function isPartOf(part: string, name: string): boolean {
  return part.startsWith(`${name}.`) || part.startsWith(`${name}[`);
}

/** The expression for what an attribute belongs to, and its name. */
export function attributeOf(name: string): { holder: string; name: string } | null {
  const found = /^(.+)\.([\p{L}_][\p{L}\p{N}_]*)$/u.exec(name);
  return found?.[1] && found[2] ? { holder: found[1], name: found[2] } : null;
}

function pillOf(value: FlowValue, most: number): Pill[] {
  const { before, after } = value;
  const name = value.name.endsWith("]") ? "" : value.name;
  const short = (text: string) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  if (NOISE.test(after ?? before ?? "")) return [];
  if (after !== undefined && value.isChanged) {
    const text = before === undefined || before === after ? short(after) : `${short(before)} → ${short(after)}`;
    return [{ name, text: `${value.name} = ${text}`, isChanged: true }];
  }
  const known = after ?? before;
  return known === undefined ? [] : [{ name, text: `${value.name} = ${short(known)}`, isChanged: false }];
}

export interface Shape {
  name: string;
  points: { step: number; value: number }[];
}

/** The number that changes most often in a loop, turn by turn: what the loop computes. */
export function shapeOf(steps: readonly FlowStep[], loop: Loop): Shape | null {
  const shapes = new Map<string, Shape>();
  for (const step of steps) {
    if (step.line < loop.first || step.line > loop.last) continue;
    for (const value of step.values) {
      const number = value.isChanged ? Number(value.after) : Number.NaN;
      if (value.after === undefined || value.after === "" || !Number.isFinite(number)) continue;
      const shape = shapes.get(value.name) ?? { name: value.name, points: [] };
      shape.points.push({ step: step.rrTicks, value: number });
      shapes.set(value.name, shape);
    }
  }
  // A counter tells nothing; of the others the one with most changes.
  const best = [...shapes.values()].filter((shape) => shape.points.length > 1 && !isCounter(shape));
  return best.sort((a, b) => b.points.length - a.points.length)[0] ?? null;
}

function isCounter({ points }: Shape): boolean {
  return points.every((point, at) => at === 0 || point.value === (points[at - 1]?.value ?? 0) + 1);
}
