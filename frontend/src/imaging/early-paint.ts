import type { Affine } from '@/domain/geometry';
import { drawValues, straightTable, type Tones, type Values } from '@/domain/sampling';
import { type GreyRange, type GreyWindow, rangeOf } from '@/domain/windows';
import { type Dataset, text } from './dataset';
import { readEarly } from './decode-pool';
import { firstRange, placeIn } from './grey';
import type { ImageRef } from './pack';
import type { GreyFrame } from './stored';
import { below, paintStrips } from './strips';
import { voiCurve } from './voi-curve';

/**
 * A frame ready to be drawn, whatever the pane's size: its values and their greys. They
 * are no canvas: one of the frame's size is four bytes a pixel, here and where it is drawn.
 */
export interface EarlyPicture {
  readonly image: ImageRef;
  readonly values: Values;
  readonly tones: Tones;
}

/** Linear greys of a range; MONOCHROME1 is dark where it is high. */
export function greysOf(dataset: Dataset, { lower, upper }: GreyRange): Tones {
  const inverted = text(dataset, '00280004') === 'MONOCHROME1';
  const table = straightTable(inverted);
  return { table, low: lower, high: upper };
}

function pictureOf(
  image: ImageRef,
  frame: GreyFrame,
  window: GreyWindow | null,
): EarlyPicture | null {
  const { dataset, columns } = image;
  // The room gives it the form of its own table.
  if (voiCurve(dataset)) return null;
  const range = window ? rangeOf(window) : firstRange(dataset, frame);
  if (!range) return null;
  const { values: data } = frame;
  const values = { data, columns, rows: data.length / columns };
  return { image, values, tones: greysOf(dataset, range) };
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
  const frame = await readEarly(image);
  return frame ? pictureOf(image, frame, hung()) : null;
}

/** From the frame's columns and rows, whole at centres, to the canvas. */
function mapTo(canvas: HTMLCanvasElement, { image }: EarlyPicture): Affine {
  const { x, y, width, height } = placeIn(canvas, image, image.spacing);
  const [a, d] = [width / image.columns, height / image.rows];
  return { a, b: 0, c: 0, d, e: x + a / 2, f: y + d / 2 };
}

/** Draws the frame as the room will: as large as fits, linear between pixels. */
export function paintEarly(canvas: HTMLCanvasElement, picture: EarlyPicture): void {
  const dense = window.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  canvas.width = Math.round(clientWidth * dense);
  canvas.height = Math.round(clientHeight * dense);
  const pen = canvas.getContext('2d');
  if (!pen) return;
  const map = mapTo(canvas, picture);
  const { values, tones } = picture;
  paintStrips(pen, (screen, top) => drawValues(screen, values, below(map, top), tones));
}
