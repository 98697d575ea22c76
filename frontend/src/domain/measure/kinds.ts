import type { Annotation, Coded, GeometryKind, ScaleSource } from '../model';
import type { ScaledRegion } from './regions';

/** The tools that leave a mark on the image, in the order of their menu. */
export const MEASURE_TOOLS = [
  'length',
  'bidirectional',
  'angle',
  'cobb',
  'ellipse',
  'rectangle',
  'circle',
  'freehand',
  'spline',
  'probe',
  'arrow',
  'calibrate',
] as const;

export type MeasureTool = (typeof MEASURE_TOOLS)[number];

export const isMeasureTool = (tool: string): tool is MeasureTool =>
  (MEASURE_TOOLS as readonly string[]).includes(tool);

export const KIND_OF: Readonly<Record<MeasureTool, GeometryKind>> = {
  length: 'length',
  bidirectional: 'bidirectional',
  angle: 'angle',
  cobb: 'cobb',
  ellipse: 'ellipse',
  rectangle: 'box',
  circle: 'circle',
  freehand: 'polygon',
  spline: 'spline',
  probe: 'point',
  arrow: 'arrow',
  calibrate: 'length',
};

/** The tool that would make such a mark. */
export function toolOf({ geometry, measured }: Annotation): MeasureTool {
  if (measured && measured.calibration_mm !== null) return 'calibrate';
  const found = MEASURE_TOOLS.find((tool) => KIND_OF[tool] === geometry.kind);
  return found ?? 'length';
}

/** Distances between pixels in one unit: mm, or pixels when nothing better is known. */
export interface Scale {
  readonly column: number;
  readonly row: number;
  readonly source: ScaleSource;
  /** Parts of the image that have scales of their own; nothing else of it has one. */
  readonly regions?: readonly ScaledRegion[];
}

/** The label of a measurement that nobody has named yet. */
export const UNLABELLED: Coded = {
  scheme: '99OVERREAD',
  code: 'measurement',
  display: 'Measurement',
};

export const isMeasurement = (annotation: Annotation): boolean =>
  annotation.measured !== undefined;

const NEEDS: Readonly<Partial<Record<MeasureTool, number>>> = {
  angle: 3,
  cobb: 4,
  probe: 1,
};

/** Points that are drawn by hand; freehand and spline end otherwise. */
export const toolNeeds = (tool: MeasureTool): number => NEEDS[tool] ?? 2;
