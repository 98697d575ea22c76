import { Checkbox, Select, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { makeToken, type NewToken, type TokenScope } from '@/api/token-endpoints';
import { carryOut } from '@/features/admin/table';
import { useCan } from '@/state/session';
import { tokens as words } from '@/text/en-tokens';
import { Notice } from '@/ui/primitives';

export const TOKENS_KEY = ['tokens'] as const;
const DAYS = [7, 30, 90, 180, 365] as const;
const DEFAULT_DAYS = 90;
const SCOPES: readonly TokenScope[] = ['read', 'store'];
/** What a person must be allowed to do, or the scope is worth nothing. */
const NEEDS: Readonly<Record<TokenScope, string>> = {
  read: 'study:read',
  store: 'study:import',
};

/** The secret of a new token: here once, and nowhere afterwards. */
function Secret({ token, onDone }: { token: NewToken; onDone: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState('');
  useEffect(() => field.current?.select(), []);

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(token.token);
      setSaid(words.copied);
    } catch {
      field.current?.select();
      setSaid(words.copyFailed);
    }
  }

  return (
    <Notice kind="good" title={words.made(token.name)}>
      {words.madeDetail}
      <div className="token-secret">
        <input
          ref={field}
          readOnly
          value={token.token}
          aria-label={words.secret}
          spellCheck={false}
          autoComplete="off"
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="button" className="btn" onClick={() => void copy()}>
          {words.copy}
        </button>
        <button type="button" className="btn" onClick={onDone}>
          {words.put}
        </button>
        <output>{said}</output>
      </div>
    </Notice>
  );
}

/** What is still missing before a token can be made; empty when nothing is. */
function missing(name: string, scopes: readonly TokenScope[]): string {
  if (name.trim() === '') return words.needName;
  return scopes.length === 0 ? words.needScope : '';
}

/** The form that makes a token, and the token that it made. */
export function MakeToken() {
  const can = useCan();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly TokenScope[]>(
    can(NEEDS.read) ? ['read'] : [],
  );
  const [days, setDays] = useState(DEFAULT_DAYS);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<NewToken | null>(null);
  const lack = missing(name, scopes);
  const offered = SCOPES.filter((scope) => can(NEEDS[scope]));

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (lack !== '' || busy) return;
    setBusy(true);
    const done = await carryOut(async () => {
      setMade(await makeToken({ name: name.trim(), scopes, days }));
    }, setProblem);
    setBusy(false);
    if (!done) return;
    setName('');
    await queries.invalidateQueries({ queryKey: TOKENS_KEY });
  }

  if (offered.length === 0) return <Notice title={words.nothing} />;
  return (
    <>
      <form className="line-form" onSubmit={(event) => void submit(event)}>
        <TextInput
          label={words.name}
          placeholder={words.nameHint}
          value={name}
          maxLength={80}
          w={280}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <fieldset className="scopes">
          <legend>{words.scopesLabel}</legend>
          {offered.map((scope) => (
            <Checkbox
              key={scope}
              size="xs"
              label={words.scopes[scope]}
              checked={scopes.includes(scope)}
              onChange={(event) => {
                const on = event.currentTarget.checked;
                setScopes((now) =>
                  offered.filter((o) => (o === scope ? on : now.includes(o))),
                );
              }}
            />
          ))}
        </fieldset>
        <Select
          label={words.days}
          value={String(days)}
          data={DAYS.map((n) => ({ value: String(n), label: words.daysOf(n) }))}
          allowDeselect={false}
          w={130}
          onChange={(value) => setDays(Number(value ?? DEFAULT_DAYS))}
        />
        <button type="submit" className="btn primary" aria-disabled={lack !== '' || busy}>
          {busy ? words.making : lack || words.make}
        </button>
      </form>
      {problem === null ? null : (
        <Notice kind="fail" title={words.notMade} assertive>
          {problem}
        </Notice>
      )}
      {made ? <Secret key={made.id} token={made} onDone={() => setMade(null)} /> : null}
    </>
  );
}
