import '../admin/admin.css';
import './tokens.css';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type ApiToken, readTokens, revokeToken } from '@/api/token-endpoints';
import { formatDay, formatExact } from '@/domain/format';
import { wordAgo } from '@/domain/wait';
import { ConfirmDialog } from '@/features/admin/confirm-dialog';
import { QueryTable } from '@/features/admin/table';
import { useNow } from '@/state/clock';
import { tokens as words } from '@/text/en-tokens';
import { MakeToken, TOKENS_KEY } from './new-token';

/** When a token was last used: how long ago, with the exact time on hover. */
function Used({ at }: { at: string | null }) {
  const now = useNow();
  if (at === null) return <span className="t3">{words.never}</span>;
  return <span title={formatExact(at)}>{words.ago(wordAgo(at, now))}</span>;
}

/** A person's own API tokens: made, shown once, listed, and taken away. */
export function TokensPage() {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: TOKENS_KEY,
    queryFn: readTokens,
    refetchInterval: 30_000,
  });
  const [asked, setAsked] = useState<ApiToken | null>(null);
  return (
    <div className="admin tokens">
      <div className="admin-body">
        <h1 className="page-title">{words.title}</h1>
        <p className="admin-intro">
          {words.intro} {words.address}:{' '}
          <code>{`${window.location.origin}/dicom-web`}</code>
        </p>
        <MakeToken />
        <QueryTable
          query={query}
          name={words.list}
          heads={[
            words.name,
            words.scopesLabel,
            words.made_at,
            words.expires,
            words.used,
            '',
          ]}
          empty={words.empty}
        >
          {(token) => (
            <tr key={token.id}>
              <td>
                {token.name} <span className="t3">{words.begins(token.hint)}</span>
              </td>
              <td>{token.scopes.map((scope) => words.scopeWords[scope]).join(', ')}</td>
              <td className="when" title={formatExact(token.created_at)}>
                {formatDay(token.created_at)}
              </td>
              <td className="when" title={formatExact(token.expires_at)}>
                {formatDay(token.expires_at)}
              </td>
              <td className="when">
                <Used at={token.last_used_at} />
              </td>
              <td className="end">
                <button
                  type="button"
                  className="btn small"
                  aria-label={words.revokeLabel(token.name)}
                  onClick={() => setAsked(token)}
                >
                  {words.revoke}
                </button>
              </td>
            </tr>
          )}
        </QueryTable>
      </div>
      {asked ? (
        <ConfirmDialog
          title={words.revokeTitle(asked.name)}
          submit={words.submit}
          failed={words.notRevoked}
          act={() => revokeToken(asked.id)}
          onTried={() => queries.invalidateQueries({ queryKey: TOKENS_KEY })}
          onClose={() => setAsked(null)}
        >
          <p>{words.revokeDetail}</p>
        </ConfirmDialog>
      ) : null}
    </div>
  );
}
