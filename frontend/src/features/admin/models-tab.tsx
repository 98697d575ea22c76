import { Modal, Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  activateModel,
  type LibraryModel,
  readModels,
  type SlotKind,
  withdrawModel,
} from '@/api/model-endpoints';
import { readSlots } from '@/api/slot-endpoints';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { models as words } from '@/text/en-models';
import { ModelCard } from '@/ui/model-card';
import { ConfirmDialog } from './confirm-dialog';
import { ModelsAdd } from './models-add';
import { useVerify } from './models-verify';
import { QueryTable } from './table';

const KEY = ['models'];
const KINDS = Object.entries(words.kinds).map(([value, label]) => ({ value, label }));

type Asked = {
  readonly what: 'card' | 'activate' | 'withdraw';
  readonly of: LibraryModel;
};

function title(model: LibraryModel): string {
  return `${model.name} ${model.version}`;
}

function CardDialog({ model, onClose }: { model: LibraryModel; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title={title(model)} size="xl">
      <p className="mono t3">{model.package_hash}</p>
      <ModelCard card={model.card} />
    </Modal>
  );
}

interface DialogProps {
  readonly model: LibraryModel;
  readonly onTried: () => unknown;
  readonly onClose: () => void;
}

/** The slots that a site has, besides the one of a name. */
function useTasks(site: string | null) {
  const query = useQuery({
    queryKey: ['slots', site],
    queryFn: () => readSlots(site ?? ''),
    enabled: site !== null,
  });
  return (own: string) => {
    const all = new Set((query.data?.items ?? []).map((one) => one.task));
    return [...all]
      .filter((one) => one !== own)
      .map((one) => ({ value: one, label: one }));
  };
}

function ActivateDialog({ model, onTried, onClose }: DialogProps) {
  const sites = useUser()?.sites ?? [];
  const [site, setSite] = useState<string | null>(sites[0]?.id ?? null);
  const [kind, setKind] = useState<SlotKind>('shadow');
  const [task, setTask] = useState('');
  const [reason, setReason] = useState('');
  const tasks = useTasks(site);
  return (
    <ConfirmDialog
      title={words.activateTitle(title(model))}
      submit={words.activateSubmit}
      failed={words.failed}
      act={() =>
        activateModel(model.id, { site: site ?? '', kind, task, reason: reason.trim() })
      }
      onTried={onTried}
      onClose={onClose}
    >
      <p>{words.activateDetail}</p>
      <Select
        label={words.site}
        placeholder={text.common.chooseOne}
        value={site}
        data={sites.map((one) => ({ value: one.id, label: one.name }))}
        onChange={(value) => {
          setSite(value);
          setTask('');
        }}
      />
      <Select
        label={words.slot}
        description={words.slotHint}
        value={task}
        data={[{ value: '', label: words.ownSlot(model.name) }, ...tasks(model.name)]}
        allowDeselect={false}
        onChange={(value) => setTask(value ?? '')}
      />
      <Select
        label={words.kind}
        value={kind}
        data={KINDS}
        allowDeselect={false}
        onChange={(value) => setKind((value ?? 'shadow') as SlotKind)}
      />
      <TextInput
        label={words.reason}
        value={reason}
        maxLength={400}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

function WithdrawDialog({ model, onTried, onClose }: DialogProps) {
  const [reason, setReason] = useState('');
  return (
    <ConfirmDialog
      title={words.withdrawTitle(title(model))}
      submit={words.withdrawSubmit}
      failed={words.failed}
      act={() => withdrawModel(model.id, reason.trim())}
      onTried={onTried}
      onClose={onClose}
    >
      <p>{words.withdrawDetail}</p>
      <TextInput
        label={words.reason}
        value={reason}
        maxLength={400}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

function Actions({ row, ask }: { row: LibraryModel; ask: (asked: Asked) => void }) {
  const of = row;
  return (
    <>
      <button
        type="button"
        className="btn small"
        aria-label={words.cardLabel(title(row))}
        onClick={() => ask({ what: 'card', of })}
      >
        {words.card}
      </button>{' '}
      <button
        type="button"
        className="btn small"
        aria-label={words.activateLabel(title(row))}
        onClick={() => ask({ what: 'activate', of })}
      >
        {words.activate}
      </button>{' '}
      <button
        type="button"
        className="btn small"
        aria-label={words.withdrawLabel(title(row))}
        onClick={() => ask({ what: 'withdraw', of })}
      >
        {words.withdraw}
      </button>
    </>
  );
}

/** The models: their cards, where they are in use, and the changes of that. */
export function ModelsTab() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: KEY, queryFn: readModels });
  const [asked, setAsked] = useState<Asked | null>(null);
  const renew = () => queries.invalidateQueries({ queryKey: KEY });
  const verify = useVerify(renew);
  const close = () => setAsked(null);
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <QueryTable
        query={query}
        name={words.tab}
        heads={[words.name, words.use, words.state, words.sites, '']}
        empty={words.empty}
      >
        {(row) => (
          <tr key={row.id}>
            <td>
              {title(row)}
              <div className="mono t3">{row.package_hash.slice(0, 12)}</div>
            </td>
            <td>{words.uses[row.intended_use]}</td>
            <td>{row.problem || words.good}</td>
            <td>
              {row.uses
                .map((use) => `${use.site.name} (${words.short[use.kind]})`)
                .join(', ') || <span className="t3">{words.nowhere}</span>}
            </td>
            <td className="end">
              {verify.button(row.id, title(row))} <Actions row={row} ask={setAsked} />
            </td>
          </tr>
        )}
      </QueryTable>
      {verify.said}
      <ModelsAdd />
      {asked?.what === 'card' ? <CardDialog model={asked.of} onClose={close} /> : null}
      {asked?.what === 'activate' ? (
        <ActivateDialog model={asked.of} onTried={renew} onClose={close} />
      ) : null}
      {asked?.what === 'withdraw' ? (
        <WithdrawDialog model={asked.of} onTried={renew} onClose={close} />
      ) : null}
    </>
  );
}
