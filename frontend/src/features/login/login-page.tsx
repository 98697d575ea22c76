import './login.css';
import { TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ApiError, OfflineError } from '@/api/client';
import { login } from '@/api/endpoints';
import { SESSION_KEY } from '@/state/session';
import { text } from '@/text/en';
import { Brand, Notice } from '@/ui/primitives';

/** Minutes until a locked account opens, where the portal says so. */
function lockedMinutes(error: ApiError): number | null {
  const seconds = Number(error.body['retry_after_s'] ?? error.body['retry_after']);
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds / 60) : null;
}

function problemOf(error: unknown): string {
  if (error instanceof OfflineError) return text.login.offline;
  if (!(error instanceof ApiError)) return text.login.failed;
  if (error.status === 429) return text.login.locked(lockedMinutes(error));
  return error.status === 401 || error.status === 400
    ? text.login.wrong
    : text.login.failed;
}

export function LoginPage() {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem('');
    try {
      const session = await login(
        String(form.get('username') ?? '').trim(),
        String(form.get('password') ?? ''),
      );
      queries.setQueryData(SESSION_KEY, session);
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="login">
      <form onSubmit={(event) => void submit(event)} aria-labelledby="login-title">
        <Brand />
        <h1 id="login-title">{text.login.title}</h1>
        {problem === '' ? null : <Notice kind="fail" title={problem} assertive />}
        <TextInput
          name="username"
          label={text.login.username}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          autoFocus
        />
        <TextInput
          type="password"
          name="password"
          label={text.login.password}
          autoComplete="current-password"
          required
        />
        <button type="submit" className="btn primary" aria-disabled={busy}>
          {busy ? text.login.working : text.login.submit}
        </button>
        <p className="t3">{text.login.notice}</p>
      </form>
    </main>
  );
}
