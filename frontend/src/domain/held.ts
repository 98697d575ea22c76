import { formatDate } from './format';
import type { Instant } from './model';
import { wordMinutes } from './wait';

/** How long until the next try, in words; null when it is due. */
export function untilRetry(at: Instant, now: number): string | null {
  const left = Date.parse(at) - now;
  return left > 0 ? wordMinutes(Math.ceil(left / 60_000)) : null;
}

/** What a side says of its patient and study. */
interface Said {
  readonly patient_name: string;
  readonly patient_id: string;
  readonly birth_date: string | null;
  readonly sex: string;
  readonly study_date: string | null;
  readonly study_description: string;
  readonly series_description: string;
  readonly accession_number: string;
  readonly modality: string;
  readonly station: string;
  readonly rows: number;
  readonly columns: number;
}

const FIELDS = [
  'patient_name',
  'patient_id',
  'birth_date',
  'sex',
  'study_date',
  'study_description',
  'series_description',
  'accession_number',
  'modality',
  'station',
  'size',
] as const;

export type HeldField = (typeof FIELDS)[number];

function say(said: Said | null, field: HeldField): string | null {
  if (said === null) return null;
  if (field === 'size') {
    return said.rows > 0 ? `${said.columns} × ${said.rows}` : '';
  }
  const value = said[field];
  return field.endsWith('_date') ? formatDate(value) : (value ?? '');
}

/** One line of the headers of both sides; null where a side says nothing. */
export interface HeaderLine {
  readonly field: HeldField;
  readonly there: string | null;
  readonly arrived: string | null;
  /** True when both sides are known and say different things. */
  readonly differs: boolean;
}

export function compareHeaders(
  there: Said | null,
  arrived: Said | null,
): readonly HeaderLine[] {
  return FIELDS.map((field) => {
    const left = say(there, field);
    const right = say(arrived, field);
    const differs = left !== null && right !== null && left !== right;
    return { field, there: left, arrived: right, differs };
  });
}

/** Pictures that stand side by side; null where a side has none to set against. */
export interface PicturePair {
  readonly there: string | null;
  readonly arrived: string | null;
}

/** The same UID beside itself first, then what is left over, in the order it came. */
export function pairPictures(
  there: readonly string[],
  arrived: readonly string[],
): readonly PicturePair[] {
  const both = arrived.filter((uid) => there.includes(uid));
  const left = there.filter((uid) => !both.includes(uid));
  const right = arrived.filter((uid) => !both.includes(uid));
  const rest = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => ({
    there: left[i] ?? null,
    arrived: right[i] ?? null,
  }));
  return [...both.map((uid) => ({ there: uid, arrived: uid })), ...rest];
}
