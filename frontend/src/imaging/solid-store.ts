import { create } from 'zustand';
import type { Vector } from '@/domain/geometry';
import type { SolidPreset } from './solid-presets';

interface SolidState {
  readonly preset: SolidPreset;
  /** From the body to the viewer, in the patient. */
  readonly towards: Vector;
  /** Drawings so far; 0 before the first. */
  readonly drawn: number;
  readonly trouble: string | null;
}

export const useSolid = create<SolidState>(() => ({
  preset: 'bone',
  towards: [0, -1, 0],
  drawn: 0,
  trouble: null,
}));
export const setSolid = useSolid.setState;
