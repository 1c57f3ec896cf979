export { asyncApi } from './asyncapi.ts';
export { deviceOpenApi } from './device-openapi.ts';
export { type JsonObject, jsonSchemas } from './json-schema.ts';
