import './templates.css';
import { Checkbox, Modal, Select, Textarea, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import {
  previewTemplate,
  type ReportTemplate,
  type TemplatePreview,
  writeTemplate,
} from '@/api/template-endpoints';
import type { Id } from '@/domain/model';
import {
  BLANK_SECTION,
  BLANK_TEMPLATE,
  keyFrom,
  moved,
  splitWords,
  type TemplateBody,
  type TemplateSectionBody,
  withKeys,
} from '@/domain/templates';
import { text } from '@/text/en';
import { templates } from '@/text/en-templates';
import { Glyph } from '@/ui/glyph';
import { Notice } from '@/ui/primitives';
import { carryOut, wordsOf } from './table';

const words = templates.editor;
const KINDS = Object.entries(words.kinds).map(([value, label]) => ({ value, label }));

function SectionFields(props: {
  section: TemplateSectionBody;
  place: number;
  last: boolean;
  onChange: (section: TemplateSectionBody) => void;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
}) {
  const { section, onChange } = props;
  const title = section.title || words.section(props.place + 1);
  return (
    <fieldset className="template-section" aria-label={title}>
      <div className="template-row">
        <TextInput
          label={words.sectionTitle}
          value={section.title}
          maxLength={80}
          onChange={(event) => onChange({ ...section, title: event.currentTarget.value })}
        />
        <Select
          label={words.kind}
          value={section.kind}
          data={KINDS}
          allowDeselect={false}
          onChange={(kind) => onChange({ ...section, kind: kind ?? 'text' })}
        />
        <Checkbox
          label={words.required}
          checked={section.required}
          onChange={(event) =>
            onChange({ ...section, required: event.currentTarget.checked })
          }
        />
        <span className="grow" />
        <button
          type="button"
          className="icon-btn"
          aria-label={words.up(title)}
          aria-disabled={props.place === 0}
          onClick={() => props.onMove(-1)}
        >
          <Glyph name="up" small />
        </button>
        <button
          type="button"
          className="icon-btn"
          aria-label={words.down(title)}
          aria-disabled={props.last}
          onClick={() => props.onMove(1)}
        >
          <Glyph name="down" small />
        </button>
        <button
          type="button"
          className="icon-btn"
          aria-label={words.remove(title)}
          onClick={props.onRemove}
        >
          <Glyph name="trash" small />
        </button>
      </div>
      {section.kind === 'text' ? (
        <Textarea
          label={words.start}
          value={section.start}
          maxLength={4000}
          autosize
          minRows={1}
          onChange={(event) => onChange({ ...section, start: event.currentTarget.value })}
        />
      ) : null}
      {section.kind === 'findings' ? (
        <Textarea
          label={words.normal}
          value={section.normal}
          maxLength={1000}
          autosize
          minRows={1}
          onChange={(event) =>
            onChange({ ...section, normal: event.currentTarget.value })
          }
        />
      ) : null}
    </fieldset>
  );
}

function Drafted(props: { title: string; sections: TemplatePreview['without'] }) {
  return (
    <section aria-label={props.title}>
      <h4>{props.title}</h4>
      {props.sections.map((one) => (
        <div key={one.key} className="template-drafted">
          <b>{one.title}</b>
          <div>{one.text || <i className="t3">{words.empty}</i>}</div>
        </div>
      ))}
      <div className="t3">{words.impression}</div>
    </section>
  );
}

/** What the portal drafts by the template as it stands, or what is wrong with it. */
function Preview({ site, body }: { site: Id; body: TemplateBody }) {
  const [settled] = useDebouncedValue(body, 400);
  const { data, error } = useQuery({
    queryKey: ['template-preview', site, settled],
    queryFn: () => previewTemplate(site, settled),
    retry: false,
    placeholderData: (before) => before,
  });
  return (
    <aside className="template-preview" aria-label={words.preview}>
      <h3>{words.preview}</h3>
      {error ? (
        <Notice kind="warn" title={words.previewFailed}>
          {wordsOf(error)}
        </Notice>
      ) : null}
      {data && !error ? (
        <>
          <Drafted title={words.without} sections={data.without} />
          <Drafted title={words.withFinding} sections={data.with_finding} />
        </>
      ) : null}
    </aside>
  );
}

type Lists = Readonly<Record<'modalities' | 'body_parts' | 'protocols', string>>;

const LISTS = [
  ['modalities', words.modalities],
  ['body_parts', words.bodyParts],
  ['protocols', words.protocols],
] as const;

const listsOf = (body: TemplateBody): Lists => ({
  modalities: body.modalities.join(', '),
  body_parts: body.body_parts.join(', '),
  protocols: body.protocols.join(', '),
});

/** A template is edited; saving writes a new version and leaves the old one as it was. */
export function TemplateEditor(props: {
  site: Id;
  template: ReportTemplate | null;
  onSaved: () => Promise<unknown>;
  onClose: () => void;
}) {
  const first: TemplateBody = props.template ?? BLANK_TEMPLATE;
  const [name, setName] = useState(first.name);
  const [typed, setTyped] = useState<string | null>(props.template?.code ?? null);
  const [lists, setLists] = useState(() => listsOf(first));
  const [sections, setSections] = useState(first.sections);
  const [problem, setProblem] = useState<string | null>(null);
  const code = typed ?? keyFrom(name);
  const body = withKeys({
    name,
    modalities: splitWords(lists.modalities),
    body_parts: splitWords(lists.body_parts),
    protocols: splitWords(lists.protocols),
    sections,
  });
  const ready = name.trim() !== '' && code !== '' && sections.length > 0;

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready) return;
    const act = () => writeTemplate(props.site, code, body);
    if (!(await carryOut(act, setProblem))) return;
    await props.onSaved();
    props.onClose();
  }

  const change = (place: number, section: TemplateSectionBody) =>
    setSections(sections.map((one, at) => (at === place ? section : one)));

  return (
    <Modal
      opened
      size="78rem"
      onClose={props.onClose}
      title={props.template ? words.title(props.template.name) : words.newTitle}
    >
      <div className="template-sides">
        <form className="form-column" onSubmit={(event) => void submit(event)}>
          <div className="template-row">
            <TextInput
              label={words.name}
              value={name}
              maxLength={120}
              required
              data-autofocus
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <TextInput
              label={words.code}
              description={props.template ? undefined : words.codeHint}
              value={code}
              maxLength={40}
              readOnly={props.template !== null}
              onChange={(event) => setTyped(keyFrom(event.currentTarget.value))}
            />
          </div>
          <div className="template-row">
            {LISTS.map(([key, label]) => (
              <TextInput
                key={key}
                label={label}
                placeholder={words.listHint}
                value={lists[key]}
                onChange={(event) =>
                  setLists({ ...lists, [key]: event.currentTarget.value })
                }
              />
            ))}
          </div>
          <h3>{words.sections}</h3>
          {sections.map((section, place) => (
            <SectionFields
              key={section.key || `new ${place}`}
              section={section}
              place={place}
              last={place === sections.length - 1}
              onChange={(changed) => change(place, changed)}
              onMove={(by) => setSections(moved(sections, place, by))}
              onRemove={() => setSections(sections.filter((_, at) => at !== place))}
            />
          ))}
          <button
            type="button"
            className="btn small"
            onClick={() => setSections([...sections, BLANK_SECTION])}
          >
            {words.addSection}
          </button>
          {problem === null ? null : (
            <Notice kind="fail" title={words.failed} assertive>
              {problem}
            </Notice>
          )}
          <div className="form-actions">
            <button type="button" className="btn" onClick={props.onClose}>
              {text.common.cancel}
            </button>
            <button type="submit" className="btn primary" aria-disabled={!ready}>
              {words.save}
            </button>
          </div>
        </form>
        <Preview site={props.site} body={body} />
      </div>
    </Modal>
  );
}
