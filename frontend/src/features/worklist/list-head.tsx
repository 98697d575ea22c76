// biome-ignore-all lint/a11y/useSemanticElements: heads of a grid whose rows a <table> cannot place
// biome-ignore-all lint/a11y/useFocusableInteractive: the heads that act hold buttons
import { COLUMNS, type ColumnId } from '@/domain/columns';
import { nextSort, type Sort, type SortColumn } from '@/domain/order';
import { chooseSort, useWorklist } from '@/state/worklist';
import { worklist } from '@/text/en-worklist';
import { Glyph } from '@/ui/glyph';
import { AiTag } from '@/ui/primitives';

function ariaSort(sort: Sort | null, by: SortColumn | null) {
  if (sort === null || by === null || sort.by !== by) return undefined;
  return sort.descending ? 'descending' : 'ascending';
}

function Words({ id }: { id: ColumnId }) {
  const words = (
    <span className="cut" title={worklist.columns[id]}>
      {worklist.columns[id]}
    </span>
  );
  if (id === 'actions') {
    return <span className="visually-hidden">{worklist.columns[id]}</span>;
  }
  if (id !== 'ai') return words;
  return (
    <span className="with-tag">
      <AiTag />
      {words}
    </span>
  );
}

function HeadCell({ id, sort }: { id: ColumnId; sort: Sort | null }) {
  const by = COLUMNS[id].sort;
  const direction = ariaSort(sort, by);
  return (
    <div role="columnheader" aria-sort={direction} className={`col-${id}`}>
      {by === null ? (
        <Words id={id} />
      ) : (
        <button
          type="button"
          className={direction ? 'sort on' : 'sort'}
          title={worklist.sortBy(worklist.sorts[by])}
          onClick={() => chooseSort(nextSort(sort, by))}
        >
          <Words id={id} />
          {direction ? (
            <span className={direction}>
              <Glyph name="up" small />
            </span>
          ) : null}
        </button>
      )}
    </div>
  );
}

export interface ListHeadProps {
  readonly columns: readonly ColumnId[];
  readonly choosing: boolean;
}

/** The heads of the columns; those that sort do it within the bands. */
export function ListHead({ columns, choosing }: ListHeadProps) {
  const sort = useWorklist((state) => state.sort);
  return (
    <div role="row" aria-rowindex={1} className="list-row list-head">
      {choosing ? (
        <div role="columnheader" className="col-choose">
          <span className="visually-hidden">{worklist.chooseColumn}</span>
        </div>
      ) : null}
      {columns.map((id) => (
        <HeadCell key={id} id={id} sort={sort} />
      ))}
    </div>
  );
}
