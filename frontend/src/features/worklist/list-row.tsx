// biome-ignore-all lint/a11y/useSemanticElements: rows are drawn only where seen, at places of their own, which a <table> cannot
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and names the row by aria-activedescendant
import { memo } from 'react';
import type { Id, Row } from '@/domain/model';
import { type Climb, select } from '@/state/worklist';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';
import { Band } from '@/ui/primitives';
import {
  AiCell,
  AiStateCell,
  PatientCell,
  ReaderCell,
  StudyCell,
  WaitCell,
} from './cells';

export interface ListRowProps {
  readonly row: Row;
  readonly place: number;
  readonly top: number;
  /** Rank as it is shown; '–' where it is not known. */
  readonly rank: string;
  readonly selected: boolean;
  readonly gone: boolean;
  readonly climb: Climb | null;
  readonly onOpen: (id: Id) => void;
  readonly onWhy: (id: Id) => void;
}

function classesOf({ row, selected, gone }: ListRowProps): string {
  const classes = ['list-row', 'list-item', row.band.toLowerCase()];
  if (row.lease && !row.lease.mine) classes.push('taken');
  if (selected) classes.push('selected');
  if (gone) classes.push('gone');
  return classes.join(' ');
}

/** One line of the list. Re-renders only when its row, rank or place changes. */
export const ListRow = memo(function ListRow(props: ListRowProps) {
  const { row, climb } = props;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys act through the command list
    <div
      id={`row-${row.id}`}
      role="row"
      aria-rowindex={props.place + 2}
      aria-selected={props.selected}
      className={classesOf(props)}
      style={{ transform: `translateY(${props.top}px)` }}
      title={props.gone ? text.list.gone : undefined}
      onClick={() => select(row.id)}
      onDoubleClick={() => props.onOpen(row.id)}
    >
      <div role="gridcell" className="rank">
        <b>{props.rank}</b>
        {climb ? (
          <span className="climb" title={text.list.climbed(climb.by)}>
            <Glyph name="up" small />
            {climb.by}
          </span>
        ) : null}
      </div>
      <div role="gridcell">
        <Band band={row.band} />
        <span className="l2" title={row.band_reason ?? ''}>
          {text.bandSources[row.band_source]}
        </span>
      </div>
      <div role="gridcell">
        <WaitCell arrived={row.arrived_at} deadline={row.deadline_at} />
      </div>
      <div role="gridcell">
        <PatientCell patient={row.patient} />
      </div>
      <div role="gridcell">
        <StudyCell study={row.study} />
      </div>
      <div role="gridcell">
        <AiCell ai={row.ai} />
      </div>
      <div role="gridcell">
        <AiStateCell ai={row.ai} />
      </div>
      <div role="gridcell">
        <ReaderCell lease={row.lease} />
      </div>
      <div role="gridcell" className="why">
        <button
          type="button"
          className="why-btn"
          id={`why-${row.id}`}
          tabIndex={props.selected ? 0 : -1}
          aria-label={text.list.whyLabel(row.patient.name)}
          onClick={() => {
            select(row.id);
            props.onWhy(row.id);
          }}
        >
          {text.list.why}
        </button>
      </div>
    </div>
  );
});

export function SkeletonRow({ top }: { top: number }) {
  return (
    <div
      className="list-row list-item waiting-row"
      style={{ transform: `translateY(${top}px)` }}
      aria-hidden="true"
    >
      {[20, 70, 110, 120, 220, 180, 120, 60, 40].map((width, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: columns have no other name
        <span key={index} className="skeleton" style={{ width }} />
      ))}
    </div>
  );
}
