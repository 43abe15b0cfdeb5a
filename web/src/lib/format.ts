// Numbers and names as people read them.

const grouped = new Intl.NumberFormat("en-US");

/** 1234567 as "1,234,567". */
export function count(value: number): string {
  return grouped.format(value);
}

/** "1 step", "1,200 steps". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Short enough for a gutter: "999", "12k", "3.4M". */
export function brief(value: number): string {
  if (value < 10_000) return String(value);
  const [size, unit] = value < 1e6 ? [1e3, "k"] : value < 1e9 ? [1e6, "M"] : [1e9, "G"];
  const scaled = value / size;
  return (scaled < 10 ? scaled.toFixed(1).replace(/\.0$/, "") : String(Math.floor(scaled))) + unit;
}

/** A time span in milliseconds: "85 ms", "1.25 s", "3 min 5 s", "2 h 10 min". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "10.1 KiB" */
export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let at = -1;
  do {
    size /= 1024;
    at++;
  } while (size >= 1024 && at < units.length - 1);
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[at]}`;
}

/** A name from outside: what turns the writing round, breaks the line or is not seen, as Python writes it. */
export function visible(name: string): string {
  const hidden = /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;
  return name.replace(hidden, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The last part of a path. */
export function fileName(path: string): string {
  return visible(path.slice(path.lastIndexOf("/") + 1) || path);
}

/** Where two files have one name, with as much of their folders as tells them apart. */
export function fileLabels(paths: readonly string[]): string[] {
  return paths.map((path) => {
    const parts = path.split("/");
    for (let from = parts.length - 1; from > 0; from--) {
      const label = parts.slice(from).join("/");
      if (paths.every((other) => other === path || !`/${other}`.endsWith(`/${label}`))) return visible(label);
    }
    return visible(path);
  });
}

/** The folders that all paths share, with the last "/". */
export function sharedFolder(paths: readonly string[]): string {
  let shared = paths[0] ?? "";
  for (const path of paths) while (!path.startsWith(shared)) shared = shared.slice(0, -1);
  return shared.slice(0, shared.lastIndexOf("/") + 1);
}

/** At most so many characters. */
export function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** A command line as one would type it: words that a shell would take apart are quoted. */
export function shellWords(words: readonly string[]): string {
  const isPlain = (word: string) => /^[\p{L}\p{N}_@%+=:,./-]+$/u.test(word);
  const quoted = words.map((word) => (isPlain(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return visible(quoted.join(" "));
}

/** When a recording was made, in the reader's own time: "today 10:21", "Nov 20, 10:21". */
export function when(iso: string, now = new Date()): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const clock = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (time.toDateString() === now.toDateString()) return `today ${clock}`;
  const year = time.getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
  return `${time.toLocaleDateString("en-US", { month: "short", day: "numeric", ...year })}, ${clock}`;
}
