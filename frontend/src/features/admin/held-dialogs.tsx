import { Checkbox, Modal, Select, Textarea } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { Quarantined } from '@/api/admin-types';
import { ApiError } from '@/api/client';
import { releaseQuarantined } from '@/api/endpoints';
import { decideHeld } from '@/api/held-endpoints';
import type { HeldAction } from '@/api/held-types';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { held as words } from '@/text/en-held';
import { Notice } from '@/ui/primitives';
import { carryOut } from './table';

interface DialogProps {
  readonly row: Quarantined;
  readonly onClose: () => void;
  /** Called when the portal took the decision. */
  readonly onDone: () => void;
}

interface ReasonFormProps extends DialogProps {
  readonly title: string;
  readonly failed: string;
  readonly submit: string;
  /** What is still missing, as the button says it; empty when nothing is. */
  readonly lack: string;
  readonly hint?: string;
  readonly act: (reason: string) => Promise<void>;
  readonly children: ReactNode;
}

async function orWhoWasFirst(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    const late = error instanceof ApiError && error.code === 'decided';
    throw late ? new Error(words.decidedBefore) : error;
  }
}

/** A dialog that asks for a reason; only a whole answer can be sent, and only once. */
function ReasonForm(props: ReasonFormProps) {
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const lack = props.lack || (reason.trim() === '' ? words.lacksReason : '');
  const ready = lack === '' && !busy;

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    const change = () => orWhoWasFirst(props.act(reason.trim()));
    const done = await carryOut(change, setProblem);
    setBusy(false);
    await queries.invalidateQueries({ queryKey: ['quarantine'] });
    if (done) props.onDone();
  }

  return (
    <Modal opened onClose={props.onClose} title={props.title}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        {props.children}
        <Textarea
          label={text.common.reason}
          placeholder={props.hint ?? ''}
          value={reason}
          maxLength={200}
          required
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {problem === null ? null : (
          <Notice kind="fail" title={props.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={props.onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={!ready}>
            {lack || props.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}

function ReleaseDialog(props: DialogProps) {
  const sites = useUser()?.sites ?? [];
  const [site, setSite] = useState<string | null>(null);
  const release = text.admin.quarantine;
  return (
    <ReasonForm
      {...props}
      title={release.releaseTitle}
      failed={release.failed}
      submit={release.submit}
      lack={site === null ? words.lacksSite : ''}
      act={async (reason) => {
        if (site !== null) await releaseQuarantined(props.row.id, site, reason);
      }}
    >
      <Select
        label={release.site}
        placeholder={text.common.chooseOne}
        value={site}
        data={sites.map((one) => ({ value: one.id, label: one.name }))}
        onChange={setSite}
        required
      />
    </ReasonForm>
  );
}

function DecisionDialog({
  decision,
  ...props
}: DialogProps & { decision: 'keep' | 'accept' }) {
  const [compared, setCompared] = useState(false);
  const said = words.decisions[decision];
  return (
    <ReasonForm
      {...props}
      title={said.title}
      failed={words.notDecided}
      submit={said.submit}
      lack={compared ? '' : words.lacksCompared}
      hint={words.reasonHint}
      act={(reason) => decideHeld(props.row.id, decision, reason)}
    >
      <Notice kind={decision === 'accept' ? 'warn' : 'note'} title={said.warning}>
        {said.detail}
      </Notice>
      <Checkbox
        label={words.confirm}
        checked={compared}
        onChange={(event) => setCompared(event.currentTarget.checked)}
      />
    </ReasonForm>
  );
}

/** The dialog of one of the decisions about what is held. */
export function HeldDialog({ action, ...props }: DialogProps & { action: HeldAction }) {
  if (action === 'assign') return <ReleaseDialog {...props} />;
  return <DecisionDialog {...props} decision={action} />;
}
