import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const ITEM = '0b8c5bb0-0000-4000-8000-000000000001';
const STUDY = '0b8c5bb0-0000-4000-8000-000000000002';
const BASE = '/pixels/0b8c5bb0-0000-4000-8000-000000000003/';

const instance = (sop_uid: string, ext: string) => ({
  index: 0,
  sop_uid,
  n_frames: 1,
  rows: 2,
  columns: 2,
  transfer_syntax: ext === 'raw' ? '1.2.840.10008.1.2.1' : '1.2.840.10008.1.2.4.80',
  ext,
  bytes: 8,
});
const series = (index: number, ...sops: string[]) => ({
  index,
  uid: `1.${index}`,
  modality: 'CT',
  number: index,
  description: '',
  displayable: true,
  why_not: null,
  instances: sops.map((sop) => instance(sop, 'raw')),
});
const marked = { positive: true, location: { sop_uid: '2.2' } };

let asked: string[];
let answers: Record<string, unknown>;
let cookie: string;

const answerTo = (name: string) => {
  const body = answers[name];
  if (body === undefined) return new Response('{}', { status: 404 });
  return new Response(JSON.stringify(body));
};

beforeEach(() => {
  asked = [];
  cookie = '';
  answers = {
    'GET /api/session': {
      user: { id: 'u', must_change_password: false },
      csrf_token: 'token',
    },
    [`POST /api/worklist/items/${ITEM}/lease`]: {
      item: { study: { id: STUDY, revision_id: BASE.slice(8, -1) } },
    },
    [`GET /api/worklist/items/${ITEM}/ai`]: {
      visible: true,
      runs: [{ findings: [marked] }],
    },
    [`GET /api/studies/${STUDY}/manifest`]: {},
    [`GET ${BASE}index.json`]: { series: [series(0, '1.1'), series(1, '2.1', '2.2')] },
  };
  vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
  vi.stubGlobal('document', {
    get cookie() {
      return cookie;
    },
  });
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const name = `${init.method ?? 'GET'} ${url}`;
    asked.push(name);
    return answerTo(name);
  });
  vi.resetModules();
});
afterEach(() => vi.unstubAllGlobals());

async function start(path: string) {
  const { headStart } = await import('./head-start');
  headStart(path);
  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(0));
  for (let turn = 0; turn < 30; turn += 1) await new Promise((done) => setTimeout(done));
}

it('asks for no lease of a study that is opened to look at', async () => {
  vi.stubGlobal('history', { state: { looking: true } });
  cookie = 'csrftoken=token';
  await start(`/read/${ITEM}`);
  expect(asked).toEqual(['GET /api/session']);
});

it('asks for the image that the room begins with, and for nothing twice', async () => {
  await start(`/read/${ITEM}`);
  expect(new Set(asked)).toEqual(
    new Set([
      'GET /api/session',
      `POST /api/worklist/items/${ITEM}/lease`,
      `GET /api/worklist/items/${ITEM}/ai`,
      `GET /api/studies/${STUDY}/manifest`,
      `GET ${BASE}index.json`,
      `GET ${BASE}metadata/1.json`,
      `GET ${BASE}frames/2.2/1.raw`,
      `GET /api/studies/${STUDY}/hanging`,
    ]),
  );
  const before = asked.length;
  const { takeEarly } = await import('@/api/early');
  const { leaseItem } = await import('@/api/endpoints');
  const lease = await takeEarly(`lease ${ITEM}`, () => leaseItem(ITEM));
  expect(lease.item.study.id).toBe(STUDY);
  expect(asked.length).toBe(before);
});

it('begins with the first image where AI is hidden or says nothing', async () => {
  answers[`GET /api/worklist/items/${ITEM}/ai`] = { visible: false, runs: [] };
  await start(`/read/${ITEM}`);
  expect(asked).toContain(`GET ${BASE}frames/1.1/1.raw`);
  expect(asked).not.toContain(`GET ${BASE}frames/2.2/1.raw`);
});

it('leases nothing for nobody, nor before a new password', async () => {
  for (const user of [null, { id: 'u', must_change_password: true }]) {
    asked = [];
    vi.resetModules();
    answers['GET /api/session'] = { user, csrf_token: 'token' };
    await start(`/read/${ITEM}`);
    expect(asked).toEqual(['GET /api/session']);
  }
});

it('asks only for the session elsewhere', async () => {
  for (const path of ['/', '/signed', '/read/', '/read/../api/session']) {
    asked = [];
    vi.resetModules();
    await start(path);
    expect(asked).toEqual(['GET /api/session']);
  }
});

it('does not wait for the session where the browser has a token', async () => {
  cookie = 'a=b; overread_csrf=kept';
  await start(`/read/${ITEM}`);
  expect(asked.slice(0, 2)).toEqual([
    'GET /api/session',
    `POST /api/worklist/items/${ITEM}/lease`,
  ]);
});
