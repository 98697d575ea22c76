import type { Id, Instant, Site } from './model';

/** What became of one file of an import. */
export type FileStatus =
  | 'stored'
  | 'already'
  | 'conflict'
  | 'refused'
  | 'skipped'
  | 'opened'
  | 'missing';

export interface IntakeCounts {
  readonly files: number;
  readonly stored: number;
  readonly already: number;
  readonly conflict: number;
  readonly refused: number;
  readonly skipped: number;
  readonly waiting: number;
  readonly missing: number;
  readonly zips: number;
  readonly bytes: number;
}

/** One import: a batch of files that came in together, with its sums. */
export interface Intake {
  readonly id: Id;
  readonly site: Site;
  readonly by: { readonly id: Id; readonly display_name: string } | null;
  readonly mine: boolean;
  readonly via: string;
  readonly state: 'open' | 'done' | 'abandoned';
  readonly started_at: Instant;
  readonly finished_at: Instant | null;
  readonly counts: IntakeCounts;
}

export interface IntakeFile {
  readonly id: Id;
  readonly key: string;
  readonly name: string;
  readonly size: number;
  readonly received: number;
  readonly state: 'waiting' | 'received' | 'taken';
  readonly status: FileStatus | null;
  readonly reason: string;
  readonly study_uid: string | null;
  readonly in_zip: Id | null;
  readonly members: { readonly done: number; readonly total: number } | null;
}

export interface IntakeList {
  readonly items: readonly Intake[];
  readonly next_cursor: string | null;
}

export interface IntakeReport extends Intake {
  readonly files: {
    readonly items: readonly IntakeFile[];
    readonly next_cursor: string | null;
  };
}

/** The roles that carry the permission `study:import` at a site. */
const IMPORTERS: readonly string[] = [
  'radiologist',
  'resident',
  'specialist',
  'admin',
  'service',
];

export function mayImportAt(site: { readonly roles: readonly string[] }): boolean {
  return site.roles.some((role) => IMPORTERS.includes(role));
}

/** What a reader of the report can ask for: those that need a look come first. */
export const REPORT_FILTERS = {
  attention: ['refused', 'conflict', 'missing'],
  stored: ['stored'],
  already: ['already'],
  skipped: ['skipped'],
  opened: ['opened'],
  all: [],
} as const satisfies Record<string, readonly FileStatus[]>;

export type ReportFilter = keyof typeof REPORT_FILTERS;

/** How many files of a report a filter would show. */
export function countOf(counts: IntakeCounts, filter: ReportFilter): number {
  if (filter === 'all') return counts.files + counts.missing + counts.zips;
  if (filter === 'opened') return counts.zips;
  if (filter === 'attention') return counts.refused + counts.conflict + counts.missing;
  return counts[filter];
}

const LANES = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35] as const;
const FACTORS = [0x01000193, 0x01000197, 0x0100019d, 0x010001b5] as const;

/** 128 bits of a text, in hexadecimal. Not for secrets: it only tells texts apart. */
function digest(value: string): string {
  const lanes: number[] = [...LANES];
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    for (let lane = 0; lane < 4; lane += 1) {
      const mixed = Math.imul(
        (lanes[lane] ?? 0) ^ (code + at * lane),
        FACTORS[lane] ?? 1,
      );
      lanes[lane] = mixed ^ (mixed >>> 13);
    }
  }
  return lanes
    .map((lane) => (Math.imul(lane ^ (lane >>> 16), 0x45d9f3b) >>> 0).toString(16))
    .map((word) => word.padStart(8, '0'))
    .join('');
}

/**
 * The name that this browser gives a file, the same when it is chosen again: of its
 * size (bytes), time (ms) and path. The path cannot be read from it.
 */
export function keyOf(path: string, size: number, modified: number): string {
  return `${size.toString(36)}-${modified.toString(36)}-${digest(path)}`;
}

/** Where a file stands at the portal. */
export interface Sent {
  readonly size: number;
  readonly received: number;
  readonly state: IntakeFile['state'];
}

/** Of a file, the bytes [from, to) to send next; null when it is taken. */
export function nextChunk(
  { size, received, state }: Sent,
  most: number,
): { readonly from: number; readonly to: number } | null {
  if (state === 'taken') return null;
  const from = Math.min(size, received);
  return { from, to: Math.min(size, from + most) };
}

/** What to do after the portal refused a request of an upload. */
export type Remedy =
  | { readonly kind: 'go-on'; readonly received: number }
  | { readonly kind: 'again'; readonly why: 'archive' | 'busy' | 'portal' }
  | { readonly kind: 'hold'; readonly why: 'disk_full' | 'logged_out' }
  | { readonly kind: 'end'; readonly why: 'closed' | 'forbidden' | 'gone' }
  | { readonly kind: 'give-up' };

export interface Refused {
  readonly status: number;
  readonly code: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const BY_STATUS: Readonly<Record<number, Remedy>> = {
  401: { kind: 'hold', why: 'logged_out' },
  403: { kind: 'end', why: 'forbidden' },
  404: { kind: 'end', why: 'gone' },
  429: { kind: 'again', why: 'portal' },
  503: { kind: 'again', why: 'archive' },
  507: { kind: 'hold', why: 'disk_full' },
};

function conflictRemedy({ code, body }: Refused): Remedy {
  const received = body['received'];
  if (code === 'offset_mismatch' && typeof received === 'number') {
    return { kind: 'go-on', received };
  }
  if (code === 'closed') return { kind: 'end', why: 'closed' };
  return code === 'busy' ? { kind: 'again', why: 'busy' } : { kind: 'give-up' };
}

/** The remedy that the contract of uploads asks for. */
export function remedyOf(refused: Refused): Remedy {
  if (refused.status === 409) return conflictRemedy(refused);
  const known = BY_STATUS[refused.status];
  if (known) return known;
  return refused.status >= 500 ? { kind: 'again', why: 'portal' } : { kind: 'give-up' };
}

/** Bytes a second over the samples that are not older than `window` ms; null at first. */
export function rateOf(
  samples: readonly { readonly at: number; readonly bytes: number }[],
  window = 10_000,
): number | null {
  const last = samples.at(-1);
  const first = samples.find((one) => last !== undefined && last.at - one.at <= window);
  if (!first || !last || last.at - first.at < 500) return null;
  return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
}

/** A text as one cell; a spreadsheet must not take a file's name for a formula. */
function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A report as CSV (RFC 4180), one line a file. */
export function csvOf(files: readonly IntakeFile[]): string {
  const names = new Map(files.map((file) => [file.id, file.name]));
  const lines = files.map((file) => [
    file.name,
    String(file.size),
    file.status ?? 'waiting',
    file.reason,
    file.study_uid ?? '',
    file.in_zip === null ? '' : (names.get(file.in_zip) ?? ''),
  ]);
  return [['name', 'bytes', 'status', 'reason', 'study_uid', 'in_zip'], ...lines]
    .map((line) => line.map(cell).join(','))
    .join('\r\n')
    .concat('\r\n');
}
