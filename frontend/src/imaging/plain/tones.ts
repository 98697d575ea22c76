import { straightTable, type Tones } from '@/domain/sampling';

/** The part of vtk's transfer function that is used here. */
export interface Transfer {
  getMTime(): number;
  getRange(): readonly number[];
  getSize(): number;
  /** Writes place, red, green, blue, midpoint and sharpness of a node. */
  getNodeValue(at: number, into: number[]): unknown;
  getColorSpace(): number;
  getTable(low: number, high: number, size: number, into: Float32Array): void;
}

/** Finer than a screen's 256 steps, so that no step of the window is lost. */
const STEPS = 4096;
/** vtk's number of the colour space in which it goes straight from node to node. */
const RGB = 0;

/** Keeps the colours of a transfer function until it changes. */
export class TonesOf {
  #of: Transfer | null = null;
  #at = -1;
  #tones: Tones | null = null;

  tones(transfer: Transfer): Tones {
    const at = transfer.getMTime();
    if (this.#tones && this.#of === transfer && this.#at === at) return this.#tones;
    this.#of = transfer;
    this.#at = at;
    this.#tones = tonesOf(transfer);
    return this.#tones;
  }
}

/** Of a straight line between black and white, whether it falls; null for all else. */
function straight(transfer: Transfer): { readonly inverted: boolean } | null {
  if (transfer.getSize() !== 2 || transfer.getColorSpace() !== RGB) return null;
  const ends = [0, 1].map((at) => {
    const node: number[] = [];
    transfer.getNodeValue(at, node);
    return node.slice(1).join(' ');
  });
  const [black, white] = ['0 0 0 0.5 0', '1 1 1 0.5 0'];
  if (ends[0] === black && ends[1] === white) return { inverted: false };
  return ends[0] === white && ends[1] === black ? { inverted: true } : null;
}

/**
 * The colours of a transfer function. vtk's own way to a table makes half a megabyte of
 * rubbish, and each image with a window of its own asks for one; most need none of it.
 */
export function tonesOf(transfer: Transfer): Tones {
  const [low = 0, high = 1] = transfer.getRange();
  const line = straight(transfer);
  if (line) return { table: straightTable(line.inverted), low, high };
  const rgb = new Float32Array(STEPS * 3);
  transfer.getTable(low, high, STEPS, rgb);
  const byte = (n: number) => Math.round(Math.min(1, Math.max(0, rgb[n] ?? 0)) * 255);
  const table = new Uint32Array(STEPS);
  for (let n = 0; n < STEPS; n += 1) {
    const at = n * 3;
    table[n] =
      ((255 << 24) | (byte(at + 2) << 16) | (byte(at + 1) << 8) | byte(at)) >>> 0;
  }
  return { table, low, high };
}
