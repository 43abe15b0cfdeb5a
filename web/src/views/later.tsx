// Parts of the window whose code is large and not needed at once.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Nothing, until the component's code has come. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let found: ComponentType<P> | null = null;
  return function Later(props: P) {
    const [, redraw] = useState(0);
    useEffect(() => {
      if (found) return;
      load().then((component) => {
        found = component;
        redraw(1);
      });
    }, []);
    const Found = found;
    return Found && <Found {...props} />;
  };
}
