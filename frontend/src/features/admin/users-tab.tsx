import { Menu, Modal, Select } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { AdminUser, Membership } from '@/api/admin-types';
import { grantMembership, readUsers, revokeMembership } from '@/api/endpoints';
import { changePerson } from '@/api/people-endpoints';
import { formatExact } from '@/domain/format';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { people } from '@/text/en-people';
import { Glyph } from '@/ui/glyph';
import { Notice } from '@/ui/primitives';
import { AddUserDialog, ROLE_CHOICES } from './add-user-dialog';
import { ConfirmDialog } from './confirm-dialog';
import {
  CloseAccountDialog,
  EditPersonDialog,
  ResetPasswordDialog,
} from './person-dialogs';
import { carryOut, QueryTable } from './table';

const words = text.admin.users;

function GrantDialog({ user, onClose }: { user: AdminUser; onClose: () => void }) {
  const sites = useUser()?.sites ?? [];
  const queries = useQueryClient();
  const [site, setSite] = useState<string | null>(null);
  const [role, setRole] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (site === null || role === null) return;
    if (!(await carryOut(() => grantMembership(user.id, site, role), setProblem))) return;
    await queries.invalidateQueries({ queryKey: ['users'] });
    onClose();
  }

  return (
    <Modal opened onClose={onClose} title={words.grantTitle(user.display_name)}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <Select
          label={words.site}
          value={site}
          data={sites.map((one) => ({ value: one.id, label: one.name }))}
          onChange={setSite}
          required
        />
        <Select
          label={words.role}
          value={role}
          data={ROLE_CHOICES}
          onChange={setRole}
          required
        />
        {problem === null ? null : (
          <Notice kind="fail" title={words.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button
            type="submit"
            className="btn primary"
            aria-disabled={site === null || role === null}
          >
            {words.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}

interface MembershipsProps {
  readonly user: AdminUser;
  readonly onRevoke: (membership: Membership) => void;
}

function Memberships({ user, onRevoke }: MembershipsProps) {
  if (user.memberships.length === 0) {
    return <span className="t3">{words.noMembership}</span>;
  }
  return user.memberships.map((one) => {
    const role = words.roles[one.role] ?? one.role;
    return (
      <span key={one.id} className="tag">
        {role}, {one.site_name}
        <button
          type="button"
          className="icon-btn"
          aria-label={words.revoke(role, one.site_name)}
          title={words.revoke(role, one.site_name)}
          onClick={() => onRevoke(one)}
        >
          <Glyph name="cross" small />
        </button>
      </span>
    );
  });
}

interface Revoking {
  readonly user: AdminUser;
  readonly membership: Membership;
}

function RevokeDialog(props: { asked: Revoking; onClose: () => void }) {
  const { user, membership } = props.asked;
  const me = useUser();
  const queries = useQueryClient();
  const role = words.roles[membership.role] ?? membership.role;
  return (
    <ConfirmDialog
      title={words.revokeTitle(role, user.display_name)}
      submit={words.revokeSubmit}
      failed={words.failed}
      act={() => revokeMembership(membership.id)}
      onTried={() => queries.invalidateQueries({ queryKey: ['users'] })}
      onClose={props.onClose}
    >
      <p>{words.revokeDetail(membership.site_name)}</p>
      {user.id === me?.id ? <Notice kind="warn" title={words.revokeSelf} /> : null}
    </ConfirmDialog>
  );
}

type AskKind = 'role' | 'edit' | 'reset' | 'close';

interface Asked {
  readonly user: AdminUser;
  readonly kind: AskKind;
}

function PersonMenu({ user, ask }: { user: AdminUser; ask: (kind: AskKind) => void }) {
  const me = useUser();
  const queries = useQueryClient();
  const reopen = async () => {
    await changePerson(user.id, { is_active: true }).catch(() => undefined);
    await queries.invalidateQueries({ queryKey: ['users'] });
  };
  const mine = user.id === me?.id;
  return (
    <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <button
          type="button"
          className="btn small"
          aria-label={people.actions(user.display_name)}
        >
          {people.change} <Glyph name="down" small />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => ask('role')}>{people.role}</Menu.Item>
        <Menu.Item onClick={() => ask('edit')}>{people.edit}</Menu.Item>
        {mine ? null : <Menu.Item onClick={() => ask('reset')}>{people.reset}</Menu.Item>}
        {mine ? null : user.is_active === false ? (
          <Menu.Item onClick={() => void reopen()}>{people.open}</Menu.Item>
        ) : (
          <Menu.Item onClick={() => ask('close')}>{people.close}</Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

interface AskedDialogProps {
  readonly asked: Asked;
  readonly onClose: () => void;
  readonly onReset: () => void;
}

function AskedDialog({ asked: { user, kind }, onClose, onReset }: AskedDialogProps) {
  const given = { user, onClose };
  switch (kind) {
    case 'role':
      return <GrantDialog {...given} />;
    case 'edit':
      return <EditPersonDialog {...given} />;
    case 'reset':
      return <ResetPasswordDialog {...given} onDone={onReset} />;
    case 'close':
      return <CloseAccountDialog {...given} />;
  }
}

export function UsersTab() {
  const query = useQuery({ queryKey: ['users'], queryFn: readUsers });
  const [asked, setAsked] = useState<Asked | null>(null);
  const [revoking, setRevoking] = useState<Revoking | null>(null);
  const [adding, setAdding] = useState(false);
  const [said, setSaid] = useState('');

  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <div className="line-form">
        <button type="button" className="btn primary" onClick={() => setAdding(true)}>
          {words.add}
        </button>
        <output>{said}</output>
      </div>
      <QueryTable
        query={query}
        name={text.admin.tabs.users}
        heads={[words.user, words.memberships, words.lastLogin, '']}
        empty={text.common.none}
      >
        {(user) => (
          <tr key={user.id}>
            <td>
              {user.display_name} <span className="t3">{user.username}</span>
              {user.is_active !== false ? null : (
                <span className="t2"> · {words.inactive}</span>
              )}
              {user.password_is_temporary ? (
                <span className="t3"> · {people.temporary}</span>
              ) : null}
            </td>
            <td>
              <Memberships
                user={user}
                onRevoke={(membership) => setRevoking({ user, membership })}
              />
            </td>
            <td className="when t2">
              {user.last_login ? formatExact(user.last_login) : words.never}
            </td>
            <td className="end">
              <PersonMenu user={user} ask={(kind) => setAsked({ user, kind })} />
            </td>
          </tr>
        )}
      </QueryTable>
      {asked ? (
        <AskedDialog
          asked={asked}
          onClose={() => setAsked(null)}
          onReset={() => {
            setSaid(people.resetDone(asked.user.display_name));
            setAsked(null);
          }}
        />
      ) : null}
      {revoking ? (
        <RevokeDialog asked={revoking} onClose={() => setRevoking(null)} />
      ) : null}
      {adding ? (
        <AddUserDialog
          onClose={() => setAdding(false)}
          onAdded={(name) => {
            setSaid(words.added(name));
            setAdding(false);
          }}
        />
      ) : null}
    </>
  );
}
