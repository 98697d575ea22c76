import type { SolidPreset } from '@/imaging/solid-presets';

/** The words of what lies over images, and of the volume drawn as a body. */
export const looks = {
  overlays: 'Overlays of the image on or off',
  labels: 'Series label and number on or off',
  solid: {
    command: 'Volume rendering',
    title: 'Volume rendering',
    label: (series: string) => `Volume rendering, ${series}`,
    from: (letters: string) => `seen from ${letters}`,
    notForMeasuring: 'Not for measuring',
    hint: 'Drag or arrows turn · wheel or + − larger, smaller · 0 from the front',
    presets: 'What is shown of the volume',
    names: {
      bone: 'Bone',
      soft: 'Soft tissue',
      lung: 'Lung',
      signal: 'Signal',
    } satisfies Record<SolidPreset, string>,
    planes: 'Three planes',
    refused: (why: string) => `The series cannot be drawn as a volume: ${why}.`,
    trouble: 'The volume cannot be drawn.',
  },
};
