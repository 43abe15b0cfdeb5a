// The recorded source, with what its lines did.

import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { StackFrame } from "../lib/dap";
import { plural } from "../lib/format";
import type { MoveState } from "../lib/protocol";
import { selectedFrame } from "../model/frames";
import { gutters, setMargins } from "./code/gutters";
import { valueHover } from "./code/hover";
import { codeSetup } from "./code/setup";
import { type Stories, setStories, storiesExtension } from "./code/stories";
import { FileTabs } from "./file_tabs";
import { useAtom, useFocusTarget, useModel, useWindow, type Window, WindowContext } from "./hooks";
import { LoopBar } from "./loop_bar";
import { Failure, Loading } from "./panel";
import { showHistory } from "./value_rows";

export function EditorPanel() {
  const { documents } = useModel();
  const document = useAtom(documents.document);
  return (
    <section class="panel editor" aria-label="Code">
      <div class="head">
        <FileTabs />
        <div class="end">
          <VisitLabel />
        </div>
      </div>
      <div class="body">
        {!document && <Loading label="Loading the source" />}
        {document?.error && <Failure text={`The source of ${document.path} is not recorded: ${document.error}`} />}
        <Code isHidden={!document || document.text === null} />
      </div>
    </section>
  );
}

function VisitLabel() {
  const state = useAtom(useModel().flow.state);
  if (!state) return null;
  const { call, visit } = state;
  const part = visit && visit.count > 1 ? ` · visit ${visit.index + 1} of ${visit.count} in this call` : "";
  return (
    <span title={`This call runs ${plural(call.steps, "step")} of its own.`}>
      {call.rawName}
      {part}
    </span>
  );
}

function Code({ isHidden }: { isHidden: boolean }) {
  const window = useWindow();
  const { model } = window;
  const box = useFocusTarget<HTMLDivElement>("editor");
  const view = useRef<EditorView | null>(null);
  useEffect(() => {
    if (!box.current) return;
    const editor = createEditor(window, box.current);
    view.current = editor;
    const { documents, flow, player, frames, breakpoints, exceptions } = model;
    const update = follower(window, editor);
    const ends = [
      documents.document.watch(update.text),
      documents.shown.watch(update.scroll),
      documents.counts.watch(update.margins),
      breakpoints.points.watch(update.margins),
      flow.state.watch(update.stories),
      player.now.watch(update.stories),
      frames.state.watch(update.stories),
      exceptions.state.watch(update.stories),
    ];
    update.text();
    return () => {
      for (const end of ends) end();
      editor.destroy();
    };
  }, [window, model, box]);
  return (
    <div
      ref={box}
      class="code"
      hidden={isHidden}
      tabIndex={-1}
      onFocus={(e) => e.target === e.currentTarget && view.current?.focus()}
    />
  );
}

function createEditor(window: Window, parent: HTMLElement): EditorView {
  const { model, cursor } = window;
  const path = () => model.documents.shown.get()?.path ?? "";
  const extensions = [
    codeSetup(),
    gutters({
      toggle: (line) => void model.breakpoints.toggle(path(), line),
      edit(line) {
        cursor.current = { path: path(), line };
        model.tabs.overlay.set("breakpoint");
      },
    }),
    storiesExtension({
      history: (name) => showHistory(model, name),
      goInto: (call) => model.player.go({ move: "callStart", call }),
      loopBar(dom, line) {
        const bar = (
          <WindowContext.Provider value={window}>
            <LoopBar line={line} />
          </WindowContext.Provider>
        );
        render(bar, dom);
        return () => render(null, dom);
      },
    }),
    valueHover(window),
    EditorView.updateListener.of((update) => {
      if (update.selectionSet) {
        const line = update.state.doc.lineAt(update.state.selection.main.head).number;
        cursor.current = { path: path(), line };
      }
      if (update.viewportChanged) wantCounts(window, update.view);
    }),
    EditorView.domEventHandlers({
      click(event, view) {
        if (!event.ctrlKey && !event.metaKey) return false;
        const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
        if (at === null) return false;
        model.player.goEither({ move: "line", path: path(), line: view.state.doc.lineAt(at).number });
        return true;
      },
    }),
  ];
  // Made with its extensions: the nonce must be known before the first style sheet is.
  return new EditorView({ state: EditorState.create({ doc: "", extensions }), parent });
}

function wantCounts({ model }: Window, editor: EditorView) {
  const { from, to } = editor.viewport;
  model.documents.wantCounts(editor.state.doc.lineAt(from).number, editor.state.doc.lineAt(to).number);
}

/** What keeps the editor as the model says. */
function follower(window: Window, editor: EditorView) {
  const { model, cursor } = window;
  const { documents, player, frames, flow, breakpoints, exceptions } = model;
  let path = "";
  let scrolled = 0;

  /** The line to mark in this document. */
  const here = () => {
    const state = frames.state.get();
    const now = player.now.get();
    const isTop = !state || (state.selected === 0 && state.thread === now?.threadId);
    const frame = selectedFrame(state);
    const place = isTop || !frame ? now?.location : { path: frame.source?.path ?? "", line: frame.line };
    if (place?.path !== path) return { line: 0, isNow: true, call: null };
    const isSeen = frame?.line === place.line && state?.now === now; // not one of the moment before
    return { line: place.line, isNow: isTop, call: isSeen ? callOf(frame) : null };
  };

  const stories = () => {
    if (path === "") return;
    const { line, isNow, call } = here();
    const state = flow.state.get();
    const shown = state?.call.path === path ? state : null;
    const raised = shown ? exceptions.state.get().items.filter((event) => event.location.key === shown.call.key) : [];
    const now = player.now.get();
    const left = isNow ? leftOf(now) : null;
    const isSite = (now?.moment.left ?? 0) > 0;
    editor.dispatch({ effects: setStories.of({ line, isNow, isSite, call, flow: shown, raised, left }) });
    margins();
  };

  const margins = () => {
    const counts = documents.counts.get();
    const points = breakpoints.points.get().filter((point) => point.path === path);
    editor.dispatch({ effects: setMargins.of({ counts, points, now: here().line }) });
  };

  const scroll = () => {
    const shown = documents.shown.get();
    if (!shown || shown.path !== path || shown.request === scrolled) return;
    scrolled = shown.request;
    if (shown.line >= 1 && shown.line <= editor.state.doc.lines) {
      const line = editor.state.doc.line(shown.line);
      cursor.current = { path, line: shown.line };
      const block = editor.lineBlockAt(line.from);
      const { scrollTop, clientHeight } = editor.scrollDOM;
      const isInView = block.top > scrollTop + 22 && block.bottom < scrollTop + clientHeight - 44;
      const effects = isInView ? [] : [EditorView.scrollIntoView(line.from, { y: "center" })];
      editor.dispatch({ selection: { anchor: line.from }, effects });
      editor.scrollDOM.scrollLeft = 0;
    }
    stories();
  };

  const text = () => {
    const document = documents.document.get();
    if (!document || document.text === null) return;
    if (document.path !== path) {
      path = document.path;
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: document.text } });
      editor.scrollDOM.scrollTop = 0;
    }
    wantCounts(window, editor);
    scroll();
    stories();
  };

  return { text, scroll, stories, margins };
}

/** The call in which a frame waits. */
function callOf({ line, column, endLine, endColumn }: StackFrame): Stories["call"] {
  return endLine === undefined || endColumn === undefined ? null : { line, column, endLine, endColumn };
}

/** What the call that was just left came to. */
function leftOf(now: MoveState | null): Stories["left"] {
  if (!now?.leftBy) return null;
  const word = { return: "returned", yield: "yielded", unwind: "raised" }[now.leftBy];
  return { text: `${word} ${now.result?.text ?? ""}`, isBad: now.leftBy === "unwind" };
}
