// Every command of the window: its name, its keys, what it does. The toolbar, the palette, the help
// and the keyboard all read this one table.

import type { MoveArguments } from "../lib/protocol";
import type { Model } from "./model";

export interface Command {
  id: string;
  title: string;
  group: "Move" | "Look" | "Breakpoints" | "Window";
  keys: readonly string[];
  run: (model: Model, at: Cursor) => void;
  /** Held down, it goes on and on. */
  isRepeated?: boolean;
}

/** The line of the editor's cursor: what a command about a line means. */
export interface Cursor {
  path: string;
  line: number;
}

type Move = Omit<MoveArguments, "backwards">;

function move(id: string, title: string, keys: readonly string[], args: MoveArguments): Command {
  return { id, title, group: "Move", keys, isRepeated: true, run: (model) => model.player.go(args) };
}

/** A command, and its mirror: the same with time reversed. */
function mirrored(id: string, titles: [string, string], keys: [string[], string[]], args: Move): Command[] {
  return [move(id, titles[0], keys[0], args), move(`${id}-back`, titles[1], keys[1], { ...args, backwards: true })];
}

function lineMove(id: string, title: string, keys: string[], backwards: boolean): Command {
  const run = (model: Model, at: Cursor) => model.player.go({ move: "line", path: at.path, line: at.line, backwards });
  return { id, title, group: "Move", keys, run, isRepeated: true };
}

function focus(id: string, title: string, key: string, show: (model: Model) => void): Command {
  const run = (model: Model) => {
    show(model);
    model.tabs.focusOn(id);
  };
  return { id: `focus-${id}`, title: `Show ${title}`, group: "Look", keys: [key], run };
}

const moves: Command[] = [
  ...mirrored("over", ["Step over", "Step over, backwards"], [["F10"], ["Shift+F10"]], { move: "over" }),
  ...mirrored("into", ["Step into", "Step into, backwards"], [["F11"], ["Shift+F11"]], { move: "into" }),
  ...mirrored("out", ["Step out", "Step out, backwards"], [["F12"], ["Shift+F12"]], { move: "out" }),
  ...mirrored(
    "over-line",
    ["Step over the line's loop", "Step over the line's loop, backwards"],
    [["Ctrl+F10"], ["Ctrl+Shift+F10"]],
    { move: "overLine" },
  ),
  ...mirrored("continue", ["Continue", "Continue, backwards"], [["F8", "F2"], ["Shift+F8"]], { move: "continue" }),
  ...mirrored("exception", ["Next exception", "Previous exception"], [["Alt+E"], ["Alt+Shift+E"]], {
    move: "exception",
  }),
  ...mirrored("output", ["Next output", "Previous output"], [["Alt+O"], ["Alt+Shift+O"]], { move: "output" }),
  move("start", "To the start of the recording", ["Ctrl+Home"], { move: "start" }),
  move("end", "To the end of the recording", ["Ctrl+End"], { move: "end" }),
  callMove("call-start", "To the first step of this call", "Alt+Home", "callStart"),
  callMove("call-end", "To the last step of this call", "Alt+End", "callEnd"),
  lineMove("line", "Next visit of the cursor's line", ["Alt+ArrowDown"], false),
  lineMove("line-back", "Previous visit of the cursor's line", ["Alt+ArrowUp"], true),
  {
    id: "run-to-line",
    title: "Run to the cursor's line (next visit, or else the last)",
    group: "Move",
    keys: ["Ctrl+F8"],
    run: (model, at) => model.player.goEither({ move: "line", path: at.path, line: at.line }),
  },
  {
    id: "into-call",
    title: "Go into a call that this line makes…",
    group: "Move",
    keys: ["Ctrl+F11"],
    run: (model) => goIntoCall(model),
  },
  turnMove("turn", "Next turn of the loop", "Alt+]", 1),
  turnMove("turn-back", "Previous turn of the loop", "Alt+[", -1),
  {
    id: "moment",
    title: "Go to a moment…",
    group: "Move",
    keys: ["Ctrl+G"],
    run: (model) => model.tabs.overlay.set("moment"),
  },
  {
    id: "cancel",
    title: "Cancel what runs, and close what is open",
    group: "Window",
    keys: ["Escape"],
    run: (model) => {
      if (model.tabs.overlay.get() !== "") model.tabs.overlay.set("");
      else model.player.cancel();
    },
  },
];

function callMove(id: string, title: string, key: string, name: "callStart" | "callEnd"): Command {
  const run = (model: Model) => {
    const call = model.player.now.get()?.location.key;
    if (call !== undefined) model.player.go({ move: name, call });
  };
  return { id, title, group: "Move", keys: [key], run };
}

function turnMove(id: string, title: string, key: string, by: number): Command {
  const run = (model: Model) => {
    const flow = model.flow.state.get();
    if (!flow) return;
    const around = flow.loops.filter((loop) => loop.first <= flow.line && flow.line <= loop.last);
    const inner = around.sort((a, b) => a.last - a.first - (b.last - b.first))[0];
    if (!inner) return model.notices.say("This line is in no loop.");
    const index = inner.iteration + by;
    if (index < 0 || index >= inner.iterations) return model.notices.say("The loop has no such turn.");
    model.player.go({ move: "visit", call: flow.call.key, line: inner.registeredLine, index });
  };
  return { id, title, group: "Move", keys: [key], run, isRepeated: true };
}

function goIntoCall(model: Model) {
  const calls = model.flow.state.get()?.callsHere ?? [];
  const first = calls[0];
  if (!first) model.notices.say("This line makes no recorded call now.");
  else if (calls.length === 1) model.player.go({ move: "callStart", call: first.key });
  else model.tabs.overlay.set("calls-here");
}

const looks: Command[] = [
  focus("editor", "the code", "Alt+0", () => {}),
  focus("calls", "calls", "Alt+1", (model) => model.tabs.left.set("calls")),
  focus("files", "files", "Alt+2", (model) => model.tabs.left.set("files")),
  focus("variables", "variables", "Alt+3", (model) => model.tabs.right.set("variables")),
  focus("stack", "the stack", "Alt+4", (model) => model.tabs.right.set("stack")),
  focus("history", "the history of a value", "Alt+5", (model) => model.tabs.below.set("history")),
  focus("exceptions", "exceptions", "Alt+6", (model) => model.tabs.below.set("exceptions")),
  focus("breakpoints", "breakpoints", "Alt+7", (model) => model.tabs.below.set("breakpoints")),
  focus("output", "output", "Alt+8", () => {}),
  focus("timeline", "the timeline", "Alt+9", () => {}),
  focus("watch", "the field for a watch", "Alt+W", (model) => model.tabs.right.set("variables")),
  focus("find-call", "the field to find a call", "Ctrl+Shift+F", (model) => model.tabs.left.set("calls")),
  {
    id: "reveal",
    title: "Back to the moment's line",
    group: "Look",
    keys: ["Alt+."],
    run: (model) => {
      const now = model.player.now.get();
      if (now) model.documents.show(now.location.path, now.location.line);
      model.frames.select(0);
    },
  },
  {
    id: "frame-up",
    title: "Select the caller's frame",
    group: "Look",
    keys: ["Ctrl+ArrowUp"],
    isRepeated: true,
    run: (model) => model.frames.select((model.frames.state.get()?.selected ?? 0) + 1),
  },
  {
    id: "frame-down",
    title: "Select the called frame",
    group: "Look",
    keys: ["Ctrl+ArrowDown"],
    isRepeated: true,
    run: (model) => model.frames.select((model.frames.state.get()?.selected ?? 0) - 1),
  },
  {
    id: "zoom-in",
    title: "Timeline: zoom in",
    group: "Look",
    keys: ["Alt+="],
    isRepeated: true,
    run: (model) => model.timeline.zoom(0.5, model.player.now.get()?.moment.step ?? 0),
  },
  {
    id: "zoom-out",
    title: "Timeline: zoom out",
    group: "Look",
    keys: ["Alt+-"],
    isRepeated: true,
    run: (model) => model.timeline.zoom(2, model.player.now.get()?.moment.step ?? 0),
  },
];

const points: Command[] = [
  {
    id: "breakpoint",
    title: "Breakpoint on the cursor's line",
    group: "Breakpoints",
    keys: ["F9"],
    run: (model, at) => void model.breakpoints.toggle(at.path, at.line),
  },
  {
    id: "edit-breakpoint",
    title: "Condition of the breakpoint on the cursor's line…",
    group: "Breakpoints",
    keys: ["Shift+F9"],
    run: (model) => model.tabs.overlay.set("breakpoint"),
  },
  {
    id: "stop-at-exceptions",
    title: "Stop where exceptions are raised, or no longer",
    group: "Breakpoints",
    keys: ["Alt+X"],
    run: (model) => {
      const stops = !model.breakpoints.stopsAtExceptions.get();
      model.breakpoints.stopsAtExceptions.set(stops);
      model.notices.say(stops ? "Continue stops at exceptions, too." : "Continue passes exceptions.");
    },
  },
  {
    id: "no-breakpoints",
    title: "Remove all breakpoints",
    group: "Breakpoints",
    keys: ["Ctrl+Shift+F9"],
    run: (model) => void model.breakpoints.removeAll(),
  },
];

const others: Command[] = [
  {
    id: "commands",
    title: "Find a command",
    group: "Window",
    keys: ["Ctrl+K", "Ctrl+Shift+P", "Alt+P"],
    run: (model) => model.tabs.overlay.set("commands"),
  },
  {
    id: "find-file",
    title: "Find a file",
    group: "Window",
    keys: ["Ctrl+P"],
    run: (model) => model.tabs.overlay.set("files"),
  },
  {
    id: "keys",
    title: "All keys",
    group: "Window",
    keys: ["F1", "?"],
    run: (model) => model.tabs.overlay.set("keys"),
  },
  {
    id: "missing",
    title: "What the recording is missing",
    group: "Window",
    keys: ["Alt+M"],
    run: (model) => model.tabs.overlay.set("missing"),
  },
  {
    id: "theme",
    title: "Colours: light, dark, as the system",
    group: "Window",
    keys: ["Alt+T"],
    run: (model) => {
      const next = { system: "light", light: "dark", dark: "system" } as const;
      const theme = next[model.settings.theme.get()];
      model.settings.theme.set(theme);
      model.notices.say(`Colours: ${theme === "system" ? "as the system" : theme}`);
    },
  },
  {
    id: "recordings",
    title: "All recordings",
    group: "Window",
    keys: ["Ctrl+O"],
    run: (model) => model.enter({ recording: "", moment: null }),
  },
];

export const COMMANDS: readonly Command[] = [...moves, ...looks, ...points, ...others];

const byKey = new Map(COMMANDS.flatMap((command) => command.keys.map((key) => [key, command] as const)));
const byId = new Map(COMMANDS.map((command) => [command.id, command]));

export function commandOfKey(chord: string): Command | undefined {
  return byKey.get(chord);
}

export function commandOf(id: string): Command {
  const command = byId.get(id);
  if (!command) throw new Error(`There is no command ${id}.`);
  return command;
}
