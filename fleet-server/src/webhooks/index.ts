export { type AddressRules, addressRules } from './address.ts';
export { type Delivery, openWebhooks, type Webhook, type Webhooks } from './webhooks.ts';
