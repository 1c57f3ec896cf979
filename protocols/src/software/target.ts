import type { SoftwareInstall } from '../fleet/job.ts';
import { fail, ok, type Result } from '../kit/index.ts';
import type { Signed, TargetFile } from './tuf/index.ts';

/** Where the image of a model's version stands in the targets. */
export const targetPath = (model: string, version: string): string => `${model}/${version}.tsw`;

/** A target by its digest, and its path. */
export interface FoundTarget {
  readonly path: string;
  readonly file: TargetFile;
}

/** Looks a target up by the SHA-256 of its image. */
export function findTarget(targets: Signed<'targets'>, digest: string): FoundTarget | undefined {
  for (const [path, file] of Object.entries(targets.targets)) if (file.hashes.sha256 === digest) return { path, file };
  return undefined;
}

/** The signed target of an order; the order itself decides nothing about the image but which one it is. */
export function targetOf(
  targets: Signed<'targets'>,
  { digest, size, version, counter }: Pick<SoftwareInstall, 'digest' | 'size' | 'version' | 'counter'>,
): Result<FoundTarget, 'SOFTWARE_NOT_PUBLISHED' | 'SOFTWARE_NOT_AS_ANNOUNCED'> {
  const found = findTarget(targets, digest);
  if (!found) return fail('SOFTWARE_NOT_PUBLISHED', { facts: { digest } });
  const { length, custom } = found.file;
  if (length !== size) return fail('SOFTWARE_NOT_AS_ANNOUNCED', { field: 'size' });
  if (custom.version !== version) return fail('SOFTWARE_NOT_AS_ANNOUNCED', { field: 'version' });
  if (custom.antiRollback !== counter) return fail('SOFTWARE_NOT_AS_ANNOUNCED', { field: 'counter' });
  return ok(found);
}
