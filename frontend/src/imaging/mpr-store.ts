import { create } from 'zustand';
import type { Affine, Vector } from '@/domain/geometry';
import { type Axis, type Grid, nearestVoxel, type PlaneName } from '@/domain/volume';
import type { GreyWindow } from '@/domain/windows';

/** What one view of a volume shows now. */
export interface MprView {
  /** From indices (across, down) of the grid, whole at voxel centres, to CSS pixels. */
  readonly matrix: Affine;
  /** Unit vectors of the screen's directions in the patient. */
  readonly right: Vector;
  readonly below: Vector;
  readonly width: number;
  readonly height: number;
  /** Millimetres of one CSS pixel. */
  readonly mmPerPixel: number;
  readonly window: GreyWindow | null;
  readonly inverted: boolean;
}

/** Window and inversion; without a window, that of the images themselves. */
export type MprLook = Pick<MprView, 'window' | 'inverted'>;

export type SlabMode = 'none' | 'mip' | 'minip' | 'mean';
export const SLAB_MODES: readonly SlabMode[] = ['none', 'mip', 'minip', 'mean'];

/** How thick a plane is seen, and by what of its depth. */
export interface Slab {
  readonly mode: SlabMode;
  readonly mm: number;
}

interface MprState {
  readonly slab: Slab;
  /** The series that is shown, or was shown last. */
  readonly series: string | null;
  readonly grid: Grid | null;
  /** The voxel that the crosshairs meet in: every view shows a plane through it. */
  readonly focus: Vector;
  readonly views: Readonly<Partial<Record<PlaneName, MprView>>>;
  readonly loaded: { readonly done: number; readonly of: number };
  /** Slices that could not be read: they are even bands in the other planes. */
  readonly failed: number;
  readonly trouble: string | null;
}

const EMPTY: MprState = {
  slab: { mode: 'none', mm: 10 },
  series: null,
  grid: null,
  focus: [0, 0, 0],
  views: {},
  loaded: { done: 0, of: 0 },
  failed: 0,
  trouble: null,
};

export const useMpr = create<MprState>(() => EMPTY);

export function resetMpr(): void {
  useMpr.setState(EMPTY);
}

/** Begins with a series at a voxel; nothing of the one before stays. */
export function beginMpr(series: string, grid: Grid, focus: Vector): void {
  useMpr.setState({ ...EMPTY, series, grid, focus: nearestVoxel(grid, focus) });
}

/** Of a series shown in three planes before, the image that the crosshairs were on. */
export function placeAfterMpr(series: string): number | null {
  const { grid, focus, series: last } = useMpr.getState();
  return grid && last === series ? (grid.order[focus[2]] ?? null) : null;
}

/** Moves the crosshairs to the voxel nearest to an index. */
export function moveFocus(index: Vector): void {
  const { grid, focus } = useMpr.getState();
  if (!grid) return;
  const next = nearestVoxel(grid, index);
  if (next.some((n, axis) => n !== focus[axis])) useMpr.setState({ focus: next });
}

/** Moves the plane that lies across one axis, and leaves the others where they are. */
export function moveAlong(axis: Axis, to: number): void {
  const { focus } = useMpr.getState();
  moveFocus(focus.map((n, at) => (at === axis ? to : n)) as unknown as Vector);
}

export function setMprView(plane: PlaneName, view: MprView): void {
  useMpr.setState(({ views }) => ({ views: { ...views, [plane]: view } }));
}

/** The next way to see through a slab; after the last one, a plane again. */
export function cycleSlab(): void {
  const { slab } = useMpr.getState();
  const next = SLAB_MODES[(SLAB_MODES.indexOf(slab.mode) + 1) % SLAB_MODES.length];
  if (next) useMpr.setState({ slab: { ...slab, mode: next } });
}

export function setSlab(change: Partial<Slab>): void {
  useMpr.setState(({ slab }) => ({ slab: { ...slab, ...change } }));
}
