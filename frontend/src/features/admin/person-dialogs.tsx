import { Modal, PasswordInput, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { AdminUser } from '@/api/admin-types';
import { changePerson, resetPassword } from '@/api/people-endpoints';
import { text } from '@/text/en';
import { people } from '@/text/en-people';
import { Notice } from '@/ui/primitives';
import { ConfirmDialog } from './confirm-dialog';
import { carryOut } from './table';

interface PersonDialogProps {
  readonly user: AdminUser;
  readonly onClose: () => void;
}

interface PersonFormProps {
  readonly title: string;
  readonly submit: string;
  readonly ready: boolean;
  readonly act: () => Promise<unknown>;
  readonly onDone: () => void;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A small form about one account: what the portal says against it is shown in it. */
function PersonForm(props: PersonFormProps) {
  const queries = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!props.ready || busy) return;
    setBusy(true);
    const done = await carryOut(props.act, setProblem);
    setBusy(false);
    await queries.invalidateQueries({ queryKey: ['users'] });
    if (done) props.onDone();
  }

  return (
    <Modal opened onClose={props.onClose} title={props.title}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        {props.children}
        {problem === null ? null : (
          <Notice kind="fail" title={people.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={props.onClose}>
            {text.common.cancel}
          </button>
          <button
            type="submit"
            className="btn primary"
            aria-disabled={!props.ready || busy}
          >
            {props.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}

export function EditPersonDialog({ user, onClose }: PersonDialogProps) {
  const [name, setName] = useState(user.display_name);
  const [email, setEmail] = useState(user.email ?? '');
  return (
    <PersonForm
      title={people.editTitle(user.display_name)}
      submit={people.editSubmit}
      ready={name.trim() !== ''}
      act={() =>
        changePerson(user.id, { display_name: name.trim(), email: email.trim() })
      }
      onDone={onClose}
      onClose={onClose}
    >
      <TextInput
        label={text.admin.users.displayName}
        value={name}
        maxLength={150}
        autoComplete="off"
        required
        data-autofocus
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label={text.admin.users.email}
        type="email"
        value={email}
        autoComplete="off"
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
    </PersonForm>
  );
}

export interface ResetPasswordDialogProps extends PersonDialogProps {
  readonly onDone: () => void;
}

export function ResetPasswordDialog({ user, onDone, onClose }: ResetPasswordDialogProps) {
  const [password, setPassword] = useState('');
  return (
    <PersonForm
      title={people.resetTitle(user.display_name)}
      submit={people.resetSubmit}
      ready={password !== ''}
      act={() => resetPassword(user.id, password)}
      onDone={onDone}
      onClose={onClose}
    >
      <p className="t2">{people.resetDetail}</p>
      <PasswordInput
        label={people.resetPassword}
        description={people.password.freshHint}
        value={password}
        autoComplete="new-password"
        required
        data-autofocus
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
    </PersonForm>
  );
}

export function CloseAccountDialog({ user, onClose }: PersonDialogProps) {
  const queries = useQueryClient();
  return (
    <ConfirmDialog
      title={people.closeTitle(user.display_name)}
      submit={people.closeSubmit}
      failed={people.failed}
      act={() => changePerson(user.id, { is_active: false })}
      onTried={() => queries.invalidateQueries({ queryKey: ['users'] })}
      onClose={onClose}
    >
      <p>{people.closeDetail}</p>
    </ConfirmDialog>
  );
}
