import './admin.css';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { type Need, NotYours } from '@/features/shell/not-yours';
import { useCan } from '@/state/session';
import { text } from '@/text/en';
import { models } from '@/text/en-models';
import { people } from '@/text/en-people';
import { protocols } from '@/text/en-protocols';
import { simulator } from '@/text/en-simulator';
import { slots } from '@/text/en-slots';
import { templates } from '@/text/en-templates';
import { AeTitlesTab } from './ae-titles-tab';
import { ArrivalsTab } from './arrivals-tab';
import { AuditTab } from './audit-tab';
import { ExportsTab } from './exports-tab';
import { GivenUpTab } from './given-up-tab';
import { HealthTab } from './health-tab';
import { ModelsTab } from './models-tab';
import { ProtocolsTab } from './protocols-tab';
import { QuarantineTab } from './quarantine-tab';
import { SimulatorTab } from './simulator-tab';
import { SitePolicyTab } from './site-policy-tab';
import { SlotsTab } from './slots/slots-tab';
import { TemplatesTab } from './templates-tab';
import { UsersTab } from './users-tab';

const NAMES = {
  ...text.admin.tabs,
  models: models.tab,
  slots: slots.tab,
  protocols: protocols.tab,
  templates: templates.tab,
  'list-rules': people.policy.tab,
  simulator: simulator.tab,
};

type TabId = keyof typeof NAMES;

interface Tab {
  readonly id: TabId;
  readonly need: Need;
  readonly page: () => ReactNode;
}

const TABS: readonly Tab[] = [
  { id: 'health', need: 'health:read', page: () => <HealthTab /> },
  { id: 'quarantine', need: 'quarantine:manage', page: () => <QuarantineTab /> },
  { id: 'arrivals', need: 'quarantine:manage', page: () => <ArrivalsTab /> },
  { id: 'work', need: 'export:read', page: () => <GivenUpTab /> },
  { id: 'models', need: 'model:manage', page: () => <ModelsTab /> },
  { id: 'slots', need: 'site:manage', page: () => <SlotsTab /> },
  { id: 'protocols', need: 'protocol:manage', page: () => <ProtocolsTab /> },
  { id: 'templates', need: 'protocol:manage', page: () => <TemplatesTab /> },
  { id: 'list-rules', need: 'site:manage', page: () => <SitePolicyTab /> },
  { id: 'simulator', need: 'site:manage', page: () => <SimulatorTab /> },
  { id: 'ae-titles', need: 'ae_title:manage', page: () => <AeTitlesTab /> },
  { id: 'users', need: 'user:manage', page: () => <UsersTab /> },
  { id: 'audit', need: 'audit:read', page: () => <AuditTab /> },
  { id: 'exports', need: 'export:read', page: () => <ExportsTab /> },
];

/** The admin pages; only the tabs that this person may open are there. */
export function AdminPage({ tab }: { tab: string | null }) {
  const can = useCan();
  const allowed = TABS.filter((one) => can(one.need));
  const asked = TABS.find((one) => one.id === tab);
  const here = asked ?? allowed[0];
  if (!here) return <NotYours page="admin" need="export:read" />;
  const page = can(here.need) ? (
    here.page()
  ) : (
    <NotYours page="admin" part={NAMES[here.id]} need={here.need} />
  );
  if (allowed.length === 0) return page;
  return (
    <div className="admin">
      {can(here.need) ? <h1 className="visually-hidden">{text.admin.title}</h1> : null}
      <nav className="views" aria-label={text.admin.title}>
        <div className="nav">
          {allowed.map((one) => (
            <Link
              key={one.id}
              href={`/admin/${one.id}`}
              aria-current={one === here ? 'page' : undefined}
            >
              {NAMES[one.id]}
            </Link>
          ))}
        </div>
      </nav>
      <div className="admin-body">{page}</div>
    </div>
  );
}
