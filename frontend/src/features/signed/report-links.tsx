import { useState } from 'react';
import { readReportText, reportAddress } from '@/api/signed-endpoints';
import type { Id } from '@/domain/model';
import { signed as words } from '@/text/en-signed';

export interface ReportLinksProps {
  readonly reading: Id;
  /** Which version of it, in words. */
  readonly version: string;
  readonly patient: string;
  /** Runs before the report is asked for; false keeps it from being asked for. */
  readonly before?: () => Promise<boolean>;
}

/** The ways to take a report out: copied as text, and as text or PDF in a new tab. */
export function ReportLinks({ reading, version, patient, before }: ReportLinksProps) {
  const [told, setTold] = useState('');
  const { report } = words;
  const ready = async () => {
    const yes = before ? await before() : true;
    if (!yes) setTold(report.unsaved);
    return yes;
  };
  const open = (form: 'txt' | 'pdf') => {
    if (!before) return void window.open(reportAddress(reading, form), '_blank');
    // Opened at once, as a browser blocks what is opened later; filled when saved.
    const tab = window.open('about:blank', '_blank');
    void ready().then((yes) => {
      if (yes) tab?.location.replace(reportAddress(reading, form));
      else tab?.close();
    });
  };
  const copy = async () => {
    try {
      if (!(await ready())) return;
      await navigator.clipboard.writeText(await readReportText(reading));
      setTold(report.copied);
    } catch {
      setTold(report.failed);
    }
  };
  return (
    <span className="report-links">
      <output className="t3">{told}</output>
      <button
        type="button"
        className="btn small"
        aria-label={report.label(report.copy, version, patient)}
        onClick={() => void copy()}
      >
        {report.copy}
      </button>
      <button
        type="button"
        className="btn small"
        aria-label={report.label(report.text, version, patient)}
        onClick={() => open('txt')}
      >
        {report.text}
      </button>
      <button
        type="button"
        className="btn small"
        aria-label={report.label(report.pdf, version, patient)}
        onClick={() => open('pdf')}
      >
        {report.pdf}
      </button>
    </span>
  );
}
