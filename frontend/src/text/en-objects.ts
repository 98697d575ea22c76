/** What the objects are that come with a study and are no images. */

const STORAGE = '1.2.840.10008.5.1.4.1.1.';

const REPORT = 'Structured report';
const STATE = 'Presentation state';
const RADIOTHERAPY = 'Radiotherapy object';
const RECORD = 'Radiotherapy record';
const SIGNAL = 'Recorded signal';
const EYE = 'Eye measurements';
const MODEL = '3D model';
const PROTOCOL = 'Protocol';

/**
 * By SOP Class UID (PS3.4 B.5), below the storage classes' root; what is not named
 * itself is named by its family, the longest part that is here.
 */
const CLASSES: Readonly<Record<string, string>> = {
  '7': 'Secondary capture',
  '9': SIGNAL,
  '9.1': 'ECG',
  '9.2': 'Haemodynamics',
  '9.3': 'Electrophysiology',
  '9.4': 'Sound',
  '9.5': 'Pulse',
  '9.6': 'Respiration',
  '9.7.1': 'EEG',
  '9.7.2': 'EMG',
  '11': STATE,
  '30': 'Parametric map',
  '66': 'Raw data',
  '66.1': 'Registration',
  '66.2': 'Fiducials',
  '66.3': 'Deformable registration',
  '66.4': 'Segmentation',
  '66.5': 'Surface segmentation',
  '66.6': 'Tractography',
  '66.7': 'Segmentation (labels)',
  '67': 'Real world values',
  '68': 'Surface scan',
  '78': EYE,
  '79': EYE,
  '80': 'Visual field',
  '88': REPORT,
  '88.40': 'Procedure log',
  '88.50': 'Mammography CAD report',
  '88.59': 'Key images',
  '88.65': 'Chest CAD report',
  '88.67': 'Radiation dose report',
  '88.68': 'Radiopharmaceutical dose report',
  '88.69': 'Colon CAD report',
  '88.73': 'Radiation dose report',
  '88.76': 'Radiation dose report',
  '90': 'Image quality report',
  '91': 'Microscopy annotations',
  '104': 'Document',
  '104.1': 'PDF document',
  '104.2': 'Clinical document (CDA)',
  '104.3': MODEL,
  '104.4': MODEL,
  '104.5': MODEL,
  '131': 'Display layout',
  '200': PROTOCOL,
  '201': 'Inventory',
  '481': RADIOTHERAPY,
  '481.2': 'Radiotherapy dose',
  '481.3': 'Radiotherapy structures',
  '481.4': RECORD,
  '481.5': 'Radiotherapy plan',
  '481.6': RECORD,
  '481.7': RECORD,
  '481.8': 'Radiotherapy plan',
  '481.9': RECORD,
  '481.10': 'Radiotherapy intent',
};

/** By modality (PS3.3 C.7.3.1.1.1): for private classes, and where none is known. */
const MODALITIES: Readonly<Record<string, string>> = {
  SR: REPORT,
  SEG: 'Segmentation',
  PR: STATE,
  KO: 'Key images',
  RTSTRUCT: 'Radiotherapy structures',
  RTPLAN: 'Radiotherapy plan',
  RTDOSE: 'Radiotherapy dose',
  RTRECORD: RECORD,
  RTINTENT: 'Radiotherapy intent',
  RTRAD: RADIOTHERAPY,
  DOC: 'Document',
  REG: 'Registration',
  FID: 'Fiducials',
  PM: 'Parametric map',
  RWV: 'Real world values',
  AU: 'Sound',
  ECG: 'ECG',
  EPS: 'Electrophysiology',
  HD: 'Haemodynamics',
  RESP: 'Respiration',
  M3D: MODEL,
  PLAN: 'Plan',
  RAW: 'Raw data',
  ANN: 'Annotations',
  ASMT: 'Image quality report',
};

function familyOf(sopClass: string): string | null {
  if (!sopClass.startsWith(STORAGE)) return null;
  const parts = sopClass.slice(STORAGE.length).split('.');
  const names = parts.map((_, n) => CLASSES[parts.slice(0, parts.length - n).join('.')]);
  return names.find((name) => name !== undefined) ?? null;
}

/**
 * What an object is, in plain words, with the modality that its maker gave it:
 * `Parametric map (OT)`. A maker is free to call a map OT or MR; its class is not.
 */
export function objectKind(object: {
  readonly sop_class_uid: string;
  readonly modality: string;
}): string {
  const { sop_class_uid, modality } = object;
  const name = familyOf(sop_class_uid) ?? MODALITIES[modality] ?? 'Other object';
  return modality === '' ? name : `${name} (${modality})`;
}
