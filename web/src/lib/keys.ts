// Keys by name: "F10", "Shift+F10", "Ctrl+Shift+P", "Alt+1", "?".

export interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** The name of what was pressed. On a Mac, Command counts as Ctrl. */
export function chordOf(event: Pressed): string {
  const isLetter = /^[a-zA-Z]$/.test(event.key);
  const placed = event.altKey ? placedKey(event) : event.key;
  const key = placed.length === 1 ? (isLetter || event.altKey ? placed.toUpperCase() : placed) : placed;
  // Shift is told by the character itself, but for letters and keys with names.
  const showsShift = key.length > 1 || /^[A-Z]$/.test(key) || event.altKey;
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && showsShift) parts.push("Shift");
  parts.push(key === " " ? "Space" : key);
  return parts.join("+");
}

const MARKS: Record<string, string> = { BracketLeft: "[", BracketRight: "]", Period: ".", Equal: "=", Minus: "-" };

/** With Alt some layouts make another character of a key: then the place of the key counts. */
function placedKey({ key, code }: Pressed): string {
  if (/^(Key|Digit)/.test(code)) return code.replace(/^(Key|Digit)/, "");
  return key.length === 1 && key > "~" ? (MARKS[code] ?? key) : key;
}

const NAMES: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  Escape: "Esc",
};

/** As people read it: "Ctrl ↑". */
export function chordLabel(chord: string): string {
  return chord
    .split("+")
    .map((part) => NAMES[part] ?? part)
    .join(" ");
}
