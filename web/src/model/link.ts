// The session with the server: requests, events, and what to do when it is gone.

import { type Api, ApiError, type EventCursor } from "../api/client";
import { type Atom, atom } from "../lib/atom";
import type { DapEvent } from "../lib/dap";
import type { Moment, Recording } from "../lib/protocol";
import { NothingRecorded, type Opened, opening } from "./opening";
import { Outbox } from "./outbox";
import { Session } from "./session";

export type LinkState =
  | { kind: "idle" }
  | { kind: "opening" }
  | { kind: "ready" }
  | { kind: "lost"; why: string } // it is tried again
  | { kind: "forbidden" } // no token, or a wrong one
  | { kind: "empty"; recording: Recording } // it has no line
  | { kind: "refused"; why: string }; // this recording cannot be opened

/** The server did what it was asked for, and the answer is no. */
export class RequestError extends Error {}

/** What to show in place of an answer; null: there may still be one, and what is shown stays. */
export function refusal(problem: unknown): string | null {
  return problem instanceof RequestError ? problem.message : null;
}

/** The request was for a session, or a moment, that is past. */
export class StaleError extends Error {}

const RETRY = 1500; // milliseconds between attempts to reach a lost server

export class Link {
  readonly state: Atom<LinkState> = atom<LinkState>({ kind: "idle" });
  /** Requests on their way. */
  readonly running: Atom<number> = atom(0);
  /** What the session began with; null: there is none. */
  readonly opened: Atom<Opened | null> = atom<Opened | null>(null);
  /** Where the next session begins, should this one break. */
  moment: Moment | null = null;
  private session: Session | null = null;
  private outbox: Outbox | null = null;
  private recording = "";
  private seq = 0;
  private stop = new AbortController();
  private readonly listeners = new Set<(event: DapEvent) => void>();

  constructor(private readonly api: Api) {}

  onEvent(listener: (event: DapEvent) => void) {
    this.listeners.add(listener);
  }

  async open(recording: string, moment: Moment | null): Promise<void> {
    this.close();
    this.recording = recording;
    this.moment = moment;
    this.state.set({ kind: "opening" });
    await this.attempt();
  }

  /** End the session; also when the page goes away. */
  close() {
    this.stop.abort();
    this.session?.close();
    this.forget();
    this.opened.set(null);
    this.state.set({ kind: "idle" });
  }

  async request<T>(command: string, args: object = {}): Promise<T> {
    const { promise } = this.start<T>(command, args);
    return promise;
  }

  /** A request and its number, by which it can be cancelled. */
  start<T>(command: string, args: object): { seq: number; promise: Promise<T> } {
    const seq = ++this.seq;
    return { seq, promise: this.send<T>(seq, command, args) };
  }

  /** Send what was asked for, now: the frame that is to be drawn first may take as long as the answer. */
  flush() {
    this.outbox?.flush();
  }

  cancel(seq: number) {
    this.request("cancel", { requestId: seq }).catch(() => {});
  }

  private forget() {
    this.outbox?.close();
    this.outbox = null;
    this.session = null;
  }

  private async send<T>(seq: number, command: string, args: object): Promise<T> {
    const { outbox } = this;
    if (!outbox) throw new StaleError("There is no session.");
    this.running.set(this.running.get() + 1);
    try {
      const response = await outbox.post({ seq, type: "request", command, arguments: args });
      if (outbox !== this.outbox) throw new StaleError("The session has ended.");
      if (!response.success) throw new RequestError(response.message ?? `${command} failed.`);
      return response.body as T;
    } catch (problem) {
      if (outbox === this.outbox && problem instanceof ApiError) this.fail(problem);
      throw problem;
    } finally {
      this.running.set(this.running.get() - 1);
    }
  }

  private async attempt(): Promise<void> {
    const stop = new AbortController();
    this.stop = stop;
    try {
      const session = new Session(this.api, this.recording);
      this.session = session;
      this.outbox = new Outbox(
        (request) => session.send(request),
        () => ++this.seq,
      );
      const asked = opening(this, this.moment);
      this.flush();
      const opened = await asked;
      if (stop.signal.aborted) return;
      void this.listen(session, stop.signal);
      this.opened.set(opened);
      this.state.set({ kind: "ready" });
    } catch (problem) {
      if (stop.signal.aborted) return;
      if (problem instanceof NothingRecorded) this.state.set({ kind: "empty", recording: problem.recording });
      else this.state.set({ kind: "refused", why: problem instanceof Error ? problem.message : String(problem) });
    }
  }

  private fail(problem: ApiError) {
    const isOpening = this.session?.id === "";
    this.stop.abort();
    this.forget();
    if (problem.kind === "gone" && !isOpening)
      void this.attempt(); // it ended this session: another will do
    else if (problem.kind === "forbidden") this.state.set({ kind: "forbidden" });
    else if (isOpening && problem.kind !== "unreachable") this.state.set({ kind: "refused", why: problem.message });
    else this.lose(problem.message);
  }

  private lose(why: string) {
    this.state.set({ kind: "lost", why });
    const stop = new AbortController();
    this.stop = stop;
    setTimeout(() => {
      if (!stop.signal.aborted) void this.attempt();
    }, RETRY);
  }

  /** Try at once what would be tried again in a moment. */
  retry() {
    this.stop.abort();
    void this.attempt();
  }

  private async listen(session: Session, signal: AbortSignal) {
    const cursor: EventCursor = { last: "" };
    while (!signal.aborted) {
      try {
        await this.api.events(session.id, cursor, (event) => this.take(event), signal);
        await new Promise((resolve) => setTimeout(resolve, RETRY / 3));
      } catch (problem) {
        if (signal.aborted) return;
        if (problem instanceof ApiError && session === this.session) return this.fail(problem);
        await new Promise((resolve) => setTimeout(resolve, RETRY / 3));
      }
    }
  }

  private take(event: DapEvent) {
    if (event.event === "ct/server-ending") {
      this.stop.abort();
      this.forget();
      this.lose("The server was ended.");
      return;
    }
    for (const listener of this.listeners) listener(event);
  }
}
