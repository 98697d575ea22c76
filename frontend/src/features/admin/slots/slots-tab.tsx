import './slots.css';
import { TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { actOnSlot, readSlots, type SlotVersion } from '@/api/slot-endpoints';
import { formatProbability } from '@/domain/format';
import type { Id } from '@/domain/model';
import { slots as words } from '@/text/en-slots';
import { Segments } from '@/ui/primitives';
import { ConfirmDialog } from '../confirm-dialog';
import { SiteSelect, useOneSite } from '../one-site';
import { QueryTable } from '../table';
import { CalibrationPart } from './calibration-part';
import { ComparisonPart } from './comparison-part';
import { modelName, type SlotPartProps } from './parts';
import { RoutingPart } from './routing-part';
import { ThresholdPart } from './threshold-part';
import { VersionsPart } from './versions-part';

/** How long the page asks again while the open list is being read anew. */
const SETTLING_MS = 1500;

const PARTS = {
  threshold: ThresholdPart,
  calibration: CalibrationPart,
  routing: RoutingPart,
  comparison: ComparisonPart,
  versions: VersionsPart,
} as const;
type Part = keyof typeof PARTS;
const CHOICES = (Object.keys(PARTS) as Part[]).map((value) => ({
  value,
  label: words.sections[value],
}));

interface ActionDialogProps {
  readonly slot: SlotVersion;
  readonly action: 'promote' | 'empty';
  readonly onDone: (slot: SlotVersion) => void;
  readonly onClose: () => void;
}

function ActionDialog({ slot, action, onDone, onClose }: ActionDialogProps) {
  const [reason, setReason] = useState('');
  const promotes = action === 'promote';
  return (
    <ConfirmDialog
      title={
        promotes
          ? words.promoteTitle(modelName(slot))
          : words.offTitle(slot.task, words.kinds[slot.kind])
      }
      submit={promotes ? words.promoteSubmit : words.offSubmit}
      failed={words.failed}
      act={async () => onDone(await actOnSlot(slot.id, action, reason.trim()))}
      onTried={() => undefined}
      onClose={onClose}
    >
      <p>{promotes ? words.promoteDetail : words.offDetail}</p>
      <TextInput
        label={words.reason}
        description={words.reasonHint}
        value={reason}
        maxLength={400}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

interface DetailProps extends SlotPartProps {
  readonly onBack: () => void;
}

function SlotDetail({ slot, mayChange, onChanged, onBack }: DetailProps) {
  const [part, setPart] = useState<Part>('threshold');
  const [asked, ask] = useState<'promote' | 'empty' | null>(null);
  const Shown = PARTS[part];
  return (
    <section aria-label={`${slot.task}, ${words.kinds[slot.kind]}`}>
      <button type="button" className="btn small" onClick={onBack}>
        {words.back}
      </button>
      <h2 className="slot-title">
        {slot.task} <span className="tag">{words.kinds[slot.kind]}</span>
      </h2>
      <p className="t2">
        {modelName(slot)} · {words.number(slot.number)} ·{' '}
        {words.uses[slot.model.intended_use]} · {words.kindHints[slot.kind]}
      </p>
      <div className="slot-bar">
        <Segments
          label={words.section}
          value={part}
          choices={CHOICES}
          onChoose={setPart}
        />
        {mayChange && slot.kind !== 'live' ? (
          <button type="button" className="btn small" onClick={() => ask('promote')}>
            {words.promote}
          </button>
        ) : null}
        {mayChange ? (
          <button type="button" className="btn small" onClick={() => ask('empty')}>
            {words.off}
          </button>
        ) : null}
      </div>
      {mayChange ? null : <p className="t3">{words.readOnly}</p>}
      <Shown key={slot.id} slot={slot} mayChange={mayChange} onChanged={onChanged} />
      {asked ? (
        <ActionDialog
          slot={slot}
          action={asked}
          onDone={(fresh) => (asked === 'empty' ? onBack() : onChanged(fresh))}
          onClose={() => ask(null)}
        />
      ) : null}
    </section>
  );
}

function stateOf(slot: SlotVersion): string {
  return slot.settled ? words.settled : words.settling;
}

function SlotRow({ row, onOpen }: { row: SlotVersion; onOpen: () => void }) {
  return (
    <tr>
      <td>{row.task}</td>
      <td>{words.kinds[row.kind]}</td>
      <td>{modelName(row)}</td>
      <td className="num">{row.number}</td>
      <td>
        {row.outputs
          .map((one) => `${one.display} ${formatProbability(one.threshold)}`)
          .join(', ')}
      </td>
      <td>{stateOf(row)}</td>
      <td className="end">
        <button
          type="button"
          className="btn small"
          aria-label={words.openLabel(row.task, words.kinds[row.kind])}
          onClick={onOpen}
        >
          {words.open}
        </button>
      </td>
    </tr>
  );
}

/** The slots of one site, and one of them in detail. */
function SiteSlots({ site }: { site: Id }) {
  const queries = useQueryClient();
  const [chosen, choose] = useState<Id | null>(null);
  const key = ['slots', site];
  const query = useQuery({
    queryKey: key,
    queryFn: () => readSlots(site),
    refetchInterval: (asked) =>
      asked.state.data?.items.every((one) => one.settled) ? false : SETTLING_MS,
  });
  const slot = query.data?.items.find((one) => one.id === chosen);
  async function changed(fresh: SlotVersion): Promise<void> {
    await queries.invalidateQueries({ queryKey: key });
    choose(fresh.id);
  }
  if (slot && query.data) {
    return (
      <SlotDetail
        slot={slot}
        mayChange={query.data.may_change}
        onChanged={(fresh) => void changed(fresh)}
        onBack={() => {
          choose(null);
          void queries.invalidateQueries({ queryKey: key });
        }}
      />
    );
  }
  return (
    <QueryTable
      query={{ ...query, data: query.data?.items }}
      name={words.table}
      heads={[
        words.task,
        words.kind,
        words.model,
        words.version,
        words.outputs,
        words.state,
        '',
      ]}
      empty={words.empty}
    >
      {(row) => <SlotRow key={row.id} row={row} onOpen={() => choose(row.id)} />}
    </QueryTable>
  );
}

/** What a site uses its models for, and how their scores are read. */
export function SlotsTab() {
  const which = useOneSite();
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <SiteSelect {...which} label={words.site} className="policy-site" />
      {which.site ? <SiteSlots key={which.site} site={which.site} /> : null}
    </>
  );
}
