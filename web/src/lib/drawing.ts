// When the page is drawn: once, behind all that one answer changes. An answer is told to one part of
// the model after the other, and each would have the page drawn anew.

const first = new Set<() => void>();
const rest = new Set<() => void>();
const bell = new MessageChannel(); // rings when the promises that an answer settles have been followed

bell.port1.onmessage = () => {
  try {
    for (const wanted of [first, rest]) {
      for (const draw of wanted) {
        wanted.delete(draw);
        draw();
      }
    }
  } finally {
    if (first.size + rest.size > 0) ring(); // one failed: the others are drawn all the same
  }
};

function ring() {
  bell.port2.postMessage(null);
}

function want(wanted: Set<() => void>, draw: () => void) {
  if (first.size + rest.size === 0) ring();
  wanted.add(draw);
}

/** Draw soon. However often it is asked for, it is done once. */
export function drawSoon(draw: () => void) {
  want(rest, draw);
}

/** The same, before the page is changed: for what has to know where things are. */
export function drawFirst(draw: () => void) {
  want(first, draw);
}
