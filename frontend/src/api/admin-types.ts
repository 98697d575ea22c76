import type { Id, Instant, Site } from '@/domain/model';

export interface HealthPart {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
}

export interface Health {
  readonly status: string;
  readonly parts?: readonly HealthPart[];
}

export type HeldKind = 'unknown_site' | 'other_patient' | 'conflict';

/** Something held; says nothing of the patient. */
export interface Quarantined {
  readonly id: Id;
  readonly kind: HeldKind;
  readonly site: Site | null;
  readonly study_id: Id | null;
  readonly arrived_at: Instant;
  readonly called_aet: string;
  readonly calling_aet: string;
  readonly study_uid: string;
  readonly modality: string;
  readonly n_images: number;
  readonly reason: string;
  readonly state: string;
}

export interface AeTitle {
  readonly id: Id;
  readonly called_aet: string;
  readonly calling_aet: string;
  readonly site: Site;
}

export interface Membership {
  readonly id: Id;
  readonly site: Id;
  readonly site_name: string;
  readonly role: string;
}

export interface AdminUser {
  readonly id: Id;
  readonly username: string;
  readonly display_name: string;
  readonly email?: string;
  readonly is_active?: boolean;
  readonly password_is_temporary?: boolean;
  readonly last_login?: Instant | null;
  readonly memberships: readonly Membership[];
}

export interface AuditRow {
  readonly id: number;
  readonly at: Instant;
  readonly event: string;
  readonly outcome: string;
  readonly actor_kind: string;
  readonly actor_name: string;
  readonly actor_roles?: readonly string[];
  readonly as_superuser?: boolean;
  readonly source_ip?: string | null;
  readonly site_id?: Id | null;
  readonly patients?: readonly string[];
  readonly studies?: readonly string[];
  readonly object_kind?: string;
  readonly object_id?: string | null;
  readonly detail?: unknown;
}

export interface AuditPage {
  readonly items: readonly AuditRow[];
  readonly next_cursor: string | null;
}

/** Records, or a seal, that were changed after they were sealed. */
export interface AuditProblem {
  readonly seal: number;
  readonly first_id: number;
  readonly last_id: number;
  readonly what: 'changed' | 'removed' | 'added' | 'seal_changed' | 'seal_removed';
  readonly n: number;
}

export interface AuditFound {
  readonly intact: boolean;
  readonly seals: number;
  readonly records: number;
  readonly n_problems: number;
  readonly problems: readonly AuditProblem[];
}

/** How far the log is sealed, and what the last check of it said. */
export interface AuditSeals {
  readonly seals: number;
  readonly records: number;
  readonly sealed_at: Instant | null;
  readonly waiting: number;
  readonly public_key: string | null;
  readonly checked_at: Instant | null;
  readonly found: AuditFound | null;
}

/** Dates are ISO instants; empty fields do not narrow. */
export interface AuditQuery {
  readonly event: string;
  readonly actor: string;
  readonly from: string;
  readonly to: string;
  readonly q: string;
}

export interface ExportRow {
  readonly id: Id;
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  /** The validator's words, one problem a line. */
  readonly problems: string;
  readonly sop_uid: string;
  readonly study_uid: string;
  readonly site: string;
  readonly created_at: Instant;
  readonly stored_at: Instant | null;
}
