// The tree of calls, and calls found by name.

import { useEffect, useRef, useState } from "preact/hooks";
import { count, visible } from "../lib/format";
import type { Call, Calls as CallsPage } from "../lib/protocol";
import type { CallRow } from "../model/calls";
import { useAtom, useFocusTarget, useModel } from "./hooks";
import { Empty, Failure, Loading } from "./panel";
import { type RowProps, VirtualList } from "./virtual_list";

const PAUSE = 200; // milliseconds: who types on means another name
const FOUND = 100; // calls of one page of a search
const INDENTED = 6; // levels; deeper ones tell their number

export function Calls() {
  const [wanted, setWanted] = useState("");
  const field = useFocusTarget<HTMLInputElement>("find-call");
  const timer = useRef(0);
  const search = (pause: number) => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setWanted(field.current?.value.trim() ?? ""), pause);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div class="stacked">
      <form
        class="field"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          search(0);
        }}
      >
        <input
          ref={field}
          type="search"
          placeholder="Find calls by name"
          aria-label="Find calls by name"
          spellcheck={false}
          onInput={(event) => search(event.currentTarget.value === "" ? 0 : PAUSE)}
        />
      </form>
      {wanted === "" ? <Tree /> : <Found wanted={wanted} />}
    </div>
  );
}

function Tree() {
  const model = useModel();
  const { calls } = model;
  useAtom(calls.version);
  const current = useAtom(calls.current);
  const error = useAtom(calls.error);
  const [reveal, setReveal] = useState({ row: -1, round: 0 });
  const total = calls.rowCount();
  const hasRows = total > 0;
  useEffect(() => {
    if (current === null || !hasRows) return;
    let isLate = false;
    calls.reveal(current).then(
      (row) => !isLate && setReveal(({ round }) => ({ row, round: round + 1 })),
      () => {},
    );
    return () => {
      isLate = true;
    };
  }, [calls, current, hasRows]);
  if (error) return <Failure text={error} />;
  if (!hasRows) return <Loading label="Loading calls" />;

  const open = (index: number) => {
    const row = calls.row(index);
    if (row.kind === "more") void calls.moreRoots(row.thread);
    else if (row.kind === "thread") calls.toggle(index);
    else if (row.kind === "call") model.goTo({ move: "callStart", call: row.call.key });
  };
  const key = (pressed: string, index: number, event: KeyboardEvent) => {
    const row = calls.row(index);
    if (!("isOpen" in row) || event.ctrlKey || event.altKey) return false;
    if ((pressed === "ArrowRight" && !row.isOpen) || (pressed === "ArrowLeft" && row.isOpen) || pressed === " ") {
      calls.toggle(index);
      return true;
    }
    return false;
  };
  return (
    <VirtualList
      name="calls"
      label="Calls"
      role="tree"
      count={total}
      rowHeight={22}
      indented={INDENTED}
      reveal={reveal.row}
      revealed={reveal.round}
      onOpen={open}
      onKey={key}
      row={(index) => {
        const row = calls.row(index);
        if (row.kind !== "call") {
          const level = row.kind === "loading" ? row.depth + 1 : 1;
          return { level, ...("isOpen" in row ? { expanded: row.isOpen } : {}), content: <OtherRow row={row} /> };
        }
        return callRow(row.call, { level: row.depth + 1, isOpen: row.isOpen, isNow: row.call.key === current }, () =>
          calls.toggle(index),
        );
      }}
    />
  );
}

function OtherRow({ row }: { row: Exclude<CallRow, { kind: "call" }> }) {
  const { timeline } = useModel();
  const names = useAtom(timeline.threads);
  if (row.kind === "thread") {
    return (
      <>
        <span class="twisty" aria-hidden="true">
          {row.isOpen ? "▾" : "▸"}
        </span>
        <span class="title">{visible(names.get(row.thread) ?? `Thread ${row.thread}`)}</span>
      </>
    );
  }
  if (row.kind === "more") return <span class="link">more calls</span>;
  return <span class="faint">…</span>;
}

interface Look {
  level: number;
  isOpen: boolean;
  isNow: boolean;
}

function callRow(call: Call, { level, isOpen, isNow }: Look, toggle?: () => void): RowProps {
  const canOpen = call.children > 0 && toggle !== undefined;
  return {
    level,
    selected: isNow,
    className: `call ${isNow ? "now" : ""} ${call.exit === "unwind" ? "raised" : ""}`,
    ...(canOpen ? { expanded: isOpen } : {}),
    content: (
      <>
        <span
          class="twisty"
          aria-hidden="true"
          onClick={(event) => {
            if (!canOpen) return;
            event.stopPropagation();
            toggle();
          }}
        >
          {canOpen && (isOpen ? "▾" : "▸")}
        </span>
        <span class="text" title={titleOf(call)}>
          {level - 1 > INDENTED && <span class="faint">{level - 1} </span>}
          <span class="name">{call.rawName}</span>
          <span class="soft">{call.rawName === "<module>" ? ` ${call.module}` : ` (${call.args})`}</span>
        </span>
        <span class={`result ${call.exit === "unwind" ? "bad" : "faint"}`}>{resultOf(call)}</span>
      </>
    ),
  };
}

function resultOf(call: Call): string | null {
  if (call.exit === "unwind") return `✕ ${call.returnValue.split("(")[0]}`;
  if (call.exit === "running") return "…";
  return call.returnValue === "" || call.returnValue === "None" ? null : `→ ${call.returnValue}`;
}

function titleOf(call: Call): string {
  const result =
    call.exit === "unwind"
      ? `raised ${call.returnValue}`
      : call.exit === "running"
        ? "did not end"
        : `→ ${call.returnValue}`;
  return `${call.rawName}(${call.args})\n${result}\n${call.path}:${call.line}\n${count(call.size - 1)} calls below it, ${count(call.steps)} steps of its own`;
}

interface Search {
  calls: readonly Call[];
  next: CallsPage["next"];
  more: boolean;
  isLoading: boolean;
  error: string;
}

const NOTHING: Search = { calls: [], next: undefined, more: false, isLoading: true, error: "" };

function Found({ wanted }: { wanted: string }) {
  const model = useModel();
  const { calls } = model;
  const current = useAtom(calls.current);
  const [found, setFound] = useState<Search>(NOTHING);
  const ending = useRef(new AbortController());
  const load = (before: Search) => {
    const { signal } = ending.current;
    setFound({ ...before, isLoading: true });
    calls.search(wanted, before.next, { count: FOUND, signal }).then(
      (page) => {
        const all = [...before.calls, ...page.calls];
        if (!signal.aborted) setFound({ calls: all, next: page.next, more: page.more, isLoading: false, error: "" });
      },
      (problem: unknown) => !signal.aborted && setFound({ ...before, isLoading: false, error: String(problem) }),
    );
  };
  useEffect(() => {
    ending.current = new AbortController();
    load(NOTHING);
    return () => ending.current.abort();
  }, [wanted]);
  if (found.error) return <Failure text={found.error} />;
  if (found.calls.length === 0) {
    return found.isLoading ? (
      <Loading label="Searching" />
    ) : (
      <Empty title="No calls" text={`No function with “${wanted}” in its name was called.`} />
    );
  }
  const length = found.calls.length + (found.more ? 1 : 0);
  return (
    <VirtualList
      name="calls"
      label="Calls found"
      role="listbox"
      count={length}
      rowHeight={22}
      onOpen={(index) => {
        const call = found.calls[index];
        if (call) model.goTo({ move: "callStart", call: call.key });
        else if (!found.isLoading) load(found);
      }}
      row={(index) => {
        const call = found.calls[index];
        if (!call) return { content: <span class="link">{found.isLoading ? "searching…" : "more"}</span> };
        const { level: _, ...row } = callRow(call, { level: 1, isOpen: false, isNow: call.key === current });
        return row;
      }}
    />
  );
}
