/** The words of findings' masks and of what else comes with a study. */
export const masks = {
  millilitres: (volume: string) => `${volume} ml`,
  volume: 'Volume',
  loading: 'reading the shape …',
  failed: 'Shape not read. Try again',
  opacity: 'Opacity of shapes',
} as const;

/** What the objects are that come with a study and are no images. */
export const objectKinds: Readonly<Record<string, string>> = {
  SR: 'Structured report',
  SEG: 'Segmentation',
  PR: 'Presentation state',
  KO: 'Key images',
  RTSTRUCT: 'Radiotherapy structures',
  RTPLAN: 'Radiotherapy plan',
  RTDOSE: 'Radiotherapy dose',
  RTRECORD: 'Radiotherapy record',
  DOC: 'Document',
  OT: 'Other object',
  REG: 'Registration',
  RWV: 'Real world values',
  AU: 'Sound',
  ECG: 'ECG',
  HD: 'Haemodynamics',
  M3D: '3D model',
  PM: 'Parametric map',
};
