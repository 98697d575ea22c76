import { Modal } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { carryOut } from './table';

export interface ConfirmDialogProps {
  readonly title: string;
  /** What it will mean, and what stays. */
  readonly children: ReactNode;
  readonly submit: string;
  /** Said above the portal's own words when it refused. */
  readonly failed: string;
  readonly act: () => Promise<unknown>;
  /** Called whether or not it was carried out, so that a list can be read again. */
  readonly onTried: () => unknown;
  readonly onClose: () => void;
}

/** Asks before something that others will feel; the focus begins on Cancel. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const done = await carryOut(props.act, setProblem);
    setBusy(false);
    await props.onTried();
    if (done) props.onClose();
  }

  return (
    <Modal opened onClose={props.onClose} title={props.title}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <div className="t2">{props.children}</div>
        {problem === null ? null : (
          <Notice kind="fail" title={props.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" data-autofocus onClick={props.onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={busy}>
            {props.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}
