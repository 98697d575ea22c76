import makeCodec, { type Codec } from '@cornerstonejs/codec-openjph/wasmjs';

/**
 * High-Throughput JPEG 2000 to stored values, in memory of their own. The image library
 * makes a decoder a frame and keeps every one, with what it has read and decoded: its
 * memory grows with each frame of a series.
 */
export function makeHtj2k(wasm: string) {
  let codec: Promise<Codec> | null = null;
  const start = () => {
    codec ??= makeCodec({ locateFile: (name) => (name.endsWith('.wasm') ? wasm : name) });
    return codec;
  };
  const decode = async (bytes: Uint8Array) => {
    const decoder = new (await start()).HTJ2KDecoder();
    try {
      decoder.getEncodedBuffer(bytes.length).set(bytes);
      decoder.decodeSubResolution(0);
      const { bitsPerSample, isSigned } = decoder.getFrameInfo();
      const { buffer } = decoder.getDecodedBuffer().slice();
      if (bitsPerSample > 8)
        return isSigned ? new Int16Array(buffer) : new Uint16Array(buffer);
      return isSigned ? new Int8Array(buffer) : new Uint8Array(buffer);
    } finally {
      decoder.delete();
    }
  };
  return { start, decode };
}
