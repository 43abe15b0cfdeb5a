// Under a loop's header: which turn this is, a slider over all of them, and the shape of what it computes.

import type { TargetedEvent } from "preact";
import type { Shape } from "../lib/flow_view";
import { count } from "../lib/format";
import { useAtom, useModel } from "./hooks";

export function LoopBar({ line }: { line: number }) {
  const { flow, player } = useModel();
  const state = useAtom(flow.state);
  const loop = state?.loops.find((candidate) => candidate.registeredLine === line);
  if (!state || !loop) return null;
  const { iteration } = loop;
  const iterations = loop.iterations ?? 0;
  const call = state.call.key;
  const go = (index: number) => {
    if (Number.isFinite(index) && index >= 0 && index < iterations) {
      player.go({ move: "visit", call, line, index }, `turn ${call} ${line}`);
    }
  };
  const type = (event: TargetedEvent<HTMLInputElement>) => go(Number(event.currentTarget.value) - 1);
  const done = Math.min(1, Math.max(0, iteration) / Math.max(1, iterations - 1));
  const shape = state.shapes.get(line);
  return (
    <div class="loop" role="group" aria-label={`Loop on line ${line}`}>
      <button
        type="button"
        disabled={iteration <= 0}
        aria-label={`Previous turn, line ${line}`}
        onClick={() => go(iteration - 1)}
      >
        ‹
      </button>
      <label>
        turn{" "}
        <input
          type="text"
          inputMode="numeric"
          size={Math.max(3, String(iterations).length)}
          value={iteration < 0 ? "–" : iteration < iterations ? iteration + 1 : "end"}
          onChange={type}
          aria-label={`Turn, of ${iterations}, line ${line}`}
        />
      </label>
      <span>of {count(iterations)}</span>
      <button
        type="button"
        disabled={iteration >= iterations - 1}
        aria-label={`Next turn, line ${line}`}
        onClick={() => go(iteration + 1)}
      >
        ›
      </button>
      <input
        type="range"
        min={1}
        max={iterations}
        value={Math.min(iterations, Math.max(1, iteration + 1))}
        style={{ "--done": `${done * 100}%` }}
        onInput={type}
        aria-label={`Turn, line ${line}`}
        aria-valuetext={`turn ${iteration + 1} of ${iterations}`}
      />
      {shape && <Sparkline shape={shape} step={state.step} />}
    </div>
  );
}

const WIDTH = 120;
const HEIGHT = 20;

/** The past in full, the future pale, a dot where one is. */
function Sparkline({ shape, step }: { shape: Shape; step: number }) {
  const { points, name } = shape;
  const values = points.map((point) => point.value);
  const least = Math.min(...values);
  const span = Math.max(...values) - least || 1;
  const x = (index: number) => 3 + (index * (WIDTH - 6)) / Math.max(1, points.length - 1);
  const y = (value: number) => HEIGHT - 3 - ((value - least) * (HEIGHT - 6)) / span;
  const path = (from: number, to: number) =>
    points
      .slice(from, to)
      .map((point, index) => `${index === 0 ? "M" : "L"}${x(from + index).toFixed(1)} ${y(point.value).toFixed(1)}`)
      .join("");
  const passed = points.filter((point) => point.step < step).length;
  const last = points[passed - 1];
  return (
    <span class="shape" title={`${name}, turn by turn`}>
      <svg width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        <path class="future" d={path(Math.max(0, passed - 1), points.length)} />
        <path d={path(0, passed)} />
        {last && <circle cx={x(passed - 1)} cy={y(last.value)} r="3" />}
      </svg>
      {name}
    </span>
  );
}
