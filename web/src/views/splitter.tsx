// A bar between two panels, to be dragged or moved with the arrow keys.

import type { TargetedPointerEvent } from "preact";
import { useModel } from "./hooks";

interface SplitterProps {
  name: string; // of the size it changes
  label: string;
  isVertical: boolean; // it stands upright, and moves sideways
  size: number;
  least: number;
  most: number;
  first: number; // the size of one who has never moved it
  /** The panel is behind the bar: it grows when the bar moves back. */
  isBehind?: boolean;
}

export function Splitter(props: SplitterProps) {
  const { name, label, isVertical, size, least, most, first, isBehind = false } = props;
  const { sizes } = useModel().settings;
  const set = (wanted: number) => {
    sizes.set({ ...sizes.get(), [name]: Math.round(Math.max(least, Math.min(most, wanted))) });
  };
  const down = (event: TargetedPointerEvent<HTMLDivElement>) => {
    const bar = event.currentTarget;
    const start = isVertical ? event.clientX : event.clientY;
    bar.setPointerCapture(event.pointerId);
    const drag = (moved: PointerEvent) => {
      const by = (isVertical ? moved.clientX : moved.clientY) - start;
      set(size + (isBehind ? -by : by));
    };
    const up = () => {
      bar.removeEventListener("pointermove", drag);
      bar.removeEventListener("pointerup", up);
    };
    bar.addEventListener("pointermove", drag);
    bar.addEventListener("pointerup", up);
    event.preventDefault();
  };
  const key = (event: KeyboardEvent) => {
    const back = isVertical ? "ArrowLeft" : "ArrowUp";
    const forth = isVertical ? "ArrowRight" : "ArrowDown";
    if (event.key !== back && event.key !== forth) return;
    event.preventDefault();
    set(size + (event.key === forth ? 16 : -16) * (isBehind ? -1 : 1));
  };
  return (
    <div
      class={`splitter ${isVertical ? "upright" : "level"}`}
      role="separator"
      aria-label={label}
      aria-orientation={isVertical ? "vertical" : "horizontal"}
      aria-valuenow={Math.round(size)}
      aria-valuemin={least}
      aria-valuemax={Math.max(least, Math.round(most))}
      tabIndex={0}
      onPointerDown={down}
      onDblClick={() => set(first)}
      onKeyDown={key}
    />
  );
}
