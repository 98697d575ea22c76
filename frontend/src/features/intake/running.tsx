import { Modal } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { formatBytes, formatInteger, formatSpan } from '@/domain/format';
import { finishUpload, pauseUpload, resumeUpload, useUpload } from '@/state/upload';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';

const words = text.intake.now;

function Bar() {
  const { files, taken, bytes, sent, phase } = useUpload();
  const part = bytes === 0 ? (files === 0 ? 0 : taken / files) : sent / bytes;
  const percent = phase === 'done' ? 100 : Math.min(100, Math.floor(part * 100));
  return (
    <div
      className="progress"
      role="progressbar"
      aria-label={words.title}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <i style={{ width: `${percent}%` }} />
    </div>
  );
}

function Sums() {
  const { files, taken, bytes, sent, rate, known, phase } = useUpload();
  const left = rate && rate > 0 ? (bytes - sent) / rate : null;
  const running = phase === 'running';
  return (
    <p className="now-sums">
      <span>{words.files(formatInteger(taken), formatInteger(files))}</span>
      <span>{words.bytes(formatBytes(sent), formatBytes(bytes))}</span>
      {running && rate !== null ? <span>{words.rate(formatBytes(rate))}</span> : null}
      {running && left !== null ? <span>{words.left(formatSpan(left))}</span> : null}
      {known > 0 ? <span className="t3">{words.known(formatInteger(known))}</span> : null}
    </p>
  );
}

/** Files that stayed behind on this computer, each with its reason. */
function Unsent() {
  const { unsent, unsentFiles } = useUpload();
  const shown = unsentFiles.slice(0, 8);
  if (unsent === 0) return null;
  return (
    <div className="unsent">
      <b>{words.unsent(unsent)}</b>
      <ul>
        {shown.map((one) => (
          <li key={one.name}>
            <span className="path">{one.name}</span>{' '}
            <span className="t3">
              {words.why[one.why]} {one.why === 'refused' ? one.detail : ''}
            </span>
          </li>
        ))}
        {unsent > shown.length ? <li>{words.more(unsent - shown.length)}</li> : null}
      </ul>
    </div>
  );
}

const OVER: readonly string[] = ['closed', 'forbidden', 'gone'];

function Held() {
  const { hold } = useUpload();
  if (hold === null) return null;
  const plain = hold === 'user';
  const failed = hold === 'failed' || hold === 'unreadable';
  return (
    <Notice
      kind={plain ? 'note' : 'warn'}
      assertive={!plain}
      title={words.holds[hold]}
      actions={
        OVER.includes(hold) ? null : (
          <>
            <button type="button" className="btn primary" onClick={resumeUpload}>
              {failed ? words.tryAgain : words.resume}
            </button>
            {failed ? (
              <button
                type="button"
                className="btn"
                onClick={() => void finishUpload(true)}
              >
                {words.without}
              </button>
            ) : null}
          </>
        )
      }
    >
      <Unsent />
    </Notice>
  );
}

function CancelDialog({ onClose }: { onClose: () => void }) {
  const { files, taken } = useUpload();
  return (
    <Modal opened onClose={onClose} title={words.cancelTitle}>
      <p>{words.cancelDetail(formatInteger(taken), formatInteger(files - taken))}</p>
      <div className="form-actions">
        <button type="button" className="btn" onClick={onClose} data-autofocus>
          {words.keep}
        </button>
        <button
          type="button"
          className="btn primary"
          onClick={() => {
            void finishUpload(true);
            onClose();
          }}
        >
          {words.cancelSubmit}
        </button>
      </div>
    </Modal>
  );
}

/** One line on what goes on: why it waits, that it may run, or that it is through. */
function Word() {
  const { phase, waiting, files } = useUpload();
  if (waiting !== null) return words.waiting[waiting];
  if (phase === 'running') return words.stay;
  if (phase !== 'done') return null;
  return (
    <>
      {words.doneWell(formatInteger(files))} <Link href="/">{words.toWorklist}</Link>
    </>
  );
}

function Buttons() {
  const phase = useUpload((state) => state.phase);
  const [asking, setAsking] = useState(false);
  if (phase !== 'running' && phase !== 'held') return null;
  return (
    <>
      {phase === 'running' ? (
        <button type="button" className="btn small" onClick={pauseUpload}>
          {words.pause}
        </button>
      ) : null}
      <button type="button" className="btn small" onClick={() => setAsking(true)}>
        {words.cancel}
      </button>
      {asking ? <CancelDialog onClose={() => setAsking(false)} /> : null}
    </>
  );
}

/** The import of this window: how far it is, what it waits for, and its buttons. */
export function Running() {
  const { phase, intake, waiting } = useUpload();
  if (phase === 'idle' || !intake) return null;
  return (
    <section className="now" aria-label={words.title}>
      <header>
        <h2>
          {words.phases[phase]} <span className="t3">{words.to(intake.site.name)}</span>
        </h2>
        <span className="grow" />
        <Buttons />
      </header>
      <Bar />
      <Sums />
      <output className={waiting === null ? 'now-word' : 'now-word waiting'}>
        <Word />
      </output>
      {phase === 'held' ? <Held /> : null}
    </section>
  );
}
