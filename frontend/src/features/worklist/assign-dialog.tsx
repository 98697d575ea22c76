import { Modal, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { type ListReader, readReaders } from '@/api/list-endpoints';
import { readerMeant } from '@/domain/choosing';
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

/** To whom one may assign; asked for before the dialog is opened, and again then. */
export function useListReaders(mayAssign = true) {
  return useQuery({
    queryKey: ['list-readers'],
    queryFn: readReaders,
    enabled: mayAssign,
    staleTime: 0,
  });
}

/**
 * Keeps the Enters that come before the readers are known: the first chooses whom the
 * letters mean, the second assigns. Where they mean several, the person is asked.
 */
function useEntersAhead(known: boolean, perform: (enters: number) => void) {
  const enters = useRef(0);
  const latest = useRef(perform);
  latest.current = perform;
  useEffect(() => {
    if (known && enters.current > 0) latest.current(enters.current);
    enters.current = 0;
  }, [known]);
  return (event: KeyboardEvent) => {
    if (known || event.key !== 'Enter' || !(event.target instanceof HTMLInputElement))
      return;
    event.preventDefault();
    event.stopPropagation();
    enters.current += 1;
  };
}

/** For whom the chosen studies are: a reader with what each has already, or nobody. */
export function AssignDialog({ onClose }: { onClose: () => void }) {
  const n = useChoosing((state) => state.chosen.size);
  const [to, setTo] = useState<string | null>(null);
  const [typed, setTyped] = useState('');
  const { data, error } = useListReaders();
  const readers = data ?? [];
  const onEnter = useEntersAhead(data !== undefined, (enters) => {
    const meant = readerMeant(readers, typed);
    if (meant === null) return;
    if (enters > 1) send(meant);
    else setTo(meant);
  });

  function send(id: string | null): void {
    const name = readers.find((reader) => reader.id === id)?.display_name ?? '';
    void assignChosen(id, name);
    onClose();
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (to !== null) send(to);
    else setTo(readerMeant(readers, typed));
  }

  return (
    <Modal opened onClose={onClose} title={worklist.assignTitle(n)}>
      <form className="form-column" onSubmit={submit} onKeyDownCapture={onEnter}>
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
          onSearchChange={setTyped}
          nothingFoundMessage={
            data === undefined ? worklist.readersAwaited : worklist.noReader
          }
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
