// The window: what stands where.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { plural } from "../lib/format";
import type { Below, Place } from "../model/tabs";
import { BreakpointForm } from "./breakpoint_form";
import { Breakpoints } from "./breakpoints";
import { Calls } from "./calls";
import { CodePanel } from "./code_panel";
import { ConnectionPage, LostBanner } from "./connection";
import { Exceptions } from "./exceptions";
import { Files } from "./files";
import { Footer } from "./footer";
import { HistoryEnd, HistoryPanel } from "./history";
import { useAtom, useIsSmall, useModel } from "./hooks";
import { Log } from "./log";
import { Output } from "./output";
import { KeysHelp, MissingHelp, Palette } from "./palette";
import { TabbedPanel } from "./panel";
import { Splitter } from "./splitter";
import { Stack } from "./stack";
import { TableEnd, TablePanel } from "./table";
import { TimelineStrip } from "./timeline";
import { Toolbar } from "./toolbar";
import { Variables } from "./variables";
import { Welcome } from "./welcome";

export function App() {
  const model = useModel();
  const route = useAtom(model.route);
  const state = useAtom(model.link.state);
  const recording = useAtom(model.recording);
  const { error } = useAtom(model.recordings.state);
  const isSmall = useIsSmall();
  if (route.recording === "")
    return error.includes("token") ? <ConnectionPage state={{ kind: "forbidden" }} /> : <Welcome />;
  if (!recording || state.kind === "forbidden" || state.kind === "empty" || state.kind === "refused")
    return <ConnectionPage state={state} />;
  return (
    <div class={isSmall ? "window small" : "window"}>
      <Toolbar />
      <TimelineStrip />
      {isSmall ? <OnePanel /> : <Panels />}
      <Footer />
      <LostBanner />
      <Notices />
      <Overlays />
    </div>
  );
}

const PLACES: Record<Place, { title: string; show: () => ComponentChildren }> = {
  code: { title: "Code", show: () => <CodePanel /> },
  left: { title: "Calls", show: () => <LeftPanel /> },
  right: { title: "Variables", show: () => <RightPanel /> },
  below: { title: "History", show: () => <BelowPanel /> },
  output: { title: "Output", show: () => <OutputPanel /> },
};
const PLACE_TABS = (Object.keys(PLACES) as Place[]).map((id) => ({ id, title: PLACES[id].title }));

/** Where there is no room for all panels: one of them, as large as can be. */
function OnePanel() {
  const { tabs } = useModel();
  const place = useAtom(tabs.place);
  return (
    <main class="one-panel">
      <TabbedPanel label="Panels" tabs={PLACE_TABS} selected={tabs.place}>
        {PLACES[place].show()}
      </TabbedPanel>
    </main>
  );
}

const LEAST = 160;
const EDITOR = 320; // pixels that the code keeps

function Panels() {
  const { settings } = useModel();
  const sizes = useAtom(settings.sizes);
  const { width, height } = useViewport();
  const first = {
    left: between(200, width * 0.1875, 420),
    right: between(240, width * 0.243, 560),
    below: between(170, height * 0.247, 380),
  };
  const right = between(LEAST, sizes.right ?? first.right, width - EDITOR - LEAST);
  const left = between(LEAST, sizes.left ?? first.left, width - EDITOR - right);
  const below = between(100, sizes.below ?? first.below, height - 360);
  const style = { "--left": `${left}px`, "--right": `${right}px`, "--below": `${below}px` };
  return (
    <main class="panels" style={style}>
      <div class="at-left">
        <LeftPanel />
      </div>
      <div class="at-middle">
        <CodePanel />
      </div>
      <div class="at-right">
        <RightPanel />
      </div>
      <div class="at-below">
        <BelowPanel />
      </div>
      <div class="at-corner">
        <OutputPanel />
      </div>
      <Splitter
        name="left"
        label="Width of calls"
        isVertical
        size={left}
        first={first.left}
        least={LEAST}
        most={width - EDITOR - right}
      />
      <Splitter
        name="right"
        label="Width of variables"
        isVertical
        isBehind
        size={right}
        first={first.right}
        least={LEAST}
        most={width - EDITOR - left}
      />
      <Splitter
        name="below"
        label="Height of history and output"
        isVertical={false}
        isBehind
        size={below}
        first={first.below}
        least={100}
        most={height - 360}
      />
    </main>
  );
}

function between(least: number, size: number, most: number): number {
  return Math.round(Math.max(least, Math.min(size, most)));
}

function useViewport() {
  const size = () => ({ width: innerWidth, height: innerHeight });
  const [viewport, setViewport] = useState(size);
  useEffect(() => {
    const measure = () => setViewport(size());
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);
  return viewport;
}

function LeftPanel() {
  const { tabs, recording, files } = useModel();
  const shown = useAtom(tabs.left);
  const calls = useAtom(recording)?.calls ?? 0;
  const total = useAtom(files.total);
  const titles = [
    { id: "calls", title: "Calls" },
    { id: "files", title: "Files" },
  ] as const;
  const end = shown === "calls" ? plural(calls, "call") : total === null ? "" : plural(total, "file");
  return (
    <TabbedPanel label="Calls and files" tabs={titles} selected={tabs.left} end={end}>
      {shown === "calls" ? <Calls /> : <Files />}
    </TabbedPanel>
  );
}

function RightPanel() {
  const { tabs, frames } = useModel();
  const shown = useAtom(tabs.right);
  const state = useAtom(frames.state);
  const titles = [
    { id: "variables", title: "Variables" },
    { id: "stack", title: "Stack" },
  ] as const;
  const depth = state ? (state.depth ?? `${state.frames.length}+`) : "";
  const whole = depth === 1 ? "1 frame" : `${depth} frames`;
  const end = !state ? "" : state.selected > 0 ? `frame ${state.selected + 1} of ${depth}` : whole;
  return (
    <TabbedPanel label="Variables and stack" tabs={titles} selected={tabs.right} end={end}>
      {shown === "variables" ? <Variables /> : <Stack />}
    </TabbedPanel>
  );
}

function BelowPanel() {
  const { tabs, history, exceptions, breakpoints, log, table } = useModel();
  const hasLog = useAtom(log.entries).length > 0;
  const shown = useAtom(tabs.below);
  const subject = useAtom(history.subject);
  const tabled = useAtom(table.subject);
  const { items, isAtEnd } = useAtom(exceptions.state);
  const raised = isAtEnd ? `${items.length}` : `${items.length}+`;
  const points = useAtom(breakpoints.points).length;
  const titles = [
    { id: "history", title: subject ? `History of ${subject.label}` : "History" },
    { id: "exceptions", title: items.length > 0 ? `Exceptions ${raised}` : "Exceptions" },
    { id: "breakpoints", title: points > 0 ? `Breakpoints ${points}` : "Breakpoints" },
    ...(tabled || shown === "table"
      ? [{ id: "table", title: tabled ? `Table of ${tabled.expression}` : "Table" } as const]
      : []),
    ...(hasLog || shown === "log" ? [{ id: "log", title: "Log" } as const] : []),
  ];
  return (
    <TabbedPanel label="History and breakpoints" tabs={titles} selected={tabs.below} end={BELOW_ENDS[shown]?.()}>
      {BELOW[shown]()}
    </TabbedPanel>
  );
}

const BELOW: Record<Below, () => ComponentChildren> = {
  history: () => <HistoryPanel />,
  exceptions: () => <Exceptions />,
  breakpoints: () => <Breakpoints />,
  table: () => <TablePanel />,
  log: () => <Log />,
};

const BELOW_ENDS: Partial<Record<Below, () => ComponentChildren>> = {
  history: () => <HistoryEnd />,
  table: () => <TableEnd />,
};

function OutputPanel() {
  return (
    <section class="panel" aria-label="Output">
      <div class="head">
        <h2 class="tab on">Output</h2>
        <div class="end">stdout and stderr</div>
      </div>
      <div class="body terminal">
        <Output />
      </div>
    </section>
  );
}

function Notices() {
  const { notices } = useModel();
  return (
    <div class="notices" role="status" aria-live="polite">
      {useAtom(notices.notices).map((notice) => (
        <p key={notice.id}>{notice.text}</p>
      ))}
    </div>
  );
}

function Overlays() {
  const overlay = useAtom(useModel().tabs.overlay);
  if (overlay === "") return null;
  if (overlay === "keys") return <KeysHelp />;
  if (overlay === "missing") return <MissingHelp />;
  if (overlay === "breakpoint") return <BreakpointForm />;
  return <Palette key={overlay} kind={overlay} />;
}
