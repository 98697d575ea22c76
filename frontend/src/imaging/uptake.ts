import { type Dataset, text } from './dataset';
import type { Stack } from './pack';
import { meaningOf } from './pixel-values';

/** SUV that is shown as the brightest colour. */
export const MOST_SUV = 7;
const SUV_UNIT = '{SUVbw}g/ml';

/** How many SUV one unit of an image's values is; null where its header does not say. */
export function suvOf(dataset: Dataset): number | null {
  const { unit, factor } = meaningOf(dataset);
  return unit === SUV_UNIT && factor > 0 ? factor : null;
}

/** The image in the middle of a stack, which speaks for the others. */
export const middleOf = ({ images }: Stack) => images[images.length >> 1];

/** The values that colours stand for: in SUV where the header permits, else as stored. */
export function uptakeRange(stack: Stack): {
  readonly upper: number;
  readonly suv: number | null;
} {
  const middle = middleOf(stack);
  if (!middle) return { upper: 1, suv: null };
  const factor = suvOf(middle.dataset);
  if (factor !== null) return { upper: MOST_SUV / factor, suv: MOST_SUV };
  const stated = Number(middle.dataset['00281051']?.Value?.[0]);
  return { upper: stated > 0 ? stated : 10_000, suv: null };
}

/** The unit that PET's values are stored in, as its header says it (0054,1001); or ''. */
export const storedUnit = (dataset: Dataset) => text(dataset, '00541001');
