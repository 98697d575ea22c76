import { type GreyWindow, rangeOf } from '@/domain/windows';
import { readGrey } from './decode-pool';
import { firstRange, pictureOf, placeIn } from './grey';
import type { ImageRef } from './pack';
import type { GreyFrame } from './stored';
import { voiCurve } from './voi-curve';

/** A frame ready to be drawn, whatever the pane's size. */
export interface EarlyPicture {
  readonly image: ImageRef;
  readonly source: HTMLCanvasElement;
}

function sourceOf(
  image: ImageRef,
  frame: GreyFrame,
  window: GreyWindow | null,
): HTMLCanvasElement | null {
  // The room gives it the form of its own table.
  if (voiCurve(image.dataset)) return null;
  const range = window ? rangeOf(window) : firstRange(image.dataset, frame);
  if (!range) return null;
  const source = document.createElement('canvas');
  source.width = image.columns;
  source.height = image.rows;
  source
    .getContext('2d')
    ?.putImageData(pictureOf(image.dataset, frame, range, image.columns), 0, 0);
  return source;
}

/**
 * The frame as it is first seen; null when only the imaging library can draw it.
 *
 * @param hung the window that it hangs with, if that is not its own; asked last.
 */
export async function prepareEarly(
  image: ImageRef,
  hung: () => GreyWindow | null,
): Promise<EarlyPicture | null> {
  const frame = await readGrey(image);
  const source = frame ? sourceOf(image, frame, hung()) : null;
  return source ? { image, source } : null;
}

/** Draws the frame as Cornerstone will: as large as fits, linear between pixels. */
export function paintEarly(canvas: HTMLCanvasElement, picture: EarlyPicture): void {
  const dense = window.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  canvas.width = Math.round(clientWidth * dense);
  canvas.height = Math.round(clientHeight * dense);
  const pen = canvas.getContext('2d');
  if (!pen) return;
  const { image, source } = picture;
  const { x, y, width, height } = placeIn(canvas, image, image.spacing);
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = 'low';
  pen.drawImage(source, x, y, width, height);
}
