import { cardName, cardShape } from '@/domain/card-value';
import { models as words } from '@/text/en-models';
import './model-card.css';

/** One value of a card: words, a list, a table, or its parts. */
function CardValue({ value }: { value: unknown }) {
  const shape = cardShape(value);
  switch (shape.kind) {
    case 'nothing':
      return <p className="t3">{words.notSaid}</p>;
    case 'words':
      return <p>{shape.words}</p>;
    case 'list':
      return (
        <ul>
          {shape.items.map((item) => (
            <li key={item}>{item}</li>
          ))}
        </ul>
      );
    case 'table':
      return <CardTable heads={shape.heads} rows={shape.rows} />;
    case 'parts':
      return (
        <dl>
          {shape.parts.map(([name, part]) => (
            <div key={name}>
              <dt>{cardName(name)}</dt>
              <dd>
                <CardValue value={part} />
              </dd>
            </div>
          ))}
        </dl>
      );
  }
}

interface TableProps {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function CardTable({ heads, rows }: TableProps) {
  return (
    <table>
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head || <span className="visually-hidden">{words.cardRow}</span>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.join('|')}>
            {row.map((cell, place) => (
              <td key={heads[place]}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A model's card: what a reader asks first, then all the rest of it, folded. */
export function ModelCard({ card }: { card: Readonly<Record<string, unknown>> }) {
  const rest = Object.entries(card).filter(([part]) => !(part in words.parts));
  return (
    <div className="model-card">
      {Object.entries(words.parts).map(([part, name]) => (
        <section key={part}>
          <h3>{name}</h3>
          <CardValue value={card[part]} />
        </section>
      ))}
      <details>
        <summary>{words.restOfCard}</summary>
        {rest.map(([part, value]) => (
          <section key={part}>
            <h3>{cardName(part)}</h3>
            <CardValue value={value} />
          </section>
        ))}
      </details>
    </div>
  );
}
