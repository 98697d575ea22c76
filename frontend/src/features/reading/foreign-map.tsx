import { useCallback, useEffect, useMemo, useRef } from 'react';
import { nameOf, type Place, type ValueMap } from '@/domain/foreign';
import type { Affine } from '@/domain/geometry';
import {
  colourValues,
  type MapLook,
  SCALE_NAMES,
  scaleGradient,
  type Values,
  valuesIn,
  valuesOn,
} from '@/domain/parametric';
import type { Grid, View } from '@/domain/volume';
import { changeLook, lookOf, resetLook, useForeignState } from '@/state/foreign';
import { foreign } from '@/text/en-foreign';
import { AiTag } from '@/ui/primitives';
import { type DrawnItem, useMapValues } from './use-foreign';

const words = foreign.map;

/** Where a map is cut: its values there. */
type Cut = (map: ValueMap, values: Float32Array) => Values | null;

/** A value in as many digits as tell it from its neighbours in a range. */
export function valueText(value: number, { low, high }: { low: number; high: number }) {
  const span = Math.abs(high - low);
  const digits = span > 0 ? Math.ceil(2 - Math.log10(span)) : 2;
  const text = digits > 6 ? value.toPrecision(3) : value.toFixed(Math.max(0, digits));
  return text.replace('-', '−');
}

const unitOf = ({ unit }: ValueMap): string =>
  unit.code === '1' || unit.code === '' ? unit.display : unit.code;

interface LegendProps {
  readonly drawn: DrawnItem;
  readonly map: ValueMap;
  readonly look: MapLook;
}

/** What the colours of a map stand for. */
function Legend({ drawn, map, look }: LegendProps) {
  const name = nameOf(drawn.item, drawn.place);
  return (
    <div
      className="map-legend"
      role="img"
      aria-label={`${words.legend(name)}: ${words.range(
        valueText(look.low, look),
        valueText(look.high, look),
        unitOf(map),
      )}`}
    >
      <span>{valueText(look.high, look)}</span>
      <i style={{ background: scaleGradient(look.scale) }} />
      <span>{valueText(look.low, look)}</span>
      <b>{drawn.item.label.display}</b>
      <span>{unitOf(map) || words.noUnit}</span>
      {drawn.object.creator.origin === 'ai' ? <AiTag /> : null}
    </div>
  );
}

interface LayerProps {
  readonly drawn: DrawnItem;
  readonly map: ValueMap;
  readonly cut: Cut;
  /** From pixels (corners) of what was cut to CSS pixels. */
  readonly matrix: Affine;
}

/** A map as a coloured layer of its own: the image under it is never touched. */
function MapLayer({ drawn, map, cut, matrix }: LayerProps) {
  const holder = useRef<HTMLCanvasElement>(null);
  const looks = useForeignState((state) => state.looks);
  const look = lookOf(looks, drawn.id, map);
  const { low, high, scale, opacity } = look;
  const { data, isError, isLoading } = useMapValues(drawn.object, drawn.item);
  const found = useMemo(() => (data ? cut(map, data) : null), [data, map, cut]);
  useEffect(() => {
    const pen = holder.current?.getContext('2d');
    if (!pen || !found) return;
    const rgba = colourValues(found.values, { low, high, scale, opacity: 1 });
    pen.putImageData(new ImageData(rgba, found.columns, found.rows), 0, 0);
  }, [found, low, high, scale]);
  if (isLoading) return <output className="map-word">{words.reading}</output>;
  if (isError) return <output className="map-word bad">{words.failed}</output>;
  if (!found) return null;
  const { a, b, c, d, e, f } = matrix;
  const numbers = [a, b, c, d].map((n) => n * found.step);
  return (
    <>
      <canvas
        ref={holder}
        className="foreign-map"
        data-foreign-map={drawn.id}
        width={found.columns}
        height={found.rows}
        style={{ transform: `matrix(${[...numbers, e, f].join(',')})`, opacity }}
      />
      <Legend {...{ drawn, map, look }} />
    </>
  );
}

interface MapsProps {
  readonly drawn: readonly DrawnItem[];
  readonly cut: Cut;
  readonly matrix: Affine;
}

function Maps({ drawn, cut, matrix }: MapsProps) {
  const maps = drawn.filter((one) => one.item.map !== null);
  if (maps.length === 0) return null;
  return (
    <div className="map-layers">
      {maps.map((one) =>
        one.item.map ? (
          <MapLayer key={one.id} drawn={one} map={one.item.map} {...{ cut, matrix }} />
        ) : null,
      )}
    </div>
  );
}

export interface ImageMapsProps {
  readonly drawn: readonly DrawnItem[];
  readonly image: Place;
  /** Half the distance between the stack's images, mm. */
  readonly reach: number;
  readonly matrix: Affine;
}

/** Others' maps on one image of a stack. */
export function ImageMaps({ drawn, image, reach, matrix }: ImageMapsProps) {
  const cut = useCallback<Cut>(
    (map, values) => valuesOn(map, values, image, reach),
    [image, reach],
  );
  return <Maps {...{ drawn, cut, matrix }} />;
}

export interface PlaneMapsProps {
  readonly drawn: readonly DrawnItem[];
  readonly grid: Grid;
  readonly view: View;
  readonly at: number;
  readonly frameOfReference: string | null;
  readonly matrix: Affine;
}

/** Others' maps in one plane through a volume. */
export function PlaneMaps(props: PlaneMapsProps) {
  const { drawn, grid, view, at, frameOfReference, matrix } = props;
  const cut = useCallback<Cut>(
    (map, values) =>
      map.frame_of_reference_uid !== '' && map.frame_of_reference_uid === frameOfReference
        ? valuesIn(map, values, grid, view, at)
        : null,
    [grid, view, at, frameOfReference],
  );
  // Indices are whole at centres of voxels, the layer begins at their corners.
  const { a, b, c, d, e, f } = matrix;
  const corner = { a, b, c, d, e: e - (a + c) / 2, f: f - (b + d) / 2 };
  return <Maps {...{ drawn, cut }} matrix={corner} />;
}

interface OptionsProps {
  readonly id: string;
  readonly name: string;
  readonly map: ValueMap;
}

/** A range's end, written when it is a number. */
function End({ id, name, map, end }: OptionsProps & { end: 'low' | 'high' }) {
  const looks = useForeignState((state) => state.looks);
  const look = lookOf(looks, id, map);
  const shown = Number(look[end].toPrecision(6));
  return (
    <input
      // What is typed is kept until it is left; another range begins anew.
      key={shown}
      type="number"
      step="any"
      aria-label={`${words[end]} (${name})`}
      defaultValue={shown}
      onBlur={({ currentTarget }) => {
        const value = currentTarget.valueAsNumber;
        const other = end === 'low' ? look.high : look.low;
        const fits = end === 'low' ? value < other : value > other;
        if (fits) changeLook(id, { [end]: value });
        else currentTarget.value = `${shown}`;
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur();
      }}
    />
  );
}

/** How a map is shown: the range of its colours, their scale, how dense they are. */
export function MapOptions({ id, name, map }: OptionsProps) {
  const looks = useForeignState((state) => state.looks);
  const { opacity, scale } = lookOf(looks, id, map);
  const changed = looks[id] !== undefined;
  return (
    <fieldset className="map-options" aria-label={words.options(name)}>
      <div>
        <span>{words.low}</span>
        <End {...{ id, name, map }} end="low" />
        <span>{words.high}</span>
        <End {...{ id, name, map }} end="high" />
        <span>{unitOf(map)}</span>
      </div>
      <div>
        <span>{words.scale}</span>
        <select
          aria-label={`${words.scale} (${name})`}
          value={scale}
          onChange={(event) => {
            const wanted = SCALE_NAMES.find((one) => one === event.currentTarget.value);
            if (wanted) changeLook(id, { scale: wanted });
          }}
        >
          {SCALE_NAMES.map((one) => (
            <option key={one} value={one}>
              {words.scales[one]}
            </option>
          ))}
        </select>
        <span>{words.opacity}</span>
        <input
          type="range"
          min={10}
          max={100}
          step={10}
          value={Math.round(opacity * 100)}
          aria-label={`${words.opacity} (${name})`}
          onChange={(event) =>
            changeLook(id, { opacity: event.currentTarget.valueAsNumber / 100 })
          }
        />
      </div>
      <div className="t3">
        {words.below}
        {changed ? (
          <button type="button" className="link" onClick={() => resetLook(id)}>
            {words.again}
          </button>
        ) : null}
      </div>
    </fieldset>
  );
}
