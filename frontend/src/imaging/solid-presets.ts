import { utilities, type VolumeViewport3D } from '@cornerstonejs/core';

/** A stop of a preset: value (HU, or a part of the window), opacity 0–1, colour 0–1. */
type Stop = readonly [number, number, number, number, number];

export type SolidPreset = 'bone' | 'soft' | 'lung' | 'signal';

const PRESETS: Readonly<Record<SolidPreset, readonly Stop[]>> = {
  bone: [
    [-3024, 0, 0, 0, 0],
    [140, 0, 0.55, 0.25, 0.15],
    [260, 0.25, 0.88, 0.6, 0.45],
    [600, 0.75, 1, 0.95, 0.82],
    [3071, 0.85, 1, 1, 1],
  ],
  soft: [
    [-3024, 0, 0, 0, 0],
    [-120, 0, 0.55, 0.25, 0.15],
    [-20, 0.12, 0.85, 0.6, 0.5],
    [120, 0.55, 0.95, 0.5, 0.4],
    [300, 0.8, 1, 0.9, 0.8],
    [3071, 0.85, 1, 1, 1],
  ],
  lung: [
    [-3024, 0, 0, 0, 0],
    [-950, 0, 0.2, 0.3, 0.45],
    [-750, 0.03, 0.45, 0.6, 0.8],
    [-550, 0.1, 0.75, 0.8, 0.85],
    [-300, 0, 0.9, 0.8, 0.7],
    [3071, 0, 1, 1, 1],
  ],
  // Values without a unit: 0 and 1 are the ends of the series' own window.
  signal: [
    [-0.2, 0, 0, 0, 0],
    [0.15, 0, 0.1, 0.1, 0.1],
    [0.5, 0.12, 0.55, 0.5, 0.48],
    [1, 0.5, 0.95, 0.92, 0.88],
    [1.6, 0.7, 1, 1, 1],
  ],
};

export const presetsOf = (modality: string): readonly SolidPreset[] =>
  modality === 'CT' ? ['bone', 'soft', 'lung'] : ['signal'];

/** The two ends that a preset's values are told in. */
interface Ends {
  readonly lower: number;
  readonly upper: number;
}

function listOf(numbers: readonly number[]): string {
  return [numbers.length, ...numbers].join(' ');
}

/** Gives a volume its colours and what lets light through; `lit` costs six times. */
export function applySolid(
  viewport: VolumeViewport3D,
  preset: SolidPreset,
  ends: Ends,
  lit: boolean,
): void {
  const actor = viewport.getDefaultActor()?.actor;
  if (!actor) return;
  const unitless = preset === 'signal';
  const at = (value: number) =>
    unitless ? ends.lower + value * (ends.upper - ends.lower) : value;
  const stops = PRESETS[preset];
  const span = unitless ? Math.max(1, ends.upper - ends.lower) : 500;
  utilities.applyPreset(actor as Parameters<typeof utilities.applyPreset>[0], {
    name: `overread-${preset}`,
    scalarOpacity: listOf(stops.flatMap(([value, opacity]) => [at(value), opacity])),
    colorTransfer: listOf(stops.flatMap(([value, , r, g, b]) => [at(value), r, g, b])),
    gradientOpacity: `4 0 1 ${span} 1`,
    specularPower: '10',
    specular: '0.2',
    shade: lit && preset !== 'lung' ? '1' : '0',
    ambient: '0.2',
    diffuse: '0.9',
    interpolation: '1',
  });
}
