import { formatDate } from '@/domain/format';
import type { LesionChange, RunComparison } from '@/domain/model';

const millilitres = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} ml`;
const percent = (value: number) => `${Math.round(Math.abs(value))}%`;
/** With its sign, for the ends of an interval. */
const signed = (value: number) =>
  `${value > 0 ? '+' : value < 0 ? '−' : ''}${percent(value)}`;

function between({ percent_low: low, percent_high: high }: LesionChange): string {
  return low === null || high === null ? '' : ` (${signed(low)} to ${signed(high)})`;
}

const WORD = { grown: 'grown', shrunk: 'shrunk' } as const;

/** The words of what became of a finding since an earlier study. */
export const change = {
  title: 'Since the earlier study',
  since: (date: string, days: number) =>
    `Since ${formatDate(date)}, ${days === 1 ? '1 day' : `${days} days`}`,
  waiting: (date: string) => `Being compared with the study of ${formatDate(date)} …`,
  incomparable: (date: string, reason: string) =>
    `Not comparable with the study of ${formatDate(date)}: ${reason}.`,
  failed: (date: string, reason: string) =>
    `The comparison with the study of ${formatDate(date)} failed: ${reason}.`,
  otherVersion: ({ prior }: RunComparison) =>
    `The earlier study was judged by version ${prior.model.version}: part of a difference may be the models’.`,
  nothing: 'The model marked no such finding, then or now.',
  /** `18.0 ml, was 11.0 ml: grown by 64% (+31% to +104%)` */
  line(one: LesionChange): string {
    const { now, then, kind } = one;
    if (now === null)
      return `Gone: was ${millilitres(then?.volume_ml ?? 0)}, now nothing`;
    if (then === null) return `New: ${millilitres(now.volume_ml)}, nothing there then`;
    const sizes = `${millilitres(now.volume_ml)}, was ${millilitres(then.volume_ml)}`;
    if (kind === 'grown' || kind === 'shrunk')
      return `${sizes}: ${WORD[kind]} by ${percent(one.percent ?? 0)}${between(one)}`;
    return `${sizes}: unchanged${between(one)}`;
  },
  more({ now, then, doubling_days: doubling }: LesionChange): string {
    const wide = [now, then].map((one) => one?.diameter_mm.toFixed(0));
    const width =
      wide[0] && wide[1]
        ? `${wide[0]} mm wide, was ${wide[1]} mm`
        : `${wide[0] ?? wide[1]} mm wide`;
    if (doubling === null) return width;
    const days = doubling < 10 ? doubling.toFixed(1) : Math.round(doubling);
    return `${width} · at this pace doubled in ${days} days`;
  },
  rule: ({ repeatability }: LesionChange) =>
    `A change counts from ${repeatability.percent}%${
      repeatability.least_ml > 0 ? ` and ${repeatability.least_ml} ml` : ''
    } on: ${repeatability.source}`,
  laid: (millimetres: number) =>
    `Laid over each other by a rigid movement; there and back they miss by ${millimetres.toFixed(1)} mm`,
  show: 'Show both',
  command: 'Show the finding on both studies',
  noPair: 'Nothing was compared with an earlier study for the finding in focus',
  showHint:
    'The place on the earlier study, beside this one: same size, scrolled together',
};
