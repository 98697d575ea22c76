import { formatSigned } from '@/domain/format';
import type { ScissorShape } from '@/domain/segment/paint';
import type { Size } from '@/domain/segment/sizes';
import type { SegmentTool } from '@/domain/segment/tools';
import type { NoPainting } from '@/state/segmenting';
import { UNITS } from './en-measure';

const NARROW = '\u202f';

/** The words of segmenting. */
export const segments = {
  title: 'Segments',
  tools: {
    brush: 'Brush',
    threshold: 'Threshold brush: paints only values in a range',
    scissors: 'Scissors: fill what you draw around',
    fill: 'Fill what hangs together, by value',
    eraser: 'Eraser',
  } satisfies Readonly<Record<SegmentTool, string>>,
  short: {
    brush: 'Brush',
    threshold: 'Threshold brush',
    scissors: 'Scissors',
    fill: 'Fill',
    eraser: 'Eraser',
  } satisfies Readonly<Record<SegmentTool, string>>,
  hints: {
    brush: 'Paint. Ctrl erases. [ ] or Ctrl+wheel: size.',
    threshold: 'Paint; only values in the range are taken. Ctrl erases. [ ]: size.',
    scissors: 'Draw around; what is inside is filled. With Ctrl it is erased.',
    fill: 'Click: what hangs together and is in the range is filled. Ctrl takes a piece away.',
    eraser: 'Erase the chosen segment. [ ] or Ctrl+wheel: size.',
  } satisfies Readonly<Record<SegmentTool, string>>,
  more: 'More segment tools',
  larger: 'Larger brush',
  smaller: 'Smaller brush',
  takeRange: 'Range of values from under the cursor',
  nextShape: 'Next shape of the scissors',
  add: 'New segment',
  nextSegment: 'Next segment',
  interpolate: 'Fill the images between by interpolation',
  toggle: 'Segments on or off',
  pressErase: 'Press the tool so that it erases, or let it go',
  notHere: 'Paint on a stack or in three planes: the body only shows itself',
  otherStudy: 'This is another study: segment the present one',
  size: 'Brush size',
  sizeIs: (size: number, scaled: boolean) => `${size}${NARROW}${scaled ? 'mm' : 'px'}`,
  range: 'Range',
  low: 'Lowest value',
  high: 'Highest value',
  fromCursor: 'from under the cursor',
  noRange: 'The first click takes it from the image.',
  opacity: 'Opacity of segments',
  opacityShort: 'Opacity',
  shape: 'Shape of the scissors',
  shapes: {
    freehand: 'Freehand',
    rectangle: 'Rectangle',
    circle: 'Circle',
  } satisfies Readonly<Record<ScissorShape, string>>,
  none: (key: string) => `None yet. ${key} paints.`,
  hideAll: 'Hide all',
  showAll: 'Show all',
  label: 'Label of the segment',
  chooseLabel: 'What is it?',
  note: 'Name of the segment',
  colour: (name: string) => `Colour of ${name}`,
  choose: (name: string) => `Choose ${name}`,
  goTo: (name: string) => `Go to ${name}`,
  hide: (name: string) => `Hide ${name}`,
  show: (name: string) => `Show ${name}`,
  lock: (name: string) => `Lock ${name}`,
  unlock: (name: string) => `Unlock ${name}`,
  rename: (name: string) => `Rename ${name}`,
  relabel: (name: string) => `Label of ${name}`,
  remove: (name: string) => `Delete ${name}`,
  between: (name: string) => `Interpolate ${name} between its images`,
  images: (n: number) => (n === 1 ? '1 image' : `${n} images`),
  series: (name: string) => `Series ${name}`,
  copy: 'Copy into a segment of mine',
  copied: 'Copied',
  interpolating: 'Interpolating …',
  interpolated: 'The images between are filled.',
  failed: (reason: string) => `Not interpolated. ${reason}`,
  signedBy: (name: string) => `signed by ${name}`,
  trouble: {
    locked: 'This segment is locked.',
    hidden: 'This segment is hidden: show it before you paint.',
    loading: 'The segments of this image are on their way.',
    size: 'This image has another size than those that were segmented.',
    full: 'A series has at most 255 segments.',
    unread: 'A label map could not be read.',
    colour: 'This image has colours, no values: use brush or scissors.',
    absent: 'The image is not here yet.',
    slab: 'A slab is several planes: choose the thin plane before you paint.',
    elsewhere: 'Its pixels lie otherwise than those of this series.',
    few: 'Draw the segment on two images at least, with one between.',
  } satisfies Readonly<Record<NoPainting, string>> & Readonly<Record<string, string>>,
} as const;

/** What went wrong, in words; the portal's own words stay as they are. */
export function troubleWords(trouble: string): string {
  const known: Readonly<Record<string, string>> = segments.trouble;
  return known[trouble] ?? trouble;
}

const digits = (value: number) => (value < 10 ? 2 : 1);

/** `8.62 ml`, on single images `412 mm²`, else voxels. */
export function sizeText({ voxels, millilitres, area }: Size): string {
  if (voxels === 0) return '–';
  if (millilitres !== null) {
    return `${millilitres.toFixed(digits(millilitres))}${NARROW}ml`;
  }
  if (area !== null) return `${area.toFixed(digits(area))}${NARROW}mm²`;
  return `${voxels}${NARROW}px`;
}

/** `40.1 ± 12.3 HU` */
export function valuesText(mean: number, deviation: number, unit: string): string {
  const name = UNITS[unit] ?? unit;
  const many = unit === '{SUVbw}g/ml' ? 2 : 1;
  return `${formatSigned(mean, many)} ± ${deviation.toFixed(many)}${NARROW}${name}`;
}

export function rangeText(low: number, high: number, unit: string): string {
  const name = UNITS[unit] ?? unit;
  return `${formatSigned(low)} to ${formatSigned(high)}${name ? NARROW : ''}${name}`;
}
