import { type ComponentType, lazy, useState } from 'react';

/** A component whose code comes when it is first shown, or before. */
export interface Later<Props> {
  /** Fetches its code now. */
  bring(): Promise<unknown>;
  choose(): ComponentType<Props>;
}

export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): Later<Props> {
  let here: ComponentType<Props> | null = null;
  const bring = async () => {
    here ??= await load();
    return here;
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
