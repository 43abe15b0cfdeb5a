// What a terminal would show of the pieces a program wrote, line by line; each piece knows its write.

import { ansiSpans, PLAIN, type Style } from "./ansi";
import type { ProgramEvent } from "./protocol";

export interface Piece {
  text: string;
  style: Style;
  event: ProgramEvent;
}

export interface TerminalLine {
  pieces: Piece[];
}

const LONGEST = 5000; // characters of a line that are shown

export function terminalLines(events: readonly ProgramEvent[]): TerminalLine[] {
  const lines: TerminalLine[] = [{ pieces: [] }];
  let style = PLAIN;
  for (const event of events) {
    const { spans, end } = ansiSpans(textOf(event), style);
    style = end;
    for (const span of spans) {
      const parts = span.text.split("\n");
      for (const [index, part] of parts.entries()) {
        if (index > 0) lines.push({ pieces: [] });
        if (part !== "") put(lines, { text: part, style: span.style, event });
      }
    }
  }
  if (lines.at(-1)?.pieces.length === 0) lines.pop();
  return lines;
}

/** A carriage return begins the line again, as progress bars do. */
function put(lines: TerminalLine[], piece: Piece) {
  const line = lines.at(-1);
  if (!line) return;
  const from = piece.text.replace(/\r+$/, "").lastIndexOf("\r");
  if (from >= 0) line.pieces = [];
  const text = piece.text.slice(from + 1).replaceAll("\r", "");
  const length = line.pieces.reduce((sum, other) => sum + other.text.length, 0);
  if (length < LONGEST && text !== "") line.pieces.push({ ...piece, text: text.slice(0, LONGEST - length) });
}

function textOf(event: ProgramEvent): string {
  if (!event.base64Encoded) return event.content;
  const bytes = Uint8Array.from(atob(event.content), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}
