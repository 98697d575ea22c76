import { useLocation } from 'wouter';
import { formatExact } from '@/domain/format';
import { isPreliminary } from '@/domain/model';
import { useRoom } from '@/state/room';
import { text } from '@/text/en';
import { looking as words } from '@/text/en-looking';
import { signed } from '@/text/en-signed';
import { Notice } from '@/ui/primitives';

/** Above the images: that this is looked at and not read, and whose it is. */
export function LookingNotice() {
  const here = useRoom((state) => state.phase === 'looking');
  const reading = useRoom((state) => state.reading);
  const holder = useRoom((state) => state.item?.lease?.holder.display_name ?? '');
  const [, navigate] = useLocation();
  if (!here || isPreliminary(reading?.verification ?? null)) return null;
  const done = reading?.signed_at;
  return (
    <Notice
      kind="note"
      title={
        done
          ? words.signed(reading.signed_by ?? '', formatExact(done))
          : words.read(holder || words.somebody)
      }
      actions={
        <button
          type="button"
          className="btn small"
          onClick={() => navigate(done ? '/signed' : '/')}
        >
          {done ? signed.title : text.room.toWorklist}
        </button>
      }
    >
      {done ? words.signedDetail : words.readDetail}
    </Notice>
  );
}
