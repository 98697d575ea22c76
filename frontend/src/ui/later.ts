import { type ComponentType, lazy, useState } from 'react';

/** A component whose code comes when it is first shown, or before; tried until it is here. */
export interface Later<Props> {
  /** Fetches its code now. */
  bring(): Promise<unknown>;
  choose(): ComponentType<Props>;
}

const AGAIN_MS = 2000;

export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): Later<Props> {
  let here: ComponentType<Props> | null = null;
  // Without a network nobody must lose what is on the page for want of another's code.
  const bring = async (): Promise<ComponentType<Props>> => {
    try {
      here ??= await load();
      return here;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      return bring();
    }
  };
  const waiting = lazy(async () => ({ default: await bring() }));
  return { bring, choose: () => here ?? (waiting as ComponentType<Props>) };
}

/**
 * The component to show: at once where its code is here, without the empty page that a
 * promise always costs. It stays the same while it is shown: else it would begin anew
 * when its code comes.
 */
export function useLater<Props>(one: Later<Props>): ComponentType<Props> {
  const [shown] = useState(() => ({ component: one.choose() }));
  return shown.component;
}
