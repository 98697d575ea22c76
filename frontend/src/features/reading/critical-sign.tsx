import '../critical/critical.css';
import { Modal } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { ItemCritical, Telling, ToldBySource } from '@/api/critical-endpoints';
import type { Statement } from '@/domain/critical';
import { wordAgo } from '@/domain/wait';
import { CloseDialog } from '@/features/critical/close-dialog';
import {
  blankTelltale,
  gapOf,
  type Telltale,
  ToldFields,
  tellingOf,
} from '@/features/critical/told-fields';
import { portalNow, useNow } from '@/state/clock';
import {
  endTelling,
  useCriticalRefresh,
  useItemCritical,
  useTelling,
} from '@/state/critical';
import { useRoom } from '@/state/room';
import { text } from '@/text/en';
import { critical as words } from '@/text/en-critical';
import { Notice } from '@/ui/primitives';

type Forms = Readonly<Record<string, Telltale>>;

/** The next form begins with what was said of the one before it. */
function begin(forms: Forms, source: string, change: Telltale): Telltale {
  const before = Object.entries(forms).find(
    ([key, form]) => key !== source && form.way === 'told',
  );
  const untouched = forms[source]?.way === null && change.way === 'told';
  if (!before || !untouched) return change;
  return { ...before[1], way: 'told' };
}

function gapIn(statements: readonly Statement[], forms: Forms): string | null {
  for (const { source, display } of statements) {
    const form = forms[source];
    if (!form || form.way === null) return words.chooseWay(display);
    const gap = gapOf(form);
    if (gap) return gap;
  }
  return null;
}

function toldOf(forms: Forms): ToldBySource {
  const told: Record<string, Telling> = {};
  for (const [source, form] of Object.entries(forms)) {
    const telling = tellingOf(form);
    if (telling) told[source] = telling;
  }
  return told;
}

function SignDialog(props: {
  statements: readonly Statement[];
  choices: ItemCritical;
  sign: (told: ToldBySource) => void;
}) {
  const { statements, choices } = props;
  const [forms, setForms] = useState<Forms>(() =>
    Object.fromEntries(
      statements.map(({ source }) => [source, blankTelltale(portalNow())]),
    ),
  );
  const gap = gapIn(statements, forms);
  const leaves = statements.some(({ source }) => forms[source]?.way === 'open');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (gap !== null) return;
    endTelling();
    props.sign(toldOf(forms));
  };
  return (
    <Modal opened size="lg" onClose={endTelling} title={words.signTitle}>
      <form className="form-column" onSubmit={submit}>
        <p className="t2">{words.signIntro(statements.length)}</p>
        {statements.map(({ source, display, places }) => (
          <section key={source} className="told-one" aria-label={display}>
            <h3>
              {display}{' '}
              {places > 1 ? <span className="t3">{words.places(places)}</span> : null}
            </h3>
            <ToldFields
              form={forms[source] ?? blankTelltale(portalNow())}
              choices={choices}
              mayLeaveOpen
              label={display}
              onChange={(form) =>
                setForms((now) => ({ ...now, [source]: begin(now, source, form) }))
              }
            />
          </section>
        ))}
        <div className="form-actions">
          {gap ? <span className="why-not grow">{gap}</span> : null}
          <button type="button" className="btn" onClick={endTelling}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={gap !== null}>
            {leaves ? words.signOpen : words.sign}
          </button>
        </div>
      </form>
    </Modal>
  );
}

const NO_CHOICES: ItemCritical = { codes: [], items: [], how: [], why_not: [] };

/** Asks, when a reading with critical findings is signed, who was told of them. */
export function CriticalSign() {
  const asked = useTelling((state) => state.asked);
  const itemId = useRoom((state) => state.itemId);
  const { data } = useItemCritical(itemId);
  if (!asked) return null;
  return (
    <SignDialog
      statements={asked.statements}
      sign={asked.sign}
      choices={data ?? NO_CHOICES}
    />
  );
}

/** Critical results of this patient that nobody was told of, above the images. */
export function CriticalNotices() {
  useCriticalRefresh();
  const itemId = useRoom((state) => state.itemId);
  const { data } = useItemCritical(itemId);
  const now = useNow();
  const [asked, setAsked] = useState<string | null>(null);
  const open = (data?.items ?? []).filter((one) => one.state === 'open');
  const chosen = open.find((one) => one.id === asked);
  return (
    <>
      {open.map((one) => (
        <Notice
          key={one.id}
          kind="fail"
          title={words.here(one.label.display, wordAgo(one.raised_at, now))}
          actions={
            <button type="button" className="btn small" onClick={() => setAsked(one.id)}>
              {words.record}
            </button>
          }
        />
      ))}
      {chosen && data ? (
        <CloseDialog result={chosen} choices={data} onClose={() => setAsked(null)} />
      ) : null}
    </>
  );
}
