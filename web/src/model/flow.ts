// The flow of the call one looks at: its visits around the moment, its loops, the calls of its line.

import { type Atom, atom } from "../lib/atom";
import { type LineStory, type Shape, shapeOf, storiesOf } from "../lib/flow_view";
import type { Call, Flow, FlowStep, Loop, MoveState, Visit } from "../lib/protocol";
import { type FlowGlance, flowGlance, WHOLE } from "./glance";
import type { Link } from "./link";

const AROUND = 300; // visits loaded around the moment, of longer ones
const HEAD = 60; // and from the call's start
const MARGIN = 75; // visits that are to be loaded behind the moment

export interface FlowState {
  call: Call;
  step: number; // the moment's
  stories: ReadonlyMap<number, LineStory>;
  linesRun: ReadonlySet<number>;
  loops: readonly Loop[];
  shapes: ReadonlyMap<number, Shape>; // by registeredLine
  visit: Visit | null; // of the current line
  line: number;
  callsHere: readonly Call[]; // that the current line makes
  lastLine: number | null; // the line the call ends on, where that is known
}

interface Loaded {
  call: Call;
  /** Moments of which what is loaded tells everything: in one loop, or outside of all. */
  reach: Reach;
  isWhole: boolean;
  steps: FlowStep[];
  linesRun: Set<number>;
}

export class FlowModel {
  readonly state: Atom<FlowState | null> = atom<FlowState | null>(null);
  private loaded: Loaded | null = null;
  private readonly turns = new Map<string, number>();
  private round = 0;

  constructor(
    private readonly link: Link,
    private readonly callsOfLine: (call: Call, from: number, to: number) => Promise<Call[]>,
  ) {}

  /** The call of which everything is loaded. */
  get whole(): number | null {
    return this.loaded?.isWhole ? this.loaded.call.key : null;
  }

  clear() {
    this.round++;
    this.loaded = null;
    this.turns.clear();
    this.state.set(null);
  }

  /** `known`: what was learned of the call with the move. */
  async refresh(now: MoveState, key: number, line: number, known: FlowGlance | null): Promise<void> {
    const round = ++this.round;
    try {
      const step = now.moment.step;
      const isKnown = known?.call?.key === key;
      const asked = { call: key, line, loaded: this.whole };
      const { call, loops, visit, whole } = isKnown ? known : await flowGlance(this.link, asked);
      if (!call || round !== this.round) return;
      const loaded = whole?.call === key ? wholeOf(call, whole) : await this.load(call, loops, step, line);
      if (round !== this.round) return;
      this.loaded = loaded;
      const turning = await Promise.all(loops.map((loop) => this.withTurns(loaded, loop)));
      const next = loaded.steps.find((candidate) => candidate.rrTicks > step)?.rrTicks ?? Number.MAX_SAFE_INTEGER;
      const callsHere = call.children === 0 ? [] : await this.callsOfLine(call, step, next).catch(() => []);
      if (round === this.round) this.state.set(stateOf(loaded, turning, { step, line, visit, callsHere }));
    } catch {
      if (round === this.round) this.clear(); // the code is shown without values
    }
  }

  private async load(call: Call, loops: readonly Loop[], step: number, line: number): Promise<Loaded> {
    const loaded = this.loaded;
    const loop = innermost(loops, line);
    if (loaded?.call.key === call.key && (loaded.isWhole || reaches(loaded.reach, step, loop))) return loaded;
    const first = call.firstStep ?? step;
    if (call.steps <= WHOLE) return wholeOf(call, await this.window(call.key, first, WHOLE));
    const turn = loop ? await this.turnStart(call.key, loop) : null;
    const [head, before, here] = await Promise.all([
      this.window(call.key, first, HEAD),
      this.window(call.key, Math.max(first, Math.min(turn ?? step, step - AROUND)), AROUND + 1),
      this.window(call.key, step, AROUND),
    ]);
    const steps = merged([head.steps, before.steps, here.steps]);
    const reach = reachOf(before.steps, here, { step, loop });
    return { call, isWhole: false, steps, linesRun: new Set(head.linesRun), reach };
  }

  /** The step at which a loop began its turn. */
  private async turnStart(call: number, loop: Loop): Promise<number | null> {
    const visit = await this.link.request<Visit>("ct/visit", { call, line: loop.registeredLine });
    return visit.step >= 0 ? visit.step : null;
  }

  /** The first line inside of a loop runs in each turn. Where it does less often it is a part of the header's, and
   *  the turns are not known. A loop in another one is told with the visits of its header that end it: one, maybe. */
  private async withTurns({ call, linesRun }: Loaded, loop: Loop): Promise<Loop> {
    const inside = [...linesRun].filter((line) => line > loop.registeredLine && line <= loop.last);
    const told = loop.iterations ?? 0;
    if (inside.length === 0 || told < 2) return loop;
    const key = `${call.key} ${loop.registeredLine}`;
    const asked = { call: call.key, line: Math.min(...inside) };
    const count = this.turns.get(key) ?? (await this.link.request<Visit>("ct/visit", asked)).count;
    this.turns.set(key, count);
    if (loop.base < 0) return count < told ? { ...loop, iterations: null } : loop;
    return count === told - 1 ? { ...loop, iterations: count } : loop;
  }

  private window(call: number, from: number, count: number): Promise<Flow> {
    return this.link.request<Flow>("ct/load-flow", { call, from, count });
  }
}

function wholeOf(call: Call, { more, steps, linesRun }: Flow): Loaded {
  return { call, isWhole: !more, steps, linesRun: new Set(linesRun), reach: { from: 0, to: -1, loop: null } };
}

interface Here {
  step: number;
  line: number;
  visit: Visit | null;
  callsHere: readonly Call[];
}

function stateOf(loaded: Loaded, loops: readonly Loop[], here: Here): FlowState {
  const { call, steps, linesRun, isWhole } = loaded;
  const shapes = new Map<number, Shape>();
  for (const loop of isWhole ? loops : []) {
    const shape = shapeOf(steps, loop);
    if (shape) shapes.set(loop.registeredLine, shape);
  }
  const stories = storiesOf(steps, loops, here.step);
  const lastLine = isWhole ? (steps.at(-1)?.line ?? null) : null;
  return { call, stories, linesRun, loops, shapes, lastLine, ...here };
}

interface Reach {
  from: number;
  to: number;
  loop: number | null; // registeredLine
}

function reaches({ from, to, loop }: Reach, step: number, around: Loop | undefined): boolean {
  return from <= step && step <= to && loop === (around?.registeredLine ?? null);
}

/** The smallest loop around a line that turns. */
function innermost(loops: readonly Loop[], line: number): Loop | undefined {
  const around = loops.filter((loop) => loop.first <= line && line <= loop.last && loop.iteration >= 0);
  return around.sort((a, b) => a.last - a.first - (b.last - b.first))[0];
}

/** From the first turn that is loaded from its start; without a loop, from where enough is loaded. */
function reachOf(before: readonly FlowStep[], here: Flow, at: { step: number; loop: Loop | undefined }): Reach {
  const line = at.loop?.registeredLine ?? null;
  const start = line === null ? before[MARGIN] : before.find((visit) => visit.line === line);
  const isJoined = (before.at(-1)?.rrTicks ?? 0) >= at.step;
  const last = here.more ? here.steps.at(-MARGIN) : undefined;
  const from = isJoined ? Math.min(start?.rrTicks ?? at.step, at.step) : at.step;
  return { from, to: here.more ? (last?.rrTicks ?? at.step) : Number.MAX_SAFE_INTEGER, loop: line };
}

function merged(pages: FlowStep[][]): FlowStep[] {
  const byStep = new Map(pages.flat().map((step) => [step.rrTicks, step]));
  return [...byStep.values()].sort((a, b) => a.rrTicks - b.rrTicks);
}
