import { type Signature, signatureBox } from './signature.ts';

/** A picture of one bit a pixel, rows padded to whole bytes, the leftmost pixel in the highest bit; 1 is black. */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly rowBytes: number;
  readonly bits: Uint8Array;
}

/** Draws a signature `width` pixels wide with a pen of three pixels. */
export function rasterOf({ strokes }: Signature, width: number): Bitmap {
  const scale = (width - 1) / signatureBox.width;
  const height = Math.ceil(signatureBox.height * scale) + 1;
  const rowBytes = (width + 7) >> 3;
  const bits = new Uint8Array(rowBytes * height);
  const dot = (x: number, y: number): void => {
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++)
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        const at = row * rowBytes + (column >> 3);
        bits[at] = (bits[at] ?? 0) | (0x80 >> (column & 7));
      }
  };
  for (const stroke of strokes)
    for (const [index, [x, y]] of stroke.entries()) {
      const [fromX, fromY] = stroke[index - 1] ?? [x, y];
      line(Math.round(fromX * scale), Math.round(fromY * scale), Math.round(x * scale), Math.round(y * scale), dot);
    }
  return { width, height, rowBytes, bits };
}

/** Every point of a line (Bresenham). Both ends lie in the box, so that its length is bounded. */
function line(fromX: number, fromY: number, toX: number, toY: number, dot: (x: number, y: number) => void): void {
  const stepX = Math.sign(toX - fromX);
  const stepY = Math.sign(toY - fromY);
  const across = Math.abs(toX - fromX);
  const down = Math.abs(toY - fromY);
  let [x, y, error] = [fromX, fromY, across - down];
  for (;;) {
    dot(x, y);
    if (x === toX && y === toY) return;
    const twice = 2 * error;
    if (twice > -down) {
      error -= down;
      x += stepX;
    }
    if (twice < across) {
      error += across;
      y += stepY;
    }
  }
}
