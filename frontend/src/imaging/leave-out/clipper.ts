/** In the place of clipper2-ts: Cornerstone's contour segments, of which we have none. */
class NotHere {
  constructor() {
    throw new Error('polygon clipping is left out');
  }
}

export class Clipper extends NotHere {}
export class PolyTreeD extends NotHere {}
export const ClipType: Readonly<Record<string, number>> = {};
export const FillRule: Readonly<Record<string, number>> = {};
