import { Select, Textarea, TextInput } from '@mantine/core';
import type { Telling, TellingChoices } from '@/api/critical-endpoints';
import { localMoment } from '@/domain/critical';
import { text } from '@/text/en';
import { critical as words } from '@/text/en-critical';
import { Segments } from '@/ui/primitives';

/** A form half filled in: how a critical result is to be closed, or left open. */
export interface Telltale {
  readonly way: 'told' | 'why' | 'open' | null;
  readonly toldTo: string;
  readonly toldRole: string;
  readonly how: string | null;
  readonly toldAt: string;
  readonly readBack: 'yes' | 'no' | null;
  readonly reason: string | null;
  readonly reasonText: string;
}

export function blankTelltale(now: number): Telltale {
  return {
    way: null,
    toldTo: '',
    toldRole: '',
    how: null,
    toldAt: localMoment(now),
    readBack: null,
    reason: null,
    reasonText: '',
  };
}

/** What is still missing, in words; null when it can be recorded. */
export function gapOf(form: Telltale): string | null {
  if (form.way === 'told') {
    const whole =
      form.toldTo.trim() && form.how && form.readBack && Date.parse(form.toldAt);
    return whole ? null : words.incomplete;
  }
  if (form.way === 'why') {
    if (form.reason === null) return words.incompleteWhy;
    return form.reason === 'other' && !form.reasonText.trim()
      ? text.common.sayWhat
      : null;
  }
  return null;
}

/** The answer that a whole form gives; null leaves the result open. */
export function tellingOf(form: Telltale): Telling | null {
  if (gapOf(form) !== null) return null;
  if (form.way === 'told') {
    return {
      told_to: form.toldTo.trim(),
      told_role: form.toldRole.trim(),
      how: form.how ?? '',
      told_at: new Date(form.toldAt).toISOString(),
      read_back: form.readBack === 'yes',
    };
  }
  if (form.way === 'why') {
    return { reason_code: form.reason ?? '', reason_text: form.reasonText.trim() };
  }
  return null;
}

export interface ToldFieldsProps {
  readonly form: Telltale;
  readonly choices: TellingChoices;
  /** Leaving it open is offered where the result does not exist yet. */
  readonly mayLeaveOpen: boolean;
  readonly label: string;
  readonly onChange: (form: Telltale) => void;
}

/** Who was told of one critical finding, how, when, read back; or why nobody was. */
export function ToldFields(props: ToldFieldsProps) {
  const { form, choices, onChange } = props;
  const set = (change: Partial<Telltale>) => onChange({ ...form, ...change });
  const ways = (['told', 'why', 'open'] as const).filter(
    (way) => way !== 'open' || props.mayLeaveOpen,
  );
  return (
    <div className="form-column">
      <Segments
        label={words.chooseWay(props.label)}
        value={form.way}
        choices={ways.map((value) => ({ value, label: words.ways[value] }))}
        onChoose={(way) => set({ way })}
      />
      {form.way === 'told' ? (
        <>
          <div className="told-row">
            <TextInput
              label={words.toldTo}
              placeholder={words.toldToHint}
              value={form.toldTo}
              maxLength={160}
              required
              data-autofocus
              onChange={(event) => set({ toldTo: event.currentTarget.value })}
            />
            <TextInput
              label={words.toldRole}
              value={form.toldRole}
              maxLength={80}
              onChange={(event) => set({ toldRole: event.currentTarget.value })}
            />
          </div>
          <div className="told-row">
            <Select
              label={words.how}
              placeholder={text.common.chooseOne}
              value={form.how}
              data={choices.how.map(({ code, display }) => ({
                value: code,
                label: display,
              }))}
              onChange={(how) => set({ how })}
              required
            />
            <TextInput
              type="datetime-local"
              label={words.toldAt}
              value={form.toldAt}
              onChange={(event) => set({ toldAt: event.currentTarget.value })}
              required
            />
          </div>
          <div className="told-back">
            <span>{words.readBack}</span>
            <Segments
              label={words.readBack}
              value={form.readBack}
              choices={[
                { value: 'yes', label: words.yes },
                { value: 'no', label: words.no },
              ]}
              onChoose={(readBack) => set({ readBack })}
            />
          </div>
        </>
      ) : null}
      {form.way === 'why' ? (
        <>
          <Select
            label={words.whyNot}
            placeholder={text.common.chooseOne}
            value={form.reason}
            data={choices.why_not.map(({ code, display }) => ({
              value: code,
              label: display,
            }))}
            onChange={(reason) => set({ reason })}
            required
          />
          <Textarea
            label={words.words}
            value={form.reasonText}
            maxLength={400}
            autosize
            minRows={2}
            required={form.reason === 'other'}
            onChange={(event) => set({ reasonText: event.currentTarget.value })}
          />
        </>
      ) : null}
    </div>
  );
}
