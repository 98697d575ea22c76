// biome-ignore-all lint/a11y/useSemanticElements: rows are drawn only where seen, at places of their own, which a <table> cannot
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and names the row by aria-activedescendant
import { type MouseEvent, memo, type ReactNode } from 'react';
import type { ColumnId } from '@/domain/columns';
import { type Id, isToBeRead, type Row } from '@/domain/model';
import { chooseTo, toggleChosen } from '@/state/choosing';
import { beganOn, pressRow } from '@/state/press';
import { type Climb, select } from '@/state/worklist';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import { Glyph } from '@/ui/glyph';
import { Band } from '@/ui/primitives';
import {
  AiCell,
  AiStateCell,
  DateCell,
  DeadlineCell,
  PatientCell,
  PlainCell,
  ReaderCell,
  StudyCell,
  VerifyCell,
  WaitCell,
} from './cells';

export interface ListRowProps {
  readonly row: Row;
  readonly columns: readonly ColumnId[];
  /** A lead may choose rows. */
  readonly choosing: boolean;
  readonly chosen: boolean;
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

function classesOf({ row, selected, gone, chosen }: ListRowProps): string {
  const classes = ['list-row', 'list-item', row.band.toLowerCase()];
  const { lease, assignee } = row;
  if ((lease && !lease.mine) || (assignee && !assignee.mine)) classes.push('taken');
  if (selected) classes.push('selected');
  if (chosen) classes.push('chosen');
  if (gone) classes.push('gone');
  return classes.join(' ');
}

function RankCell({ rank, climb }: ListRowProps) {
  return (
    <>
      <b>{rank}</b>
      {climb ? (
        <span className="climb" title={text.list.climbed(climb.by)}>
          <Glyph name="up" small />
          {climb.by}
        </span>
      ) : null}
    </>
  );
}

function BandCell({ row }: ListRowProps) {
  return (
    <>
      <Band band={row.band} />
      <span className="l2" title={row.band_reason ?? ''}>
        {text.bandSources[row.band_source]}
      </span>
    </>
  );
}

function WhyButton({ row, selected, onWhy }: ListRowProps) {
  return (
    <button
      type="button"
      className="why-btn"
      id={`why-${row.id}`}
      tabIndex={selected ? 0 : -1}
      aria-label={text.list.whyLabel(row.patient.name)}
      onClick={() => {
        select(row.id);
        onWhy(row.id);
      }}
    >
      {text.list.why}
    </button>
  );
}

/** What each column shows of a row. */
const CELLS: Readonly<Record<ColumnId, (props: ListRowProps) => ReactNode>> = {
  rank: RankCell,
  band: BandCell,
  waiting: ({ row }) =>
    row.preliminary ? (
      <VerifyCell said={row.preliminary} />
    ) : (
      <WaitCell arrived={row.arrived_at} deadline={row.deadline_at} />
    ),
  patient: ({ row }) => <PatientCell patient={row.patient} />,
  study: ({ row }) => <StudyCell study={row.study} tier={row.tier} />,
  ai: ({ row }) => <AiCell ai={row.ai} />,
  ai_state: ({ row }) => <AiStateCell ai={row.ai} />,
  reader: ({ row }) => <ReaderCell {...row} />,
  deadline: ({ row }) =>
    row.preliminary ? (
      <PlainCell words="" />
    ) : (
      <DeadlineCell arrived={row.arrived_at} deadline={row.deadline_at} />
    ),
  body_part: ({ row }) => <PlainCell words={row.study.body_part} />,
  accession: ({ row }) => <PlainCell words={row.study.accession_number} />,
  station: ({ row }) => <PlainCell words={row.study.station} />,
  study_date: ({ row }) => <DateCell day={row.study.study_date} />,
  site: ({ row }) => <PlainCell words={row.site.name} />,
  actions: (props) => (isToBeRead(props.row) ? <WhyButton {...props} /> : null),
};

function ChooseBox({ row, chosen, selected }: ListRowProps) {
  const onClick = (event: MouseEvent<HTMLInputElement>) => {
    event.stopPropagation();
    // Keys do not act in fields: the list has them back at once.
    event.currentTarget.closest<HTMLElement>('[role="grid"]')?.focus();
    if (event.shiftKey) chooseTo(row.id);
    else toggleChosen(row.id);
    select(row.id);
  };
  return (
    <input
      type="checkbox"
      checked={chosen}
      tabIndex={selected ? 0 : -1}
      aria-label={worklist.choose(row.patient.name)}
      onClick={onClick}
      onChange={() => undefined}
    />
  );
}

function onRowClick(event: MouseEvent, { row, choosing }: ListRowProps): void {
  if (choosing && event.shiftKey) chooseTo(row.id);
  else if (choosing && (event.ctrlKey || event.metaKey)) toggleChosen(row.id);
  select(row.id);
}

/** One line of the list. Re-renders only when its row, rank or place changes. */
export const ListRow = memo(function ListRow(props: ListRowProps) {
  const { row, columns, choosing } = props;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys act through the command list
    <div
      id={`row-${row.id}`}
      role="row"
      aria-rowindex={props.place + 2}
      aria-selected={choosing ? props.chosen : props.selected}
      className={classesOf(props)}
      style={{ transform: `translateY(${props.top}px)` }}
      title={props.gone ? text.list.gone : undefined}
      onMouseDown={(event) => {
        pressRow(row.id, event.detail);
        if (event.shiftKey) event.preventDefault();
      }}
      onClick={(event) => onRowClick(event, props)}
      onDoubleClick={() => {
        if (beganOn(row.id)) props.onOpen(row.id);
      }}
    >
      {choosing ? (
        <div role="gridcell" className="col-choose">
          <ChooseBox {...props} />
        </div>
      ) : null}
      {columns.map((id) => (
        <div key={id} role="gridcell" className={`col-${id}`}>
          {CELLS[id](props)}
        </div>
      ))}
    </div>
  );
});

const WIDTHS = [20, 70, 110, 120, 160, 140, 90, 60];

export interface SkeletonRowProps {
  readonly top: number;
  readonly columns: readonly ColumnId[];
}

export function SkeletonRow({ top, columns }: SkeletonRowProps) {
  return (
    <div
      className="list-row list-item waiting-row"
      style={{ transform: `translateY(${top}px)` }}
      aria-hidden="true"
    >
      {columns.map((id, index) => (
        <span
          key={id}
          className="skeleton"
          style={{ width: WIDTHS[index % WIDTHS.length] }}
        />
      ))}
    </div>
  );
}
