// The recorded source, with what its lines did.

import { EditorState, type StateEffect, type TransactionSpec } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { render } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { StackFrame } from "../../lib/dap";
import { drawFirst } from "../../lib/drawing";
import { attributeOf } from "../../lib/flow_view";
import type { MoveState } from "../../lib/protocol";
import type { Document } from "../../model/documents";
import { selectedFrame } from "../../model/frames";
import { useFocusTarget, useWindow, type Window, WindowContext } from "../hooks";
import { LoopBar } from "../loop_bar";
import { showHistory } from "../value_rows";
import { gutters, type Margins, setMargins } from "./gutters";
import { valueHover } from "./hover";
import { codeSetup } from "./setup";
import { type Stories, setStories, storiesExtension } from "./stories";

export function Code({ isHidden }: { isHidden: boolean }) {
  const window = useWindow();
  const { model } = window;
  const box = useFocusTarget<HTMLDivElement>("editor");
  const view = useRef<EditorView | null>(null);
  useLayoutEffect(() => {
    if (!box.current) return;
    const editor = createEditor(window, box.current);
    view.current = editor;
    const { documents, flow, player, frames, breakpoints, exceptions } = model;
    const follow = follower(window, editor);
    const followed = [
      documents.document,
      documents.shown,
      documents.counts,
      breakpoints.points,
      flow.state,
      player.now,
      frames.state,
      exceptions.state,
    ];
    const ends = followed.map((atom) => atom.watch(follow.want));
    follow.draw();
    return () => {
      for (const end of ends) end();
      follow.end();
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
      history(name) {
        const part = attributeOf(name);
        if (part) showHistory(model, part.name, part.holder, name);
        else showHistory(model, name);
      },
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
      mousedown(_, view) {
        view.dom.dataset.clicked = "";
        return false;
      },
      blur(_, view) {
        delete view.dom.dataset.clicked;
        return false;
      },
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
  let drawn: readonly unknown[] = [];
  let hasEnded = false;

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

  const stories = (): Stories => {
    const { line, isNow, call } = here();
    const state = flow.state.get();
    const shown = state?.call.path === path ? state : null;
    const raised = shown ? exceptions.state.get().items.filter((event) => event.location.key === shown.call.key) : [];
    const now = player.now.get();
    const left = isNow ? leftOf(now) : null;
    return { line, isNow, isSite: (now?.moment.left ?? 0) > 0, call, flow: shown, raised, left };
  };

  const margins = (): Margins => {
    const points = breakpoints.points.get().filter((point) => point.path === path);
    return { counts: documents.counts.get(), points, now: here().line };
  };

  /** Bring the line that is to be shown into view. */
  const scroll = (): TransactionSpec => {
    const shown = documents.shown.get();
    if (!shown || shown.path !== path || shown.request === scrolled) return {};
    scrolled = shown.request;
    if (shown.line < 1 || shown.line > editor.state.doc.lines) return {};
    const line = editor.state.doc.line(shown.line);
    cursor.current = { path, line: shown.line };
    editor.scrollDOM.scrollLeft = 0;
    return { selection: { anchor: line.from }, ...(isInView(editor, line.from) ? {} : { effects: centre(line.from) }) };
  };

  const open = ({ path: opened, text }: Document) => {
    path = opened;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text ?? "" } });
    editor.scrollDOM.scrollTop = 0;
    wantCounts(window, editor);
  };

  const draw = () => {
    const document = documents.document.get();
    if (hasEnded || !document || document.text === null) return;
    if (document.path !== path) open(document);
    const { effects, ...rest } = scroll();
    // What is drawn is made of these: most changes of the model are none of them.
    const made = [path, frames.state, player.now, flow.state, exceptions.state, documents.counts, breakpoints.points];
    const parts = made.map((part) => (typeof part === "string" ? part : part.get()));
    const isNew = parts.some((part, at) => part !== drawn[at]);
    drawn = parts;
    const drawing = isNew ? [setStories.of(stories()), setMargins.of(margins())] : [];
    editor.dispatch({ ...rest, effects: [...drawing, ...(effects ? [effects].flat() : [])] });
  };

  return {
    draw,
    want: () => drawFirst(draw),
    end() {
      hasEnded = true;
    },
  };
}

function isInView(editor: EditorView, at: number): boolean {
  const block = editor.lineBlockAt(at);
  const { scrollTop, clientHeight } = editor.scrollDOM;
  return block.top > scrollTop + 22 && block.bottom < scrollTop + clientHeight - 44;
}

function centre(at: number): StateEffect<unknown> {
  return EditorView.scrollIntoView(at, { y: "center" });
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
