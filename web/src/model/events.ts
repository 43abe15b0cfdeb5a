// What the program wrote and what it raised, as lists around the moment.

import type { Events, ProgramEvent } from "../lib/protocol";
import type { Link } from "./link";
import { PlaceList } from "./place_list";

const PAGE = 500;

export function eventList(link: Link, kind: "output" | "exception"): PlaceList<ProgramEvent> {
  return new PlaceList<ProgramEvent>(async (from, backwards) => {
    const args = { kind, count: PAGE, backwards, ...(from ? { from } : {}) };
    const page = await link.request<Events>("ct/event-load", args);
    return { items: page.events, next: page.next, finish: page.finish };
  });
}
