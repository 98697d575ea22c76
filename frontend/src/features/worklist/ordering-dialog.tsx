import { Modal, Select, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { switchAiOrdering } from '@/api/endpoints';
import type { Site } from '@/domain/model';
import { loadList } from '@/state/worklist';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';

export interface OrderingDialogProps {
  readonly enable: boolean;
  readonly sites: readonly Site[];
  readonly onClose: () => void;
}

/** The off-switch: confirmed, with a reason, at one site. */
export function OrderingDialog({ enable, sites, onClose }: OrderingDialogProps) {
  const [site, setSite] = useState(sites[0]?.id ?? '');
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const ready = site !== '' && reason.trim() !== '';

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready) return;
    try {
      await switchAiOrdering(site, enable, reason.trim());
      onClose();
      await loadList();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : '');
    }
  }

  return (
    <Modal opened onClose={onClose} title={enable ? text.ordering.on : text.ordering.off}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <p className="t2">{enable ? text.ordering.onDetail : text.ordering.offDetail}</p>
        <Select
          label={text.ordering.site}
          value={site}
          data={sites.map((one) => ({ value: one.id, label: one.name }))}
          onChange={(value) => setSite(value ?? '')}
          allowDeselect={false}
        />
        <Textarea
          label={text.common.reason}
          value={reason}
          maxLength={200}
          autosize
          minRows={2}
          required
          data-autofocus
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {problem === null ? null : (
          <Notice kind="fail" title={text.ordering.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={!ready}>
            {enable ? text.ordering.submitOn : text.ordering.submitOff}
          </button>
        </div>
      </form>
    </Modal>
  );
}
