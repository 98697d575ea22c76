import type { Report } from './model';

/** A fresh draft that keeps what the reader wrote before, where the section is still there. */
export function keepWords(fresh: Report, before: Report | null | undefined): Report {
  const written = new Map(
    (before?.sections ?? []).filter((one) => one.edited).map((one) => [one.key, one]),
  );
  const sections = fresh.sections.map((one) => written.get(one.key) ?? one);
  const here = new Set(sections.map(({ key }) => key));
  const orphans = [...written.values()].filter(({ key }) => !here.has(key));
  return { ...fresh, sections: [...sections, ...orphans] };
}

/** The report with one section in the reader's words. */
export function writeSection(report: Report, key: string, text: string): Report {
  return {
    ...report,
    sections: report.sections.map((one) =>
      one.key === key ? { ...one, text, edited: true } : one,
    ),
  };
}
