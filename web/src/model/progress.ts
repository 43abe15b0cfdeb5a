// Long work of the server: what it does and how far it is.

import { type Atom, atom } from "../lib/atom";
import type { DapEvent, ProgressBody } from "../lib/dap";
import type { Link } from "./link";

export interface Work {
  id: string;
  title: string;
  percentage: number | null;
  requestId: number | null;
}

export class ProgressModel {
  readonly work: Atom<readonly Work[]> = atom<readonly Work[]>([]);

  constructor(private readonly link: Link) {
    link.onEvent((event) => this.take(event));
  }

  cancel(work: Work) {
    if (work.requestId !== null) this.link.cancel(work.requestId);
  }

  clear() {
    this.work.set([]);
  }

  private take({ event, body }: DapEvent) {
    const told = body as ProgressBody;
    if (event === "progressStart") {
      const { progressId: id, title = "Working", percentage = null, requestId = null } = told;
      this.work.set([...this.work.get(), { id, title, percentage, requestId }]);
    } else if (event === "progressUpdate") {
      const percentage = told.percentage ?? null;
      this.work.set(this.work.get().map((work) => (work.id === told.progressId ? { ...work, percentage } : work)));
    } else if (event === "progressEnd") {
      this.work.set(this.work.get().filter((work) => work.id !== told.progressId));
    }
  }
}
