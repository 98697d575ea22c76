/** What the input gate measured before a model ran. */
const names: Readonly<Record<string, string>> = {
  age: 'Age',
  body_part: 'Body part',
  burned_in: 'Text in the picture',
  clipped: 'Black and white only',
  colour: 'Colour',
  contrast: 'Contrast',
  contrast_agent: 'Contrast agent',
  cover: 'Share of the first series that the others cover',
  frames: 'Frames',
  ghosting: 'Movement (repeats)',
  inputs: 'Series given to the model',
  input_space: 'Distance to the model’s own pictures',
  laterality: 'Side',
  manufacturer: 'Maker',
  motion: 'Movement',
  noise: 'Noise',
  readable: 'Readable',
  rings: 'Rings',
  series: 'Series',
  sex: 'Sex',
  sharpness: 'Blur',
  size: 'Size',
  slice_thickness: 'Slice thickness',
  view: 'View',
};

const units: Readonly<Record<string, string>> = { "[hnsf'U]": ' HU', mm: ' mm' };

const number = (value: number) => String(Number(value.toPrecision(3)));

export const quality = {
  title: (noted: number) =>
    noted === 0 ? 'Input checked' : `Input checked: ${noted} to know`,
  name: (name: string) => names[name] ?? name,
  measured: (value: number, limit: number | null, unit: string) => {
    const word = units[unit] ?? '';
    const end = limit === null ? '' : `, limit ${number(limit)}${word}`;
    return `${number(value)}${word}${end}`;
  },
  outcomes: { passed: 'passed', noted: 'note', failed: 'outside' },
};
