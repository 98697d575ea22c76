import { Enums, registerViewportType } from '@cornerstonejs/core';
import { processorDraws } from './choose';
import { PlainPlanesViewport } from './planes-viewport';
import { PlainStackViewport } from './stack-viewport';

type Kind = Enums.ViewportType;
type Made = Parameters<typeof registerViewportType>[0]['ViewportClass'];

const STACK = 'overread-stack' as Kind;
const PLANES = 'overread-planes' as Kind;

let registered = false;

function register(): void {
  if (registered) return;
  registered = true;
  registerViewportType({ type: STACK, ViewportClass: PlainStackViewport as Made });
  const Planes = PlainPlanesViewport as unknown as Made;
  registerViewportType({ type: PLANES, ViewportClass: Planes });
}

/** The kind of viewport that stacks and planes are shown in on this machine. */
export function viewportKinds(): { readonly stack: Kind; readonly planes: Kind } {
  if (!processorDraws()) {
    return { stack: Enums.ViewportType.STACK, planes: Enums.ViewportType.ORTHOGRAPHIC };
  }
  register();
  return { stack: STACK, planes: PLANES };
}
