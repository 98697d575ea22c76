import type { Types, Viewport } from '@cornerstonejs/core';
import vtkRenderer from '@kitware/vtk.js/Rendering/Core/Renderer.js';
import type { Affine } from '@/domain/geometry';
import { type Painter, paintStrips } from '../strips';

/** A canvas whose pixels are written one by one. */
export class Surface {
  readonly #canvas: HTMLCanvasElement;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  /**
   * Lets all of it be drawn, strip by strip, and shows it; false when it has no size.
   *
   * @param whole at once instead.
   */
  show(paint: Painter, whole = false): boolean {
    const { width, height } = this.#canvas;
    const pen = this.#canvas.getContext('2d');
    if (!pen || width < 1 || height < 1) return false;
    paintStrips(pen, paint, whole);
    return true;
  }

  /** Shows nothing: black, for which no pixels have to be sent. */
  blacken(): void {
    const { width, height } = this.#canvas;
    const pen = this.#canvas.getContext('2d');
    if (!pen || width < 1 || height < 1) return;
    pen.fillStyle = '#000';
    pen.fillRect(0, 0, width, height);
  }
}

/** Canvas pixels for one CSS pixel. */
export const density = () => window.devicePixelRatio || 1;

export const dense = ({ a, b, c, d, e, f }: Affine, by: number): Affine => ({
  a: a * by,
  b: b * by,
  c: c * by,
  d: d * by,
  e: e * by,
  f: f * by,
});

/** Gives the canvas as many pixels as its place on the screen has; false if it had. */
export function fitCanvas(canvas: HTMLCanvasElement): boolean {
  const { width, height } = canvas.getBoundingClientRect();
  const wide = Math.round(width * density());
  const high = Math.round(height * density());
  if (wide < 2 || high < 2) return false;
  if (canvas.width === wide && canvas.height === high) return false;
  canvas.width = wide;
  canvas.height = high;
  canvas.style.aspectRatio = `${wide} / ${high}`;
  return true;
}

export type Renderer = ReturnType<typeof vtkRenderer.newInstance>;
type Props = ConstructorParameters<typeof Viewport>[0];

/** A renderer that only holds camera and actors: nothing is drawn through it. */
export const emptyRenderer = (): Renderer =>
  vtkRenderer.newInstance({ background: [0, 0, 0] });

/** What a viewport of a kind is made of, its canvas fitted to its place. */
export function fitted(props: Props, type: Props['type']): Props {
  fitCanvas(props.canvas);
  const { width, height } = props.canvas;
  return { ...props, type, sWidth: width, sHeight: height };
}

/** The part of a viewport that its size concerns. */
type Sized = Pick<Viewport, 'canvas' | 'sWidth' | 'sHeight'> & {
  getCamera(): Types.ICamera;
  setCamera(camera: Types.ICamera): void;
  resetCameraForResize(): boolean;
};

/** Fits a viewport to its new size; what it looks at stays. */
export function refit(viewport: Sized): void {
  if (!fitCanvas(viewport.canvas)) return;
  viewport.sWidth = viewport.canvas.width;
  viewport.sHeight = viewport.canvas.height;
  const camera = viewport.getCamera();
  viewport.resetCameraForResize();
  viewport.setCamera(camera);
}

type Told = Pick<
  Viewport,
  'canvas' | 'element' | 'id' | 'renderingEngineId' | 'viewportStatus'
>;

/** What Cornerstone's engine tells of a viewport that drew itself. */
export const drawnEvent = (viewport: Told) => ({
  canvas: viewport.canvas,
  element: viewport.element,
  viewportId: viewport.id,
  renderingEngineId: viewport.renderingEngineId,
  viewportStatus: viewport.viewportStatus,
});
