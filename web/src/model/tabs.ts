// Which of the panels that share a place is in front, and what lies over the window.

import { type Atom, atom } from "../lib/atom";

export type Left = "calls" | "files";
export type Right = "variables" | "stack";
export type Below = "history" | "exceptions" | "breakpoints" | "log" | "table";
export type Overlay = "" | "commands" | "files" | "moment" | "calls-here" | "keys" | "missing" | "breakpoint";

export class TabsModel {
  readonly left: Atom<Left> = atom<Left>("calls");
  readonly right: Atom<Right> = atom<Right>("variables");
  readonly below: Atom<Below> = atom<Below>("history");
  readonly overlay: Atom<Overlay> = atom<Overlay>("");
  /** The panel that shall have the keyboard: views that see their name take it. */
  readonly focus: Atom<{ name: string; request: number }> = atom({ name: "", request: 0 });

  focusOn(name: string) {
    this.focus.set({ name, request: this.focus.get().request + 1 });
  }
}
