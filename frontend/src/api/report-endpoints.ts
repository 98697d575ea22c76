import type { Content, Id, Instant, Report } from '@/domain/model';
import { request } from './client';

/** A section as a template asks for it. */
export interface TemplateSection {
  readonly key: string;
  readonly title: string;
  readonly kind: string;
  readonly required: boolean;
}

export interface Drafted {
  readonly template: {
    readonly code: string;
    readonly name: string;
    readonly sections: readonly TemplateSection[];
  };
  readonly report: Report;
}

/** A signed report of another study of the patient. */
export interface EarlierReport {
  readonly id: Id;
  readonly study: {
    readonly description: string;
    readonly modality: string;
    readonly study_date: string | null;
  };
  readonly signed_by: string;
  readonly signed_at: Instant;
  /** Signed by a resident, and by nobody verified. */
  readonly preliminary: boolean;
  readonly sections: readonly { readonly title: string; readonly text: string }[];
  readonly impression: string;
}

export async function draftReport(item: Id, content: Content): Promise<Drafted> {
  const path = `worklist/items/${item}/report-draft`;
  return (await request<Drafted>(path, { method: 'POST', body: { content } })).data;
}

export async function readEarlierReports(item: Id): Promise<readonly EarlierReport[]> {
  const path = `worklist/items/${item}/earlier-reports`;
  return (await request<{ items: EarlierReport[] }>(path)).data.items;
}
