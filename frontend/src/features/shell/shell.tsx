import './shell.css';
import { Menu } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { formatClock } from '@/domain/format';
import { chooseMegabytes, chosenMegabytes, DEFAULT_MEMORY_MB } from '@/domain/memory';
import type { User } from '@/domain/model';
import { PasswordDialog } from '@/features/account/password-form';
import { CriticalReminder, useOpenCount } from '@/features/critical/reminder';
import { Bell } from '@/features/notices/bell';
import { ADMIN_PERMISSIONS, useCan, useLogout, useUser } from '@/state/session';
import { useUpload } from '@/state/upload';
import { chooseFilters, useWorklist } from '@/state/worklist';
import { text } from '@/text/en';
import { critical } from '@/text/en-critical';
import { memory } from '@/text/en-memory';
import { notices } from '@/text/en-notices';
import { people } from '@/text/en-people';
import { signed } from '@/text/en-signed';
import { tokens } from '@/text/en-tokens';
import { Glyph } from '@/ui/glyph';
import { Avatar, Brand } from '@/ui/primitives';

/** Whether the list is live; told to screen readers when it changes. */
export function LiveMark() {
  const live = useWorklist((state) => state.live);
  const asOf = useWorklist((state) => (state.live ? 0 : state.asOf));
  return (
    <output className={live ? 'live' : 'live stale'} title={text.top.liveTitle}>
      {live ? text.top.live : text.top.stale(formatClock(asOf))}
    </output>
  );
}

function SitePick({ user }: { user: User }) {
  const chosen = useWorklist((state) => state.filters.site);
  const site = user.sites.find((one) => chosen.length === 1 && one.id === chosen[0]);
  if (user.sites.length < 2) {
    return <span className="t2">{user.sites[0]?.name ?? ''}</span>;
  }
  return (
    <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <button type="button" className="pick">
          <span className="visually-hidden">{text.top.site}: </span>
          {site?.name ?? text.common.allSites} <Glyph name="down" small />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => chooseFilters({ site: [] })}>
          {text.common.allSites}
        </Menu.Item>
        {user.sites.map((one) => (
          <Menu.Item key={one.id} onClick={() => chooseFilters({ site: [one.id] })}>
            {one.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function roleOf(user: User): string {
  const role = user.sites.flatMap((site) => site.roles)[0] ?? '';
  return text.admin.users.roles[role] ?? role;
}

const MEMORY_CHOICES = [512, 1024, DEFAULT_MEMORY_MB, 3072, 6144];

/** How much of images this browser may keep in memory; holds from the next series on. */
function MemoryItems() {
  const [chosen, setChosen] = useState(chosenMegabytes);
  return (
    <>
      <Menu.Label>{memory.title}</Menu.Label>
      {MEMORY_CHOICES.map((megabytes) => (
        <Menu.Item
          key={megabytes}
          role="menuitemradio"
          aria-checked={chosen === megabytes}
          closeMenuOnClick={false}
          rightSection={chosen === megabytes ? <Glyph name="check" small /> : null}
          onClick={() => {
            chooseMegabytes(megabytes);
            setChosen(chosenMegabytes());
          }}
        >
          {memory.choice(megabytes, megabytes === DEFAULT_MEMORY_MB)}
        </Menu.Item>
      ))}
    </>
  );
}

function UserMenu({ user }: { user: User }) {
  const leave = useLogout();
  const [changing, setChanging] = useState(false);
  return (
    <>
      {changing ? <PasswordDialog onClose={() => setChanging(false)} /> : null}
      <Menu position="bottom-end" width={280} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <button type="button" className="who">
            <span className="visually-hidden">{text.top.userMenu}: </span>
            <Avatar initials={user.initials} me />
            {user.display_name} <span className="t3">{roleOf(user)}</span>
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {user.sites.map((site) => (
            <Menu.Label key={site.id}>
              {site.name}:{' '}
              {site.roles.map((role) => text.admin.users.roles[role] ?? role).join(', ')}
            </Menu.Label>
          ))}
          <Menu.Divider />
          <MemoryItems />
          <Menu.Divider />
          <Menu.Item component={Link} href="/notifications/settings">
            {notices.settings.title}
          </Menu.Item>
          <Menu.Item component={Link} href="/tokens">
            {tokens.title}
          </Menu.Item>
          <Menu.Item onClick={() => setChanging(true)}>
            {people.password.title}…
          </Menu.Item>
          <Menu.Item onClick={() => void leave()}>{text.top.logout}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}

function NavLink({ to, children }: { to: string; children: ReactNode }) {
  const [path] = useLocation();
  const here = to === '/' ? path === '/' : path.startsWith(to);
  return (
    <Link href={to} aria-current={here ? 'page' : undefined}>
      {children}
    </Link>
  );
}

/** The way to the import page; while files go up, how far they are. */
function ImportLink() {
  const percent = useUpload(({ phase, bytes, sent }) =>
    phase === 'running' && bytes > 0 ? Math.floor((sent / bytes) * 100) : null,
  );
  return <NavLink to="/import">{text.intake.nav(percent)}</NavLink>;
}

/** The way to the critical results; how many nobody was told of. */
function CriticalLink() {
  return <NavLink to="/critical">{critical.nav(useOpenCount())}</NavLink>;
}

/** The frame around all screens but the reading room. */
export function Shell({ children }: { children: ReactNode }) {
  const user = useUser();
  const can = useCan();
  const mayAdmin = ADMIN_PERMISSIONS.some((permission) => can(permission));
  const mayRead = can('worklist:read');
  const [path] = useLocation();
  if (!user) return null;
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {text.common.skipToMain}
      </a>
      <header className="top">
        <Brand />
        <nav className="nav" aria-label={text.top.nav}>
          {mayRead ? <NavLink to="/">{text.top.worklist}</NavLink> : null}
          {can('reading:read') ? <NavLink to="/signed">{signed.nav}</NavLink> : null}
          {can('critical:read') ? <CriticalLink /> : null}
          {can('study:import') ? <ImportLink /> : null}
          {mayAdmin ? <NavLink to="/admin">{text.top.admin}</NavLink> : null}
        </nav>
        <span className="grow" />
        {mayRead ? <LiveMark /> : null}
        {path === '/' ? <SitePick user={user} /> : null}
        <Bell />
        <UserMenu user={user} />
      </header>
      {can('critical:read') ? <CriticalReminder /> : null}
      <main id="main">{children}</main>
    </div>
  );
}
