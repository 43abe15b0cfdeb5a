// Puts the parts together: network, model, page.

import { render } from "preact";
import "./style.css";
import { createApi } from "./api/client";
import { findToken } from "./api/token";
import { chordOf } from "./lib/keys";
import { parseRoute, routeHash, SERVED } from "./lib/moment";
import type { MoveState } from "./lib/protocol";
import { commandOfKey } from "./model/commands";
import { Model } from "./model/model";
import type { Settings } from "./model/settings";
import { App } from "./views/app";
import { type Window, WindowContext } from "./views/hooks";

const REST = 300; // milliseconds: the address follows steps when they pause; changing it is not cheap
const STEPS_APART = 3000; // milliseconds: steps closer than that share one entry of the address history

async function start() {
  const token = await findToken();
  const model = new Model(
    createApi(() => token),
    localStorage,
  );
  const window: Window = { model, cursor: { current: { path: "", line: 0 } } };
  followTheme(model.settings);
  followAddress(model);
  followKeys(window);
  model.link.running.watch(() => {
    document.documentElement.toggleAttribute("data-busy", model.link.running.get() > 0);
  });
  addEventListener("pagehide", () => model.link.close());
  const page = document.getElementById("app");
  if (!page) return;
  // While the session is opened, and behind the first frame: reading so much code takes a while.
  requestAnimationFrame(() => setTimeout(() => import("./views/editor").catch(() => {})));
  const served = location.hash.replace(/^#\/?/, "") === "" ? await servedRecording(model) : null;
  if (served) history.replaceState(null, "", routeHash({ recording: served, moment: null }));
  model.enter(parseRoute(location.hash));
  page.textContent = "";
  render(
    <WindowContext.Provider value={window}>
      <App />
    </WindowContext.Provider>,
    page,
  );
}

/** The recording that the server was started for: an address without one means it. */
async function servedRecording(model: Model): Promise<string | null> {
  await model.recordings.load();
  const { current, recordings } = model.recordings.state.get();
  if (current !== null) return current || SERVED;
  return recordings.length === 1 ? recordings[0]?.id || SERVED : null;
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
  addEventListener("popstate", () => {
    clearTimeout(rest);
    isEntered = true;
    model.enter(parseRoute(location.hash));
  });
  addEventListener("hashchange", () => {
    const route = parseRoute(location.hash);
    if (routeHash(route) !== routeHash(model.route.get())) model.enter(route);
  });
  model.player.arrived = (state: MoveState, arrival) => {
    const recording = model.route.get().recording;
    const route = { recording, moment: state.moment };
    const hash = routeHash(route);
    model.route.set(route);
    const time = Date.now();
    const isEntry = arrival === "jump" || (arrival === "step" && time - last > STEPS_APART);
    clearTimeout(rest);
    if (!isEntered && hash !== location.hash) {
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

void start();
