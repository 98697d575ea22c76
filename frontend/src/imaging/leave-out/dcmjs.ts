/**
 * In the place of dcmjs, of which Cornerstone takes a log, and tables and readers that it
 * asks for files and metadata of its own: ours come from the pack (modules.ts).
 */
type Say = (...words: readonly unknown[]) => void;

interface Log {
  readonly trace: Say;
  readonly debug: Say;
  readonly info: Say;
  readonly log: Say;
  readonly warn: Say;
  readonly error: Say;
  readonly levels: Readonly<Record<string, number>>;
  getLevel(): number;
  setLevel: Say;
  setDefaultLevel: Say;
  enableAll: Say;
  disableAll: Say;
  getLogger(name: string): Log;
}

const nothing: Say = () => undefined;

function quietLog(): Log {
  const found = new Map<string, Log>();
  return {
    trace: nothing,
    debug: nothing,
    info: nothing,
    log: nothing,
    warn: nothing,
    // biome-ignore lint/suspicious/noConsole: the library's own errors are to be seen
    error: (...words) => console.error(...words),
    levels: { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, SILENT: 5 },
    getLevel: () => 4,
    setLevel: nothing,
    setDefaultLevel: nothing,
    enableAll: nothing,
    disableAll: nothing,
    getLogger: (name) => {
      const kept = found.get(name) ?? quietLog();
      found.set(name, kept);
      return kept;
    },
  };
}

class NotHere {
  constructor() {
    throw new Error('dcmjs is left out: metadata come from the pack');
  }
}

export const log = quietLog();
export const constants: Readonly<Record<string, string>> = {
  IMPLICIT_LITTLE_ENDIAN: '1.2.840.10008.1.2',
  EXPLICIT_LITTLE_ENDIAN: '1.2.840.10008.1.2.1',
  DEFLATED_EXPLICIT_LITTLE_ENDIAN: '1.2.840.10008.1.2.1.99',
  EXPLICIT_BIG_ENDIAN: '1.2.840.10008.1.2.2',
};

/**
 * Every keyword stands for an attribute of its own. The library only makes sure that the
 * keywords it names exist; their numbers are asked for by readers that are not here.
 */
function anyKeyword(): Readonly<Record<string, { readonly tag: string }>> {
  const known: Record<string, { readonly tag: string }> = {};
  const entryOf = (keyword: string | symbol) => {
    if (typeof keyword !== 'string' || !/^[A-Z]/.test(keyword)) return undefined;
    const number = (0x10000 + Object.keys(known).length).toString(16).slice(-4);
    known[keyword] ??= { tag: `(FFFE,${number.toUpperCase()})` };
    return known[keyword];
  };
  return new Proxy(known, {
    get: (_, keyword) => entryOf(keyword),
    getOwnPropertyDescriptor: (_, keyword) => {
      const value = entryOf(keyword);
      return value && { value, configurable: true, enumerable: true, writable: true };
    },
  });
}

// biome-ignore lint/style/noDefaultExport: dcmjs has one
export default {
  log,
  constants,
  data: { DicomMetaDictionary: { dictionary: {}, nameMap: anyKeyword() } },
  async: { AsyncDicomReader: NotHere },
  utilities: { DicomMetadataListener: NotHere },
};
