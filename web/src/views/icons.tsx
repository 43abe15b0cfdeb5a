// The pictures of the controls. A mirrored control has the mirrored picture.

import type { ComponentChildren } from "preact";

const PATHS: Record<string, ComponentChildren> = {
  start: <path class="solid" d="M4 3v10M13 3 6 8l7 5z" />,
  continue: <path class="solid" d="m2 3 6 5-6 5zM8 3l6 5-6 5z" />,
  out: <path d="M8 13V4M4 8l4-4 4 4M3 15h10" />,
  into: <path d="M8 2v9M4 7l4 4 4-4M3 14h10" />,
  over: (
    <>
      <path d="M3 10a5 5 0 0 1 9-3M12 3v4H8" />
      <circle class="solid" cx="8" cy="12.5" r="1.4" />
    </>
  ),
  end: <path class="solid" d="M12 3v10M3 3l7 5-7 5z" />,
  history: <path d="M2 11l4-5 3 3 5-6M2 14h12" />,
  copy: <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />,
  watch: (
    <>
      <path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z" />
      <circle cx="8" cy="8" r="1.8" />
    </>
  ),
  close: <path d="m4 4 8 8m0-8-8 8" />,
  table: <path d="M2.5 3.5h11v9h-11zM2.5 6.5h11M2.5 9.5h11M6.5 3.5v9" />,
  theme: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path class="solid" d="M8 2.5a5.5 5.5 0 0 1 0 11z" />
    </>
  ),
  keys: <path d="M1.5 4.5h13v8h-13zM4 7h.1M6.6 7h.1M9.2 7h.1M11.8 7h.1M4.5 10h7" />,
  list: <path d="M3 4.5h10M3 8h10M3 11.5h10" />,
  find: (
    <>
      <circle cx="7" cy="7" r="4" />
      <path d="m10 10 4 4" />
    </>
  ),
};

export function Icon({ name, isMirrored = false }: { name: string; isMirrored?: boolean }) {
  return (
    <svg class={`icon ${isMirrored ? "mirrored" : ""}`} width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      {PATHS[name]}
    </svg>
  );
}
