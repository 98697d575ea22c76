import { type CinePace, paceOf } from '@/domain/cine';
import { number, numbers } from './dataset';
import type { Stack } from './pack';

/** The pace that a stack's own images state. */
export function stackPace({ images }: Stack): CinePace {
  const dataset = images[0]?.dataset ?? {};
  return paceOf(
    {
      frameTime: number(dataset, '00181063'),
      vector: numbers(dataset, '00181065'),
      recommendedRate: number(dataset, '00082144'),
      cineRate: number(dataset, '00180040'),
    },
    images.length,
  );
}
