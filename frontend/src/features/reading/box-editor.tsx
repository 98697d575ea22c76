import { type PointerEvent, useRef } from 'react';
import {
  type Affine,
  apply,
  type Box,
  boxFrom,
  type Corner,
  dragCorner,
  invert,
  isDrawn,
  moveBox,
  type Point,
} from '@/domain/geometry';

export interface Frame {
  readonly columns: number;
  readonly rows: number;
  readonly matrix: Affine;
}

/** Where a pointer event is, in the image's pixels. */
function pixelAt(event: PointerEvent<SVGElement>, matrix: Affine): Point {
  const svg = event.currentTarget.ownerSVGElement ?? event.currentTarget;
  const area = svg.getBoundingClientRect();
  const back = invert(matrix);
  const at: Point = [event.clientX - area.left, event.clientY - area.top];
  return back ? apply(back, at) : at;
}

export function cornersOf(box: Box, matrix: Affine): readonly Point[] {
  const { x0, y0, x1, y1 } = box;
  return [
    apply(matrix, [x0, y0]),
    apply(matrix, [x1, y0]),
    apply(matrix, [x1, y1]),
    apply(matrix, [x0, y1]),
  ];
}

const CORNERS: readonly Corner[] = ['nw', 'ne', 'se', 'sw'];
const GRIP = 5;

export interface BoxEditorProps {
  readonly box: Box;
  readonly frame: Frame;
  /** While dragging, on every move. */
  readonly onChange: (box: Box) => void;
  /** When the pointer is let go. */
  readonly onCommit: (box: Box) => void;
}

interface Drag {
  readonly corner: Corner | null;
  readonly from: Point;
  readonly start: Box;
  last: Box;
}

/** A box that can be moved, and changed by its corners. */
export function BoxEditor({ box, frame, onChange, onCommit }: BoxEditorProps) {
  const drag = useRef<Drag | null>(null);
  const { columns, rows, matrix } = frame;
  const corners = cornersOf(box, matrix);

  const start = (event: PointerEvent<SVGElement>, corner: Corner | null) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { corner, from: pixelAt(event, matrix), start: box, last: box };
  };
  const move = (event: PointerEvent<SVGElement>) => {
    const now = drag.current;
    if (!now) return;
    const at = pixelAt(event, matrix);
    const by: Point = [at[0] - now.from[0], at[1] - now.from[1]];
    now.last = now.corner
      ? dragCorner(now.start, now.corner, at, columns, rows)
      : moveBox(now.start, by, columns, rows);
    onChange(now.last);
  };
  const end = () => {
    const now = drag.current;
    drag.current = null;
    if (now && now.last !== now.start && isDrawn(now.last)) onCommit(now.last);
  };
  const handlers = { onPointerMove: move, onPointerUp: end, onPointerCancel: end };
  const points = corners.map((corner) => corner.join(',')).join(' ');

  return (
    <g>
      <polygon className="mark-halo" points={points} />
      <polygon className="mark-human" points={points} />
      <polygon
        className="mark-area"
        points={points}
        onPointerDown={(event) => start(event, null)}
        {...handlers}
      />
      {corners.map((corner, index) => (
        <rect
          key={CORNERS[index]}
          className="mark-grip"
          x={corner[0] - GRIP}
          y={corner[1] - GRIP}
          width={2 * GRIP}
          height={2 * GRIP}
          data-corner={CORNERS[index]}
          onPointerDown={(event) => start(event, CORNERS[index] ?? null)}
          {...handlers}
        />
      ))}
    </g>
  );
}

export interface BoxDrawerProps {
  readonly frame: Frame;
  readonly onDrawn: (box: Box) => void;
  readonly onDrawing: (box: Box | null) => void;
  readonly drawn: Box | null;
}

/** Takes the whole pane until a new box is drawn. */
export function BoxDrawer({ frame, onDrawn, onDrawing, drawn }: BoxDrawerProps) {
  const from = useRef<Point | null>(null);
  const { columns, rows, matrix } = frame;
  const boxTo = (event: PointerEvent<SVGElement>) =>
    from.current ? boxFrom(from.current, pixelAt(event, matrix), columns, rows) : null;
  const points = drawn
    ? cornersOf(drawn, matrix)
        .map((corner) => corner.join(','))
        .join(' ')
    : '';
  return (
    <g>
      <rect
        width="100%"
        height="100%"
        fill="transparent"
        style={{ pointerEvents: 'all', cursor: 'crosshair' }}
        data-testid="draw-area"
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          from.current = pixelAt(event, matrix);
        }}
        onPointerMove={(event) => {
          if (from.current) onDrawing(boxTo(event));
        }}
        onPointerUp={(event) => {
          const box = boxTo(event);
          from.current = null;
          onDrawing(null);
          if (box && isDrawn(box)) onDrawn(box);
        }}
      />
      {drawn ? <polygon className="mark-human" points={points} /> : null}
    </g>
  );
}
