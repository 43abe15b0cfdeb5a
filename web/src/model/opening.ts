// What a session begins with. It is asked for at once, and travels in one message: the recording is
// opened, one goes to a moment, and this is what there is to see.

import type { Calls, Moment, MoveArguments, MoveState, Recording } from "../lib/protocol";
import { ROOTS } from "./call_rows";
import { type Glance, glance } from "./glance";
import { type Link, RequestError } from "./link";

export interface Opened extends Arrived {
  recording: Recording;
}

interface Arrived {
  state: MoveState;
  seen: Promise<Glance>;
  text: string | null; // of the code that runs; null: it is not recorded
  roots: Calls | null; // at the bottom of the thread that runs
  problem: string; // why this is the start, and not the moment that was wanted
}

/** There is a recording, but no moment in it to go to. */
export class NothingRecorded extends Error {
  constructor(readonly recording: Recording) {
    super("No line was recorded.");
  }
}

export async function opening(link: Link, moment: Moment | null): Promise<Opened> {
  const initialized = link.request("initialize", {
    adapterID: "codetracer",
    clientID: "ct-window",
    linesStartAt1: true,
    columnsStartAt1: true,
    pathFormat: "path",
    supportsProgressReporting: true,
    supportsVariablePaging: true,
  });
  const attached = link.request("attach");
  const described = link.request<Recording>("ct/recording");
  const configured = link.request("configurationDone");
  try {
    const all = [described, arrive(link, moment), initialized, attached, configured] as const;
    const [recording, arrived] = await Promise.all(all);
    return { recording, ...arrived };
  } catch (problem) {
    const recording = await described.catch(() => null);
    throw recording?.steps === 0 ? new NothingRecorded(recording) : problem;
  }
}

async function arrive(link: Link, moment: Moment | null): Promise<Arrived> {
  const args: MoveArguments = moment ? { move: "moment", moment } : { move: "start" };
  const moved = link.request<MoveState>("ct/move", args);
  const seen = glance(link, null);
  const source = link.request<{ content: string }>("source").catch(() => null);
  const roots = link.request<Calls>("ct/load-calltrace-section", ROOTS).catch(() => null);
  seen.catch(() => {}); // who shows it will know
  try {
    return { state: await moved, seen, text: (await source)?.content ?? null, roots: await roots, problem: "" };
  } catch (problem) {
    if (!moment || !(problem instanceof RequestError)) throw problem;
    return { ...(await arrive(link, null)), problem: problem.message };
  }
}
