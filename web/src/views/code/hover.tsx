// The value of what the pointer rests on, as a tree.

import { syntaxTree } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { type EditorView, hoverTooltip } from "@codemirror/view";
import { render } from "preact";
import { expressionAt, isName } from "../../lib/expression_at";
import { ValueTree } from "../../model/value_tree";
import { type Window, WindowContext } from "../hooks";
import { ValueRows } from "../value_rows";

export function valueHover(window: Window): Extension {
  return hoverTooltip(
    async (view, position) => {
      const found = expressionUnder(view, position);
      if (!found) return null;
      const { model } = window;
      const value = await model.variables.answer(found.text, "hover");
      if (value.ct?.kind === "error" && isName(found.text)) return null; // many words are no variables here
      const tree = new ValueTree(model.link);
      await tree.show([{ id: "hover", isOpenAtFirst: true, value }]);
      return {
        pos: found.from,
        end: found.to,
        above: false,
        create() {
          const dom = document.createElement("div");
          dom.className = "hover";
          render(
            <WindowContext.Provider value={window}>
              <ValueRows tree={tree} />
            </WindowContext.Provider>,
            dom,
          );
          return { dom, destroy: () => render(null, dom) };
        },
      };
    },
    { hoverTime: 250, hideOnChange: true },
  );
}

/** The selection, if the pointer is in it; else the dotted name there, unless it is in a text. */
function expressionUnder(view: EditorView, position: number) {
  const { main } = view.state.selection;
  if (!main.empty && main.from <= position && position <= main.to) {
    return { from: main.from, to: main.to, text: view.state.sliceDoc(main.from, main.to) };
  }
  const node = syntaxTree(view.state).resolveInner(position, -1);
  if (/^(String|Comment)/.test(node.name)) return null;
  const line = view.state.doc.lineAt(position);
  const found = expressionAt(line.text, position - line.from);
  return found && { ...found, from: line.from + found.from, to: line.from + found.to };
}
