import { Modal, Select, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { amendItem, type SignedPage, type SignedReading } from '@/api/signed-endpoints';
import type { Id, LeaseAnswer } from '@/domain/model';
import { carryOut } from '@/features/admin/table';
import { handOver } from '@/state/reading-session';
import { text } from '@/text/en';
import { signed as words } from '@/text/en-signed';
import { Notice } from '@/ui/primitives';

/** Why a signed reading is amended; then the room opens with a copy of it. */
export function AmendDialog(props: {
  reading: SignedReading;
  reasons: SignedPage['reasons'];
  onClose: () => void;
}) {
  const { reading, reasons, onClose } = props;
  const [, navigate] = useLocation();
  const item = reading.item_id;
  if (item === null) return null;
  return (
    <AmendForm
      item={item}
      patient={reading.patient.name}
      reasons={reasons}
      onBegun={(answer) => {
        handOver(answer);
        navigate(`/read/${item}`);
      }}
      onClose={onClose}
    />
  );
}

interface AmendFormProps {
  readonly item: Id;
  readonly patient: string;
  readonly reasons: SignedPage['reasons'];
  readonly onBegun: (answer: LeaseAnswer) => void;
  readonly onClose: () => void;
}

/** Asks why a signed reading is amended, and begins the amendment. */
export function AmendForm({ item, patient, ...props }: AmendFormProps) {
  const { onClose } = props;
  const [code, setCode] = useState<string | null>(null);
  const [note, setNote] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const needsWords = code === 'other' && note.trim() === '';
  const ready = code !== null && !needsWords;

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (code === null || needsWords) return;
    const why = { reason_code: code, reason_text: note.trim() };
    await carryOut(async () => props.onBegun(await amendItem(item, why)), setProblem);
  }

  return (
    <Modal opened onClose={onClose} title={words.dialog.title(patient)}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <p>{words.dialog.detail}</p>
        <Select
          label={text.common.reason}
          placeholder={text.common.chooseOne}
          value={code}
          data={props.reasons.map((one) => ({ value: one.code, label: one.display }))}
          onChange={setCode}
          required
          data-autofocus
        />
        <Textarea
          label={words.dialog.words}
          error={needsWords ? text.common.sayWhat : null}
          value={note}
          maxLength={400}
          autosize
          minRows={2}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        {problem === null ? null : (
          <Notice kind="fail" title={words.dialog.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={!ready}>
            {words.dialog.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}
