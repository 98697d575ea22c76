import { formatSigned } from '@/domain/format';
import type { MeasureTool } from '@/domain/measure/kinds';
import type { NoScale } from '@/domain/measure/regions';
import type { Annotation, Measured, MeasuredValue, ScaleSource } from '@/domain/model';

/** How UCUM's units are written for people. */
export const UNITS: Readonly<Record<string, string>> = {
  mm: 'mm',
  mm2: 'mm²',
  deg: '°',
  '{pixels}': 'px',
  '{pixels2}': 'px²',
  "[hnsf'U]": 'HU',
  '{SUVbw}g/ml': 'SUV',
  'Bq/ml': 'Bq/ml',
  '1': '',
};

const DIGITS: Readonly<Record<string, number>> = { '{SUVbw}g/ml': 2, 'Bq/ml': 0 };

const NARROW = '\u202f';

function figure({ value, unit }: MeasuredValue): string {
  const plain = unit === '1' && Math.abs(value) < 10 ? 2 : 1;
  return formatSigned(value, DIGITS[unit] ?? plain);
}

function withUnit(value: MeasuredValue): string {
  const unit = UNITS[value.unit] ?? value.unit;
  if (unit === '') return figure(value);
  return value.unit === 'deg' ? `${figure(value)}°` : `${figure(value)}${NARROW}${unit}`;
}

const find = (values: readonly MeasuredValue[], display: string) =>
  values.find((value) => value.display === display);

/** What the millimetres rest on, where that must be said. */
const SOURCES: Readonly<Record<ScaleSource, string>> = {
  patient: '',
  detector: 'at the detector',
  calibrated: 'calibrated',
  none: 'no scale in the image',
};

const SCALED = new Set(['mm', 'mm2', '{pixels}', '{pixels2}']);

/** Why a place in an image with regions has no scale. */
const WHY_NOT: Readonly<Record<NoScale, string>> = {
  outside: 'no scale: not within one region of the image',
  axes: 'no scale: the axes of this region are no lengths',
  overlap: 'no scale: regions that overlap here differ',
};

function sourceOf(
  { scale, values, calibration_mm }: Measured,
  why: NoScale | null,
): string {
  if (calibration_mm !== null) return '';
  if (scale === 'none' && why) return WHY_NOT[why];
  return values.some(({ unit }) => SCALED.has(unit)) ? SOURCES[scale] : '';
}

function statistics(values: readonly MeasuredValue[]): string[] {
  const mean = find(values, 'Mean');
  const deviation = find(values, 'Standard Deviation');
  const [least, most] = [find(values, 'Minimum'), find(values, 'Maximum')];
  if (!mean || !deviation || !least || !most) return [];
  return [
    `Mean ${withUnit(mean)}, SD ${figure(deviation)}`,
    `Min ${figure(least)}, max ${figure(most)}`,
  ];
}

function figures(values: readonly MeasuredValue[]): string[] {
  const [long, short] = [find(values, 'Long axis'), find(values, 'Short axis')];
  if (long && short) return [`${figure(long)} × ${withUnit(short)}`];
  const area = find(values, 'Area');
  if (area) return [...statistics(values), `Area ${withUnit(area)}`];
  return values.map(withUnit);
}

/** What stands beside a mark on the image, line by line. */
export function markLines(
  text: string,
  measured: Measured,
  why: NoScale | null = null,
): readonly string[] {
  const known =
    measured.calibration_mm === null ? [] : [`Known: ${measured.calibration_mm} mm`];
  const lines = known.length > 0 ? known : figures(measured.values);
  return [text, ...lines, sourceOf(measured, why)].filter((line) => line !== '');
}

/** The one figure that stands in the list. */
export function markFigure({ values, calibration_mm }: Measured): string {
  if (calibration_mm !== null) return `${calibration_mm} mm`;
  const [mean, deviation] = [find(values, 'Mean'), find(values, 'Standard Deviation')];
  if (mean && deviation) {
    const unit = UNITS[mean.unit] ?? mean.unit;
    return `${figure(mean)} ± ${figure(deviation)} ${unit}`.trim();
  }
  return figures(values)[0] ?? '';
}

const TOOLS: Readonly<Record<MeasureTool, string>> = {
  length: 'Length',
  bidirectional: 'Bidirectional',
  angle: 'Angle',
  cobb: 'Cobb angle',
  ellipse: 'Ellipse',
  rectangle: 'Rectangle',
  circle: 'Circle',
  freehand: 'Freehand',
  spline: 'Spline',
  probe: 'Probe',
  arrow: 'Arrow',
  calibrate: 'Calibration',
};

/** The words of measuring. */
export const measure = {
  tools: TOOLS,
  commands: {
    length: 'Length',
    bidirectional: 'Bidirectional (long and short axis)',
    angle: 'Angle',
    cobb: 'Cobb angle',
    ellipse: 'Ellipse: mean, SD, area',
    rectangle: 'Rectangle: mean, SD, area',
    circle: 'Circle: mean, SD, area',
    freehand: 'Freehand contour: mean, SD, area',
    spline: 'Spline contour: mean, SD, area',
    probe: 'Probe: value of a pixel',
    arrow: 'Arrow with text',
    calibrate: 'Calibrate by a known length',
  } satisfies Readonly<Record<MeasureTool, string>>,
  more: 'More measuring tools',
  magnify: 'Magnify',
  place: 'Put a mark in the middle, or end the contour',
  back: 'Take back the last point',
  nextMark: 'Next mark of mine',
  previousMark: 'Previous mark of mine',
  nextGrip: 'Next point of the mark',
  nudge: {
    left: 'Move the mark left',
    right: 'Move the mark right',
    up: 'Move the mark up',
    down: 'Move the mark down',
  },
  remove: 'Delete the mark',
  rename: 'Rename the mark',
  relabel: 'Change the mark’s label',
  notHere: 'Measure on a stack: planes made from a volume are not measured yet',
  otherStudy: 'This is another study: measure on the present one',
  notYours: 'This reading cannot be changed',
  hints: {
    length: 'Drag along what you measure.',
    bidirectional: 'Drag along the long axis; the short one follows and can be dragged.',
    angle: 'Drag the first leg to the vertex, then click the end of the second.',
    cobb: 'Drag one line, then the other.',
    ellipse: 'Drag from corner to corner.',
    rectangle: 'Drag from corner to corner.',
    circle: 'Drag from the centre to the rim.',
    freehand: 'Draw around the area; it closes when you let go.',
    spline: 'Click along the border; Enter, a double click or the first point closes it.',
    probe: 'Click a pixel.',
    arrow: 'Drag from the text’s side to the point that you mean.',
    calibrate: 'Drag along something of known length.',
  } satisfies Readonly<Record<MeasureTool, string>>,
  noPixelValue: 'a colour image: no value',
  arrowText: 'Text at the arrow',
  knownLength: 'Known length, mm',
  knownHint: 'A length above 0',
  name: 'Name of the mark',
  label: 'Label of the mark',
  unlabelled: 'no label',
  rowLabel: (name: string, value: string) =>
    value === '' ? `Go to ${name}` : `Go to ${name}, ${value}`,
  renameOf: (name: string) => `Rename ${name}`,
  labelOf: (name: string) => `Label of ${name}`,
  removeOf: (name: string) => `Delete ${name}`,
  image: (series: string, image: string) => `s${series} im ${image}`,
  none: (key: string) => `None yet. ${key} measures a length.`,
  colour: 'Colour: no values',
} as const;

/** What a mark is called: in its reader's words, else by its label, else by its tool. */
export function markName(mark: Annotation, tool: MeasureTool | null): string {
  if (mark.text !== '') return mark.text;
  if (tool === null || mark.label.code !== 'measurement') {
    return tool === null
      ? mark.label.display
      : `${TOOLS[tool]}, ${mark.label.display.toLowerCase()}`;
  }
  return TOOLS[tool];
}
