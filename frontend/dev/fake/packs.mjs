// Pixel packs of the development fake, made on the fly.
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { ctSlice, ctThumb, filmImage, filmThumb } from './phantoms.mjs';
import { rows } from './world.mjs';

export const CT_SIZE = 256;
export const SLICES = 40;
export const sopOf = (revision, series, index) =>
  `2.25.${BigInt(`0x${revision.replaceAll('-', '').slice(0, 12)}`)}${series}${1000 + index}`;

export function packOf(row) {
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

export function metadataOf(row, series) {
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

const MASK_ID = 'cccccccc-0000-4000-8000-00000000000a';
const inMask = (i, j, k) =>
  Math.hypot(i / CT_SIZE - 0.35, j / CT_SIZE - 0.42) < 0.034 && k > 16 && k < 23;

/** The phantom's nodule, voxel by voxel. */
export function maskBytes() {
  const bytes = Buffer.alloc(CT_SIZE * CT_SIZE * SLICES);
  for (let k = 0; k < SLICES; k += 1)
    for (let j = 0; j < CT_SIZE; j += 1)
      for (let i = 0; i < CT_SIZE; i += 1)
        if (inMask(i, j, k)) bytes[(k * CT_SIZE + j) * CT_SIZE + i] = 1;
  return gzipSync(bytes);
}

const maskOf = ({ uid, instances }) => ({
  artefact_id: MASK_ID,
  series_uid: uid,
  sop_uids: instances.map((one) => one.sop_uid),
  rows: CT_SIZE,
  columns: CT_SIZE,
  volume_ml: 5.32,
});

export function findingsOf(row) {
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
    mask: ct && n === 2 ? maskOf(series) : null,
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

export function aiOf(row) {
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

export const preparing = new Map();

export function manifestOf(row) {
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

export function pixels(path, answer) {
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
