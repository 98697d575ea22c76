import { lettersOf, type Plane, type Vector } from './geometry';

/**
 * Whether the images of a series lie as one regular grid in the patient, and that grid.
 * Voxel indices are whole at voxel centres; patient space is millimetres, LPS.
 */

/** What is known of one image's place. */
export interface Slice {
  readonly plane: Plane;
  readonly placed: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly frameOfReference: string | null;
  readonly colour: boolean;
}

export interface Grid {
  /** The centre of voxel (0, 0, 0). */
  readonly origin: Vector;
  /** From one voxel to the next along each index, mm. */
  readonly steps: readonly [Vector, Vector, Vector];
  readonly size: readonly [number, number, number];
  /** Of each slice along the third index, its place in the series. */
  readonly order: readonly number[];
}

export type NoGrid =
  | { readonly kind: 'few'; readonly n: number }
  | { readonly kind: 'colour' }
  | { readonly kind: 'unplaced' }
  | { readonly kind: 'unlike' }
  | { readonly kind: 'turned' }
  | { readonly kind: 'twice' }
  | { readonly kind: 'gaps'; readonly least: number; readonly most: number }
  | { readonly kind: 'tilt'; readonly degrees: number }
  | { readonly kind: 'large'; readonly megabytes: number };

const FEWEST = 5;
/** Bytes of a volume that a reader's browser is asked to hold, and its longest side. */
const LARGEST = 900e6;
const LONGEST = 2048;
/** Cosines of two directions that count as one. */
const SAME = 1e-4;
/** A step may differ from the usual one by this part of it, and always by 0.02 mm. */
const UNEVEN = 0.02;
const TILTED_DEGREES = 0.3;

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const length = (a: Vector) => Math.sqrt(dot(a, a));
const scale = (a: Vector, by: number): Vector => [a[0] * by, a[1] * by, a[2] * by];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const plus = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

export function cross(a: Vector, b: Vector): Vector {
  return [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ];
}

function unlike(a: Slice, b: Slice): boolean {
  const near = (p: number, q: number) => Math.abs(p - q) <= 1e-3 * Math.abs(p);
  return !(
    a.rows === b.rows &&
    a.columns === b.columns &&
    a.frameOfReference === b.frameOfReference &&
    near(a.plane.rowSpacing, b.plane.rowSpacing) &&
    near(a.plane.columnSpacing, b.plane.columnSpacing)
  );
}

const turned = (a: Slice, b: Slice) =>
  1 - dot(a.plane.row, b.plane.row) > SAME ||
  1 - dot(a.plane.column, b.plane.column) > SAME;

/** What can be said without the order of the slices. */
function misfit(slices: readonly Slice[]): NoGrid | null {
  const [first] = slices;
  if (!first || slices.length < FEWEST) return { kind: 'few', n: slices.length };
  if (slices.some((one) => one.colour)) return { kind: 'colour' };
  if (slices.some((one) => !one.placed)) return { kind: 'unplaced' };
  if (slices.some((one) => unlike(first, one))) return { kind: 'unlike' };
  if (slices.some((one) => turned(first, one))) return { kind: 'turned' };
  const bytes = first.rows * first.columns * slices.length * 2;
  const longest = Math.max(first.rows, first.columns, slices.length);
  if (bytes > LARGEST || longest > LONGEST) {
    return { kind: 'large', megabytes: Math.round(bytes / 1e6) };
  }
  return null;
}

function uneven(gaps: readonly number[]): NoGrid | null {
  const sorted = gaps.toSorted((p, q) => p - q);
  const usual = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const least = sorted[0] ?? 0;
  const most = sorted.at(-1) ?? 0;
  if (least < 0.01) return { kind: 'twice' };
  const allowed = Math.max(0.02, usual * UNEVEN);
  return most - usual > allowed || usual - least > allowed
    ? { kind: 'gaps', least, most }
    : null;
}

/** The grid that the images lie on; or in which way they do not. */
export function gridOf(slices: readonly Slice[]): Grid | NoGrid {
  const against = misfit(slices);
  const [first] = slices;
  if (against !== null || !first) return against ?? { kind: 'few', n: 0 };
  const { row, column, rowSpacing, columnSpacing } = first.plane;
  const normal = cross(row, column);
  const placed = slices
    .map(({ plane }, place) => ({ place, at: dot(plane.origin, normal), plane }))
    .sort((p, q) => p.at - q.at);
  const gaps = placed.slice(1).map(({ at }, k) => at - (placed[k]?.at ?? 0));
  const gap = uneven(gaps);
  if (gap !== null) return gap;
  const from = placed[0]?.plane.origin ?? first.plane.origin;
  const way = minus(placed.at(-1)?.plane.origin ?? from, from);
  const along = dot(way, normal);
  const aside = length(minus(way, scale(normal, along)));
  const degrees = (Math.atan2(aside, along) * 180) / Math.PI;
  if (degrees > TILTED_DEGREES) return { kind: 'tilt', degrees };
  return {
    origin: from,
    steps: [
      scale(row, columnSpacing),
      scale(column, rowSpacing),
      scale(normal, along / (placed.length - 1)),
    ],
    size: [first.columns, first.rows, placed.length],
    order: placed.map(({ place }) => place),
  };
}

export const isGrid = (result: Grid | NoGrid): result is Grid => 'steps' in result;

export function worldOf(grid: Grid, index: Vector): Vector {
  return index.reduce<Vector>(
    (sum, n, axis) => plus(sum, scale(grid.steps[axis] ?? [0, 0, 0], n)),
    grid.origin,
  );
}

/** The voxel index of a place, whole at voxel centres; the axes are orthogonal. */
export function voxelAt(grid: Grid, world: Vector): Vector {
  const from = minus(world, grid.origin);
  return grid.steps.map((step) => dot(from, step) / dot(step, step)) as unknown as Vector;
}

/** The nearest voxel that is inside. */
export function nearestVoxel(grid: Grid, index: Vector): Vector {
  return index.map((n, axis) =>
    Math.min((grid.size[axis] ?? 1) - 1, Math.max(0, Math.round(n))),
  ) as unknown as Vector;
}

export type Axis = 0 | 1 | 2;
export type PlaneName = 'axial' | 'coronal' | 'sagittal';
export const PLANES: readonly PlaneName[] = ['axial', 'coronal', 'sagittal'];

/** The axis of a grid across which the images were acquired. */
const ACQUIRED: Axis = 2;

/** One of the three views through a grid, along its own axes. */
export interface View {
  readonly name: PlaneName;
  /** The grid's axis that the view looks along, and those to the right and down. */
  readonly through: Axis;
  readonly across: Axis;
  readonly down: Axis;
  /** Unit vectors on the screen. */
  readonly right: Vector;
  readonly below: Vector;
  /** How far the view is turned from the patient's own plane. */
  readonly degreesOff: number;
}

const PERMUTATIONS: readonly (readonly [Axis, Axis, Axis])[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

const axes: readonly Axis[] = [0, 1, 2];

/** The grid's axis that lies nearest to each of the patient's: x (left), y, z. */
function assign(units: readonly Vector[]): readonly [Axis, Axis, Axis] {
  const nearness = (choice: readonly Axis[]): number =>
    axes.reduce<number>(
      (sum, at) => sum + Math.abs(units[choice[at] ?? 0]?.[at] ?? 0),
      0,
    );
  return PERMUTATIONS.reduce((best, one) =>
    nearness(one) > nearness(best) + 1e-9 ? one : best,
  );
}

/**
 * Axial, coronal and sagittal views as radiologists hang them: the patient's left on the
 * right of the screen, front up in axial views, head up in the others. They follow the
 * grid, so that acquired slices are shown as they were acquired.
 */
export function viewsOf(grid: Grid): Readonly<Record<PlaneName, View>> {
  const units = grid.steps.map((step) => scale(step, 1 / length(step)));
  const [x, y, z] = assign(units);
  const toward = (axis: Axis, at: Axis): Vector => {
    const unit = units[axis] ?? [0, 0, 0];
    return unit[at] < 0 ? scale(unit, -1) : unit;
  };
  const off = (axis: Axis, at: Axis) =>
    (Math.acos(Math.min(1, toward(axis, at)[at])) * 180) / Math.PI;
  const left = toward(x, 0);
  const back = toward(y, 1);
  const feet = scale(toward(z, 2), -1);
  const view = (
    name: PlaneName,
    [through, across, down]: readonly [Axis, Axis, Axis],
    [right, below]: readonly [Vector, Vector],
    at: Axis,
  ): View => ({
    name,
    through,
    across,
    down,
    right,
    below,
    degreesOff: off(through, at),
  });
  return {
    axial: view('axial', [z, x, y], [left, back], 2),
    coronal: view('coronal', [y, x, z], [left, feet], 1),
    sagittal: view('sagittal', [x, y, z], [back, feet], 0),
  };
}

/** Camera of a view: where its viewer stands, and what is up. */
export function cameraOf({ right, below }: View): {
  readonly normal: Vector;
  readonly up: Vector;
} {
  const up = scale(below, -1);
  return { normal: cross(right, up), up };
}

/**
 * Whether "next" counts up or down the view's axis: across the acquired slices it goes
 * the way of their stack, across others into the screen.
 */
export function wayOf(grid: Grid, view: View): 1 | -1 {
  if (view.through === ACQUIRED) {
    return (grid.order[0] ?? 0) <= (grid.order.at(-1) ?? 0) ? 1 : -1;
  }
  return wayInto(grid, view);
}

/** Whether going into the screen counts up or down the view's axis. */
export function wayInto(grid: Grid, view: View): 1 | -1 {
  return dot(cameraOf(view).normal, grid.steps[view.through]) > 0 ? -1 : 1;
}

/** The 1-based number of a plane, counted in the direction of "next". */
export function numberOf(grid: Grid, view: View, index: number): number {
  const n = grid.size[view.through];
  return wayOf(grid, view) > 0 ? index + 1 : n - index;
}

/** Letters at the edges of a view of the given screen directions. */
export function lettersAt(right: Vector, below: Vector) {
  return {
    right: lettersOf(right),
    left: lettersOf(scale(right, -1)),
    top: lettersOf(scale(below, -1)),
    bottom: lettersOf(below),
  };
}
