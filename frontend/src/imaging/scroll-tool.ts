import { StackScrollTool, type Types } from '@cornerstonejs/tools';

/** Viewports that scroll against Cornerstone's own direction. */
const against = new Set<string>();

/**
 * Tells which way a viewport scrolls. Cornerstone's "next" is the following image of a
 * stack, but towards the viewer in a volume.
 */
export function scrollAgainst(viewportId: string, on: boolean): void {
  if (on) against.add(viewportId);
  else against.delete(viewportId);
}

/** Cornerstone's scrolling by wheel and drag, each viewport in a direction of its own. */
export class ScrollTool extends StackScrollTool {
  override mouseWheelCallback(event: Types.EventTypes.MouseWheelEventType): void {
    this.turn(event.detail.viewportId);
    super.mouseWheelCallback(event);
  }

  override _dragCallback(event: Types.EventTypes.InteractionEventType): void {
    this.turn(event.detail.viewportId);
    super._dragCallback(event);
  }

  private turn(viewportId: string): void {
    this.configuration['invert'] = against.has(viewportId);
  }
}
