import { useEffect, useState } from 'react';
import type { ReadingContext } from '@/commands/reading/context';
import { retrySave as retrySaveCommand } from '@/commands/reading/retry-save';
import { READING_COMMANDS } from '@/commands/reading-commands';
import { wordAgo } from '@/domain/wait';
import { CommandKey } from '@/features/shell/command-key';
import { KeyHints } from '@/features/shell/keys-overlay';
import { LiveMark } from '@/features/shell/shell';
import type { SaveState } from '@/state/draft-saver';
import { useKeyed } from '@/state/own-keys';
import { retrySave } from '@/state/reading-session';
import { useRoom } from '@/state/room';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';

const words = text.room.save;

/** "2 s ago" grows by itself, a few times a minute. */
function Ago({ at }: { at: number }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 2000);
    return () => clearInterval(timer);
  }, []);
  return words.saved(wordAgo(new Date(at).toISOString(), Math.max(now, at)));
}

function Unsaved({ save }: { save: Extract<SaveState, { kind: 'unsaved' }> }) {
  return (
    <output className="bad" aria-live="assertive">
      <Glyph name="alert" small />
      {save.offline ? words.offline : `${words.unsaved} ${save.detail}`}
      <button type="button" onClick={retrySave}>
        {words.retry}
      </button>
      <CommandKey command={retrySaveCommand} />
    </output>
  );
}

/** How the work stands to the portal's disk; always there, always in words. */
function Saving() {
  const save = useRoom((state) => state.save);
  switch (save.kind) {
    case 'saved':
      return (
        <output className={save.at === null ? '' : 'ok'}>
          {save.at === null ? null : <Glyph name="check" small />}
          {save.at === null ? words.nothing : <Ago at={save.at} />}
        </output>
      );
    case 'waiting':
    case 'saving':
      return <output>{words.waiting}</output>;
    case 'unsaved':
      return <Unsaved save={save} />;
    case 'conflict':
      return <output className="bad">{words.conflict}</output>;
    case 'lost':
      return <output className="bad">{words.lost}</output>;
  }
}

export function StatusLine({ context }: { context: ReadingContext }) {
  return (
    <footer className="status">
      <Saving />
      <span className="grow" />
      <KeyHints commands={useKeyed(READING_COMMANDS)} context={context} />
      <LiveMark />
    </footer>
  );
}
