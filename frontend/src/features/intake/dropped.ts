import type { ChosenFile } from '@/state/uploader';

/** What a look through dropped or chosen things has found. */
export interface Found {
  readonly files: readonly ChosenFile[];
  /** Files and folders that this computer did not let the browser read. */
  readonly unreadable: number;
}

const isDirectory = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry =>
  entry.isDirectory;
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;

/** All entries of a folder: browsers hand them out a hundred at a time. */
async function listFolder(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function fileOf(entry: FileSystemFileEntry): Promise<ChosenFile> {
  const file = await new Promise<File>((resolve, reject) => {
    entry.file(resolve, reject);
  });
  return { path: entry.fullPath.replace(/^\//, ''), file };
}

class Look {
  readonly files: ChosenFile[] = [];
  unreadable = 0;
  readonly #onFound: (n: number) => void;
  readonly #signal: AbortSignal;

  constructor(onFound: (n: number) => void, signal: AbortSignal) {
    this.#onFound = onFound;
    this.#signal = signal;
  }

  async take(entry: FileSystemEntry): Promise<void> {
    if (this.#signal.aborted) return;
    try {
      if (isFile(entry)) {
        this.files.push(await fileOf(entry));
        this.#onFound(this.files.length);
      } else if (isDirectory(entry)) {
        for (const inner of await listFolder(entry)) await this.take(inner);
      }
    } catch {
      this.unreadable += 1;
    }
  }
}

/** The entries of a drop; they must be asked for while the event is handled. */
export function entriesOf(transfer: DataTransfer): readonly FileSystemEntry[] {
  return [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
}

/** All files in and under the entries, with their paths as dropped. */
export async function lookThrough(
  entries: readonly FileSystemEntry[],
  onFound: (n: number) => void,
  signal: AbortSignal,
): Promise<Found> {
  const look = new Look(onFound, signal);
  for (const entry of entries) await look.take(entry);
  return signal.aborted
    ? { files: [], unreadable: 0 }
    : { files: look.files, unreadable: look.unreadable };
}

const byNumbers = new Intl.Collator('en', { numeric: true });

/** In the order in which a person would count them: `IM2` before `IM10`. */
export function inOrder(files: readonly ChosenFile[]): readonly ChosenFile[] {
  return files.toSorted((p, q) => byNumbers.compare(p.path, q.path));
}

/** The files of a file or folder dialogue. */
export function filesOf(list: FileList | null): readonly ChosenFile[] {
  return [...(list ?? [])].map((file) => ({
    path: file.webkitRelativePath || file.name,
    file,
  }));
}
