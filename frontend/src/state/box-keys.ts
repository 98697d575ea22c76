type Handler = (stroke: string) => boolean;

let handler: Handler | null = null;

/** While a box is being drawn its strokes go before the commands'. */
export function registerBoxKeys(take: Handler): () => void {
  handler = take;
  return () => {
    if (handler === take) handler = null;
  };
}

/** Whether a box that is being drawn took the stroke. */
export function boxTakes(stroke: string): boolean {
  return handler?.(stroke) ?? false;
}
