import { Checkbox, Modal, Select, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { isNarrowed } from '@/domain/filters';
import type { User } from '@/domain/model';
import type { SavedView } from '@/domain/views';
import { dropView, keepView, useListViews } from '@/state/list-views';
import { useWorklist } from '@/state/worklist';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import { Glyph } from '@/ui/glyph';
import { Notice } from '@/ui/primitives';

const messageOf = (error: unknown) => (error instanceof Error ? error.message : '');

function Kept({ onProblem }: { onProblem: (problem: string) => void }) {
  const views = useListViews((state) => state.views);
  const saved = views.flatMap((view): SavedView[] => (view.saved ? [view.saved] : []));
  return (
    <section>
      <h3>{worklist.yours}</h3>
      {saved.length === 0 ? <p className="t3">{worklist.noViews}</p> : null}
      <ul className="column-lines">
        {saved.map((view) => (
          <li key={view.id}>
            <span>{view.name}</span>
            <span className="t3">
              {[
                view.site ? worklist.ofSite(view.site.name) : '',
                view.is_default ? worklist.defaultView : '',
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
            <span className="grow" />
            {view.may_delete ? (
              <button
                type="button"
                className="btn small quiet"
                aria-label={worklist.deleteView(view.name)}
                onClick={() =>
                  void dropView(view.id).catch((error) => onProblem(messageOf(error)))
                }
              >
                <Glyph name="trash" small />
              </button>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

export interface ViewsDialogProps {
  readonly user: User;
  readonly onClose: () => void;
}

/** Keeps what is on the screen under a name; deletes what was kept. */
export function ViewsDialog({ user, onClose }: ViewsDialogProps) {
  const filters = useWorklist((state) => state.filters);
  const sort = useWorklist((state) => state.sort);
  const shareAt = useListViews((state) => state.shareAt);
  const [name, setName] = useState('');
  const [site, setSite] = useState('');
  const [first, setFirst] = useState(false);
  const [problem, setProblem] = useState('');
  const secret = site !== '' && filters.q.trim() !== '';
  const ready = name.trim() !== '' && !secret;
  const parts = worklist.saveParts;
  const kept = [
    isNarrowed(filters) || filters.site.length > 0 ? parts.filters : '',
    sort ? parts.order : '',
    parts.columns,
  ].filter(Boolean);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready) return;
    try {
      const wanted = { name: name.trim(), site: site || null, is_default: first };
      await keepView(wanted);
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
    }
  }

  return (
    <Modal opened onClose={onClose} title={worklist.saveTitle}>
      <form className="form-column" onSubmit={(event) => void submit(event)}>
        <p className="t2">{worklist.saveHint(kept.join(', '))}</p>
        <TextInput
          label={worklist.name}
          description={worklist.replaces}
          value={name}
          maxLength={40}
          required
          data-autofocus
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {shareAt.length === 0 ? null : (
          <Select
            label={worklist.forWhom}
            value={site}
            allowDeselect={false}
            data={[
              { value: '', label: worklist.onlyMe },
              ...user.sites
                .filter((one) => shareAt.includes(one.id))
                .map((one) => ({
                  value: one.id,
                  label: worklist.everybodyAt(one.name),
                })),
            ]}
            error={secret ? worklist.noSearchShared : null}
            onChange={(value) => setSite(value ?? '')}
          />
        )}
        <Checkbox
          size="xs"
          label={worklist.isDefault}
          checked={first}
          onChange={(event) => setFirst(event.currentTarget.checked)}
        />
        {problem === '' ? null : (
          <Notice kind="fail" title={worklist.saveFailed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={!ready}>
            {worklist.saveView}
          </button>
        </div>
        <Kept onProblem={setProblem} />
      </form>
    </Modal>
  );
}
