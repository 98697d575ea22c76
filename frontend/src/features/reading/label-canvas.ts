import { type Affine, apply, type Point, scaleOf } from '@/domain/geometry';
import { boundsOf, type Edges, edgesIn, grown } from '@/domain/segment/edges';
import { joinRects, type LabelMap, type Rect } from '@/domain/segment/paint';

/** How labels are drawn: by number, `#rrggbb`; those that are hidden are left out. */
export interface LabelLook {
  readonly colours: ReadonlyMap<number, string>;
  /** Of the areas, 0 (lines only) to 1. */
  readonly opacity: number;
}

const LINE = 1.5;
const HALO = 3;

/** Red, green, blue and alpha of each label as ImageData stores them. */
function paletteOf({ colours, opacity }: LabelLook): Uint32Array<ArrayBuffer> {
  const bytes = new Uint8ClampedArray(256 * 4);
  for (const [number, colour] of colours) {
    const rgb = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    bytes.set([...rgb, opacity * 255], number * 4);
  }
  return new Uint32Array(bytes.buffer);
}

/** The rectangle on the screen around a rectangle of the image. */
function seenRect({ x0, y0, x1, y1 }: Rect, matrix: Affine) {
  const corners: readonly Point[] = [
    [x0, y0],
    [x1, y0],
    [x0, y1],
    [x1, y1],
  ];
  const seen = corners.map((corner) => apply(matrix, corner));
  const [xs, ys] = [seen.map(([x]) => x), seen.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs) - HALO, Math.min(...ys) - HALO];
  const width = Math.max(...xs) + HALO - left;
  return { left, top, width, height: Math.max(...ys) + HALO - top };
}

/**
 * Draws one label map over an image: areas from a picture of the map, borders as sharp
 * lines. Only what changed is drawn anew while one paints.
 */
export class LabelCanvas {
  readonly #canvas: HTMLCanvasElement;
  readonly #picture = document.createElement('canvas');
  #map: LabelMap | null = null;
  #look: LabelLook = { colours: new Map(), opacity: 0 };
  #palette = new Uint32Array(256);
  #shown: readonly boolean[] = [];
  #bounds: Rect | null = null;
  #edges: Edges | null = null;
  #matrix: Affine = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 };
  #density = 1;
  /** What is to be drawn at the next frame; 'all', a part, or nothing. */
  #due: 'all' | Rect | null = null;
  #frame = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    canvas.hidden = true;
  }

  /** Shows a label map, or none. */
  show(map: LabelMap | null): void {
    this.#map = map;
    this.#edges = null;
    this.#bounds = map ? boundsOf(map) : null;
    if (this.#bounds) this.#paint(this.#bounds, true);
    this.#ask('all');
  }

  /** Part of the map that is shown has changed. */
  touch(rect: Rect): void {
    this.#edges = null;
    const fresh = this.#bounds === null;
    this.#bounds = joinRects(this.#bounds, rect);
    this.#paint(rect, fresh);
    this.#ask(rect);
  }

  dress(look: LabelLook): void {
    this.#look = look;
    this.#palette = paletteOf(look);
    this.#shown = Array.from({ length: 256 }, (_, number) => look.colours.has(number));
    this.#edges = null;
    if (this.#bounds) this.#paint(this.#bounds, true);
    this.#ask('all');
  }

  /** The image moved, or the pane has another size (CSS pixels). */
  place(matrix: Affine, width: number, height: number): void {
    this.#matrix = matrix;
    this.#density = window.devicePixelRatio || 1;
    const [wide, high] = [width, height].map((n) => Math.round(n * this.#density));
    if (wide !== this.#canvas.width) this.#canvas.width = wide ?? 0;
    if (high !== this.#canvas.height) this.#canvas.height = high ?? 0;
    this.#ask('all');
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #ask(what: 'all' | Rect): void {
    this.#due =
      what === 'all' || this.#due === 'all' ? 'all' : joinRects(this.#due, what);
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const due = this.#due;
      this.#due = null;
      if (due) this.#draw(due);
    });
  }

  /** Brings the picture of the areas up to date. */
  #paint(rect: Rect, whole: boolean): void {
    const map = this.#map;
    if (!map) return;
    const { columns, rows, labels } = map;
    const picture = this.#picture;
    const sized = picture.width === columns && picture.height === rows;
    if (!sized) [picture.width, picture.height] = [columns, rows];
    const context = picture.getContext('2d');
    if (sized && whole) context?.clearRect(0, 0, columns, rows);
    const [width, height] = [rect.x1 - rect.x0, rect.y1 - rect.y0];
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let y = 0; y < height; y += 1) {
      const from = (rect.y0 + y) * columns + rect.x0;
      for (let x = 0; x < width; x += 1) {
        pixels[y * width + x] = this.#palette[labels[from + x] ?? 0] ?? 0;
      }
    }
    context?.putImageData(image, rect.x0, rect.y0);
  }

  /**
   * A canvas without anything on it is taken out: laid over the image, it would cost as
   * much as the image itself with every frame.
   */
  #draw(due: 'all' | Rect): void {
    const wasHidden = this.#canvas.hidden;
    const empty = !this.#map || !this.#bounds;
    this.#canvas.hidden = empty;
    const context = empty ? null : this.#canvas.getContext('2d');
    if (!context || !this.#map || !this.#bounds) return;
    const density = this.#density;
    context.setTransform(density, 0, 0, density, 0, 0);
    if (due === 'all' || wasHidden) {
      context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
      this.#edges ??= edgesIn(this.#map, this.#bounds, this.#shown);
      this.#drawPart(context, this.#bounds, this.#edges);
      return;
    }
    const margin = Math.ceil(HALO / Math.max(scaleOf(this.#matrix), 0.05)) + 1;
    const part = grown(due, margin, this.#map);
    const { left, top, width, height } = seenRect(due, this.#matrix);
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.clearRect(left, top, width, height);
    this.#drawPart(context, part, edgesIn(this.#map, part, this.#shown));
    context.restore();
  }

  #drawPart(context: CanvasRenderingContext2D, part: Rect, edges: Edges): void {
    const { a, b, c, d, e, f } = this.#matrix;
    const [width, height] = [part.x1 - part.x0, part.y1 - part.y0];
    context.save();
    context.transform(a, b, c, d, e, f);
    context.imageSmoothingEnabled = scaleOf(this.#matrix) < 1;
    context.drawImage(
      this.#picture,
      part.x0,
      part.y0,
      width,
      height,
      part.x0,
      part.y0,
      width,
      height,
    );
    context.restore();
    for (const [number, lines] of edges) {
      const colour = this.#look.colours.get(number);
      if (colour) this.#drawLines(context, lines, colour);
    }
  }

  #drawLines(
    context: CanvasRenderingContext2D,
    lines: readonly number[],
    colour: string,
  ): void {
    const { a, b, c, d, e, f } = this.#matrix;
    context.beginPath();
    for (let at = 0; at < lines.length; at += 4) {
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = lines.slice(at, at + 4);
      context.moveTo(a * x0 + c * y0 + e, b * x0 + d * y0 + f);
      context.lineTo(a * x1 + c * y1 + e, b * x1 + d * y1 + f);
    }
    context.lineWidth = LINE;
    context.lineCap = 'round';
    context.strokeStyle = colour;
    context.stroke();
  }
}
