import { cache } from '@cornerstonejs/core';
import { type Dataset, number, numbers, paletteOf, text } from './dataset';
import type { ImageRef } from './pack';

/** Colours that a grey image states for its highest stored values. */
export interface ColourMap {
  /** From this stored value on an image is coloured. */
  readonly first: number;
  /** For each value from there on, R, G, B and opacity as one word of a picture. */
  readonly words: Uint32Array;
}

const OPAQUE = 0xff_00_00_00;
const MODALITY_TABLE = '00283000';

/**
 * The supplemental palette of a grey image (PS3.3 C.7.6.19): perfusion maps and colour
 * flow are laid over grey anatomy by it. Null where there is none.
 */
export function colourMapOf(dataset: Dataset): ColourMap | null {
  if (text(dataset, '00280004') !== 'MONOCHROME2' || MODALITY_TABLE in dataset) {
    return null;
  }
  const tables = [1, 2, 3].map((channel) => {
    const descriptor = numbers(dataset, `0028110${channel}`);
    return { descriptor, table: paletteOf(dataset, `0028120${channel}`, descriptor) };
  });
  const length = Math.min(...tables.map(({ table }) => table?.length ?? 0));
  const first = tables[0]?.descriptor[1];
  if (length === 0 || first === undefined) return null;
  const words = new Uint32Array(length).fill(OPAQUE);
  tables.forEach(({ descriptor, table }, channel) => {
    const wide = descriptor[2] === 16;
    for (let n = 0; n < length; n += 1) {
      const level = wide ? (table?.[n] ?? 0) >> 8 : (table?.[n] ?? 0);
      words[n] = ((words[n] ?? 0) | ((level & 0xff) << (8 * channel))) >>> 0;
    }
  });
  return { first, words };
}

/**
 * The colours of an image, and nothing where it is grey.
 *
 * @param values after the image's own rescale, as `slope` and `intercept` say.
 * @returns one word (R, G, B, opacity) a pixel; null where no pixel is coloured.
 */
export function colourPixels(
  map: ColourMap,
  values: ArrayLike<number>,
  { slope, intercept }: { readonly slope: number; readonly intercept: number },
): Uint32Array | null {
  const last = map.words.length - 1;
  const lowest = map.first - 0.5;
  const picture = new Uint32Array(values.length);
  let coloured = false;
  for (let at = 0; at < values.length; at += 1) {
    const stored = ((values[at] ?? 0) - intercept) / slope;
    if (stored < lowest) continue;
    picture[at] = map.words[Math.min(last, Math.round(stored) - map.first)] ?? 0;
    coloured = true;
  }
  return coloured ? picture : null;
}

/** What `colourPixels` makes of a shown image; null when it has no colours. */
export function coloursOf({ dataset, imageId }: ImageRef): Uint32Array | null {
  const map = colourMapOf(dataset);
  const image = map ? cache.getImage(imageId) : undefined;
  if (!map || !image) return null;
  const scaled = image.preScale?.scaled === true;
  return colourPixels(map, image.getPixelData(), {
    slope: scaled ? number(dataset, '00281053') || 1 : 1,
    intercept: scaled ? (number(dataset, '00281052') ?? 0) : 0,
  });
}
