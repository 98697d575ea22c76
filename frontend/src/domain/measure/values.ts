/** What a mark measures: coded quantities in UCUM units. */
import type { Point } from '../geometry';
import type { Annotation, Coded, GeometryKind, Measured, MeasuredValue } from '../model';
import type { Scale } from './kinds';
import { areaOf, type Pixels, statisticsIn, valueAt } from './region';
import { scaleAt } from './regions';
import { distance, pairs, pointAt, toScale } from './shapes';

const sct = (code: string, display: string): Coded => ({ scheme: 'SCT', code, display });

export const QUANTITY = {
  length: sct('410668003', 'Length'),
  longAxis: sct('103339001', 'Long axis'),
  shortAxis: sct('103340004', 'Short axis'),
  angle: sct('1483009', 'Angle'),
  cobb: sct('285285000', 'Cobb angle'),
  area: sct('42798000', 'Area'),
  mean: sct('373098007', 'Mean'),
  deviation: sct('386136009', 'Standard Deviation'),
  least: sct('255605001', 'Minimum'),
  most: sct('56851009', 'Maximum'),
} as const;

/** What the numbers of an image mean. */
export interface ValueMeaning {
  readonly quantity: Coded;
  readonly unit: string;
}

/** The pixels of a grey image with the meaning of their values. */
export interface MeasuredPixels extends Pixels, ValueMeaning {}

export const PIXEL_UNIT = '{pixels}';
export const PIXEL_AREA_UNIT = '{pixels2}';

const round = (value: number) => Math.round(value * 1e4) / 1e4;

const measured = (quantity: Coded, value: number, unit: string): MeasuredValue => ({
  ...quantity,
  value: round(value),
  unit,
});

const lengthUnit = (scale: Scale) => (scale.source === 'none' ? PIXEL_UNIT : 'mm');
const areaUnit = (scale: Scale) => (scale.source === 'none' ? PIXEL_AREA_UNIT : 'mm2');

/** The angle between two directions, 0 to 180 degrees. */
function between(p: Point, q: Point): number {
  const cross = p[0] * q[1] - p[1] * q[0];
  return (Math.atan2(Math.abs(cross), p[0] * q[0] + p[1] * q[1]) * 180) / Math.PI;
}

function along(from: Point, to: Point, scale: Scale): Point {
  const [p, q] = [toScale(from, scale), toScale(to, scale)];
  return [q[0] - p[0], q[1] - p[1]];
}

/** At the middle one of three points. */
export function angleAt(points: readonly Point[], scale: Scale): number {
  const [p, vertex, q] = [pointAt(points, 0), pointAt(points, 1), pointAt(points, 2)];
  return between(along(vertex, p, scale), along(vertex, q, scale));
}

/** Between two lines whose directions do not count: 0 to 90 degrees. */
export function cobbAngle(points: readonly Point[], scale: Scale): number {
  const first = along(pointAt(points, 0), pointAt(points, 1), scale);
  const second = along(pointAt(points, 2), pointAt(points, 3), scale);
  const angle = between(first, second);
  return Math.min(angle, 180 - angle);
}

function linear(
  kind: GeometryKind,
  points: readonly Point[],
  scale: Scale,
): MeasuredValue[] {
  const size = (i: number) => distance(pointAt(points, i), pointAt(points, i + 1), scale);
  const unit = lengthUnit(scale);
  switch (kind) {
    case 'length':
      return [measured(QUANTITY.length, size(0), unit)];
    case 'bidirectional': {
      const [a, b] = [size(0), size(2)];
      return [
        measured(QUANTITY.longAxis, Math.max(a, b), unit),
        measured(QUANTITY.shortAxis, Math.min(a, b), unit),
      ];
    }
    case 'angle':
      return [measured(QUANTITY.angle, angleAt(points, scale), 'deg')];
    case 'cobb':
      return [measured(QUANTITY.cobb, cobbAngle(points, scale), 'deg')];
    default:
      return [];
  }
}

function statistical(
  kind: GeometryKind,
  points: readonly Point[],
  scale: Scale,
  pixels: MeasuredPixels,
): MeasuredValue[] {
  const found = statisticsIn(kind, points, scale, pixels);
  if (!found) return [];
  return [
    measured(QUANTITY.mean, found.mean, pixels.unit),
    measured(QUANTITY.deviation, found.deviation, pixels.unit),
    measured(QUANTITY.least, found.least, pixels.unit),
    measured(QUANTITY.most, found.most, pixels.unit),
  ];
}

/**
 * All that a mark measures.
 *
 * @param pixels The image's values; null for colours, or when they are not here.
 */
export function measure(
  kind: GeometryKind,
  points: readonly Point[],
  scale: Scale,
  pixels: MeasuredPixels | null,
): readonly MeasuredValue[] {
  if (kind === 'point') {
    const value = pixels ? valueAt(pointAt(points, 0), pixels) : null;
    if (!pixels || value === null) return [];
    return [measured(pixels.quantity, value, pixels.unit)];
  }
  const area = areaOf(kind, points, scale);
  if (area === null) return linear(kind, points, scale);
  return [
    measured(QUANTITY.area, area, areaUnit(scale)),
    ...(pixels ? statistical(kind, points, scale, pixels) : []),
  ];
}

/**
 * What a mark says, measured anew by the scale of its place; a calibration line says
 * what it was given.
 */
export function measuredBy(
  kind: GeometryKind,
  points: readonly Point[],
  scale: Scale,
  pixels: MeasuredPixels | null,
  calibration: number | null,
): Measured {
  const here = scaleAt(points, scale);
  const values =
    calibration === null
      ? measure(kind, points, here, pixels)
      : [measured(QUANTITY.length, calibration, 'mm')];
  return { scale: here.source, calibration_mm: calibration, values };
}

/** The scale of an image: by a known length drawn on it, else as the image states. */
export function scaleOn(
  stated: Scale,
  sopUid: string,
  annotations: readonly Annotation[],
): Scale {
  const known = annotations.findLast(
    ({ geometry, measured: said }) =>
      geometry.sop_uid === sopUid && said !== undefined && said.calibration_mm !== null,
  );
  const mm = known?.measured?.calibration_mm ?? null;
  if (!known || mm === null) return stated;
  const [p, q] = pairs(known.geometry.points);
  const drawn = p && q ? distance(p, q, stated) : 0;
  if (!(drawn > 0)) return stated;
  const factor = mm / drawn;
  return {
    column: stated.column * factor,
    row: stated.row * factor,
    source: 'calibrated',
  };
}
