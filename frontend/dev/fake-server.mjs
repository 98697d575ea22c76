// A fake of the portal's border for development: the contract of docs/architecture.md
// with synthetic phantoms. Never part of the product.
//   node dev/fake-server.mjs [port]
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { ctSlice, ctThumb, filmImage, filmThumb, saliency } from './phantoms.mjs';

const port = Number(process.argv[2] ?? 18301);
const MIN = 60_000;
const iso = (ms) => new Date(ms).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
const ago = (minutes) => iso(Date.now() - minutes * MIN);

const SITES = [
  { id: '11111111-1111-4111-8111-111111111111', name: 'Northfield General' },
  { id: '22222222-2222-4222-8222-222222222222', name: 'Southgate Clinic' },
];
const ME = {
  id: 'aaaaaaaa-0000-4000-8000-000000000005',
  display_name: 'Reader 05',
  initials: 'R5',
};
const OTHER = {
  id: 'aaaaaaaa-0000-4000-8000-000000000003',
  display_name: 'Reader 03',
  initials: 'R3',
};
const ALLOWED = { STAT: 30, PRIORITY: 120, ROUTINE: 480 };
const seq = Object.fromEntries(SITES.map(({ id }) => [id, 100]));
const aiOrdering = Object.fromEntries(SITES.map(({ id }) => [id, true]));
let session = null;

const CASES = [
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

function deriveKey(row) {
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

function makeRow(n, override = {}) {
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

const rows = new Map();
const readings = new Map();
const log = [];
for (let n = 0; n < 62; n += 1) {
  const row = makeRow(n);
  rows.set(row.id, row);
}
const all = [...rows.values()];
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

const compare = (a, b) => {
  for (let i = 0; i < 4; i += 1)
    if (a.sort_key[i] !== b.sort_key[i]) return a.sort_key[i] < b.sort_key[i] ? -1 : 1;
  return 0;
};
const sorted = () =>
  [...rows.values()]
    .filter((row) => row.state === 'open' || row.state === 'leased')
    .sort(compare);
const sockets = new Set();

function change(row) {
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

function leaseFor(row) {
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

function readingOf(row) {
  if (!readings.has(row.id)) {
    readings.set(row.id, {
      id: randomUUID(),
      item_id: row.id,
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

const CT_SIZE = 256;
const SLICES = 40;
const sopOf = (revision, series, index) =>
  `2.25.${BigInt(`0x${revision.replaceAll('-', '').slice(0, 12)}`)}${series}${1000 + index}`;

function packOf(row) {
  const { revision_id: revision, modality } = row.study;
  const instance = (series, index, r, c) => ({
    index,
    sop_uid: sopOf(revision, series, index),
    n_frames: 1,
    rows: r,
    columns: c,
    transfer_syntax: '1.2.840.10008.1.2.1',
    ext: 'raw',
    bytes: r * c * 2,
  });
  const ct = (series, number, description) => ({
    index: series,
    uid: `2.25.9${series}`,
    modality: 'CT',
    number,
    description,
    displayable: true,
    why_not: null,
    instances: Array.from({ length: SLICES }, (_, i) =>
      instance(series, i, CT_SIZE, CT_SIZE),
    ),
  });
  if (modality === 'CT') return [ct(0, 3, 'PE angiogram'), ct(1, 4, 'Lung')];
  const count = Math.min(row.study.n_images, 2);
  return [
    {
      index: 0,
      uid: '2.25.90',
      modality,
      number: 1,
      description: 'AP',
      displayable: true,
      why_not: null,
      instances: Array.from({ length: count }, (_, i) => instance(0, i, 1000, 840)),
    },
  ];
}

function metadataOf(row, series) {
  const value = (vr, ...Value) => ({ vr, Value });
  return series.instances.map((instance, index) => ({
    '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.2'),
    '00080018': value('UI', instance.sop_uid),
    '00080060': value('CS', series.modality),
    '00080022': value('DA', '20261121'),
    '00080032': value('TM', '135412'),
    '0020000D': value('UI', row.study.uid),
    '0020000E': value('UI', series.uid),
    '00200011': value('IS', series.number),
    '00200013': value('IS', index + 1),
    '00280002': value('US', 1),
    '00280004': value('CS', series.modality === 'CT' ? 'MONOCHROME2' : 'MONOCHROME1'),
    '00280010': value('US', instance.rows),
    '00280011': value('US', instance.columns),
    '00280100': value('US', 16),
    '00280101': value('US', series.modality === 'CT' ? 16 : 12),
    '00280102': value('US', series.modality === 'CT' ? 15 : 11),
    '00280103': value('US', 0),
    ...(series.modality === 'CT'
      ? {
          '00180050': value('DS', 2),
          '00200032': value('DS', -180, -180, -40 + index * 2),
          '00200037': value('DS', 1, 0, 0, 0, 1, 0),
          '00200052': value('UI', '2.25.77'),
          '00280030': value('DS', 1.4, 1.4),
          '00281050': value('DS', series.index === 0 ? 100 : -600),
          '00281051': value('DS', series.index === 0 ? 700 : 1500),
          '00281052': value('DS', -1024),
          '00281053': value('DS', 1),
        }
      : {
          '00181164': value('DS', 0.42, 0.42),
          '00200020': value('CS', 'L', 'F'),
          '00281050': value('DS', 2048),
          '00281051': value('DS', 3600),
        }),
  }));
}

function findingsOf(row) {
  const series = packOf(row)[0];
  const ct = row.study.modality === 'CT';
  const sop = series.instances[ct ? 20 : 0].sop_uid;
  const box = (points) => ({
    kind: 'box',
    space: 'image',
    sop_uid: sop,
    frame: 1,
    frame_of_reference_uid: null,
    points,
  });
  const one = (n, display, p, points, withMap) => ({
    id: `${row.id.slice(0, -2)}${10 + n}`,
    label: { scheme: 'SCT', code: `23360400${n}`, display },
    probability: p,
    raw_score: p,
    uncertainty: 0.08,
    threshold: 0.4,
    positive: p >= 0.4,
    acuity: p > 0.8 ? 'critical' : 'urgent',
    tracking_uid: '2.25.5',
    location: points ? box(points) : null,
    saliency: withMap
      ? { artefact_id: randomUUID(), cut_off: 0.3, sop_uid: sop, frame: 1 }
      : null,
  });
  const first = one(
    1,
    row.ai.label,
    row.ai.probability,
    ct
      ? [
          [80, 98],
          [102, 118],
        ]
      : [
          [505, 540],
          [640, 700],
        ],
    true,
  );
  const rest = [
    one(
      2,
      'Lung nodule',
      0.72,
      ct
        ? [
            [150, 90],
            [176, 120],
          ]
        : null,
      false,
    ),
    one(3, 'Pleural effusion', 0.18, null, false),
  ];
  return row.ai.n_more > 0 ? [first, ...rest] : [first];
}

function aiOf(row) {
  const base = {
    display_mode: row.protocol.display_mode,
    visible: true,
    hidden_reason: '',
    requires_review: true,
    state: row.ai.state,
    reason: row.ai.reason,
    runs: [],
  };
  if (row.ai.state === 'blinded')
    return {
      ...base,
      visible: false,
      hidden_reason:
        'AI is hidden until you commit your own read. Protocol FX-2R asks for this.',
    };
  if (row.ai.state === 'none') return base;
  const model = {
    name: 'cxr-panel',
    version: '5.0.2',
    intended_use: 'detection',
    card: { data: 'Synthetic', population: 'Phantoms', auroc: '0.95 [0.93–0.97]' },
  };
  return {
    ...base,
    runs: [
      {
        id: randomUUID(),
        state: row.ai.state,
        reason: row.ai.reason,
        finished_at: null,
        model,
        findings: row.ai.state === 'done' ? findingsOf(row) : [],
      },
    ],
  };
}

const preparing = new Map();

function manifestOf(row) {
  const series = packOf(row);
  return {
    study: row.study,
    patient: row.patient,
    revision: { id: row.study.revision_id, number: row.study.revision },
    pack: { state: 'ready', reason: '', base: `/pixels/${row.study.revision_id}/` },
    series: [
      ...series.map(({ instances, ...rest }) => ({
        ...rest,
        body_part: row.study.body_part,
        n_instances: instances.length,
        n_frames: instances.length,
      })),
      ...(row.study.modality === 'CT'
        ? [
            {
              index: 9,
              uid: '2.25.99',
              number: 99,
              modality: 'CT',
              description: 'Dose report',
              body_part: '',
              n_instances: 1,
              n_frames: 1,
              displayable: false,
              why_not: 'encapsulated PDF',
            },
          ]
        : []),
    ],
    attachments: [
      {
        uid: '2.25.98',
        modality: 'SR',
        description: 'Dose structured report',
        n_instances: 1,
      },
    ],
  };
}

class Refusal extends Error {
  constructor(status, code, detail, extra = {}) {
    super(detail);
    Object.assign(this, { status, body: { code, detail, ...extra } });
  }
}

function byId(id) {
  const row = rows.get(id);
  if (!row)
    throw new Refusal(404, 'not_found', 'There is nothing here, or it is not yours.');
  return row;
}

function listPage(search) {
  const wanted = (name) => search.getAll(name);
  const fits = (values, value) => values.length === 0 || values.includes(value);
  const everything = sorted();
  everything.forEach((row, i) =>
    Object.assign(row, { rank: i + 1, rank_total: everything.length }),
  );
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

function whyOf(row) {
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

function sessionBody() {
  return {
    csrf_token: 'fake',
    user: session && {
      ...ME,
      username: session,
      sites: SITES.map((site) => ({ ...site, roles: ['radiologist', 'admin'] })),
      permissions: [
        'worklist:read',
        'item:lease',
        'item:band',
        'reading:sign',
        'reading:write',
        'ai:switch',
        'ai:read',
        'health:read',
        'quarantine:manage',
        'ae_title:manage',
        'user:manage',
        'audit:read',
        'export:read',
      ],
    },
  };
}

function save(row, request, body, sign) {
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
  Object.assign(row, { state: 'done', lease: null });
  change(row);
  return { reading, next: sorted().find((one) => !one.lease) ?? null };
}

const VOCABULARY = {
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
const aeTitles = [
  { id: randomUUID(), called_aet: 'OVERREAD', calling_aet: 'CT1', site: SITES[0] },
  { id: randomUUID(), called_aet: 'OVERREAD_S', calling_aet: '', site: SITES[1] },
];
const users = [
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
const ROUTES = [
  ['GET', /^session$/, () => sessionBody()],
  [
    'POST',
    /^session$/,
    (_, { body }) => {
      if (body.username === 'locked')
        throw new Refusal(429, 'locked_out', 'Locked.', { retry_after_s: 540 });
      if (body.password !== 'demo')
        throw new Refusal(401, 'bad_credentials', 'The name or the password is wrong.');
      session = body.username;
      return sessionBody();
    },
  ],
  [
    'DELETE',
    /^session$/,
    () => {
      session = null;
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
  [
    'GET',
    /^quarantine$/,
    () => ({
      items: [
        {
          id: randomUUID(),
          arrived_at: ago(30),
          called_aet: 'OVERREAD',
          calling_aet: 'NEWCT',
          study_uid: '2.25.4711',
          modality: 'CT',
          n_images: 143,
          reason: 'No site is known for OVERREAD / NEWCT',
          state: 'held',
        },
      ],
    }),
  ],
  ['POST', /^quarantine\/([^/]+)\/release$/, () => ({})],
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

function pixels(path, answer) {
  const [, revision, rest] = /^\/pixels\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const row = [...rows.values()].find((one) => one.study.revision_id === revision);
  const since = preparing.get(revision) ?? Date.now();
  preparing.set(revision, since);
  const slow = row?.study.station.includes('CT-4') && Date.now() - since < 6000;
  if (!row || slow)
    return answer(slow ? 503 : 404, { code: 'preparing', detail: 'being prepared' });
  const series = packOf(row);
  if (rest === 'index.json')
    return answer(200, { version: 1, revision_id: revision, series });
  const meta = /^metadata\/(\d+)\.json$/.exec(rest);
  if (meta)
    return answer(200, gzipSync(JSON.stringify(metadataOf(row, series[meta[1]]))), {
      'Content-Type': 'application/dicom+json',
      'Content-Encoding': 'gzip',
    });
  if (rest.startsWith('thumbs/'))
    return answer(200, row.study.modality === 'CT' ? ctThumb() : filmThumb(), {
      'Content-Type': 'image/png',
    });
  const frame = /^frames\/([\d.]+)\/(\d+)\.raw$/.exec(rest);
  const index = Number(frame?.[1].slice(-4)) - 1000;
  const data =
    row.study.modality === 'CT'
      ? ctSlice(CT_SIZE, index / SLICES)
      : filmImage(840, 1000, true);
  return answer(200, Buffer.from(data.buffer), {
    'Content-Type': 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1',
  });
}

async function bodyOf(request) {
  const chunks = [];
  for await (const one of request) chunks.push(one);
  const text = Buffer.concat(chunks).toString();
  return text ? JSON.parse(text) : {};
}

const server = createServer(async (request, response) => {
  const answer = (status, body, headers = {}) => {
    const raw = Buffer.isBuffer(body);
    response.writeHead(
      status,
      raw ? headers : { 'Content-Type': 'application/json', ...headers },
    );
    response.end(raw ? body : body === undefined ? '' : JSON.stringify(body));
  };
  const url = new URL(request.url, 'http://fake');
  if (url.pathname.startsWith('/pixels/')) return pixels(url.pathname, answer);
  const path = url.pathname.replace(/^\/api\//, '');
  if (/artefacts/.test(path))
    return answer(200, saliency(), { 'Content-Type': 'image/png' });
  // For walk-throughs: let things happen on demand.
  if (path === 'fake/late') {
    const row = byId(url.searchParams.get('id'));
    row.study = { ...row.study, revision_id: randomUUID(), revision: 2 };
    change(row);
    return answer(204);
  }
  if (path === 'fake/steal') {
    const row = byId(url.searchParams.get('id'));
    row.lease = {
      holder: OTHER,
      mine: false,
      since: ago(0),
      expires_at: ago(-10),
      draft_saved_at: null,
    };
    change(row);
    return answer(204);
  }
  if (path === 'fake/bump') {
    readingOf(byId(url.searchParams.get('id'))).version += 5;
    return answer(204);
  }
  if (path === 'fake/stat') {
    const row = makeRow(200 + log.length, {
      band: 'STAT',
      band_source: 'clinician',
      waited: 0,
    });
    rows.set(row.id, row);
    change(row);
    return answer(204);
  }
  const body = ['POST', 'PUT'].includes(request.method) ? await bodyOf(request) : {};
  if (!session && path !== 'session')
    return answer(401, { code: 'not_logged_in', detail: 'Please log in.' });
  for (const [method, pattern, handle] of ROUTES) {
    const match = method === request.method && pattern.exec(path);
    if (!match) continue;
    try {
      const data = handle(match, { search: url.searchParams, body, request });
      return answer(data === undefined ? 204 : 200, data);
    } catch (error) {
      if (error instanceof Refusal) return answer(error.status, error.body);
      throw error;
    }
  }
  return answer(404, { code: 'not_found', detail: 'There is nothing at this address.' });
});

new WebSocketServer({ server, path: '/ws/worklist' }).on('connection', (socket) => {
  socket.on('message', (text) => {
    const { since } = JSON.parse(text);
    const missed = log.filter((event) => event.seq > (since[event.site] ?? 0));
    socket.send(JSON.stringify({ type: 'events', events: missed, now: iso(Date.now()) }));
    sockets.add(socket);
  });
  socket.on('close', () => sockets.delete(socket));
});
setInterval(() => {
  for (const socket of sockets)
    socket.send(JSON.stringify({ type: 'tick', seq, now: iso(Date.now()) }));
}, 5000).unref();
if (process.env.FAKE_EVENTS !== '0') {
  let n = 300;
  setInterval(() => {
    n += 1;
    const pending = sorted().find(
      (row) => row.ai.state === 'pending' || row.ai.state === 'running',
    );
    if (n % 2 && pending) {
      Object.assign(pending.ai, {
        state: 'done',
        reason: '',
        label: 'Pneumonia',
        probability: 0.83,
        threshold: 0.4,
        acuity: 'urgent',
        model: { name: 'cxr-panel', version: '5.0.2' },
      });
      pending.due_at = iso(Date.parse(pending.arrived_at) + 100 * MIN);
      change(pending);
    } else {
      const row = makeRow(n, { waited: 0 });
      rows.set(row.id, row);
      change(row);
    }
  }, 7000).unref();
}
server.listen(port, '127.0.0.1', () => console.log(`fake portal on ${port}`));
