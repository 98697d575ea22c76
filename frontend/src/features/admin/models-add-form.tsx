import { NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useRef, useState } from 'react';
import type {
  CardGap,
  Description,
  ImportKind,
  ModelImport,
} from '@/api/model-import-endpoints';
import {
  type Card,
  linesOf,
  listOfLines,
  listOfWords,
  meantBy,
  objectOf,
  partOf,
  rowsOf,
  textOf,
  withPart,
  wordsOf,
} from '@/domain/model-card';
import { models } from '@/text/en-models';
import { modelsAdd as words } from '@/text/en-models-add';
import { Notice } from '@/ui/primitives';
import { RoleRows } from './models-add-roles';
import { LabelRows, numberOf, StepRows } from './models-add-rows';

const choices = (names: Readonly<Record<string, string>>) =>
  Object.entries(names).map(([value, label]) => ({ value, label }));
const KINDS = choices(words.kinds);
const HINTS: Readonly<Record<string, string>> = words.hints;
type FieldName = keyof typeof words.fields;

/** What is wrong at a field: what the importer said goes before what is missing. */
function problemAt(
  row: Pick<ModelImport, 'gaps' | 'named'>,
): (path: string) => string | undefined {
  const said = new Map<string, string>();
  for (const gap of [...row.gaps, ...row.named]) said.set(gap.field, gap.detail);
  return (path) => said.get(path);
}

interface FieldsProps {
  readonly card: Card;
  readonly disabled: boolean;
  readonly problem: (path: string) => string | undefined;
  readonly put: (path: string, value: unknown) => void;
}

function common({ disabled, problem }: FieldsProps, path: FieldName) {
  return {
    label: words.fields[path],
    description: HINTS[path],
    disabled,
    error: problem(path),
  };
}

interface OneProps extends FieldsProps {
  readonly path: FieldName;
}

function Line(props: OneProps & { readonly list?: boolean }) {
  const { card, path, put, list = false } = props;
  const value = partOf(card, path);
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextInput
      {...common(props, path)}
      value={typed ?? (list ? wordsOf(value) : textOf(value))}
      onChange={(event) => {
        const text = event.currentTarget.value;
        if (list) setTyped(text);
        put(path, list ? listOfWords(text) : text);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

function Words(props: OneProps) {
  const { card, path, put } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const lines = path === 'limits';
  const value = partOf(card, path);
  return (
    <Textarea
      {...common(props, path)}
      autosize
      minRows={2}
      maxRows={8}
      value={typed ?? (lines ? linesOf(value) : textOf(value))}
      onChange={(event) => {
        const text = event.currentTarget.value;
        setTyped(text);
        put(path, lines ? listOfLines(text) : meantBy(text));
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

function Choice(props: OneProps & { readonly of: Readonly<Record<string, string>> }) {
  const { card, path, put } = props;
  const value = partOf(card, path);
  return (
    <Select
      {...common(props, path)}
      data={choices(props.of)}
      value={typeof value === 'string' ? value : null}
      onChange={(chosen) => put(path, chosen)}
    />
  );
}

function Whole(props: OneProps & { readonly min: number; readonly max: number }) {
  const { card, path, put } = props;
  const value = partOf(card, path);
  return (
    <NumberInput
      {...common(props, path)}
      min={props.min}
      max={props.max}
      allowDecimal={false}
      value={typeof value === 'number' ? value : ''}
      onChange={(said) => put(path, numberOf(said))}
    />
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="card-group">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

/** What occlusion costs is said with it: half the patch as stride is usual. */
const OCCLUSION = { method: 'occlusion', patch: 32, stride: 16 };

function SaliencyFields(props: FieldsProps) {
  const { card, problem, put } = props;
  const wrong = problem('saliency');
  const method = partOf(card, 'saliency.method');
  return (
    <Group title={words.groups.saliency}>
      {wrong ? <p className="card-problem">{wrong}</p> : null}
      <div className="card-row">
        <Select
          {...common(props, 'saliency.method')}
          clearable
          data={choices(words.saliencies)}
          value={typeof method === 'string' ? method : null}
          onChange={(chosen) => put('saliency', chosen ? OCCLUSION : null)}
        />
        {method === 'occlusion' ? (
          <>
            <Whole {...props} path="saliency.patch" min={1} max={4096} />
            <Whole {...props} path="saliency.stride" min={1} max={4096} />
          </>
        ) : null}
      </div>
    </Group>
  );
}

function CardFields(props: FieldsProps & { readonly kind: ImportKind }) {
  const { card, disabled, kind, problem, put } = props;
  // Bundles that are taken are of volumes, and say so themselves.
  const volume = kind === 'monai' || partOf(card, 'input.kind') === 'volume';
  const atLabels = problem('labels');
  const atSteps = problem('preprocessing');
  return (
    <>
      <Group title={words.groups.what}>
        <div className="card-row">
          <Line {...props} path="name" />
          <Line {...props} path="version" />
          <Line {...props} path="title" />
          <Choice {...props} path="intended_use" of={models.uses} />
        </div>
      </Group>
      <Group title={words.groups.told}>
        <Words {...props} path="purpose" />
        <Words {...props} path="population" />
        <Words {...props} path="training_data" />
        <Words {...props} path="performance" />
        <Words {...props} path="limits" />
      </Group>
      <Group title={words.groups.input}>
        <div className="card-row">
          <Choice {...props} path="input.kind" of={words.takes} />
          <Line {...props} path="input.modalities" list />
          <Line {...props} path="input.body_parts" list />
          <Line {...props} path="input.views" list />
        </div>
        <div className="card-row">
          <Whole {...props} path="input.age_years.min" min={0} max={130} />
          <Whole {...props} path="input.age_years.max" min={0} max={130} />
          <Choice {...props} path="input.age_years.unknown" of={words.unknownAge} />
        </div>
      </Group>
      {volume ? (
        <Group title={words.groups.roles}>
          <RoleRows
            rows={rowsOf(card, 'input.roles')}
            disabled={disabled}
            problem={problem}
            onChange={(rows) => put('input.roles', rows)}
          />
        </Group>
      ) : null}
      <Group title={words.groups.labels}>
        {atLabels ? <p className="card-problem">{atLabels}</p> : null}
        <LabelRows
          rows={rowsOf(card, 'labels')}
          disabled={disabled}
          problem={problem}
          onChange={(rows) => put('labels', rows)}
        />
        <div className="card-row">
          <Choice
            {...props}
            path="architecture.params.activation"
            of={words.activations}
          />
        </div>
      </Group>
      {volume ? null : <SaliencyFields {...props} />}
      <Group title={words.groups.steps}>
        {atSteps ? <p className="card-problem">{atSteps}</p> : null}
        <StepRows
          rows={rowsOf(card, 'preprocessing')}
          disabled={disabled}
          volume={volume}
          onChange={(rows) => put('preprocessing', rows)}
        />
      </Group>
    </>
  );
}

/** The whole card as text; what can not be read is not kept, and says so. */
function RawCard({
  card,
  disabled,
  onCard,
}: {
  card: Card;
  disabled: boolean;
  onCard: (card: Card) => void;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  const bad = typed !== null && objectOf(typed) === null;
  return (
    <details className="card-raw">
      <summary>{words.raw}</summary>
      <Textarea
        aria-label={words.raw}
        description={words.rawDetail}
        autosize
        minRows={4}
        maxRows={24}
        classNames={{ input: 'mono' }}
        disabled={disabled}
        value={typed ?? JSON.stringify(card, null, 1)}
        error={bad ? words.rawBad : undefined}
        onChange={(event) => {
          const text = event.currentTarget.value;
          const said = objectOf(text);
          setTyped(text);
          if (said) onCard(said);
        }}
        onBlur={() => setTyped(null)}
      />
    </details>
  );
}

function JsonButton({ onCard }: { onCard: (card: Card) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [bad, setBad] = useState(false);
  return (
    <>
      <button type="button" className="btn small" onClick={() => input.current?.click()}>
        {words.readJson}
      </button>
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        hidden
        aria-label={words.readJson}
        data-testid="card-input"
        onChange={async (event) => {
          const { files } = event.currentTarget;
          const said = files?.[0] ? objectOf(await files[0].text()) : null;
          setBad(said === null);
          if (said) onCard(said);
        }}
      />
      {bad ? <Notice kind="fail" title={words.badJson} assertive /> : null}
    </>
  );
}

/** Parts of a card whose problems are told at their group. */
const OWN = new Set(['labels', 'preprocessing', 'input.roles', 'saliency']);

/** Things that are missing at fields which this form does not have. */
function Elsewhere({ gaps }: { gaps: readonly CardGap[] }) {
  const shown = gaps.filter(({ field }) => {
    return !(field in words.fields || OWN.has(field) || field.startsWith('labels.'));
  });
  if (shown.length === 0) return null;
  return (
    <div className="card-problem">
      <b>{words.others}</b>
      <ul>
        {shown.map((gap) => (
          <li key={gap.field + gap.detail}>{gap.detail}</li>
        ))}
      </ul>
    </div>
  );
}

export interface CardFormProps {
  readonly row: ModelImport;
  readonly said: Description;
  readonly disabled: boolean;
  readonly onChange: (said: Description) => void;
}

/** What a person says of a model; each thing that is missing is told at its field. */
export function CardForm({ row, said, disabled, onChange }: CardFormProps) {
  const [filled, setFilled] = useState(0);
  const { card, kind, expected_sha256 } = said;
  const put = (path: string, value: unknown) =>
    onChange({ ...said, card: withPart(card, path, value) });
  const fill = (next: Card) => onChange({ ...said, card: next });
  return (
    <div className="card-form">
      <div className="card-row">
        <Select
          label={words.kind}
          data={KINDS}
          value={kind}
          allowDeselect={false}
          disabled={disabled}
          onChange={(chosen) =>
            onChange({ ...said, kind: (chosen ?? 'auto') as ImportKind })
          }
        />
        <TextInput
          className="long"
          label={words.expected}
          description={words.expectedDetail}
          disabled={disabled}
          value={expected_sha256}
          maxLength={64}
          onChange={(event) =>
            onChange({ ...said, expected_sha256: event.currentTarget.value.trim() })
          }
        />
      </div>
      {disabled ? null : (
        <JsonButton
          onCard={(next) => {
            fill(next);
            setFilled(filled + 1);
          }}
        />
      )}
      <CardFields
        key={filled}
        card={card}
        kind={kind}
        disabled={disabled}
        problem={problemAt(row)}
        put={put}
      />
      <Elsewhere gaps={[...row.gaps, ...row.named]} />
      <RawCard card={card} disabled={disabled} onCard={fill} />
    </div>
  );
}
