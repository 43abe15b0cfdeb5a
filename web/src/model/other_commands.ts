// Commands about what is shown, about breakpoints, about the window.

import type { Command } from "./command";
import type { Model } from "./model";

function focus(id: string, title: string, key: string, show: (model: Model) => void): Command {
  const run = (model: Model) => {
    show(model);
    model.tabs.focusOn(id);
  };
  return { id: `focus-${id}`, title: `Show ${title}`, group: "Look", keys: [key], run };
}

export const LOOKS: readonly Command[] = [
  focus("editor", "the code", "Alt+0", (model) => model.tabs.place.set("code")),
  focus("calls", "calls", "Alt+1", (model) => model.tabs.showLeft("calls")),
  focus("files", "files", "Alt+2", (model) => model.tabs.showLeft("files")),
  focus("variables", "variables", "Alt+3", (model) => model.tabs.showRight("variables")),
  focus("stack", "the stack", "Alt+4", (model) => model.tabs.showRight("stack")),
  focus("tasks", "the tasks", "Alt+A", (model) => model.tabs.showRight("stack")),
  focus("find-task", "the field to find a task", "Alt+Shift+A", (model) => model.tabs.showRight("stack")),
  focus("history", "the history of a value", "Alt+5", (model) => model.tabs.showBelow("history")),
  focus("exceptions", "exceptions", "Alt+6", (model) => model.tabs.showBelow("exceptions")),
  focus("breakpoints", "breakpoints", "Alt+7", (model) => model.tabs.showBelow("breakpoints")),
  focus("output", "output", "Alt+8", (model) => model.tabs.place.set("output")),
  focus("timeline", "the timeline", "Alt+9", () => {}),
  focus("table", "the table of a value", "Alt+G", (model) => model.tabs.showBelow("table")),
  focus("watch", "the field for a watch", "Alt+W", (model) => model.tabs.showRight("variables")),
  focus("find-call", "the field to find a call", "Ctrl+Shift+F", (model) => model.tabs.showLeft("calls")),
  {
    id: "reveal",
    title: "Back to the moment's line",
    group: "Look",
    keys: ["Alt+."],
    run: (model) => {
      const now = model.player.now.get();
      if (!now) return;
      model.showSource(now.location.path, now.location.line);
      void model.frames.look(now.threadId).then(() => model.frames.select(0));
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

export const POINTS: readonly Command[] = [
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
      const { exceptions } = model.breakpoints;
      const stops = exceptions.get();
      exceptions.set({ ...stops, isOn: !stops.isOn });
      model.notices.say(stops.isOn ? "Continue passes exceptions." : "Continue stops at exceptions, too.");
    },
  },
  focus("exception-types", "the field for types of exceptions", "Alt+Shift+X", (model) => {
    model.tabs.showBelow("breakpoints");
  }),
  {
    id: "no-breakpoints",
    title: "Remove all breakpoints",
    group: "Breakpoints",
    keys: ["Ctrl+Shift+F9"],
    run: (model) => void model.breakpoints.removeAll(),
  },
];

export const OTHERS: readonly Command[] = [
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
