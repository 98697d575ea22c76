import type { CSSProperties, ReactNode } from 'react';
import type { Point } from '@/domain/geometry';

/**
 * Hangs a plate over a place of a pane (CSS pixels): it begins there, or further left
 * where the pane would end before its words do. What is beside the pane has none.
 */
export function PlateRow(props: {
  readonly at: Point;
  /** Where what it names ends, on its right. */
  readonly end: number;
  readonly children: ReactNode;
}) {
  const [left, top] = props.at;
  const place = { '--left': `${Math.max(0, left)}px` } as CSSProperties;
  return props.end < 0 ? null : (
    <span className="plate-row" style={{ top, ...place }}>
      {props.children}
    </span>
  );
}
