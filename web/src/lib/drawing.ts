// When the page is drawn: at once, when what changes now has changed; but what an answer changes is
// drawn when all of it has. It is told to one part of the model after the other, by promises, and
// each would have the page drawn anew.

const first = new Set<() => void>();
const rest = new Set<() => void>();
const bell = new MessageChannel(); // rings when the promises that an answer settles have been followed
let isHeld = false;
let isWanted = false;

bell.port1.onmessage = () => drawNow();

/** An answer is here: draw when all that it changes has changed. */
export function drawTogether() {
  if (!isHeld) bell.port2.postMessage(null);
  isHeld = true;
}

/** Draw what waits. Before a key is acted on: what it acts on is what one sees. */
export function drawNow() {
  isHeld = isWanted = false;
  try {
    for (const wanted of [first, rest]) {
      for (const draw of wanted) {
        wanted.delete(draw);
        draw();
      }
    }
  } finally {
    if (first.size + rest.size > 0) wantDrawing(); // one failed: the others are drawn all the same
  }
}

function wantDrawing() {
  if (isWanted) return;
  isWanted = true;
  queueMicrotask(() => {
    isWanted = false;
    if (!isHeld) drawNow();
  });
}

/** Draw soon. However often it is asked for, it is done once. */
export function drawSoon(draw: () => void) {
  rest.add(draw);
  wantDrawing();
}

/** The same, before the page is changed: for what has to know where things are. */
export function drawFirst(draw: () => void) {
  first.add(draw);
  wantDrawing();
}
