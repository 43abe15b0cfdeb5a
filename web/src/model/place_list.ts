// A list that is known by places in the recording: a window of it, which grows at both ends.

import { type Atom, atom } from "../lib/atom";
import type { Place } from "../lib/protocol";
import { refusal } from "./link";

export interface Placed {
  place: Place;
  location: { rrTicks: number };
}

export interface PlacePage<T> {
  items: T[];
  next: Place;
  finish: boolean;
}

/** A page from a place on; without a place from the start, or the end. */
export type LoadPage<T> = (from: Place | undefined, backwards: boolean) => Promise<PlacePage<T>>;

export interface PlaceListState<T> {
  items: readonly T[];
  before: Place | undefined; // where to go on
  after: Place | undefined;
  isAtStart: boolean; // nothing is before the first
  isAtEnd: boolean;
  isLoading: boolean;
  error: string;
}

const NOTHING = { items: [], before: undefined, after: undefined, isAtStart: false, isAtEnd: false };
const MOST = 20_000; // items kept; those far from where one looks are forgotten

export class PlaceList<T extends Placed> {
  readonly state: Atom<PlaceListState<T>> = atom<PlaceListState<T>>({ ...NOTHING, isLoading: false, error: "" });
  private round = 0;

  constructor(private readonly load: LoadPage<T>) {}

  clear() {
    this.round++;
    this.state.set({ ...NOTHING, isLoading: false, error: "" });
  }

  /** Begin anew around a place; without one, at the start. */
  async start(around?: Place): Promise<void> {
    const round = ++this.round;
    this.state.set({ ...this.state.get(), isLoading: true, error: "" });
    try {
      const [before, after] = await Promise.all([around ? this.load(around, true) : null, this.load(around, false)]);
      if (round !== this.round) return;
      this.state.set({
        items: [...(before ? [...before.items].reverse() : []), ...after.items],
        before: before?.next,
        after: after.next,
        isAtStart: before ? before.finish : true,
        isAtEnd: after.finish,
        isLoading: false,
        error: "",
      });
    } catch (problem) {
      if (round === this.round) this.fail(problem);
    }
  }

  /** Begin anew where the moment is, if it is beyond what is loaded. */
  follow(step: number, place: Place | undefined) {
    const { items, isAtStart, isAtEnd, isLoading } = this.state.get();
    const first = items[0]?.location.rrTicks;
    const last = items.at(-1)?.location.rrTicks;
    if (isLoading || first === undefined || last === undefined || !place) return;
    if ((step < first && !isAtStart) || (step > last && !isAtEnd)) void this.start(place);
  }

  async more(backwards: boolean): Promise<void> {
    const state = this.state.get();
    if (state.isLoading || state.error || (backwards ? state.isAtStart : state.isAtEnd)) return;
    const round = this.round;
    this.state.set({ ...state, isLoading: true });
    try {
      const page = await this.load(backwards ? state.before : state.after, backwards);
      if (round === this.round) this.state.set(backwards ? grownBefore(state, page) : grownAfter(state, page));
    } catch (problem) {
      if (round === this.round) this.fail(problem);
    }
  }

  private fail(problem: unknown) {
    const error = refusal(problem);
    // No answer, or what it is asked of is not there at this moment: what was loaded stays.
    if (error === null) this.state.set({ ...this.state.get(), isLoading: false });
    else this.state.set({ ...NOTHING, isLoading: false, error });
  }
}

function grownBefore<T extends Placed>(state: PlaceListState<T>, page: PlacePage<T>): PlaceListState<T> {
  const items = [...[...page.items].reverse(), ...state.items];
  const grown = { ...state, items, before: page.next, isAtStart: page.finish, isLoading: false };
  const dropped = items[MOST];
  return dropped ? { ...grown, items: items.slice(0, MOST), after: dropped.place, isAtEnd: false } : grown;
}

function grownAfter<T extends Placed>(state: PlaceListState<T>, page: PlacePage<T>): PlaceListState<T> {
  const items = [...state.items, ...page.items];
  const grown = { ...state, items, after: page.next, isAtEnd: page.finish, isLoading: false };
  const first = items[items.length - MOST];
  return items.length > MOST && first
    ? { ...grown, items: items.slice(-MOST), before: first.place, isAtStart: false }
    : grown;
}
