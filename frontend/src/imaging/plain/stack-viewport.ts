import { Enums, StackViewport, type Types } from '@cornerstonejs/core';
import { affineThrough } from '@/domain/geometry';
import { drawColours, drawValues, type Numbers } from '@/domain/sampling';
import { below } from '../strips';
import {
  dense,
  density,
  drawnEvent,
  emptyRenderer,
  fitted,
  type Renderer,
  refit,
  Surface,
} from './surface';
import { TonesOf, type Transfer } from './tones';

/** The part of Cornerstone's image actor that is used here. */
interface Actor {
  getProperty(): { getRGBTransferFunction(channel: number): Transfer | null };
}

/**
 * A stack that the processor draws. All but the drawing is Cornerstone's: camera, window,
 * tools and events are those of its stack on a graphics card, of which this needs none.
 */
export class PlainStackViewport extends StackViewport {
  /** Asked for by Cornerstone's constructor, before fields have values. */
  declare private plainRenderer: Renderer | undefined;
  readonly #tones = new TonesOf();
  readonly #surface: Surface;

  constructor(props: ConstructorParameters<typeof StackViewport>[0]) {
    super(fitted(props, Enums.ViewportType.STACK));
    this.#surface = new Surface(this.canvas);
  }

  static override get useCustomRenderingPipeline(): boolean {
    return true;
  }

  override getRendererContextPool(): Renderer {
    this.plainRenderer ??= emptyRenderer();
    return this.plainRenderer;
  }

  override resizeForRenderingEngine(): void {
    refit(this);
  }

  override customRenderViewportToCanvas = () => {
    this.#draw();
    return drawnEvent(this);
  };

  #draw(): void {
    const image = this.getCornerstoneImage();
    const actor = this.getDefaultActor()?.actor as unknown as Actor | undefined;
    const transfer = actor?.getProperty().getRGBTransferFunction(0);
    if (!image || !transfer) {
      this.#surface.blacken();
      return;
    }
    const data = image.voxelManager?.getScalarData() as Numbers;
    const { columns, rows } = image;
    const tones = this.#tones.tones(transfer);
    const channels = Math.round(data.length / (columns * rows));
    const map = dense(this.#map(), density());
    if (channels < 3) {
      this.#surface.show((screen, top) =>
        drawValues(screen, { data, columns, rows }, below(map, top), tones),
      );
    } else {
      // Each colour is taken out of all of the image first.
      const values = { data, columns, rows, channels };
      this.#surface.show((screen) => drawColours(screen, values, map, tones), true);
    }
  }

  /** From the image's columns and rows, whole at centres, to CSS pixels. */
  #map() {
    const { origin, direction, spacing } = this.getImageData() as Types.IImageData;
    const at = (i: number, j: number) => {
      const [x, y] = [i * (spacing[0] ?? 1), j * (spacing[1] ?? 1)];
      const world = origin.map(
        (n, axis) => n + x * (direction[axis] ?? 0) + y * (direction[axis + 3] ?? 0),
      );
      return this.worldToCanvas(world as Types.Point3);
    };
    return affineThrough(at(0, 0), at(1, 0), at(0, 1));
  }
}
