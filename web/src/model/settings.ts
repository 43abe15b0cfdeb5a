// What is remembered from one visit to the next.

import { type Atom, atom } from "../lib/atom";

export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export type Theme = "system" | "light" | "dark";

export class Settings {
  readonly theme: Atom<Theme>;
  readonly sizes: Atom<Readonly<Record<string, number>>>;

  constructor(private readonly store: Store) {
    this.theme = this.kept<Theme>("theme", "system");
    this.sizes = this.kept<Readonly<Record<string, number>>>("sizes", {});
  }

  /** An atom whose value outlives the page. */
  kept<T>(name: string, first: T): Atom<T> {
    const key = `ct-${name}`;
    const kept = atom(this.read(key, first));
    kept.watch(() => {
      try {
        this.store.setItem(key, JSON.stringify(kept.get()));
      } catch {
        // No room, or not allowed to: then it is not remembered.
      }
    });
    return kept;
  }

  private read<T>(key: string, first: T): T {
    try {
      const text = this.store.getItem(key);
      const value: unknown = text === null ? first : JSON.parse(text);
      return isLike(value, first) ? value : first;
    } catch {
      return first;
    }
  }
}

function isLike<T>(value: unknown, first: T): value is T {
  return typeof value === typeof first && Array.isArray(value) === Array.isArray(first) && value !== null;
}
