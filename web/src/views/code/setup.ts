// CodeMirror as this window uses it: Python, read-only, its looks from the one style sheet.

import { python } from "@codemirror/lang-python";
import { syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightSpecialChars, keymap } from "@codemirror/view";
import { tagHighlighter, tags } from "@lezer/highlight";

const highlighter = tagHighlighter([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword], class: "c-keyword" },
  { tag: [tags.bool, tags.null, tags.self], class: "c-keyword" },
  { tag: [tags.string, tags.special(tags.string), tags.docString], class: "c-string" },
  { tag: tags.number, class: "c-number" },
  { tag: tags.comment, class: "c-comment" },
  { tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName))], class: "c-function" },
  { tag: [tags.className, tags.definition(tags.className), tags.function(tags.propertyName)], class: "c-function" },
]);

/** The server's Content-Security-Policy lets style sheets in that carry its nonce. */
function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
}

export function codeSetup(): Extension {
  return [
    EditorView.cspNonce.of(nonce()),
    EditorState.readOnly.of(true),
    EditorView.contentAttributes.of({ "aria-label": "Source", "aria-readonly": "true", tabindex: "0" }),
    python(),
    syntaxHighlighting(highlighter),
    highlightSpecialChars({ addSpecialChars: /[\u202a-\u202c\u2068]/g }), // and what else turns a line round
    drawSelection({ cursorBlinkRate: 0 }),
    highlightSelectionMatches(),
    search({ top: true }),
    keymap.of(searchKeymap.filter((binding) => ["Mod-f", "F3", "Escape"].includes(binding.key ?? ""))),
  ];
}
