// What log points told while one went on.

import { type Atom, atom } from "../lib/atom";
import type { DapEvent } from "../lib/dap";
import type { Link } from "./link";

export interface LogEntry {
  text: string;
  step: number | null;
  path: string;
  line: number;
}

interface OutputBody {
  output?: string;
  source?: { path?: string };
  line?: number;
  ct?: { step?: number };
}

const MOST = 5000; // entries kept

export class LogModel {
  readonly entries: Atom<readonly LogEntry[]> = atom<readonly LogEntry[]>([]);

  constructor(link: Link) {
    link.onEvent((event) => this.take(event));
  }

  clear() {
    this.entries.set([]);
  }

  private take({ event, body }: DapEvent) {
    if (event !== "output") return;
    const { output = "", source, line = 0, ct } = body as OutputBody;
    const entry = { text: output.replace(/\n$/, ""), step: ct?.step ?? null, path: source?.path ?? "", line };
    this.entries.set([...this.entries.get().slice(-MOST), entry]);
  }
}
