// The REST answers of the development fake.
import { randomUUID } from 'node:crypto';
import { CRITICAL_ROUTES, raiseCritical } from './critical.mjs';
import { HELD_ROUTES } from './held.mjs';
import { INTAKE_ROUTES } from './intakes.mjs';
import { aiOf, manifestOf } from './packs.mjs';
import { draftOf, EARLIER } from './reports.mjs';
import { SEGMENT_ROUTES } from './segments.mjs';
import {
  ALLOWED,
  ago,
  aiOrdering,
  change,
  deriveKey,
  iso,
  leaseFor,
  login,
  ME,
  MIN,
  OTHER,
  readingOf,
  rows,
  SITES,
  seq,
  sorted,
} from './world.mjs';

export class Refusal extends Error {
  constructor(status, code, detail, extra = {}) {
    super(detail);
    Object.assign(this, { status, body: { code, detail, ...extra } });
  }
}

export function byId(id) {
  const row = rows.get(id);
  if (!row)
    throw new Refusal(404, 'not_found', 'There is nothing here, or it is not yours.');
  return row;
}

export function listPage(search) {
  const wanted = (name) => search.getAll(name);
  const fits = (values, value) => values.length === 0 || values.includes(value);
  const everything = sorted();
  everything.forEach((row, i) => {
    Object.assign(row, { rank: i + 1, rank_total: everything.length });
  });
  const q = (search.get('q') ?? '').toLowerCase();
  const found = everything.filter(
    (row) =>
      fits(wanted('site'), row.site.id) &&
      fits(wanted('band'), row.band) &&
      fits(wanted('modality'), row.study.modality) &&
      fits(wanted('body_part'), row.study.body_part) &&
      fits(wanted('ai'), row.ai.state) &&
      fits(wanted('state'), row.state) &&
      `${row.patient.name} ${row.patient.id} ${row.study.accession_number} ${row.study.description} ${row.ai.label}`
        .toLowerCase()
        .includes(q),
  );
  const limit = Number(search.get('limit') ?? 50);
  const start = Number(search.get('cursor') ?? 0);
  const items = found.slice(start, start + limit);
  const bands = Object.fromEntries(
    ['STAT', 'PRIORITY', 'ROUTINE'].map((band) => {
      const mine = everything.filter((row) => row.band === band);
      return [
        band,
        {
          n: mine.length,
          oldest_arrived_at: mine.map((row) => row.arrived_at).sort()[0] ?? null,
          past_deadline: mine.filter((row) => Date.parse(row.deadline_at) <= Date.now())
            .length,
        },
      ];
    }),
  );
  return {
    seq,
    now: iso(Date.now()),
    ai_ordering: aiOrdering,
    items,
    total: found.length,
    bands,
    next_cursor: start + limit < found.length ? String(start + limit) : null,
    facets: {
      modality: [...new Set(everything.map((row) => row.study.modality))].sort(),
      body_part: [...new Set(everything.map((row) => row.study.body_part))].sort(),
    },
  };
}

export function whyOf(row) {
  const list = sorted();
  const place = list.indexOf(row);
  const near = (other) => (other ? { id: other.id, due_at: other.due_at } : null);
  const p = row.ai.probability;
  return {
    rank: place + 1,
    band: row.band,
    band_source: row.band_source,
    band_reason: row.band_reason,
    arrived_at: row.arrived_at,
    allowance_s: (Date.parse(row.due_at) - Date.parse(row.arrived_at)) / 1000,
    due_at: row.due_at,
    deadline_at: row.deadline_at,
    acuity: row.ai.acuity,
    acuity_weight: 0.8,
    probability: p ?? 0.2,
    probability_source: p === null ? 'base_rate' : 'finding',
    neighbours: { above: near(list[place - 1]), below: near(list[place + 1]) },
    without_ai: { rank: place + 7, due_at: iso(Date.parse(row.arrived_at) + 423 * MIN) },
    model: row.ai.model,
    rule: [
      `Band ${row.band} (${row.band_source}).`,
      'STAT first; all else by due time = arrival + allowance.',
    ],
  };
}

export function sessionBody() {
  return {
    csrf_token: 'fake',
    user: login.name && {
      ...ME,
      username: login.name,
      sites: SITES.map((site) => ({ ...site, roles: ['radiologist', 'admin'] })),
      permissions: [
        'worklist:read',
        'item:lease',
        'item:band',
        'critical:read',
        'critical:close',
        'reading:sign',
        'reading:write',
        'ai:switch',
        'ai:read',
        'health:read',
        'quarantine:manage',
        'dead_letter:retry',
        'ae_title:manage',
        'user:manage',
        'audit:read',
        'export:read',
        'study:import',
      ],
    },
  };
}

export function save(row, request, body, sign) {
  const reading = readingOf(row);
  if (!row.lease?.mine)
    throw new Refusal(409, 'lease_lost', 'Reader 03 holds this study now.', {
      holder: OTHER,
      since: ago(1),
    });
  const match = request.headers['if-match'];
  if (!match) throw new Refusal(428, 'if_match_missing', 'Send If-Match.');
  if (match !== `"${reading.version}"`)
    throw new Refusal(412, 'conflict', 'It was changed elsewhere.', { current: reading });
  Object.assign(reading, {
    content: body.content,
    version: reading.version + 1,
    saved_at: iso(Date.now()),
  });
  row.lease.draft_saved_at = reading.saved_at;
  if (!sign) return reading;
  const open = aiOf(row).visible
    ? aiOf(row)
        .runs.flatMap((run) => run.findings)
        .filter((f) => f.positive && !body.content.verdicts[f.id])
    : [];
  if (open.length > 0)
    throw new Refusal(422, 'incomplete', 'incomplete', {
      missing: open.map((f) => ({
        field: f.id,
        detail: `Answer “${f.label.display}” first.`,
      })),
    });
  Object.assign(reading, {
    state: 'signed',
    signed_at: iso(Date.now()),
    signed_by: ME.display_name,
  });
  raiseCritical(row, body, aiOf(row));
  Object.assign(row, { state: 'done', lease: null });
  change(row);
  return { reading, next: sorted().find((one) => !one.lease) ?? null };
}

function commit(row, request, body) {
  const reading = save(row, request, body, false);
  const at = iso(Date.now());
  reading.state = 'revealed';
  reading.stages.push({ state: 'committed', at }, { state: 'revealed', at });
  reading.unaided = { committed_at: at, content: reading.content };
  Object.assign(row.ai, { state: 'none', reason: 'no model applies' });
  change(row);
  return { reading, item: row };
}

export const VOCABULARY = {
  reject_reasons: [
    ['artefact', 'Artefact or device'],
    ['normal_anatomy', 'Normal anatomy or variant'],
    ['other_pathology', 'Another pathology'],
    ['wrong_location', 'Wrong location'],
    ['known_chronic', 'Known, old, unchanged'],
    ['image_quality', 'Image quality insufficient'],
    ['not_present', 'Not present'],
    ['other', 'Other (say what)'],
  ].map(([code, display]) => ({ code, display })),
  band_reasons: [
    ['clinical_info', 'Clinical information'],
    ['referrer_request', 'Referrer asked'],
    ['ai_wrong', 'AI is wrong'],
    ['other', 'Other (say what)'],
  ].map(([code, display]) => ({ code, display })),
  labels: [
    ['233604007', 'Pneumonia'],
    ['36118008', 'Pneumothorax'],
    ['60046008', 'Pleural effusion'],
    ['427359005', 'Lung nodule'],
    ['59282003', 'Pulmonary embolism'],
  ].map(([code, display]) => ({ scheme: 'SCT', code, display })),
};
export const aeTitles = [
  { id: randomUUID(), called_aet: 'OVERREAD', calling_aet: 'CT1', site: SITES[0] },
  { id: randomUUID(), called_aet: 'OVERREAD_S', calling_aet: '', site: SITES[1] },
];
export const users = [
  {
    id: ME.id,
    username: 'reader05',
    display_name: 'Reader 05',
    email: '',
    is_active: true,
    last_login: null,
    memberships: [
      {
        id: randomUUID(),
        site: SITES[0].id,
        site_name: SITES[0].name,
        role: 'radiologist',
      },
    ],
  },
];

/** [method, pattern, handler(match, {search, body, request})] */
export const ROUTES = [
  ...INTAKE_ROUTES,
  ...HELD_ROUTES,
  ...CRITICAL_ROUTES,
  ...SEGMENT_ROUTES,
  [
    'POST',
    /^worklist\/items\/([^/]+)\/report-draft$/,
    ([, id], { body }) => draftOf(body.content, aiOf(byId(id))),
  ],
  ['GET', /^worklist\/items\/([^/]+)\/earlier-reports$/, () => EARLIER],
  ['GET', /^session$/, () => sessionBody()],
  [
    'POST',
    /^session$/,
    (_, { body }) => {
      if (body.username === 'locked')
        throw new Refusal(429, 'locked_out', 'Locked.', { retry_after_s: 540 });
      if (body.password !== 'demo')
        throw new Refusal(401, 'bad_credentials', 'The name or the password is wrong.');
      login.name = body.username;
      return sessionBody();
    },
  ],
  [
    'DELETE',
    /^session$/,
    () => {
      login.name = null;
    },
  ],
  ['GET', /^worklist$/, (_, { search }) => listPage(search)],
  [
    'POST',
    /^worklist\/take-next$/,
    () => {
      const row = sorted().find((one) => !one.lease);
      return row ? leaseFor(row) : undefined;
    },
  ],
  ['GET', /^worklist\/items\/([^/]+)$/, ([, id]) => byId(id)],
  ['GET', /^worklist\/items\/([^/]+)\/why$/, ([, id]) => whyOf(byId(id))],
  [
    'POST',
    /^worklist\/items\/([^/]+)\/lease$/,
    ([, id]) => {
      const row = byId(id);
      if (row.lease && !row.lease.mine)
        throw new Refusal(
          409,
          'leased',
          `${row.lease.holder.display_name} is reading it.`,
          row.lease,
        );
      return leaseFor(row);
    },
  ],
  [
    'PUT',
    /^worklist\/items\/([^/]+)\/lease$/,
    ([, id]) => ({ lease: leaseFor(byId(id)).lease }),
  ],
  [
    'DELETE',
    /^worklist\/items\/([^/]+)\/lease$/,
    ([, id]) => {
      const row = byId(id);
      if (row.state === 'leased') Object.assign(row, { lease: null, state: 'open' });
      change(row);
    },
  ],
  [
    'POST',
    /^worklist\/items\/([^/]+)\/band$/,
    ([, id], { body }) => {
      const row = byId(id);
      Object.assign(row, {
        band: body.band,
        band_source: 'clinician',
        band_reason: body.reason_code,
      });
      row.deadline_at = iso(Date.parse(row.arrived_at) + ALLOWED[row.band] * MIN);
      change(row);
      return row;
    },
  ],
  ['GET', /^worklist\/items\/([^/]+)\/ai$/, ([, id]) => aiOf(byId(id))],
  ['GET', /^worklist\/items\/([^/]+)\/reading$/, ([, id]) => readingOf(byId(id))],
  [
    'PUT',
    /^worklist\/items\/([^/]+)\/reading$/,
    ([, id], { request, body }) => save(byId(id), request, body, false),
  ],
  [
    'POST',
    /^worklist\/items\/([^/]+)\/commit$/,
    ([, id], { request, body }) => commit(byId(id), request, body),
  ],
  [
    'POST',
    /^worklist\/items\/([^/]+)\/sign$/,
    ([, id], { request, body }) => save(byId(id), request, body, true),
  ],
  [
    'POST',
    /^sites\/([^/]+)\/ai-ordering$/,
    ([, id], { body }) => {
      aiOrdering[id] = body.enabled;
      for (const row of rows.values()) deriveKey(row);
      return { enabled: body.enabled };
    },
  ],
  [
    'POST',
    /^studies\/([^/]+)\/open$/,
    ([, id]) => ({
      manifest: manifestOf([...rows.values()].find((row) => row.study.id === id)),
    }),
  ],
  [
    'GET',
    /^studies\/([^/]+)\/manifest$/,
    ([, id]) => manifestOf([...rows.values()].find((row) => row.study.id === id)),
  ],
  ['GET', /^vocabulary$/, () => VOCABULARY],
  [
    'GET',
    /^health$/,
    () => ({
      status: 'degraded',
      parts: [
        { name: 'database', state: 'ok', detail: '2 ms' },
        { name: 'orthanc', state: 'ok', detail: '62 studies' },
        { name: 'gpu worker', state: 'down', detail: 'no heartbeat for 40 s' },
      ],
    }),
  ],
  ['GET', /^ae-titles$/, () => ({ items: aeTitles })],
  [
    'POST',
    /^ae-titles$/,
    (_, { body }) => {
      aeTitles.push({
        id: randomUUID(),
        ...body,
        site: SITES.find((s) => s.id === body.site),
      });
      return {};
    },
  ],
  [
    'DELETE',
    /^ae-titles\/(.+)$/,
    ([, id]) => {
      aeTitles.splice(
        aeTitles.findIndex((one) => one.id === id),
        1,
      );
    },
  ],
  ['GET', /^users$/, () => ({ items: users })],
  [
    'POST',
    /^users\/([^/]+)\/memberships$/,
    (_, { body }) => {
      users[0].memberships.push({
        id: randomUUID(),
        site: body.site,
        site_name: SITES.find((s) => s.id === body.site).name,
        role: body.role,
      });
      return {};
    },
  ],
  [
    'DELETE',
    /^memberships\/(.+)$/,
    ([, id]) => {
      users[0].memberships = users[0].memberships.filter((one) => one.id !== id);
    },
  ],
  [
    'GET',
    /^audit$/,
    (_, { search }) => ({
      next_cursor: search.get('cursor') ? null : '1',
      items: Array.from({ length: 30 }, (_x, i) => ({
        id: i + (search.get('cursor') ? 100 : 0),
        at: ago(i),
        event: 'study:open',
        outcome: 'success',
        actor_kind: 'user',
        actor_name: 'Reader 05',
        actor_roles: [],
        as_superuser: false,
        source_ip: '127.0.0.1',
        site_id: SITES[0].id,
        patients: ['x'],
        studies: [],
        object_kind: 'study',
        object_id: randomUUID(),
        detail: {},
      })),
    }),
  ],
  [
    'GET',
    /^exports$/,
    () => ({
      items: [
        {
          id: randomUUID(),
          kind: 'ai_result',
          state: 'failed',
          attempts: 3,
          problems:
            'Error - Missing attribute Type 1 Required Element=<ContentSequence>\nError - bad UID',
          sop_uid: '2.25.1',
          study_uid: '2.25.2',
          site: SITES[0].name,
          created_at: ago(12),
          stored_at: null,
        },
      ],
    }),
  ],
];
