/** The one ramp of all saliency, dark to light: --sal-1 … --sal-5 of the tokens. */
const RAMP: readonly (readonly [number, number, number])[] = [
  [0x3b, 0x1a, 0x73],
  [0x8a, 0x2b, 0x86],
  [0xd8, 0x50, 0x7a],
  [0xfb, 0x9b, 0x5b],
  [0xfd, 0xf0, 0xa0],
];

/** Colour of a value from 0 to 1, each channel 0–255. */
export function rampColour(value: number): readonly [number, number, number] {
  const at = Math.min(1, Math.max(0, value)) * (RAMP.length - 1);
  const low = RAMP[Math.floor(at)] ?? RAMP[0] ?? [0, 0, 0];
  const high = RAMP[Math.min(RAMP.length - 1, Math.floor(at) + 1)] ?? low;
  const part = at - Math.floor(at);
  const mix = (i: 0 | 1 | 2) => Math.round(low[i] + (high[i] - low[i]) * part);
  return [mix(0), mix(1), mix(2)];
}

/**
 * Grey values (0–255, one a pixel) as RGBA for an overlay: nothing below the cut-off,
 * so that the image shows there unchanged; denser where the value is higher.
 */
export function colourSaliency(
  grey: Uint8ClampedArray,
  cutOff: number,
): Uint8ClampedArray {
  const rgba = new Uint8ClampedArray(grey.length * 4);
  for (let i = 0; i < grey.length; i += 1) {
    const value = (grey[i] ?? 0) / 255;
    if (value < cutOff || value <= 0) continue;
    const [r, g, b] = rampColour(value);
    rgba.set([r, g, b, Math.round(70 + 100 * value)], i * 4);
  }
  return rgba;
}
