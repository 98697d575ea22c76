import { cache, Enums, type Types, VolumeViewport } from '@cornerstonejs/core';
import { type Affine, affineThrough } from '@/domain/geometry';
import { drawValues, type Numbers, type Values } from '@/domain/sampling';
import { type Depth, planeAt, type Slices, slabOf } from '@/domain/slab';
import type { Axis } from '@/domain/volume';
import { below, type Painter } from '../strips';
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

/** The parts of vtk's volume that are used here. */
interface Actor {
  getProperty(): { getRGBTransferFunction(channel: number): Transfer | null };
  getMapper(): { getBlendMode(): number };
}
interface Lattice {
  worldToIndex(world: readonly number[]): readonly number[];
  indexToWorld(index: readonly number[]): readonly number[];
}

const DEPTHS = new Map<number, Depth>([
  [Enums.BlendModes.MAXIMUM_INTENSITY_BLEND, 'most'],
  [Enums.BlendModes.MINIMUM_INTENSITY_BLEND, 'least'],
  [Enums.BlendModes.AVERAGE_INTENSITY_BLEND, 'mean'],
]);

const dot = (a: readonly number[], b: readonly number[]) =>
  (a[0] ?? 0) * (b[0] ?? 0) + (a[1] ?? 0) * (b[1] ?? 0) + (a[2] ?? 0) * (b[2] ?? 0);

interface Cut {
  readonly axis: Axis;
  readonly from: number;
  readonly to: number;
  readonly depth: Depth | null;
}

const sameCut = (a: Cut, b: Cut) =>
  a.axis === b.axis && a.from === b.from && a.to === b.to && a.depth === b.depth;

/**
 * A plane along the axes of a volume, or a slab of such planes, that the processor draws.
 * It reads the images as they lie in memory; no volume is put together and nothing goes
 * to a graphics card. All but the drawing is Cornerstone's.
 */
export class PlainPlanesViewport extends VolumeViewport {
  /** Asked for by Cornerstone's constructor, before fields have values. */
  declare private plainRenderer: Renderer | undefined;
  readonly #tones = new TonesOf();
  readonly #surface: Surface;
  #kept: { cut: Cut; arrived: number; values: Values | null } | null = null;

  constructor(props: ConstructorParameters<typeof VolumeViewport>[0]) {
    super(fitted(props, Enums.ViewportType.ORTHOGRAPHIC));
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
    const paint = this.#painter();
    if (paint) this.#surface.show(paint);
    else this.#surface.blacken();
    return drawnEvent(this);
  };

  /** Null while there is nothing to be drawn. */
  #painter(): Painter | null {
    const actor = this.getDefaultActor()?.actor as unknown as Actor | undefined;
    const transfer = actor?.getProperty().getRGBTransferFunction(0);
    const volume = cache.getVolume(this.getVolumeId());
    const lattice = volume?.imageData as unknown as Lattice | undefined;
    if (!actor || !transfer || !volume || !lattice) return null;
    const cut = this.#cut(volume, lattice, actor);
    const values = this.#values(volume, cut);
    if (!values) return null;
    const map = dense(this.#map(lattice, cut.axis), density());
    const tones = this.#tones.tones(transfer);
    return (screen, top) => drawValues(screen, values, below(map, top), tones);
  }

  #cut(volume: Types.IImageVolume, lattice: Lattice, actor: Actor): Cut {
    const { focalPoint = [0, 0, 0], viewPlaneNormal = [0, 0, 1] } = this.getCamera();
    const { direction, spacing } = volume;
    const along = [0, 1, 2].map((n) =>
      Math.abs(dot(viewPlaneNormal, [...direction].slice(n * 3, n * 3 + 3))),
    );
    const axis = along.indexOf(Math.max(...along)) as Axis;
    const place = Math.round(lattice.worldToIndex(focalPoint)[axis] ?? 0);
    const depth = DEPTHS.get(actor.getMapper().getBlendMode()) ?? null;
    // Cornerstone's slab reaches as far to either side of the focus.
    const reach = depth ? this.getSlabThickness() / (spacing[axis] ?? 1) : 0;
    const beside = Math.floor(reach + 1e-6);
    return { axis, from: place - beside, to: place + beside, depth };
  }

  /** The values on a cut, computed again only when it moved or slices have come. */
  #values(volume: Types.IImageVolume, cut: Cut): Values | null {
    const ids = volume.imageIds;
    const arrived = ids.filter((id) => cache.isLoaded(id)).length;
    const kept = this.#kept;
    if (kept && kept.arrived === arrived && sameCut(kept.cut, cut)) return kept.values;
    const [nx = 0, ny = 0, nz = 0] = volume.dimensions;
    const slices: Slices = {
      size: [nx, ny, nz],
      slice: (place) => {
        const id = ids[place];
        const image = id === undefined ? undefined : cache.getImage(id);
        return (image?.voxelManager?.getScalarData() as Numbers | undefined) ?? null;
      },
    };
    const values = cut.depth
      ? slabOf(slices, cut.axis, [cut.from, cut.to], cut.depth)
      : planeAt(
          slices,
          cut.axis,
          Math.min(Math.max(0, cut.from), slices.size[cut.axis] - 1),
        );
    this.#kept = { cut, arrived, values };
    return values;
  }

  /** From the plane's columns and rows, whole at centres, to CSS pixels. */
  #map(lattice: Lattice, axis: Axis): Affine {
    const { focalPoint = [0, 0, 0] } = this.getCamera();
    const focus = [...lattice.worldToIndex(focalPoint)];
    const [across, down] = [0, 1, 2].filter((one) => one !== axis) as [number, number];
    const at = (i: number, j: number) => {
      const index = [...focus];
      index[across] = i;
      index[down] = j;
      return this.worldToCanvas([...lattice.indexToWorld(index)] as Types.Point3);
    };
    return affineThrough(at(0, 0), at(1, 0), at(0, 1));
  }
}
