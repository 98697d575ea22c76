import type { Id } from './model';
import type { GreyWindow } from './windows';

/** How a study may be hung, as the portal says it. */

export type LayoutScope = 'user' | 'site' | 'built_in';

export interface HungPane {
  /** '' leaves the viewport empty. */
  readonly series_uid: string;
  readonly sop_uid: string;
  readonly window: GreyWindow | null;
  readonly lean: '' | 'left' | 'right';
  /** A series that is laid over in colour; '' for none. */
  readonly over_uid: string;
}

export interface Hanging {
  readonly id: string;
  readonly name: string;
  readonly scope: LayoutScope;
  readonly is_default: boolean;
  readonly may_delete: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly panes: readonly HungPane[];
}

export interface NamedWindow extends GreyWindow {
  readonly name: string;
}

export interface Hangings {
  readonly region: string;
  readonly chosen: string | null;
  readonly may_manage_site: boolean;
  readonly items: readonly Hanging[];
  readonly presets: readonly {
    readonly modality: string;
    readonly items: readonly NamedWindow[];
  }[];
}

export interface LayoutWish {
  readonly study: Id;
  readonly name: string;
  readonly scope: LayoutScope;
  readonly is_default: boolean;
  readonly any_region: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly panes: readonly HungPane[];
}

/** An earlier study of the patient. */
export interface Prior {
  readonly id: Id;
  readonly uid: string;
  readonly description: string;
  readonly modality: string;
  readonly region: string;
  readonly same_region: boolean;
  readonly study_date: string | null;
  readonly n_images: number;
  readonly site: string;
}

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30.44;

/** How much earlier a day is than another, in whole days; null when one is unknown. */
export function daysBetween(earlier: string | null, later: string | null): number | null {
  if (!earlier || !later) return null;
  const days = (Date.parse(later) - Date.parse(earlier)) / DAY_MS;
  return Number.isFinite(days) ? Math.round(days) : null;
}

/** `same day`, `12 days`, `8 months`, `3 years`: as a reader says it. */
export function wordInterval(days: number | null): string {
  if (days === null) return '';
  if (days < 1) return 'same day';
  if (days < 60) return days === 1 ? '1 day' : `${days} days`;
  const months = Math.round(days / MONTH_DAYS);
  if (months < 36) return `${months} months`;
  return `${Math.floor(days / 365.25)} years`;
}
