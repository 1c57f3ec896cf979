import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { negativeHeadTopic, type TenantId } from '@tsunagu/protocols/fleet';
import { packetLengthMax } from '../frame-guard.ts';
import { fileNames } from './mosquitto-files.ts';

/** What mosquitto is told. */
export interface MosquittoSetting {
  readonly tenant: TenantId;
  readonly host: string;
  readonly port: number;
  /** Whose files these are: mosquitto started by root would become `mosquitto` and not read them. */
  readonly user: string;
  /** The fleet server's own name there: the common name of its certificate. */
  readonly serverName: string;
}

/** Who may do what: a terminal speaks below its own `up/`, hears its own `dn/` and the heads of the lists; `%u` is the name in its certificate. */
export const mosquittoRules = ({ tenant, serverName }: Pick<MosquittoSetting, 'tenant' | 'serverName'>): string =>
  [
    `user ${serverName}`,
    `topic read tms/v1/${tenant}/+/up/#`,
    `topic write tms/v1/${tenant}/+/dn/#`,
    `topic write ${negativeHeadTopic(tenant, '+')}`,
    '',
    `pattern write tms/v1/${tenant}/%u/up/#`,
    `pattern read tms/v1/${tenant}/%u/dn/#`,
    `pattern read ${negativeHeadTopic(tenant, '+')}`,
    '',
  ].join('\n');

/**
 * Writes what does not change into the folder with which `mosquitto -c FOLDER/mosquitto.conf` takes the place of our broker: mosquitto 2.0,
 * mosquitto.conf(5). `keepMosquittoFiles` has put the rest there.
 */
export async function writeMosquittoFolder(folder: string, setting: MosquittoSetting): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(folder, name);
  const configuration = [
    `user ${setting.user}`,
    `listener ${setting.port} ${setting.host}`,
    `cafile ${at(fileNames.root)}`,
    `certfile ${at(fileNames.cert)}`,
    `keyfile ${at(fileNames.key)}`,
    '# Who somebody is comes from the certificate alone, and so does the client id: one connection a certificate.',
    'require_certificate true',
    'use_identity_as_username true',
    'use_username_as_clientid true',
    '# Certificates that have ended. The fleet server keeps these files up to date, and has them read again by the number in the last one.',
    `crlfile ${at(fileNames.lists)}`,
    `pid_file ${at(fileNames.pid)}`,
    'tls_version tlsv1.3',
    `acl_file ${at('rules')}`,
    '# A frozen terminal costs this much at most; what it misses it pulls.',
    'max_inflight_messages 4',
    'max_queued_messages 1000',
    `message_size_limit ${packetLengthMax}`,
    '# What terminals said while the fleet server was away outlasts a crash of mosquitto.',
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_interval 1',
    'autosave_on_changes true',
    '',
  ].join('\n');
  const files = {
    rules: mosquittoRules(setting),
    // Last: whoever waits for it finds the others.
    'mosquitto.conf': configuration,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text, { mode: 0o600 });
}
