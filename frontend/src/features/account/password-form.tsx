import { Modal, PasswordInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { changePassword } from '@/api/people-endpoints';
import { carryOut } from '@/features/admin/table';
import { SESSION_KEY, useLogout } from '@/state/session';
import { text } from '@/text/en';
import { people } from '@/text/en-people';
import { Brand, Notice } from '@/ui/primitives';

const words = people.password;
const EMPTY = { current: '', fresh: '', again: '' };

interface PasswordFormProps {
  readonly onDone: () => void;
  readonly leaving: { readonly name: string; readonly leave: () => void };
}

function PasswordForm({ onDone, leaving }: PasswordFormProps) {
  const queries = useQueryClient();
  const [given, setGiven] = useState(EMPTY);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const differ = given.again !== '' && given.again !== given.fresh;
  const ready = Object.values(given).every((value) => value !== '') && !differ;
  const set = (name: keyof typeof EMPTY) => ({
    value: given[name],
    onChange: (event: { currentTarget: HTMLInputElement }) => {
      const { value } = event.currentTarget;
      setGiven((now) => ({ ...now, [name]: value }));
    },
  });

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    const done = await carryOut(async () => {
      const session = await changePassword(given.current, given.fresh);
      queries.setQueryData(SESSION_KEY, session);
    }, setProblem);
    setBusy(false);
    if (done) onDone();
  }

  return (
    <form className="form-column" onSubmit={(event) => void submit(event)}>
      <PasswordInput
        label={words.current}
        autoComplete="current-password"
        required
        data-autofocus
        autoFocus
        {...set('current')}
      />
      <PasswordInput
        label={words.fresh}
        description={words.freshHint}
        autoComplete="new-password"
        required
        {...set('fresh')}
      />
      <PasswordInput
        label={words.again}
        autoComplete="new-password"
        error={differ ? words.differ : null}
        required
        {...set('again')}
      />
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
      <div className="form-actions">
        <button type="button" className="btn" onClick={leaving.leave}>
          {leaving.name}
        </button>
        <button type="submit" className="btn primary" aria-disabled={!ready || busy}>
          {words.submit}
        </button>
      </div>
    </form>
  );
}

/** Asked for in one's own menu. */
export function PasswordDialog({ onClose }: { onClose: () => void }) {
  const [done, setDone] = useState(false);
  return (
    <Modal opened onClose={onClose} title={words.title}>
      {done ? (
        <div className="form-column">
          <output>{words.done}</output>
          <div className="form-actions">
            <button type="button" className="btn primary" onClick={onClose}>
              {text.common.close}
            </button>
          </div>
        </div>
      ) : (
        <PasswordForm
          onDone={() => setDone(true)}
          leaving={{ name: text.common.cancel, leave: onClose }}
        />
      )}
    </Modal>
  );
}

/** All there is for whoever logged in with a password that an admin gave. */
export function PasswordPage() {
  const leave = useLogout();
  return (
    <main className="login">
      <section aria-labelledby="password-title">
        <Brand />
        <h1 id="password-title">{words.mustTitle}</h1>
        <p className="t2">{words.mustDetail}</p>
        <PasswordForm
          onDone={() => undefined}
          leaving={{ name: words.leave, leave: () => void leave() }}
        />
      </section>
    </main>
  );
}
