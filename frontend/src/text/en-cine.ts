/** The words of playing a stack. */
export const cine = {
  play: 'Play or pause (cine)',
  slower: 'Cine slower',
  faster: 'Cine faster',
  pause: 'Pause',
  start: 'Play',
  rate: 'Frames per second',
  fps: (fps: string) => `${fps} fps`,
  stated: 'the images’ own',
  oneImage: 'One image does not play',
} as const;
