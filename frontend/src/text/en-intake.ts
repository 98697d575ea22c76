import type { FileStatus, Intake, ReportFilter } from '@/domain/intake';

/** The words of the import page. */
export const intake = {
  title: 'Import',
  nav: (percent: number | null) => (percent === null ? 'Import' : `Import ${percent}%`),
  site: 'Import to',
  drop: {
    title: 'Drop a CD, folders, files or zips here',
    accepts:
      'DICOM with any file name, CDs with a DICOMDIR, .zip and .gz. Whatever else is in the folder is listed with the reason why it was left out. Nothing that is stored already is changed.',
    folder: 'Choose a folder…',
    files: 'Choose files…',
    here: 'Let go to import',
    reading: (n: string) => `Looking through the folder: ${n} files so far`,
    stop: 'Stop looking',
    empty: 'There is no file in it.',
    unreadable: (n: number) =>
      n === 1
        ? 'One file or folder cannot be read on this computer; it is not in this import.'
        : `${n} files or folders cannot be read on this computer; they are not in this import.`,
    failed: 'The import could not begin.',
  },
  now: {
    title: 'This import',
    to: (site: string) => `to ${site}`,
    phases: {
      running: 'Sending',
      held: 'Paused',
      finishing: 'Registering the studies',
      done: 'Done',
    },
    files: (done: string, of: string) => `${done} of ${of} files`,
    bytes: (done: string, of: string) => `${done} of ${of}`,
    rate: (rate: string) => `${rate}/s`,
    left: (span: string) => `about ${span} left`,
    known: (n: string) => `${n} were here from before and are not sent again`,
    pause: 'Pause',
    resume: 'Go on',
    cancel: 'Cancel…',
    cancelTitle: 'Cancel this import?',
    cancelDetail: (taken: string, rest: string) =>
      `${taken} files are taken and stay. ${rest} are not sent; the report will list them as refused.`,
    cancelSubmit: 'Cancel the import',
    keep: 'Keep importing',
    stay: 'Files go up while this window is open. You can read meanwhile.',
    waiting: {
      archive: 'The archive does not answer. Nothing is lost; this goes on by itself.',
      busy: 'The portal is still at work on a file. This goes on by itself.',
      portal: 'The portal has trouble. Nothing is lost; this goes on by itself.',
      offline: 'No connection. Nothing is lost; this goes on by itself.',
    },
    holds: {
      user: 'Paused. What is sent is safe.',
      disk_full:
        'The server’s disk is full. What is sent is safe. Ask an administrator to make room, then go on.',
      logged_out: 'Your session ended. Log in as before, then go on.',
      closed:
        'This import was ended elsewhere. What was sent is in its report; drop the files again to send the rest.',
      forbidden: 'You may no longer import at this site. What is sent is safe.',
      gone: 'The portal does not know this import any more. Drop the files again.',
      offline: 'All files are sent, but the portal does not answer. Go on to finish.',
      unreadable:
        'This computer cannot read the files any more. Was the disc taken out? Put it back, then go on.',
      failed: 'Some files could not be sent from this computer.',
    },
    unsent: (n: number) => (n === 1 ? '1 file not sent' : `${n} files not sent`),
    why: {
      unreadable: 'this computer cannot read it',
      refused: 'the portal does not take it',
    },
    more: (n: number) => `and ${n} more`,
    tryAgain: 'Try them again',
    without: 'Finish without them',
    doneWell: (n: string) => `All ${n} files are accounted for.`,
    toWorklist: 'To the worklist',
  },
  left: {
    title: (clock: string, site: string) =>
      `An import of yours to ${site}, ${clock}, is not finished`,
    detail: (taken: string, of: string) =>
      `${taken} of ${of} files are taken. Choose the same folder again: what is here is not sent twice.`,
    resume: 'Choose the folder…',
    end: 'Finish without the rest',
    failed: 'Not finished.',
  },
  earlier: {
    title: 'Imports',
    empty: 'Nothing has been imported yet.',
    more: 'Older imports',
    via: {
      upload: 'this page',
      command: 'command line',
      stow: 'DICOMweb',
      watch: 'watched folder',
    } as Readonly<Record<string, string>>,
    by: (who: string, via: string) => `${who}, ${via}`,
    noOne: 'Overread',
    states: {
      open: 'open',
      done: 'done',
      abandoned: 'left unfinished',
    } satisfies Record<Intake['state'], string>,
    attention: (n: string) => `${n} to look at`,
    stored: (n: string) => `${n} new`,
    already: (n: string) => `${n} here before`,
    files: (n: string) => `${n} files`,
  },
  report: {
    title: 'Report',
    none: 'Choose an import to see what became of each file.',
    filters: {
      attention: 'To look at',
      stored: 'New',
      already: 'Here before',
      skipped: 'Left out',
      opened: 'Zips',
      all: 'All',
    } satisfies Record<ReportFilter, string>,
    statuses: {
      stored: 'New, stored',
      already: 'Here before, the same',
      conflict: 'Conflict, held',
      refused: 'Refused',
      skipped: 'Left out',
      opened: 'Zip, opened',
      missing: 'Missing on the disc',
    } satisfies Record<FileStatus, string>,
    waiting: 'Not taken yet',
    members: (done: string, total: string) => `${done} of ${total} members`,
    columns: { name: 'File', size: 'Size', status: 'What became of it', reason: 'Why' },
    empty: {
      attention: 'Nothing to look at: no file was refused, missing or in conflict.',
      other: 'No file of this kind.',
      waiting: 'Nothing is taken yet.',
    },
    csv: 'Report as CSV',
    csvWorking: (n: string) => `Reading ${n} …`,
    csvFailed: 'The report could not be read in full. Nothing was written.',
    name: 'The report',
    filter: 'Show',
  },
} as const;
