import './critical.css';
import { Modal } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import {
  type Critical,
  closeCritical,
  type TellingChoices,
} from '@/api/critical-endpoints';
import { portalNow } from '@/state/clock';
import { useCriticalRefresh } from '@/state/critical';
import { text } from '@/text/en';
import { critical as words } from '@/text/en-critical';
import { Notice } from '@/ui/primitives';
import { blankTelltale, gapOf, ToldFields, tellingOf } from './told-fields';

export interface CloseDialogProps {
  readonly result: Critical;
  readonly choices: TellingChoices;
  readonly onClose: () => void;
}

/** Closes a critical result: who was told of it, or why nobody was. */
export function CloseDialog({ result, choices, onClose }: CloseDialogProps) {
  const [form, setForm] = useState(() => blankTelltale(portalNow()));
  const [problem, setProblem] = useState<string | null>(null);
  const refresh = useCriticalRefresh();
  const telling = tellingOf(form);
  const gap = gapOf(form);
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!telling) return;
    try {
      await closeCritical(result.id, telling);
      refresh();
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : '');
      refresh();
    }
  }
  return (
    <Modal
      opened
      size="lg"
      onClose={onClose}
      title={words.closeTitle(result.label.display)}
    >
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <p className="t2">
          {result.patient.name} · {result.study.description || result.study.modality}
        </p>
        <ToldFields
          form={form}
          choices={choices}
          mayLeaveOpen={false}
          label={result.label.display}
          onChange={setForm}
        />
        {problem === null ? null : (
          <Notice kind="fail" title={words.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          {form.way !== null && gap ? <span className="why-not grow">{gap}</span> : null}
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={telling === null}>
            {words.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}
