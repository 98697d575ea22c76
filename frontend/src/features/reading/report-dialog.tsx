import { CommandKey } from '@/features/shell/command-key';
import './report.css';
import { Modal, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import {
  type Drafted,
  draftReport,
  type EarlierReport,
  readEarlierReports,
} from '@/api/report-endpoints';
import { writeReport } from '@/commands/reading/write-report';
import { formatDay } from '@/domain/format';
import type { Id, Report } from '@/domain/model';
import { copyInto, keepWords, writeSection } from '@/domain/report';
import { ReportLinks } from '@/features/signed/report-links';
import { saveNow } from '@/state/reading-session';
import { closeReport, openReport, useReport } from '@/state/report';
import { changeDraft, getRoom, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { report as words } from '@/text/en-report';
import { signed } from '@/text/en-signed';
import { verifying } from '@/text/en-verify';
import { AiTag, Notice } from '@/ui/primitives';

/** Drafts the report of the present answers, and puts it into the draft. */
function useDrafted(itemId: Id) {
  const [drafted, setDrafted] = useState<Drafted | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const draft = useCallback(async () => {
    try {
      setProblem(null);
      const { content } = getRoom().draft;
      const answer = await draftReport(itemId, content);
      if (getRoom().itemId !== itemId) return;
      const before = getRoom().draft.content.report;
      changeDraft({ type: 'report', report: keepWords(answer.report, before) });
      setDrafted(answer);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : '');
    }
  }, [itemId]);
  useEffect(() => void draft(), [draft]);
  return { drafted, problem, draft };
}

function Section(props: {
  report: Report;
  section: Report['sections'][number];
  required: boolean;
  writable: boolean;
}) {
  const { section } = props;
  const tags = [
    props.required ? words.required : '',
    section.edited ? words.edited : '',
  ].filter(Boolean);
  return (
    <Textarea
      label={
        <>
          {section.title} <span className="tag">{tags.join(' · ')}</span>
        </>
      }
      value={section.text}
      autosize
      minRows={1}
      maxLength={20_000}
      readOnly={!props.writable}
      onChange={(event) =>
        changeDraft({
          type: 'report',
          report: writeSection(props.report, section.key, event.currentTarget.value),
        })
      }
    />
  );
}

function Codes({ codes }: { codes: Report['codes'] }) {
  if (codes.length === 0) return null;
  return (
    <section aria-label={words.codes}>
      <ul className="report-codes">
        {codes.map((one) => (
          <li
            key={one.source_id}
            className={one.source}
            title={`${one.scheme} ${one.code}`}
          >
            {one.present ? one.display : words.absent(one.display)}
          </li>
        ))}
      </ul>
      {codes.some(({ source }) => source === 'ai') ? (
        <p className="t3">
          <AiTag /> {words.quoted}
        </p>
      ) : null}
    </section>
  );
}

/** What an earlier report says, its impression last. */
const saidIn = ({ sections, impression }: EarlierReport) =>
  impression ? [...sections, { title: words.impression, text: impression }] : sections;

/** Puts an earlier report's words after what stands in the draft. */
function copyIn(title: string, said: string): void {
  const { content } = getRoom().draft;
  const before = { report: content.report ?? null, impression: content.impression };
  const after = copyInto(before, title, said);
  if (after.report && after.report !== before.report)
    changeDraft({ type: 'report', report: after.report });
  else changeDraft({ type: 'write', impression: after.impression });
}

/** A part of an earlier report, to be read or taken over. */
function Said(props: { title: string; said: string; study: string; writable: boolean }) {
  const { title, said } = props;
  return (
    <div>
      <h4>
        {title}{' '}
        {props.writable ? (
          <button
            type="button"
            className="btn small quiet"
            aria-label={words.copyLabel(title, props.study)}
            onClick={() => copyIn(title, said)}
          >
            {words.copy}
          </button>
        ) : null}
      </h4>
      {said}
    </div>
  );
}

function Earlier({ itemId, writable }: { itemId: Id; writable: boolean }) {
  const { data, error } = useQuery<readonly EarlierReport[]>({
    queryKey: ['earlier-reports', itemId],
    queryFn: () => readEarlierReports(itemId),
    staleTime: 60_000,
  });
  return (
    <section className="report-side" aria-label={words.earlier}>
      <h3>{words.earlier}</h3>
      {error ? <p className="t3">{words.earlierFailed}</p> : null}
      {data?.length === 0 ? <p className="t3">{words.noEarlier}</p> : null}
      {data?.map((one) => (
        <article key={one.id} className="report-earlier">
          <b>{one.study.description || one.study.modality}</b>
          <p className="t3">{words.signed(one.signed_by, formatDay(one.signed_at))}</p>
          {one.preliminary ? (
            <span className="edition preliminary">{verifying.preliminary}</span>
          ) : null}
          {saidIn(one).map(({ title, text: said }) => (
            <Said
              key={title}
              title={title}
              said={said}
              study={one.study.description || one.study.modality}
              writable={writable}
            />
          ))}
        </article>
      ))}
    </section>
  );
}

/** The draft as text or PDF, marked as not signed: for dictation, or a second look. */
function DraftOut() {
  const reading = useRoom((state) => state.reading);
  const patient = useRoom((state) => state.item?.patient.name ?? '');
  if (!reading) return null;
  return (
    <div className="report-out">
      <span className="t3">
        {signed.report.draft}. {signed.report.draftHint}
      </span>
      <ReportLinks
        reading={reading.id}
        version={signed.version(reading.edition)}
        patient={patient}
        before={saveNow}
      />
    </div>
  );
}

function Writing({ itemId, writable }: { itemId: Id; writable: boolean }) {
  const { drafted, problem, draft } = useDrafted(itemId);
  const report = useRoom((state) => state.draft.content.report);
  const impression = useRoom((state) => state.draft.content.impression);
  const required = new Set(
    (drafted?.template.sections ?? [])
      .filter((one) => one.required)
      .map(({ key }) => key),
  );
  return (
    <section className="report-side" aria-label={words.title}>
      <p className="t3">
        {report ? `${words.by(report.template.name)}. ` : ''}
        {words.intro}
      </p>
      {problem === null ? null : (
        <Notice
          kind="fail"
          title={words.failed}
          actions={
            <button type="button" className="btn small" onClick={() => void draft()}>
              {text.common.retry}
            </button>
          }
        >
          {problem}
        </Notice>
      )}
      {!report && problem === null ? <p className="t3">{words.loading}</p> : null}
      {report?.sections.map((section) => (
        <Section
          key={section.key}
          report={report}
          section={section}
          required={required.has(section.key)}
          writable={writable}
        />
      ))}
      <Textarea
        data-autofocus
        label={words.impression}
        value={impression}
        autosize
        minRows={2}
        maxLength={20_000}
        readOnly={!writable}
        onChange={(event) =>
          changeDraft({ type: 'write', impression: event.currentTarget.value })
        }
      />
      {report ? <Codes codes={report.codes} /> : null}
      <DraftOut />
      <div className="form-actions">
        <button
          type="button"
          className="btn"
          aria-disabled={!writable}
          onClick={() => {
            if (writable) void draft();
          }}
        >
          {words.again}
        </button>
        <button type="button" className="btn primary" onClick={closeReport}>
          {words.close}
        </button>
      </div>
    </section>
  );
}

/** The report of what is read, with the patient's earlier ones beside it. */
export function ReportDialog({ writable }: { writable: boolean }) {
  const opened = useReport((state) => state.opened);
  const itemId = useRoom((state) => state.itemId);
  const ready = useRoom((state) => state.phase === 'open');
  useEffect(() => closeReport, []);
  if (!opened || itemId === null || !ready) return null;
  return (
    <Modal opened size="72rem" onClose={closeReport} title={words.title}>
      <div className="report-sides">
        <Writing itemId={itemId} writable={writable} />
        <Earlier itemId={itemId} writable={writable} />
      </div>
    </Modal>
  );
}

/** Whether a report is drafted, and the way to it. */
export function ReportLine() {
  const report = useRoom((state) => state.draft.content.report);
  const edited = report?.sections.filter((one) => one.edited).length ?? 0;
  return (
    <div className="report-line">
      <button type="button" className="btn small" onClick={openReport}>
        {words.open} <CommandKey command={writeReport} />
      </button>
      <span className="t3">
        {report ? words.drafted(report.template.name, edited) : words.none}
      </span>
    </div>
  );
}
