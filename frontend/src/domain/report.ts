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

const joined = (before: string, more: string) =>
  before.trim() === '' ? more : `${before.trimEnd()}\n${more}`;

/**
 * The draft with an earlier report's words after what stands there: in the section of
 * that title, or in the impression where there is none.
 */
export function copyInto(
  draft: { readonly report: Report | null; readonly impression: string },
  title: string,
  text: string,
): { readonly report: Report | null; readonly impression: string } {
  const { report, impression } = draft;
  const name = title.toLowerCase();
  const section = report?.sections.find((one) => one.title.toLowerCase() === name);
  if (!report || !section) return { report, impression: joined(impression, text) };
  const words = joined(section.text, text);
  return { report: writeSection(report, section.key, words), impression };
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
