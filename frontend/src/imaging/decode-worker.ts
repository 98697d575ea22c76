import openjph from '@cornerstonejs/codec-openjph/wasm?url';
import decodeJ2k, {
  initialize as startJ2k,
} from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEG2000.js';
import decode8Bit, {
  initialize as start8Bit,
} from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGBaseline8Bit.js';
import decode12Bit from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGBaseline12Bit-js.js';
import decodeLossless from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGLossless.js';
import decodeJls, {
  initialize as startJls,
} from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGLS.js';
import decodePlain from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeLittleEndian.js';
import decodeRle from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeRLE.js';
import type { Answer, CalledOff, Described, Task, Warm } from './decode-task';
import { makeHtj2k } from './htj2k';
import { once } from './once';
import { bytesOf, fetchPart, PackError, syntaxOf } from './part';
import { apart, release } from './stored';

/**
 * A thread that fetches and decodes grey frames. It has the image library's decoders
 * without the library around them, and what it makes is handed over, not copied. Bytes
 * that come from another thread, or from the network into memory of their own, are held
 * until this thread's rubbish is collected, which is almost never: so it fetches, into
 * memory that it uses again.
 */
type Decode = (
  bytes: Uint8Array,
  frame: Described,
) => Promise<{ pixelData?: ArrayLike<number> }>;

// Those that read a stream that describes itself, and those that need the header's word.
const self_ = (decode: unknown) => decode as Decode;
const told =
  (decode: unknown): Decode =>
  (bytes, frame) =>
    (decode as (frame: Described, bytes: Uint8Array) => ReturnType<Decode>)(
      { ...frame },
      bytes,
    );

const htj2k = makeHtj2k(openjph);
const decodeHtj2k: Decode = async (bytes) => ({ pixelData: await htj2k.decode(bytes) });

const DECODERS: Readonly<Record<string, Decode>> = {
  '1.2.840.10008.1.2': told(decodePlain),
  '1.2.840.10008.1.2.1': told(decodePlain),
  '1.2.840.10008.1.2.5': told(decodeRle),
  '1.2.840.10008.1.2.4.50': self_(decode8Bit),
  '1.2.840.10008.1.2.4.51': told(decode12Bit),
  '1.2.840.10008.1.2.4.57': told(decodeLossless),
  '1.2.840.10008.1.2.4.70': told(decodeLossless),
  '1.2.840.10008.1.2.4.80': self_(decodeJls),
  '1.2.840.10008.1.2.4.81': self_(decodeJls),
  '1.2.840.10008.1.2.4.90': self_(decodeJ2k),
  '1.2.840.10008.1.2.4.91': self_(decodeJ2k),
  '1.2.840.10008.1.2.4.201': decodeHtj2k,
  '1.2.840.10008.1.2.4.202': decodeHtj2k,
  '1.2.840.10008.1.2.4.203': decodeHtj2k,
};

const jls = once(startJls);
const j2k = once(startJ2k);
const jpeg = once(start8Bit);

/** Libraries that are made ready first, each one once. */
const STARTS: Readonly<Record<string, () => Promise<unknown>>> = {
  '1.2.840.10008.1.2.4.50': jpeg,
  '1.2.840.10008.1.2.4.80': jls,
  '1.2.840.10008.1.2.4.81': jls,
  '1.2.840.10008.1.2.4.90': j2k,
  '1.2.840.10008.1.2.4.91': j2k,
  '1.2.840.10008.1.2.4.201': htj2k.start,
  '1.2.840.10008.1.2.4.202': htj2k.start,
  '1.2.840.10008.1.2.4.203': htj2k.start,
};

/** Larger memory is not kept for the next frame, */
const MOST_KEPT = 4 * 1024 ** 2;
/** and memory is made larger than asked for, so that it serves for others. */
const GRAIN = 64 * 1024;
const free: ArrayBuffer[] = [];

function room(length: number): ArrayBuffer {
  const at = free.findIndex((one) => one.byteLength >= length);
  const [found] = at < 0 ? [] : free.splice(at, 1);
  if (found) return found;
  // One that is too small for this frame will be so for its neighbours.
  const small = free.pop();
  if (small) release(small);
  return new ArrayBuffer(Math.ceil((length * 1.2) / GRAIN) * GRAIN);
}

function giveBack(buffer: ArrayBufferLike): void {
  if (buffer.byteLength > MOST_KEPT) release(buffer);
  else if (buffer.byteLength > 0) free.push(buffer as ArrayBuffer);
}

const wanted = new Map<number, AbortController>();

async function make({ url, frame, syntax: stated, facts }: Task, signal: AbortSignal) {
  const response = await fetchPart(url, signal);
  const syntax = syntaxOf(response, stated);
  const decoder = DECODERS[syntax];
  if (!decoder) throw new Error(`no decoder for transfer syntax ${syntax}`);
  const [bytes] = await Promise.all([bytesOf(response, room), STARTS[syntax]?.()]);
  const { pixelData } = await decoder(bytes, frame);
  if (!pixelData) throw new Error('the decoder gave no pixels');
  const made = apart(pixelData as Int16Array, facts);
  // Where there was nothing to decode, the bytes have become the values.
  if (made.values.buffer !== bytes.buffer) giveBack(bytes.buffer);
  return made;
}

function answer(words: Answer, handed: Transferable[] = []): void {
  self.postMessage(words, { transfer: handed });
}

async function work(task: Task): Promise<void> {
  const { id } = task;
  const controller = new AbortController();
  wanted.set(id, controller);
  try {
    const made = await make(task, controller.signal);
    answer({ id, made }, [made.values.buffer as ArrayBuffer]);
  } catch (error) {
    const kind = error instanceof PackError ? error.kind : null;
    const words = error instanceof Error ? error.message : String(error);
    answer({ id, error: error instanceof PackError ? error.detail : words, kind });
  } finally {
    wanted.delete(id);
  }
}

addEventListener('message', ({ data }: MessageEvent<Task | CalledOff | Warm>) => {
  if ('off' in data) wanted.get(data.id)?.abort();
  // What fails is tried again with the first frame, and told then.
  else if ('warm' in data) void STARTS[data.warm]?.().catch(() => undefined);
  else void work(data);
});
