import {
  page,
  validityAnswers,
  validityFile,
  type ValidityFileDetail,
  validityFileDetail,
  type ValidityFileView,
  validityPaths,
} from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { z } from 'zod';
import type { Calls } from './access-calls.ts';

/** Files of validity checks, as the CLI uses them. */
export interface ValidityClient {
  handInValidity(link: string, text: string): Promise<Result<ValidityFileDetail>>;
  /** The newest, `count` at most. */
  validityFiles(count: number): Promise<Result<readonly ValidityFileView[]>>;
  validityFile(id: string): Promise<Result<ValidityFileDetail>>;
  validityAnswers(id: string): Promise<Result<z.infer<typeof validityAnswers>>>;
}

/** A file of 50,000 cards is on disk well within this. */
const fileTimeoutMs = 120_000;

export function validityCalls({ call }: Calls): ValidityClient {
  return {
    handInValidity: (link, text) =>
      call(validityFileDetail, validityPaths.files, { link, text }, 'POST', fileTimeoutMs),
    async validityFiles(count) {
      const answer = await call(page(validityFile), `${validityPaths.files}?limit=${count}`);
      return answer.ok ? ok(answer.value.items) : answer;
    },
    validityFile: (id) => call(validityFileDetail, validityPaths.file(id)),
    validityAnswers: (id) => call(validityAnswers, validityPaths.answers(id), undefined, 'GET', fileTimeoutMs),
  };
}
