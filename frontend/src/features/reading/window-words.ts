import { formatSigned } from '@/domain/format';
import type { NamedWindow } from '@/domain/hanging';
import { type GreyWindow, inUnit } from '@/domain/windows';
import type { ImageRef } from '@/imaging/pack';
import { storedUnit, suvOf } from '@/imaging/uptake';
import { text } from '@/text/en';
import { display } from '@/text/en-display';

const words = display.fusion;

/** A range of less than this many SUV is said with two digits. */
const FINE = 2;

function uptakeWords(window: GreyWindow, factor: number): string {
  const { width, level } = inUnit(window, factor);
  const digits = width < FINE ? 2 : 1;
  const [from, to] = [level - width / 2, level + width / 2].map((end) =>
    // Nothing below zero is meant by what is left over from rounding.
    formatSigned(Math.abs(end) < 0.5 / 10 ** digits ? 0 : end, digits),
  );
  return words.window(from ?? '', to ?? '');
}

/**
 * A window as readers say it: of PET from which SUV to which, or with the unit of what is
 * stored where the header does not say enough for SUV; of all else width and level.
 */
export function windowWords(
  window: GreyWindow,
  modality: string,
  { dataset }: Pick<ImageRef, 'dataset'>,
): string {
  const said = text.room.ww(formatSigned(window.width), formatSigned(window.level));
  if (modality !== 'PT') return said;
  const factor = suvOf(dataset);
  if (factor !== null) return uptakeWords(window, factor);
  const unit = storedUnit(dataset);
  return `${said} ${words.units[unit] ?? unit}`.trimEnd();
}

/**
 * Named windows in the units of the values that they are for. Of PET they are said in
 * SUV: none is offered where the header does not say enough for it.
 *
 * @param suv - How many SUV one unit of the values is, or null.
 */
export function inValues(
  presets: readonly NamedWindow[],
  modality: string,
  suv: number | null,
): readonly NamedWindow[] {
  if (modality !== 'PT') return presets;
  if (suv === null) return [];
  return presets.map((one) => ({ ...one, ...inUnit(one, 1 / suv) }));
}
