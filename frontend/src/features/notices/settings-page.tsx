import '../admin/admin.css';
import './notices.css';
import { Checkbox, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import {
  chooseChannel,
  type NoticeSettings,
  readNoticeSettings,
  removeWebhook,
  sendTest,
  setWebhook,
} from '@/api/notice-endpoints';
import { formatExact } from '@/domain/format';
import { carryOut, wordsOf } from '@/features/admin/table';
import { text } from '@/text/en';
import { notices } from '@/text/en-notices';
import { Notice } from '@/ui/primitives';
import { WideTable } from '@/ui/wide-table';

const words = notices.settings;
const KEY = ['notice-settings'];
const CHANNELS = ['app', 'email', 'webhook'] as const;
type Channel = (typeof CHANNELS)[number];

interface PartProps {
  readonly settings: NoticeSettings;
  readonly onChanged: () => Promise<unknown>;
}

/** In words, why a channel leads nowhere; empty when it leads somewhere. */
function whyNot(channel: Channel, { email, webhook }: NoticeSettings): string {
  if (channel === 'webhook') return webhook ? '' : words.url;
  if (channel === 'app') return '';
  return email.is_on ? (email.address ? '' : words.emailNone) : words.emailOff;
}

function Matrix({ settings, onChanged }: PartProps) {
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <>
      <WideTable className="matrix" label={words.kinds}>
        <thead>
          <tr>
            <th scope="col">{words.kind}</th>
            {CHANNELS.map((channel) => (
              <th key={channel} scope="col">
                {words.channels[channel]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {settings.kinds.map(({ kind, title, channels }) => (
            <tr key={kind}>
              <td>{title}</td>
              {CHANNELS.map((channel) => (
                <td key={channel}>
                  <Checkbox
                    aria-label={words.wants(title, words.channels[channel])}
                    checked={channels[channel] ?? false}
                    title={whyNot(channel, settings)}
                    onChange={(event) => {
                      const wanted = event.currentTarget.checked;
                      void carryOut(
                        () => chooseChannel(kind, channel, wanted),
                        setProblem,
                      ).then(onChanged);
                    }}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </WideTable>
      {problem === null ? null : (
        <Notice kind="fail" title={words.notSaved} assertive>
          {problem}
        </Notice>
      )}
    </>
  );
}

function TestButton({ channel }: { channel: 'email' | 'webhook' }) {
  const [told, setTold] = useState('');
  const test = async () => {
    if (
      await carryOut(
        () => sendTest(channel),
        (problem) => setTold(problem ?? ''),
      )
    )
      setTold(words.tested);
  };
  return (
    <>
      <button type="button" className="btn small" onClick={() => void test()}>
        {words.test}
      </button>
      <output className="t3">{told}</output>
    </>
  );
}

function Email({ settings: { email } }: { settings: NoticeSettings }) {
  if (!email.is_on) return <p className="t3">{words.emailOff}</p>;
  if (!email.address) return <p className="t3">{words.emailNone}</p>;
  return (
    <div className="settings-row">
      <span>{words.emailTo(email.address)}</span>
      <TestButton channel="email" />
    </div>
  );
}

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Notice
      kind="good"
      title={words.secretTitle}
      assertive
      actions={
        <button type="button" className="btn small" onClick={onClose}>
          {text.common.close}
        </button>
      }
    >
      <div className="secret">{secret}</div>
      {words.secretHint}
    </Notice>
  );
}

function Webhook({ settings: { webhook }, onChanged }: PartProps) {
  const [url, setUrl] = useState('');
  const [secret, setSecret] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const act = async (change: () => Promise<void>) => {
    if (await carryOut(change, setProblem)) await onChanged();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (url.trim() === '') return;
    void act(async () => {
      setSecret(await setWebhook(url.trim()));
      setUrl('');
    });
  };
  return (
    <>
      <p className="admin-intro">{words.webhookIntro}</p>
      {webhook ? (
        <div className="settings-row">
          <span>{words.posts(webhook.url)}</span>
          <TestButton channel="webhook" />
          <button
            type="button"
            className="btn small"
            onClick={() => void act(removeWebhook)}
          >
            {words.remove}
          </button>
        </div>
      ) : null}
      {webhook?.failed_since ? (
        <Notice
          kind="warn"
          title={words.failing(formatExact(webhook.failed_since), webhook.problem)}
        />
      ) : null}
      {secret === null ? null : (
        <Secret secret={secret} onClose={() => setSecret(null)} />
      )}
      <form className="settings-row" onSubmit={submit}>
        <TextInput
          label={words.url}
          value={url}
          maxLength={500}
          w={460}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <button type="submit" className="btn" aria-disabled={url.trim() === ''}>
          {webhook ? words.replace : words.set}
        </button>
      </form>
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
    </>
  );
}

/** What one is told of and how: each person's own. */
export function NoticeSettingsPage() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: KEY, queryFn: readNoticeSettings });
  const renew = () => queries.invalidateQueries({ queryKey: KEY });
  return (
    <div className="admin notice-settings">
      <div className="admin-body">
        <h1 className="page-title">{words.title}</h1>
        <p className="admin-intro">{words.intro}</p>
        {query.error ? (
          <Notice kind="fail" title={text.common.failed(words.title)}>
            {wordsOf(query.error)}
          </Notice>
        ) : null}
        {query.data ? (
          <>
            <Matrix settings={query.data} onChanged={renew} />
            <h2>{words.email}</h2>
            <Email settings={query.data} />
            <h2>{words.webhook}</h2>
            <Webhook settings={query.data} onChanged={renew} />
          </>
        ) : null}
      </div>
    </div>
  );
}
