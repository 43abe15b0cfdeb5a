// The numbers a value was over the whole run: least and most of each part, what is past in full colour.

import { useEffect, useRef } from "preact/hooks";
import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import { brief, count } from "../lib/format";
import type { HistoryDrawing } from "../lib/protocol";
import type { Model } from "../model/model";
import { useAtom, useModel } from "./hooks";

export function HistoryChart() {
  const model = useModel();
  const drawing = useAtom(model.history.drawing);
  const theme = useAtom(model.settings.theme);
  const steps = useAtom(model.recording)?.steps ?? 0;
  const box = useRef<HTMLDivElement>(null);
  const hasNumbers = drawing?.numbers.some((numbers) => numbers > 0) ?? false;
  useEffect(() => {
    const element = box.current;
    if (!drawing || !hasNumbers || !element) return;
    const plot = createPlot(model, element, drawing, steps);
    const observer = new ResizeObserver(() => plot.setSize(sizeOf(element)));
    observer.observe(element);
    const end = model.player.settled.watch(() => plot.redraw(false, true));
    return () => {
      end();
      observer.disconnect();
      plot.destroy();
    };
  }, [drawing, hasNumbers, theme, steps, model]);
  if (!hasNumbers) return null;
  return <div ref={box} class="chart" role="img" aria-label="Its numbers over the whole run" />;
}

function sizeOf(element: HTMLElement) {
  return { width: element.clientWidth, height: element.clientHeight };
}

/** Points of the drawing: within a part first, least and most, last, so that no peak is lost. */
export function pointsOf(drawing: HistoryDrawing, steps: number): [number[], number[]] {
  const xs: number[] = [];
  const ys: number[] = [];
  const width = steps / drawing.changes.length;
  for (const [part, changes] of drawing.changes.entries()) {
    const values = [drawing.first[part], drawing.least[part], drawing.most[part], drawing.last[part]];
    if (changes === 0) continue;
    const known = values.filter((value): value is number => value !== null && value !== undefined);
    const shown = changes === 1 ? known.slice(0, 1) : known;
    for (const [index, value] of shown.entries()) {
      xs.push((part + (index + 0.5) / shown.length) * width);
      ys.push(value);
    }
  }
  return [xs, ys];
}

function createPlot(model: Model, element: HTMLElement, drawing: HistoryDrawing, steps: number): uPlot {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const points = pointsOf(drawing, steps);
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const axis = {
    stroke: colour("--faint"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  const options: uPlot.Options = {
    ...sizeOf(element),
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: false, range: [0, Math.max(1, steps)] } },
    axes: [
      { ...axis, size: 22, values: (_, values) => values.map(brief) },
      {
        ...axis,
        size: 48,
        values: (_, values) => values.map((value) => (Math.abs(value) < 1e4 ? String(value) : brief(value))),
      },
    ],
    series: [
      {},
      { stroke: colour("--now"), width: 1.5, points: { show: false }, ...(stepped ? { paths: stepped } : {}) },
    ],
    hooks: { draw: [(plot) => drawNow(plot, model.player.now.get()?.moment.step ?? 0, colour)] },
  };
  const plot = new uPlot(options, points, element);
  plot.over.addEventListener("click", () => {
    const step = Math.round(plot.posToVal(plot.cursor.left ?? 0, "x"));
    model.player.to({ step: Math.max(0, Math.min(steps - 1, step)), left: 0 });
  });
  plot.over.title = `Click to go there; ${count(points[0].length)} points`;
  return plot;
}

/** Veil the future, and draw a line where one is. */
function drawNow(plot: uPlot, step: number, colour: (name: string) => string) {
  const { ctx, bbox } = plot;
  const x = plot.valToPos(step, "x", true);
  ctx.save();
  ctx.globalAlpha = 0.62;
  ctx.fillStyle = colour("--panel");
  ctx.fillRect(x, bbox.top, bbox.left + bbox.width - x, bbox.height);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colour("--now");
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  drawValue(plot, step, colour("--now"));
  ctx.restore();
}

/** A dot on the value that the moment shows. */
function drawValue(plot: uPlot, step: number, colour: string) {
  const { ctx, data } = plot;
  const [xs, ys] = data;
  let last = -1;
  while (last + 1 < xs.length && (xs[last + 1] ?? 0) <= step) last++;
  const value = ys?.[last];
  if (value === null || value === undefined) return;
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.arc(plot.valToPos(step, "x", true), plot.valToPos(value, "y", true), 4 * devicePixelRatio, 0, 7);
  ctx.fill();
}
