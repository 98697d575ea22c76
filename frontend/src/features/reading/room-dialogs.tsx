import { Modal, Select, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { reject } from '@/domain/draft';
import { uidFrom, uuidFrom } from '@/domain/ids';
import type { AiRun, Finding } from '@/domain/model';
import { BandDialog } from '@/features/band/band-dialog';
import { Discussion } from '@/features/discussion/discussion';
import { followRow } from '@/state/reading-session';
import {
  type Ask,
  answerFinding,
  changeDraft,
  endAsking,
  geometryOf,
  setRoom,
  useRoom,
} from '@/state/room';
import { useVocabulary } from '@/state/session';
import { text } from '@/text/en';
import { discussion } from '@/text/en-discussion';
import { ConflictDialog, LeaveDialog } from './draft-dialogs';
import { CommitEmptyDialog } from './unaided';
import { AmendAndVerifyDialog, SendBackDialog } from './verifying';

function Actions({ submit, ready }: { submit: string; ready: boolean }) {
  return (
    <div className="form-actions">
      <button type="button" className="btn" onClick={endAsking}>
        {text.common.cancel}
      </button>
      <button type="submit" className="btn primary" aria-disabled={!ready}>
        {submit}
      </button>
    </div>
  );
}

/** The digit that was pressed for this form; 0 when it was for something else. */
function digitOf(event: KeyboardEvent): number {
  const inField = event.target instanceof HTMLTextAreaElement;
  // The stroke that asked for the form is still on its way when it opens.
  const elsewhere = inField || event.defaultPrevented;
  if (elsewhere || event.ctrlKey || event.altKey || event.metaKey) return 0;
  return /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
}

/** Digits count from the first moment on, wherever the focus is. */
function useDigits(take: (digit: number) => boolean): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const digit = digitOf(event);
      if (digit > 0 && take(digit)) event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}

/** Why a finding is rejected: one of the coded reasons, by digit or by pointer. */
function RejectDialog({ finding }: { finding: Finding }) {
  const reasons = useVocabulary()?.reject_reasons ?? [];
  const [code, setCode] = useState<string | null>(null);
  const [words, setWords] = useState('');
  const ready = code !== null && (code !== 'other' || words.trim() !== '');
  const finish = (chosen: string, said: string) =>
    answerFinding(finding.id, reject(chosen, said.trim()));
  const choose = (chosen: string) => {
    setCode(chosen);
    if (chosen !== 'other' && words.trim() === '') finish(chosen, '');
  };
  useDigits((digit) => {
    const reason = reasons[digit - 1];
    if (reason) choose(reason.code);
    return reason !== undefined;
  });
  return (
    <Modal
      opened
      onClose={endAsking}
      title={text.room.reject.title(finding.label.display)}
    >
      <form
        className="form-column"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) finish(code, words);
        }}
      >
        <ul className="reasons">
          {reasons.map((reason, index) => (
            <li key={reason.code}>
              <button
                type="button"
                className="verdict"
                aria-pressed={code === reason.code}
                data-autofocus={index === 0 ? true : undefined}
                onClick={() => choose(reason.code)}
              >
                {index < 9 ? <kbd className="kbd">{index + 1}</kbd> : null}
                {reason.display}
              </button>
            </li>
          ))}
        </ul>
        {code === null || code === 'other' ? (
          <Textarea
            label={text.common.words}
            value={words}
            maxLength={2000}
            autosize
            minRows={2}
            error={
              code === 'other' && words.trim() === '' ? text.room.reject.needText : null
            }
            onChange={(event) => setWords(event.currentTarget.value)}
          />
        ) : null}
        <Actions submit={text.room.reject.submit} ready={ready} />
      </form>
    </Modal>
  );
}

const isDone = ({ state }: AiRun) => state === 'done';

/** What the box that was just drawn is. */
function LabelDialog({ ask }: { ask: Extract<Ask, { kind: 'label' }> }) {
  const labels = useVocabulary()?.labels ?? [];
  const last = useRoom((state) => state.lastLabel);
  const aiHasRead = useRoom(({ ai }) => ai?.visible === true && ai.runs.some(isDone));
  // Only the reader's own last word stands there: what it is, nobody suggests.
  const [code, setCode] = useState<string | null>(last?.code ?? null);
  const [note, setNote] = useState('');
  const label = labels.find((one) => one.code === code) ?? null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!label) return;
    const id = uuidFrom(crypto.getRandomValues(new Uint8Array(16)));
    changeDraft({
      type: 'add',
      annotation: {
        id,
        tracking_uid: uidFrom(crypto.getRandomValues(new Uint8Array(16))),
        label,
        geometry: geometryOf(ask),
        text: note.trim(),
        missed_by_ai: aiHasRead,
      },
    });
    setRoom({ ask: null, lastLabel: label, activeAnnotation: id });
  };
  return (
    <Modal opened onClose={endAsking} title={text.room.missed.title}>
      <form className="form-column" onSubmit={submit}>
        <Select
          label={text.room.missed.label}
          placeholder={text.room.missed.choose}
          value={code}
          data={labels.map((one) => ({ value: one.code, label: one.display }))}
          onChange={setCode}
          error={labels.length === 0 ? text.room.missed.noLabels : null}
          allowDeselect={false}
          searchable
          selectFirstOptionOnChange
          data-autofocus
        />
        <TextInput
          label={text.room.missed.text}
          value={note}
          maxLength={500}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <Actions submit={text.room.missed.submit} ready={label !== null} />
      </form>
    </Modal>
  );
}

/** What people write about the study that is read. */
function DiscussionDialog() {
  const item = useRoom((state) => state.item);
  if (!item) return null;
  const title = discussion.title(item.patient.name);
  return (
    <Modal opened size="lg" onClose={endAsking} title={title}>
      <Discussion item={item.id} />
    </Modal>
  );
}

type ReadingAsk = Exclude<Ask, { readonly kind: 'band' | 'discussion' }>;

/** A form about what is being read. */
function ReadingDialog({
  ask,
  findings,
}: {
  ask: ReadingAsk;
  findings: readonly Finding[];
}) {
  switch (ask.kind) {
    case 'reject': {
      const finding = findings.find((one) => one.id === ask.finding);
      return finding ? <RejectDialog finding={finding} /> : null;
    }
    case 'conflict':
      return <ConflictDialog />;
    case 'leave':
      return <LeaveDialog />;
    case 'commit':
      return <CommitEmptyDialog />;
    case 'label':
      return <LabelDialog ask={ask} />;
    case 'send_back':
      return <SendBackDialog />;
    case 'amend':
      return <AmendAndVerifyDialog />;
    case 'modify':
      return null;
  }
}

/** The small forms that a command may ask for. */
export function RoomDialogs({ findings }: { findings: readonly Finding[] }) {
  const ask = useRoom((state) => state.ask);
  const item = useRoom((state) => state.item);
  if (ask === null) return null;
  if (ask.kind === 'discussion') return <DiscussionDialog />;
  if (ask.kind !== 'band') return <ReadingDialog ask={ask} findings={findings} />;
  return item ? (
    <BandDialog row={item} onClose={endAsking} onChanged={followRow} />
  ) : null;
}
