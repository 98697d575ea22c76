/** What of the High-Throughput JPEG 2000 codec is used; it comes without types. */
declare module '@cornerstonejs/codec-openjph/wasmjs' {
  interface FrameInfo {
    readonly bitsPerSample: number;
    readonly isSigned: boolean;
  }
  interface Coder {
    /** Gives its memory back; the collector never does. */
    delete(): void;
  }
  interface Decoder extends Coder {
    getEncodedBuffer(length: number): Uint8Array;
    decodeSubResolution(level: number): void;
    getFrameInfo(): FrameInfo;
    /** In the codec's memory. */
    getDecodedBuffer(): Uint8Array;
  }
  export interface Codec {
    readonly HTJ2KDecoder: new () => Decoder;
  }
  const make: (options: { locateFile: (name: string) => string }) => Promise<Codec>;

  // biome-ignore lint/style/noDefaultExport: so the package has it
  export default make;
}
