import { beforeEach, describe, expect, test, vi } from "vitest";
import { ansiSpans, PLAIN } from "./ansi";
import { drawFirst, drawNow, drawSoon, drawTogether } from "./drawing";
import { expressionAt } from "./expression_at";
import { attributeOf, pillsOf, shapeOf, storiesOf } from "./flow_view";
import { brief, bytes, duration, fileLabels, fileName, plural, sharedFolder, shellWords, visible } from "./format";
import { fuzzyFind } from "./fuzzy";
import { chordOf, type Pressed } from "./keys";
import { hasHappened, momentText, parseMoment, parseRoute, routeHash } from "./moment";
import type { FlowStep, FlowValue, Loop, ProgramEvent } from "./protocol";
import { areaOf, type Choice, moved } from "./table_choice";
import { terminalLines } from "./terminal";

describe("texts", () => {
  test("counts and sizes are short and grouped", () => {
    expect([0, 9999, 10_000, 1_234_567, 12_345_678].map(brief)).toEqual(["0", "9999", "10k", "1.2M", "12M"]);
    expect([1, 1200].map((n) => plural(n, "step"))).toEqual(["1 step", "1,200 steps"]);
    expect([999, 10_322, 99 * 1024 * 1024].map(bytes)).toEqual(["999 B", "10 KiB", "99 MiB"]);
    expect([62, 1234, 61_000, 7_800_000].map(duration)).toEqual(["62 ms", "1.23 s", "1 min 1 s", "2 h 10 min"]);
  });

  test("files of one name are told apart by their folders", () => {
    expect(fileLabels(["/a/x/models.py", "/a/y/models.py", "/a/main.py"])).toEqual([
      "x/models.py",
      "y/models.py",
      "main.py",
    ]);
    expect(sharedFolder(["/a/b/c.py", "/a/bd.py"])).toBe("/a/");
    expect(sharedFolder(["/a/c.py"])).toBe("/a/");
  });

  test("names show what would turn them round or hide in them", () => {
    expect(visible("naïve 名 👩‍💻.py")).toBe("naïve 名 👩‍💻.py");
    expect(visible("a\u202eyp.b\n\u200b")).toBe("a\\u202eyp.b\\u000a\\u200b");
    expect(fileName("/x\u202e/y\u2066.py")).toBe("y\\u2066.py");
    expect(fileLabels(["/a/\u202e.py", "/b/\u202e.py"])).toEqual(["a/\\u202e.py", "b/\\u202e.py"]);
  });

  test("a command line is quoted as a shell wants it", () => {
    expect(shellWords(["run.py", "-x", "a b", "ü", "", "it's", "$HOME", "--to=/a,b"])).toBe(
      "run.py -x 'a b' ü '' 'it'\\''s' '$HOME' --to=/a,b",
    );
  });

  test("what was typed finds the beginnings of words first", () => {
    const found = fuzzyFind("so", ["Also", "Step over", "Stop"], (text) => text, 9);
    expect(found[0]).toBe("Step over");
    expect(fuzzyFind("zzz", ["a"], (text) => text, 9)).toEqual([]);
    expect(fuzzyFind("", ["a", "b"], (text) => text, 1)).toEqual(["a"]);
  });
});

describe("drawing", () => {
  const drawn: string[] = [];
  const rows = () => drawn.push("rows");
  const code = () => drawn.push("code");
  beforeEach(() => drawn.splice(0));

  test("is done once what changes now has changed, and first by who has to measure", async () => {
    for (let i = 0; i < 3; i++) {
      drawSoon(rows);
      drawFirst(code);
    }
    expect(drawn).toEqual([]);
    await Promise.resolve();
    expect(drawn).toEqual(["code", "rows"]);
    drawSoon(rows);
    await Promise.resolve();
    expect(drawn).toEqual(["code", "rows", "rows"]);
  });

  test("waits for all that an answer changes", async () => {
    drawTogether();
    for (let i = 0; i < 5; i++) {
      drawSoon(rows);
      drawFirst(code);
      await Promise.resolve(); // what follows a promise is still the same answer
    }
    expect(drawn).toEqual([]);
    await vi.waitFor(() => expect(drawn).toEqual(["code", "rows"]));
  });

  test("does not wait where a key is pressed", async () => {
    drawTogether();
    drawSoon(rows);
    drawNow();
    expect(drawn).toEqual(["rows"]);
    drawSoon(rows); // by the key
    await Promise.resolve();
    expect(drawn).toEqual(["rows", "rows"]);
  });

  test("goes on where one part of it fails", async () => {
    const failure = vi.fn();
    drawSoon(() => {
      throw new Error("no");
    });
    drawSoon(rows);
    try {
      drawNow();
    } catch {
      failure();
    }
    await Promise.resolve();
    expect(failure).toHaveBeenCalled();
    expect(drawn).toEqual(["rows"]);
  });
});

describe("moments and addresses", () => {
  test("a moment reads back as it was written", () => {
    expect(momentText({ step: 17, left: 1 })).toBe("17.1");
    expect(parseMoment("17.1")).toEqual({ step: 17, left: 1 });
    expect(parseMoment(" 1,234 ")).toEqual({ step: 1234, left: 0 });
    for (const bad of ["", "x", "-1", "1.", "1.2.3", "1e9"]) expect(parseMoment(bad)).toBeNull();
  });

  test("an address names recording and moment, whatever is in the id", () => {
    const route = { recording: "a/b %", moment: { step: 5, left: 0 } };
    expect(parseRoute(routeHash(route))).toEqual(route);
    expect(parseRoute("")).toEqual({ recording: "", moment: null });
    expect(parseRoute("#/x/junk")).toEqual({ recording: "x", moment: null });
    expect(parseRoute("#/%E0%A4%A")).toEqual({ recording: "%E0%A4%A", moment: null });
  });

  test("what a line did has happened once one is behind it", () => {
    expect(hasHappened(4, { step: 5, left: 0 })).toBe(true);
    expect(hasHappened(5, { step: 5, left: 0 })).toBe(false);
    expect(hasHappened(5, { step: 5, left: 1 })).toBe(true);
  });
});

describe("keys", () => {
  const none = { code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  const chord = (key: string, more: Partial<Pressed> = {}) => chordOf({ ...none, key, ...more });
  test("have one name each", () => {
    expect(chord("F10", { shiftKey: true })).toBe("Shift+F10");
    expect(chord("P", { ctrlKey: true, shiftKey: true })).toBe("Ctrl+Shift+P");
    expect(chord("k", { metaKey: true })).toBe("Ctrl+K");
    expect(chord("?", { shiftKey: true })).toBe("?");
    expect(chord("€", { altKey: true, code: "KeyE" })).toBe("Alt+E");
    expect(chord("“", { altKey: true, code: "BracketLeft" })).toBe("Alt+[");
    expect(chord(" ")).toBe("Space");
  });
});

describe("expressions under the pointer", () => {
  const at = (line: string, mark: string) => expressionAt(line, line.indexOf(mark))?.text ?? null;
  test("reach from the start of the chain to the part pointed at", () => {
    expect(at("x = order.items[0].price * 2", "items")).toBe("order.items");
    expect(at("x = order.items[0].price * 2", "price")).toBe("order.items[0].price");
    expect(at("x = order.items[0].price * 2", "order")).toBe("order");
    expect(at("f(a).b", "b")).toBe("b");
  });
  test("are no keywords, numbers or blanks", () => {
    expect(at("return total", "return")).toBeNull();
    expect(at("x = 12", "12")).toBeNull();
    expect(at("a + b", " +")).toBe("a");
    expect(at("(  )", " )")).toBeNull();
  });
});

describe("coloured text", () => {
  const spans = (text: string) => ansiSpans(text, PLAIN).spans.map((span) => [span.text, span.style]);
  test("keeps its colours and loses all other sequences", () => {
    expect(spans("a\x1b[1;31mb\x1b[0mc")).toEqual([
      ["a", {}],
      ["b", { bold: true, fg: "red" }],
      ["c", {}],
    ]);
    expect(spans("\x1b[2K\x1b[3Gx\x1b]0;title\x07y")).toEqual([
      ["x", {}],
      ["y", {}],
    ]);
    expect(spans("\x1b[38;5;208mx")).toEqual([["x", { fg: "#ff8700" }]]);
    expect(spans("\x1b[38;2;1;2;3;44mx")).toEqual([["x", { fg: "#010203", bg: "blue" }]]);
    expect(spans("\x1b[93mx\x1b[39my")).toEqual([
      ["x", { fg: "bright-yellow" }],
      ["y", {}],
    ]);
  });

  const wrote = (content: string, more: Partial<ProgramEvent> = {}): ProgramEvent => ({
    place: { block: 0, at: 0 },
    threadId: 1,
    location: { path: "", line: 1, functionName: "", functionFirst: 1, rrTicks: 0, key: 0, callstackDepth: 0 },
    content,
    stream: "stdout",
    base64Encoded: false,
    ...more,
  });
  const lines = (...events: ProgramEvent[]) =>
    terminalLines(events).map((line) => line.pieces.map((piece) => piece.text).join("|"));
  test("is cut in lines, of which each piece knows its write", () => {
    expect(lines(wrote("a"), wrote("b\nc\n"))).toEqual(["a|b", "c"]);
    expect(lines(wrote("10 %\r20 %\rdone\n"))).toEqual(["done"]);
    expect(lines(wrote("dos\r\nend"))).toEqual(["dos", "end"]);
    expect(lines(wrote("/w==", { base64Encoded: true }))).toEqual(["\ufffd"]);
    expect(lines()).toEqual([]);
  });
});

describe("parts of values behind a line", () => {
  const shown = (...values: Partial<FlowValue>[]) => {
    const made = values.map((v) => ({ name: "", isRead: true, isWritten: false, isChanged: false, ...v }));
    return pillsOf({ line: 1, rrTicks: 1, isTurn: false, condition: "unknown", values: made }).map(({ text }) => text);
  };

  test("stand for the values they belong to", () => {
    const self = { name: "self", before: "<A x=1>", after: "<A x=2>", isChanged: true };
    const x = { name: "self.x", before: "1", after: "2", isChanged: true };
    expect(shown(self, x)).toEqual(["self.x = 1 → 2"]);
    expect(shown(self, { name: "self.y", before: "1" })).toEqual(["self = <A x=1> → <A x=2>", "self.y = 1"]);
    expect(shown({ name: "xs", before: "[7]" }, { name: "xs[i]", before: "7" })).toEqual(["xs[i] = 7"]);
    expect(shown({ name: "x", before: "1" }, { name: "xs[i]", before: "7" })).toEqual(["x = 1", "xs[i] = 7"]);
    expect(shown({ name: "a", before: "1" }, { name: "a.f", before: "<function f>" })).toEqual(["a = 1"]);
  });

  test("have a history where they are attributes", () => {
    expect(attributeOf("a.b[0].c")).toEqual({ holder: "a.b[0]", name: "c" });
    expect(attributeOf("total")).toBeNull();
    expect(attributeOf("a.b[0]")).toBeNull();
  });
});

describe("what the lines of a call did", () => {
  const visit = (rrTicks: number, line: number, values: Partial<FlowValue>[] = []): FlowStep => ({
    line,
    rrTicks,
    isTurn: false,
    condition: "unknown",
    values: values.map((value) => ({ name: "v", isRead: false, isWritten: false, isChanged: false, ...value })),
  });
  const loop: Loop = { first: 2, last: 4, registeredLine: 2, base: -1, iterations: 3, iteration: 1 };
  // 1, then three turns of which the second leaves line 4 out, then 5
  const steps = [
    visit(10, 1),
    visit(11, 2),
    visit(12, 3),
    visit(13, 4),
    visit(14, 2),
    visit(15, 3),
    visit(16, 2),
    visit(17, 5),
  ];

  test("inside a loop only the current turn counts", () => {
    const stories = storiesOf(steps, [loop], 15);
    expect(stories.get(3)?.visit.rrTicks).toBe(15);
    expect(stories.get(2)?.visit.rrTicks).toBe(14);
    expect(stories.has(4)).toBe(false);
    expect(stories.get(5)).toMatchObject({ isFuture: true });
    expect(stories.get(1)).toMatchObject({ isFuture: false });
  });

  test("outside of it the latest visit counts, or the first to come", () => {
    expect(storiesOf(steps, [loop], 17).get(4)?.visit.rrTicks).toBe(13);
    expect(storiesOf(steps, [loop], 10).get(3)).toMatchObject({ isFuture: true, visit: { rrTicks: 12 } });
  });

  test("values read as a change, and names of code are left out", () => {
    const texts = pillsOf(
      visit(1, 1, [
        { name: "f", before: "<function f at 0x1>", isRead: true },
        { name: "n", before: "2", isRead: true },
        { name: "off", before: "0.0", after: "12.4", isChanged: true, isWritten: true },
        { name: "fresh", after: "1", isChanged: true, isWritten: true },
      ]),
    ).map((pill) => pill.text);
    expect(texts).toEqual(["off = 0.0 → 12.4", "fresh = 1", "n = 2"]);
  });

  test("the shape of a loop is what it computes, not its counter", () => {
    const turn = (step: number, i: string, total: string) =>
      visit(step, 3, [
        { name: "i", after: i, isChanged: true },
        { name: "total", after: total, isChanged: true },
      ]);
    const shape = shapeOf([turn(1, "0", "5"), turn(2, "1", "7"), turn(3, "2", "6")], loop);
    expect(shape?.name).toBe("total");
    expect(shape?.points.map((point) => point.value)).toEqual([5, 7, 6]);
    expect(shapeOf([turn(1, "0", "x")], loop)).toBeNull();
  });
});

describe("cells of a table that are chosen", () => {
  const size = { rows: 10, columns: 4 };
  const press = (choice: Choice, key: string, held = {}) =>
    moved(choice, key, { isControl: false, isExtended: false, page: 3, size, ...held }) ?? choice;
  const first: Choice = { row: 0, column: 0, fromRow: 0, fromColumn: 0 };

  test("arrows move one cell, and stay inside", () => {
    expect(areaOf(press(first, "ArrowUp"))).toEqual(areaOf(first));
    expect(press(press(first, "PageDown"), "End")).toMatchObject({ row: 3, column: 3, fromRow: 3, fromColumn: 3 });
    expect(press(first, "End", { isControl: true })).toMatchObject({ row: 9, column: 3 });
  });

  test("with Shift an area grows, whichever way", () => {
    const middle: Choice = { row: 5, column: 2, fromRow: 5, fromColumn: 2 };
    const grown = press(press(middle, "PageUp", { isExtended: true }), "ArrowRight", { isExtended: true });
    expect(areaOf(grown)).toEqual({ rows: { first: 2, last: 5 }, columns: { first: 2, last: 3 } });
    const all = press(middle, "a", { isControl: true });
    expect(areaOf(all)).toEqual({ rows: { first: 0, last: 9 }, columns: { first: 0, last: 3 } });
  });

  test("other keys are not for it", () => {
    const key = { isControl: false, isExtended: false, page: 3, size };
    expect(moved(first, "h", key)).toBeNull();
    expect(moved(first, "ArrowDown", { ...key, isControl: true })).toBeNull();
  });
});
