import type { NoGrid, PlaneName } from '@/domain/volume';

function mm(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} mm`;
}

/** The words of the three-plane view. */
export const mpr = {
  planes: { axial: 'Axial', coronal: 'Coronal', sagittal: 'Sagittal' } satisfies Record<
    PlaneName,
    string
  >,
  oblique: (degrees: number) => `oblique ${Math.round(degrees)}°`,
  pane: (plane: string, series: string) => `${plane} plane, ${series}`,
  place: (letter: string, mm: string) => `${letter} ${mm} mm`,
  slice: (n: string, of: string) => `${n} / ${of}`,
  acquired: 'as acquired',
  computed: 'computed',
  loading: (done: string, of: string) => `${done} of ${of} slices read`,
  failed: (n: number) =>
    n === 1
      ? 'One slice could not be read. The even band across the planes is a gap.'
      : `${n} slices could not be read. The even bands across the planes are gaps.`,
  coloursLost:
    'These images lay colours over their values. Planes show the values in grey alone.',
  tonesDiffer:
    'The images state different grey scales. Planes use that of the image in the middle.',
  saliencyOn: (image: string) =>
    `Saliency was computed for image ${image} alone. It is drawn there, as acquired, and not across the slices.`,
  trouble: 'The three planes cannot be shown.',
  back: 'Back to the stack',
  opening: 'Reading the series …',
  crossOnly: 'only in the three-plane view',
  crosshair: 'Crosshairs',
  noSeries: 'choose a series first',
  reading: 'the series is still being read',
};

/** Why a series has no three-plane view, to be read after its name and a colon. */
export function whyNoGrid(reason: NoGrid): string {
  switch (reason.kind) {
    case 'few':
      return reason.n === 1
        ? 'the series has only one image'
        : `the series has only ${reason.n} images`;
    case 'colour':
      return 'the images are in colour';
    case 'unplaced':
      return 'the images do not say where in the patient they lie';
    case 'unlike':
      return 'the images differ in size, pixel spacing or frame of reference';
    case 'turned':
      return 'the images lie in different directions';
    case 'twice':
      return 'several images lie at the same place';
    case 'gaps':
      return `the slices are not evenly spaced: ${mm(reason.least)} to ${mm(reason.most)} apart`;
    case 'tilt':
      return `the gantry was tilted by ${reason.degrees.toFixed(1)}°; planes across the slices would be skewed`;
    case 'large':
      return `the series needs ${reason.megabytes} MB, more than this browser is asked to hold`;
  }
}
