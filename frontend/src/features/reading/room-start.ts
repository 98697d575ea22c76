let start: () => void = () => undefined;

const allowed = new Promise<void>((resolve) => {
  start = resolve;
});

/**
 * The room's code is large: to run it takes longer than to draw the first image. It
 * runs once that is drawn, or cannot be.
 */
export function roomMayStart(): void {
  start();
}

export async function importRoom() {
  await allowed;
  const module = await import('./reading-room');
  return { default: module.ReadingRoom };
}
