/** The words of findings' masks and of what else comes with a study. */
export const masks = {
  millilitres: (volume: string) => `${volume} ml`,
  volume: 'Volume',
  loading: 'reading the shape …',
  failed: 'Shape not read. Try again',
  opacity: 'Opacity of shapes',
} as const;
