import specs from '@asyncapi/specs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv, type AnySchema } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formatsPlugin from 'ajv-formats';

/** Judges instances by JSON Schemas of 2020-12, strictly: an unknown keyword or format is a mistake. */
export function schemaJudge(): Ajv2020 {
  const judge = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
  formatsPlugin.default(judge);
  return judge;
}

/** What the official schema of AsyncAPI 3.0 finds wrong with a document. */
export function asyncApiFaults(document: unknown): readonly unknown[] {
  // The official schema holds draft 7 itself, under its own name.
  const judge = new Ajv({ strict: false, meta: false, validateSchema: false, allErrors: true, logger: false });
  formatsPlugin.default(judge);
  const isValid = judge.compile(specs.schemas['3.0.0'] as AnySchema);
  return isValid(document) ? [] : (isValid.errors ?? []);
}

/** What a validator of OpenAPI finds wrong with a document, its version first. */
export async function openApiFaults(document: object): Promise<readonly unknown[]> {
  const validator = new Validator();
  const { valid, errors } = await validator.validate({ ...document });
  if (validator.version !== '3.1') return [`read as ${validator.version}`];
  return valid ? [] : [errors];
}

/** The references of a document that lead nowhere inside it. */
export function danglingReferences(document: unknown): readonly string[] {
  const found = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
  return [...new Set(found)].filter((target) => {
    let here: unknown = document;
    for (const step of target.replace(/^#\//, '').split('/')) {
      const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return true;
      here = Object.entries(here).find(([key]) => key === name)?.[1];
    }
    return !target.startsWith('#/');
  });
}
