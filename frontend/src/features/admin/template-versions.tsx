import './templates.css';
import { Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import {
  activateVersion,
  type ReportTemplate,
  readVersions,
  retireTemplate,
  type TemplateVersion,
} from '@/api/template-endpoints';
import { formatDay, formatExact } from '@/domain/format';
import type { Id } from '@/domain/model';
import { templates } from '@/text/en-templates';
import { Notice } from '@/ui/primitives';
import { carryOut, QueryTable } from './table';

const words = templates.versions;

function said({ template }: TemplateVersion): string {
  if (!template) return words.gone;
  const sections = template.sections
    .map(({ title, required }) => (required ? `${title} *` : title))
    .join(', ');
  return `${template.name}: ${sections}`;
}

function Line(props: { one: TemplateVersion; holds: boolean; onAgain: () => void }) {
  const { one, holds } = props;
  const shipped = one.version === 0;
  return (
    <tr>
      <td className="when">{templates.version(one.version)}</td>
      <td className="when" title={one.at ? formatExact(one.at) : ''}>
        {one.at ? words.by(one.by, formatDay(one.at)) : templates.shipped}
      </td>
      <td>{said(one)}</td>
      <td className="end">
        {holds ? <b>{words.holds}</b> : null}
        {one.template && !holds ? (
          <button
            type="button"
            className="btn small"
            aria-label={shipped ? words.shippedAgain : words.activateLabel(one.version)}
            onClick={props.onAgain}
          >
            {words.activate}
          </button>
        ) : null}
      </td>
    </tr>
  );
}

/** Every version of a template; an older one may be made to hold again. */
export function TemplateVersions(props: {
  site: Id;
  template: ReportTemplate;
  onChanged: () => Promise<unknown>;
  onClose: () => void;
}) {
  const { site, template } = props;
  const query = useQuery({
    queryKey: ['template-versions', site, template.code],
    queryFn: () => readVersions(site, template.code),
    staleTime: 0,
  });
  const [problem, setProblem] = useState<string | null>(null);
  const holding = query.data?.holding ?? null;
  const again = async (version: number) => {
    const act = () =>
      version === 0
        ? retireTemplate(site, template.code)
        : activateVersion(site, template.code, version);
    if (!(await carryOut(act, setProblem))) return;
    await query.refetch();
    await props.onChanged();
  };
  return (
    <Modal opened size="56rem" onClose={props.onClose} title={words.title(template.name)}>
      <div className="admin template-versions">
        <QueryTable
          query={{ ...query, data: query.data?.items }}
          name={words.title(template.name)}
          heads={[words.heads.version, words.heads.made, words.heads.what, '']}
          empty=""
        >
          {(one) => (
            <Line
              key={one.version}
              one={one}
              holds={one.version === holding}
              onAgain={() => void again(one.version)}
            />
          )}
        </QueryTable>
        {problem === null ? null : (
          <Notice kind="fail" title={words.failed} assertive>
            {problem}
          </Notice>
        )}
      </div>
    </Modal>
  );
}
