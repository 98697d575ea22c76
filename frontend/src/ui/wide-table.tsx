import { type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';

/** Whether a box has more to show than it is wide. */
function useOverflow(box: RefObject<HTMLDivElement | null>): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => setOver(element.scrollWidth > element.clientWidth);
    const watching = new ResizeObserver(look);
    watching.observe(element);
    for (const child of element.children) watching.observe(child);
    return () => watching.disconnect();
  }, [box]);
  return over;
}

export interface WideTableProps {
  readonly label: string;
  readonly className?: string;
  readonly busy?: boolean;
  readonly children: ReactNode;
}

/**
 * A table in a box of its own: where it is wider than the page, it scrolls there and the
 * page does not. The box then takes the focus, so that the arrow keys scroll it.
 */
export function WideTable({ label, className, busy, children }: WideTableProps) {
  const box = useRef<HTMLDivElement>(null);
  const over = useOverflow(box);
  const reached = over ? { tabIndex: 0, role: 'region', 'aria-label': label } : {};
  return (
    <div ref={box} className="wide-table" {...reached}>
      <table className={className} aria-label={label} aria-busy={busy}>
        {children}
      </table>
    </div>
  );
}
