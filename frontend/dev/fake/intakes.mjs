// The uploads of the development fake: the contract, with troubles to be switched on.
import { randomUUID } from 'node:crypto';
import { ago, iso, ME, SITES } from './world.mjs';

/** Troubles for walk-throughs: POST /api/fake/trouble?kind=offset|archive|disk&n=3 */
export const troubles = { offset: 0, archive: 0, disk: 0, slow: 0 };

class Refusal extends Error {
  constructor(status, code, detail, extra = {}) {
    super(detail);
    Object.assign(this, { status, body: { code, detail, ...extra } });
  }
}

const intakes = new Map();

function countsOf({ files }) {
  const of = (status) => files.filter((file) => file.status === status).length;
  const counts = Object.fromEntries(
    ['stored', 'already', 'conflict', 'refused', 'skipped'].map((one) => [one, of(one)]),
  );
  const waiting = files.filter((file) => file.status === null).length;
  return {
    ...counts,
    waiting,
    files: Object.values(counts).reduce((sum, n) => sum + n, waiting),
    missing: of('missing'),
    zips: of('opened'),
    bytes: files.reduce((sum, file) => sum + file.received, 0),
  };
}

const shown = ({ files: _files, ...intake }, counts) => ({ ...intake, counts });
const view = (intake) => shown(intake, countsOf(intake));

function begin(site, change = {}) {
  const intake = {
    id: randomUUID(),
    site: SITES.find((one) => one.id === site),
    by: { id: ME.id, display_name: ME.display_name },
    mine: true,
    via: 'upload',
    state: 'open',
    started_at: iso(Date.now()),
    finished_at: null,
    files: [],
    ...change,
  };
  intakes.set(intake.id, intake);
  return intake;
}

const fileOf = ({ key, name, size }) => ({
  id: randomUUID(),
  key,
  name,
  size,
  received: 0,
  state: 'waiting',
  status: null,
  reason: '',
  study_uid: null,
  in_zip: null,
  members: null,
});

const OUTCOMES = [
  [
    /DICOMDIR$|DS_Store$/,
    'skipped',
    'The disc\u2019s table of contents; its files are taken one by one.',
  ],
  [
    /\.(jpg|txt|exe|pdf)$/i,
    'refused',
    'Not a DICOM file: it begins like a picture or a text.',
  ],
  [/7\.dcm$/, 'already', 'The same object was stored before.'],
  [
    /IM0013/,
    'conflict',
    'The archive holds another object with the same UIDs; both are shown in quarantine.',
  ],
];

function take(file, intake) {
  const [, status, reason] = OUTCOMES.find(([name]) => name.test(file.name)) ?? [];
  Object.assign(file, {
    state: 'taken',
    status: status ?? 'stored',
    reason: reason ?? '',
  });
  if (/\.zip$/i.test(file.name)) {
    const total = 40;
    Object.assign(file, { status: 'opened', members: { done: total, total } });
    for (let n = 0; n < total; n += 1) {
      const member = fileOf({ key: '', name: `${file.name}!IM${n}`, size: 1000 });
      Object.assign(member, {
        received: 1000,
        state: 'taken',
        status: 'stored',
        in_zip: file.id,
      });
      intake.files.push(member);
    }
  }
}

export function putChunk(path, offset, length) {
  const [, id, fileId] = /^intakes\/([^/]+)\/files\/([^/]+)$/.exec(path) ?? [];
  const intake = intakes.get(id);
  const file = intake?.files.find((one) => one.id === fileId);
  if (!file) throw new Refusal(404, 'not_found', 'No such file.');
  if (intake.state !== 'open') throw new Refusal(409, 'closed', 'The import is closed.');
  if (troubles.disk > 0) {
    troubles.disk -= 1;
    throw new Refusal(507, 'disk_full', 'The disk is full.');
  }
  if (troubles.archive > 0) {
    troubles.archive -= 1;
    throw new Refusal(503, 'archive_unavailable', 'The archive does not answer.');
  }
  if (troubles.offset > 0 || offset !== file.received) {
    troubles.offset = Math.max(0, troubles.offset - 1);
    throw new Refusal(409, 'offset_mismatch', 'Go on there.', {
      received: file.received,
    });
  }
  file.received += length;
  if (file.received === file.size) take(file, intake);
  return file;
}

function report(intake, search) {
  const wanted = search.getAll('status');
  const limit = Number(search.get('limit') ?? 100);
  const start = Number(search.get('cursor') ?? 0);
  const fitting = intake.files.filter(
    ({ status }) => wanted.length === 0 || wanted.includes(status),
  );
  const next = start + limit < fitting.length ? String(start + limit) : null;
  return {
    ...view(intake),
    files: { items: fitting.slice(start, start + limit), next_cursor: next },
  };
}

function finish(intake, giveUp) {
  const open = intake.files.filter((file) => file.state !== 'taken');
  if (open.length > 0 && !giveUp)
    throw new Refusal(409, 'unfinished', 'Files are missing.', {
      unfinished: open.length,
    });
  for (const file of open)
    Object.assign(file, {
      state: 'taken',
      status: 'refused',
      reason: 'Not received in full when the import was finished.',
    });
  Object.assign(intake, { state: 'done', finished_at: iso(Date.now()) });
  return view(intake);
}

const known = (id) => {
  const intake = intakes.get(id);
  if (!intake) throw new Refusal(404, 'not_found', 'There is nothing here.');
  return intake;
};

export const INTAKE_ROUTES = [
  ['POST', /^intakes$/, (_, { body }) => view(begin(body.site))],
  [
    'GET',
    /^intakes$/,
    () => ({ items: [...intakes.values()].reverse().map(view), next_cursor: null }),
  ],
  ['GET', /^intakes\/([^/]+)$/, ([, id], { search }) => report(known(id), search)],
  [
    'POST',
    /^intakes\/([^/]+)\/files$/,
    ([, id], { body }) => {
      const intake = known(id);
      const byKey = new Map(intake.files.map((file) => [file.key, file]));
      const items = body.files.map((file) => byKey.get(file.key) ?? fileOf(file));
      for (const file of items) if (!byKey.has(file.key)) intake.files.push(file);
      return { items };
    },
  ],
  [
    'POST',
    /^intakes\/([^/]+)\/finish$/,
    ([, id], { body }) => finish(known(id), body.give_up),
  ],
];

// One that a closed window broke off, and one of long ago.
const old = begin(SITES[0].id, { started_at: ago(1500), via: 'command', mine: false });
for (let n = 0; n < 3000; n += 1) {
  const file = fileOf({
    key: `k${n}`,
    name: `CD/DICOM/ST0/SE${n % 9}/IM${n}.dcm`,
    size: 526_000,
  });
  Object.assign(file, { received: file.size, study_uid: '2.25.1' });
  old.files.push(file);
  take(file, old);
}
finish(old, true);
