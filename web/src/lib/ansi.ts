// Text with ANSI escape sequences: which colours its pieces have. Only the look of text is
// followed; what moves the cursor or clears the screen is left out.

export interface Style {
  fg?: string; // "red", "bright-red", or "#rrggbb"
  bg?: string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
}

export interface Span {
  text: string;
  style: Style;
}

export const PLAIN: Style = {};

const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
// CSI, OSC (to BEL or ST), and two-character sequences.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const SEQUENCE = /\x1b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;

/** The pieces of a text that begins in a style, and the style it ends in. */
export function ansiSpans(text: string, start: Style): { spans: Span[]; end: Style } {
  const spans: Span[] = [];
  let style = start;
  let at = 0;
  const put = (piece: string) => {
    if (piece !== "") spans.push({ text: piece, style });
  };
  for (const match of text.matchAll(SEQUENCE)) {
    put(text.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") style = applied(style, match[1] ?? "");
  }
  put(text.slice(at));
  return { spans, end: style };
}

function applied(style: Style, codes: string): Style {
  const numbers = codes.split(/[;:]/).map(Number);
  let next: Style = { ...style };
  for (let i = 0; i < numbers.length; i++) {
    const code = numbers[i] ?? 0;
    if (code === 0) next = {};
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(numbers, i + 1);
      if (colour) next[code === 38 ? "fg" : "bg"] = colour;
      i += used;
    } else next = withCode(next, code);
  }
  return next;
}

const SET: Record<number, Style> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
};
const UNSET: Record<number, (keyof Style)[]> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  39: ["fg"],
  49: ["bg"],
};

function withCode(style: Style, code: number): Style {
  const unset = UNSET[code];
  if (unset) return without(style, ...unset);
  const colour = colourOf(code);
  return { ...style, ...SET[code], ...colour };
}

/** 30 to 37 and 40 to 47, and the bright ones from 90 and 100 on. */
function colourOf(code: number): Style {
  const name = NAMES[code % 10];
  const tens = Math.floor(code / 10);
  if (name === undefined || ![3, 4, 9, 10].includes(tens)) return {};
  const full = tens >= 9 ? `bright-${name}` : name;
  return tens === 3 || tens === 9 ? { fg: full } : { bg: full };
}

function without(style: Style, ...keys: (keyof Style)[]): Style {
  const next = { ...style };
  for (const key of keys) delete next[key];
  return next;
}

/** The colour behind 38 or 48, and how many numbers it took. */
function extended(numbers: number[], at: number): [string | null, number] {
  if (numbers[at] === 5) return [palette(numbers[at + 1] ?? 0), 2];
  if (numbers[at] === 2) return [hex(numbers.slice(at + 1, at + 4)), 4];
  return [null, 0];
}

function palette(index: number): string | null {
  if (!(index >= 0 && index < 256)) return null;
  if (index < 8) return NAMES[index] ?? null;
  if (index < 16) return `bright-${NAMES[index - 8]}`;
  if (index >= 232) return hex(Array(3).fill(8 + (index - 232) * 10));
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return hex([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

function hex(parts: number[]): string | null {
  if (parts.length < 3 || !parts.every((part) => part >= 0 && part < 256)) return null;
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
