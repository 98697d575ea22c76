import './intake.css';
import { Select } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { type Intake, mayImportAt } from '@/domain/intake';
import type { Id, User } from '@/domain/model';
import { useUser } from '@/state/session';
import { adoptUpload, isUploading, sendFiles, useUpload } from '@/state/upload';
import type { ChosenFile } from '@/state/uploader';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { DropZone } from './drop-zone';
import { inOrder } from './dropped';
import { Earlier, INTAKES_KEY, LeftUnfinished } from './earlier';
import { Report } from './report';
import { Running } from './running';

const words = text.intake;

/** Shows the report of an import as soon as it has begun, and renews the list by it. */
function useFollowing(): void {
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const id = useUpload((state) => state.intake?.id ?? null);
  const phase = useUpload((state) => state.phase);
  useEffect(() => {
    if (id !== null) navigate(`/import/${id}`, { replace: true });
  }, [id, navigate]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each turn of the import renews the list
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: INTAKES_KEY, exact: true });
  }, [id, phase, queries]);
}

/** The browser asks before it closes a window that still sends. */
function useLeaveGuard(): void {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (isUploading()) event.preventDefault();
    };
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, []);
}

function Page({ user, shown }: { user: User; shown: Id | null }) {
  const sites = user.sites.filter(mayImportAt);
  const [site, setSite] = useState(sites[0]?.id ?? null);
  const problem = useUpload((state) => state.problem);
  const busy = useUpload(({ phase }) => phase === 'running' || phase === 'held');
  useEffect(() => adoptUpload(user.id), [user.id]);
  useFollowing();
  useLeaveGuard();
  const send = (files: readonly ChosenFile[], at: { site: Id } | { intake: Intake }) =>
    void sendFiles(inOrder(files), { user: user.id, at });
  return (
    <div className="intake">
      <h1 className="visually-hidden">{words.title}</h1>
      <div className="intake-side">
        {sites.length > 1 ? (
          <Select
            label={words.site}
            value={site}
            data={sites.map((one) => ({ value: one.id, label: one.name }))}
            onChange={(value) => setSite(value ?? site)}
            allowDeselect={false}
            disabled={busy}
          />
        ) : null}
        <DropZone
          busy={busy}
          onFiles={(files) => {
            if (site !== null) send(files, { site });
          }}
        />
        {problem === null ? null : (
          <Notice kind="fail" title={words.drop.failed} assertive>
            {problem}
          </Notice>
        )}
        <Running />
        <LeftUnfinished onResume={(intake, files) => send(files, { intake })} />
        <Earlier chosen={shown} />
      </div>
      <Report key={shown} id={shown} />
    </div>
  );
}

/** The way in for files on this computer: a CD, a folder, a zip. */
export function IntakePage({ shown }: { shown: Id | null }) {
  const user = useUser();
  return user ? <Page user={user} shown={shown} /> : null;
}
