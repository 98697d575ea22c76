import './templates.css';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type ReportTemplate, readTemplates } from '@/api/template-endpoints';
import { templates as words } from '@/text/en-templates';
import { SiteSelect, useOneSite } from './one-site';
import { QueryTable } from './table';
import { TemplateEditor } from './template-editor';
import { TemplateVersions } from './template-versions';

function fits({ modalities, body_parts, protocols }: ReportTemplate): string {
  const parts = [modalities, body_parts, protocols].filter((list) => list.length > 0);
  return parts.map((list) => list.join('/')).join(' · ') || words.everything;
}

function Line(props: {
  template: ReportTemplate;
  onEdit: () => void;
  onVersions: () => void;
}) {
  const { template } = props;
  const required = template.sections.filter((one) => one.required);
  return (
    <tr>
      <td>
        {template.name} <span className="t3">{template.code}</span>
      </td>
      <td>{fits(template)}</td>
      <td>{template.sections.map(({ title }) => title).join(', ')}</td>
      <td>
        {required.map(({ title }) => title).join(', ') || (
          <span className="t3">{words.none}</span>
        )}
      </td>
      <td className="when">{words.version(template.version)}</td>
      <td className="end">
        <button
          type="button"
          className="btn small"
          aria-label={words.historyLabel(template.name)}
          onClick={props.onVersions}
        >
          {words.history}
        </button>{' '}
        <button
          type="button"
          className="btn small"
          aria-label={words.editLabel(template.name)}
          onClick={props.onEdit}
        >
          {words.edit}
        </button>
      </td>
    </tr>
  );
}

type Shown =
  | { readonly kind: 'edit'; readonly template: ReportTemplate | null }
  | { readonly kind: 'versions'; readonly template: ReportTemplate };

/** The report templates of a site: what is drafted, what must be filled in. */
export function TemplatesTab() {
  const queries = useQueryClient();
  const which = useOneSite();
  const { site } = which;
  const [shown, setShown] = useState<Shown | null>(null);
  const key = ['report-templates', site];
  const query = useQuery({
    queryKey: key,
    queryFn: () => readTemplates(site ?? ''),
    enabled: site !== null,
  });
  const renew = () => queries.invalidateQueries({ queryKey: key });
  const { heads } = words;
  if (site === null) return null;
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <div className="line-form">
        <SiteSelect {...which} label={words.site} />
        <button
          type="button"
          className="btn primary"
          onClick={() => setShown({ kind: 'edit', template: null })}
        >
          {words.add}
        </button>
      </div>
      <QueryTable
        query={query}
        name={words.list}
        heads={[
          heads.name,
          heads.fits,
          heads.sections,
          heads.required,
          heads.version,
          '',
        ]}
        empty=""
      >
        {(template) => (
          <Line
            key={template.code}
            template={template}
            onEdit={() => setShown({ kind: 'edit', template })}
            onVersions={() => setShown({ kind: 'versions', template })}
          />
        )}
      </QueryTable>
      {shown?.kind === 'edit' ? (
        <TemplateEditor
          site={site}
          template={shown.template}
          onSaved={renew}
          onClose={() => setShown(null)}
        />
      ) : null}
      {shown?.kind === 'versions' ? (
        <TemplateVersions
          site={site}
          template={shown.template}
          onChanged={renew}
          onClose={() => setShown(null)}
        />
      ) : null}
    </>
  );
}
