import type { GreyFrame, StoredFacts } from './stored';

/** A frame as the decoders want it described; their names. */
export interface Described {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly pixelRepresentation: number;
  readonly planarConfiguration: number;
  readonly signed: boolean;
  readonly bytesPerPixel: number;
}

/** What a decoding thread is asked; the bytes become its own. */
export interface Task {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly syntax: string;
  readonly frame: Described;
  readonly facts: StoredFacts;
}

export type Answer =
  | { readonly id: number; readonly made: GreyFrame }
  | { readonly id: number; readonly error: string };
