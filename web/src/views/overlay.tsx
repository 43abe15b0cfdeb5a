// What lies over the window for a moment: Escape closes it, and the keyboard is back where it was.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useModel } from "./hooks";

export function Overlay({
  label,
  children,
  isWide = false,
}: {
  label: string;
  children: ComponentChildren;
  isWide?: boolean;
}) {
  const { tabs } = useModel();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`overlay ${isWide ? "wide" : ""}`}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        tabs.overlay.set("");
      }}
      onClick={(event) => event.target === event.currentTarget && tabs.overlay.set("")}
    >
      <div class="overlay-body">{children}</div>
    </dialog>
  );
}
