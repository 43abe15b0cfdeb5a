// The calls that one call made: of any number of them those pages that somebody looked at.

import type { Call, Calls } from "../lib/protocol";
import type { Link } from "./link";

const PAGE = 64;

export class ChildList {
  private readonly pages = new Map<number, Promise<readonly Call[]>>();
  private readonly ready = new Map<number, readonly Call[]>();

  constructor(
    private readonly link: Link,
    readonly parent: number,
    readonly total: number,
  ) {}

  /** What is known of the child at once; else it is asked for, and `arrived` called. */
  peek(index: number, arrived: () => void): Call | undefined {
    const page = this.ready.get(Math.floor(index / PAGE));
    if (!page) this.page(Math.floor(index / PAGE)).then(arrived, () => {});
    return page?.[index % PAGE];
  }

  async at(index: number): Promise<Call | undefined> {
    return (await this.page(Math.floor(index / PAGE)))[index % PAGE];
  }

  /** The first child for which the condition holds; it holds for all behind it, too. */
  async firstWhere(holds: (call: Call) => boolean): Promise<number> {
    let low = 0;
    let high = this.total;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const call = await this.at(middle);
      if (call && !holds(call)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Calls are numbered in the order they began. */
  async indexOf(call: Call): Promise<number> {
    return this.total === 1 ? 0 : this.firstWhere((child) => child.key >= call.key);
  }

  private page(number: number): Promise<readonly Call[]> {
    const known = this.pages.get(number);
    if (known) return known;
    const args = { parent: this.parent, start: number * PAGE, count: PAGE };
    const page = this.link.request<Calls>("ct/load-calltrace-section", args).then(({ calls }) => {
      this.ready.set(number, calls);
      return calls;
    });
    page.catch(() => this.pages.delete(number));
    this.pages.set(number, page);
    return page;
  }
}
