import { createHash } from 'node:crypto';
import { type Signature, signatureBox } from './signature.ts';

/** Milliseconds between two points of a touch screen. */
const sampleMs = 12;

/** A signature that an emulated cardholder writes: loops from left to right that follow from the seed, the same each time. */
export function emulatedSignature(seed: string): Signature {
  const bytes = createHash('sha256').update(`signature\n${seed}`).digest();
  const one = (index: number): number => (bytes[index % bytes.length] ?? 0) / 255;
  const strokes: [number, number, number][][] = [];
  let atMs = 0;
  const count = 2 + Math.round(one(0) * 2);
  for (let index = 0; index < count; index++) {
    const points = 16 + Math.round(one(index + 1) * 24);
    const from = 60 + (index * 860) / count;
    const width = 700 / count;
    const loops = 1 + Math.round(one(index + 5) * 2);
    const size = 50 + one(index + 9) * 90;
    const stroke: [number, number, number][] = [];
    for (let step = 0; step <= points; step++) {
      const part = step / points;
      const angle = part * loops * 2 * Math.PI + one(index + 13) * Math.PI;
      const x = from + part * width + Math.cos(angle) * size * 0.5;
      const y = signatureBox.height / 2 + Math.sin(angle) * size * (1 - part / 3);
      stroke.push([clamp(x, signatureBox.width), clamp(y, signatureBox.height), atMs]);
      atMs += sampleMs;
    }
    strokes.push(stroke);
    atMs += 140 + Math.round(one(index + 17) * 120);
  }
  return { v: 1, strokes };
}

const clamp = (value: number, max: number): number => Math.min(max, Math.max(0, Math.round(value)));
