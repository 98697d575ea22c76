/** Two decimals, never rounded up to certainty: `0.91`, `>0.99`, `<0.01`. */
export function formatProbability(p: number): string {
  if (p > 0.99 && p < 1) return '>0.99';
  if (p < 0.01 && p > 0) return '<0.01';
  return p.toFixed(2);
}

/** Whole numbers with a thin grouping and a true minus sign. */
export function formatInteger(value: number): string {
  const digits = String(Math.abs(Math.round(value)));
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, ',');
  return Math.round(value) < 0 ? `−${grouped}` : grouped;
}

export function formatSigned(value: number, digits = 0): string {
  return value.toFixed(digits).replace('-', '−');
}

/*
 * Dates are written by hand: the browser's own way makes its tables anew for each, which
 * took a twelfth of the time in which a study opens.
 */
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec'.split(' ');
const two = (n: number) => String(n).padStart(2, '0');

/** `14:06`, in the reader's own time zone. */
export function formatClock(at: string | number): string {
  const when = new Date(at);
  if (Number.isNaN(when.getTime())) return 'Invalid Date';
  return `${two(when.getHours())}:${two(when.getMinutes())}`;
}

/** `21 Nov 2026, 14:06:21`. */
export function formatExact(at: string | number): string {
  const when = new Date(at);
  if (Number.isNaN(when.getTime())) return 'Invalid Date';
  return `${formatDay(at)}, ${formatClock(at)}:${two(when.getSeconds())}`;
}

/** The day of an instant in the reader's own time zone: `21 Nov 2026`. */
export function formatDay(at: string | number): string {
  const when = new Date(at);
  if (Number.isNaN(when.getTime())) return 'Invalid Date';
  return `${two(when.getDate())} ${MONTHS[when.getMonth()]} ${when.getFullYear()}`;
}

/** DICOM's `20261121` or ISO's `2026-11-21` as `21 Nov 2026`; other text as it is. */
export function formatDate(date: string | null): string {
  const parts = /^(\d{4})-?(\d{2})-?(\d{2})/.exec(date ?? '');
  if (!parts) return date ?? '';
  const at = new Date(Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])));
  return `${two(at.getUTCDate())} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `0 B`, `512 kB`, `1.4 GB`: decimal units, two digits at least. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A length of time ahead, coarse: `12 s`, `4 min`, `2 h 05`. */
export function formatSpan(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`;
}
