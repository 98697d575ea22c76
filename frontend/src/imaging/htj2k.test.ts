import makeCodec from '@cornerstonejs/codec-openjph/wasmjs';
import { describe, expect, it } from 'vitest';
import { makeHtj2k } from './htj2k';

const CODEC = '../../node_modules/@cornerstonejs/codec-openjph/dist/openjphjs.wasm';
const WASM = new URL(CODEC, import.meta.url).pathname;
const SIDE = 256;

interface Encoder {
  getDecodedBuffer(info: object): Uint8Array;
  setQuality(reversible: boolean, quantization: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

/** What this process holds; the types of Node are not those of a page. */
const usedBytes = () => {
  const node = globalThis as unknown as {
    process: { memoryUsage: () => { rss: number } };
  };
  return node.process.memoryUsage().rss;
};

/** A frame of 16 bits as a scanner could send it. */
async function encoded(values: Int16Array): Promise<Uint8Array> {
  const codec = await makeCodec({ locateFile: () => WASM });
  const { HTJ2KEncoder } = codec as unknown as { HTJ2KEncoder: new () => Encoder };
  const encoder = new HTJ2KEncoder();
  const info = {
    width: SIDE,
    height: SIDE,
    bitsPerSample: 16,
    componentCount: 1,
    isSigned: true,
    isUsingColorTransform: false,
  };
  encoder.getDecodedBuffer(info).set(new Uint8Array(values.buffer));
  encoder.setQuality(true, 0);
  encoder.encode();
  const made = encoder.getEncodedBuffer().slice();
  encoder.delete();
  return made;
}

describe('High-Throughput JPEG 2000', () => {
  it('gives the values back, and the memory that it took for them', async () => {
    const values = Int16Array.from(
      { length: SIDE * SIDE },
      (_, at) => (at % 4096) - 1024,
    );
    const bytes = await encoded(values);
    const { decode } = makeHtj2k(WASM);
    expect(await decode(bytes)).toEqual(values);
    const before = usedBytes();
    for (let n = 0; n < 800; n += 1) await decode(bytes);
    // Kept, they would be 128 KB a frame, 100 MB, and what was read besides.
    expect((usedBytes() - before) / 1024 ** 2).toBeLessThan(60);
  });
});
