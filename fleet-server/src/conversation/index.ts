export { type ContactPolicy, contactOf, contactPolicy } from './contact.ts';
export { type Conversation, type ConversationRooms, openConversation, wrap } from './conversation.ts';
