/** Runs of one shrinking. */
const runsMax = 200;

/**
 * Takes steps away for as long as the run still breaks the same invariant: halves first, then quarters, then single steps (ddmin;
 * Zeller and Hildebrandt, 2002, 3.2).
 * @param breaks whether a script still breaks it
 */
export async function shrink<Script extends { readonly steps: readonly unknown[] }, Name>(
  script: Script,
  name: Name,
  breaks: (script: Script, name: Name) => Promise<boolean>,
): Promise<Script> {
  let best = script;
  let runs = 0;
  for (let parts = 2; best.steps.length > 1 && runs < runsMax; ) {
    const size = Math.ceil(best.steps.length / parts);
    let isSmaller = false;
    for (let start = 0; start < best.steps.length && runs < runsMax; start += size) {
      const steps = best.steps.filter((_, index) => index < start || index >= start + size);
      runs += 1;
      if (!(await breaks({ ...best, steps }, name))) continue;
      best = { ...best, steps };
      isSmaller = true;
      break;
    }
    if (isSmaller) parts = Math.max(2, parts - 1);
    else if (size === 1) break;
    else parts = Math.min(best.steps.length, parts * 2);
  }
  return best;
}
