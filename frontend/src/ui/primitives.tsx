import type { ReactNode } from 'react';
import type { Band as BandName } from '@/domain/model';
import { text } from '@/text/en';
import { Glyph, type GlyphName } from './glyph';

export function Band({ band }: { band: BandName }) {
  return <span className={`band ${band.toLowerCase()}`}>{text.bands[band]}</span>;
}

/** Marks whatever a model says. */
export function AiTag() {
  return <span className="ai-tag">{text.common.ai}</span>;
}

export function Key({ children }: { children: ReactNode }) {
  return <kbd className="kbd">{children}</kbd>;
}

export function Avatar({ initials, me = false }: { initials: string; me?: boolean }) {
  return (
    <span className={me ? 'avatar me' : 'avatar'} aria-hidden="true">
      {initials}
    </span>
  );
}

export interface NoticeProps {
  readonly kind?: 'note' | 'warn' | 'fail' | 'good';
  readonly title: ReactNode;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  readonly assertive?: boolean;
}

const NOTICE_GLYPHS: Readonly<Record<string, GlyphName>> = {
  note: 'info',
  warn: 'alert',
  fail: 'alert',
  good: 'check',
};

/** What happened, what is safe, what to do: in place, with its actions. */
export function Notice({
  kind = 'note',
  title,
  children,
  actions,
  assertive = false,
}: NoticeProps) {
  return (
    <div className={`notice ${kind} appear`} role={assertive ? 'alert' : 'status'}>
      <Glyph name={NOTICE_GLYPHS[kind] ?? 'info'} />
      <div className="grow">
        <b>{title}</b>
        {children}
        {actions ? <div className="acts">{actions}</div> : null}
      </div>
    </div>
  );
}

export interface SegmentsProps<T extends string> {
  readonly label: string;
  readonly value: T | null;
  readonly choices: readonly { readonly value: T; readonly label: string }[];
  readonly onChoose: (value: T) => void;
  readonly title?: string | undefined;
  readonly disabled?: boolean;
}

/** A few exclusive choices side by side. */
export function Segments<T extends string>(props: SegmentsProps<T>) {
  return (
    <fieldset className="seg" aria-label={props.label} title={props.title}>
      {props.choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          aria-pressed={props.value === choice.value}
          aria-disabled={props.disabled ?? false}
          onClick={() => {
            if (!props.disabled) props.onChoose(choice.value);
          }}
        >
          {choice.label}
        </button>
      ))}
    </fieldset>
  );
}

/** A probability as a bar with its threshold as a tick. The number stands beside it. */
export function ProbabilityBar(props: { p: number; threshold: number | null }) {
  const percent = (value: number) => `${Math.min(100, Math.max(0, value * 100))}%`;
  return (
    <span className="pbar" aria-hidden="true">
      <i style={{ width: percent(props.p) }} />
      {props.threshold === null ? null : <u style={{ left: percent(props.threshold) }} />}
    </span>
  );
}

export function Brand() {
  return (
    <span className="brand">
      <svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
        <rect
          x="1.5"
          y="1.5"
          width="13"
          height="13"
          rx="3"
          fill="none"
          stroke="var(--ai)"
          strokeWidth="1.8"
          strokeDasharray="3 2"
        />
        <rect
          x="7.5"
          y="7.5"
          width="13"
          height="13"
          rx="3"
          fill="var(--bg-1)"
          stroke="var(--human)"
          strokeWidth="1.8"
        />
        <path
          d="M10.7 14.2l2.4 2.4 4.2-4.7"
          fill="none"
          stroke="var(--human)"
          strokeWidth="1.8"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      {text.app}
    </span>
  );
}
