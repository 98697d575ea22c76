import { MultiSelect, Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import {
  type ClinicalProtocol,
  type Protocols,
  readProtocols,
  retireProtocol,
  setProtocol,
} from '@/api/protocol-endpoints';
import type { DisplayMode } from '@/domain/model';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { protocols as words } from '@/text/en-protocols';
import { Notice } from '@/ui/primitives';
import { ConfirmDialog } from './confirm-dialog';
import { carryOut, QueryTable } from './table';

const KEY = ['protocols'];
const MODES = Object.entries(words.modes).map(([value, label]) => ({ value, label }));

interface SetFormProps {
  readonly known: Protocols | undefined;
  readonly onSet: () => Promise<void>;
}

/** What the rule in force for a site and modality asks for; nothing where none is. */
function inForce(known: Protocols | undefined, site: string | null, modality: string) {
  const same = known?.items.find(
    (one) => one.site.id === site && one.modality === modality.trim().toUpperCase(),
  );
  return same?.labels.map((label) => label.code) ?? [];
}

function SetForm({ known, onSet }: SetFormProps) {
  const sites = useUser()?.sites ?? [];
  const [site, setSite] = useState<string | null>(null);
  const [modality, setModality] = useState('');
  const [mode, setMode] = useState<DisplayMode | null>(null);
  const [chosen, choose] = useState<string[] | null>(null);
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const asked = chosen ?? inForce(known, site, modality);
  const ready = site !== null && mode !== null && reason.trim() !== '';

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (site === null || mode === null || !ready) return;
    const act = () => setProtocol(site, modality.trim(), mode, reason.trim(), asked);
    if (!(await carryOut(act, setProblem))) return;
    setModality('');
    choose(null);
    setReason('');
    await onSet();
  }

  return (
    <>
      <form className="line-form" onSubmit={(event) => void submit(event)}>
        <Select
          label={words.site}
          placeholder={text.common.chooseOne}
          value={site}
          data={sites.map((one) => ({ value: one.id, label: one.name }))}
          onChange={setSite}
        />
        <TextInput
          label={words.modality}
          placeholder={words.modalityHint}
          value={modality}
          maxLength={16}
          w={220}
          onChange={(event) => setModality(event.currentTarget.value)}
        />
        <Select
          label={words.mode}
          placeholder={text.common.chooseOne}
          value={mode}
          data={MODES}
          w={300}
          onChange={(value) => setMode(value as DisplayMode | null)}
        />
        <MultiSelect
          label={words.asks}
          description={words.asksHint}
          placeholder={asked.length === 0 ? words.asksNothing : undefined}
          value={asked}
          data={(known?.askable ?? []).map((one) => ({
            value: one.code,
            label: one.display,
          }))}
          w={420}
          onChange={choose}
        />
        <TextInput
          label={words.reason}
          value={reason}
          maxLength={200}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <button type="submit" className="btn primary" aria-disabled={!ready}>
          {words.set}
        </button>
      </form>
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
    </>
  );
}

/** When readers see AI, by site and modality. */
export function ProtocolsTab() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: KEY, queryFn: readProtocols });
  const [retiring, setRetiring] = useState<ClinicalProtocol | null>(null);
  const renew = () => queries.invalidateQueries({ queryKey: KEY });
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <SetForm known={query.data} onSet={renew} />
      <QueryTable
        query={{ ...query, data: query.data?.items }}
        name={words.tab}
        heads={[words.site, words.modality, words.mode, words.asks, words.version, '']}
        empty={words.empty}
      >
        {(row) => (
          <tr key={row.id}>
            <td>{row.site.name}</td>
            <td>{row.modality || <span className="t3">{words.rest}</span>}</td>
            <td>{words.modes[row.display_mode]}</td>
            <td>
              {row.labels.map((label) => label.display).join(', ') || (
                <span className="t3">{words.asksNothing}</span>
              )}
            </td>
            <td>{row.version}</td>
            <td className="end">
              {row.modality ? (
                <button
                  type="button"
                  className="btn small"
                  aria-label={words.retireLabel(row.modality, row.site.name)}
                  onClick={() => setRetiring(row)}
                >
                  {words.retire}
                </button>
              ) : null}
            </td>
          </tr>
        )}
      </QueryTable>
      {retiring ? (
        <ConfirmDialog
          title={words.retireTitle(retiring.modality)}
          submit={words.retire}
          failed={words.failed}
          act={() => retireProtocol(retiring.id)}
          onTried={renew}
          onClose={() => setRetiring(null)}
        >
          <p>{words.retireDetail(retiring.site.name)}</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
