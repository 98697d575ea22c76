import type { ForeignItem, Place, SegmentFrame, Sight, ValueMap } from './foreign';
import { sightOfPlace } from './foreign';
import { imageToPatient, type Vector } from './geometry';
import { cross, type Grid, type View, worldOf } from './volume';

/**
 * Others' parametric maps: their values on the images of a stack and in the planes of a
 * volume, wherever their own grid lies; and the colours that stand for them.
 */

/** The places that values are wanted at: a lattice of points in the patient, mm. */
export interface Target {
  /** The centre of its first pixel. */
  readonly origin: Vector;
  /** From a pixel's centre to the next one's, to the right and down. */
  readonly right: Vector;
  readonly down: Vector;
  readonly columns: number;
  readonly rows: number;
}

/** Values row by row; NaN where the map has none. */
export interface Values {
  readonly columns: number;
  readonly rows: number;
  readonly values: Float32Array;
  /** Pixels of the image that one value stands for, in each direction. */
  readonly step: number;
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const times = (a: Vector, by: number): Vector => [a[0] * by, a[1] * by, a[2] * by];
const plus = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const vector = (v: readonly number[]): Vector => [v[0] ?? 0, v[1] ?? 0, v[2] ?? 0];

/** Two frames look the same way within this (1 − cosine). */
const SAME = 1e-4;
/** Half of a lone frame's thickness where nothing tells it, mm. */
const LONE_HALF = 0.5;
/** Frames further apart than so many usual distances have a gap between them. */
const GAP = 1.5;
/** Values are computed at no more places than this at once. */
const MOST_PLACES = 600_000;

/** A frame with a place, and its height along its block's normal. */
interface Layer {
  readonly place: number;
  readonly frame: SegmentFrame;
  readonly origin: Vector;
  readonly height: number;
}

/** Frames that are parallel, in the order of their heights. */
interface Block {
  readonly normal: Vector;
  readonly layers: readonly Layer[];
  /** Usual distance of neighbours, mm; 0: there is one frame only. */
  readonly gap: number;
}

function blocksOf({ frames }: ValueMap): readonly Block[] {
  const blocks: { normal: Vector; along: Vector; layers: Layer[] }[] = [];
  for (const [place, frame] of frames.entries()) {
    if (!frame.origin) continue;
    const along = vector(frame.row);
    const normal = cross(along, vector(frame.column));
    let block = blocks.find(
      (one) =>
        1 - Math.abs(dot(one.normal, normal)) < SAME &&
        1 - Math.abs(dot(one.along, along)) < SAME,
    );
    if (!block) {
      block = { normal, along, layers: [] };
      blocks.push(block);
    }
    const origin = vector(frame.origin);
    block.layers.push({ place, frame, origin, height: dot(origin, block.normal) });
  }
  return blocks.map(({ normal, layers }) => {
    layers.sort((p, q) => p.height - q.height);
    const gaps = layers
      .slice(1)
      .map(({ height }, k) => height - (layers[k]?.height ?? 0))
      .filter((gap) => gap > 0.01)
      .sort((p, q) => p - q);
    return { normal, layers, gap: gaps[gaps.length >> 1] ?? 0 };
  });
}

/** A layer's pixels at a lattice: index of column and row as a function of (i, j). */
interface Lay {
  readonly at: number;
  readonly u: readonly [number, number, number];
  readonly v: readonly [number, number, number];
}

function layOf({ frame, origin, place }: Layer, target: Target): Lay {
  const along = (axis: Vector, spacing: number) =>
    [
      dot(minus(target.origin, origin), axis) / spacing,
      dot(target.right, axis) / spacing,
      dot(target.down, axis) / spacing,
    ] as const;
  return {
    at: place,
    u: along(vector(frame.row), frame.column_spacing),
    v: along(vector(frame.column), frame.row_spacing),
  };
}

/** Reads a map between its pixels and frames. */
class Reader {
  #sum = 0;
  #weight = 0;
  readonly #values: Float32Array;
  readonly #columns: number;
  readonly #rows: number;

  constructor(values: Float32Array, columns: number, rows: number) {
    this.#values = values;
    this.#columns = columns;
    this.#rows = rows;
  }

  /** The value of a lattice's pixel between two layers; NaN where there is none. */
  read(
    lays: readonly Lay[],
    [first, second, part]: readonly [number, number, number],
    i: number,
    j: number,
  ): number {
    this.#sum = 0;
    this.#weight = 0;
    const [one, other] = [lays[first], lays[second]];
    if (one) this.#add(one, i, j, 1 - part);
    if (other && part > 0) this.#add(other, i, j, part);
    // At least half of what is around must be known.
    return this.#weight >= 0.5 - 1e-6 ? this.#sum / this.#weight : Number.NaN;
  }

  #add({ at, u, v }: Lay, i: number, j: number, part: number): void {
    const x = u[0] + u[1] * i + u[2] * j;
    const y = v[0] + v[1] * i + v[2] * j;
    const [columns, rows] = [this.#columns, this.#rows];
    // A pixel reaches half its size to each side of its centre.
    if (!(x >= -0.5 && y >= -0.5 && x <= columns - 0.5 && y <= rows - 0.5)) return;
    const [inX, inY] = [
      Math.min(columns - 1, Math.max(0, x)),
      Math.min(rows - 1, Math.max(0, y)),
    ];
    const [left, top] = [Math.floor(inX), Math.floor(inY)];
    const [fx, fy] = [inX - left, inY - top];
    const first = (at * rows + top) * columns + left;
    const below = top + 1 < rows ? columns : 0;
    const beside = left + 1 < columns ? 1 : 0;
    this.#take(first, (1 - fx) * (1 - fy) * part);
    this.#take(first + beside, fx * (1 - fy) * part);
    this.#take(first + below, (1 - fx) * fy * part);
    this.#take(first + below + beside, fx * fy * part);
  }

  #take(place: number, weight: number): void {
    const value = this.#values[place] ?? Number.NaN;
    if (weight === 0 || Number.isNaN(value)) return;
    this.#sum += value * weight;
    this.#weight += weight;
  }
}

/** The layer at or below a height; -1: it is lower than all. */
function layerBelow(layers: readonly Layer[], height: number): number {
  let [low, high] = [0, layers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((layers[middle]?.height ?? 0) <= height) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The two layers that a height lies between, and how far it is from the first. */
function between(
  { layers, gap }: Block,
  height: number,
  half: number,
): readonly [number, number, number] | null {
  const below = layerBelow(layers, height + 1e-6);
  const lower = layers[below];
  const upper = layers[below + 1];
  const reach = Math.max(gap / 2, half) + 1e-6;
  const near = (one: Layer | undefined) =>
    one !== undefined && Math.abs(one.height - height) <= reach;
  if (lower && upper && upper.height - lower.height <= Math.max(gap * GAP, 1e-6)) {
    const part = (height - lower.height) / (upper.height - lower.height);
    return [below, below + 1, Math.min(1, Math.max(0, part))];
  }
  const [toLower, toUpper] = [near(lower), near(upper)];
  if (toLower && toUpper && lower && upper) {
    const first = height - lower.height <= upper.height - height;
    return first ? [below, below, 0] : [below + 1, below + 1, 0];
  }
  if (toLower) return [below, below, 0];
  return toUpper ? [below + 1, below + 1, 0] : null;
}

/**
 * A map's values at the pixels of a lattice, linear between the map's own pixels and
 * frames. Half a frame's distance beyond its ends the outermost frame still holds.
 *
 * @param values [frame][row][column], NaN where there is none.
 * @param half of the slice that the lattice stands for, mm.
 * @returns row by row; NaN where the map has none; null where it has none at all.
 */
export function valuesAt(
  map: ValueMap,
  values: Float32Array,
  target: Target,
  half = LONE_HALF,
): Float32Array | null {
  const found = new Float32Array(target.columns * target.rows).fill(Number.NaN);
  const reader = new Reader(values, map.columns, map.rows);
  for (const block of blocksOf(map)) fill(found, block, reader, target, half);
  return found.every(Number.isNaN) ? null : found;
}

/** Writes what a block has, where nothing is written yet. */
function fill(
  found: Float32Array,
  block: Block,
  reader: Reader,
  target: Target,
  half: number,
): void {
  const { columns, rows } = target;
  const lays = block.layers.map((layer) => layOf(layer, target));
  const heightAt = heightsOf(block, target);
  const flat = heightAt(1, 0) === heightAt(0, 1) && heightAt(1, 0) === heightAt(0, 0);
  const all = flat ? between(block, heightAt(0, 0), half) : null;
  if (flat && !all) return;
  for (let at = 0; at < columns * rows; at += 1) {
    if (!Number.isNaN(found[at])) continue;
    const i = at % columns;
    const j = (at - i) / columns;
    const layers = all ?? between(block, heightAt(i, j), half);
    if (layers) found[at] = reader.read(lays, layers, i, j);
  }
}

/** Heights of a lattice's pixels along a block's normal, mm; level to a nanometre. */
function heightsOf({ normal }: Block, { origin, right, down }: Target) {
  const from = dot(origin, normal);
  const level = (n: number) => (Math.abs(n) < 1e-6 ? 0 : n);
  const [across, below] = [level(dot(right, normal)), level(dot(down, normal))];
  return (i: number, j: number) => from + across * i + below * j;
}

/** A lattice of every so many pixels, so that no more than can be computed are asked. */
function coarser(target: Target): { readonly target: Target; readonly step: number } {
  const step = Math.max(
    1,
    Math.ceil(Math.sqrt((target.columns * target.rows) / MOST_PLACES)),
  );
  if (step === 1) return { target, step };
  const aside = (step - 1) / 2;
  return {
    step,
    target: {
      origin: plus(
        target.origin,
        plus(times(target.right, aside), times(target.down, aside)),
      ),
      right: times(target.right, step),
      down: times(target.down, step),
      columns: Math.ceil(target.columns / step),
      rows: Math.ceil(target.rows / step),
    },
  };
}

function sampled(
  map: ValueMap,
  values: Float32Array,
  whole: Target,
  half: number,
): Values | null {
  const { target, step } = coarser(whole);
  const found = valuesAt(map, values, target, half);
  return found && { columns: target.columns, rows: target.rows, values: found, step };
}

/** Whether a map's frame of reference is the image's. */
const inFrame = (
  { frame_of_reference_uid: uid }: ValueMap,
  { frameOfReference }: Place,
) => uid !== '' && uid === frameOfReference;

/** The frame that names an image as its source and has its very pixels; -1: none. */
function namedFrame(map: ValueMap, image: Place): number {
  if (map.rows !== image.rows || map.columns !== image.columns) return -1;
  return map.frames.findIndex(
    (frame) => frame.sop_uid === image.sopUid && frame.frame === image.frame,
  );
}

/**
 * A map's values on an image of a stack; null where it has none there. An image without
 * a place has those of a frame that names it and has as many pixels.
 *
 * @param reach half the distance between the stack's images, mm.
 */
export function valuesOn(
  map: ValueMap,
  values: Float32Array,
  image: Place,
  reach: number,
): Values | null {
  const { plane, columns, rows } = image;
  if (image.placed && inFrame(map, image)) {
    const origin = imageToPatient(plane, [0.5, 0.5]);
    const right = minus(imageToPatient(plane, [1.5, 0.5]), origin);
    const down = minus(imageToPatient(plane, [0.5, 1.5]), origin);
    return sampled(map, values, { origin, right, down, columns, rows }, reach);
  }
  const frame = namedFrame(map, image);
  if (frame < 0) return null;
  const size = rows * columns;
  return {
    columns,
    rows,
    values: values.subarray(frame * size, (frame + 1) * size),
    step: 1,
  };
}

/** A map's values in a plane through a grid, row by row in indices of its view. */
export function valuesIn(
  map: ValueMap,
  values: Float32Array,
  grid: Grid,
  view: View,
  at: number,
): Values | null {
  const index: [number, number, number] = [0, 0, 0];
  index[view.through] = at;
  const thick = Math.hypot(...grid.steps[view.through]);
  return sampled(
    map,
    values,
    {
      origin: worldOf(grid, index),
      right: grid.steps[view.across],
      down: grid.steps[view.down],
      columns: grid.size[view.across],
      rows: grid.size[view.down],
    },
    thick / 2,
  );
}

/** Where a map can be seen in a stack: the middle of its frames. */
export function sightOfMap({ map }: ForeignItem, places: readonly Place[]): Sight | null {
  if (!map) return null;
  const middle = map.frames.length >> 1;
  const order = [...map.frames.keys()].sort(
    (p, q) => Math.abs(p - middle) - Math.abs(q - middle),
  );
  for (const place of order) {
    const frame = map.frames[place];
    const sight = frame ? sightOfFrame(map, frame, places) : null;
    if (sight) return sight;
  }
  return null;
}

function sightOfFrame(
  map: ValueMap,
  frame: SegmentFrame,
  places: readonly Place[],
): Sight | null {
  const named = places.find(
    (one) => one.sopUid === frame.sop_uid && one.frame === frame.frame,
  );
  if (named && (inFrame(map, named) || namedFrame(map, named) >= 0)) {
    return { sopUid: named.sopUid, frame: named.frame, at: null };
  }
  if (!frame.origin) return null;
  const centre = plus(
    vector(frame.origin),
    plus(
      times(vector(frame.row), ((map.columns - 1) / 2) * frame.column_spacing),
      times(vector(frame.column), ((map.rows - 1) / 2) * frame.row_spacing),
    ),
  );
  const sight = sightOfPlace(centre, map.frame_of_reference_uid, places);
  return sight && { ...sight, at: null };
}

/** How a map is shown. */
export interface MapLook {
  readonly low: number;
  readonly high: number;
  /** 0 (not at all) to 1. */
  readonly opacity: number;
  readonly scale: ScaleName;
}

export type ScaleName = 'viridis' | 'hot' | 'grey';
type Colour = readonly [number, number, number];

/** Colours from low to high, evenly apart. Viridis: van der Walt and Smith, CC0. */
const SCALES: Readonly<Record<ScaleName, readonly Colour[]>> = {
  viridis: [
    [68, 1, 84],
    [72, 40, 120],
    [62, 74, 137],
    [49, 104, 142],
    [38, 130, 142],
    [31, 158, 137],
    [53, 183, 121],
    [110, 206, 88],
    [181, 222, 43],
    [253, 231, 37],
  ],
  hot: [
    [40, 0, 0],
    [150, 0, 0],
    [255, 60, 0],
    [255, 160, 0],
    [255, 230, 60],
    [255, 255, 220],
  ],
  grey: [
    [0, 0, 0],
    [255, 255, 255],
  ],
};

export const SCALE_NAMES = Object.keys(SCALES) as readonly ScaleName[];

/** The colour of a part of a scale, 0 to 1; each channel 0 to 255. */
export function scaleColour(name: ScaleName, part: number): Colour {
  const stops = SCALES[name];
  const at = Math.min(1, Math.max(0, part)) * (stops.length - 1);
  const low = stops[Math.floor(at)] ?? [0, 0, 0];
  const high = stops[Math.min(stops.length - 1, Math.floor(at) + 1)] ?? low;
  const by = at - Math.floor(at);
  const mix = (i: 0 | 1 | 2) => Math.round(low[i] + (high[i] - low[i]) * by);
  return [mix(0), mix(1), mix(2)];
}

/** A scale as a CSS gradient, its high end on top. */
export function scaleGradient(name: ScaleName): string {
  const stops = SCALES[name].map((colour) => `rgb(${colour.join(' ')})`).toReversed();
  return `linear-gradient(${stops.join(', ')})`;
}

const SHADES = 256;

/**
 * Values in their colours, RGBA: nothing where there is no value or it is below the
 * range; above the range the colour of its end.
 */
export function colourValues(
  values: Float32Array,
  { low, high, scale }: MapLook,
): Uint8ClampedArray<ArrayBuffer> {
  const table = Array.from({ length: SHADES }, (_, n) =>
    scaleColour(scale, n / (SHADES - 1)),
  );
  const rgba = new Uint8ClampedArray(4 * values.length);
  const span = high - low || 1;
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] ?? Number.NaN;
    if (!(value >= low)) continue;
    const shade = Math.min(SHADES - 1, Math.round(((value - low) / span) * (SHADES - 1)));
    const [r, g, b] = table[shade] ?? [0, 0, 0];
    rgba[4 * at] = r;
    rgba[4 * at + 1] = g;
    rgba[4 * at + 2] = b;
    rgba[4 * at + 3] = 255;
  }
  return rgba;
}
