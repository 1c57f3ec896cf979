import { z } from 'zod';

/** The box that a signature is written in: whole units from the upper left corner. */
export const signatureBox = { width: 1_000, height: 400 } as const;

/** Bounds of what is taken from a screen. */
export const signatureBounds = { strokesMax: 64, pointsMax: 2_048, durationMaxMs: 120_000 } as const;

const coordinate = (max: number) => z.number().int().min(0).max(max);

/** One point of the pen: place, and milliseconds since the first point of all. */
const point = z.tuple([
  coordinate(signatureBox.width),
  coordinate(signatureBox.height),
  z.number().int().min(0).max(signatureBounds.durationMaxMs),
]);

/**
 * A signature as it was written: strokes of timed points. As a vector it prints sharply on any paper, and the times tell a signature from a
 * copy of its picture. Time never runs backwards, and there are at most `signatureBounds` points in all.
 */
export const signature = z
  .object({ v: z.literal(1), strokes: z.array(z.array(point).min(1)).min(1).max(signatureBounds.strokesMax) })
  .refine(({ strokes }) => strokes.reduce((sum, stroke) => sum + stroke.length, 0) <= signatureBounds.pointsMax, {
    message: 'too many points',
  })
  .refine(
    ({ strokes }) => {
      let last = 0;
      return strokes.flat().every(([, , atMs]) => {
        const isLater = atMs >= last;
        last = atMs;
        return isLater;
      });
    },
    { message: 'time runs backwards' },
  );
export type Signature = z.infer<typeof signature>;

/** Whether it is more than a dot: something that a person could have meant. */
export const isWritten = ({ strokes }: Signature): boolean => {
  const points = strokes.flat();
  const span = (axis: 0 | 1): number => {
    const values = points.map((each) => each[axis]);
    return Math.max(...values) - Math.min(...values);
  };
  return points.length >= 8 && span(0) >= signatureBox.width / 10;
};

/** The data of an SVG path in the units of the box. A single point becomes a line of no length, which round caps show as a dot. */
export const signaturePath = ({ strokes }: Signature): string =>
  strokes
    .map((stroke) => {
      const [[x, y] = [0, 0], ...rest] = stroke;
      const lines = rest.length === 0 ? [`L${x} ${y}`] : rest.map(([toX, toY]) => `L${toX} ${toY}`);
      return `M${x} ${y}${lines.join('')}`;
    })
    .join('');

/** The signature as an SVG document. */
export const signatureSvg = (one: Signature): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${signatureBox.width} ${signatureBox.height}">` +
  `<path d="${signaturePath(one)}" fill="none" stroke="black" stroke-width="8" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
