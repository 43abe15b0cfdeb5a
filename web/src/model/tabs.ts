// Which of the panels that share a place is in front, and what lies over the window.

import { type Atom, atom } from "../lib/atom";

export type Left = "calls" | "files";
export type Right = "variables" | "stack";
export type Below = "history" | "exceptions" | "breakpoints" | "log" | "table";
/** Where panels are. A small window has room for one of these places. */
export type Place = "code" | "left" | "right" | "below" | "output";
export type Overlay = "" | "commands" | "files" | "moment" | "calls-here" | "keys" | "missing" | "breakpoint";

export class TabsModel {
  readonly left: Atom<Left> = atom<Left>("calls");
  readonly right: Atom<Right> = atom<Right>("variables");
  readonly below: Atom<Below> = atom<Below>("history");
  readonly place: Atom<Place> = atom<Place>("code");
  readonly overlay: Atom<Overlay> = atom<Overlay>("");
  /** The panel that shall have the keyboard: views that see their name take it. */
  readonly focus: Atom<{ name: string; request: number }> = atom({ name: "", request: 0 });

  showLeft(panel: Left) {
    this.left.set(panel);
    this.place.set("left");
  }

  showRight(panel: Right) {
    this.right.set(panel);
    this.place.set("right");
  }

  showBelow(panel: Below) {
    this.below.set(panel);
    this.place.set("below");
  }

  focusOn(name: string) {
    this.focus.set({ name, request: this.focus.get().request + 1 });
  }
}
