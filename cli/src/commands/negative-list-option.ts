import { InvalidArgumentError, Option } from 'commander';

/** Names reach addresses and topics: what is no name is refused here. */
export function listName(text: string): string {
  if (!/^[a-z0-9-]{1,32}$/.test(text)) throw new InvalidArgumentError('a-z, 0-9 and "-", at most 32');
  return text;
}
/** The list that a command is about. */
export const listOption = () =>
  new Option('--list <name>', 'the list of an issuer or a brand / リスト名').argParser(listName).default('regular');
