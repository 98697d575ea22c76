import type { Id, Instant } from '@/domain/model';
import type { TemplateBody } from '@/domain/templates';
import { request } from './client';

/** A template that holds; version 0 came with Overread. */
export interface ReportTemplate extends TemplateBody {
  readonly code: string;
  readonly version: number;
}

export interface TemplateVersion {
  readonly version: number;
  readonly at: Instant | null;
  readonly by: string;
  /** Null where this version took the template away. */
  readonly template: ReportTemplate | null;
}

export interface TemplateVersions {
  readonly items: readonly TemplateVersion[];
  readonly holding: number | null;
}

interface DraftedSection {
  readonly key: string;
  readonly title: string;
  readonly text: string;
}

export interface TemplatePreview {
  readonly without: readonly DraftedSection[];
  readonly with_finding: readonly DraftedSection[];
}

const of = (site: Id) => `sites/${site}/report-templates`;

export async function readTemplates(site: Id): Promise<readonly ReportTemplate[]> {
  return (await request<{ items: ReportTemplate[] }>(of(site))).data.items;
}

export async function writeTemplate(
  site: Id,
  code: string,
  body: TemplateBody,
): Promise<ReportTemplate> {
  const path = `${of(site)}/${code}`;
  return (await request<ReportTemplate>(path, { method: 'PUT', body })).data;
}

/** Lets the shipped template hold again, or none. */
export async function retireTemplate(site: Id, code: string): Promise<void> {
  await request(`${of(site)}/${code}`, { method: 'DELETE' });
}

export async function readVersions(site: Id, code: string): Promise<TemplateVersions> {
  return (await request<TemplateVersions>(`${of(site)}/${code}/versions`)).data;
}

export async function activateVersion(
  site: Id,
  code: string,
  version: number,
): Promise<void> {
  const path = `${of(site)}/${code}/versions`;
  await request(path, { method: 'POST', body: { version } });
}

export async function previewTemplate(
  site: Id,
  body: TemplateBody,
): Promise<TemplatePreview> {
  const path = `sites/${site}/report-template-preview`;
  return (await request<TemplatePreview>(path, { method: 'POST', body })).data;
}
