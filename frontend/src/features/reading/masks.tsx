import { useQueries, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { artefactUrl } from '@/api/endpoints';
import type { Affine } from '@/domain/geometry';
import { type Mask, outlineOf, type Patch, readMask } from '@/domain/mask';
import type { Finding, FindingMask, Id, Verdict } from '@/domain/model';
import { findingsOf, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { AiTag } from '@/ui/primitives';

const words = text.masks;

/** One colour a finding, all near AI's violet and none near a person's teal. */
const COLOURS = ['#c3a9ff', '#ff9ae0', '#8fb0ff', '#ffb27a', '#e0dc8a'] as const;

export const maskColour = (number: number) =>
  COLOURS[(number - 1) % COLOURS.length] ?? COLOURS[0];

export function maskQuery(item: Id | null, mask: FindingMask | null) {
  return {
    queryKey: ['mask', item, mask?.artefact_id ?? null],
    queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Mask> => {
      const url = artefactUrl(item ?? '', mask?.artefact_id ?? '');
      const response = await fetch(url, { credentials: 'same-origin', signal });
      if (!response.ok || !mask) throw new Error(String(response.status));
      return readMask(new Uint8Array(await response.arrayBuffer()), mask);
    },
    enabled: item !== null && mask !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: 1,
  };
}

/** The masks of findings, as far as they are here. */
export function useMasks(findings: readonly Finding[]): ReadonlyMap<Id, Mask> {
  const itemId = useRoom((state) => state.itemId);
  const masked = findings.filter((finding) => finding.mask);
  const answers = useQueries({
    queries: masked.map((finding) => maskQuery(itemId, finding.mask)),
  });
  return new Map(
    masked.flatMap(({ id }, place) => {
      const mask = answers[place]?.data;
      return mask ? [[id, mask] as const] : [];
    }),
  );
}

interface Marked {
  readonly finding: Finding;
  readonly ref: FindingMask;
  readonly number: number;
  readonly verdict: Verdict | null;
}

/** Findings with a mask in a series that are to be drawn: shown or hidden as marks are. */
function useMarked(seriesUid: string): readonly Marked[] {
  const ai = useRoom((state) => state.ai);
  const shown = useRoom((state) => state.marks);
  const verdicts = useRoom((state) => state.draft.content.verdicts);
  if (!shown) return [];
  return findingsOf(ai).flatMap((finding, place) => {
    const { mask: ref, positive } = finding;
    if (!positive || ref?.series_uid !== seriesUid) return [];
    const verdict = verdicts[finding.id] ?? null;
    return [{ finding, ref, number: place + 1, verdict }];
  });
}

interface ShapeProps {
  readonly marked: Marked;
  readonly matrix: Affine;
  /** Of the patch's corners to the matrix's units. */
  readonly shift: number;
  readonly patchOf: (mask: Mask) => Patch | null;
}

function Shape({ marked, matrix, shift, patchOf }: ShapeProps) {
  const itemId = useRoom((state) => state.itemId);
  const opacity = useRoom((state) => state.maskOpacity);
  const { data: mask } = useQuery(maskQuery(itemId, marked.ref));
  const path = useMemo(() => {
    const patch = mask ? patchOf(mask) : null;
    return patch ? outlineOf(patch) : '';
  }, [mask, patchOf]);
  if (path === '') return null;
  const { a, b, c, d, e, f } = matrix;
  const place = `matrix(${[a, b, c, d, e, f].join(' ')}) translate(${shift} ${shift})`;
  const rejected = marked.verdict?.verdict === 'reject';
  return (
    <g data-mask={marked.finding.id} transform={place}>
      <path className="mask-halo" d={path} />
      <path
        className={rejected ? 'mask-shape rejected' : 'mask-shape'}
        d={path}
        stroke={maskColour(marked.number)}
        fill={rejected ? 'none' : maskColour(marked.number)}
        fillOpacity={opacity}
      />
    </g>
  );
}

export interface MaskLayerProps {
  readonly seriesUid: string;
  readonly matrix: Affine;
  readonly shift: number;
  readonly patchOf: (mask: Mask) => Patch | null;
}

/** Masks as coloured shapes of their own over an image, which is not touched. */
export function MaskLayer({ seriesUid, ...rest }: MaskLayerProps) {
  const marked = useMarked(seriesUid);
  if (marked.length === 0) return null;
  return (
    <svg className="masks" aria-hidden="true">
      {marked.map((one) => (
        <Shape key={one.finding.id} marked={one} {...rest} />
      ))}
    </svg>
  );
}

/** `0.31`, `8.62`, `12.4`: three digits, or all before the point. */
export function volumeText(millilitres: number): string {
  return words.millilitres(millilitres.toFixed(millilitres < 10 ? 2 : 1));
}

function LegendLine({ marked }: { marked: Marked }) {
  const itemId = useRoom((state) => state.itemId);
  const { finding, number, ref, verdict } = marked;
  const { isError, isPending, refetch } = useQuery(maskQuery(itemId, ref));
  const label = `${number} ${finding.label.display}`;
  return (
    <li>
      <i style={{ borderColor: maskColour(number) }} />
      {verdict?.verdict === 'reject' ? <s>{label}</s> : label}
      <b>{volumeText(ref.volume_ml)}</b>
      {isPending ? words.loading : null}
      {isError ? (
        <button type="button" onClick={() => void refetch()}>
          {words.failed}
        </button>
      ) : null}
    </li>
  );
}

/** What the coloured shapes are, how large, and who says so. */
export function MaskLegend({ seriesUid }: { seriesUid: string }) {
  const marked = useMarked(seriesUid);
  if (marked.length === 0) return null;
  return (
    <div className="mask-legend">
      <ul>
        {marked.map((one) => (
          <LegendLine key={one.finding.id} marked={one} />
        ))}
      </ul>
      <p>
        <AiTag /> {text.room.panel.disclaimer}
      </p>
    </div>
  );
}
