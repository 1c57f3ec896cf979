export { type DeviceApi, type DeviceApiOptions, openDeviceApi } from './device-api.ts';
