import { Modal, PasswordInput, Select, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { addUser } from '@/api/endpoints';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { carryOut } from './table';

const words = text.admin.users;

export const ROLE_CHOICES = Object.entries(words.roles).map(([value, label]) => ({
  value,
  label,
}));

const EMPTY = {
  username: '',
  display_name: '',
  email: '',
  password: '',
  site: '',
  role: '',
};

export interface AddUserDialogProps {
  readonly onClose: () => void;
  readonly onAdded: (name: string) => void;
}

/** A new account with its first role at one site. */
export function AddUserDialog({ onClose, onAdded }: AddUserDialogProps) {
  const sites = useUser()?.sites ?? [];
  const queries = useQueryClient();
  const [given, setGiven] = useState(EMPTY);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const ready = Object.entries(given).every(
    ([name, value]) => name === 'email' || value.trim() !== '',
  );
  const set = (name: keyof typeof EMPTY) => (value: string | null) =>
    setGiven((now) => ({ ...now, [name]: value ?? '' }));

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    const { email, ...rest } = given;
    const user = email.trim() === '' ? rest : { ...rest, email: email.trim() };
    const done = await carryOut(() => addUser(user), setProblem);
    setBusy(false);
    if (!done) return;
    await queries.invalidateQueries({ queryKey: ['users'] });
    onAdded(given.display_name);
  }

  return (
    <Modal opened onClose={onClose} title={words.addTitle}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <TextInput
          label={words.username}
          description={words.usernameHint}
          value={given.username}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={150}
          required
          data-autofocus
          onChange={(event) => set('username')(event.currentTarget.value)}
        />
        <TextInput
          label={words.displayName}
          value={given.display_name}
          autoComplete="off"
          maxLength={150}
          required
          onChange={(event) => set('display_name')(event.currentTarget.value)}
        />
        <TextInput
          label={words.email}
          type="email"
          value={given.email}
          autoComplete="off"
          onChange={(event) => set('email')(event.currentTarget.value)}
        />
        <PasswordInput
          label={words.password}
          description={words.passwordHint}
          value={given.password}
          autoComplete="new-password"
          required
          onChange={(event) => set('password')(event.currentTarget.value)}
        />
        <Select
          label={words.site}
          placeholder={text.common.chooseOne}
          value={given.site || null}
          data={sites.map((one) => ({ value: one.id, label: one.name }))}
          onChange={set('site')}
          required
        />
        <Select
          label={words.role}
          placeholder={text.common.chooseOne}
          value={given.role || null}
          data={ROLE_CHOICES}
          onChange={set('role')}
          required
        />
        {problem === null ? null : (
          <Notice kind="fail" title={words.notAdded} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={!ready || busy}>
            {words.addSubmit}
          </button>
        </div>
      </form>
    </Modal>
  );
}
