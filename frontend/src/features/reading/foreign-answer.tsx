import { type ForeignItem, type ForeignObject, nameOf } from '@/domain/foreign';
import type { ForeignAnswer } from '@/domain/model';
import { itemId } from '@/state/foreign';
import { answerForeign } from '@/state/foreign-answers';
import { canWrite, useRoom } from '@/state/room';
import { useVocabulary } from '@/state/session';
import { foreign as words } from '@/text/en-foreign';
import { Glyph } from '@/ui/glyph';

/** The reader's answer to an item, if there is one. */
export function useAnswer(object: ForeignObject, item: ForeignItem) {
  return useRoom(
    (state) => state.draft.content.foreign?.[itemId(object, item.key)] ?? null,
  );
}

/** In a word beside the name, what the reader answered. */
export function AnswerWord({ answer }: { answer: ForeignAnswer | null }) {
  if (!answer) return null;
  const accepted = answer.verdict === 'accept';
  return (
    <span className={accepted ? 'answer-word yes' : 'answer-word no'}>
      <Glyph name={accepted ? 'check' : 'cross'} small />
      {accepted ? words.accepted : words.rejected}
    </span>
  );
}

interface WhyProps {
  readonly object: ForeignObject;
  readonly item: ForeignItem;
  readonly answer: ForeignAnswer;
}

function Why({ object, item, answer }: WhyProps) {
  const reasons = useVocabulary()?.reject_reasons ?? [];
  return (
    <span className="answer-why">
      <select
        aria-label={words.why}
        value={answer.reason_code}
        onChange={(event) =>
          answerForeign(object, item, 'reject', { reason: event.currentTarget.value })
        }
      >
        <option value="">{words.whyFirst}</option>
        {reasons.map((one) => (
          <option key={one.code} value={one.code}>
            {one.display}
          </option>
        ))}
      </select>
      {answer.reason_code === 'other' ? (
        <input
          aria-label={words.inWords}
          placeholder={words.inWords}
          value={answer.reason_text}
          maxLength={2000}
          onChange={(event) =>
            answerForeign(object, item, 'reject', { text: event.currentTarget.value })
          }
        />
      ) : null}
    </span>
  );
}

export interface AnswerProps {
  readonly object: ForeignObject;
  readonly item: ForeignItem;
  readonly place: number;
  /** Null where the item cannot be copied. */
  readonly onCopy: (() => void) | null;
}

/** Accept, reject with a reason, or copy: the object itself is never changed. */
export function Answer({ object, item, place, onCopy }: AnswerProps) {
  const answer = useAnswer(object, item);
  const writable = useRoom(canWrite);
  const say = (verdict: 'accept' | 'reject') => {
    const same = answer?.verdict === verdict;
    answerForeign(object, item, same ? null : verdict);
  };
  const button = (verdict: 'accept' | 'reject', label: string) => (
    <button
      type="button"
      className="btn small"
      aria-pressed={answer?.verdict === verdict}
      aria-disabled={!writable}
      title={answer?.verdict === verdict ? words.takeBack : undefined}
      onClick={() => say(verdict)}
    >
      {label}
    </button>
  );
  return (
    <fieldset className="answer" aria-label={words.answers(nameOf(item, place))}>
      {button('accept', words.accept)}
      {button('reject', words.reject)}
      {onCopy ? (
        <button
          type="button"
          className="btn small"
          aria-disabled={!writable}
          title={words.copyTitle}
          onClick={onCopy}
        >
          {words.copy}
        </button>
      ) : null}
      {answer?.verdict === 'reject' ? (
        <Why object={object} item={item} answer={answer} />
      ) : null}
    </fieldset>
  );
}
