/** What a number field holds; null where it is empty. */
export type Entered = number | null;

/** Read what a number field says. An empty field is no number, least of all 0. */
export function entered(value: string | number): Entered {
  if (typeof value === 'string' && value.trim() === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** Percent as a share, without the error of the division: 99.9 is 0.999, no more. */
export const shareOf = (percent: number) => Number((percent / 100).toFixed(6));
