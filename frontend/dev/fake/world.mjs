// The phantoms' world of the development fake: rows, events, leases, drafts.
import { randomUUID } from 'node:crypto';

export const MIN = 60_000;
export const iso = (ms) => new Date(ms).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
export const ago = (minutes) => iso(Date.now() - minutes * MIN);

export const SITES = [
  { id: '11111111-1111-4111-8111-111111111111', name: 'Northfield General' },
  { id: '22222222-2222-4222-8222-222222222222', name: 'Southgate Clinic' },
];
export const ME = {
  id: 'aaaaaaaa-0000-4000-8000-000000000005',
  display_name: 'Reader 05',
  initials: 'R5',
};
export const OTHER = {
  id: 'aaaaaaaa-0000-4000-8000-000000000003',
  display_name: 'Reader 03',
  initials: 'R3',
};
export const ALLOWED = { STAT: 30, PRIORITY: 120, ROUTINE: 480 };
export const seq = Object.fromEntries(SITES.map(({ id }) => [id, 100]));
export const aiOrdering = Object.fromEntries(SITES.map(({ id }) => [id, true]));
export const login = { name: null };

export const CASES = [
  [
    'CT',
    'Abdomen and pelvis, contrast',
    'ABDOMEN',
    412,
    'CT-2',
    null,
    'failed',
    'Input rejected: 7.5 mm slice gap',
  ],
  [
    'CT',
    'Head without contrast',
    'HEAD',
    188,
    'CT-1',
    ['Intracranial haemorrhage', 0.94, 'critical', 0],
    'done',
    '',
  ],
  [
    'CT',
    'Angiogram head and neck',
    'HEAD',
    904,
    'CT-4',
    null,
    'pending',
    'Queued, 3rd in line',
  ],
  [
    'CT',
    'Chest, pulmonary angiogram',
    'CHEST',
    40,
    'CT-1',
    ['Pulmonary embolism', 0.91, 'critical', 1],
    'done',
    '',
  ],
  [
    'DX',
    'Chest, portable AP',
    'CHEST',
    1,
    'DX-3',
    ['Pneumonia', 0.88, 'urgent', 0],
    'done',
    '',
  ],
  [
    'CT',
    'Chest, contrast',
    'CHEST',
    40,
    'CT-2',
    ['Lung nodule 11 mm', 0.64, 'urgent', 1],
    'done',
    '',
  ],
  [
    'MR',
    'Spine, whole, cord compression',
    'SPINE',
    1204,
    'MR-1',
    ['Cord compression', 0.47, 'critical', 0],
    'done',
    '',
  ],
  [
    'DX',
    'Chest, PA and lateral',
    'CHEST',
    2,
    'DX-1',
    ['Consolidation', 0.31, 'routine', 0],
    'done',
    '',
  ],
  [
    'MR',
    'Head, epilepsy protocol',
    'HEAD',
    862,
    'MR-2',
    null,
    'none',
    'No model applies: MR head',
  ],
  [
    'DX',
    'Hand, right, 3 views',
    'HAND',
    3,
    'DX-3',
    null,
    'blinded',
    'Protocol FX-2R, two readers',
  ],
  ['DX', 'Chest, PA', 'CHEST', 1, 'DX-1', null, 'running', 'Running, about 40 s left'],
];

export function deriveKey(row) {
  const rank =
    { STAT: 0, PRIORITY: 1, ROUTINE: 2 }[row.band] === 0
      ? row.band_source === 'clinician'
        ? 0
        : 1
      : 2;
  const off = !aiOrdering[row.site.id];
  row.sort_key = [
    off ? 2 : rank,
    off ? row.arrived_at : row.due_at,
    row.arrived_at,
    row.id,
  ];
}

export function makeRow(n, override = {}) {
  const [modality, description, part, images, station, found, state, reason] =
    CASES[n % CASES.length];
  const site = SITES[n % 5 === 4 ? 1 : 0];
  const p = found?.[1] ?? null;
  const band =
    override.band ??
    (p >= 0.9 ? 'STAT' : p >= 0.4 || n % 7 === 0 ? 'PRIORITY' : 'ROUTINE');
  const waited =
    override.waited ??
    { STAT: 4 + (n % 14), PRIORITY: 18 + ((n * 7) % 95), ROUTINE: 12 + ((n * 13) % 300) }[
      band
    ];
  const arrived = Date.now() - waited * MIN;
  const allowance = band === 'STAT' ? 30 : Math.round(480 - 360 * (p ?? 0.2) * 0.8);
  const row = {
    id: randomUUID(),
    version: 1,
    reason: 'clinical',
    state: 'open',
    rank: null,
    rank_total: 0,
    band,
    band_source: override.band_source ?? (p >= 0.4 ? 'ai' : 'site_rule'),
    band_reason: '',
    arrived_at: iso(arrived),
    due_at: iso(arrived + allowance * MIN),
    deadline_at: iso(arrived + ALLOWED[band] * MIN),
    site,
    protocol: {
      id: randomUUID(),
      name: 'Clinical',
      display_mode: state === 'blinded' ? 'after_commit' : 'concurrent',
    },
    patient: {
      name: `PHANTOM^${String(100 + n * 37).padStart(4, '0')}`,
      id: `SYN-${11000 + n * 371}`,
      sex: n % 3 ? 'M' : 'F',
      age_text: `${20 + ((n * 17) % 60)}`,
      birth_date: null,
    },
    study: {
      id: randomUUID(),
      uid: `2.25.${1000 + n}`,
      revision_id: randomUUID(),
      revision: 1,
      modality,
      description,
      body_part: part,
      n_images: images,
      n_series: modality === 'CT' ? 2 : 1,
      station: `${site.name.split(' ')[0]}, ${station}`,
      study_date: '2026-11-21',
      accession_number: `SYN-A-${20000 + n}`,
    },
    ai: {
      state,
      reason,
      label: found?.[0] ?? '',
      probability: p,
      threshold: found ? 0.4 : null,
      acuity: found?.[2] ?? '',
      positive: (p ?? 0) >= 0.4,
      n_more: found?.[3] ?? 0,
      model: found ? { name: 'cxr-panel', version: '5.0.2' } : null,
    },
    lease: null,
  };
  deriveKey(row);
  return row;
}

export const rows = new Map();
export const readings = new Map();
export const log = [];
for (let n = 0; n < 62; n += 1) {
  const row = makeRow(n);
  rows.set(row.id, row);
}
export const all = [...rows.values()];
all[1].lease = {
  holder: OTHER,
  mine: false,
  since: ago(4),
  expires_at: ago(-10),
  draft_saved_at: null,
};
all[1].state = 'leased';
all[0].deadline_at = ago(4);
all[0].band = 'PRIORITY';

export const compare = (a, b) => {
  for (let i = 0; i < 4; i += 1)
    if (a.sort_key[i] !== b.sort_key[i]) return a.sort_key[i] < b.sort_key[i] ? -1 : 1;
  return 0;
};
export const sorted = () =>
  [...rows.values()]
    .filter((row) => row.state === 'open' || row.state === 'leased')
    .sort(compare);
export const sockets = new Set();

export function change(row) {
  row.version += 1;
  deriveKey(row);
  seq[row.site.id] += 1;
  const listed = row.state === 'open' || row.state === 'leased';
  const event = {
    site: row.site.id,
    seq: seq[row.site.id],
    kind: 'item',
    id: row.id,
    item: listed ? row : null,
  };
  log.push(event);
  for (const socket of sockets)
    socket.send(
      JSON.stringify({ type: 'events', events: [event], now: iso(Date.now()) }),
    );
}

export function leaseFor(row) {
  row.lease = {
    holder: ME,
    mine: true,
    since: row.lease?.mine ? row.lease.since : iso(Date.now()),
    expires_at: iso(Date.now() + 15 * MIN),
    draft_saved_at: row.lease?.draft_saved_at ?? null,
  };
  row.state = 'leased';
  change(row);
  return { lease: row.lease, item: row, reading: readingOf(row) };
}

export function readingOf(row) {
  if (!readings.has(row.id)) {
    readings.set(row.id, {
      id: randomUUID(),
      item_id: row.id,
      stages: [
        { state: row.ai.state === 'blinded' ? 'unaided' : 'draft', at: iso(Date.now()) },
      ],
      edition: 1,
      amends: null,
      unaided: null,
      state: row.ai.state === 'blinded' ? 'unaided' : 'draft',
      version: 1,
      saved_at: null,
      signed_at: null,
      signed_by: null,
      content: { verdicts: {}, annotations: [], impression: '' },
    });
  }
  return readings.get(row.id);
}
