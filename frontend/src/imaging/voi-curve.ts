import { SIGMOID_GREYS, type VoiFunction } from '@/domain/windows';
import { type Dataset, mayBeNegative, numbers, tableOf, text } from './dataset';
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

/** The function that an image states for its windows. */
export function voiFunction(dataset: Dataset): VoiFunction {
  const stated = text(dataset, '00281056');
  return stated === 'SIGMOID' || stated === 'LINEAR_EXACT' ? stated : 'LINEAR';
}

/** The part of vtk's transfer function that is used here. */
interface Transfer {
  getSize(): number;
  getRange(): readonly number[];
  getRedValue(at: number): number;
  removeAllPoints(): void;
  addRGBPoint(at: number, red: number, green: number, blue: number): unknown;
}
interface Actor {
  getProperty(): { getRGBTransferFunction(channel: number): unknown };
}

/** A part of the range (0 to 1), and its grey (0 to 1). */
type Node = readonly [number, number];

/** A quarter of a screen's grey level. */
const FINE = 1 / 1020;

/** How far a line from one step to another is from the steps between, and where most. */
function farthest(greys: readonly number[], from: number, to: number) {
  const [first = 0, last = 0] = [greys[from], greys[to]];
  let most = { off: 0, at: from };
  for (let n = from + 1; n < to; n += 1) {
    const line = first + ((last - first) * (n - from)) / (to - from);
    const off = Math.abs((greys[n] ?? 0) - line);
    if (off > most.off) most = { off, at: n };
  }
  return most;
}

/**
 * As few nodes as give all steps to a quarter of a grey level (Ramer, Douglas and
 * Peucker's way): vtk sorts and copies all nodes for each one that it is given.
 */
function nodesOf(greys: readonly number[]): readonly Node[] {
  const end = greys.length - 1;
  const kept = new Set([0, end]);
  const open: (readonly [number, number])[] = [[0, end]];
  for (let part = open.pop(); part; part = open.pop()) {
    const [from, to] = part;
    const { off, at } = farthest(greys, from, to);
    if (off <= FINE) continue;
    kept.add(at);
    open.push([from, at], [at, to]);
  }
  return [...kept].sort((a, b) => a - b).map((n) => [n / end, greys[n] ?? 0]);
}

const STRAIGHT: readonly Node[] = [
  [0, 0],
  [1, 1],
];
const shaped = new WeakMap<Transfer, readonly Node[]>();

const nodesFor = new WeakMap<readonly number[], readonly Node[]>();

function knownNodes(greys: readonly number[]): readonly Node[] {
  const known = nodesFor.get(greys);
  if (known) return known;
  const made = nodesOf(greys);
  nodesFor.set(greys, made);
  return made;
}

/** What a transfer function has now; Cornerstone gives it two points anew at a reset. */
function nodesIn(transfer: Transfer): readonly Node[] {
  const nodes = shaped.get(transfer) ?? STRAIGHT;
  return nodes.length === transfer.getSize() ? nodes : STRAIGHT;
}

/**
 * Gives a viewport's grey scale a form. Windowing afterwards stretches and moves the
 * form, as it does the straight line otherwise.
 *
 * @param greys Grey (0 to 1) at even steps of the range; null for the straight line.
 * @returns whether something changed that is to be drawn.
 */
export function shapeGreys(
  viewport: { getDefaultActor(): { actor: unknown } | undefined },
  greys: readonly number[] | null,
): boolean {
  const actor = viewport.getDefaultActor()?.actor as Actor | undefined;
  const transfer = actor?.getProperty().getRGBTransferFunction(0) as Transfer | null;
  if (!transfer) return false;
  const nodes = greys ? knownNodes(greys) : STRAIGHT;
  if (nodesIn(transfer) === nodes) return false;
  const [low = 0, high = 1] = transfer.getRange();
  const inverted = transfer.getRedValue(low) > transfer.getRedValue(high);
  transfer.removeAllPoints();
  for (const [part, grey] of nodes) {
    const shown = inverted ? 1 - grey : grey;
    transfer.addRGBPoint(low + (high - low) * part, shown, shown, shown);
  }
  shaped.set(transfer, nodes);
  return true;
}

const curves = new WeakMap<Dataset, readonly number[] | null>();

/** `voiCurve`, computed once for each image. */
export function curveOf(dataset: Dataset): readonly number[] | null {
  const known = curves.get(dataset);
  if (known !== undefined) return known;
  const made = voiCurve(dataset);
  curves.set(dataset, made);
  return made;
}

/** How the planes through a series become grey. */
export interface Tones {
  readonly by: VoiFunction;
  /** The form of the grey scale over the window; null for a straight line. */
  readonly greys: readonly number[] | null;
  /** Low values are bright. */
  readonly inverted: boolean;
  /** Not all images state the same; the planes take it from the one in the middle. */
  readonly differ: boolean;
}

const sameGreys = (a: readonly number[] | null, b: readonly number[] | null) =>
  a === b || (a?.length === b?.length && a?.every((grey, n) => grey === b?.[n]) === true);

/** MONOCHROME1 stores bright as low: drawing it inverted is drawing it as meant. */
export const storedInverted = (dataset: Dataset) =>
  text(dataset, '00280004') === 'MONOCHROME1';

/** The tones of planes through images: those of the one in the middle. */
export function tonesOf(images: readonly { readonly dataset: Dataset }[]): Tones {
  const middle = images[images.length >> 1]?.dataset ?? {};
  const table = curveOf(middle);
  const by = table ? 'LINEAR' : voiFunction(middle);
  const differ = images.some(
    ({ dataset }) =>
      !sameGreys(curveOf(dataset), table) ||
      (table === null && voiFunction(dataset) !== by),
  );
  return {
    by,
    greys: by === 'SIGMOID' ? SIGMOID_GREYS : table,
    inverted: storedInverted(middle),
    differ,
  };
}
