import type { Band, Finding, Row } from './model';

/** Rows and findings for tests: only what a test states differs from the plain one. */
export function makeRow(change: Partial<Row> & { id: string }): Row {
  const due = change.due_at ?? '2026-11-21T10:00:00Z';
  const arrived = change.arrived_at ?? '2026-11-21T09:00:00Z';
  const band: Band = change.band ?? 'ROUTINE';
  return {
    version: 1,
    reason: 'clinical',
    state: 'open',
    rank: null,
    rank_total: 0,
    band,
    band_source: 'site_rule',
    band_reason: '',
    arrived_at: arrived,
    due_at: due,
    deadline_at: due,
    sort_key: [2, due, arrived, change.id],
    site: { id: 's1', name: 'Site' },
    protocol: { id: 'p', name: 'Clinical', display_mode: 'concurrent' },
    patient: { name: 'A^B', id: 'X1', sex: 'F', age_text: '40', birth_date: null },
    study: {
      id: 'st',
      uid: '1.2',
      revision_id: 'r',
      revision: 1,
      modality: 'CT',
      description: 'Chest',
      body_part: 'CHEST',
      n_images: 1,
      n_series: 1,
      station: 'CT1',
      study_date: null,
      accession_number: 'ACC1',
    },
    ai: {
      state: 'done',
      reason: '',
      label: 'Pneumonia',
      probability: 0.5,
      threshold: 0.4,
      acuity: 'urgent',
      n_more: 0,
      model: null,
    },
    tier: '',
    lease: null,
    assignee: null,
    preliminary: null,
    ...change,
  };
}

export function makeFinding(id: string, positive = true): Finding {
  return {
    id,
    label: { scheme: 'SCT', code: '1', display: id },
    probability: positive ? 0.9 : 0.1,
    raw_score: 0,
    uncertainty: null,
    needs_specialist: false,
    threshold: 0.5,
    positive,
    acuity: 'urgent',
    location: null,
    saliency: null,
    explanation: null,
    mask: null,
  };
}
