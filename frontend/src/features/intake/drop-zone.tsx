import { type DragEvent, useEffect, useRef, useState } from 'react';
import { formatInteger } from '@/domain/format';
import type { ChosenFile } from '@/state/uploader';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';
import { Notice } from '@/ui/primitives';
import { entriesOf, filesOf, lookThrough } from './dropped';

const words = text.intake.drop;

export interface ChooseButtonProps {
  readonly folder: boolean;
  readonly label: string;
  readonly primary?: boolean;
  readonly small?: boolean;
  readonly onFiles: (files: readonly ChosenFile[]) => void;
}

/** A button that opens the system's dialogue for files, or for one folder. */
export function ChooseButton(props: ChooseButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  const { folder, label, primary = false, small = false, onFiles } = props;
  const kinds = ['btn', primary ? 'primary' : '', small ? 'small' : ''];
  return (
    <>
      <button
        type="button"
        className={kinds.filter(Boolean).join(' ')}
        onClick={() => input.current?.click()}
      >
        {label}
      </button>
      <input
        ref={(element) => {
          input.current = element;
          if (folder) element?.setAttribute('webkitdirectory', '');
        }}
        type="file"
        multiple
        hidden
        tabIndex={-1}
        aria-label={label}
        data-testid={folder ? 'folder-input' : 'files-input'}
        onChange={(event) => {
          const files = filesOf(event.currentTarget.files);
          event.currentTarget.value = '';
          onFiles(files);
        }}
      />
    </>
  );
}

interface Looking {
  readonly found: number;
  readonly stop: AbortController;
}

/** A drop beside the zone must not make the browser leave the page for the file. */
function useNoStrayDrops(): void {
  useEffect(() => {
    const refuse = (event: Event) => event.preventDefault();
    window.addEventListener('dragover', refuse);
    window.addEventListener('drop', refuse);
    return () => {
      window.removeEventListener('dragover', refuse);
      window.removeEventListener('drop', refuse);
    };
  }, []);
}

export interface DropZoneProps {
  readonly busy: boolean;
  readonly onFiles: (files: readonly ChosenFile[]) => void;
}

/** Where files come in: dropped, or chosen with the two buttons. */
export function DropZone({ busy, onFiles }: DropZoneProps) {
  const [over, setOver] = useState(false);
  const [looking, setLooking] = useState<Looking | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useNoStrayDrops();

  const hand = (files: readonly ChosenFile[], unreadable = 0) => {
    const nothing = files.length === 0 ? words.empty : null;
    setProblem(unreadable > 0 ? words.unreadable(unreadable) : nothing);
    if (files.length > 0) onFiles(files);
  };

  async function take(event: DragEvent): Promise<void> {
    event.preventDefault();
    setOver(false);
    const entries = entriesOf(event.dataTransfer);
    const stop = new AbortController();
    setLooking({ found: 0, stop });
    const tell = (found: number) => {
      if (found % 50 === 0) setLooking({ found, stop });
    };
    const { files, unreadable } = await lookThrough(entries, tell, stop.signal);
    setLooking(null);
    if (!stop.signal.aborted) hand(files, unreadable);
  }

  return (
    <>
      <section
        className={over ? 'drop-zone over' : 'drop-zone'}
        aria-label={words.title}
        onDragOver={(event) => {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => void take(event)}
      >
        {looking ? (
          <>
            <output>
              <b>{words.reading(formatInteger(looking.found))}</b>
            </output>
            <button
              type="button"
              className="btn small"
              onClick={() => looking.stop.abort()}
            >
              {words.stop}
            </button>
          </>
        ) : (
          <>
            <Glyph name="plus" />
            <b>{over ? words.here : words.title}</b>
            <div className="choose">
              <ChooseButton
                folder
                primary={!busy}
                label={words.folder}
                onFiles={(files) => hand(files)}
              />
              <ChooseButton
                folder={false}
                label={words.files}
                onFiles={(files) => hand(files)}
              />
            </div>
            <p className="t3">{words.accepts}</p>
          </>
        )}
      </section>
      {problem === null ? null : <Notice kind="warn" title={problem} />}
    </>
  );
}
