import {
  type Affine,
  affineThrough,
  imageToPatient,
  type Plane,
  type Point,
  patientToImage,
  type Vector,
} from './geometry';
import type { Coded } from './model';
import type { Shutter } from './shutter';
import { cross, type Grid, type View, voxelAt } from './volume';

/**
 * Objects that others left in the archive: what they say, and where that lies on an
 * image of a stack or in a plane through a volume.
 */

export interface ForeignMark {
  readonly kind: 'box' | 'point' | 'polyline' | 'ellipse' | 'text';
  readonly space: 'image' | 'patient';
  readonly points: readonly (readonly number[])[];
  readonly sop_uid: string;
  readonly frame: number;
  readonly frame_of_reference_uid: string;
  readonly text: string;
  readonly filled: boolean;
}

export interface SegmentFrame {
  readonly sop_uid: string;
  readonly frame: number;
  /** Centre of its first pixel, mm; null without a place in the patient. */
  readonly origin: readonly number[] | null;
  readonly row: readonly number[];
  readonly column: readonly number[];
  readonly row_spacing: number;
  readonly column_spacing: number;
}

export interface ForeignSegment {
  readonly number: number;
  readonly rows: number;
  readonly columns: number;
  readonly frames: readonly SegmentFrame[];
  readonly frame_of_reference_uid: string;
  readonly fractional: boolean;
  readonly volume_ml: number | null;
}

/** A quantity of a parametric map, and where its frames lie. */
export interface ValueMap {
  readonly number: number;
  readonly rows: number;
  readonly columns: number;
  readonly frames: readonly SegmentFrame[];
  readonly frame_of_reference_uid: string;
  readonly unit: Coded;
  readonly least: number;
  readonly most: number;
  /** Where colours begin and end at first. */
  readonly low: number;
  readonly high: number;
}

export interface ForeignItem {
  readonly key: string;
  readonly label: Coded;
  readonly tracking_uid: string;
  readonly tracking_id: string;
  readonly category: Coded | null;
  readonly site: Coded | null;
  readonly text: string;
  readonly colour: string;
  readonly measurements: readonly {
    readonly name: Coded;
    readonly value: number;
    readonly unit: Coded;
  }[];
  readonly evaluations: readonly { readonly name: Coded; readonly value: Coded }[];
  readonly marks: readonly ForeignMark[];
  readonly images: readonly string[];
  readonly segments: readonly { readonly sop_uid: string; readonly number: number }[];
  readonly segment: ForeignSegment | null;
  readonly map: ValueMap | null;
  readonly why_not: string;
}

export interface Presentation {
  /** [SOP Instance UID, frame]; frame 0 is every frame. */
  readonly images: readonly (readonly unknown[])[];
  readonly window: readonly number[] | null;
  readonly inverse: boolean;
  readonly rotation: number;
  readonly flip: boolean;
  readonly area: readonly (readonly number[])[] | null;
  /** It stands for the image's own one: null shows the whole image. */
  readonly shutter: Shutter | null;
}

export type ForeignKind = 'sr' | 'seg' | 'rtstruct' | 'gsps' | 'kos' | 'pm' | 'other';

export interface ForeignObject {
  readonly study_uid: string;
  readonly series_uid: string;
  readonly sop_uid: string;
  readonly sop_class_uid: string;
  readonly kind: ForeignKind;
  readonly modality: string;
  readonly title: string;
  readonly creator: {
    readonly origin: 'ai' | 'person' | 'unknown';
    readonly name: string;
    readonly version: string;
    readonly maker: string;
    readonly model: string;
  };
  readonly made_at: string;
  readonly items: readonly ForeignItem[];
  readonly presentations: readonly Presentation[];
  readonly trouble: string;
  readonly notes: readonly string[];
  /** Its shapes are here; else they are to be asked for. */
  readonly whole: boolean;
}

export interface ForeignList {
  readonly items: readonly ForeignObject[];
  readonly total: number;
  readonly hidden_reason: string;
}

/** Something to draw, in image space or in the indices of a view. */
export type Shape =
  | {
      readonly kind: 'path';
      readonly points: readonly Point[];
      readonly closed: boolean;
      readonly filled: boolean;
    }
  | { readonly kind: 'point'; readonly at: Point }
  | { readonly kind: 'text'; readonly at: Point; readonly text: string };

/** What has to be known of an image to place things on it. */
export interface Place {
  readonly sopUid: string;
  readonly frame: number;
  readonly rows: number;
  readonly columns: number;
  readonly plane: Plane;
  readonly placed: boolean;
  readonly frameOfReference: string | null;
}

const ELLIPSE_POINTS = 72;
/** Half of a slice where its neighbours do not tell, mm. */
const LONE_HALF = 0.5;
/** Two directions are the same plane's within this (1 − cosine). */
const SAME = 1e-3;

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const vector = (v: readonly number[]): Vector => [v[0] ?? 0, v[1] ?? 0, v[2] ?? 0];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const normalOf = (plane: Plane) => cross(plane.row, plane.column);

/** Distance of a place from an image's plane along its normal, mm. */
export function distanceTo(plane: Plane, at: Vector): number {
  return dot(minus(at, plane.origin), normalOf(plane));
}

/** Half the distance from slice to slice of a stack, mm: how far an image reaches. */
export function reachOf(places: readonly Place[]): number {
  const first = places.find((one) => one.placed);
  if (!first) return LONE_HALF;
  const along = places
    .filter((one) => one.placed)
    .map((one) => distanceTo(first.plane, one.plane.origin))
    .sort((p, q) => p - q);
  const gaps = along
    .slice(1)
    .map((at, k) => at - (along[k] ?? 0))
    .filter((gap) => gap > 0.01)
    .sort((p, q) => p - q);
  const usual = gaps[Math.floor(gaps.length / 2)];
  return usual === undefined ? LONE_HALF : usual / 2;
}

/** An ellipse's ends of two axes as points around it; in two or three numbers. */
function around(ends: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const [a = [], b = [], c = [], d = []] = ends;
  return Array.from({ length: ELLIPSE_POINTS }, (_, step) => {
    const angle = (2 * Math.PI * step) / ELLIPSE_POINTS;
    return a.map((_value, i) => {
      const middle = ((a[i] ?? 0) + (b[i] ?? 0)) / 2;
      const major = ((b[i] ?? 0) - (a[i] ?? 0)) / 2;
      const minor = ((d[i] ?? 0) - (c[i] ?? 0)) / 2;
      return middle + major * Math.cos(angle) + minor * Math.sin(angle);
    });
  });
}

interface Outline {
  readonly points: readonly (readonly number[])[];
  readonly closed: boolean;
}

const same = (p: readonly number[] | undefined, q: readonly number[] | undefined) =>
  p?.every((value, i) => value === q?.[i]) ?? false;

/** A mark's line, in its own space. */
function outline({ kind, points }: ForeignMark): Outline {
  if (kind === 'ellipse') return { points: around(points), closed: true };
  if (kind === 'box') {
    const [[x0 = 0, y0 = 0] = [], [x1 = 0, y1 = 0] = []] = points;
    const corners = [
      [x0, y0],
      [x1, y0],
      [x1, y1],
      [x0, y1],
    ];
    return { points: corners, closed: true };
  }
  const closed = points.length > 2 && same(points[0], points.at(-1));
  return { points: closed ? points.slice(0, -1) : points, closed };
}

const flat = (p: readonly number[]): Point => [p[0] ?? 0, p[1] ?? 0];

/** Where a line through space crosses the plane that `height` is zero on. */
function crossings(
  { points, closed }: Outline,
  heights: readonly number[],
  place: (at: readonly number[]) => Point,
): readonly Point[] {
  const found: Point[] = [];
  const last = closed ? points.length : points.length - 1;
  for (let k = 0; k < last; k += 1) {
    const next = (k + 1) % points.length;
    const [h0 = 0, h1 = 0] = [heights[k], heights[next]];
    if (h0 < 0 === h1 < 0) continue;
    const t = h0 / (h0 - h1);
    const [p = [], q = []] = [points[k], points[next]];
    found.push(place(p.map((value, i) => value + t * ((q[i] ?? 0) - value))));
  }
  return found;
}

/** Crossings of a closed line with a plane, two and two: what is inside lies between. */
function pairs(points: readonly Point[]): readonly (readonly [Point, Point])[] {
  if (points.length < 2) return [];
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const wide = Math.max(...xs) - Math.min(...xs) >= Math.max(...ys) - Math.min(...ys);
  const sorted = points.toSorted((p, q) => (wide ? p[0] - q[0] : p[1] - q[1]));
  const found: (readonly [Point, Point])[] = [];
  for (let k = 0; k + 1 < sorted.length; k += 2) {
    const [from, to] = [sorted[k], sorted[k + 1]];
    if (from && to) found.push([from, to]);
  }
  return found;
}

/** A mark on one image of a stack; `reach` is half the distance between its slices. */
export function shapesOn(mark: ForeignMark, image: Place, reach: number): Shape[] {
  if (mark.space === 'image') {
    const here = mark.sop_uid === image.sopUid && mark.frame === image.frame;
    return here ? flatShapes(mark) : [];
  }
  if (!image.placed || image.frameOfReference !== mark.frame_of_reference_uid) return [];
  const { plane } = image;
  const put = (at: readonly number[]) => patientToImage(plane, vector(at));
  const heightOf = (at: readonly number[]) => distanceTo(plane, vector(at));
  return solidShapes(mark, { put, heightOf, reach, thick: null });
}

function flatShapes(mark: ForeignMark): Shape[] {
  const [first = []] = mark.points;
  if (mark.kind === 'point') return [{ kind: 'point', at: flat(first) }];
  if (mark.kind === 'text') return [{ kind: 'text', at: flat(first), text: mark.text }];
  const { points, closed } = outline(mark);
  return [{ kind: 'path', points: points.map(flat), closed, filled: mark.filled }];
}

interface Cut {
  readonly put: (at: readonly number[]) => Point;
  /** Signed distance from the plane, in the unit of `reach`. */
  readonly heightOf: (at: readonly number[]) => number;
  readonly reach: number;
  /** Half the thickness of what a line in another plane covers; null: a bare line. */
  readonly thick: Point | null;
}

/** A mark in space, cut by a plane: whole when it lies in it, else where it crosses. */
function solidShapes(mark: ForeignMark, cut: Cut): Shape[] {
  const { put, heightOf, reach, thick } = cut;
  const [first = []] = mark.points;
  if (mark.kind === 'point' || mark.kind === 'text') {
    const height = heightOf(first);
    return height >= -reach && height < reach ? [{ kind: 'point', at: put(first) }] : [];
  }
  const line = outline(mark);
  const heights = line.points.map(heightOf);
  const [least, most] = [Math.min(...heights), Math.max(...heights)];
  const middle = (least + most) / 2;
  if (most - least < reach) {
    if (middle < -reach || middle >= reach) return [];
    return [
      {
        kind: 'path',
        points: line.points.map(put),
        closed: line.closed,
        filled: mark.filled,
      },
    ];
  }
  const found = crossings(line, heights, put);
  if (!line.closed) return found.map((at) => ({ kind: 'point', at }));
  return pairs(found).map((ends) => ({
    kind: 'path',
    points: bar(ends, thick),
    closed: thick !== null,
    filled: thick !== null,
  }));
}

function bar([from, to]: readonly [Point, Point], thick: Point | null) {
  if (thick === null) return [from, to];
  const [x, y] = thick;
  return [
    [from[0] - x, from[1] - y],
    [to[0] - x, to[1] - y],
    [to[0] + x, to[1] + y],
    [from[0] + x, from[1] + y],
  ] as const;
}

export interface PlaneOf {
  readonly grid: Grid;
  readonly view: View;
  /** The plane's index along the axis that the view looks along. */
  readonly at: number;
  /** The images of the series, in its own order. */
  readonly places: readonly Place[];
}

/** A mark in a plane through a grid, in indices of the view (across, down). */
export function shapesIn(mark: ForeignMark, plane: PlaneOf): Shape[] {
  const { grid, view, at, places } = plane;
  const inGrid = indexer(mark, grid, places);
  if (inGrid === null) return [];
  const moved = {
    ...mark,
    space: 'patient' as const,
    kind: mark.kind === 'box' ? ('polyline' as const) : mark.kind,
    points: (mark.kind === 'box' ? ring(mark) : mark.points).map(inGrid),
  };
  // What is drawn on slices is one slice thick in the planes across them.
  const thick: Point | null =
    view.across === 2 ? [0.5, 0] : view.down === 2 ? [0, 0.5] : null;
  return solidShapes(moved, {
    put: (index) => [index[view.across] ?? 0, index[view.down] ?? 0],
    heightOf: (index) => (index[view.through] ?? 0) - at,
    reach: 0.5,
    thick,
  });
}

function ring(mark: ForeignMark): readonly (readonly number[])[] {
  const { points } = outline(mark);
  return [...points, points[0] ?? []];
}

/** From a mark's coordinates to the grid's indices; null: it is not of this grid. */
function indexer(
  mark: ForeignMark,
  grid: Grid,
  places: readonly Place[],
): ((at: readonly number[]) => Vector) | null {
  if (mark.space === 'patient') {
    const there = places.some(
      (one) => one.frameOfReference === mark.frame_of_reference_uid,
    );
    return there ? (at) => voxelAt(grid, vector(at)) : null;
  }
  const place = places.findIndex(
    (one) => one.sopUid === mark.sop_uid && one.frame === mark.frame,
  );
  const slice = grid.order.indexOf(place);
  // Image space counts from corners of pixels, the grid from their centres.
  return slice < 0 ? null : (at) => [(at[0] ?? 0) - 0.5, (at[1] ?? 0) - 0.5, slice];
}

const planeOfFrame = (frame: SegmentFrame): Plane | null =>
  frame.origin
    ? {
        origin: vector(frame.origin),
        row: vector(frame.row),
        column: vector(frame.column),
        rowSpacing: frame.row_spacing,
        columnSpacing: frame.column_spacing,
      }
    : null;

export interface FrameOn {
  /** Place of the frame in the mask. */
  readonly frame: number;
  /** From the mask's pixels to the image's; null: they are the same. */
  readonly map: Affine | null;
}

const IDENTITY_WITHIN = 0.02;

/** From one image's pixels to another's in the same plane; null when they coincide. */
function mapBetween(from: Plane, to: Plane): Affine | null {
  const at = (point: Point) => patientToImage(to, imageToPatient(from, point));
  const map = affineThrough(at([0, 0]), at([1, 0]), at([0, 1]));
  const off = [map.a - 1, map.b, map.c, map.d - 1].map((v) => Math.abs(v) * 512);
  const aside = Math.max(...off, Math.abs(map.e), Math.abs(map.f));
  return aside < IDENTITY_WITHIN * 5 ? null : map;
}

/** The frames of a mask that lie on an image, and how. */
export function framesOn(
  segment: ForeignSegment,
  image: Place,
  reach: number,
): readonly FrameOn[] {
  return segment.frames.flatMap((frame, place) => {
    const on = frameOn(segment, frame, image, reach);
    return on === false ? [] : [{ frame: place, map: on }];
  });
}

/** From a frame's pixels to an image's; null: they are the same; false: not on it. */
function frameOn(
  segment: ForeignSegment,
  frame: SegmentFrame,
  image: Place,
  reach: number,
): Affine | null | false {
  const plane = planeOfFrame(frame);
  const alike = segment.rows === image.rows && segment.columns === image.columns;
  if (plane === null || !image.placed)
    return alike && isNamed(frame, image) ? null : false;
  if (!reaches(plane, image, reach) || !inFrame(segment, image)) return false;
  const map = mapBetween(plane, image.plane);
  return map === null && !alike ? false : map;
}

const isNamed = (frame: SegmentFrame, image: Place) =>
  frame.sop_uid === image.sopUid && frame.frame === image.frame;

const inFrame = ({ frame_of_reference_uid: uid }: ForeignSegment, image: Place) =>
  uid === '' || uid === image.frameOfReference;

/** Whether a plane is parallel to an image and within its slice. */
function reaches(plane: Plane, image: Place, reach: number): boolean {
  const apart = 1 - Math.abs(dot(normalOf(plane), normalOf(image.plane)));
  const height = distanceTo(image.plane, plane.origin);
  return apart <= SAME && height >= -reach && height < reach;
}

/** A name for a frame of an image that is unique among all images. */
export const frameKey = (sopUid: string, frame: number) => `${sopUid}/${frame}`;

/**
 * Of each frame of a mask, the key of the image of a stack that has the same pixels;
 * '' where there is none.
 */
export function keysOf(
  segment: ForeignSegment,
  places: readonly Place[],
  reach: number,
): readonly string[] {
  return segment.frames.map((frame) => {
    const image = places.find((one) => frameOn(segment, frame, one, reach) === null);
    return image ? frameKey(image.sopUid, image.frame) : '';
  });
}

/** Where to look for an item: an image of a stack, and the point on it. */
export interface Sight {
  readonly sopUid: string;
  readonly frame: number;
  readonly at: Point | null;
}

function middleOf(points: readonly Point[]): Point {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [
    (Math.min(...xs) + Math.max(...xs)) / 2,
    (Math.min(...ys) + Math.max(...ys)) / 2,
  ];
}

function sightOfMark(mark: ForeignMark, places: readonly Place[]): Sight | null {
  const { points } = outline(mark);
  if (mark.space === 'image') {
    const here = places.some(
      (one) => one.sopUid === mark.sop_uid && one.frame === mark.frame,
    );
    const at = middleOf(points.map(flat));
    return here ? { sopUid: mark.sop_uid, frame: mark.frame, at } : null;
  }
  const centre = [0, 1, 2].map(
    (i) => points.reduce((sum, p) => sum + (p[i] ?? 0), 0) / points.length,
  );
  return sightOfPlace(vector(centre), mark.frame_of_reference_uid, places);
}

/** The image of a stack that is nearest to a place, when it reaches it. */
export function sightOfPlace(
  at: Vector,
  reference: string,
  places: readonly Place[],
): Sight | null {
  const reach = reachOf(places) * 1.01;
  const near = places
    .filter((one) => one.placed && one.frameOfReference === reference)
    .map((one) => ({ one, away: Math.abs(distanceTo(one.plane, at)) }))
    .sort((p, q) => p.away - q.away)[0];
  if (!near || near.away > reach) return null;
  const point = patientToImage(near.one.plane, at);
  const inside =
    point[0] >= 0 &&
    point[1] >= 0 &&
    point[0] <= near.one.columns &&
    point[1] <= near.one.rows;
  return inside ? { sopUid: near.one.sopUid, frame: near.one.frame, at: point } : null;
}

/** Where an item can be seen in a stack: the middle of its marks, or of its mask. */
export function sightOf(item: ForeignItem, places: readonly Place[]): Sight | null {
  const marks = item.marks.filter((mark) => mark.kind !== 'text');
  const usable = marks.length > 0 ? marks : item.marks;
  const order = [...usable.keys()].sort(
    (p, q) => Math.abs(p - usable.length / 2) - Math.abs(q - usable.length / 2),
  );
  for (const place of order) {
    const mark = usable[place];
    const sight = mark ? sightOfMark(mark, places) : null;
    if (sight) return sight;
  }
  return sightOfSegment(item, places) ?? sightOfImages(item, places);
}

function sightOfSegment(
  { segment }: ForeignItem,
  places: readonly Place[],
): Sight | null {
  if (!segment) return null;
  const reach = reachOf(places);
  const hits = segment.frames.flatMap((frame) => {
    const image = places.find((one) => frameOn(segment, frame, one, reach) !== false);
    return image ? [image] : [];
  });
  const image = hits[hits.length >> 1];
  return image ? { sopUid: image.sopUid, frame: image.frame, at: null } : null;
}

function sightOfImages(item: ForeignItem, places: readonly Place[]): Sight | null {
  const image = places.find((one) => item.images.includes(one.sopUid));
  return image ? { sopUid: image.sopUid, frame: image.frame, at: null } : null;
}

/** What a presentation state says of one image; null when it is not of it. */
export function presentationFor(
  object: ForeignObject,
  image: { readonly sopUid: string; readonly frame: number },
): Presentation | null {
  return (
    object.presentations.find((one) =>
      one.images.some(
        ([uid, frame]) => uid === image.sopUid && (frame === 0 || frame === image.frame),
      ),
    ) ?? null
  );
}

/** How an item is called: its number or name among those of the same label. */
export function nameOf(item: ForeignItem, place: number): string {
  const { label, tracking_id: id } = item;
  if (/^\d{1,4}$/.test(id)) return `${id} ${label.display}`;
  if (id === label.display) return id;
  return id === '' ? `${place + 1} ${label.display}` : `${label.display}, ${id}`;
}
