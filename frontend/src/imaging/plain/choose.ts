import { getRenderingCapabilities } from '@cornerstonejs/core';

/** For trying out the other way on one machine: `card` or `processor`. */
const CHOICE = 'overread.drawing';

function chosen(): string | null {
  try {
    return window.localStorage.getItem(CHOICE);
  } catch {
    return null;
  }
}

/** Whether this machine has no graphics card for us: where one is emulated, slowly. */
export function noGraphicsCard(): boolean {
  const { webgl2, softwareRasterizer } = getRenderingCapabilities();
  return !webgl2 || softwareRasterizer;
}

/**
 * Whether the processor draws stacks and planes. A graphics card does it better; but
 * where there is none, the browser emulates one, and drawing without it is many times
 * faster than through it.
 */
export function processorDraws(): boolean {
  const choice = chosen();
  return choice === null ? noGraphicsCard() : choice === 'processor';
}
