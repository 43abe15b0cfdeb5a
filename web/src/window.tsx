// Puts the parts together: link, model, page.

import { options, render } from "preact";
import type { Api } from "./api/client";
import { splitToken } from "./api/token";
import { drawNow, drawSoon } from "./lib/drawing";
import { chordOf } from "./lib/keys";
import { parseRoute, type Route, routeHash, SERVED } from "./lib/moment";
import type { MoveState } from "./lib/protocol";
import { commandOfKey } from "./model/commands";
import type { Link } from "./model/link";
import { Model } from "./model/model";
import type { Settings } from "./model/settings";
import { App } from "./views/app";
import { type Window, WindowContext } from "./views/hooks";

const REST = 300; // milliseconds: the address follows steps when they pause; changing it is not cheap
const STEPS_APART = 3000; // milliseconds: steps closer than that share one entry of the address history

/** `link`: on its way to the recording of the route, or to the one that is served. */
export async function show(link: Link, api: Api, route: Route) {
  options.debounceRendering = drawSoon;
  for (const input of ["keydown", "input", "change", "pointerdown", "click"]) addEventListener(input, drawNow, true);
  const model = new Model(link, api, localStorage, route);
  const window: Window = { model, cursor: { current: { path: "", line: 0 } } };
  followTheme(model.settings);
  followKeys(window);
  const showBusy = () => document.documentElement.toggleAttribute("data-busy", link.running.get() > 0);
  link.running.watch(() => drawSoon(showBusy)); // it is until what was answered is drawn
  addEventListener("pagehide", () => link.close());
  await answered(link); // until then the page shows what it came with
  if (route.recording === "") await enterServed(model);
  followAddress(model);
  model.start();
  await new Promise((resolve) => setTimeout(resolve)); // what came with the session is drawn with it
  const page = document.getElementById("app");
  if (!page) return;
  page.textContent = "";
  render(
    <WindowContext.Provider value={window}>
      <App />
    </WindowContext.Provider>,
    page,
  );
}

function answered(link: Link): Promise<void> {
  return new Promise((resolve) => {
    const look = () => link.state.get().kind !== "opening" && resolve();
    link.state.watch(look);
    look();
  });
}

/** An address without a recording means the one that the server was started for, or the only one. */
async function enterServed(model: Model) {
  const opened = model.link.opened.get();
  const tell = (route: Route) => {
    history.replaceState(null, "", routeHash(route));
    model.route.set(route);
  };
  if (opened) return tell({ recording: opened.recording.recordingId || SERVED, moment: null });
  await model.recordings.load();
  const { current, recordings } = model.recordings.state.get();
  if (current !== null) return tell({ recording: SERVED, moment: null }); // the page says why it cannot be shown
  model.link.close();
  const [only, ...others] = recordings;
  if (!only || others.length > 0) return;
  const route = { recording: only.id || SERVED, moment: null };
  history.replaceState(null, "", routeHash(route));
  model.enter(route);
}

function followTheme({ theme }: Settings) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = () => {
    const chosen = theme.get();
    document.documentElement.dataset.theme = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
  };
  theme.watch(set);
  dark.addEventListener("change", set);
  set();
}

/** The address names recording and moment. Jumps can be gone back to; steps in a row are one entry. */
function followAddress(model: Model) {
  let last = 0;
  let isEntered = false; // by the address itself: nothing to write
  let rest = 0; // the timer of the latest
  const isToken = () => splitToken(location.hash).token !== ""; // of another server that is here now
  addEventListener("popstate", () => {
    if (isToken()) return location.reload();
    clearTimeout(rest);
    isEntered = true;
    model.enter(parseRoute(location.hash));
    correct();
  });
  addEventListener("hashchange", () => {
    const route = parseRoute(location.hash);
    if (!isToken() && routeHash(route) !== routeHash(model.route.get())) model.enter(route);
  });
  // An address that leads nowhere is set right: there may be no such moment.
  const correct = () => {
    const now = model.player.now.get();
    if (!isEntered || !now || model.player.waiting.get() > 0) return;
    isEntered = false;
    const route = { recording: model.route.get().recording, moment: now.moment };
    model.route.set(route);
    history.replaceState(null, "", routeHash(route));
  };
  model.player.waiting.watch(correct);
  model.player.arrived = (state: MoveState, arrival) => {
    const recording = model.route.get().recording;
    const route = { recording, moment: state.moment };
    const hash = routeHash(route);
    model.route.set(route);
    const time = Date.now();
    const isEntry = arrival === "jump" || (arrival === "step" && time - last > STEPS_APART);
    clearTimeout(rest);
    if ((!isEntered || arrival === "first") && hash !== location.hash) {
      if (isEntry) history.pushState(null, "", hash);
      else rest = window.setTimeout(() => history.replaceState(null, "", hash), REST);
    }
    isEntered = false;
    last = time;
  };
  model.route.watch(() => {
    const route = model.route.get();
    if (route.recording === "") clearTimeout(rest);
    if (route.recording === "" && !/^#?\/?$/.test(location.hash)) history.pushState(null, "", routeHash(route));
  });
  model.recording.watch(() => {
    const program = model.recording.get()?.program;
    document.title = program ? `${program} · CodeTracer` : "CodeTracer";
  });
}

function followKeys({ model, cursor }: Window) {
  addEventListener("keydown", (event) => {
    const chord = chordOf(event);
    const command = commandOfKey(chord);
    if (!command || event.defaultPrevented || (event.repeat && !command.isRepeated)) return;
    const isOverlaid = model.tabs.overlay.get() !== "";
    if (isOverlaid || (!model.recording.get() && command.group !== "Window")) return;
    // Where text is typed, keys that write a letter are letters.
    const isField =
      event.target instanceof HTMLInputElement && event.target.type !== "range" && event.target.type !== "checkbox";
    if (isField && !/^(F\d+|.*(Ctrl|Alt)\+.*|Escape)$/.test(chord)) return;
    event.preventDefault();
    command.run(model, cursor.current);
  });
}
