import { agentErrors } from './agent.ts';
import { apiErrors } from './api.ts';
import { bridgeErrors } from './bridge.ts';
import { campaignErrors } from './campaigns.ts';
import { cliErrors } from './cli.ts';
import type { ErrorEntry } from './define.ts';
import { emvErrors } from './emv.ts';
import { fleetErrors } from './fleet.ts';
import { identityErrors } from './identity.ts';
import { iso8583Errors } from './iso8583.ts';
import { keyCustodyErrors } from './key-custody.ts';
import { keysErrors } from './keys.ts';
import { kitErrors } from './kit.ts';
import { lifeErrors } from './life.ts';
import { paymentErrors } from './payment.ts';
import { readersErrors } from './readers.ts';
import { softwareErrors } from './software.ts';
import { switchErrors } from './switch.ts';
import { workshopErrors } from './workshop.ts';

/** Every error code of the house, by room. The same code stands in logs, HTTP bodies, the CLI and `docs/errors.md`. */
export const errorsByRoom = {
  kit: kitErrors,
  iso8583: iso8583Errors,
  keys: keysErrors,
  custody: keyCustodyErrors,
  emv: emvErrors,
  readers: readersErrors,
  bridge: bridgeErrors,
  payment: paymentErrors,
  agent: agentErrors,
  fleet: fleetErrors,
  software: softwareErrors,
  identity: identityErrors,
  life: lifeErrors,
  campaigns: campaignErrors,
  api: apiErrors,
  switch: switchErrors,
  workshop: workshopErrors,
  cli: cliErrors,
} as const;

type Rooms = typeof errorsByRoom;

/** A stable error code. */
export type ErrorCode = Extract<{ [Room in keyof Rooms]: keyof Rooms[Room] }[keyof Rooms], string>;

/** The whole table: code → what it says and what to do next. */
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = Object.assign({}, ...Object.values(errorsByRoom));

/** Whether a text is a code of the table. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorTable, text);

export type { ErrorEntry } from './define.ts';
