import { type Remote, transfer, wrap } from 'comlink';
import { type GreyArray, type GreyFrame, greyFrame, isPlainGrey } from './grey';
import { buildModule } from './modules';
import type { ImageRef } from './pack';

interface Decoded {
  readonly pixelData: GreyArray;
  readonly smallestPixelValue: number;
  readonly largestPixelValue: number;
}

interface Decoder {
  decodeTask(task: {
    imageFrame: unknown;
    transferSyntax: string;
    decodeConfig: object;
    options: object;
    pixelData: Uint8Array;
  }): Decoded;
}

/** A decoder nobody asked for this long is let go of. */
const IDLE_MS = 60_000;

let decoder: { remote: Remote<Decoder>; worker: Worker } | null = null;
let idle: ReturnType<typeof setTimeout> | undefined;

function startDecoder() {
  // The image loader's own decoders, without the library around them.
  const worker = new Worker(
    new URL(
      '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/decodeImageFrameWorker.js',
      import.meta.url,
    ),
    { type: 'module' },
  );
  return { remote: wrap<Decoder>(worker), worker };
}

function restLater(): void {
  clearTimeout(idle);
  idle = setTimeout(() => {
    decoder?.worker.terminate();
    decoder = null;
  }, IDLE_MS);
}

/** Has a decoder ready before the first frame comes. */
export function warmDecoder(): void {
  decoder ??= startDecoder();
  restLater();
}

const SCALABLE = (ref: ImageRef) => {
  const { rescaleSlope, rescaleIntercept } = buildModule(
    'modalityLutModule',
    ref.dataset,
    0,
  ) as { rescaleSlope: number; rescaleIntercept: number };
  return { rescaleSlope, rescaleIntercept, modality: '' };
};

/**
 * One grey frame decoded without the imaging library.
 *
 * @returns null for colours, which the library must draw.
 */
export async function decodeEarly(
  ref: ImageRef,
  bytes: Uint8Array,
): Promise<GreyFrame | null> {
  if (!isPlainGrey(ref.dataset)) return null;
  const plain = greyFrame(ref.dataset, ref.transferSyntax, bytes);
  if (plain) return plain;
  warmDecoder();
  if (!decoder) return null;
  const done = await decoder.remote.decodeTask({
    imageFrame: buildModule('imagePixelModule', ref.dataset, 0),
    transferSyntax: ref.transferSyntax,
    decodeConfig: {},
    options: { preScale: { enabled: true, scalingParameters: SCALABLE(ref) } },
    pixelData: transfer(bytes, [bytes.buffer]),
  });
  restLater();
  return {
    values: done.pixelData,
    min: done.smallestPixelValue,
    max: done.largestPixelValue,
  };
}
