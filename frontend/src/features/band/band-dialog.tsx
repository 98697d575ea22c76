import { Modal, Select, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { changeBand } from '@/api/endpoints';
import type { Band, Row } from '@/domain/model';
import { useVocabulary } from '@/state/session';
import { text } from '@/text/en';
import { Notice, Segments } from '@/ui/primitives';

export interface BandDialogProps {
  readonly row: Row;
  readonly onClose: () => void;
  readonly onChanged: (row: Row) => void;
}

const BANDS: readonly Band[] = ['STAT', 'PRIORITY', 'ROUTINE'];

/** A clinician's band over the AI's or the site's, up or down, with a reason. */
export function BandDialog({ row, onClose, onChanged }: BandDialogProps) {
  const vocabulary = useVocabulary();
  const [band, setBand] = useState<Band | null>(null);
  const [code, setCode] = useState<string | null>(null);
  const [note, setNote] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const needsWords = code === 'other' && note.trim() === '';
  const ready = band !== null && code !== null && !needsWords;

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (band === null || code === null || needsWords) return;
    try {
      const change = { band, reason_code: code, reason_text: note.trim() };
      onChanged(await changeBand(row.id, change));
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : '');
    }
  }

  return (
    <Modal opened onClose={onClose} title={`${text.band.title}: ${row.patient.name}`}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <Segments<Band>
          label={text.band.band}
          value={band}
          choices={BANDS.filter(
            (one) => one !== row.band || row.band_source !== 'clinician',
          ).map((value) => ({ value, label: text.bands[value] }))}
          onChoose={setBand}
        />
        <Select
          label={text.common.reason}
          placeholder={text.common.chooseOne}
          value={code}
          data={(vocabulary?.band_reasons ?? []).map((one) => ({
            value: one.code,
            label: one.display,
          }))}
          onChange={setCode}
          required
        />
        <Textarea
          label={text.band.reasonText}
          description={text.band.reasonHint}
          error={needsWords ? text.common.sayWhat : null}
          value={note}
          maxLength={400}
          autosize
          minRows={2}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        {problem === null ? null : (
          <Notice kind="fail" title={text.band.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={!ready}>
            {text.band.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}
