// The recorded files.

import { type Atom, atom } from "../lib/atom";
import type { Files, RecordedFile } from "../lib/protocol";
import type { Link } from "./link";

const PAGE = 500;
const MOST = 20_000;

export class FilesModel {
  readonly files: Atom<readonly RecordedFile[]> = atom<readonly RecordedFile[]>([]);
  readonly total: Atom<number | null> = atom<number | null>(null);
  readonly error: Atom<string> = atom("");

  constructor(private readonly link: Link) {}

  async load(): Promise<void> {
    try {
      const files: RecordedFile[] = [];
      let total = 1;
      while (files.length < Math.min(total, MOST)) {
        const page = await this.link.request<Files>("ct/files", { start: files.length, count: PAGE });
        files.push(...page.files);
        total = page.total;
        if (page.files.length === 0) break;
      }
      this.files.set(files);
      this.total.set(total);
      this.error.set("");
    } catch (problem) {
      this.error.set(problem instanceof Error ? problem.message : String(problem));
    }
  }
}
