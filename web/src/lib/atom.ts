// A value that one can watch. The whole state of the window is made of these.

export interface Atom<T> {
  get(): T;
  set(value: T): void;
  /** Call back after each change; returns what ends it. */
  watch(callback: () => void): () => void;
}

export function atom<T>(value: T): Atom<T> {
  const watchers = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const watcher of [...watchers]) watcher();
    },
    watch(callback) {
      watchers.add(callback);
      return () => watchers.delete(callback);
    },
  };
}
