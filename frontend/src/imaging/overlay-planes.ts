import { type Dataset, number, text } from './dataset';

/** Words and lines that a machine laid over an image, beside its pixels (PS3.3 C.9.2). */
export interface OverlayPlane {
  readonly rows: number;
  readonly columns: number;
  /** Where its upper left pixel lies on the image, image space. */
  readonly left: number;
  readonly top: number;
  readonly label: string;
  /** One byte a pixel, 0 or 1, row by row. */
  readonly pixels: Uint8Array;
}

const GROUPS = Array.from({ length: 16 }, (_, n) => (0x6000 + 2 * n).toString(16));

function unpack(bytes: Uint8Array, from: number, count: number): Uint8Array | null {
  if (bytes.length * 8 < from + count) return null;
  const pixels = new Uint8Array(count);
  for (let i = 0; i < count; i += 1) {
    const bit = from + i;
    pixels[i] = ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1;
  }
  return pixels;
}

/** Bits that start one frame's plane; null when the overlay is not of that frame. */
function startOf(dataset: Dataset, group: string, frame: number, size: number) {
  const frames = number(dataset, `${group}0015`);
  if (frames === null) return 0;
  const place = frame - (number(dataset, `${group}0051`) ?? 1);
  return place >= 0 && place < frames ? place * size : null;
}

function planeOf(dataset: Dataset, group: string, frame: number): OverlayPlane | null {
  const encoded = dataset[`${group}3000`]?.InlineBinary;
  const rows = number(dataset, `${group}0010`);
  const columns = number(dataset, `${group}0011`);
  if (encoded === undefined || !rows || !columns) return null;
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const start = startOf(dataset, group, frame, rows * columns);
  const pixels = start === null ? null : unpack(bytes, start, rows * columns);
  if (!pixels) return null;
  const [row, column] = (dataset[`${group}0050`]?.Value ?? [1, 1]).map(Number);
  return {
    rows,
    columns,
    left: (column ?? 1) - 1,
    top: (row ?? 1) - 1,
    label: text(dataset, `${group}1500`) || text(dataset, `${group}0022`),
    pixels,
  };
}

/** The overlays of one frame (1-based) that hold anything. */
export function overlaysOf(dataset: Dataset, frame: number): readonly OverlayPlane[] {
  return GROUPS.flatMap((group) => {
    if (!(`${group}3000` in dataset)) return [];
    const plane = planeOf(dataset, group, frame);
    return plane?.pixels.includes(1) ? [plane] : [];
  });
}
