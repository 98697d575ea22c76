import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';

/** What was done on the page before, until it is closed; null is nothing. */
export function DoneMessage({
  message,
  onClose,
}: {
  message: string | null;
  onClose: () => void;
}) {
  if (message === null) return null;
  return (
    <Notice
      kind="good"
      title={message}
      actions={
        <button type="button" className="btn small" onClick={onClose}>
          {text.common.close}
        </button>
      }
    />
  );
}
