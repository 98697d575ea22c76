import { Select, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { SlotVersion } from '@/api/slot-endpoints';
import { slots as words } from '@/text/en-slots';
import { Notice } from '@/ui/primitives';
import { carryOut } from '../table';

export interface SlotPartProps {
  readonly slot: SlotVersion;
  readonly mayChange: boolean;
  /** A change was carried out; this version holds now. */
  readonly onChanged: (slot: SlotVersion) => void;
}

export const modelName = (slot: SlotVersion) =>
  `${slot.model.name} ${slot.model.version}`;

interface FindingSelectProps {
  readonly slot: SlotVersion;
  readonly code: string;
  readonly onChoose: (code: string) => void;
}

/** Which of a model's findings a part is about; nothing where there is one. */
export function FindingSelect({ slot, code, onChoose }: FindingSelectProps) {
  if (slot.outputs.length < 2) return null;
  return (
    <Select
      className="slot-finding"
      label={words.finding}
      value={code}
      data={slot.outputs.map((one) => ({ value: one.code, label: one.display }))}
      allowDeselect={false}
      onChange={(value) => onChoose(value ?? code)}
    />
  );
}

interface HoldFormProps {
  readonly submit: string;
  /** Why there is nothing to let hold; '' when there is. */
  readonly nothing: string;
  readonly act: (reason: string) => Promise<SlotVersion>;
  readonly onChanged: (slot: SlotVersion) => void;
  readonly children?: ReactNode;
}

/** Lets something hold as a new version of a slot, with a reason. */
export function HoldForm(props: HoldFormProps) {
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const ready = props.nothing === '' && reason.trim() !== '' && !busy;

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    await carryOut(async () => {
      props.onChanged(await props.act(reason.trim()));
    }, setProblem);
    setBusy(false);
  }

  return (
    <form className="form-column slot-form" onSubmit={(event) => void submit(event)}>
      {props.children}
      <TextInput
        label={words.reason}
        description={words.reasonHint}
        value={reason}
        maxLength={400}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
      <div className="form-actions">
        <output>{props.nothing}</output>
        <button type="submit" className="btn primary" aria-disabled={!ready}>
          {props.submit}
        </button>
      </div>
    </form>
  );
}
