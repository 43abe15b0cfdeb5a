// Commands that move through the run.

import type { MoveArguments } from "../lib/protocol";
import type { Command, Cursor } from "./command";
import type { Model } from "./model";

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

export const MOVES: readonly Command[] = [
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
    if (typeof call === "number") model.player.go({ move: name, call });
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
    if (inner.iterations === null) return model.notices.say("How often this loop turned is not known.");
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
