import { useState } from 'react';
import { pictureUrl } from '@/api/held-endpoints';
import type { Comparison, DifferingFile, Side, SideName } from '@/api/held-types';
import { formatBytes, formatInteger } from '@/domain/format';
import { compareHeaders, pairPictures } from '@/domain/held';
import type { Id } from '@/domain/model';
import { held as words } from '@/text/en-held';
import { Glyph } from '@/ui/glyph';
import { WideTable } from '@/ui/wide-table';

const NAMES: readonly SideName[] = ['there', 'arrived'];

/** Why a side has no header to show; empty when it has one. */
function whyBare(side: Side | null): string {
  if (side === null) return words.nothingThere;
  if (side.hidden_reason !== '') return side.hidden_reason;
  return side.summary === null ? words.unreadable : '';
}

/** What each side says of its patient and study, line beside line. */
export function Headers({ sides }: { sides: Comparison['sides'] }) {
  const lines = compareHeaders(
    sides.there?.summary ?? null,
    sides.arrived?.summary ?? null,
  );
  const bare = NAMES.map((name) => whyBare(sides[name]));
  return (
    <WideTable className="held-lines" label={words.name}>
      <thead>
        <tr>
          <th scope="col">{words.field}</th>
          {NAMES.map((name) => (
            <th key={name} scope="col">
              {words.sides[name]}
              {sides[name]?.site ? ` · ${sides[name].site.name}` : ''}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {bare.some((why) => why !== '') ? (
          <tr>
            <td />
            {NAMES.map((name, i) => (
              <td key={name} className="t2">
                {bare[i]}
              </td>
            ))}
          </tr>
        ) : null}
        {bare.every((why) => why !== '')
          ? null
          : lines.map((line) => (
              <tr key={line.field} className={line.differs ? 'differs' : ''}>
                <th scope="row">
                  {words.fields[line.field]}
                  {line.differs ? (
                    <span className="mark">
                      <Glyph name="alert" small /> {words.differsMark}
                    </span>
                  ) : null}
                </th>
                {NAMES.map((name) => (
                  <td key={name}>
                    {line[name] === null ? '' : line[name] || words.empty}
                  </td>
                ))}
              </tr>
            ))}
      </tbody>
    </WideTable>
  );
}

interface PictureProps {
  readonly id: Id;
  readonly side: SideName;
  readonly uid: string | null;
  readonly n: number;
}

function Picture({ id, side, uid, n }: PictureProps) {
  const [failed, setFailed] = useState(false);
  const name = words.picture(words.sides[side], n);
  if (uid === null) return <div className="held-none">{words.noPictures}</div>;
  return (
    <figure>
      {failed ? (
        <div className="held-none">{words.pictureFailed}</div>
      ) : (
        <img
          src={pictureUrl(id, side, uid)}
          alt={name}
          loading="lazy"
          onError={() => setFailed(true)}
        />
      )}
      <figcaption>{name}</figcaption>
    </figure>
  );
}

/** The images of both sides beside each other, as far as this person may see them. */
export function Pictures({ id, sides }: { id: Id; sides: Comparison['sides'] }) {
  const pairs = pairPictures(sides.there?.pictures ?? [], sides.arrived?.pictures ?? []);
  if (pairs.length === 0) return null;
  return (
    <>
      <h3>{words.pictures}</h3>
      <div className="held-pictures">
        {pairs.map((pair, i) =>
          NAMES.map((name) => (
            <Picture
              key={`${name} ${pair.there} ${pair.arrived}`}
              id={id}
              side={name}
              uid={pair[name]}
              n={i + 1}
            />
          )),
        )}
      </div>
    </>
  );
}

/** On which side a file stands alone; null when both have it, or nobody may know. */
function aloneOn(uid: string, sides: Comparison['sides']): SideName | null {
  const [there, arrived] = NAMES.map((name) => sides[name]?.pictures.includes(uid));
  if (there === arrived) return null;
  return there ? 'there' : 'arrived';
}

function attributesOf({ differs }: DifferingFile, alone: SideName | null): string {
  if (alone) return words.only[alone];
  if (differs === null) return words.cannotSay;
  return differs.length === 0 ? words.noDifference : differs.join(', ');
}

function pixelsOf({ same_pixels }: DifferingFile, alone: SideName | null): string {
  if (alone) return words.empty;
  if (same_pixels === null) return words.cannotSay;
  return same_pixels ? words.samePixels : words.otherPixels;
}

/** What differs, file by file; only the files where nothing can be compared yet. */
export function Files({ comparison }: { comparison: Comparison }) {
  const { files, n_files, sides, item } = comparison;
  if (files.length === 0) return null;
  const bare = item.kind === 'unknown_site';
  const name = bare ? words.filesOnly : words.files;
  const compared = bare ? [] : [words.attributes, words.pixels, words.via];
  return (
    <>
      <h3>{name}</h3>
      <WideTable label={name}>
        <thead>
          <tr>
            {[...compared, words.bytes, words.file].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {files.map((file) => {
            const alone = aloneOn(file.sop_uid, sides);
            return (
              <tr key={`${file.sop_uid} ${file.via}`}>
                {bare ? null : (
                  <>
                    <td>{attributesOf(file, alone)}</td>
                    <td>{pixelsOf(file, alone)}</td>
                    <td>{words.vias[file.via] ?? (file.via || words.empty)}</td>
                  </>
                )}
                <td className="when">
                  {file.size > 0 ? formatBytes(file.size) : words.empty}
                </td>
                <td className="t3 uid">{file.sop_uid}</td>
              </tr>
            );
          })}
        </tbody>
      </WideTable>
      {files.length < n_files ? (
        <p className="t2">
          {words.compared(formatInteger(files.length), formatInteger(n_files))}
        </p>
      ) : null}
    </>
  );
}
