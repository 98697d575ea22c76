import type { ScoreBin, ThresholdTrial } from '@/api/slot-endpoints';
import { formatProbability } from '@/domain/format';
import { threshold as words } from '@/text/en-slots';

const W = 640;
const H = 120;
const PAD = 18;
const KINDS = ['present', 'absent', 'unknown'] as const;

const total = (bin: ScoreBin) => bin.present + bin.absent + bin.unknown;
const across = (p: number) => p * W;

function Bar({ bin, most }: { bin: ScoreBin; most: number }) {
  let top = H;
  const { low, high, present, absent, unknown } = bin;
  const [from, to] = [low.toFixed(2), high.toFixed(2)];
  const parts = KINDS.map((kind) => {
    const height = (bin[kind] / most) * (H - PAD);
    top -= height;
    return (
      <rect
        key={kind}
        className={`score-${kind}`}
        x={across(bin.low) + 1}
        y={top}
        width={across(bin.high - bin.low) - 2}
        height={height}
      />
    );
  });
  return (
    <g>
      <title>{words.binLabel(from, to, present, absent, unknown)}</title>
      {parts}
    </g>
  );
}

function Line({ at, name }: { at: number; name: string }) {
  return (
    <line
      className={`score-line ${name}`}
      x1={across(at)}
      x2={across(at)}
      y1={0}
      y2={H}
    />
  );
}

/** How the scores lie, by what readers say, with the thresholds. */
export function ScoreChart({ said }: { said: ThresholdTrial }) {
  const most = Math.max(1, ...said.histogram.map(total));
  const label = words.distributionLabel(said.scored, formatProbability(said.threshold));
  return (
    <figure className="score-chart">
      <figcaption>
        {words.distribution}
        {KINDS.map((kind) => (
          <span key={kind} className={`score-key ${kind}`}>
            {words.legend[kind]}
          </span>
        ))}
        <span className="t3">{words.most(most)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${W} ${H + PAD}`} role="img" aria-label={label}>
        {said.histogram.map((bin) => (
          <Bar key={bin.low} bin={bin} most={most} />
        ))}
        <Line at={said.holding} name="holding" />
        <Line at={said.threshold} name="asked" />
        <line className="score-axis" x1={0} x2={W} y1={H} y2={H} />
        {[0, 0.25, 0.5, 0.75, 1].map((p) => (
          <text
            key={p}
            x={across(p)}
            y={H + 14}
            textAnchor={p === 0 ? 'start' : p === 1 ? 'end' : 'middle'}
          >
            {p}
          </text>
        ))}
      </svg>
    </figure>
  );
}
