// What a command is.

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
