// Parts of the window whose code is large and not needed at once.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Link } from "../model/link";
import { useModel } from "./hooks";
import { Failure } from "./panel";

const PATIENCE = 500; // milliseconds that it lets others go first

/** In its place, until the component's code has come: what there is meanwhile. */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
  Meanwhile: ComponentType<P> | null = null,
): ComponentType<P> {
  let found: ComponentType<P> | null = null;
  return function Later(props: P) {
    const { link } = useModel();
    const [state, setState] = useState<"waits" | "came" | "failed">("waits");
    useEffect(() => {
      if (found) return;
      rest(link)
        .then(load)
        .then(
          (component) => {
            found = component;
            setState("came");
          },
          () => setState("failed"),
        );
    }, []);
    const Found = found ?? Meanwhile;
    // A browser may remember that the code did not come: only a new page asks again.
    if (state === "failed")
      return <Failure text="This part of the window did not come." retry={() => location.reload()} />;
    return Found && <Found {...props} />;
  };
}

/** Until the page has been drawn, and what was asked for has come. */
async function rest({ running }: Link): Promise<void> {
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  await new Promise<void>((resolve) => {
    let end = () => {};
    const look = () => {
      if (running.get() > 0) return;
      end();
      resolve();
    };
    end = running.watch(look);
    look();
    setTimeout(resolve, PATIENCE);
  });
}
