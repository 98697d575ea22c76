import { Checkbox, Modal } from '@mantine/core';
import {
  COLUMN_IDS,
  COLUMNS,
  type ColumnId,
  moveColumn,
  PLAIN_COLUMNS,
  toggleColumn,
} from '@/domain/columns';
import { chooseColumns, columnsOf, useListViews } from '@/state/list-views';
import { useWorklist } from '@/state/worklist';
import { worklist } from '@/text/en-worklist';
import { Glyph } from '@/ui/glyph';
import { Notice } from '@/ui/primitives';

const nameOf = (id: ColumnId) => worklist.columnNames[id] ?? worklist.columns[id];

interface LineProps {
  readonly id: ColumnId;
  readonly columns: readonly ColumnId[];
  readonly onChange: (columns: readonly ColumnId[]) => void;
}

function Line({ id, columns, onChange }: LineProps) {
  const place = columns.indexOf(id);
  const { always } = COLUMNS[id];
  const steps = [
    [-1, 'up', worklist.left(nameOf(id)), place <= 0],
    [1, 'down', worklist.right(nameOf(id)), place === columns.length - 1],
  ] as const;
  return (
    <li>
      <Checkbox
        size="xs"
        label={always ? `${nameOf(id)} (${worklist.always})` : nameOf(id)}
        checked={place >= 0}
        disabled={always}
        onChange={() => onChange(toggleColumn(columns, id))}
      />
      <span className="grow" />
      {place < 0
        ? null
        : steps.map(([by, glyph, label, off]) => (
            <button
              key={glyph}
              type="button"
              className="btn small quiet"
              aria-label={label}
              title={label}
              aria-disabled={off}
              onClick={() => onChange(moveColumn(columns, id, by))}
            >
              <Glyph name={glyph} small />
            </button>
          ))}
    </li>
  );
}

/** Which columns the list has, and in which order; kept for the person. */
export function ColumnsDialog({ onClose }: { onClose: () => void }) {
  const view = useWorklist((state) => state.view);
  const columns = useListViews((state) => columnsOf(state, view));
  const ofView = useListViews((state) =>
    state.views.some((one) => one.id === view && one.columns !== null),
  );
  const compact = useListViews((state) => state.compact);
  const problem = useListViews((state) => state.problem);
  const change = (next: readonly ColumnId[]) => void chooseColumns(next, compact);
  const hidden = COLUMN_IDS.filter((id) => !columns.includes(id));
  return (
    <Modal opened onClose={onClose} title={worklist.columnsTitle}>
      <div className="form-column">
        <p className="t2">{ofView ? worklist.columnsOfView : worklist.columnsHint}</p>
        <ul className="column-lines">
          {[...columns, ...hidden].map((id) => (
            <Line key={id} id={id} columns={columns} onChange={change} />
          ))}
        </ul>
        <Checkbox
          size="xs"
          label={worklist.compact}
          checked={compact}
          onChange={(event) => void chooseColumns(columns, event.currentTarget.checked)}
        />
        {problem === '' ? null : (
          <Notice kind="warn" title={worklist.notKept}>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button
            type="button"
            className="btn quiet"
            onClick={() => void chooseColumns(PLAIN_COLUMNS, false)}
          >
            {worklist.plainColumns}
          </button>
          <button type="button" className="btn primary" onClick={onClose}>
            {worklist.done}
          </button>
        </div>
      </div>
    </Modal>
  );
}
