import type { Id, Instant, Site } from '@/domain/model';
import type { Quarantined } from './admin-types';

/** What a side says of its patient and study. */
export interface SideSummary {
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

/** One side; `pictures` are SOP Instance UIDs. */
export interface Side {
  /** Why this person may not see it; empty when they may. */
  readonly hidden_reason: string;
  readonly site: Site | null;
  readonly summary: SideSummary | null;
  readonly pictures: readonly string[];
}

export type SideName = 'there' | 'arrived';

export interface DifferingFile {
  readonly sop_uid: string;
  readonly via: string;
  readonly size: number;
  /** Names of attributes; null when that cannot be said. */
  readonly differs: readonly string[] | null;
  readonly same_pixels: boolean | null;
}

export type HeldAction = 'assign' | 'keep' | 'accept';

export interface Comparison {
  readonly item: Quarantined;
  readonly sides: Readonly<Record<SideName, Side | null>>;
  /** The files that were compared: the first ones of `n_files`. */
  readonly files: readonly DifferingFile[];
  readonly n_files: number;
  readonly actions: readonly HeldAction[];
}

/** A study of the archive that could not be registered. */
export interface ArrivalFailure {
  readonly id: Id;
  readonly reason: string;
  readonly attempts: number;
  readonly first_at: Instant;
  readonly retry_at: Instant;
}

/** A file that was kept and that nobody can read; `name` is a hash. */
export interface UnreadArrival {
  readonly name: string;
  readonly reason: string;
  readonly size: number;
  readonly arrived_at: Instant;
}

/** What the archive refused of one sender for one reason. */
export interface ArrivalRefusal {
  readonly id: string;
  /** Its calling AE title; empty when it gave none. */
  readonly sender: string;
  readonly reason: string;
  readonly n: number;
  readonly first_at: Instant;
  readonly last_at: Instant;
}

export interface Arrivals {
  readonly items: readonly ArrivalFailure[];
  readonly unread: readonly UnreadArrival[];
  readonly refused: readonly ArrivalRefusal[];
}

/** A pixel pack as work: `id` is the revision's. */
export interface PackWork {
  readonly id: Id;
  readonly state: string;
  readonly reason: string;
  readonly attempts: number;
  readonly requested_at: Instant | null;
  readonly changed_at: Instant;
  readonly study: {
    readonly id: Id;
    readonly uid: string;
    readonly modality: string;
    readonly revision: number;
  };
  readonly site: Site;
}

/** An inference run as work. */
export interface RunWork extends PackWork {
  readonly model: { readonly name: string; readonly version: string };
  readonly slot: string;
}

/** A comparison with an earlier study as work (`study` is the later one), or an explanation. */
export interface ComparedWork extends PackWork {
  readonly model: { readonly name: string; readonly version: string };
}

export interface WorkPage<T extends PackWork> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}
