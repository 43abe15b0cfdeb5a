// Moments in texts and addresses: "17" is step 17, "17.1" the time after one frame was left there.

import { count } from "./format";
import type { Moment } from "./protocol";

export function momentText(moment: Moment): string {
  return moment.left === 0 ? `${moment.step}` : `${moment.step}.${moment.left}`;
}

/** The same for people: "1,234.1". */
export function momentLabel(moment: Moment): string {
  return moment.left === 0 ? count(moment.step) : `${count(moment.step)}.${moment.left}`;
}

export function parseMoment(text: string): Moment | null {
  const match = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text.replaceAll(",", "").trim());
  return match ? { step: Number(match[1]), left: Number(match[2] ?? 0) } : null;
}

export function sameMoment(a: Moment, b: Moment): boolean {
  return a.step === b.step && a.left === b.left;
}

/** Whether something that a step's line did has happened at a moment. */
export function hasHappened(step: number, now: Moment): boolean {
  return step < now.step || (step === now.step && now.left > 0);
}

export interface Route {
  recording: string; // "": none, the welcome page
  moment: Moment | null;
}

/** A recording without an id of its own is the one that the server was started for. */
export const SERVED = "-";

/** By which name the server knows it. */
export function servedAs({ recording }: Route): string {
  return recording === SERVED ? "" : recording;
}

/** "#/ID/17.1" */
export function parseRoute(hash: string): Route {
  const [recording = "", moment = ""] = hash.replace(/^#\/?/, "").split("/").map(decode);
  return { recording, moment: parseMoment(moment) };
}

export function routeHash(route: Route): string {
  if (route.recording === "") return "#/";
  const start = `#/${encodeURIComponent(route.recording)}`;
  return route.moment ? `${start}/${momentText(route.moment)}` : start;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
