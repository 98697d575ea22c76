import type { StackViewport } from '@cornerstonejs/core';
import { type Dataset, mayBeNegative, numbers, tableOf } from './dataset';
import { lookUp } from './stored';

/** As many steps as any screen shows, four times over. */
const MOST_POINTS = 1024;

const TABLE = '00283010';

/**
 * Grey (0 to 1) over the range of a VOI table, at even steps; null for images that state
 * a window, which then holds, or no table.
 */
export function voiCurve(dataset: Dataset): readonly number[] | null {
  if (!(TABLE in dataset) || numbers(dataset, '00281050').length > 0) return null;
  const table = tableOf(dataset, TABLE, mayBeNegative(dataset));
  if (!table || table.values.length < 2) return null;
  const last = table.values.length - 1;
  const points = Math.min(MOST_POINTS, table.values.length);
  const most = 2 ** table.bits - 1;
  return Array.from({ length: points }, (_, n) =>
    Math.min(1, lookUp(table, table.first + (n / (points - 1)) * last) / most),
  );
}

/** The part of vtk's transfer function that is used here. */
interface Transfer {
  getRange(): readonly number[];
  getRedValue(at: number): number;
  removeAllPoints(): void;
  addRGBPoint(at: number, red: number, green: number, blue: number): unknown;
}
interface Actor {
  getProperty(): { getRGBTransferFunction(channel: number): unknown };
}

const STRAIGHT: readonly number[] = [0, 1];
const shaped = new WeakMap<Transfer, readonly number[]>();
const curves = new WeakMap<Dataset, readonly number[] | null>();

function curveOf(dataset: Dataset): readonly number[] | null {
  const known = curves.get(dataset);
  if (known !== undefined) return known;
  const made = voiCurve(dataset);
  curves.set(dataset, made);
  return made;
}

/**
 * Gives the viewport's grey scale the form of the shown image's own table. Windowing
 * afterwards stretches and moves the form, as it does the straight line otherwise.
 *
 * @returns whether something changed that is to be drawn.
 */
export function shapeGreys(viewport: StackViewport, dataset: Dataset): boolean {
  const actor = viewport.getDefaultActor()?.actor as unknown as Actor | undefined;
  const transfer = actor?.getProperty().getRGBTransferFunction(0) as Transfer | null;
  if (!transfer) return false;
  const curve = curveOf(dataset) ?? STRAIGHT;
  const before = shaped.get(transfer) ?? STRAIGHT;
  if (before === curve) return false;
  const [low = 0, high = 1] = transfer.getRange();
  const inverted = transfer.getRedValue(low) > transfer.getRedValue(high);
  transfer.removeAllPoints();
  curve.forEach((grey, n) => {
    const shown = inverted ? 1 - grey : grey;
    const at = low + ((high - low) * n) / (curve.length - 1);
    transfer.addRGBPoint(at, shown, shown, shown);
  });
  shaped.set(transfer, curve);
  return true;
}
