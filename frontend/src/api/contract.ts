import type { Hangings, Prior } from '@/domain/hanging';
import type { Intake, IntakeFile, IntakeList, IntakeReport } from '@/domain/intake';
import type {
  Ai,
  CommitAnswer,
  LeaseAnswer,
  Manifest,
  Reading,
  Row,
  Session,
  SignAnswer,
  Summary,
  Vocabulary,
  Why,
  WindowAnswer,
  WorklistPage,
} from '@/domain/model';
import type {
  AdminUser,
  AeTitle,
  AuditPage,
  AuditSeals,
  ExportRow,
  Health,
  Quarantined,
} from './admin-types';
import type {
  ArrivalFailure,
  Comparison,
  PackWork,
  RunWork,
  WorkPage,
} from './held-types';
import type { Assigned, ListReader } from './list-endpoints';
import type { NoticePage, NoticeSettings } from './notice-endpoints';
import type { ClinicalProtocol } from './protocol-endpoints';
import type { components } from './schema';
import type { SignedPage } from './signed-endpoints';
import type {
  ReportTemplate,
  TemplatePreview,
  TemplateVersions,
} from './template-endpoints';

/**
 * The compiler's proof that the portal's schema (script/generate-client) can be read as
 * what the domain believes: when one of them drifts, this file no longer compiles.
 */
type Schemas = components['schemas'];

/** Where the schema says less than the contract: a tuple, and words it does not list. */
interface Looser {
  sort_key: readonly unknown[];
  acuity: string | null;
  requires_review: boolean;
}

type Loose<T> = T extends readonly (infer Item)[]
  ? readonly Loose<Item>[]
  : T extends object
    ? { [K in keyof T]: K extends keyof Looser ? Looser[K] : LooseField<T, K> }
    : T;

/** A run's state is plain text in the schema. */
type LooseField<T, K extends keyof T> = K extends 'state'
  ? T extends { findings: unknown }
    ? string
    : Loose<T[K]>
  : Loose<T[K]>;

/** Fails to compile unless `Wire` can be read as `Believed`. */
type Holds<Wire extends Loose<Believed>, Believed> = [Wire, Believed];

export type Contract = [
  Holds<Schemas['Row'], Row>,
  Holds<Schemas['Page'], WorklistPage>,
  Holds<Schemas['Window'], WindowAnswer>,
  Holds<Schemas['Summary'], Summary>,
  Holds<Schemas['Reader'], ListReader>,
  Holds<Schemas['Assigned'], Assigned>,
  Holds<Schemas['Why'], Why>,
  Holds<Schemas['Ai'], Ai>,
  Holds<Schemas['Reading'], Reading>,
  Holds<Schemas['Leased'], LeaseAnswer>,
  Holds<Schemas['Committed'], CommitAnswer>,
  Holds<Schemas['Signed'], SignAnswer>,
  Holds<Schemas['Session'], Session>,
  Holds<Schemas['Vocabulary'], Vocabulary>,
  Holds<Schemas['Manifest'], Manifest>,
  Holds<Schemas['Quarantined'], Quarantined>,
  Holds<Schemas['Comparison'], Comparison>,
  Holds<Schemas['ArrivalFailure'], ArrivalFailure>,
  Holds<Schemas['RunWorkPage'], WorkPage<RunWork>>,
  Holds<Schemas['PackWorkPage'], WorkPage<PackWork>>,
  Holds<Schemas['ClinicalProtocol'], ClinicalProtocol>,
  Holds<Schemas['AETitle'], AeTitle>,
  // The schema does not say what a membership is.
  Holds<Omit<Schemas['User'], 'memberships'>, Omit<AdminUser, 'memberships'>>,
  Holds<Schemas['AuditPage'], AuditPage>,
  Holds<Schemas['AuditSeals'], AuditSeals>,
  Holds<Schemas['Export'], ExportRow>,
  Holds<Schemas['Health'], Health>,
  Holds<Schemas['Intake'], Intake>,
  Holds<Schemas['IntakeFile'], IntakeFile>,
  Holds<Schemas['IntakeList'], IntakeList>,
  Holds<Schemas['IntakeReport'], IntakeReport>,
  Holds<Schemas['Hangings'], Hangings>,
  Holds<Schemas['EarlierStudy'], Prior>,
  Holds<Schemas['SignedReadings'], SignedPage>,
  Holds<Schemas['Notices'], NoticePage>,
  Holds<Schemas['Template'], ReportTemplate>,
  Holds<Schemas['TemplateVersions'], TemplateVersions>,
  Holds<Schemas['TemplatePreview'], TemplatePreview>,
  Holds<Schemas['NoticeSettings'], NoticeSettings>,
];
