import type { PackError } from './part';
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

/** A frame that a thread is to fetch and decode. */
export interface Task {
  readonly id: number;
  readonly url: string;
  /** Transfer syntax, unless the answer states another. */
  readonly syntax: string;
  readonly frame: Described;
  readonly facts: StoredFacts;
}

/** Nobody waits for it any more. */
export interface CalledOff {
  readonly id: number;
  readonly off: true;
}

/** Frames of a transfer syntax are about to come. */
export interface Warm {
  readonly warm: string;
}

export type Answer =
  | { readonly id: number; readonly made: GreyFrame }
  | {
      readonly id: number;
      readonly error: string;
      /** Why its bytes could not be had; null where they could not be decoded. */
      readonly kind: PackError['kind'] | null;
    };
