// What the panels show of a moment: asked for together with the move that leads to it, of the frame
// that will run there.

import type { Scope, StackFrame, Thread } from "../lib/dap";
import type { Call, Calls, Flow, FlowArguments, Loop, Loops, Visit } from "../lib/protocol";
import type { Link } from "./link";

export const LEVELS = 100; // frames of a stack, in a page
export const LOOPS = 50;
export const PAGE = 100; // variables of a value
export const WHOLE = 400; // visits up to which a call's flow is loaded in one piece

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
  whole: Flow | null; // of a short call
}

/** `loaded`: the call whose flow is there already. */
export async function glance(link: Link, loaded: number | null): Promise<Glance> {
  const none = { scopes: [] }; // of a thread that runs no recorded code
  const [{ threads }, { stackFrames }, { scopes }, flow] = await Promise.all([
    link.request<{ threads: Thread[] }>("threads"),
    link.request<{ stackFrames: StackFrame[] }>("stackTrace", { levels: LEVELS }),
    link.request<{ scopes: Scope[] }>("scopes", { count: PAGE }).catch(() => none),
    flowGlance(link, { loaded }),
  ]);
  return { threads, frames: stackFrames, scopes, flow };
}

interface Asked {
  call?: number;
  line?: number;
  loaded: number | null;
}

/** Without a call: of the one that runs. */
export async function flowGlance(link: Link, { call: key, line, loaded }: Asked): Promise<FlowGlance> {
  const call = key === undefined ? {} : { call: key };
  const at = line === undefined ? call : { ...call, line };
  const unless = loaded === null ? {} : { unless: loaded };
  const short: FlowArguments = { ...call, ...unless, count: WHOLE, within: WHOLE };
  const [path, loops, visit, flow] = await Promise.all([
    link.request<Calls>("ct/call-path", { ...call, count: 1 }).catch(() => null),
    link.request<Loops>("ct/load-loops", { ...call, start: 0, count: LOOPS }).catch(() => null),
    link.request<Visit>("ct/visit", at).catch(() => null),
    link.request<Flow>("ct/load-flow", short).catch(() => null),
  ]);
  const whole = flow && !flow.more ? flow : null;
  return { call: path?.calls[0], loops: loops?.loops ?? [], visit, whole };
}
