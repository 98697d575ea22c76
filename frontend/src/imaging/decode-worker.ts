import decodeHtj2k from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeHTJ2K.js';
import decodeJ2k from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEG2000.js';
import decode8Bit from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGBaseline8Bit.js';
import decode12Bit from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGBaseline12Bit-js.js';
import decodeLossless from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGLossless.js';
import decodeJls from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeJPEGLS.js';
import decodePlain from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeLittleEndian.js';
import decodeRle from '../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/shared/decoders/decodeRLE.js';
import type { Answer, Described, Task } from './decode-task';
import { apart } from './stored';

/**
 * A thread that decodes grey frames. It has the image library's decoders without the
 * library around them, and what it makes is handed over, not copied.
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
  '1.2.840.10008.1.2.4.201': self_(decodeHtj2k),
  '1.2.840.10008.1.2.4.202': self_(decodeHtj2k),
  '1.2.840.10008.1.2.4.203': self_(decodeHtj2k),
};

/** Gives memory back now, not when the thread's rubbish is next collected. */
function release(buffer: ArrayBufferLike): void {
  (buffer as { transfer?: (length: number) => unknown }).transfer?.(0);
}

async function decode({ bytes, frame, syntax, facts }: Task) {
  const decoder = DECODERS[syntax];
  if (!decoder) throw new Error(`no decoder for transfer syntax ${syntax}`);
  const { pixelData } = await decoder(bytes, frame);
  if (!pixelData) throw new Error('the decoder gave no pixels');
  const made = apart(pixelData as Int16Array, facts);
  release(bytes.buffer);
  return made;
}

addEventListener('message', ({ data }: MessageEvent<Task>) => {
  const answer = (words: Answer, handed: Transferable[] = []) =>
    self.postMessage(words, { transfer: handed });
  decode(data).then(
    (made) => answer({ id: data.id, made }, [made.values.buffer as ArrayBuffer]),
    (error: unknown) => {
      const words = error instanceof Error ? error.message : String(error);
      answer({ id: data.id, error: words });
    },
  );
});
