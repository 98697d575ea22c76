import './models-add.css';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type ModelImport, readModelImports } from '@/api/model-import-endpoints';
import { formatExact } from '@/domain/format';
import { sendModel } from '@/state/model-upload';
import type { ChosenFile } from '@/state/uploader';
import { modelsAdd as words } from '@/text/en-models-add';
import { Notice } from '@/ui/primitives';
import { ChooseSource, ImportPanel } from './models-add-panel';
import { QueryTable, wordsOf } from './table';

const KEY = ['model-imports'];

/** Whether files are one file, or all of one folder. */
function isOne(files: readonly ChosenFile[]): boolean {
  const tops = new Set(files.map(({ path }) => path.split('/')[0]));
  return files.length > 0 && tops.size === 1;
}

function Line({ row, onOpen }: { row: ModelImport; onOpen: () => void }) {
  const name = row.name || words.unnamed;
  return (
    <tr>
      <td>{name}</td>
      <td>{words.states[row.state]}</td>
      <td>{row.by || words.elsewhere}</td>
      <td className="when">{formatExact(row.begun_at)}</td>
      <td>
        {row.model ? `${row.model.name} ${row.model.version}` : row.reason.slice(0, 200)}
      </td>
      <td className="end">
        <button
          type="button"
          className="btn small"
          aria-label={words.openLabel(name, formatExact(row.begun_at))}
          onClick={onOpen}
        >
          {words.open}
        </button>
      </td>
    </tr>
  );
}

/** Adding a model: choose it, say what it is, watch it being imported. */
export function ModelsAdd() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: KEY, queryFn: readModelImports });
  const [shown, setShown] = useState<string | null>(null);
  const [problem, setProblem] = useState('');
  async function take(files: readonly ChosenFile[]): Promise<void> {
    if (files.length === 0) return;
    if (!isOne(files)) return setProblem(words.oneOnly);
    setProblem('');
    try {
      setShown(await sendModel(files, null));
    } catch (error) {
      setProblem(wordsOf(error));
    }
    await queries.invalidateQueries({ queryKey: KEY });
  }
  return (
    <section className="models-add" aria-label={words.title}>
      <h2>{words.title}</h2>
      <p className="admin-intro">{words.intro}</p>
      <p>
        <ChooseSource onFiles={(files) => void take(files)} />
      </p>
      <p className="t3">{words.accepts}</p>
      {problem ? (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      ) : null}
      {shown === null ? null : (
        <ImportPanel key={shown} id={shown} onClose={() => setShown(null)} />
      )}
      <h3>{words.listTitle}</h3>
      <QueryTable
        query={query}
        name={words.listTitle}
        heads={[...Object.values(words.heads), '']}
        empty={words.empty}
      >
        {(row) => <Line key={row.id} row={row} onOpen={() => setShown(row.id)} />}
      </QueryTable>
    </section>
  );
}
