import { discuss } from '@/commands/reading/discuss';
import { leave } from '@/commands/reading/leave';
import { formatClock, formatExact, formatInteger } from '@/domain/format';
import type { User } from '@/domain/model';
import { measureWait, wordMinutes } from '@/domain/wait';
import { Bell } from '@/features/notices/bell';
import { CommandKey } from '@/features/shell/command-key';
import { useNow } from '@/state/clock';
import { setRoom, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { discussion } from '@/text/en-discussion';
import { Glyph } from '@/ui/glyph';
import { Avatar, Band } from '@/ui/primitives';
import { EditionTag } from './amendment';

function Waiting({ arrived, deadline }: { arrived: string; deadline: string }) {
  const wait = measureWait(arrived, deadline, useNow());
  const over = wait.state === 'over';
  const words = over ? text.list.over(wordMinutes(wait.over)) : wordMinutes(wait.minutes);
  return (
    <span
      className={`room-wait ${wait.state}`}
      title={text.list.arrivedAt(formatExact(arrived), formatExact(deadline))}
    >
      {over ? null : `${text.room.waiting} `}
      <b>{words}</b> {text.list.ofDeadline(wordMinutes(wait.allowed))}
    </span>
  );
}

function Who() {
  const item = useRoom((state) => state.item);
  if (!item) return <span className="who-is">{text.room.opening}</span>;
  const { patient, study } = item;
  const who = [patient.sex, patient.age_text].filter(Boolean).join(', ');
  const title = study.description || study.body_part || study.modality;
  const more = [
    study.accession_number && text.room.accession(study.accession_number),
    study.station,
    text.list.images(formatInteger(study.n_images), study.n_images === 1),
    text.room.revision(study.revision),
  ]
    .filter(Boolean)
    .join(' · ');
  return (
    <>
      <h1 className="who-is">
        <b>{patient.name}</b> {who}
        <span className="t3">{text.room.patientId(patient.id)}</span>
      </h1>
      <span className="which" title={`${title} · ${more}`}>
        <b>{title}</b>
        <span className="t3">{more}</span>
      </span>
    </>
  );
}

export function RoomHeader({ user, onBack }: { user: User; onBack: () => void }) {
  const item = useRoom((state) => state.item);
  const lease = useRoom((state) => state.lease);
  return (
    <header className="room-top">
      <button type="button" className="back" onClick={onBack}>
        <Glyph name="left" small />
        {text.room.back} <CommandKey command={leave} />
      </button>
      <Who />
      <EditionTag />
      <span className="grow" />
      {item ? (
        <>
          <Band band={item.band} />
          {item.state === 'done' ? null : (
            <Waiting arrived={item.arrived_at} deadline={item.deadline_at} />
          )}
        </>
      ) : null}
      {lease ? (
        <span className="lease">
          <Glyph name="lock" small />
          {text.room.leasedUntil(formatClock(lease.expires_at))}
        </span>
      ) : null}
      {item ? (
        <button
          type="button"
          className="btn small quiet"
          onClick={() => setRoom({ ask: { kind: 'discussion' } })}
        >
          {discussion.button} <CommandKey command={discuss} />
        </button>
      ) : null}
      <Bell />
      <span className="reader-me" title={user.display_name}>
        <Avatar initials={user.initials} me />
        <span>{user.display_name}</span>
      </span>
    </header>
  );
}
