import type { Affine } from '@/domain/geometry';
import type { Screen } from '@/domain/sampling';

/**
 * Draws a part of a canvas.
 *
 * @param screen as wide as the canvas; its rows are those from `top` on.
 */
export type Painter = (screen: Screen, top: number) => void;

/** Bytes that are drawn at once. */
const MOST_BYTES = 512 * 1024;

/** Rows of a strip: as few strips as fit, all of a height, for each is drawn whole. */
export function rowsOfStrip(width: number, height: number): number {
  const fit = Math.max(1, Math.floor(MOST_BYTES / (4 * width)));
  return Math.ceil(height / Math.ceil(height / fit));
}

/** What was drawn last, of whatever canvas: those of one width use the same memory. */
let scratch: ImageData | null = null;

function scratchOf(width: number, height: number): ImageData {
  if (scratch?.width !== width || scratch.height !== height) {
    scratch = new ImageData(width, height);
  }
  return scratch;
}

/**
 * Has a canvas painted strip by strip. As one picture it would lie in memory twice more:
 * here, and on its way to what shows it, which keeps room for the largest that ever came.
 *
 * @param whole for painters that begin with work that does not depend on the rows.
 */
export function paintStrips(
  pen: CanvasRenderingContext2D,
  paint: Painter,
  whole = false,
): void {
  const { width, height } = pen.canvas;
  if (width < 1 || height < 1) return;
  const rows = whole ? height : rowsOfStrip(width, height);
  const strip = scratchOf(width, rows);
  const screen = { pixels: new Uint32Array(strip.data.buffer), width, height: rows };
  for (let top = 0; top < height; top += rows) {
    paint(screen, top);
    // Of the last one, what lies beyond the canvas is left out.
    pen.putImageData(strip, 0, top);
  }
}

/** A map to the canvas as one to the screen whose first row is the canvas's row `top`. */
export const below = (map: Affine, top: number): Affine => ({ ...map, f: map.f - top });
