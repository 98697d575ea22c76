import type { Vector } from './geometry';
import { cross } from './volume';

/** Where a viewer stands, what is looked at, and what is up, in the patient (LPS, mm). */
export interface Stand {
  readonly position: Vector;
  readonly focalPoint: Vector;
  readonly viewUp: Vector;
}

const plus = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const times = (a: Vector, by: number): Vector => [a[0] * by, a[1] * by, a[2] * by];
const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function unit(a: Vector): Vector {
  const length = Math.hypot(a[0], a[1], a[2]) || 1;
  return times(a, 1 / length);
}

/** A vector turned about a unit axis (Rodrigues). */
function turned(a: Vector, axis: Vector, degrees: number): Vector {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const along = times(axis, dot(axis, a) * (1 - cos));
  return plus(plus(times(a, cos), times(cross(axis, a), sin)), along);
}

/**
 * The stand after the body was turned on the screen: its front to the right and
 * downwards by so many degrees. The distance stays.
 */
export function turnBody(stand: Stand, right: number, down: number): Stand {
  const up = unit(stand.viewUp);
  const from = turned(minus(stand.position, stand.focalPoint), up, -right);
  const aside = unit(cross(up, from));
  const tilted = turned(from, aside, -down);
  return {
    focalPoint: stand.focalPoint,
    position: plus(stand.focalPoint, tilted),
    viewUp: unit(turned(up, aside, -down)),
  };
}

/** Standing in front of the patient, the head up, at the distance of another stand. */
export function fromTheFront({ position, focalPoint }: Stand): Stand {
  const away = minus(position, focalPoint);
  const distance = Math.sqrt(dot(away, away));
  return {
    focalPoint,
    position: plus(focalPoint, [0, -distance, 0]),
    viewUp: [0, 0, 1],
  };
}

/** The direction from what is looked at to the viewer. */
export const towardsViewer = (stand: Stand): Vector =>
  unit(minus(stand.position, stand.focalPoint));
