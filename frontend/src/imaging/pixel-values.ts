import { cache, type Types } from '@cornerstonejs/core';
import { uptakeFactor } from '@/domain/measure/suv';
import type { MeasuredPixels, ValueMeaning } from '@/domain/measure/values';
import type { Coded } from '@/domain/model';
import { type Dataset, items, number, strings, text } from './dataset';
import type { Padded } from './grey-image';
import { type ImageRef, isColour } from './pack';

const dcm = (code: string, display: string): Coded => ({ scheme: 'DCM', code, display });

const ATTENUATION = dcm('112031', 'Attenuation Coefficient');
const SUV = dcm('126401', 'SUVbw');
const CONCENTRATION: Coded = {
  scheme: '99OVERREAD',
  code: 'activity',
  display: 'Activity concentration',
};
const STORED: Coded = {
  scheme: '99OVERREAD',
  code: 'pixel-value',
  display: 'Pixel value',
};

function suvFactor(dataset: Dataset): number | null {
  const drug = items(dataset, '00540016')[0];
  if (!drug) return null;
  return uptakeFactor({
    units: text(dataset, '00541001'),
    corrections: strings(dataset, '00280051'),
    decayCorrection: text(dataset, '00541102'),
    weightKg: number(dataset, '00101030'),
    doseBq: number(drug, '00181074'),
    halfLifeS: number(drug, '00181075'),
    seriesDate: text(dataset, '00080021'),
    seriesTime: text(dataset, '00080031'),
    acquisitionDate: text(dataset, '00080022'),
    acquisitionTime: text(dataset, '00080032'),
    injection: text(drug, '00181078') || text(drug, '00181072'),
  });
}

interface Meaning extends ValueMeaning {
  readonly factor: number;
}

/** What the values of an image are, after its own rescale. */
export function meaningOf(dataset: Dataset): Meaning {
  const modality = text(dataset, '00080060');
  const type = text(dataset, '00281054');
  if (type === 'HU' || (modality === 'CT' && (type === '' || type === 'US'))) {
    return { quantity: ATTENUATION, unit: "[hnsf'U]", factor: 1 };
  }
  const factor = modality === 'PT' ? suvFactor(dataset) : null;
  if (factor !== null) return { quantity: SUV, unit: '{SUVbw}g/ml', factor };
  if (modality === 'PT' && text(dataset, '00541001') === 'BQML') {
    return { quantity: CONCENTRATION, unit: 'Bq/ml', factor: 1 };
  }
  return { quantity: STORED, unit: '1', factor: 1 };
}

/** Slope and intercept that still have to be applied to what the cache holds. */
function rescaleOf(image: Types.IImage, dataset: Dataset) {
  if (image.preScale?.scaled === true) return { slope: 1, intercept: 0 };
  return {
    slope: number(dataset, '00281053') ?? 1,
    intercept: number(dataset, '00281052') ?? 0,
  };
}

/** A shown image's values; null for colours, and when it is not in memory. */
export function pixelValues(ref: ImageRef): MeasuredPixels | null {
  const image = isColour(ref) ? undefined : cache.getImage(ref.imageId);
  if (!image) return null;
  const { factor, ...meaning } = meaningOf(ref.dataset);
  const { slope, intercept } = rescaleOf(image, ref.dataset);
  return {
    ...meaning,
    columns: image.columns,
    rows: image.rows,
    stored: image.getPixelData(),
    padding: (image as Padded).padding ?? null,
    slope: slope * factor,
    intercept: intercept * factor,
  };
}
