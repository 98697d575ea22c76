import './not-yours.css';
import { Link } from 'wouter';
import ROLES from '@/domain/permission-roles.json';
import { homeOf, useCan, useUser } from '@/state/session';
import { text } from '@/text/en';
import { notYours as words } from '@/text/en-not-yours';

export type PageName = keyof typeof words.pages;

/** What a page needs to be opened: a key of the table of who has it. */
export type Need = keyof typeof ROLES;

/** The roles that have a permission, as a page is said to be for them. */
export function whoHas(need: Need): readonly string[] {
  return ROLES[need].flatMap((role) => words.roles[role] ?? []);
}

export interface NotYoursProps {
  readonly page: PageName;
  /** What a part of the page is called, where it is that which is not open. */
  readonly part?: string;
  readonly need: Need;
}

/** A page that this person's roles do not open: whose it is, and a way on. */
export function NotYours({ page, part, need }: NotYoursProps) {
  const user = useUser();
  const home = homeOf(useCan());
  const mine = (user?.sites ?? []).flatMap((site) =>
    site.roles.map((role) =>
      words.roleAt(text.admin.users.roles[role] ?? role, site.name),
    ),
  );
  return (
    <div className="page-wait">
      <section className="not-yours">
        <h1>{words.title(part ?? words.pages[page])}</h1>
        <p>{words.whose(whoHas(need))}</p>
        <p>{words.you(user?.display_name ?? '', mine)}</p>
        <p>{words.what}</p>
        {home === null ? null : (
          <Link href={home} className="btn primary">
            {words.back[home]}
          </Link>
        )}
      </section>
    </div>
  );
}
