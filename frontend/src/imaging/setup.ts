import {
  cache,
  utilities as coreUtilities,
  imageLoader,
  init as initCore,
  metaData,
  RenderingEngine,
  setUseCPURendering,
  type Types,
} from '@cornerstonejs/core';
import {
  addTool,
  Enums,
  init as initTools,
  MagnifyTool,
  PanTool,
  ToolGroupManager,
  ZoomTool,
} from '@cornerstonejs/tools';
import { isMeasureTool, type MeasureTool } from '@/domain/measure/kinds';
import { memoryCeiling } from '@/domain/memory';
import { isSegmentTool, type SegmentTool } from '@/domain/segment/tools';
import { undrawable } from './dataset';
import { expectNone, expectSeries, isOurs, readGrey } from './decode-pool';
import { onForget } from './forget';
import { greyImage } from './grey-image';
import { buildModule } from './modules';
import type { ImageRef, Stack } from './pack';
import { bytesOf, fetchPart, PackError, syntaxOf } from './part';
import { processorDraws } from './plain/choose';
import { ScrollTool } from './scroll-tool';
import { WindowTool } from './window-tool';

export type PointerTool = 'scroll' | 'window' | 'pan' | 'zoom';
/** The left button may also belong to the page, for crosshairs. */
export type PrimaryTool = PointerTool | 'cross' | 'magnify' | MeasureTool | SegmentTool;

const ENGINE = 'overread';
/** Cornerstone's own number of graphics contexts. */
const CONTEXTS = 7;
const GROUP = 'reading';

const known = new Map<string, { ref: ImageRef; place: number }>();

let engine: RenderingEngine | null = null;
let ready: Promise<void> | null = null;

function provideMetadata(type: string, imageId: unknown): unknown {
  const entry = typeof imageId === 'string' ? known.get(imageId) : undefined;
  return entry ? buildModule(type, entry.ref.dataset, entry.place) : undefined;
}

interface Encoded {
  readonly bytes: Uint8Array;
  readonly syntax: string;
}

/** A frame's bytes, brought in before anybody asks for it. */
let brought: { readonly imageId: string; readonly encoded: Encoded } | null = null;

async function encodedOf(ref: ImageRef, signal?: AbortSignal): Promise<Encoded> {
  const response = await fetchPart(ref.url, signal);
  const syntax = syntaxOf(response, ref.transferSyntax);
  return { bytes: await bytesOf(response), syntax };
}

/** Brings in a frame as it is sent. Only the last is kept, until it is asked for. */
export async function bringEncoded(ref: ImageRef): Promise<void> {
  brought = { imageId: ref.imageId, encoded: await encodedOf(ref) };
}

function takeEncoded(imageId: string): Encoded | null {
  if (brought?.imageId !== imageId) return null;
  const { encoded } = brought;
  brought = null;
  return encoded;
}

async function fetchImage(
  imageId: string,
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Types.IImage> {
  const entry = known.get(imageId);
  if (!entry) throw new Error('unknown image');
  const against = undrawable(entry.ref.dataset);
  if (against !== null) throw new Error(against);
  const grey = readGrey(entry.ref, signal);
  if (grey) return greyImage(entry.ref, await grey);
  const encoded = takeEncoded(imageId) ?? (await encodedOf(entry.ref, signal));
  const { libraryImage } = await import('./colour-image');
  return libraryImage(imageId, encoded.bytes, encoded.syntax, options);
}

function loadImage(imageId: string, options: Record<string, unknown> = {}) {
  const controller = new AbortController();
  return {
    promise: fetchImage(imageId, options, controller.signal).catch((error) => {
      // Called off because nobody wants it any more: neither an image nor a failure.
      if (controller.signal.aborted) return new Promise<Types.IImage>(() => undefined);
      throw error;
    }),
    cancelFn: () => controller.abort(),
  };
}

/** Black, red, orange, white: uptake as nuclear medicine shows it. Value, r, g, b. */
const UPTAKE = {
  ColorSpace: 'RGB',
  Name: 'overread-uptake',
  name: 'overread-uptake',
  RGBPoints: [0, 0, 0, 0, 0.35, 0.75, 0.05, 0, 0.7, 1, 0.6, 0, 1, 1, 1, 1],
};

/**
 * Cornerstone's cache throws each failed load once more where nobody can catch it. Who
 * asked for the image has heard of it and tells it; a second time is no defect.
 */
function hearFailuresOnce(): void {
  window.addEventListener('unhandledrejection', (event) => {
    if (event.reason instanceof PackError) event.preventDefault();
  });
}

async function start(): Promise<void> {
  hearFailuresOnce();
  const webGlContextCount = processorDraws() ? 1 : CONTEXTS;
  initCore({ rendering: { webGlContextCount }, debug: {} });
  initTools();
  imageLoader.registerImageLoader('pack', loadImage as unknown as Types.ImageLoaderFn);
  metaData.addProvider(provideMetadata, 10_000);
  onForget(() => forgetImages());
  for (const tool of [WindowTool, PanTool, ZoomTool, ScrollTool, MagnifyTool]) {
    addTool(tool);
  }
  coreUtilities.colormap.registerColormap(UPTAKE);
  engine = makeEngine();
}

/**
 * Cornerstone opens all of its graphics contexts at once. Where the processor draws, none
 * is needed until something is shown that only a card can draw, and then one.
 */
function makeEngine(): RenderingEngine {
  if (!processorDraws()) return new RenderingEngine(ENGINE);
  setUseCPURendering(true, false);
  const made = new RenderingEngine(ENGINE);
  setUseCPURendering(false, false);
  return made;
}

/** Starts the imaging library once. */
export function ensureImaging(): Promise<void> {
  ready ??= start();
  return ready;
}

/** The engine that draws all panes; `ensureImaging` must have resolved. */
export function renderingEngine(): RenderingEngine {
  if (!engine) throw new Error('imaging has not started');
  return engine;
}

export const ENGINE_ID = ENGINE;

const RESIZE_MS = 60;
let resizing: ReturnType<typeof setTimeout> | null = null;
const afterResize = new Set<() => void>();

/** Fits all panes to their new sizes, once for all that ask at about the same time. */
export function resizePanes(then?: () => void): void {
  if (then) afterResize.add(then);
  if (resizing !== null) return;
  resizing = setTimeout(() => {
    resizing = null;
    engine?.resize(true, true);
    for (const one of afterResize) one();
    afterResize.clear();
  }, RESIZE_MS);
}

/** Makes a series known to the loader: from here on its images can be asked for. */
export function registerStack(stack: Stack): void {
  cache.setMaxCacheSize(memoryCeiling());
  const [first] = stack.images;
  if (first && isOurs(first)) expectSeries(stack.uid, stack.decodedBytes);
  stack.images.forEach((ref, place) => {
    known.set(ref.imageId, { ref, place });
  });
}

/** Forgets all images but those under the addresses that are kept for what comes next. */
export function forgetImages(keep: readonly string[] = []): void {
  expectNone();
  const kept = (url: string) => keep.some((base) => url.startsWith(base));
  for (const [imageId, { ref }] of known) {
    if (kept(ref.url)) continue;
    known.delete(imageId);
    if (cache.getImageLoadObject(imageId)) {
      cache.removeImageLoadObject(imageId, { force: true });
    }
  }
  if (known.size === 0) cache.purgeCache();
  if (brought && !known.has(brought.imageId)) brought = null;
}

const NAMES: Readonly<Record<PointerTool, string>> = {
  scroll: ScrollTool.toolName,
  window: WindowTool.toolName,
  pan: PanTool.toolName,
  zoom: ZoomTool.toolName,
};

const { MouseBindings, KeyboardBindings } = Enums;

const GLASS = 280;
const LARGER = 3;

/** A glass of 280 CSS pixels that shows three times what a pane of a height shows. */
const magnifier = (height: number) => ({
  // Cornerstone takes it of the pane's height, not of the glass's.
  magnifySize: (LARGER * height) / GLASS,
  magnifyWidth: GLASS,
  magnifyHeight: GLASS,
});

/** Crosshairs, magnifier, measuring and segmenting take the left button from the pointer tools. */
const isPointerTool = (tool: PrimaryTool): tool is PointerTool =>
  tool !== 'cross' && tool !== 'magnify' && !isMeasureTool(tool) && !isSegmentTool(tool);

function toolGroup() {
  const present = ToolGroupManager.getToolGroup(GROUP);
  if (present) return present;
  const group = ToolGroupManager.createToolGroup(GROUP);
  if (!group) throw new Error('no tool group');
  for (const name of Object.values(NAMES)) group.addTool(name);
  group.addTool(MagnifyTool.toolName, magnifier(2 * GLASS));
  return group;
}

/** Left button: the chosen tool. Middle: pan. Right: zoom. Wheel: scroll. */
export function bindTool(tool: PrimaryTool): void {
  const group = toolGroup();
  for (const name of [...Object.values(NAMES), MagnifyTool.toolName])
    group.setToolPassive(name, { removeAllBindings: true });
  if (tool === 'magnify') {
    const pane = engine?.getViewports()[0]?.element.clientHeight;
    group.setToolConfiguration(MagnifyTool.toolName, magnifier(pane || 2 * GLASS));
    const primary = [{ mouseButton: MouseBindings.Primary }];
    group.setToolActive(MagnifyTool.toolName, { bindings: primary });
  }
  const bindings: Record<PointerTool, Parameters<typeof group.setToolActive>[1]> = {
    window: { bindings: [] },
    scroll: { bindings: [{ mouseButton: MouseBindings.Wheel }] },
    pan: { bindings: [{ mouseButton: MouseBindings.Auxiliary }] },
    zoom: { bindings: [{ mouseButton: MouseBindings.Secondary }] },
  };
  if (isPointerTool(tool)) {
    bindings[tool]?.bindings?.push({ mouseButton: MouseBindings.Primary });
  }
  if (tool !== 'pan') {
    bindings.pan?.bindings?.push({
      mouseButton: MouseBindings.Primary,
      modifierKey: KeyboardBindings.Shift,
    });
  }
  for (const [name, options] of Object.entries(bindings)) {
    if ((options?.bindings?.length ?? 0) > 0) {
      group.setToolActive(NAMES[name as PointerTool], options);
    }
  }
}

export function joinTools(viewportId: string): void {
  toolGroup().addViewport(viewportId, ENGINE);
}

export function leaveTools(viewportId: string): void {
  ToolGroupManager.getToolGroup(GROUP)?.removeViewports(ENGINE, viewportId);
}
