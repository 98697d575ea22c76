import { Modal, Select, Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Quarantined } from '@/api/admin-types';
import { readQuarantine, releaseQuarantined } from '@/api/endpoints';
import { formatExact, formatInteger } from '@/domain/format';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { carryOut, QueryTable } from './table';

const words = text.admin.quarantine;

function ReleaseDialog({ row, onClose }: { row: Quarantined; onClose: () => void }) {
  const sites = useUser()?.sites ?? [];
  const queries = useQueryClient();
  const [site, setSite] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const ready = site !== null && reason.trim() !== '';

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (site === null || !ready) return;
    const done = await carryOut(
      () => releaseQuarantined(row.id, site, reason.trim()),
      setProblem,
    );
    if (!done) return;
    await queries.invalidateQueries({ queryKey: ['quarantine'] });
    onClose();
  }

  return (
    <Modal opened onClose={onClose} title={words.releaseTitle}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <Select
          label={words.site}
          placeholder={text.common.chooseOne}
          value={site}
          data={sites.map((one) => ({ value: one.id, label: one.name }))}
          onChange={setSite}
          required
        />
        <Textarea
          label={text.common.reason}
          value={reason}
          maxLength={200}
          required
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {problem === null ? null : (
          <Notice kind="fail" title={words.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={!ready}>
            {words.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}

export function QuarantineTab() {
  const query = useQuery({ queryKey: ['quarantine'], queryFn: readQuarantine });
  const [asked, setAsked] = useState<Quarantined | null>(null);
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <QueryTable
        query={query}
        name={text.admin.tabs.quarantine}
        heads={[words.arrived, words.from, words.study, words.images, words.why, '']}
        empty={words.empty}
      >
        {(row) => (
          <tr key={row.id}>
            <td className="when">{formatExact(row.arrived_at)}</td>
            <td>
              {row.called_aet || '–'} / {row.calling_aet || '–'}
            </td>
            <td>
              {row.modality} <span className="t3">{row.study_uid}</span>
            </td>
            <td>{formatInteger(row.n_images)}</td>
            <td className="t2">{row.reason}</td>
            <td className="end">
              <button type="button" className="btn small" onClick={() => setAsked(row)}>
                {words.release}
              </button>
            </td>
          </tr>
        )}
      </QueryTable>
      {asked ? <ReleaseDialog row={asked} onClose={() => setAsked(null)} /> : null}
    </>
  );
}
