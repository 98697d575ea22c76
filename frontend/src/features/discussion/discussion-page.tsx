import '../admin/admin.css';
import { Link } from 'wouter';
import type { Id } from '@/domain/model';
import { useCan } from '@/state/session';
import { discussion as words } from '@/text/en-discussion';
import { Discussion, useDiscussion } from './discussion';

/** The discussion of a study by itself: where a mention leads. */
export function DiscussionPage({ item }: { item: Id }) {
  const can = useCan();
  const { data } = useDiscussion(item);
  return (
    <div className="admin">
      <div className="admin-body">
        <h1 className="page-title">{words.title(data?.about.patient ?? '')}</h1>
        <p className="t2">
          {data?.about.study}{' '}
          {can('item:lease') ? (
            <Link href={`/read/${item}`} className="btn small">
              {words.openStudy}
            </Link>
          ) : null}{' '}
          <Link href="/notifications" className="btn small quiet">
            {words.back}
          </Link>
        </p>
        <Discussion item={item} />
      </div>
    </div>
  );
}
