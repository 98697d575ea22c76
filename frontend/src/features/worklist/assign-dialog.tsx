import { Modal, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { type ListReader, readReaders } from '@/api/list-endpoints';
import { assignChosen, useChoosing } from '@/state/choosing';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import { Avatar, Notice } from '@/ui/primitives';

function ReaderLine({ reader }: { reader: ListReader }) {
  return (
    <span className="reader">
      <Avatar initials={reader.initials} />
      <span>
        <span className="l1">{reader.display_name}</span>
        <span className="l2">
          {worklist.readerLine(reader.assigned, reader.reading, reader.here)}
        </span>
      </span>
    </span>
  );
}

/** For whom the chosen studies are: a reader with what each has already, or nobody. */
export function AssignDialog({ onClose }: { onClose: () => void }) {
  const n = useChoosing((state) => state.chosen.size);
  const [to, setTo] = useState<string | null>(null);
  const { data, error } = useQuery({
    queryKey: ['list-readers'],
    queryFn: readReaders,
    staleTime: 0,
  });
  const readers = data ?? [];

  function send(id: string | null): void {
    const name = readers.find((reader) => reader.id === id)?.display_name ?? '';
    void assignChosen(id, name);
    onClose();
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (to !== null) send(to);
  }

  return (
    <Modal opened onClose={onClose} title={worklist.assignTitle(n)}>
      <form className="form-column" onSubmit={submit}>
        <Select
          label={worklist.assignTo}
          description={worklist.assignHint}
          placeholder={text.common.chooseOne}
          value={to}
          searchable
          selectFirstOptionOnChange
          data-autofocus
          data={readers.map((reader) => ({
            value: reader.id,
            label: reader.display_name,
          }))}
          renderOption={({ option }) => {
            const reader = readers.find((one) => one.id === option.value);
            return reader ? <ReaderLine reader={reader} /> : option.label;
          }}
          onChange={setTo}
        />
        {error ? (
          <Notice kind="fail" title={worklist.readersFailed}>
            {error.message}
          </Notice>
        ) : null}
        <div className="form-actions">
          <button type="button" className="btn quiet" onClick={() => send(null)}>
            {worklist.unassign}
          </button>
          <span className="grow" />
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={to === null}>
            {worklist.assign}
          </button>
        </div>
      </form>
    </Modal>
  );
}
