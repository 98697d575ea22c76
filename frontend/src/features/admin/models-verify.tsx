import { type ReactNode, useState } from 'react';
import { verifyModel } from '@/api/model-import-endpoints';
import { modelsAdd as words } from '@/text/en-models-add';
import { Notice } from '@/ui/primitives';
import { wordsOf } from './table';

interface Said {
  readonly model: string;
  readonly problem: string;
}

/** A button that has the portal check a model again, and what came of it. */
export function useVerify(onTried: () => unknown) {
  const [said, setSaid] = useState<Said | null>(null);
  async function check(id: string, model: string): Promise<void> {
    setSaid(null);
    const problem = await verifyModel(id).catch(wordsOf);
    setSaid({ model, problem });
    await onTried();
  }
  const button = (id: string, model: string): ReactNode => (
    <button
      type="button"
      className="btn small"
      aria-label={words.verifyLabel(model)}
      onClick={() => void check(id, model)}
    >
      {words.verify}
    </button>
  );
  const good = said?.problem === '';
  return {
    button,
    said: said ? (
      <Notice
        kind={good ? 'good' : 'fail'}
        title={good ? words.verifyGood(said.model) : words.verifyBad(said.model)}
      >
        {said.problem}
      </Notice>
    ) : null,
  };
}
