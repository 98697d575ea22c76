/**
 * A gate before all heavy work of a study: the room's code, the imaging library, the
 * graphics card. It is shut while the first image is on its way to the screen, which
 * takes much less, and opened once that is there or cannot be.
 */
let open: () => void = () => undefined;
let gate: Promise<void> = Promise.resolve();

/** Shuts the gate; answers how to open it. Opening an earlier one changes nothing. */
export function holdForPaint(patienceMs: number): () => void {
  open();
  let timer: ReturnType<typeof setTimeout> | undefined;
  gate = new Promise((resolve) => {
    open = resolve;
    timer = setTimeout(resolve, patienceMs);
  });
  const mine = open;
  return () => {
    clearTimeout(timer);
    mine();
  };
}

/** When heavy work may begin. */
export function afterFirstPaint(): Promise<void> {
  return gate;
}

/** What was drawn just now is on the screen. */
export function onScreen(): Promise<void> {
  return new Promise((resolve) => {
    // The frame after it has begun: the one with it has left for the screen.
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)));
  });
}
