// Quarantine, arrivals that failed and given-up work, for the development fake.
import { randomUUID } from 'node:crypto';
import { ctThumb, filmThumb } from './phantoms.mjs';
import { ago, SITES } from './world.mjs';

const refuse = (status, code, detail) =>
  Object.assign(new Error(detail), { status, body: { code, detail } });

function heldRow(kind, fields) {
  return {
    id: randomUUID(),
    kind,
    site: SITES[0],
    study_id: randomUUID(),
    arrived_at: ago(30),
    called_aet: 'OVERREAD',
    calling_aet: 'NEWCT',
    study_uid: `2.25.4711${Math.floor(Math.random() * 1e9)}`,
    modality: 'DX',
    n_images: 2,
    reason: '',
    state: 'held',
    ...fields,
  };
}

let held = [
  heldRow('unknown_site', {
    site: null,
    study_id: null,
    modality: 'CT',
    n_images: 143,
    reason: 'No site is known for OVERREAD / NEWCT.',
  }),
  heldRow('other_patient', {
    reason: 'A study with the same UID is there already, of another patient.',
  }),
  heldRow('conflict', {
    n_images: 12,
    reason:
      'Other content arrived under UIDs that are in the archive already. Nothing was changed there. Compare both and decide which one counts.',
  }),
];
let failures = [
  {
    id: randomUUID(),
    reason: 'Its headers make no sense to the portal (ValueError).',
    attempts: 7,
    first_at: ago(190),
    retry_at: ago(-41),
  },
];

const study = (modality, revision) => ({
  id: randomUUID(),
  uid: '2.25.90125',
  modality,
  revision,
});
const work = (fields) => ({
  id: randomUUID(),
  state: 'failed',
  reason: 'The worker did not answer three times.',
  attempts: 3,
  requested_at: ago(50),
  changed_at: ago(20),
  study: study('CT', 1),
  site: SITES[0],
  ...fields,
});
const lists = {
  runs: [
    work({ model: { name: 'ct-panel', version: '2.1.0' }, slot: 'live' }),
    work({
      model: { name: 'cxr-panel', version: '5.1.0' },
      slot: 'shadow',
      study: study('DX', 2),
      reason: 'The weights do not fit the memory of the device.',
    }),
  ],
  packs: [work({ reason: 'Slice 12 of series 3 has another size than the rest.' })],
};

const summary = (fields) => ({
  patient_name: 'Phantom^Alpha',
  patient_id: 'PH-0007',
  birth_date: '1961-04-12',
  sex: 'F',
  study_date: '2026-11-20',
  study_description: 'Chest PA and lateral',
  series_description: 'PA',
  accession_number: 'ACC-00071',
  modality: 'DX',
  station: 'ROOM2',
  rows: 2500,
  columns: 2048,
  ...fields,
});
const side = (fields) => ({
  hidden_reason: '',
  site: SITES[0],
  summary: summary(),
  pictures: ['1.2.1', '1.2.2'],
  ...fields,
});

function sidesOf(row) {
  if (row.kind === 'unknown_site') {
    const why = 'It belongs to no site yet, so nobody may see whose it is.';
    const hidden = { hidden_reason: why, site: null, summary: null, pictures: [] };
    return { there: null, arrived: side(hidden) };
  }
  const other =
    row.kind === 'other_patient'
      ? { patient_name: 'Phantom^Beta', patient_id: 'PH-0812', birth_date: '1949-01-30' }
      : { study_description: 'Chest PA', accession_number: '' };
  return { there: side(), arrived: side({ summary: summary(other) }) };
}

function comparisonOf(row) {
  const open = row.state === 'held';
  const isPlaced = row.kind !== 'unknown_site';
  const file = (sop_uid, differs, same_pixels) => ({
    sop_uid,
    via: row.kind === 'conflict' ? 'dicom' : '',
    size: 10_240_512,
    differs,
    same_pixels,
  });
  const files = [
    file('1.2.1', ['StudyDescription', 'AccessionNumber', 'PixelData'], false),
    file('1.2.2', null, null),
  ];
  return {
    item: row,
    sides: sidesOf(row),
    files: isPlaced ? files : [],
    n_files: row.n_images,
    actions: open ? (isPlaced ? ['keep', 'accept'] : ['assign']) : [],
  };
}

function heldById(id) {
  const row = held.find((one) => one.id === id);
  if (!row) throw refuse(404, 'not_found', 'This is not in quarantine.');
  return row;
}

function decide([, id, decision], { body }) {
  const row = heldById(id);
  if (row.state !== 'held') throw refuse(409, 'decided', 'This was decided before.');
  if (!body.reason?.trim()) throw refuse(400, 'invalid', 'reason: say why.');
  if (decision !== 'release' && !body.confirm)
    throw refuse(400, 'unconfirmed', 'confirm: say that you compared both.');
  if (decision === 'accept') row.state = 'accepting';
  else held = held.filter((one) => one !== row);
  return row;
}

function retryWork([, name, id]) {
  const row = lists[name].find((one) => one.id === id);
  if (!row) throw refuse(409, 'not_failed', 'This is queued: nothing to try again.');
  lists[name] = lists[name].filter((one) => one !== row);
  return { ...row, state: 'queued' };
}

/** A picture of one side; the second image of what arrived has none. */
export function heldPicture(path) {
  if (path.endsWith('arrived/1.2.2')) return null;
  return path.includes('/there/') ? filmThumb() : ctThumb();
}

export const HELD_ROUTES = [
  ['GET', /^quarantine$/, () => ({ items: held })],
  ['GET', /^quarantine\/([^/]+)$/, ([, id]) => comparisonOf(heldById(id))],
  ['POST', /^quarantine\/([^/]+)\/(release|keep|accept)$/, decide],
  ['GET', /^arrival-failures$/, () => ({ items: failures })],
  [
    'POST',
    /^arrival-failures\/([^/]+)\/retry$/,
    ([, id]) => {
      const row = failures.find((one) => one.id === id);
      if (!row)
        throw refuse(404, 'not_found', 'This study is not waiting: it was taken.');
      if (row.retry_at < ago(0)) failures = [];
      row.retry_at = ago(0);
      return row;
    },
  ],
  ['GET', /^(runs|packs)$/, ([name]) => ({ items: lists[name], next_cursor: null })],
  ['POST', /^(runs|packs)\/([^/]+)\/retry$/, retryWork],
];
