// Find by typing: commands, files, calls of the line, a moment.

import type { ComponentChildren } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { count, visible } from "../lib/format";
import { fuzzyFind } from "../lib/fuzzy";
import { chordLabel } from "../lib/keys";
import { parseMoment } from "../lib/moment";
import { COMMANDS } from "../model/commands";
import type { Overlay as OverlayName } from "../model/tabs";
import { useAtom, useModel, useWindow, type Window } from "./hooks";
import { Icon } from "./icons";
import { Overlay } from "./overlay";

const MOST = 60; // found items shown

interface Item {
  id: string;
  text: string; // what is searched
  content: ComponentChildren;
  run: () => void;
}

export function Palette({ kind }: { kind: OverlayName }) {
  const window = useWindow();
  const { model } = window;
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const all = useMemo(() => itemsOf(kind, window), [kind, window]);
  const found = [...momentItems(typed, window), ...fuzzyFind(typed, all, (item) => item.text, MOST)];
  const at = Math.min(active, Math.max(0, found.length - 1));
  const labels: Partial<Record<OverlayName, string>> = {
    files: "Find a file",
    "calls-here": "Go into a call of this line",
    moment: "Go to a moment: the number of a step",
  };
  const label = labels[kind] ?? "Find a command, a file, or type the number of a step";
  const run = (item: Item | undefined) => {
    if (!item) return;
    model.tabs.overlay.set("");
    item.run();
  };
  const key = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (by !== undefined) {
      const next = Math.max(0, Math.min(found.length - 1, at + by));
      setActive(next);
      list.current?.children[next]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") run(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Overlay label={label}>
      <input
        class="palette-field"
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-label={label}
        aria-activedescendant={found.length > 0 ? `palette-${at}` : undefined}
        placeholder={label}
        spellcheck={false}
        autofocus
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={key}
      />
      <div ref={list} class="palette-list" id="palette-list" role="listbox" aria-label="Found">
        {found.map((item, index) => (
          <div
            key={item.id}
            id={`palette-${index}`}
            role="option"
            class={`row ${index === at ? "active" : ""}`}
            aria-selected={index === at}
            onClick={() => run(item)}
          >
            {item.content}
          </div>
        ))}
      </div>
      {found.length === 0 && (
        <p class="nothing">
          {kind === "moment" && typed === "" ? "For example 1234, or 1234.1" : "Nothing like this."}
        </p>
      )}
    </Overlay>
  );
}

function itemsOf(kind: OverlayName, window: Window): Item[] {
  if (kind === "files") return fileItems(window);
  if (kind === "calls-here") return callItems(window);
  if (kind === "moment") return [];
  return [...commandItems(window), ...fileItems(window)];
}

function momentItems(typed: string, { model }: Window): Item[] {
  const moment = parseMoment(typed);
  const steps = model.recording.get()?.steps ?? 0;
  if (!moment || moment.step >= steps) return [];
  return [
    {
      id: "moment",
      text: typed,
      content: `Go to step ${count(moment.step)}${moment.left ? `, ${moment.left} left` : ""}`,
      run: () => model.player.to(moment),
    },
  ];
}

function commandItems({ model, cursor }: Window): Item[] {
  return COMMANDS.map((command) => ({
    id: command.id,
    text: command.title,
    content: (
      <>
        <span class="text">{command.title}</span>
        <span class="keys">
          {command.keys.map((chord) => (
            <kbd key={chord}>{chordLabel(chord)}</kbd>
          ))}
        </span>
      </>
    ),
    run: () => command.run(model, cursor.current),
  }));
}

function fileItems({ model }: Window): Item[] {
  return model.files.files.get().map((file) => ({
    id: file.path,
    text: file.path,
    content: (
      <>
        <span class="text">{visible(file.path)}</span>
        <span class="keys faint">{count(file.steps)} steps</span>
      </>
    ),
    run: () => model.showSource(file.path, 0),
  }));
}

function callItems({ model }: Window): Item[] {
  return (model.flow.state.get()?.callsHere ?? []).map((call) => ({
    id: String(call.key),
    text: call.rawName,
    content: (
      <span class="text">
        <b>{call.rawName}</b> ({call.args})
      </span>
    ),
    run: () => model.player.go({ move: "callStart", call: call.key }),
  }));
}

export function KeysHelp() {
  const groups = ["Move", "Look", "Breakpoints", "Window"] as const;
  return (
    <Overlay label="All keys" isWide>
      <Title text="All keys" />
      <div class="key-groups">
        {groups.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {COMMANDS.filter((command) => command.group === group).map((command) => (
                <div key={command.id}>
                  <dt>{command.title}</dt>
                  <dd>
                    {command.keys.map((chord) => (
                      <kbd key={chord}>{chordLabel(chord)}</kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>In lists and in the code</h3>
          <dl>
            {GESTURES.map(([what, keys]) => (
              <div key={what}>
                <dt>{what}</dt>
                <dd>
                  <kbd>{keys}</kbd>
                </dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Overlay>
  );
}

const GESTURES: [string, string][] = [
  ["Move in a list, open, close", "↑ ↓ → ←"],
  ["Go to a call, a change, a write", "Enter"],
  ["History of a variable", "H"],
  ["Table of a variable, or no longer", "T"],
  ["Choose cells of a table", "Shift ↑ ↓ → ←"],
  ["Watch a variable", "W"],
  ["Copy a value, or cells", "Ctrl C"],
  ["Remove a watch or a breakpoint", "Delete"],
  ["Find in the file", "Ctrl F"],
  ["Timeline: seek, zoom, all", "← → + − 0"],
  ["Run to a line of the code", "Ctrl click"],
  ["Condition of a breakpoint", "right click"],
];

export function MissingHelp() {
  const recording = useAtom(useModel().recording);
  if (!recording) return null;
  return (
    <Overlay label="What the recording is missing">
      <Title text="What the recording is missing" />
      <p>
        {recording.isComplete ? "It holds the run to its end: " : "It does not hold the end of the run: "}
        {recording.endReason.replace(/\.$/, "")}.
      </p>
      {recording.missing.length === 0 && <p>Nothing was cut, redacted or dropped.</p>}
      <ul>
        {recording.missing.map((item) => (
          <li key={item.kind + item.text}>{item.text}</li>
        ))}
      </ul>
    </Overlay>
  );
}

function Title({ text }: { text: string }) {
  const { tabs } = useModel();
  return (
    <div class="overlay-title">
      <h2>{text}</h2>
      <button type="button" class="tool" aria-label="Close" autofocus onClick={() => tabs.overlay.set("")}>
        <Icon name="close" />
      </button>
    </div>
  );
}
