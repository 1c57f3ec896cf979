import { expect, test } from 'vitest';
import { breakingDownload } from './negative-resume.ts';

test('a download of a list that breaks after whichever byte goes on from what is proven', {
  timeout: 1_800_000,
}, async () => {
  const { size, resumes } = await breakingDownload(5_500);
  let kept = 0;
  for (let cut = 0; cut < size; cut += 1) kept = Math.max(kept, await resumes(cut));
  expect(kept).toBeGreaterThan(15_000);
});
