// Parts of the window whose code is large and not needed at once.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "./panel";

/** Nothing, until the component's code has come. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let found: ComponentType<P> | null = null;
  return function Later(props: P) {
    const [state, setState] = useState<"waits" | "came" | "failed">("waits");
    useEffect(() => {
      if (found) return;
      load().then(
        (component) => {
          found = component;
          setState("came");
        },
        () => setState("failed"),
      );
    }, []);
    const Found = found;
    if (Found) return <Found {...props} />;
    // A browser may remember that the code did not come: only a new page asks again.
    return (
      state === "failed" && <Failure text="This part of the window did not come." retry={() => location.reload()} />
    );
  };
}
