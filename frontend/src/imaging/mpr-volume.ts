import { cache, Enums, eventTarget, volumeLoader } from '@cornerstonejs/core';
import type { Grid } from '@/domain/volume';
import { useMpr } from './mpr-store';
import type { Stack } from './pack';
import { Prefetcher } from './prefetch';
import { ensureImaging, registerStack, renderingEngine } from './setup';

const SCHEME = 'cornerstoneStreamingImageVolume';
const TELL_MS = 250;

/** Each opening has a name of its own: one may begin while the last is being freed. */
let serial = 0;

export interface OpenVolume {
  readonly id: string;
  close(): void;
}

/** The part of Cornerstone's streaming texture that is used here. */
interface Texture {
  get(name: string): Readonly<Record<string, unknown>>;
  releaseGraphicsResources(window: unknown): void;
  /** The slice has come, or has come anew: it goes to the card with the next drawing. */
  setUpdatedFrame(slice: number): void;
}

/** How far the slices are, and how many of them cannot come. */
interface Told {
  readonly loaded: { readonly done: number; readonly of: number };
  readonly failed: number;
}

/**
 * Brings the slices in as a stack's images are brought in, and each onto the card when
 * it has come. Tells how many there are, and how many cannot come.
 */
function fill(
  stack: Stack,
  imageIds: readonly string[],
  texture: Texture,
  onTold: (told: Told) => void,
): () => void {
  const slices = new Map(imageIds.map((id, slice) => [id, slice]));
  const failed = new Set<number>();
  let told: ReturnType<typeof setTimeout> | null = null;
  const tell = () => {
    told = null;
    const done = imageIds.filter((id) => cache.isLoaded(id)).length;
    onTold({ loaded: { done, of: imageIds.length }, failed: failed.size });
    renderingEngine().render();
  };
  const changed = () => {
    told ??= setTimeout(tell, TELL_MS);
  };
  const onAdded = (event: Event) => {
    const { image } = (event as CustomEvent<{ image: { imageId: string } }>).detail;
    const slice = slices.get(image.imageId);
    if (slice === undefined) return;
    texture.setUpdatedFrame(slice);
    changed();
  };
  const onFailed = (index: number) => {
    failed.add(index);
    changed();
  };
  imageIds.forEach((id, slice) => {
    if (cache.isLoaded(id)) texture.setUpdatedFrame(slice);
  });
  eventTarget.addEventListener(Enums.Events.IMAGE_CACHE_IMAGE_ADDED, onAdded);
  const prefetcher = new Prefetcher(stack, { makeRoom: true, onFailed });
  prefetcher.focus(Math.floor(imageIds.length / 2));
  changed();
  return () => {
    prefetcher.stop();
    if (told !== null) clearTimeout(told);
    eventTarget.removeEventListener(Enums.Events.IMAGE_CACHE_IMAGE_ADDED, onAdded);
  };
}

/**
 * Takes the volume out of the cache and its texture off the graphics card, which
 * Cornerstone leaves there; the images stay for the stack.
 */
function freeVolume(id: string): void {
  const volume = cache.getVolume(id);
  if (!volume) return;
  const texture = volume.vtkOpenGLTexture as Texture | undefined;
  const owner = '_openGLRenderWindow';
  const window = texture?.get(owner)[owner];
  cache.removeVolumeLoadObject(id);
  if (window) texture?.releaseGraphicsResources(window);
}

/** Makes a volume of a series' images, read once for stack and volume. */
export async function openVolume(
  stack: Stack,
  grid: Grid,
  use: 'planes' | 'overlay' = 'planes',
): Promise<OpenVolume> {
  await ensureImaging();
  registerStack(stack);
  serial += 1;
  const id = `${SCHEME}:${stack.uid}:${serial}`;
  const imageIds = grid.order.flatMap((place) => stack.images[place]?.imageId ?? []);
  const volume = await volumeLoader.createAndCacheVolume(id, { imageIds });
  const texture = volume.vtkOpenGLTexture as Texture;
  const inPlanes = use === 'planes';
  const stop = fill(stack, imageIds, texture, (told) => {
    if (inPlanes) useMpr.setState(told);
  });
  return {
    id,
    close: () => {
      stop();
      freeVolume(id);
    },
  };
}
