import './foreign.css';
import { useEffect, useMemo, useRef } from 'react';
import {
  type FrameOn,
  frameKey,
  framesOn,
  nameOf,
  type Place,
  type PlaneOf,
  type Shape,
  shapesIn,
  shapesOn,
} from '@/domain/foreign';
import { type Affine, apply, type Point } from '@/domain/geometry';
import { framesOf, outlineOf, type Parts, partsIn, patchIn } from '@/domain/mask';
import type { Grid, View } from '@/domain/volume';
import type { Stack } from '@/imaging/pack';
import { useForeignState } from '@/state/foreign';
import { useRoom } from '@/state/room';
import { AiTag } from '@/ui/primitives';
import { useAnswer } from './foreign-answer';
import { ImageMaps, PlaneMaps } from './foreign-map';
import { PlateRow } from './plate-row';
import {
  type DrawnItem,
  useDrawn,
  usePlaces,
  useSegmentMask,
  useVoxels,
} from './use-foreign';

const POINT_ARM = 7;

const matrixText = ({ a, b, c, d, e, f }: Affine) =>
  `matrix(${[a, b, c, d, e, f].join(',')})`;

/** Colours of one's own are for things that cover each other: regions and segments. */
function colourOf({ object, item }: DrawnItem): string | undefined {
  if (object.creator.origin === 'ai') return undefined;
  return item.colour || undefined;
}

function pathOf(points: readonly Point[], closed: boolean, matrix: Affine): string {
  const line = points.map((point) => apply(matrix, point).join(' ')).join('L');
  return `M${line}${closed ? 'Z' : ''}`;
}

function crossAt([x, y]: Point): string {
  const arm = POINT_ARM;
  return `M${x - arm} ${y}L${x - 2} ${y}M${x + 2} ${y}L${x + arm} ${y}M${x} ${y - arm}L${x} ${y - 2}M${x} ${y + 2}L${x} ${y + arm}`;
}

interface DrawnProps {
  readonly shapes: readonly Shape[];
  readonly matrix: Affine;
}

function Lines({ shapes, matrix }: DrawnProps) {
  const path = shapes
    .map((shape) => {
      if (shape.kind === 'text') return '';
      if (shape.kind === 'point') return crossAt(apply(matrix, shape.at));
      return pathOf(shape.points, shape.closed, matrix);
    })
    .join('');
  const area = shapes
    .map((shape) =>
      shape.kind === 'path' && shape.filled
        ? pathOf(shape.points, shape.closed, matrix)
        : '',
    )
    .join('');
  if (path === '') return null;
  return (
    <>
      {area === '' ? null : <path className="foreign-area" d={area} />}
      <path className="foreign-halo" d={path} />
      <path className="foreign-line" d={path} />
    </>
  );
}

function Words({ shapes, matrix }: DrawnProps) {
  return shapes.map((shape) => {
    if (shape.kind !== 'text') return null;
    const [left, top] = apply(matrix, shape.at);
    return (
      <span
        key={`${shape.text}${shape.at.join()}`}
        className="foreign-text"
        style={{ left, top }}
      >
        {shape.text}
      </span>
    );
  });
}

interface PlatePlace {
  readonly at: Point;
  readonly end: number;
}

/** The top of what is drawn, on its left, where its name hangs. */
function plateAt(shapes: readonly Shape[], matrix: Affine): PlatePlace | null {
  const points = shapes.flatMap((shape) =>
    shape.kind === 'path'
      ? shape.points.map((point) => apply(matrix, point))
      : shape.kind === 'point'
        ? [apply(matrix, shape.at)]
        : [],
  );
  if (points.length === 0) return null;
  const [x, y] = points.reduce((top, point) => (point[1] < top[1] ? point : top));
  const isPoint = shapes.every((shape) => shape.kind === 'point');
  const end = Math.max(...points.map((point) => point[0]));
  if (isPoint) return { at: [x + 2 * POINT_ARM, Math.max(20, y - 4)], end };
  const left = Math.min(...points.filter((p) => p[1] - y < 1).map((p) => p[0])) - 1;
  return { at: [left, Math.max(20, y - 3)], end };
}

const kindsOf = ({ object }: DrawnItem, active: boolean) =>
  [
    'foreign',
    object.creator.origin === 'ai' ? 'ai' : '',
    object.kind,
    active ? 'active' : '',
  ]
    .filter(Boolean)
    .join(' ');

function Plate({ drawn }: { drawn: DrawnItem }) {
  const isAi = drawn.object.creator.origin === 'ai';
  const rejected = useAnswer(drawn.object, drawn.item)?.verdict === 'reject';
  const name = nameOf(drawn.item, drawn.place);
  return (
    <span
      className={isAi ? 'plate ai' : 'plate foreign-plate'}
      style={{ borderColor: colourOf(drawn) }}
    >
      {rejected ? <s>{name}</s> : name}
      {isAi ? <AiTag /> : null}
    </span>
  );
}

interface MarksProps {
  readonly drawn: DrawnItem;
  readonly shapes: readonly Shape[];
  readonly matrix: Affine;
}

function ItemMarks({ drawn, shapes, matrix }: MarksProps) {
  const active = useForeignState((state) => state.active === drawn.id);
  if (shapes.length === 0) return null;
  // Words of a presentation state name themselves.
  const plate = drawn.object.kind === 'gsps' ? null : plateAt(shapes, matrix);
  return (
    <>
      <svg
        className="foreign-marks"
        aria-hidden="true"
        data-foreign={drawn.id}
        style={{ color: colourOf(drawn) }}
      >
        <g className={kindsOf(drawn, active)}>
          <Lines shapes={shapes} matrix={matrix} />
        </g>
      </svg>
      <Words shapes={shapes} matrix={matrix} />
      {plate ? (
        <PlateRow {...plate}>
          <Plate drawn={drawn} />
        </PlateRow>
      ) : null}
    </>
  );
}

interface SegmentShapeProps {
  readonly drawn: DrawnItem;
  readonly path: string;
  readonly transform: string;
  /** Only the outline is drawn: the area is filled by value. */
  readonly hollow?: boolean;
}

function SegmentShape({ drawn, path, transform, hollow }: SegmentShapeProps) {
  const active = useForeignState((state) => state.active === drawn.id);
  const opacity = useForeignState((state) => state.opacity);
  if (path === '') return null;
  return (
    <svg
      className="foreign-marks"
      aria-hidden="true"
      data-foreign={drawn.id}
      style={{ color: colourOf(drawn) }}
    >
      <g className={kindsOf(drawn, active)} transform={transform}>
        {hollow ? null : (
          <path className="foreign-area" d={path} style={{ fillOpacity: opacity }} />
        )}
        <path className="foreign-halo" d={path} />
        <path className="foreign-line" d={path} />
      </g>
    </svg>
  );
}

/** Reads the outline of one frame of a mask, in the mask's own pixels. */
function frameOutline(
  voxels: Uint8Array | undefined,
  rows: number,
  columns: number,
  frame: number,
): string {
  if (!voxels) return '';
  const size = rows * columns;
  const pixels = voxels.subarray(frame * size, (frame + 1) * size);
  if (pixels.length < size) return '';
  return outlineOf({ x: 0, y: 0, width: columns, height: rows, pixels });
}

interface PartsProps {
  readonly drawn: DrawnItem;
  readonly parts: Parts;
  readonly transform: string;
}

/** A fractional segment: as dense as the part of each pixel that it holds. */
function PartsLayer({ drawn, parts, transform }: PartsProps) {
  const holder = useRef<HTMLCanvasElement>(null);
  const opacity = useForeignState((state) => state.opacity);
  const { rows, columns, values } = parts;
  const colour = colourOf(drawn);
  useEffect(() => {
    const pen = holder.current?.getContext('2d');
    if (!pen) return;
    pen.fillStyle = getComputedStyle(pen.canvas).color;
    pen.fillRect(0, 0, columns, rows);
    const picture = pen.getImageData(0, 0, columns, rows);
    for (let at = 0; at < rows * columns; at += 1) {
      picture.data[4 * at + 3] = values[at] ?? 0;
    }
    pen.putImageData(picture, 0, 0);
  }, [values, rows, columns]);
  return (
    <canvas
      ref={holder}
      className={
        drawn.object.creator.origin === 'ai' ? 'foreign-parts ai' : 'foreign-parts'
      }
      width={columns}
      height={rows}
      // A fraction is a shade: three times the opacity of an even area, at most whole.
      style={{ transform, color: colour, opacity: Math.min(1, opacity * PART_SHADE) }}
    />
  );
}

const PART_SHADE = 3;

function FrameShape({
  drawn,
  on,
  matrix,
}: {
  drawn: DrawnItem;
  on: FrameOn;
  matrix: Affine;
}) {
  const { data } = useVoxels(drawn.object, drawn.item);
  const { rows = 0, columns = 0 } = drawn.item.segment ?? {};
  const path = useMemo(
    () => frameOutline(data?.inside, rows, columns, on.frame),
    [data, rows, columns, on.frame],
  );
  const own = on.map ? ` ${matrixText(on.map)}` : '';
  const transform = `${matrixText(matrix)}${own}`;
  const values = data?.parts ?? null;
  const parts = useMemo((): Parts | null => {
    const size = rows * columns;
    const from = on.frame * size;
    return values && { rows, columns, values: values.subarray(from, from + size) };
  }, [values, rows, columns, on.frame]);
  return (
    <>
      {parts ? <PartsLayer {...{ drawn, parts, transform }} /> : null}
      <SegmentShape {...{ drawn, path, transform }} hollow={parts !== null} />
    </>
  );
}

export interface ForeignLayerProps {
  readonly image: Place;
  readonly stack: Stack;
  readonly matrix: Affine;
}

/** What others left, on one image of a stack. */
export function ForeignLayer({ image, stack, matrix }: ForeignLayerProps) {
  const shown = useRoom((state) => state.marks);
  const drawn = useDrawn();
  const { reach } = usePlaces(stack);
  if (!shown) return null;
  return (
    <>
      <ImageMaps {...{ drawn, image, reach, matrix }} />
      {drawn.map((one) => {
        const { segment, marks } = one.item;
        const shapes = marks.flatMap((mark) => shapesOn(mark, image, reach));
        const frames = segment ? framesOn(segment, image, reach) : [];
        return (
          <div key={one.id} className="foreign-item">
            {frames.map((on) => (
              <FrameShape key={on.frame} drawn={one} on={on} matrix={matrix} />
            ))}
            <ItemMarks drawn={one} shapes={shapes} matrix={matrix} />
          </div>
        );
      })}
    </>
  );
}

export interface ForeignPlaneProps {
  readonly grid: Grid;
  readonly view: View;
  readonly at: number;
  readonly stack: Stack;
  readonly matrix: Affine;
}

function PlaneSegment({
  drawn,
  grid,
  view,
  at,
  stack,
  matrix,
}: ForeignPlaneProps & { drawn: DrawnItem }) {
  const mask = useSegmentMask(drawn.object, drawn.item, stack);
  const { data } = useVoxels(drawn.object, drawn.item);
  const { segment } = drawn.item;
  const frames = useMemo(() => {
    const keys = stack.images.map((image) => frameKey(image.sopUid, image.frame));
    return mask ? framesOf(mask, grid, keys) : [];
  }, [mask, grid, stack]);
  const path = useMemo(() => {
    const patch = mask ? patchIn(mask, frames, view, at) : null;
    return patch ? outlineOf(patch) : '';
  }, [mask, frames, view, at]);
  const parts = useMemo(() => {
    if (!data?.parts || !segment || frames.length === 0) return null;
    const { rows, columns } = segment;
    return partsIn({ rows, columns, values: data.parts }, frames, grid, view, at);
  }, [data, segment, frames, grid, view, at]);
  // Indices are whole at centres of voxels, outlines at their corners.
  const { a, b, c, d, e, f } = matrix;
  const transform = matrixText({ a, b, c, d, e: e - (a + c) / 2, f: f - (b + d) / 2 });
  return (
    <>
      {parts ? <PartsLayer {...{ drawn, parts, transform }} /> : null}
      <SegmentShape
        {...{ drawn, path, transform }}
        hollow={segment?.fractional ?? false}
      />
    </>
  );
}

/** What others left, in one plane through a volume. */
export function ForeignPlane(props: ForeignPlaneProps) {
  const { grid, view, at, stack, matrix } = props;
  const shown = useRoom((state) => state.marks);
  const drawn = useDrawn();
  const { places } = usePlaces(stack);
  const plane: PlaneOf = { grid, view, at, places };
  if (!shown) return null;
  const frameOfReference = stack.images[0]?.frameOfReference ?? null;
  return (
    <>
      <PlaneMaps {...{ drawn, grid, view, at, frameOfReference, matrix }} />
      {drawn.map((one) => (
        <div key={one.id} className="foreign-item">
          {one.item.segment ? <PlaneSegment drawn={one} {...props} /> : null}
          <ItemMarks
            drawn={one}
            shapes={one.item.marks.flatMap((mark) => shapesIn(mark, plane))}
            matrix={matrix}
          />
        </div>
      ))}
    </>
  );
}
