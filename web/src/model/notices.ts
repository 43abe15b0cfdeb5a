// Short messages that go away by themselves.

import { type Atom, atom } from "../lib/atom";

export interface Notice {
  id: number;
  text: string;
}

const STAYS = 4000; // milliseconds

export class NoticesModel {
  readonly notices: Atom<readonly Notice[]> = atom<readonly Notice[]>([]);
  private last = 0;

  say(text: string) {
    const known = this.notices.get().filter((notice) => notice.text !== text);
    const notice = { id: ++this.last, text };
    this.notices.set([...known.slice(-2), notice]);
    setTimeout(() => this.dismiss(notice.id), STAYS);
  }

  dismiss(id: number) {
    this.notices.set(this.notices.get().filter((notice) => notice.id !== id));
  }
}
