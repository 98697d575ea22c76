import { number, text as textOf } from '@/imaging/dataset';
import type { ImageRef, Stack } from '@/imaging/pack';
import { type PaneView, useViews } from '@/imaging/view-store';
import { setDisplay } from '@/state/display';
import { findingsOf, getRoom } from '@/state/room';
import { text } from '@/text/en';
import { display } from '@/text/en-display';

/** What a mark's look is made of; a picture has no style sheets. */
const DRAWN = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'opacity',
  'font-size',
  'font-family',
  'font-weight',
  'vector-effect',
] as const;

function withStyles(svg: SVGElement): SVGElement {
  const copy = svg.cloneNode(true) as SVGElement;
  const sources = [svg, ...svg.querySelectorAll<SVGElement>('*')];
  const targets = [copy, ...copy.querySelectorAll<SVGElement>('*')];
  sources.forEach((source, at) => {
    const style = getComputedStyle(source);
    for (const name of DRAWN) {
      targets[at]?.style.setProperty(name, style.getPropertyValue(name));
    }
  });
  return copy;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function pictureOf(svg: SVGElement, { width, height }: Size): Promise<HTMLImageElement> {
  const copy = withStyles(svg);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', `${width}`);
  copy.setAttribute('height', `${height}`);
  const markup = new XMLSerializer().serializeToString(copy);
  const image = new Image();
  return new Promise((resolve, reject) => {
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error(display.capture.failed));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(markup)}`;
  });
}

/** Whether one of the images says that it may carry the patient's name in its pixels. */
export function mayBeBurnedIn(images: readonly Pick<ImageRef, 'dataset'>[]): boolean {
  return images.some(
    ({ dataset }) => textOf(dataset, '00280301').toUpperCase() === 'YES',
  );
}

/** What a pane shows that is no image of a stack: a plane, or a body. */
export interface Computed {
  readonly element: Element;
  readonly stack: Stack;
  /** Which view of the series it is: what the file is named by. */
  readonly what: string;
}

/** What is to be saved, and where it is on the screen. */
interface Shot {
  readonly element: Element;
  readonly images: readonly ImageRef[];
  readonly name: string;
}

const computed = new Map<number, () => Computed | null>();

/** Tells what a pane shows while it shows no image of a stack. */
export function registerPicture(pane: number, what: () => Computed | null): () => void {
  computed.set(pane, what);
  return () => {
    if (computed.get(pane) === what) computed.delete(pane);
  };
}

/** A name that says what the picture is of, and nothing of whom. */
export function pictureName(stack: Stack, what: string): string {
  const series = number(stack.images[0]?.dataset ?? {}, '00200011') ?? 0;
  return `overread-${stack.modality || 'image'}-series-${series}-${what}.png`;
}

function shotOfImage(pane: number): Shot | null {
  const view: PaneView | null = useViews.getState().panes[pane]?.view ?? null;
  const element = document.querySelector(`[data-pane="${pane + 1}"]`);
  if (!view || !element) return null;
  const name = pictureName(view.stack, `image-${view.index + 1}`);
  return { element, images: [view.image], name };
}

function shotOf(pane: number): Shot | null {
  const shown = computed.get(pane)?.() ?? null;
  if (!shown) return shotOfImage(pane);
  const { element, stack, what } = shown;
  // A plane crosses them all.
  return { element, images: stack.images, name: pictureName(stack, what) };
}

function write(context: CanvasRenderingContext2D, words: string, x: number, y: number) {
  context.font = '12px sans-serif';
  context.fillStyle = '#000a';
  context.fillRect(x - 4, y - 13, context.measureText(words).width + 8, 18);
  context.fillStyle = '#f2f5f9';
  context.fillText(words, x, y);
}

/**
 * What lies over the image and says nothing about the patient, in the order in which it
 * is drawn. A machine's own overlays are left out: they may be words.
 */
const LAYERS = [
  'canvas.colour-map',
  'canvas.saliency',
  'canvas.shutter-bitmap',
  'canvas.foreign-parts',
  'canvas.labels:not([hidden])',
  '.pane-over > svg',
  '.foreign-item > svg',
].join(', ');

function drawLayer(context: CanvasRenderingContext2D, layer: HTMLCanvasElement): void {
  const { transform, opacity } = getComputedStyle(layer);
  context.save();
  context.imageSmoothingEnabled = false;
  context.globalAlpha = Number(opacity);
  context.setTransform(new DOMMatrix(transform));
  context.drawImage(layer, 0, 0, layer.clientWidth, layer.clientHeight);
  context.restore();
}

/** What marks say beside them: their figures, and the words of the reader. */
function drawPlates(context: CanvasRenderingContext2D, element: Element): void {
  const { left, top } = element.getBoundingClientRect();
  for (const line of element.querySelectorAll('.measure-plate > div')) {
    const box = line.getBoundingClientRect();
    const y = box.top - top + box.height / 2 + 4;
    write(context, line.textContent ?? '', box.left - left, y);
  }
}

async function drawPane(element: Element): Promise<HTMLCanvasElement> {
  const pixels = element.querySelector('canvas');
  const canvas = document.createElement('canvas');
  const size = { width: element.clientWidth, height: element.clientHeight };
  Object.assign(canvas, size);
  const context = canvas.getContext('2d');
  if (!pixels || !context) throw new Error(display.capture.failed);
  context.drawImage(pixels, 0, 0, size.width, size.height);
  for (const layer of element.querySelectorAll(LAYERS)) {
    if (layer instanceof HTMLCanvasElement) drawLayer(context, layer);
    else context.drawImage(await pictureOf(layer as SVGElement, size), 0, 0);
  }
  drawPlates(context, element);
  const { marks, ai } = getRoom();
  const hasAi = marks && findingsOf(ai).length > 0;
  if (hasAi) write(context, text.room.panel.disclaimer, 8, size.height - 12);
  return canvas;
}

/**
 * Saves the viewport's image with its marks as PNG. Words about the patient are never in
 * it: the corners are left out, and an image with burned-in text is refused.
 */
export async function capturePane(pane: number): Promise<void> {
  const shot = shotOf(pane);
  if (!shot) return;
  if (mayBeBurnedIn(shot.images)) {
    setDisplay({ refusal: display.capture.burned });
    return;
  }
  const canvas = await drawPane(shot.element);
  const link = document.createElement('a');
  link.download = shot.name;
  link.href = canvas.toDataURL('image/png');
  link.click();
}
