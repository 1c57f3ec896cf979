import { chanceWhole, type RangeReader, type RangeWriter } from '../coding/range-coder.ts';

/** How far one step goes on a line on which something is met every `mean` places, and how likely it is met within. */
export interface Stride {
  readonly mean: number;
  readonly step: number;
  /** In `chanceWhole`. */
  readonly chance: number;
}

/** Steps of an eighth of the mean: within one of them every place is as likely as the next, to 0.2 % of a bit. */
export function strideFor(mean: number): Stride {
  const step = Math.max(1, Math.floor(mean / 8));
  return { mean, step, chance: chanceWithin(step, mean) };
}

/** 1 - e^(-x) for x = places / mean, by three terms in whole numbers, so that everybody gets the same. */
function chanceWithin(places: number, mean: number): number {
  const isShort = mean < 2 ** 32;
  const x = Math.floor(isShort ? (places * chanceWhole) / mean : places / Math.floor(mean / chanceWhole));
  const chance = x - Math.floor((x * x) / 131_072) + Math.floor((x * x * x) / (6 * 2 ** 32));
  return Math.min(chanceWhole - 1, Math.max(1, chance));
}

const chanceOf = ({ mean, step, chance }: Stride, places: number): number =>
  places === step ? chance : chanceWithin(places, mean);

/** Writes the way from `next` to what is met at `place`. */
export function writeMet(writer: RangeWriter, stride: Stride, next: number, end: number, place: number): void {
  let from = next;
  for (;;) {
    const places = Math.min(stride.step, end - from);
    const isHere = place < from + places;
    writer.event(isHere, chanceOf(stride, places));
    if (isHere) return writer.number(place - from, places);
    from += places;
  }
}

/** Writes that nothing more is met up to `end`. */
export function writeNothing(writer: RangeWriter, stride: Stride, next: number, end: number): void {
  for (let from = next; from < end; ) {
    const places = Math.min(stride.step, end - from);
    writer.event(false, chanceOf(stride, places));
    from += places;
  }
}

/** Where something is met next; -1: nothing up to `end`. */
export function readMet(reader: RangeReader, stride: Stride, next: number, end: number): number {
  for (let from = next; from < end && !reader.overran; ) {
    const places = Math.min(stride.step, end - from);
    if (reader.event(chanceOf(stride, places))) return from + reader.number(places);
    from += places;
  }
  return -1;
}
