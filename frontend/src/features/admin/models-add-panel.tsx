import { Select } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { activateModel } from '@/api/model-endpoints';
import {
  cancelModelImport,
  type Description,
  describeModel,
  type ImportState,
  type ModelImport,
  readModelImport,
  startModelImport,
} from '@/api/model-import-endpoints';
import { formatBytes, formatExact, formatInteger } from '@/domain/format';
import { type Figures, shortNumber } from '@/domain/model-card';
import {
  dropModelUpload,
  resumeModelUpload,
  sendModel,
  useModelUpload,
} from '@/state/model-upload';
import { useUser } from '@/state/session';
import type { ChosenFile } from '@/state/uploader';
import { text } from '@/text/en';
import { modelsAdd as words } from '@/text/en-models-add';
import { Notice } from '@/ui/primitives';
import { ChooseButton } from '../intake/drop-zone';
import { ConfirmDialog } from './confirm-dialog';
import { CardForm } from './models-add-form';
import { wordsOf } from './table';

const BUSY: readonly ImportState[] = ['waiting', 'running'];
const OPEN: readonly ImportState[] = ['uploading', 'refused', 'interrupted'];
const FOLLOW_MS = 1000;
const SAVE_MS = 700;
const SLOW_S = 60;

/** Whether all of a model is at the portal. */
const isHere = ({ n_files, received, size }: ModelImport) =>
  n_files > 0 && received === size;

const between = (from: string, to: string) =>
  Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

/** The two buttons that choose a model's source. */
export function ChooseSource({
  onFiles,
}: {
  onFiles: (files: readonly ChosenFile[]) => void;
}) {
  return (
    <span className="choose-source">
      <ChooseButton folder={false} label={words.file} onFiles={onFiles} />{' '}
      <ChooseButton folder label={words.folder} onFiles={onFiles} />
    </span>
  );
}

function Bar({ sent, size }: { sent: number; size: number }) {
  const percent = size > 0 ? Math.floor((100 * sent) / size) : 0;
  return (
    <div
      className="progress"
      role="progressbar"
      aria-label={words.upload.title}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <i style={{ width: `${percent}%` }} />
    </div>
  );
}

/** The upload of this window, on its way or held up. */
function Sending({ onSent }: { onSent: () => void }) {
  const { sent, bytes, phase, hold, unsentFiles } = useModelUpload();
  useEffect(() => {
    if (phase === 'done') onSent();
  }, [phase, onSent]);
  return (
    <>
      <Bar sent={sent} size={bytes} />
      <p className="t2">{words.upload.going(formatBytes(sent), formatBytes(bytes))}</p>
      {hold ? (
        <Notice
          kind="warn"
          title={words.upload.held}
          actions={
            <button type="button" className="btn small" onClick={resumeModelUpload}>
              {words.upload.resume}
            </button>
          }
        >
          {unsentFiles.map((one) => one.detail).join(' ') || text.intake.now.holds[hold]}
        </Notice>
      ) : null}
    </>
  );
}

/** How far the upload is, whether it runs in this window or was left. */
function Upload({ row, onSent }: { row: ModelImport; onSent: () => void }) {
  const phase = useModelUpload((state) =>
    state.intake?.id === row.id ? state.phase : 'idle',
  );
  const { received, size } = row;
  if (isHere(row)) return <p className="t2">{words.upload.done(formatBytes(size))}</p>;
  if (phase !== 'idle') return <Sending onSent={onSent} />;
  return (
    <>
      <Bar sent={received} size={size} />
      {row.mine ? (
        <>
          <p className="t2">
            {words.upload.stopped(formatBytes(received), formatBytes(size))}
          </p>
          <ChooseSource onFiles={(files) => void sendModel(files, row)} />
        </>
      ) : null}
    </>
  );
}

function Steps({ row }: { row: ModelImport }) {
  if (row.steps.length === 0) return null;
  return (
    <ol className="import-steps" aria-label={words.steps}>
      {row.steps.map((step) => (
        <li key={`${step.seconds}-${step.words}`}>
          <span className="num t3">{words.seconds(step.seconds.toFixed(1))}</span>
          {step.words}
        </li>
      ))}
    </ol>
  );
}

function Busy({ row }: { row: ModelImport }) {
  const began = row.started_at;
  const waited = between(row.asked_at ?? row.now, row.now);
  const slow = row.state === 'waiting' && row.before === 0 && waited > SLOW_S;
  const seconds = began ? between(began, row.now).toFixed(0) : '0';
  const title = row.state === 'running' ? words.running(seconds) : words.states.waiting;
  return (
    <section className="notice note">
      <div className="grow">
        <b>{row.cancel_asked ? words.stopping : title}</b>
        <output>
          {row.state === 'waiting' ? words.before(row.before) : row.steps.at(-1)?.words}
        </output>
        {slow ? <p>{words.slow}</p> : null}
        <Steps row={row} />
      </div>
    </section>
  );
}

function figureWords({ what, n, n_differing, ...more }: Figures): string {
  const name = typeof what === 'string' ? what : '';
  if (typeof n_differing === 'number' && typeof n === 'number') {
    return words.voxels(name, formatInteger(n_differing), formatInteger(n));
  }
  const { largest_difference, largest_output } = more;
  return words.differ(name, shortNumber(largest_difference), shortNumber(largest_output));
}

function Shadow({ model, onUsed }: { model: string; onUsed: () => void }) {
  const sites = useUser()?.sites ?? [];
  const [site, setSite] = useState<string | null>(sites[0]?.id ?? null);
  const [said, setSaid] = useState('');
  const [problem, setProblem] = useState('');
  const act = async () => {
    setProblem('');
    try {
      await activateModel(model, {
        site: site ?? '',
        kind: 'shadow',
        task: '',
        reason: '',
      });
      setSaid(words.shadowDone(sites.find((one) => one.id === site)?.name ?? ''));
      onUsed();
    } catch (error) {
      setProblem(wordsOf(error));
    }
  };
  return (
    <>
      <div className="card-row">
        <Select
          label={words.shadowSite}
          value={site}
          allowDeselect={false}
          data={sites.map((one) => ({ value: one.id, label: one.name }))}
          onChange={setSite}
        />
        <button type="button" className="btn" onClick={() => void act()}>
          {words.shadow}
        </button>
        <p className="t3">{words.shadowDetail}</p>
      </div>
      <output>{said}</output>
      {problem ? (
        <Notice kind="fail" title={words.failed}>
          {problem}
        </Notice>
      ) : null}
    </>
  );
}

function Added({ row, onUsed }: { row: ModelImport; onUsed: () => void }) {
  const { model } = row;
  if (!model) return null;
  return (
    <Notice kind="good" title={words.added(`${model.name} ${model.version}`)}>
      <p>{words.addedDetail}</p>
      <p className="mono t3">{model.package_hash}</p>
      <b>{words.figures}</b>
      {model.figures.length === 0 ? <p>{words.noFigures}</p> : null}
      <ul>
        {model.figures.map((one) => (
          <li key={figureWords(one)}>{figureWords(one)}</li>
        ))}
      </ul>
      <Shadow model={model.id} onUsed={onUsed} />
    </Notice>
  );
}

function Ended({ row, onUsed }: { row: ModelImport; onUsed: () => void }) {
  if (row.state === 'added') return <Added row={row} onUsed={onUsed} />;
  if (row.state === 'refused' || row.state === 'interrupted') {
    return (
      <Notice kind={row.state === 'refused' ? 'fail' : 'warn'} title={words[row.state]}>
        <p className="import-reason">{row.reason}</p>
        {row.files_kept && row.state === 'refused' ? <p>{words.refusedDetail}</p> : null}
      </Notice>
    );
  }
  return row.reason ? <p className="t2">{row.reason}</p> : null;
}

function Tries({ row }: { row: ModelImport }) {
  if (row.tries.length === 0) return null;
  return (
    <section>
      <h3>{words.tries}</h3>
      <ul className="import-tries">
        {row.tries.map((one) => (
          <li key={one.at}>
            {formatExact(one.at)} · {words.states[one.outcome]} ·{' '}
            {words.seconds(one.seconds.toFixed(1))}
            {one.reason ? <div className="t2 import-reason">{one.reason}</div> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Keeps what is typed, a moment after the last key; `flush` keeps it at once. */
function useSaved(row: ModelImport, onRow: (row: ModelImport) => void) {
  const [said, setSaid] = useState<Description>({
    kind: row.kind,
    card: row.card,
    expected_sha256: row.expected_sha256,
  });
  const [state, setState] = useState<'' | 'saving' | 'saved'>('');
  const [problem, setProblem] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const latest = useRef(said);
  const flush = async (): Promise<boolean> => {
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = null;
    setState('saving');
    try {
      onRow(await describeModel(row.id, latest.current));
      setState('saved');
      setProblem('');
      return true;
    } catch (error) {
      setState('');
      setProblem(wordsOf(error));
      return false;
    }
  };
  const change = (next: Description) => {
    latest.current = next;
    setSaid(next);
    setState('saving');
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = setTimeout(() => void flush(), SAVE_MS);
  };
  return { said, state, problem, change, flush };
}

function Editable({
  row,
  onRow,
}: {
  row: ModelImport;
  onRow: (row: ModelImport) => void;
}) {
  const { said, state, problem, change, flush } = useSaved(row, onRow);
  const [refused, setRefused] = useState('');
  const start = async () => {
    setRefused('');
    if (!(await flush())) return;
    try {
      onRow(await startModelImport(row.id));
    } catch (error) {
      setRefused(wordsOf(error));
    }
  };
  const wrong = problem || refused;
  return (
    <>
      <h3>{words.form}</h3>
      <CardForm row={row} said={said} disabled={false} onChange={change} />
      {wrong ? (
        <Notice kind="fail" title={words.failed} assertive>
          {wrong}
        </Notice>
      ) : null}
      <div className="import-start">
        <button
          type="button"
          className="btn primary"
          disabled={!isHere(row)}
          onClick={() => void start()}
        >
          {row.tries.length > 0 ? words.again : words.start}
        </button>
        <output className="t2">
          {words.missing(row.gaps.length)} {state ? words[state] : ''}
        </output>
      </div>
    </>
  );
}

const CANCEL = {
  title: words.cancelTitle,
  submit: words.cancelSubmit,
  button: words.cancel,
  detail: words.cancelDetail,
};
const REMOVE = {
  title: words.removeTitle,
  submit: words.removeSubmit,
  button: words.remove,
  detail: words.removeDetail,
};

function CancelButton({ row, onDone }: { row: ModelImport; onDone: () => void }) {
  const [asking, setAsking] = useState(false);
  const ended = row.state === 'refused' || row.state === 'interrupted';
  const said = ended ? REMOVE : CANCEL;
  const cancel = async () => {
    if (row.state === 'uploading') dropModelUpload();
    await cancelModelImport(row.id);
  };
  return (
    <>
      <button type="button" className="btn small" onClick={() => setAsking(true)}>
        {said.button}
      </button>
      {asking ? (
        <ConfirmDialog
          title={said.title}
          submit={said.submit}
          failed={words.failed}
          act={cancel}
          onTried={onDone}
          onClose={() => setAsking(false)}
        >
          {said.detail}
        </ConfirmDialog>
      ) : null}
    </>
  );
}

const mayCancel = (row: ModelImport) => row.files_kept && row.mine && !row.cancel_asked;
const mayChange = (row: ModelImport) =>
  row.mine && row.files_kept && OPEN.includes(row.state);

/** What is known of an import, from its upload to what became of it. */
function Known({ row, onChange }: { row: ModelImport; onChange: () => void }) {
  const queries = useQueryClient();
  return (
    <>
      {row.mine ? null : <p className="t2">{words.notMine(row.by || words.elsewhere)}</p>}
      {row.state === 'uploading' ? <Upload row={row} onSent={onChange} /> : null}
      {row.sha256 ? (
        <p className="t3">
          {words.upload.hash} <span className="mono">{row.sha256}</span>
        </p>
      ) : null}
      {BUSY.includes(row.state) ? <Busy row={row} /> : null}
      <Ended
        row={row}
        onUsed={() => void queries.invalidateQueries({ queryKey: ['models'] })}
      />
      {BUSY.includes(row.state) ? null : <Steps row={row} />}
    </>
  );
}

/** One import: its upload, its card, its progress, what became of it. */
export function ImportPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const queries = useQueryClient();
  const key = ['model-import', id];
  const query = useQuery({
    queryKey: key,
    queryFn: () => readModelImport(id),
    refetchInterval: ({ state }) =>
      state.data && BUSY.includes(state.data.state) ? FOLLOW_MS : false,
  });
  const row = query.data;
  const state = row?.state;
  useEffect(() => {
    if (state === undefined) return;
    void queries.invalidateQueries({ queryKey: ['model-imports'] });
    if (state === 'added') void queries.invalidateQueries({ queryKey: ['models'] });
  }, [state, queries]);
  if (!row) return <p className="t3">{text.common.loading(words.title)}</p>;
  const put = (next: ModelImport) => queries.setQueryData(key, next);
  const renew = () => queries.invalidateQueries({ queryKey: ['model-import', id] });
  return (
    <section className="import-panel" aria-label={row.name || words.title}>
      <header>
        <h2>
          {row.name || words.unnamed}{' '}
          <span className="t3">{words.states[row.state]}</span>
        </h2>
        <span className="grow" />
        {mayCancel(row) ? <CancelButton row={row} onDone={renew} /> : null}
        <button type="button" className="btn small" onClick={onClose}>
          {words.close}
        </button>
      </header>
      <Known row={row} onChange={renew} />
      {mayChange(row) ? <Editable row={row} onRow={put} /> : null}
      <Tries row={row} />
    </section>
  );
}
