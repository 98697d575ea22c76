import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { actOnSlot, readSlotVersions, type SlotVersion } from '@/api/slot-endpoints';
import { formatExact, formatProbability } from '@/domain/format';
import { slots as words } from '@/text/en-slots';
import { ConfirmDialog } from '../confirm-dialog';
import { QueryTable } from '../table';
import { modelName, type SlotPartProps } from './parts';

const HEADS = [
  words.version,
  words.kind,
  words.model,
  words.outputs,
  words.made,
  words.reason,
  words.state,
  '',
];

interface VersionRowProps {
  readonly row: SlotVersion;
  readonly onGoBack: (() => void) | null;
}

function VersionRow({ row, onGoBack }: VersionRowProps) {
  return (
    <tr>
      <td className="num">{row.number}</td>
      <td>{words.kinds[row.kind]}</td>
      <td>{modelName(row)}</td>
      <td>
        {row.outputs
          .map((one) => `${one.display} ${formatProbability(one.threshold)}`)
          .join(', ')}
      </td>
      <td>
        {formatExact(row.made_at)}
        <div className="t3">{words.by(row.made_by)}</div>
      </td>
      <td>{row.reason}</td>
      <td>{row.active ? words.holds : words.ended}</td>
      <td className="end">
        {onGoBack ? (
          <button
            type="button"
            className="btn small"
            aria-label={words.goBackLabel(row.number)}
            onClick={onGoBack}
          >
            {words.goBack}
          </button>
        ) : null}
      </td>
    </tr>
  );
}

/** All versions of a slot; an earlier one can hold again. */
export function VersionsPart({ slot, mayChange, onChanged }: SlotPartProps) {
  const [asked, ask] = useState<SlotVersion | null>(null);
  const [reason, setReason] = useState('');
  const query = useQuery({
    queryKey: ['slot-versions', slot.id],
    queryFn: () => readSlotVersions(slot.id),
  });
  return (
    <>
      <QueryTable query={query} name={words.versionsTable} heads={HEADS} empty="">
        {(row) => (
          <VersionRow
            key={row.id}
            row={row}
            onGoBack={mayChange && !row.active ? () => ask(row) : null}
          />
        )}
      </QueryTable>
      {asked ? (
        <ConfirmDialog
          title={words.backTitle(asked.number)}
          submit={words.backSubmit}
          failed={words.failed}
          act={async () =>
            onChanged(await actOnSlot(asked.id, 'roll-back', reason.trim()))
          }
          onTried={() => undefined}
          onClose={() => ask(null)}
        >
          <p>{words.backDetail}</p>
          <TextInput
            label={words.reason}
            description={words.reasonHint}
            value={reason}
            maxLength={400}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </ConfirmDialog>
      ) : null}
    </>
  );
}
