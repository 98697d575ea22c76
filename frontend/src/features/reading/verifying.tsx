import { Modal, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { sendBackReading, verifyReading } from '@/api/signed-endpoints';
import { amendAndVerify } from '@/commands/reading/amend-and-verify';
import { sendBack } from '@/commands/reading/send-back';
import { verify } from '@/commands/reading/verify';
import { formatExact } from '@/domain/format';
import { isPreliminary } from '@/domain/model';
import { TO_VERIFY } from '@/domain/views';
import { carryOut } from '@/features/admin/table';
import { CommandKey } from '@/features/shell/command-key';
import { AmendForm } from '@/features/signed/amend-dialog';
import { chooseBuiltIn } from '@/state/list-views';
import { leaveMessage } from '@/state/message';
import { handOver, openItem } from '@/state/reading-session';
import { endAsking, getRoom, setRoom, useRoom } from '@/state/room';
import { useUser, useVocabulary } from '@/state/session';
import { text } from '@/text/en';
import { verifying as words } from '@/text/en-verify';
import { Notice } from '@/ui/primitives';

/** Back to the other preliminary readings that wait. */
function backToWaiting(navigate: (to: string) => void): void {
  chooseBuiltIn(TO_VERIFY);
  navigate('/');
}

/** Verifies what is looked at and goes back to what else waits. */
export function useVerifying() {
  const [, navigate] = useLocation();
  return () => {
    const { reading, item, mayVerify } = getRoom();
    if (!reading || !item || !mayVerify) return;
    void carryOut(
      async () => {
        await verifyReading(reading.id);
        leaveMessage(words.done(item.patient.name));
        backToWaiting(navigate);
      },
      (problem) => setRoom({ signProblem: problem }),
    );
  };
}

/** What this person may do with the preliminary reading. */
function Answers({ onVerify }: { onVerify: () => void }) {
  const mayVerify = useRoom((state) => state.mayVerify);
  const mayAmend = useRoom((state) => state.mayAmend);
  return (
    <>
      {mayVerify ? (
        <button type="button" className="btn primary small" onClick={onVerify}>
          {words.verify} <CommandKey command={verify} />
        </button>
      ) : null}
      {mayAmend ? (
        <button
          type="button"
          className="btn small"
          onClick={() => setRoom({ ask: { kind: 'amend' } })}
        >
          {mayVerify ? words.amend : words.amendOwn}{' '}
          <CommandKey command={amendAndVerify} />
        </button>
      ) : null}
      {mayVerify ? (
        <button
          type="button"
          className="btn small"
          onClick={() => setRoom({ ask: { kind: 'send_back' } })}
        >
          {words.sendBack} <CommandKey command={sendBack} />
        </button>
      ) : null}
    </>
  );
}

/** Above the images: that a reading is preliminary, and what one can do about it. */
export function PreliminaryNotice({ onVerify }: { onVerify: () => void }) {
  const reading = useRoom((state) => state.reading);
  const mayVerify = useRoom((state) => state.mayVerify);
  const problem = useRoom((state) => state.signProblem);
  const said = reading?.verification ?? null;
  if (!reading?.signed_at || !isPreliminary(said)) return null;
  const by = reading.signed_by ?? '';
  return (
    <Notice
      kind="warn"
      title={said?.state === 'sent_back' ? words.sentBack : words.preliminary}
      actions={<Answers onVerify={onVerify} />}
    >
      {words.signed(by, formatExact(reading.signed_at))}{' '}
      {said?.state === 'sent_back'
        ? words.list.reason(said.decided_by, said.reason)
        : mayVerify
          ? words.detail
          : words.waits}
      {problem ? <div role="alert">{`${words.failed}: ${problem}`}</div> : null}
    </Notice>
  );
}

/** Why a preliminary reading goes back to its reader. */
export function SendBackDialog() {
  const reading = useRoom((state) => state.reading);
  const patient = useRoom((state) => state.item?.patient.name ?? '');
  const [, navigate] = useLocation();
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const ready = reason.trim() !== '';
  if (!reading) return null;
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready || !reading) return;
    await carryOut(async () => {
      await sendBackReading(reading.id, reason.trim());
      setRoom({ ask: null });
      leaveMessage(words.gone(patient));
      backToWaiting(navigate);
    }, setProblem);
  }
  return (
    <Modal opened onClose={endAsking} title={words.dialog.title}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <p>{words.dialog.detail(reading.signed_by ?? '')}</p>
        <Textarea
          label={words.dialog.reason}
          value={reason}
          maxLength={400}
          autosize
          minRows={3}
          data-autofocus
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {problem === null ? null : (
          <Notice kind="fail" title={words.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={endAsking}>
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

/** Why the attending changes it: the amendment is final. */
export function AmendAndVerifyDialog() {
  const item = useRoom((state) => state.item);
  const user = useUser();
  const reasons = useVocabulary()?.amend_reasons ?? [];
  if (!item || !user) return null;
  return (
    <AmendForm
      item={item.id}
      patient={item.patient.name}
      reasons={reasons}
      onBegun={(answer) => {
        handOver(answer);
        void openItem(item.id, user.id);
      }}
      onClose={endAsking}
    />
  );
}
