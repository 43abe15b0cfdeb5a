// What the panels show of a moment: asked for together with the move that leads to it, of the frame
// that will run there.

import type { Scope, StackFrame, Thread } from "../lib/dap";
import type { Call, Calls, Loop, Loops, Visit } from "../lib/protocol";
import type { Link } from "./link";

export const LEVELS = 100; // frames of a stack, in a page
export const LOOPS = 50;
export const PAGE = 100; // variables of a value

export interface Glance {
  threads: readonly Thread[];
  frames: readonly StackFrame[];
  scopes: readonly Scope[]; // with their variables
  flow: FlowGlance;
}

/** Of the call that runs: what its flow starts from. */
export interface FlowGlance {
  call: Call | undefined;
  loops: readonly Loop[];
  visit: Visit | null;
}

export async function glance(link: Link): Promise<Glance> {
  const none = { scopes: [] }; // of a thread that runs no recorded code
  const [{ threads }, { stackFrames }, { scopes }, flow] = await Promise.all([
    link.request<{ threads: Thread[] }>("threads"),
    link.request<{ stackFrames: StackFrame[] }>("stackTrace", { levels: LEVELS }),
    link.request<{ scopes: Scope[] }>("scopes", { count: PAGE }).catch(() => none),
    flowGlance(link),
  ]);
  return { threads, frames: stackFrames, scopes, flow };
}

/** Without a call: of the one that runs. */
export async function flowGlance(link: Link, of: { call?: number; line?: number } = {}): Promise<FlowGlance> {
  const call = of.call === undefined ? {} : { call: of.call };
  const [path, loops, visit] = await Promise.all([
    link.request<Calls>("ct/call-path", { ...call, count: 1 }).catch(() => null),
    link.request<Loops>("ct/load-loops", { ...call, start: 0, count: LOOPS }).catch(() => null),
    link.request<Visit>("ct/visit", of).catch(() => null),
  ]);
  return { call: path?.calls[0], loops: loops?.loops ?? [], visit };
}
