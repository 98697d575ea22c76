import { Modal, Select } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { AdminUser } from '@/api/admin-types';
import { grantMembership, readUsers, revokeMembership } from '@/api/endpoints';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';
import { Notice } from '@/ui/primitives';
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
          data={Object.entries(words.roles).map(([value, label]) => ({ value, label }))}
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
  readonly onRevoke: (id: string) => void;
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
          onClick={() => onRevoke(one.id)}
        >
          <Glyph name="cross" small />
        </button>
      </span>
    );
  });
}

export function UsersTab() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ['users'], queryFn: readUsers });
  const [asked, setAsked] = useState<AdminUser | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  async function revoke(id: string): Promise<void> {
    if (await carryOut(() => revokeMembership(id), setProblem)) {
      await queries.invalidateQueries({ queryKey: ['users'] });
    }
  }

  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
      <QueryTable
        query={query}
        name={text.admin.tabs.users}
        heads={[words.user, words.memberships, '']}
        empty={text.common.none}
      >
        {(user) => (
          <tr key={user.id}>
            <td>
              {user.display_name} <span className="t3">{user.username}</span>
              {user.is_active !== false ? null : (
                <span className="t3"> · {words.inactive}</span>
              )}
            </td>
            <td>
              <Memberships user={user} onRevoke={(id) => void revoke(id)} />
            </td>
            <td className="end">
              <button type="button" className="btn small" onClick={() => setAsked(user)}>
                {words.grant}
              </button>
            </td>
          </tr>
        )}
      </QueryTable>
      {asked ? <GrantDialog user={asked} onClose={() => setAsked(null)} /> : null}
    </>
  );
}
