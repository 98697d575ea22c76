import type { Stack } from './pack';
import { meaningOf } from './pixel-values';

/** SUV that is shown as the brightest colour. */
export const MOST_SUV = 7;
const SUV_UNIT = '{SUVbw}g/ml';

/** The values that colours stand for: in SUV where the header permits, else as stored. */
export function uptakeRange(stack: Stack): {
  readonly upper: number;
  readonly suv: number | null;
} {
  const middle = stack.images[stack.images.length >> 1];
  if (!middle) return { upper: 1, suv: null };
  const { unit, factor } = meaningOf(middle.dataset);
  if (unit === SUV_UNIT && factor > 0) return { upper: MOST_SUV / factor, suv: MOST_SUV };
  const stated = Number(middle.dataset['00281051']?.Value?.[0]);
  return { upper: stated > 0 ? stated : 10_000, suv: null };
}
