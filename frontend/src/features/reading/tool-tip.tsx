import { Tooltip } from '@mantine/core';
import { type RefObject, useEffect, useState } from 'react';

const DELAY_MS = 300;

interface Over {
  readonly button: HTMLElement;
  readonly words: string;
}

/** The button under the mouse, after it rested there; null where there is none. */
function useOver(bar: RefObject<HTMLElement | null>): Over | null {
  const [over, setOver] = useState<Over | null>(null);
  useEffect(() => {
    const element = bar.current;
    if (!element) return;
    let at: Element | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const leave = () => {
      clearTimeout(timer);
      at = null;
      setOver(null);
    };
    const enter = ({ target, pointerType }: PointerEvent) => {
      const button = (target as Element).closest<HTMLElement>('[data-tip]');
      if (button === at) return;
      leave();
      if (!button || pointerType !== 'mouse') return;
      at = button;
      timer = setTimeout(
        () => setOver({ button, words: button.dataset['tip'] ?? '' }),
        DELAY_MS,
      );
    };
    const hide = () => {
      clearTimeout(timer);
      setOver(null);
    };
    element.addEventListener('pointerover', enter);
    element.addEventListener('pointerleave', leave);
    element.addEventListener('pointerdown', hide);
    window.addEventListener('keydown', hide, true);
    return () => {
      clearTimeout(timer);
      element.removeEventListener('pointerover', enter);
      element.removeEventListener('pointerleave', leave);
      element.removeEventListener('pointerdown', hide);
      window.removeEventListener('keydown', hide, true);
    };
  }, [bar]);
  return over;
}

/**
 * What the button of a bar under the mouse is called, from its `data-tip`. One tooltip
 * for all of them: each of its own is as much work to draw as ten buttons, and the bar is
 * drawn with every change in the room.
 */
export function ToolTip({ bar }: { bar: RefObject<HTMLElement | null> }) {
  const over = useOver(bar);
  if (!over) return null;
  return <Tooltip target={over.button} label={over.words} opened multiline maw={320} />;
}
