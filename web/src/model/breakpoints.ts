// Breakpoints: kept for each recording, and told to the server.

import { type Atom, atom } from "../lib/atom";
import type { Breakpoint } from "../lib/dap";
import type { Link } from "./link";
import type { Settings } from "./settings";

export interface Point {
  path: string;
  line: number;
  isEnabled: boolean;
  condition: string;
  hitCondition: string;
  logMessage: string;
  /** What the server made of it. */
  id: number | null;
  problem: string;
}

type Kept = Omit<Point, "id" | "problem">;

/** At which exceptions continue stops: how far they come, and of which types. */
export interface ExceptionStops {
  isOn: boolean;
  filter: ExceptionFilter;
  types: string; // "ValueError, !KeyError"; "": all
}
export const EXCEPTION_FILTERS = {
  raised: "raised",
  leavesFunction: "that leave their function",
  userUnhandled: "that leave recorded code",
  uncaught: "uncaught",
} as const;
export type ExceptionFilter = keyof typeof EXCEPTION_FILTERS;

export class BreakpointsModel {
  readonly points: Atom<readonly Point[]> = atom<readonly Point[]>([]);
  readonly exceptions: Atom<ExceptionStops>;
  /** What the server says of the types. */
  readonly exceptionProblem: Atom<string> = atom("");
  /** Counts up when the server has been told: what shows their hits looks again. */
  readonly version: Atom<number> = atom(0);
  private keep: Atom<readonly Kept[]> | null = null;

  constructor(
    private readonly link: Link,
    private readonly settings: Settings,
  ) {
    this.exceptions = settings.kept<ExceptionStops>("exceptions", { isOn: false, filter: "raised", types: "" });
    this.exceptions.watch(() => void this.tellExceptions());
  }

  /** A session is new: tell it everything. */
  async begin(program: string): Promise<void> {
    this.keep = this.settings.kept<readonly Kept[]>(`breakpoints-${program}`, []);
    this.points.set(this.keep.get().map((kept) => ({ ...kept, id: null, problem: "" })));
    const paths = new Set(this.points.get().map((point) => point.path));
    await Promise.all([...[...paths].map((path) => this.tell(path)), this.tellExceptions()]);
  }

  at(path: string, line: number): Point | undefined {
    return this.points.get().find((point) => point.path === path && point.line === line);
  }

  async toggle(path: string, line: number): Promise<void> {
    if (this.at(path, line)) return this.remove(path, line);
    return this.put({ path, line, isEnabled: true, condition: "", hitCondition: "", logMessage: "" });
  }

  async put(point: Kept): Promise<void> {
    const others = this.points.get().filter((other) => other.path !== point.path || other.line !== point.line);
    await this.change(point.path, [...others, { ...point, id: null, problem: "" }]);
  }

  async remove(path: string, line: number): Promise<void> {
    await this.change(
      path,
      this.points.get().filter((point) => point.path !== path || point.line !== line),
    );
  }

  async removeAll(): Promise<void> {
    const paths = new Set(this.points.get().map((point) => point.path));
    this.save([]);
    await Promise.all([...paths].map((path) => this.tell(path)));
  }

  private async change(path: string, points: readonly Point[]) {
    this.save([...points].sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line));
    await this.tell(path);
  }

  private save(points: readonly Point[]) {
    this.points.set(points);
    this.keep?.set(points.map(({ id: _, problem: __, ...kept }) => kept));
  }

  private async tell(path: string): Promise<void> {
    const told = this.points.get().filter((point) => point.path === path && point.isEnabled);
    const breakpoints = told.map((point) => ({
      line: point.line,
      ...(point.condition && { condition: point.condition }),
      ...(point.hitCondition && { hitCondition: point.hitCondition }),
      ...(point.logMessage && { logMessage: point.logMessage }),
    }));
    try {
      type Answer = { breakpoints: Breakpoint[] };
      const answer = await this.link.request<Answer>("setBreakpoints", { source: { path }, breakpoints });
      this.learn(told, answer.breakpoints);
    } catch {
      // The session is gone; the next one is told again.
    }
    this.version.set(this.version.get() + 1);
  }

  /** The server may have moved a breakpoint to a line that ran, or refused its condition. */
  private learn(told: readonly Point[], answers: readonly Breakpoint[]) {
    const known = new Map(told.map((point, index) => [point, answers[index]]));
    const points: Point[] = [];
    for (const point of this.points.get()) {
      const answer = known.get(point);
      const next = answer ? withAnswer(point, answer) : point;
      const isTwin = points.some((other) => other.path === next.path && other.line === next.line);
      if (!isTwin) points.push(next);
    }
    this.save(points);
  }

  private async tellExceptions(): Promise<void> {
    const told = this.exceptions.get();
    const types = told.types.trim();
    const filterOptions = told.isOn ? [{ filterId: told.filter, ...(types && { condition: types }) }] : [];
    try {
      type Answer = { breakpoints: Breakpoint[] };
      const answer = await this.link.request<Answer>("setExceptionBreakpoints", { filters: [], filterOptions });
      if (told === this.exceptions.get()) this.exceptionProblem.set(answer.breakpoints[0]?.message ?? "");
    } catch {
      // The session is gone; the next one is told again.
    }
  }
}

function withAnswer(point: Point, answer: Breakpoint): Point {
  const line = answer.verified ? (answer.line ?? point.line) : point.line;
  const problem = answer.verified ? "" : (answer.message ?? "This line has no code that ran.");
  return { ...point, line, id: answer.id ?? null, problem };
}
