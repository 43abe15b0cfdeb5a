// How views see the model.

import { createContext } from "preact";
import { useContext, useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Atom } from "../lib/atom";
import type { Cursor } from "../model/command";
import type { Model } from "../model/model";

export interface Window {
  model: Model;
  /** The line of the editor's cursor. */
  cursor: { current: Cursor };
}

export const WindowContext = createContext<Window | null>(null);

export function useWindow(): Window {
  const found = useContext(WindowContext);
  if (!found) throw new Error("a view is outside of the window");
  return found;
}

export function useModel(): Model {
  return useWindow().model;
}

/** The value of an atom; the view is drawn again when it changes. */
export function useAtom<T>(atom: Atom<T>): T {
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  const value = atom.get();
  useLayoutEffect(() => {
    if (!Object.is(atom.get(), value)) redraw(undefined as never);
    return atom.watch(() => redraw(undefined as never));
  }, [atom]);
  return value;
}

const SMALL = matchMedia("(max-width: 699px), (max-height: 419px)");

/** Whether the window is too small for all its panels: half a laptop's screen, or that at 200 %. */
export function useIsSmall(): boolean {
  const [isSmall, setSmall] = useState(SMALL.matches);
  useEffect(() => {
    const look = () => setSmall(SMALL.matches);
    SMALL.addEventListener("change", look);
    look();
    return () => SMALL.removeEventListener("change", look);
  }, []);
  return isSmall;
}

/** A ref to what takes the keyboard when the command for it is given. */
export function useFocusTarget<E extends HTMLElement>(name: string) {
  const ref = useRef<E>(null);
  const { tabs } = useModel();
  // Not after the next frame: a key may come before it.
  useLayoutEffect(() => {
    let seen = tabs.focus.get().request;
    const take = () => {
      const { name: wanted, request } = tabs.focus.get();
      // What is to be focused may only be drawn by the same command.
      if (wanted === name && request !== seen) ref.current?.focus();
      seen = request;
    };
    return tabs.focus.watch(take);
  }, [tabs, name]);
  useLayoutEffect(() => {
    if (tabs.focus.get().name === name) ref.current?.focus();
  }, [tabs, name]);
  return ref;
}
