import type { Coded } from '../model';
import { TISSUE } from './model';

/** What is segmented often, as SNOMED CT has it, by name. */
const USUAL: readonly (readonly [string, string])[] = [
  ['23451007', 'Adrenal gland'],
  ['15825003', 'Aorta'],
  ['272673000', 'Bone'],
  ['12738006', 'Brain'],
  ['35764002', 'Brain ventricle'],
  ['76752008', 'Breast'],
  ['71854001', 'Colon'],
  ['367643001', 'Cyst'],
  ['79654002', 'Edema'],
  ['32849002', 'Esophagus'],
  ['28231008', 'Gallbladder'],
  ['80891009', 'Heart'],
  ['50960005', 'Hemorrhage'],
  ['64033007', 'Kidney'],
  ['52988006', 'Lesion'],
  ['10200004', 'Liver'],
  ['39607008', 'Lung'],
  ['59441001', 'Lymph node'],
  ['4147007', 'Mass'],
  ['6574001', 'Necrosis'],
  ['108369006', 'Neoplasm'],
  ['27925004', 'Nodule'],
  ['15776009', 'Pancreas'],
  ['41216001', 'Prostate'],
  ['89546000', 'Skull'],
  ['78961009', 'Spleen'],
  ['69695003', 'Stomach'],
  ['69748006', 'Thyroid'],
  ['44567001', 'Trachea'],
  ['89837001', 'Urinary bladder'],
  ['35039007', 'Uterus'],
  ['51282000', 'Vertebra'],
];

const same = (a: Coded, b: Coded) => a.scheme === b.scheme && a.code === b.code;

/** All labels that a segment may have: the site's own first, none twice. */
export function segmentLabels(own: readonly Coded[]): readonly Coded[] {
  const usual = USUAL.map(([code, display]) => ({ scheme: 'SCT', code, display }));
  const all = [...own, TISSUE, ...usual];
  return all.filter((one, place) => all.findIndex((other) => same(one, other)) === place);
}
