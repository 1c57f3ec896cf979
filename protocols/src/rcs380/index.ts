export {
  decodePort100Command,
  decodePort100Response,
  encodePort100Command,
  encodePort100Response,
  type Port100Command,
  type Port100Response,
  port100Commands,
  port100Statuses,
  port100StatusMeaning,
  port100Timeout,
  protocolDefaults,
  type RfSetting,
  rfSettings,
} from './commands.ts';
export { decodePort100Frame, encodePort100Frame, type Port100Frame, port100DataMax } from './frame.ts';
