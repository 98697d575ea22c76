import { Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { AeTitle } from '@/api/admin-types';
import { addAeTitle, deleteAeTitle, readAeTitles } from '@/api/endpoints';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { ConfirmDialog } from './confirm-dialog';
import { carryOut, QueryTable } from './table';

const words = text.admin.ae;

export function AeTitlesTab() {
  const sites = useUser()?.sites ?? [];
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ['ae-titles'], queryFn: readAeTitles });
  const [called, setCalled] = useState('');
  const [calling, setCalling] = useState('');
  const [site, setSite] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [removing, setRemoving] = useState<AeTitle | null>(null);
  const ready = called.trim() !== '' && site !== null;
  const renew = () => queries.invalidateQueries({ queryKey: ['ae-titles'] });

  async function add(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (site === null || !ready) return;
    const done = await carryOut(
      () => addAeTitle(called.trim(), calling.trim(), site),
      setProblem,
    );
    if (!done) return;
    setCalled('');
    setCalling('');
    await renew();
  }

  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <form className="line-form" onSubmit={(event) => void add(event)}>
        <TextInput
          label={words.called}
          placeholder={words.calledHint}
          value={called}
          maxLength={16}
          w={240}
          onChange={(event) => setCalled(event.currentTarget.value)}
        />
        <TextInput
          label={words.calling}
          placeholder={words.any}
          value={calling}
          maxLength={16}
          onChange={(event) => setCalling(event.currentTarget.value)}
        />
        <Select
          label={words.site}
          placeholder={text.common.chooseOne}
          value={site}
          data={sites.map((one) => ({ value: one.id, label: one.name }))}
          onChange={setSite}
        />
        <button type="submit" className="btn primary" aria-disabled={!ready}>
          {words.add}
        </button>
      </form>
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
      <QueryTable
        query={query}
        name={text.admin.tabs['ae-titles']}
        heads={[words.called, words.calling, words.site, '']}
        empty={words.empty}
      >
        {(row) => (
          <tr key={row.id}>
            <td>{row.called_aet}</td>
            <td>{row.calling_aet || <span className="t3">{words.any}</span>}</td>
            <td>{row.site.name}</td>
            <td className="end">
              <button
                type="button"
                className="btn small"
                aria-label={words.removeLabel(row.called_aet)}
                onClick={() => setRemoving(row)}
              >
                {words.remove}
              </button>
            </td>
          </tr>
        )}
      </QueryTable>
      {removing ? (
        <ConfirmDialog
          title={words.removeTitle(removing.called_aet)}
          submit={words.removeSubmit}
          failed={words.failed}
          act={() => deleteAeTitle(removing.id)}
          onTried={renew}
          onClose={() => setRemoving(null)}
        >
          <p>{words.removeDetail(removing.site.name)}</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
