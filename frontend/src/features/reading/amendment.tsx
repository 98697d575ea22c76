import { formatExact } from '@/domain/format';
import { useRoom } from '@/state/room';
import { signed as words } from '@/text/en-signed';
import { Glyph } from '@/ui/glyph';
import { Notice } from '@/ui/primitives';

/** Beside the patient: which version of the reading this becomes. */
export function EditionTag() {
  const reading = useRoom((state) => state.reading);
  if (!reading?.amends) return null;
  return (
    <span className="edition-tag">
      <Glyph name="pencil" small /> {words.version(reading.edition)}
    </span>
  );
}

/** Above the images: that a signed reading is being amended, and why. */
export function AmendmentNotice() {
  const amends = useRoom(({ phase, reading }) =>
    phase === 'looking' ? null : (reading?.amends ?? null),
  );
  if (!amends) return null;
  return (
    <Notice kind="note" title={words.room.title(amends.edition)}>
      {words.room.detail(
        amends.signed_by,
        formatExact(amends.signed_at),
        words.because(amends.reason, amends.reason_text),
      )}
    </Notice>
  );
}
