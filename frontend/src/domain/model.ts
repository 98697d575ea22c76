/**
 * What the portal and the browser say to each other, in the words of the contract
 * (docs/architecture.md). Times are ISO 8601 UTC; ids are UUIDs; UIDs are DICOM's.
 */

import type { Segmentation } from './segment/model';

export type Id = string;
export type Instant = string;

export type Band = 'STAT' | 'PRIORITY' | 'ROUTINE';
export type BandSource = 'site_rule' | 'ai' | 'clinician';
export type Acuity = 'critical' | 'urgent' | 'routine';
export type AiState =
  | 'pending'
  | 'running'
  | 'done'
  | 'failed'
  | 'rejected'
  | 'none'
  | 'blinded';
export type DisplayMode = 'none' | 'after_commit' | 'concurrent';
export type ItemState = 'open' | 'leased' | 'done' | 'cancelled';

export interface ModelRef {
  readonly name: string;
  readonly version: string;
}

export interface Site {
  readonly id: Id;
  readonly name: string;
}

export interface Lease {
  readonly holder: {
    readonly id: Id;
    readonly display_name: string;
    readonly initials: string;
  };
  readonly mine: boolean;
  readonly since: Instant;
  readonly expires_at: Instant;
  /** Which taking of the item it is: a window gives back only its own. */
  readonly number: number;
  readonly draft_saved_at: Instant | null;
}

/** For whom a lead meant an item. */
export interface Assignee {
  readonly person: Lease['holder'];
  readonly mine: boolean;
  readonly at: Instant;
}

/** [class of the rank (0 first), due time, arrival, id]: fixed between events. */
export type SortKey = readonly [number, Instant, Instant, Id];

export interface RowAi {
  readonly state: AiState;
  readonly reason: string | null;
  readonly label: string | null;
  readonly probability: number | null;
  readonly threshold: number | null;
  readonly acuity: Acuity | '' | null;
  readonly n_more: number;
  readonly model: ModelRef | null;
}

/** One work item as a line of the list. */
export interface Row {
  readonly id: Id;
  readonly version: number;
  readonly reason: string;
  readonly state: ItemState;
  readonly rank: number | null;
  readonly rank_total: number | null;
  readonly band: Band;
  readonly band_source: BandSource;
  readonly band_reason: string | null;
  readonly arrived_at: Instant;
  readonly due_at: Instant;
  readonly deadline_at: Instant;
  readonly sort_key: SortKey;
  readonly site: Site;
  readonly protocol: {
    readonly id: Id;
    readonly name: string;
    readonly display_mode: DisplayMode;
  };
  readonly patient: {
    readonly name: string;
    readonly id: string;
    readonly sex: string;
    readonly age_text: string;
    readonly birth_date: string | null;
  };
  readonly study: {
    readonly id: Id;
    readonly uid: string;
    readonly revision_id: Id;
    readonly revision: number;
    readonly modality: string;
    readonly description: string;
    readonly body_part: string;
    readonly n_images: number;
    readonly n_series: number;
    readonly station: string;
    readonly study_date: string | null;
    readonly accession_number: string;
  };
  readonly ai: RowAi;
  /** Who it is for by how sure the models are; empty: anybody. */
  readonly tier: '' | 'resident' | 'specialist';
  readonly lease: Lease | null;
  readonly assignee: Assignee | null;
  /** Of a signed study on the view of what waits for this person; else null. */
  readonly preliminary: Preliminary | null;
}

/** Whether a row is on the list of what is to be read: only there it has a rank. */
export function isToBeRead(row: Row | null): boolean {
  return row !== null && row.preliminary === null;
}

/** Who signed a preliminary reading, and whether it waits or was sent back. */
export interface Preliminary extends Verification {
  readonly signed_by: string;
  /** This person signed it: it was sent back to them. */
  readonly mine: boolean;
}

export interface BandCount {
  readonly n: number;
  readonly oldest_arrived_at: Instant | null;
  readonly past_deadline: number;
}

export type Seq = Readonly<Record<Id, number>>;

export interface WorklistPage {
  readonly seq: Seq;
  readonly now: Instant;
  readonly ai_ordering: Readonly<Record<Id, boolean>>;
  readonly items: readonly Row[];
  readonly next_cursor: string | null;
  readonly total: number;
  readonly bands: Readonly<Partial<Record<Band, BandCount>>>;
  readonly facets: {
    readonly modality: readonly string[];
    readonly body_part: readonly string[];
  };
}

/** How many rows there are. */
export interface Counts {
  readonly total: number;
  /** Preliminary readings that wait for this person, at the chosen sites. */
  readonly to_verify: number;
  readonly rank_total: number;
  readonly bands: Readonly<Partial<Record<Band, BandCount>>>;
  readonly facets: WorklistPage['facets'];
}

/** Consecutive rows of the list, as the portal answers a question for them. */
export interface WindowAnswer {
  readonly seq: Seq;
  readonly now: Instant;
  readonly ai_ordering: Readonly<Record<Id, boolean>>;
  readonly items: readonly Row[];
  readonly more: boolean;
  readonly counts: Counts | null;
}

export interface Colleague {
  readonly id: Id;
  readonly display_name: string;
  readonly initials: string;
  readonly reading: number;
}

/** The list's counters without its rows, and who else has it open. */
export interface Summary {
  readonly seq: Seq;
  readonly now: Instant;
  readonly ai_ordering: Readonly<Record<Id, boolean>>;
  readonly counts: Counts;
  readonly people: readonly Colleague[];
}

export interface ItemEvent {
  readonly site: Id;
  readonly seq: number;
  readonly kind: string;
  readonly item: Row | null;
  readonly id: Id;
}

export interface Why {
  readonly rank: number | null;
  readonly band: Band;
  readonly band_source: BandSource;
  readonly band_reason: string | null;
  readonly arrived_at: Instant;
  readonly allowance_s: number;
  readonly due_at: Instant;
  readonly deadline_at: Instant;
  readonly acuity: Acuity | '' | null;
  readonly acuity_weight: number | null;
  readonly probability: number | null;
  readonly probability_source: 'finding' | 'base_rate' | 'clinician';
  readonly neighbours: {
    readonly above: { readonly id: Id; readonly due_at: Instant } | null;
    readonly below: { readonly id: Id; readonly due_at: Instant } | null;
  };
  readonly without_ai: { readonly rank: number | null; readonly due_at: Instant };
  readonly model: ModelRef | null;
  readonly rule: readonly string[];
}

export interface Coded {
  readonly scheme: string;
  readonly code: string;
  readonly display: string;
}

export interface SiteRoles extends Site {
  readonly roles: readonly string[];
}

export interface User {
  readonly id: Id;
  readonly username: string;
  readonly display_name: string;
  readonly initials: string;
  readonly sites: readonly SiteRoles[];
  readonly permissions: readonly string[];
  /** An admin set the password: nothing else is possible before it is changed. */
  readonly must_change_password: boolean;
}

export interface Session {
  readonly user: User | null;
  readonly csrf_token: string;
}

export type GeometryKind =
  | 'box'
  | 'point'
  | 'polyline'
  | 'ellipse'
  | 'length'
  | 'bidirectional'
  | 'angle'
  | 'cobb'
  | 'circle'
  | 'polygon'
  | 'spline'
  | 'arrow';
export type GeometrySpace = 'image' | 'patient';

/** Space "image": (column, row), (0,0) the top left corner of the top left pixel. */
export interface Geometry {
  readonly kind: GeometryKind;
  readonly space: GeometrySpace;
  readonly sop_uid: string;
  readonly frame: number;
  readonly frame_of_reference_uid: string | null;
  readonly points: readonly (readonly number[])[];
}

export interface Finding {
  readonly id: Id;
  readonly label: Coded;
  readonly probability: number | null;
  readonly raw_score: number | null;
  readonly uncertainty: number | string | null;
  readonly needs_specialist: boolean;
  readonly threshold: number | null;
  readonly positive: boolean;
  readonly acuity: Acuity | '' | null;
  readonly location: Geometry | null;
  readonly saliency: {
    readonly artefact_id: Id;
    readonly cut_off: number | null;
    readonly sop_uid: string;
    readonly frame: number;
  } | null;
  /** How far it is with showing where it comes from, by occlusion; null where not asked. */
  readonly explanation: {
    readonly state: 'queued' | 'running' | 'done' | 'failed';
    readonly reason: string;
  } | null;
  readonly mask: FindingMask | null;
}

/** Where a finding is, voxel by voxel; the bytes are an artefact of their own. */
export interface FindingMask {
  readonly artefact_id: Id;
  readonly series_uid: string;
  readonly sop_uids: readonly string[];
  readonly rows: number;
  readonly columns: number;
  readonly volume_ml: number;
}

/** One thing that the input gate looked at before a model ran. */
export interface InputCheck {
  readonly name: string;
  readonly outcome: 'passed' | 'noted' | 'failed';
  readonly words: string;
  readonly value: number | null;
  readonly limit: number | null;
  readonly unit: string;
}

export interface AiRun {
  readonly id: Id;
  readonly state: AiState;
  readonly reason: string | null;
  readonly model: ModelRef & {
    readonly intended_use: string;
    readonly card: Readonly<Record<string, unknown>>;
  };
  readonly finished_at: Instant | null;
  readonly quality: {
    readonly verdict: string;
    readonly checks: readonly InputCheck[];
  } | null;
  readonly findings: readonly Finding[];
  /** Beside the newest earlier study that the same model judged; null without one. */
  readonly comparison: RunComparison | null;
}

/** A place on an image, in pixels. */
export interface LesionSpot {
  readonly sop_uid: string;
  readonly column: number;
  readonly row: number;
}

/** How large a lesion is. */
export interface LesionSize {
  readonly volume_ml: number;
  /** The longest in one slice. */
  readonly diameter_mm: number;
}

/** A lesion now and then, and what became of it. */
export interface LesionChange {
  readonly finding_id: Id | null;
  readonly label: Coded;
  readonly tracking_uid: string;
  readonly kind: 'new' | 'resolved' | 'unchanged' | 'grown' | 'shrunk';
  readonly now: LesionSize | null;
  readonly then: LesionSize | null;
  readonly now_at: LesionSpot | null;
  readonly then_at: LesionSpot | null;
  readonly change_ml: number;
  readonly percent: number | null;
  readonly percent_low: number | null;
  readonly percent_high: number | null;
  readonly doubling_days: number | null;
  readonly repeatability: {
    readonly percent: number;
    readonly least_ml: number;
    readonly source: string;
  };
}

export interface RunComparison {
  readonly id: Id;
  readonly state: 'queued' | 'running' | 'done' | 'incomparable' | 'failed';
  readonly reason: string;
  readonly days: number;
  readonly prior: {
    readonly study_id: Id;
    readonly study_date: string;
    readonly model: ModelRef;
    readonly same_version: boolean;
  };
  readonly registration: {
    readonly overlap: number;
    readonly correlation: number;
    readonly inconsistency_mm: number;
    readonly turn_degrees: number;
    readonly shift_mm: number;
  } | null;
  readonly lesions: readonly LesionChange[];
}

export interface Ai {
  readonly display_mode: DisplayMode;
  readonly visible: boolean;
  readonly hidden_reason: string | null;
  readonly requires_review: true;
  readonly runs: readonly AiRun[];
}

export type VerdictKind = 'accept' | 'reject' | 'modify';

export interface Verdict {
  readonly verdict: VerdictKind;
  readonly reason_code: string;
  readonly reason_text: string;
  readonly label: Coded | null;
  readonly geometry: Geometry | null;
}

/** What the millimetres of a mark rest on. */
export type ScaleSource = 'patient' | 'detector' | 'calibrated' | 'none';

/** One number that a mark measures: a coded quantity in a UCUM unit. */
export interface MeasuredValue extends Coded {
  readonly value: number;
  readonly unit: string;
}

/** What a mark of a measuring tool says beside its place. */
export interface Measured {
  readonly scale: ScaleSource;
  /** The known length that this line gives to its image, mm. */
  readonly calibration_mm: number | null;
  readonly values: readonly MeasuredValue[];
}

export interface Annotation {
  readonly id: Id;
  readonly tracking_uid: string;
  readonly label: Coded;
  readonly geometry: Geometry;
  readonly text: string;
  readonly missed_by_ai: boolean;
  /** Only marks that a measuring tool made have it. */
  readonly measured?: Measured;
}

/** The answer to one thing that an object from PACS says; the object stays as it is. */
export interface ForeignAnswer {
  readonly sop_uid: string;
  readonly series_uid: string;
  readonly sop_class_uid: string;
  readonly key: string;
  readonly tracking_uid: string;
  readonly tracking_id: string;
  readonly scheme: string;
  readonly code: string;
  readonly display: string;
  readonly image_uid: string;
  readonly verdict: 'accept' | 'reject';
  readonly reason_code: string;
  readonly reason_text: string;
}

/** One section of the written report; edited means in the reader's own words. */
export interface ReportSection {
  readonly key: string;
  readonly title: string;
  readonly text: string;
  readonly edited: boolean;
}

/** The written report, drafted from the answers by a template. */
export interface Report {
  readonly template: {
    readonly code: string;
    readonly version: number;
    readonly name: string;
  };
  readonly sections: readonly ReportSection[];
  readonly codes: readonly (Coded & {
    readonly present: boolean;
    readonly source: 'ai' | 'reader';
    readonly source_id: string;
  })[];
}

export interface Content {
  readonly verdicts: Readonly<Record<Id, Verdict>>;
  readonly annotations: readonly Annotation[];
  readonly impression: string;
  /** By `<sop_uid>#<key>`; left out when there is none. */
  readonly foreign?: Readonly<Record<string, ForeignAnswer>>;
  /** Left out until one is drafted. */
  readonly report?: Report | null;
  /** At most one a series; left out when there is none. */
  readonly segmentations?: readonly Segmentation[];
}

export type ReadingState = 'draft' | 'unaided' | 'committed' | 'revealed' | 'signed';

/** One signed version of a reading; an amendment says why it was made. */
export interface Edition {
  readonly id: Id;
  readonly edition: number;
  readonly signed_at: Instant;
  readonly signed_by: string;
  readonly reason: string;
  readonly reason_text: string;
}

/** How far the verification of what a resident signed is. */
export interface Verification {
  readonly state: 'waiting' | 'sent_back' | 'verified' | 'replaced';
  readonly asked_at: Instant;
  readonly decided_at: Instant | null;
  readonly decided_by: string;
  /** Why it was sent back. */
  readonly reason: string;
}

/** Whether somebody else still has to answer for a signed reading. */
export function isPreliminary(verification: Verification | null): boolean {
  return verification?.state === 'waiting' || verification?.state === 'sent_back';
}

export interface Reading {
  readonly id: Id;
  readonly item_id: Id;
  readonly state: ReadingState;
  readonly version: number;
  readonly saved_at: Instant | null;
  readonly signed_at: Instant | null;
  readonly signed_by: string | null;
  readonly content: Content;
  /** 1, and one more with each amendment. */
  readonly edition: number;
  /** The signed version that this amendment takes the place of, and why. */
  readonly amends: Edition | null;
  /** How far its verification is; null where its reader's signature is enough. */
  readonly verification: Verification | null;
  /** What the protocol asks for, by name; not marked when it is signed means absent. */
  readonly asks: readonly string[];
  /** The states it entered so far, in order. */
  readonly stages: readonly { readonly state: ReadingState; readonly at: Instant }[];
  /** What was committed before AI was revealed; it never changes again. */
  readonly unaided: {
    readonly committed_at: Instant;
    readonly content: Content;
  } | null;
}

export interface ManifestSeries {
  readonly index: number;
  readonly uid: string;
  readonly number: number | null;
  readonly modality: string;
  readonly description: string;
  readonly body_part: string;
  readonly n_instances: number;
  readonly laterality: string;
  /** 'axial', 'coronal', 'sagittal' or ''. */
  readonly plane: string;
  /** Of projections, how each image was taken. */
  readonly views: readonly {
    readonly sop_uid: string;
    readonly view: string;
    readonly laterality: string;
  }[];
  /** Of all its images together, as their headers say. */
  readonly n_frames: number;
  /** The portal may not know these two until the pack is ready. */
  readonly displayable?: boolean | null;
  readonly why_not?: string | null;
}

export interface Manifest {
  readonly study: { readonly id: Id; readonly uid: string; readonly description: string };
  readonly patient: Readonly<Record<string, unknown>>;
  readonly revision: { readonly id: Id; readonly number: number };
  readonly pack: {
    readonly state: 'ready' | 'building' | 'absent' | 'failed';
    readonly base: string;
    readonly reason?: string;
  };
  readonly series: readonly ManifestSeries[];
  readonly attachments: readonly {
    readonly uid: string;
    /** Of its first object; '' where that is not known. */
    readonly sop_class_uid: string;
    readonly modality: string;
    readonly description: string;
    readonly n_instances: number;
  }[];
}

export interface Choice {
  readonly code: string;
  readonly display: string;
}

export interface Vocabulary {
  readonly reject_reasons: readonly Choice[];
  readonly band_reasons: readonly Choice[];
  readonly amend_reasons: readonly Choice[];
  readonly labels: readonly Coded[];
}

export interface LeaseAnswer {
  readonly lease: Lease;
  readonly item: Row;
  readonly reading: Reading;
}

export interface CommitAnswer {
  readonly reading: Reading;
  readonly item: Row;
}

export interface SignAnswer {
  readonly reading: Reading;
  readonly next: Row | null;
}
