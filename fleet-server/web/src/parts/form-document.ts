import { ApiError } from '../api.ts';
import { t } from '../text/index.ts';

type Entry = readonly [path: readonly string[], value: unknown];

/**
 * A form as the document that its fields make. The name of a field is where its value stands (`rings.0.percent`); what is empty is left out. A number
 * is one, times `data-times`; a checkbox with a value is an entry of a list, and one without is true or false; `data-as` says of other fields that
 * their text is JSON, `true` or `false`, or a text that may be empty.
 */
export function formDocument(form: HTMLFormElement): unknown {
  const found = new Map<string, unknown>();
  for (const field of form.elements)
    if (
      (field instanceof HTMLInputElement ||
        field instanceof HTMLSelectElement ||
        field instanceof HTMLTextAreaElement) &&
      field.name !== '' &&
      !field.disabled
    ) {
      const value = valueOf(field);
      const before = found.get(field.name);
      if (value !== undefined)
        found.set(field.name, Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value);
    }
  return nested([...found].map(([name, value]) => [name.split('.'), value]));
}

function valueOf(field: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement): unknown {
  if (field instanceof HTMLInputElement && field.type === 'checkbox') {
    if (!field.hasAttribute('value')) return field.checked;
    return field.checked ? [field.value] : [];
  }
  const text = field.value.trim();
  if (text === '') return field.dataset['as'] === 'text' ? '' : undefined;
  if (field.type === 'number') return Number(text) * Number(field.dataset['times'] ?? 1);
  if (field.type === 'datetime-local') return new Date(text).toISOString();
  if (field.dataset['as'] === 'flag') return text === 'true';
  if (field.dataset['as'] !== 'json') return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    throw new ApiError(0, 'BODY_NOT_JSON', t('rules.notJson', { why }), field.name);
  }
}

/** What stands at paths as one value: below names that are all numbers there is a list. */
function nested(entries: readonly Entry[]): unknown {
  const [first] = entries;
  if (first?.[0].length === 0) return first[1];
  const within = new Map<string, Entry[]>();
  for (const [[head = '', ...rest], value] of entries) within.set(head, [...(within.get(head) ?? []), [rest, value]]);
  const made = [...within].map(([head, parts]) => [head, nested(parts)] as const);
  const isList = made.length > 0 && made.every(([head]) => /^\d+$/.test(head));
  return isList ? made.map(([, value]) => value) : Object.fromEntries(made);
}
