import { describe, expect, test, vi } from "vitest";
import type { Api, DapRequest, EventCursor } from "../api/client";
import { ApiError } from "../api/client";
import { readEvents } from "../api/event_stream";
import { splitToken } from "../api/token";
import type { DapResponse } from "../lib/dap";
import type { Call, MoveState, Place } from "../lib/protocol";
import { CallsModel } from "./calls";
import { COMMANDS } from "./commands";
import { FlowModel } from "./flow";
import { Link } from "./link";
import { PlaceList } from "./place_list";
import { Player, whyItStayed } from "./player";
import { Settings, type Store } from "./settings";
import { TasksModel } from "./tasks";
import { ValueTree } from "./value_tree";

type Answer = (command: string, args: never) => unknown;

/** What a session begins with, answered with nothing to see. */
function begun(first: DapRequest): DapResponse {
  const { requests } = first.arguments as { requests: DapRequest[] };
  const responses = requests.map(({ seq, command }) => ({
    type: "response",
    request_seq: seq,
    command,
    success: true,
    body: {},
  }));
  return { type: "response", request_seq: first.seq, command: first.command, success: true, body: { responses } };
}

/** A server that answers as a function says, a little later. */
function fakeApi(answer: Answer): Api & { sent: string[] } {
  const sent: string[] = [];
  return {
    sent,
    recordings: async () => ({ recordings: [], current: null }),
    openSession: async (_recording, first) => ({ session: "1", response: begun(first) }),
    closeSession() {},
    async send(session: string, request: DapRequest): Promise<DapResponse> {
      if (request.command === "ct/batch") {
        const responses: DapResponse[] = [];
        const { requests } = request.arguments as { requests: DapRequest[] };
        for (const inner of requests) responses.push(await this.send(session, inner));
        return { type: "response", request_seq: request.seq, command: "ct/batch", success: true, body: { responses } };
      }
      sent.push(request.command);
      await Promise.resolve();
      const response = { type: "response", request_seq: request.seq, command: request.command } as const;
      try {
        return {
          ...response,
          success: true,
          body: answer(request.command, request.arguments as never),
        };
      } catch (problem) {
        if (problem instanceof ApiError) throw problem;
        return { ...response, success: false, message: (problem as Error).message };
      }
    },
    events: (_session: string, _cursor: EventCursor, _take, signal: AbortSignal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
  };
}

async function linkTo(answer: Answer) {
  const api = fakeApi(answer);
  const link = new Link(api);
  await link.open("", null);
  return { api, link };
}

const at = (step: number): MoveState => ({
  moment: { step, left: 0 },
  end: "moved",
  reason: "step",
  breakpoints: [],
  threadId: 1,
  tick: 0,
  location: { path: "a.py", line: 1, functionName: "f", functionFirst: 1, rrTicks: step, key: 0, callstackDepth: 0 },
  isTurn: false,
  atStart: false,
  atEnd: false,
  place: { block: 0, at: step },
});

const idle = (player: Player) => vi.waitFor(() => expect(player.waiting.get()).toBe(0));

describe("moving", () => {
  test("no move is lost, and they come in order", async () => {
    let step = 0;
    const { link, api } = await linkTo((command, args: { backwards?: boolean }) => {
      if (command === "ct/move") step += args.backwards ? -1 : 1;
      return at(step);
    });
    const player = new Player(link, () => null);
    const settled = vi.fn();
    player.settled.watch(settled);
    for (let i = 0; i < 50; i++) player.go({ move: "over" });
    for (let i = 0; i < 20; i++) player.go({ move: "over", backwards: true });
    await idle(player);
    expect(api.sent.filter((command) => command === "ct/move").length).toBe(70);
    expect(player.now.get()?.moment.step).toBe(30);
    expect(player.settled.get()?.moment.step).toBe(30);
    expect(settled.mock.calls.length).toBeLessThan(10); // full views are few
  });

  test("a move and what is seen where it leads are one message", async () => {
    const { link, api } = await linkTo(() => at(1));
    const send = vi.spyOn(api, "send");
    const player = new Player(link, () => null);
    player.go({ move: "over" });
    for (let i = 0; i < 5; i++) await Promise.resolve();
    expect(send).toHaveBeenCalled(); // before the frame that the key causes
    await idle(player);
    expect(send.mock.calls.filter(([, request]) => request.command === "ct/batch").length).toBe(1);
    expect(api.sent[0]).toBe("ct/move");
    expect(api.sent).toContain("scopes");
    expect(player.glance).not.toBeNull();
  });

  test("what was seen with a move is not shown of another moment", async () => {
    let step = 0;
    const { link } = await linkTo((command) => {
      if (command === "ct/move" && ++step === 3) throw new Error("nothing there");
      return at(step);
    });
    const player = new Player(link, () => null);
    player.go({ move: "over" });
    await idle(player);
    expect(player.glance).not.toBeNull();
    for (let i = 0; i < 2; i++) player.go({ move: "over" });
    await idle(player);
    expect(player.settled.get()?.moment.step).toBe(2);
    expect(player.glance).toBeNull();
  });

  test("of the moves of a drag only the latest waits", async () => {
    const { link, api } = await linkTo((_, args: { moment: { step: number } }) => at(args.moment.step));
    const player = new Player(link, () => null);
    for (let i = 0; i < 100; i++) player.to({ step: i, left: 0 }, "seek");
    await idle(player);
    expect(api.sent.filter((command) => command === "ct/move").length).toBeLessThan(4);
    expect(player.now.get()?.moment.step).toBe(99);
  });

  test("on the way of a drag little is asked for, where it rests everything", async () => {
    const { link, api } = await linkTo((_, args: { moment: { step: number } }) => at(args.moment?.step));
    const player = new Player(link, () => null);
    const arrivals: string[] = [];
    player.arrived = (_, arrival) => arrivals.push(arrival);
    const clock = vi.spyOn(Date, "now");
    for (let step = 1; step <= 20; step++) {
      clock.mockReturnValue(1e6 + step * 16);
      player.to({ step, left: 0 }, "seek");
      await new Promise<void>((resolve) => player.waiting.watch(() => player.waiting.get() === 0 && resolve()));
      expect(player.now.get()?.moment.step).toBe(step);
    }
    const looks = () => api.sent.filter((command) => command === "scopes").length;
    expect(looks()).toBe(1);
    expect(arrivals[0]).toBe("jump");
    expect(new Set(arrivals.slice(1))).toEqual(new Set(["step"])); // one entry for the way back
    await vi.waitFor(() => expect(player.rested.get()?.moment.step).toBe(20));
    expect(player.settled.get()?.moment.step).toBe(20);
    expect(player.glance).toBeNull(); // who shows it asks
    clock.mockRestore();
    player.to({ step: 30, left: 0 }, "seek");
    await idle(player);
    await vi.waitFor(() => expect(player.settled.get()?.moment.step).toBe(30));
  });

  test("to a line forwards, or else backwards", async () => {
    const asked: boolean[] = [];
    const { link } = await linkTo((command, args: { backwards?: boolean }) => {
      if (command === "ct/move") asked.push(args.backwards ?? false);
      return { ...at(7), end: args.backwards ? "moved" : "not found" };
    });
    const player = new Player(link, () => null);
    player.stayed = vi.fn();
    player.goEither({ move: "line", path: "a.py", line: 3 });
    await idle(player);
    expect(asked).toEqual([false, true]);
    expect(player.stayed).not.toHaveBeenCalled();
  });

  test("why one stays is said, and what waits can be forgotten", async () => {
    const { link } = await linkTo(() => ({ ...at(3), end: "not found" }));
    const player = new Player(link, () => null);
    const said: string[] = [];
    player.stayed = (text) => said.push(text);
    player.go({ move: "continue" });
    player.go({ move: "continue" });
    player.cancel();
    await idle(player);
    expect(said).toEqual(["No breakpoint is hit after this moment."]);
  });
});

describe("the link", () => {
  test("a refusal is told, a lost server is tried again", async () => {
    let isThere = true;
    const { link } = await linkTo((command) => {
      if (!isThere) throw new ApiError("unreachable", "gone");
      if (command === "bad") throw new Error("no such thing");
      return 1;
    });
    await expect(link.request("bad")).rejects.toThrow("no such thing");
    expect(link.state.get().kind).toBe("ready");
    isThere = false;
    await expect(link.request("x")).rejects.toThrow("gone");
    expect(link.state.get().kind).toBe("lost");
    isThere = true;
    link.retry();
    await vi.waitFor(() => expect(link.state.get().kind).toBe("ready"));
    link.close();
  });

  test("a session is opened with one message, which asks for the first view", async () => {
    const { api } = await linkTo(() => at(0));
    const firsts: DapRequest[] = [];
    const openSession = api.openSession;
    api.openSession = (recording, first) => {
      firsts.push(first);
      return openSession(recording, first);
    };
    const link = new Link(api);
    await link.open("7", { step: 5, left: 0 });
    expect(firsts.length).toBe(1);
    const requests = firsts.flatMap((first) => (first.arguments as { requests: DapRequest[] }).requests);
    const commands = requests.map(({ command }) => command);
    expect(commands.slice(0, 5)).toEqual(["initialize", "attach", "ct/recording", "configurationDone", "ct/move"]);
    for (const command of ["stackTrace", "scopes", "source"]) expect(commands).toContain(command);
    expect(requests[4]?.arguments).toEqual({ move: "moment", moment: { step: 5, left: 0 } });
    expect(api.sent).toEqual([]);
    link.close();
  });

  test("a moment that is not there is told, and the start is shown", async () => {
    const { api } = await linkTo((command) => {
      if (command === "ct/move") return at(0);
      throw new Error("nothing to see");
    });
    api.openSession = async (_recording, first) => {
      const response = begun(first);
      const { responses } = response.body as { responses: DapResponse[] };
      const moved = responses.find(({ command }) => command === "ct/move");
      if (moved) Object.assign(moved, { success: false, message: "no such step" });
      return { session: "1", response };
    };
    const link = new Link(api);
    await link.open("7", { step: 5, left: 0 });
    expect(link.opened.get()).toMatchObject({ problem: "no such step", state: at(0), text: null });
    link.close();
  });

  test("a recording that is not there is refused, not asked for again", async () => {
    const { api } = await linkTo(() => at(0));
    api.openSession = vi.fn(async () => {
      throw new ApiError("gone", "no such recording");
    });
    const link = new Link(api);
    await link.open("7", null);
    expect(link.state.get()).toEqual({ kind: "refused", why: "no such recording" });
    expect(api.openSession).toHaveBeenCalledTimes(1);
  });

  test("the token leaves the address", () => {
    expect(splitToken("#token=abc")).toEqual({ token: "abc", rest: "" });
    expect(splitToken("#/id/17&token=abc")).toEqual({ token: "abc", rest: "#/id/17" });
    expect(splitToken("#/id/17")).toEqual({ token: "", rest: "#/id/17" });
  });

  test("events are read across chunks", async () => {
    const bytes = new TextEncoder().encode(': ping\n\nid: 4\ndata: {"a":\ndata: "ä"}\n\ndata: 2\r\n\r\n');
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const events = [];
    for await (const event of readEvents(body)) events.push(event);
    expect(events).toEqual([
      { id: "4", data: '{"a":\n"ä"}' },
      { id: "", data: "2" },
    ]);
  });
});

describe("lists by place", () => {
  const all = Array.from({ length: 25 }, (_, index) => ({
    place: { block: 0, at: index },
    location: { rrTicks: index },
  }));
  const load = async (from: Place | undefined, backwards: boolean) => {
    const start = from?.at ?? 0;
    const items = backwards ? all.slice(Math.max(0, start - 5), start).reverse() : all.slice(start, start + 5);
    const end = backwards ? start - items.length : start + items.length;
    return { items, next: { block: 0, at: end }, finish: end <= 0 || end >= all.length };
  };
  const places = (list: PlaceList<(typeof all)[number]>) => list.state.get().items.map((item) => item.place.at);

  test("begin where one is and grow at both ends", async () => {
    const list = new PlaceList(load);
    await list.start({ block: 0, at: 12 });
    expect(places(list)).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    await list.more(true);
    await list.more(true);
    await list.more(true);
    expect(places(list)[0]).toBe(0);
    expect(list.state.get().isAtStart).toBe(true);
    await list.more(false);
    await list.more(false);
    expect(places(list)).toEqual(all.map((item) => item.place.at));
    expect(list.state.get().isAtEnd).toBe(true);
  });

  test("begin anew where the moment has gone", async () => {
    const list = new PlaceList(load);
    await list.start({ block: 0, at: 5 });
    list.follow(8, { block: 0, at: 8 });
    expect(places(list)[0]).toBe(0);
    list.follow(20, { block: 0, at: 20 });
    await vi.waitFor(() => expect(places(list)[0]).toBe(15));
  });
});

describe("the tree of calls", () => {
  const call = (key: number, children: number, parent: number | null): Call => ({
    key,
    parent,
    threadId: 1,
    depth: 0,
    rawName: `c${key}`,
    module: "m",
    path: "a.py",
    line: 1,
    args: "",
    returnValue: "",
    exit: "return",
    children,
    size: 1,
    firstStep: key,
    steps: 1,
  });
  const MANY = 1_000_000;
  const answer: Answer = (command, args: { parent: number | null; start: number; count: number; call: number }) => {
    if (command === "ct/call-path")
      return { calls: [call(args.call, 0, 0), call(0, MANY, null)], total: null, more: false };
    if (args.parent === null) return { calls: [call(0, MANY, null)], total: null, more: false };
    const length = Math.min(args.count, MANY - args.start);
    const calls = Array.from({ length }, (_, index) => call(1 + args.start + index, 0, 0));
    return { calls, total: MANY, more: true };
  };

  test("a million calls are rows of which few are loaded", async () => {
    const { link, api } = await linkTo(answer);
    const calls = new CallsModel(link);
    calls.showThreads([1]);
    await vi.waitFor(() => expect(calls.rowCount()).toBe(MANY + 1));
    const row = await calls.reveal(777_777);
    expect(row).toBe(777_777);
    expect(calls.row(row)).toMatchObject({ kind: "call", depth: 1, call: { key: 777_777 } });
    expect(api.sent.length).toBeLessThan(30);
    calls.toggle(0);
    expect(calls.rowCount()).toBe(1);
  });

  test("threads are rows that are opened on demand", async () => {
    const { link } = await linkTo(answer);
    const calls = new CallsModel(link);
    calls.showThreads([1, 2]);
    await vi.waitFor(() => expect(calls.rowCount()).toBe(MANY + 3));
    expect(calls.row(0)).toMatchObject({ kind: "thread", thread: 1, isOpen: true });
    expect(calls.row(MANY + 2)).toMatchObject({ kind: "thread", thread: 2, isOpen: false });
    calls.toggle(MANY + 2);
    await vi.waitFor(() => expect(calls.rowCount()).toBe(MANY + 4));
  });
});

describe("the tasks", () => {
  test("ten thousand are rows of which few are loaded, and those of a moment that was are gone", async () => {
    const MANY = 10_000;
    const { link, api } = await linkTo((_, args: { start: number; count: number; name?: string }) => {
      const keys = Array.from({ length: Math.min(args.count, MANY - args.start) }, (_, index) => args.start + index);
      const total = args.name ? 1 : MANY;
      return { tasks: keys.slice(0, total).map((key) => ({ key })), total, all: MANY, isTruncated: false };
    });
    const tasks = new TasksModel(link);
    await tasks.refresh(at(7));
    expect(tasks.state.get()).toMatchObject({ moment: "7.0", total: MANY });
    expect(tasks.row(7777)).toBeUndefined();
    await vi.waitFor(() => expect(tasks.row(7777)?.key).toBe(7777));
    expect(api.sent.length).toBe(2);
    await tasks.refresh(at(7));
    expect(api.sent.length).toBe(2);
    await tasks.refresh(at(7), "one");
    expect(tasks.state.get()).toMatchObject({ total: 1, all: MANY, name: "one" });
    await tasks.refresh(at(8));
    expect(tasks.row(0)?.key).toBe(0);
    expect(tasks.state.get()).toMatchObject({ moment: "8.0", name: "one" });
  });
});

describe("the flow of a long loop", () => {
  // Lines 2, 3, 4 in turns, each a step; line 9 behind the loop.
  const LAST = 30_000;
  const lineOf = (step: number) => (step < LAST ? 2 + (step % 3) : 9);
  const loop = { registeredLine: 2, first: 2, last: 4, iteration: 1, iterations: LAST / 3, base: -1 };
  const answer: Answer = (command, args: { from: number; count: number }) => {
    if (command === "ct/visit") return { step: -1, index: 0, count: LAST / 3 };
    const steps = Array.from({ length: Math.min(args.count, LAST + 1 - args.from) }, (_, index) => {
      const step = args.from + index;
      return { line: lineOf(step), rrTicks: step, isTurn: false, condition: "unknown", values: [] };
    });
    return { steps, more: args.from + args.count <= LAST, linesRun: [2, 3, 4, 9] };
  };
  const call = { key: 5, steps: LAST + 1, firstStep: 0, children: 0, line: 1 } as Call;

  test("is loaded once for many steps, either way, and shows the turn one is in", async () => {
    const { link, api } = await linkTo(answer);
    const flow = new FlowModel(link, async () => []);
    const show = async (step: number) => {
      const line = lineOf(step);
      const loops = step < LAST ? [{ ...loop, iteration: Math.floor(step / 3) }] : [{ ...loop, iteration: LAST / 3 }];
      await flow.refresh(at(step), call.key, line, { call, loops, visit: null, whole: null });
      const { stories } = flow.state.get() ?? { stories: new Map() };
      return [2, 3, 4].map((number) => stories.get(number)?.visit.rrTicks);
    };
    const loads = () => api.sent.filter((command) => command === "ct/load-flow").length;
    expect(await show(15_001)).toEqual([15_000, 15_001, 15_002]);
    expect(loads()).toBe(3);
    expect(flow.whole).toBeNull();
    for (let step = 15_002; step < 15_150; step++) await show(step);
    for (let step = 15_150; step > 14_900; step--) await show(step);
    expect(await show(14_901)).toEqual([14_901, 14_902, 14_903]);
    expect(loads()).toBe(3);
    expect(await show(15_500)).toEqual([15_498, 15_499, 15_500]);
    expect(loads()).toBe(6);
    expect(await show(15_212)).toEqual([15_210, 15_211, 15_212]);
    expect(await show(14_000)).toEqual([13_998, 13_999, 14_000]);
    expect(loads()).toBe(9);
  });

  test("turns are counted where the lines inside of the loop allow it", async () => {
    const turnsOf = async (iterations: number | null, inside: number, base = -1) => {
      const { link } = await linkTo((command, args: never) =>
        command === "ct/visit" ? { step: -1, index: 0, count: inside } : answer(command, args),
      );
      const flow = new FlowModel(link, async () => []);
      const loops = [{ ...loop, iterations, base }];
      await flow.refresh(at(5), call.key, 3, { call, loops, visit: null, whole: null });
      return flow.state.get()?.loops[0]?.iterations;
    };
    expect(await turnsOf(5, 5)).toBe(5);
    expect(await turnsOf(5, 20)).toBe(5); // the line inside is a loop, too
    expect(await turnsOf(5, 2)).toBeNull(); // it is a part of the header's
    expect(await turnsOf(5, 4, 0)).toBe(4); // a loop in another one, begun once
    expect(await turnsOf(9, 6, 0)).toBe(9); // and several times
    expect(await turnsOf(null, 4)).toBeNull();
  });
});

describe("the tree of values", () => {
  test("what is open stays open while one moves", async () => {
    let step = 0;
    const { link } = await linkTo((_, args: { variablesReference: number }) => {
      const inner = [{ name: "x", value: String(step), variablesReference: 0 }];
      const outer = [{ name: "box", value: "Box", variablesReference: 100 + step, namedVariables: 1 }];
      return { variables: args.variablesReference >= 100 ? inner : outer };
    });
    const tree = new ValueTree(link);
    const roots = () => [
      { id: "locals", title: "f", isOpenAtFirst: true, value: { name: "", value: "", variablesReference: 1 } },
    ];
    await tree.show(roots());
    await tree.toggle("locals/box");
    step = 5;
    await tree.show(roots());
    const texts = tree.rows.get().map((row) => (row.kind === "value" ? row.variable.value : row.kind));
    expect(texts).toEqual(["section", "Box", "5"]);
  });

  test("names that every module has come last and are folded, unless they changed", async () => {
    const child = (name: string, ct = {}) => ({ name, value: name, variablesReference: 0, ct });
    const { link } = await linkTo(() => ({
      variables: [child("__name__"), child("__doc__"), child("__all__", { isChanged: true }), child("x"), child("_y_")],
    }));
    const tree = new ValueTree(link);
    const value = { name: "", value: "", variablesReference: 1 };
    await tree.show([{ id: "locals", title: "f", isOpenAtFirst: true, value }]);
    const names = () =>
      tree.rows
        .get()
        .slice(1)
        .map((row) => (row.kind === "value" ? row.variable.name : "title" in row ? row.title : row.kind));
    expect(names()).toEqual(["__all__", "x", "_y_", "2 names like __name__"]);
    await tree.toggle(tree.rows.get().at(-1)?.path ?? "");
    expect(names()).toEqual(["__all__", "x", "_y_", "2 names like __name__", "__name__", "__doc__"]);
    await tree.show([{ id: "locals", title: "f", isOpenAtFirst: true, value }]);
    expect(names().length).toBe(6);
    await tree.show([{ id: "box", isOpenAtFirst: true, value }]);
    expect(names()).toEqual(["__name__", "__doc__", "__all__", "x", "_y_"]); // of an object: its attributes
  });
});

describe("finding calls", () => {
  test("a search that is no longer wanted is cancelled, one that has ended is not", async () => {
    const { api, link } = await linkTo(() => ({ calls: [], more: false }));
    const calls = new CallsModel(link);
    const first = new AbortController();
    const late = calls.search("a", undefined, { count: 9, signal: first.signal });
    first.abort();
    await late;
    const second = new AbortController();
    await calls.search("ab", undefined, { count: 9, signal: second.signal });
    second.abort();
    await vi.waitFor(() => expect(api.sent.filter((command) => command === "cancel").length).toBe(1));
    expect(api.sent.filter((command) => command === "ct/search-calltrace").length).toBe(2);
  });
});

describe("moves that stay", () => {
  test("the end of the recording is told where one goes towards it", () => {
    const over = { move: "over" } as const;
    expect(whyItStayed("root", over, true)).toContain("The recording ends here.");
    expect(whyItStayed("root", over, false)).toContain("Step into goes on");
    expect(whyItStayed("root", { ...over, backwards: true }, true)).toContain("Step into goes on");
  });
});

describe("commands and settings", () => {
  test("every command has a key, and no key has two commands", () => {
    const keys = COMMANDS.flatMap((command) => command.keys);
    expect(COMMANDS.filter((command) => command.keys.length === 0)).toEqual([]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(COMMANDS.map((command) => command.id)).size).toBe(COMMANDS.length);
  });

  test("settings outlive the page, and junk in the store does no harm", () => {
    const kept = new Map<string, string>([["ct-sizes", "[1"]]);
    const store: Store = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
    const settings = new Settings(store);
    expect(settings.sizes.get()).toEqual({});
    settings.theme.set("dark");
    expect(new Settings(store).theme.get()).toBe("dark");
    kept.set("ct-theme", "3");
    expect(new Settings(store).theme.get()).toBe("system");
  });
});
