/**
 * From presses and moves of a pointer to the points of a mark. Two points are drawn by
 * dragging, or by a click at each; three and four likewise, piece by piece.
 */
import type { Point } from '../geometry';
import { type MeasureTool, type Scale, toolNeeds } from './kinds';
import { ellipseIn, pointAt, withShortAxis } from './shapes';

export interface Gesture {
  readonly tool: MeasureTool;
  /** What is fixed, and after it the point under the pointer, if any. */
  readonly points: readonly Point[];
  readonly fixed: number;
  readonly pressed: boolean;
  /** Where the button went down, on the screen. */
  readonly from: Point;
  readonly moved: boolean;
  /** This press began a piece: letting go at once goes on by clicks. */
  readonly begins: boolean;
  /** On the screen, of the first point of all. */
  readonly first: Point;
}

export type Stroke =
  | { readonly type: 'down' | 'move' | 'up'; readonly at: Point; readonly on: Point }
  | { readonly type: 'finish' }
  | { readonly type: 'back' };

/** The gesture as it goes on, or the points that it ended with. */
export interface Outcome {
  readonly gesture: Gesture | null;
  readonly done: readonly Point[] | null;
}

const STILL = 3;
const CLOSE = 9;
const FREEHAND_STEP = 2;
const NOTHING: Outcome = { gesture: null, done: null };

const going = (gesture: Gesture): Outcome => ({ gesture, done: null });
const ended = (done: readonly Point[]): Outcome => ({ gesture: null, done });
const apart = (p: Point, q: Point) => Math.hypot(p[0] - q[0], p[1] - q[1]);
const withLast = (points: readonly Point[], last: Point) => [
  ...points.slice(0, -1),
  last,
];

interface At {
  readonly at: Point;
  readonly on: Point;
}

function begin(tool: MeasureTool, { at, on }: At): Outcome {
  if (tool === 'probe') return ended([at]);
  const points = tool === 'freehand' ? [at] : [at, at];
  return going({
    tool,
    points,
    fixed: 1,
    pressed: true,
    from: on,
    moved: false,
    begins: true,
    first: on,
  });
}

function downOnSpline(gesture: Gesture, { at, on }: At): Outcome {
  const controls = gesture.points.slice(0, gesture.fixed);
  if (controls.length >= 3 && apart(on, gesture.first) < CLOSE) return ended(controls);
  if (apart(on, gesture.from) < STILL) return going(gesture);
  return going({
    ...gesture,
    points: [...controls, at, at],
    fixed: gesture.fixed + 1,
    pressed: true,
    from: on,
  });
}

function down(gesture: Gesture | null, tool: MeasureTool, event: At): Outcome {
  if (!gesture) return begin(tool, event);
  if (tool === 'spline') return downOnSpline(gesture, event);
  const { at, on } = event;
  const pressed = { ...gesture, pressed: true, moved: false, from: on };
  const waits = gesture.points.length === gesture.fixed;
  if (!waits) {
    return going({ ...pressed, begins: false, points: withLast(gesture.points, at) });
  }
  return going({
    ...pressed,
    begins: true,
    points: [...gesture.points, at, at],
    fixed: gesture.fixed + 1,
  });
}

function moveFreehand(gesture: Gesture, { at, on }: At): Outcome {
  if (!gesture.pressed || apart(on, gesture.from) < FREEHAND_STEP) return going(gesture);
  return going({ ...gesture, points: [...gesture.points, at], from: on, moved: true });
}

function move(gesture: Gesture, event: At): Outcome {
  if (gesture.tool === 'freehand') return moveFreehand(gesture, event);
  if (gesture.points.length === gesture.fixed) return going(gesture);
  const moved =
    gesture.moved || (gesture.pressed && apart(event.on, gesture.from) > STILL);
  return going({ ...gesture, moved, points: withLast(gesture.points, event.at) });
}

function upAfterPiece(gesture: Gesture, at: Point): Outcome {
  const points = withLast(gesture.points, at);
  const fixed = points.length;
  if (fixed === toolNeeds(gesture.tool)) return ended(points);
  // Cobb's second line begins anywhere; an angle's second leg at the vertex.
  const next = gesture.tool === 'cobb' ? points : [...points, at];
  return going({ ...gesture, points: next, fixed, pressed: false, moved: false });
}

function up(gesture: Gesture, { at }: At): Outcome {
  if (!gesture.pressed) return going(gesture);
  if (gesture.tool === 'freehand') {
    return gesture.points.length >= 3 ? ended(gesture.points) : NOTHING;
  }
  const still = gesture.begins && !gesture.moved;
  if (gesture.tool === 'spline' || still) return going({ ...gesture, pressed: false });
  return upAfterPiece(gesture, at);
}

function finish(gesture: Gesture): Outcome {
  const controls = gesture.points.slice(0, gesture.fixed);
  return gesture.tool === 'spline' && controls.length >= 3
    ? ended(controls)
    : going(gesture);
}

function back(gesture: Gesture): Outcome {
  if (gesture.tool !== 'spline' || gesture.fixed < 2) return NOTHING;
  const controls = gesture.points.slice(0, gesture.fixed - 1);
  return going({
    ...gesture,
    points: [...controls, pointAt(gesture.points, gesture.points.length - 1)],
    fixed: gesture.fixed - 1,
  });
}

/** One stroke further. A gesture of another tool is forgotten. */
export function draw(
  current: Gesture | null,
  tool: MeasureTool,
  stroke: Stroke,
): Outcome {
  const gesture = current?.tool === tool ? current : null;
  if (stroke.type === 'down') return down(gesture, tool, stroke);
  if (!gesture) return NOTHING;
  if (stroke.type === 'move') return move(gesture, stroke);
  if (stroke.type === 'up') return up(gesture, stroke);
  return stroke.type === 'finish' ? finish(gesture) : back(gesture);
}

/** The points that a mark has, from those that were drawn. */
export function shaped(
  tool: MeasureTool,
  drawn: readonly Point[],
  scale: Scale,
): readonly Point[] {
  const [p, q] = [pointAt(drawn, 0), pointAt(drawn, 1)];
  if (tool === 'ellipse') return ellipseIn(p, q, scale);
  return tool === 'bidirectional' ? withShortAxis(p, q, scale) : drawn;
}
